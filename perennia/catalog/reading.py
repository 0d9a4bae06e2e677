"""Files of a workspace to text; what cannot be read is a finding, and nothing raises."""

from __future__ import annotations

from pathlib import Path

from perennia.catalog.findings import Finding, Severity

MAX_BYTES = 1_000_000  # YAML of that size takes ten seconds to parse; people write a hundredth of it into a file


def read_file(file: Path, shown: str) -> tuple[str | None, list[Finding]]:
    """The text of a file that is called ``shown``, or why there is none. What is no file at all is never opened."""
    try:
        if file.is_dir():
            message = "this is a folder, not a file; the files in it are read"
            return None, [Finding(shown, 1, 1, "no-file", message, "call it otherwise", Severity.WARNING)]
        if not file.is_file():
            message = "this link leads nowhere" if file.is_symlink() else "this is neither a file nor a folder"
            return None, [Finding(shown, 1, 1, "no-file", message, "remove it")]
        size = file.stat().st_size
        return (None, [_too_large(shown, size)]) if size > MAX_BYTES else read_bytes(shown, file.read_bytes())
    except OSError as error:
        message = f"this file cannot be read: {(error.strerror or str(error)).lower()}"
        return None, [Finding(shown, 1, 1, "no-file", message, "look at its permissions, and at where it links to")]


def read_bytes(path: str, content: bytes) -> tuple[str | None, list[Finding]]:
    """A file's text, or the finding that it is none."""
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n"), []
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        message = f"byte 0x{content[error.start]:02x} is not UTF-8"
        return None, [Finding(path, line, column, "bad-encoding", message, "save the file as UTF-8")]


def _too_large(shown: str, size: int) -> Finding:
    message = f"this file has {size:,} bytes; at most {MAX_BYTES:,} are read"
    return Finding(shown, 1, 1, "too-large", message, "split it into several files")

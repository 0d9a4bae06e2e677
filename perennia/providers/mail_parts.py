"""Mail that anybody may have written, as parts: never more of it than it takes to see what it tells, and no error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from email.message import Message
from email.parser import BytesParser, HeaderParser
from email.policy import compat32
from typing import Final, TypeAlias, cast

# A report stands before the message that it returns; what is behind this is that message's.
READ_BYTES: Final = 256 * 1024
# Each part has a Content-Type of its own. Real reports have three, and the message they return a few more; the parser's time
# grows with the square of the depth, and a thousand levels would end it.
MAX_PARTS: Final = 60
MAX_DEPTH: Final = 4
# Paragraphs, in effect. The parser makes a message of each group of a report: a hundred thousand would take a minute.
MAX_BLOCKS: Final = 500
MAX_GROUPS: Final = 20  # ours have one recipient

Part: TypeAlias = "Message[str, str]"


def parsed(content: bytes) -> Part:
    """The mail's beginning. What is nested too deeply to be a report has no parts: only its headers are read."""
    lines = content[:READ_BYTES].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    beginning = b"\n\n".join(lines.split(b"\n\n", MAX_BLOCKS)[:MAX_BLOCKS])
    whole = beginning.lower().count(b"content-type") <= MAX_PARTS
    return BytesParser(policy=compat32).parsebytes(beginning, headersonly=not whole)


def parts(mail: Part, depth: int = 0) -> Iterator[Part]:
    """The mail's own parts, in order, and not those of a message that it carries."""
    if mail.get_content_maintype() != "multipart":
        yield mail
        return
    for part in _children(mail) if depth < MAX_DEPTH else []:
        yield from parts(part, depth + 1)


def header(part: Part, name: str) -> str:
    """Its first value on one line, without comments being taken out; empty where there is none."""
    value = part.get(name)
    return " ".join(str(value).split()) if value is not None else ""


def groups(part: Part) -> list[Mapping[str, str]]:
    """A report's groups of fields (RFC 3464, 2.1), by lower-case name: that of the whole message, then each recipient's."""
    if part.get_content_subtype() == "delivery-status":
        blocks = _children(part)  # the parser reads each group as headers
    else:
        # RFC 6533 writes the same as message/global-delivery-status, which the parser takes for a message.
        blocks = [block for first in _children(part)[:1] for block in _unfolded(first)]
    return [group for block in blocks[:MAX_GROUPS] if (group := fields(block))]


def fields(block: Part) -> dict[str, str]:
    return {name.lower(): " ".join(str(value).split()) for name, value in block.items()}


def carried(part: Part) -> Part | None:
    """The headers of the message that the part carries, whole or only its headers; None where it carries none."""
    match part.get_content_type():
        case "message/rfc822" | "message/global":
            return next(iter(_children(part)), None)
        case "text/rfc822-headers" | "message/global-headers" | "message/rfc822-headers":
            inner = next(iter(_children(part)), None)
            return inner if inner is not None else HeaderParser(policy=compat32).parsestr(text(part))
        case _:
            return None


def text(part: Part) -> str:
    """What a part without parts says, in whatever characters can be made of it."""
    payload = part.get_payload(decode=True)
    return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def _children(part: Part) -> list[Part]:
    payload: object = part.get_payload()
    if not isinstance(payload, list):
        return []
    return [each for each in cast("list[object]", payload) if isinstance(each, Message)]


def _unfolded(first: Part) -> Iterator[Part]:
    yield first
    for block in text(first).replace("\r\n", "\n").split("\n\n", MAX_GROUPS)[:MAX_GROUPS]:
        yield HeaderParser(policy=compat32).parsestr(block.strip("\n"))

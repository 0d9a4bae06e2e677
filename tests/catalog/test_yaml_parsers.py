"""Two parsers read YAML: a quick one, and one that is asked wherever the quick one refuses. They read the same."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from perennia.catalog.yaml_source import YamlDocument, read_documents
from perennia.core.json_values import Json
from perennia.shipped import shipped_workspace

# Which of the two it is: a tab anywhere, be it in a comment, is for the slow one.
FOR_THE_SLOW_ONE = "\n#\t\n"
TEXTS = [path.read_text(encoding="utf-8") for path in sorted((shipped_workspace() / "playbooks").rglob("*.yaml"))]
PIECES = [*"\n:[]{},'\"é😀", "", " ", ": ", "- ", "? ", "&a ", "*a", "!!str ", " #", "\n---\n"]


@st.composite
def scratched(draw: st.DrawFn) -> str:
    """Some lines of a shipped file, with up to three places where something was put in or left out."""
    lines = draw(st.sampled_from(TEXTS)).split("\n")
    first = draw(st.integers(0, len(lines) - 1))
    text = "\n".join(lines[first : first + draw(st.integers(1, 12))])
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(PIECES)) + text[at + draw(st.integers(0, 2)) :]
    return text


def whole(documents: list[YamlDocument]) -> list[Json]:
    return [document.data for document in documents]


@given(scratched())
def test_what_the_quick_parser_takes_the_other_reads_alike(text: str) -> None:
    quick, findings = read_documents("f.yaml", text)
    assume(not findings)
    slow, refused = read_documents("f.yaml", text + FOR_THE_SLOW_ONE)
    assert refused == []
    assert whole(quick) == whole(slow)


def test_of_the_shipped_files_both_know_every_place() -> None:
    for text in TEXTS[::8]:
        quick, _ = read_documents("f.yaml", text)
        slow, _ = read_documents("f.yaml", text + FOR_THE_SLOW_ONE)
        for one, other in zip(quick, slow, strict=True):
            assert places(one) == places(other)


def places(document: YamlDocument) -> dict[tuple[str | int, ...], object]:
    return {path: (document.key_place(path), document.value_place(path)) for path in paths(document.data)}


def paths(value: Json, under: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [under, *(path for key, item in inner for path in paths(item, (*under, key)))]

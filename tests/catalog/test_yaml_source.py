"""YAML: the core schema of 1.2, positions, and traps."""

from __future__ import annotations

import pytest

from perennia.catalog.reading import read_bytes
from perennia.catalog.yaml_source import read_documents


def data_of(text: str) -> object:
    documents, findings = read_documents("f.yaml", text)
    assert findings == []
    return documents[0].data


def findings_of(text: str) -> list[str]:
    return [str(finding) for finding in read_documents("f.yaml", text)[1]]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("No", "No"),
        ("10:30", "10:30"),
        ("2026-03-02", "2026-03-02"),
        ("2026-03-02T10:00:00+01:00", "2026-03-02T10:00:00+01:00"),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("12", 12),
        ("-3", -3),
        ("0o14", 12),
        ("0x1F", 31),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("'12'", "12"),
        ("!!str 12", "12"),
        ("1_000", "1_000"),
        ("2d", "2d"),
        ('"a\\tb"', "a\tb"),
        ('"\\ud83d\\ude00"', "\U0001f600"),
    ],
)
def test_scalars_follow_the_core_schema_of_yaml_1_2(text: str, value: object) -> None:
    assert data_of(f"key: {text}") == {"key": value}


def test_a_directive_of_yaml_1_1_changes_nothing() -> None:
    assert data_of("%YAML 1.1\n---\na: yes\nb: 10:30\n") == {"a": "yes", "b": "10:30"}


def test_on_is_a_key_like_any_other() -> None:
    assert data_of("enter:\n  on:\n    - event: A\n") == {"enter": {"on": [{"event": "A"}]}}


def test_an_alias_repeats_its_anchor() -> None:
    assert data_of("a: &list [1, 2]\nb: *list\n") == {"a": [1, 2], "b": [1, 2]}


def test_a_file_holds_several_documents_and_empty_ones_are_left_out() -> None:
    documents, findings = read_documents("f.yaml", "a: 1\n---\n---\n# nothing\n---\nb: 2\n")
    assert [document.data for document in documents] == [{"a": 1}, {"b": 2}]
    assert findings == []


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("a: 1\na: 2\n", 'f.yaml:2:1: error duplicate-key: the key "a" stands here twice; remove one of them'),
        (
            "a:\n\tb: 1\n",
            "f.yaml:2:1: error bad-yaml: found character '\\t' that cannot start any token; indent with spaces, not tabs",
        ),
        (
            "a: 1\n b: 2\n",
            "f.yaml:2:3: error bad-yaml: mapping values are not allowed here; "
            'put text that holds ": " into quotes, and begin keys of one mapping in one column',
        ),
        (
            "a: [1\n",
            "f.yaml:2:1: error bad-yaml: expected ',' or ']', but got '<stream end>'; "
            "close what begins in line 1; # begins a comment",
        ),
        (
            "a: !python/object x\n",
            "f.yaml:1:4: error bad-yaml: the tag !python/object means nothing here; "
            "put text that begins with ! into quotes",
        ),
        (
            "a: *b\n",
            "f.yaml:1:4: error bad-yaml: found undefined alias 'b'; put text that begins with * into quotes",
        ),
        ("a: &b [*b]\n", "f.yaml:1:4: error bad-yaml: this anchor contains itself"),
        (
            "a: .inf\n",
            'f.yaml:1:4: error bad-number: the number ".inf" cannot be kept; put it into quotes to make it text',
        ),
        (
            "a: 12345678901234567890\n",
            'f.yaml:1:4: error bad-number: the number "12345678901234567890" cannot be kept; put it into quotes to make it text',
        ),
        ("[a]: 1\n", "f.yaml:1:1: error bad-key: a key must be a word, not a list or a mapping"),
        (
            "a: {{ x }}\n",
            "f.yaml:1:5: error bad-key: a key must be a word, not a list or a mapping; "
            "put text that begins with {{ into quotes",
        ),
        (
            "<<: {a: 1}\n",
            "f.yaml:1:1: error bad-key: merge keys (<<) are not part of YAML 1.2; write the keys out, or alias the whole value",
        ),
        ("a: b\x01c\n", "f.yaml:1:5: error bad-yaml: the character U+0001 is not allowed in YAML; remove it"),
        (
            'a: "\\ud83d"\n',
            "f.yaml:1:4: error bad-yaml: this text holds half a character (an escape \\uD800 to \\uDFFF)",
        ),
        ("[" * 100, "f.yaml:1:61: error bad-yaml: this is nested too deeply"),
    ],
)
def test_what_is_no_yaml_of_ours_is_a_finding_at_its_place(text: str, finding: str) -> None:
    assert findings_of(text) == [finding]


def test_anchors_of_anchors_do_not_unfold_without_bound() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    (finding,) = findings_of("\n".join(lines))
    assert "error too-large: this document holds more than 100000 values" in finding


def test_documents_before_a_broken_one_are_kept() -> None:
    documents, findings = read_documents("f.yaml", "a: 1\n---\nb: [\n")
    assert [document.data for document in documents] == [{"a": 1}]
    assert [finding.line for finding in findings] == [4]


def test_bytes_that_are_not_utf_8_are_found_where_they_stand() -> None:
    text, findings = read_bytes("f.yaml", "a: é\nb: ".encode() + b"\xff\n")
    assert text is None
    assert [str(finding) for finding in findings] == [
        "f.yaml:2:4: error bad-encoding: byte 0xff is not UTF-8; save the file as UTF-8"
    ]


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter() -> None:
    assert read_bytes("f.yaml", b"\xef\xbb\xbfa: 1\r\nb: 2\r\n") == ("a: 1\nb: 2\n", [])


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("key: one two", (1, 10)),
        ("key: 'it''s two'", (1, 13)),
        ('key: "a \\"b\\" two"', (1, 15)),
        ("key: one\n  two", (2, 3)),
        ("key: |\n  one\n  two\n", (3, 3)),
        ("key: >-\n  one\n\n    two\n", (4, 5)),
        ("key:   one two", (1, 12)),
    ],
)
def test_a_character_of_a_value_is_found_in_whatever_way_it_is_written(text: str, place: tuple[int, int]) -> None:
    (document,) = read_documents("f.yaml", text)[0]
    value = document.value(("key",))
    assert isinstance(value, str)
    assert document.value_place(("key",), value.index("two")) == place


def test_a_path_that_does_not_exist_is_placed_at_what_is_around_it() -> None:
    (document,) = read_documents("f.yaml", "a:\n  - b: 1\n")[0]
    assert document.key_place(("a", 0, "c")) == (2, 5)

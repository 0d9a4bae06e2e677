"""Files that hold what nobody meant: each is one finding at its place with what to do, and none takes long."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from perennia.catalog import load_workspace
from tests.support.workspaces import USUAL, CheckFiles, MakeWorkspace

BOOK = "playbook: p\ntopic: tips\nsteps: [{email: hello}]\n"
QUOTES = "put text that begins with {} into quotes"
ID = "use lower-case letters, digits, - and _"
BOMB = "\n".join(
    ["x0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    + [f"x{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
)

FILES: dict[str, tuple[str | bytes, str]] = {
    "a tab as indentation": (
        "playbook: p\nsteps:\n\t- wait: 1d\n",
        "3:1: error bad-yaml: found character '\\t' that cannot start any token; indent with spaces, not tabs",
    ),
    "a key twice": (
        BOOK + "topic: tips\n",
        '4:1: error duplicate-key: the key "topic" stands here twice; remove one of them',
    ),
    "another encoding": (
        BOOK.encode() + b"name: caf\xe9\n",
        "4:10: error bad-encoding: byte 0xe9 is not UTF-8; save the file as UTF-8",
    ),
    "UTF-16": (BOOK.encode("utf-16"), "1:1: error bad-encoding: byte 0xff is not UTF-8; save the file as UTF-8"),
    "nothing": ("", "1:1: warning empty-file: this file defines nothing"),
    "only comments": ("# later\n# more\n", "1:1: warning empty-file: this file defines nothing"),
    "only separators": ("---\n---\n", "1:1: warning empty-file: this file defines nothing"),
    "a list at the top": (
        "- playbook: p\n",
        "1:1: error unknown-kind: a document must be a mapping whose first key says what it is; "
        "one of: playbook, track, segment, health, survey, policies, scenario",
    ),
    "five megabytes": (
        BOOK + "# z\n" * 1_250_000,
        "1:1: error too-large: this file has 5,000,048 bytes; at most 1,000,000 are read; split it into several files",
    ),
    "lists without end": ("[" * 100_000, "1:61: error bad-yaml: this is nested too deeply"),
    "mappings without end": ("{a: " * 5_000, "1:238: error bad-yaml: this is nested too deeply"),
    "anchors of anchors": (BOOK + BOMB, "4:22: error too-large: this document holds more than 100000 values"),
    "an anchor in itself": ("playbook: p\nsteps: &s [*s]\n", "2:8: error bad-yaml: this anchor contains itself"),
    "yes for true": (
        BOOK.replace("hello", "hello, transactional: yes"),
        '3:39: error wrong-type: "transactional" must be true or false, not "yes"; '
        "YAML 1.2 knows true and false only; yes, no, on and off are words",
    ),
    "true as an id": (
        BOOK.replace("playbook: p", "playbook: true"),
        '1:11: error wrong-type: "playbook" must be text, not true; put it into quotes: "true"',
    ),
    "a number as a span": (
        "playbook: p\nsteps: [{wait: 3}]\n",
        '2:16: error wrong-type: "wait" must be a span, not 3; write one like 90s, 30m, 12h, 3d, 2w or 2bd',
    ),
    "a time with seconds": (
        "playbook: p\nsteps: [{wait: {until: 09:00:30}}]\n",
        '2:24: error bad-time: "09:00:30" is no time of day; write one like 09:00 or 17:30',
    ),
    "a date where an expression stands": (
        "playbook: p\nsteps: [{wait: {until: 2026-03-02}}]\n",
        "2:24: error bad-expression: 2026-03-02 is a calculation here, not a date; "
        "put quotes of its own into the quotes: '\"2026-03-02\"'",
    ),
    "an emoji as an id": (
        "playbook: 🚀\nsteps: [{wait: 1d}]\n",
        f'1:11: error bad-id: "🚀" is no id: it holds U+1F680 (rocket); {ID}',
    ),
    "a letter that looks like another": (
        "playbook: р\nsteps: [{wait: 1d}]\n",
        f'1:11: error bad-id: "р" is no id: it holds U+0440 (cyrillic small letter er); {ID}',
    ),
    "a text that turns round": (
        'playbook: "p\u202ex"\nsteps: [{wait: 1d}]\n',
        f'1:12: error bad-id: "p\\u202ex" is no id: it holds U+202E (right-to-left override); {ID}',
    ),
    "a key with a character that nobody sees": (
        'playbook: p\n"st\u200beps": [{wait: 1d}]\n',
        '2:1: error unknown-key: no key "st\\u200beps" in a playbook: it holds U+200B (zero width space); did you mean "steps"?',
    ),
    "a no-break space": (
        "playbook:\u00a0p\nsteps: [{wait: 1d}]\n",
        "2:6: error bad-yaml: mapping values are not allowed here; "
        "line 1 holds U+00A0 (no-break space), which is no space: write a plain one",
    ),
    "an event that nobody can send": (
        "playbook: p\nenter: {on: [{event: 'Go '}]}\nsteps: [{wait: 1d}]\n",
        '2:23: error bad-event: "Go " begins or ends with a space: names of events that come in do not; remove the space',
    ),
    "an event that nobody would type": (
        "playbook: p\nenter: {on: [{event: Signed\u00a0Up}]}\nsteps: [{wait: 1d}]\n",
        '2:28: warning bad-event: "Signed\\u00a0Up" holds U+00A0 (no-break space); '
        "write the name as it is sent, which is hardly with that",
    ),
    "not, without quotes": (
        "playbook: p\nwhile: !traits.x\nsteps: [{wait: 1d}]\n",
        f"2:8: error bad-yaml: the tag !traits.x means nothing here; {QUOTES.format('!')}",
    ),
    "not and a function, without quotes": (
        'playbook: p\nwhile: !idle("A", "1d")\nsteps: [{wait: 1d}]\n',
        f"2:14: error bad-yaml: expected ' ', but found '\"'; {QUOTES.format('!')}",
    ),
    "a template, without quotes": (
        "playbook: p\nsteps:\n  - task: {{ contact.name }} call\n",
        f"3:30: error bad-yaml: expected <block end>, but found '<scalar>'; {QUOTES.format('{{')}",
    ),
    "an asterisk, without quotes": (
        "playbook: p\nenter: {on: [{event: *}]}\nsteps: [{wait: 1d}]\n",
        f"2:23: error bad-yaml: expected alphabetic or numeric character, but found '}}'; {QUOTES.format('*')}",
    ),
    "an at sign, without quotes": (
        "playbook: p\nname: @ana\nsteps: [{wait: 1d}]\n",
        f"2:7: error bad-yaml: found character '@' that cannot start any token; {QUOTES.format('@')}",
    ),
    "a list in an expression, without quotes": (
        'playbook: p\nsteps: [{if: traits.tags == ["a"], wait: 1d}]\n',
        "2:29: error bad-yaml: expected ',' or '}', but got '['; put text that holds [ ] { } or , into quotes",
    ),
    "quotes that do not end": (
        'playbook: p\nname: "Hello\nsteps: [{wait: 1d}]\n',
        "4:1: error bad-yaml: found unexpected end of stream; close what begins in line 2; # begins a comment",
    ),
    "quotes of a word processor": (
        "playbook: p\nwhile: traits.plan == “pro”\nsteps: [{wait: 1d}]\n",
        '2:23: error bad-expression: unexpected character "“"; quotes are straight: "',
    ),
    "an expression without end": (
        f"playbook: p\nwhile: {' && '.join(['traits.a == 1'] * 2000)}\nsteps: [{{wait: 1d}}]\n",
        "2:1008: error bad-expression: an expression has at most 1000 characters; this one has 33996",
    ),
    "parentheses without end": (
        f"playbook: p\nwhile: {'(' * 400}true{')' * 400}\nsteps: [{{wait: 1d}}]\n",
        "2:58: error bad-expression: more than 50 operations deep; split the expression",
    ),
    "an instant that no calendar has": (
        "scenario: s\ncustomer: {id: a}\nstart: 9999-12-31T10:00:00Z\nuntil: 9d\nexpect: [{at: 0d, ended: goal}]\n",
        "3:8: error wrong-value: the year 9999 is out of reach: scenarios live from 1600 to 7999",
    ),
    "an end before the beginning": (
        "scenario: s\ncustomer: {id: a}\nstart: 2026-03-02T10:00:00Z\nuntil: 2026-03-01T10:00:00Z\n"
        "expect: [{at: 0d, ended: goal}]\n",
        '4:8: error wrong-value: "until" lies before "start": nothing would happen',
    ),
}


@pytest.mark.parametrize(("content", "finding"), FILES.values(), ids=FILES.keys())
def test_each_is_one_finding(check_files: CheckFiles, content: str | bytes, finding: str) -> None:
    assert check_files({"playbooks/p.yaml": content}) == [f"playbooks/p.yaml:{finding}"]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + BOOK.encode(),
        BOOK.replace("\n", "\r\n"),
        "playbook: on\nname: 🎉 مرحبا\ntopic: tips\nenter: {on: [{event: 🎉 Signed Up}]}\nsteps: [{email: hello}]\n",
        "playbook: p\nsteps: [{wait: {until: 09:00}}, {wait: {until: 9:30, on: [mon]}}]\n",
    ],
    ids=["a byte order mark", "line ends of Windows", "emoji and Arabic in names", "times without quotes"],
)
def test_what_is_only_unusual_is_read(check_files: CheckFiles, content: str | bytes) -> None:
    assert check_files({"playbooks/p.yaml": content}) == []


def test_what_is_called_like_a_file_and_is_none_is_a_finding(make_workspace: MakeWorkspace, tmp_path: Path) -> None:
    make_workspace({**USUAL, "playbooks/p.yaml": BOOK, "playbooks/folder.yaml/q.yml": BOOK.replace("p\n", "q\n")})
    (tmp_path / "playbooks/gone.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "playbooks/round.yaml").symlink_to(tmp_path / "playbooks/round.yaml")
    (tmp_path / "playbooks/again").symlink_to(tmp_path / "playbooks")
    os.mkfifo(tmp_path / "templates/pipe.md")
    workspace = load_workspace(tmp_path)
    assert [str(finding) for finding in workspace.findings] == [
        "playbooks/folder.yaml:1:1: warning no-file: this is a folder, not a file; the files in it are read; call it otherwise",
        "playbooks/gone.yaml:1:1: error no-file: this link leads nowhere; remove it",
        "playbooks/round.yaml:1:1: error no-file: this link leads nowhere; remove it",
        "templates/pipe.md:1:1: error no-file: this is neither a file nor a folder; remove it",
    ]
    assert sorted(workspace.playbooks) == ["p", "q"]


def test_a_file_that_nobody_may_read_is_a_finding(make_workspace: MakeWorkspace, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("whoever may everything may read it")
    make_workspace({**USUAL, "playbooks/p.yaml": BOOK})
    (tmp_path / "playbooks/p.yaml").chmod(0)
    assert [str(finding) for finding in load_workspace(tmp_path).findings] == [
        "playbooks/p.yaml:1:1: error no-file: this file cannot be read: permission denied; "
        "look at its permissions, and at where it links to"
    ]


def test_where_a_file_stands_for_the_folder_there_are_no_playbooks(make_workspace: MakeWorkspace) -> None:
    (finding,) = make_workspace({"playbooks": "playbook: p\n"}).findings
    assert finding.code == "empty-workspace"

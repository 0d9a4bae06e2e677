"""Whatever a file holds, loading answers with findings at places that exist, and raises nothing."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from perennia.catalog import Workspace, load_workspace, words
from perennia.core.definitions import CONDITIONS, STEPS, TRIGGERS
from tests.support.workspaces import USUAL

KEYS = sorted(
    {key for kind in words.KINDS.values() for key in words.keys_of(kind)}
    | {key for model in (*STEPS.values(), *TRIGGERS.values(), *CONDITIONS.values()) for key in words.keys_of(model)}
    | {*words.VERBS_NOT_YET, *words.INPUTS_NOT_YET, "at", "never", "email", "task_done", "x"}
)
WORDS = [
    "a",
    "p",
    "hello",
    "adoption",
    "new",
    "2d",
    "1bd",
    "traits.x == 1",
    "steps.a.outcome",
    "event.x > ",
    "{{ x }}",
    "{% if",
    "*",
    "A *",
    "",
]
SCALARS = st.sampled_from(WORDS) | st.integers(-1, 101) | st.booleans() | st.none() | st.text(max_size=5)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)
OPTIONS = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=3)


@st.composite
def step(draw: st.DrawFn) -> dict[str, object]:
    verbs = draw(st.lists(st.sampled_from(sorted(STEPS)), max_size=2))
    return {**dict.fromkeys(verbs, draw(VALUES)), **draw(OPTIONS)}


@st.composite
def document(draw: st.DrawFn) -> dict[str, object]:
    kind = draw(st.sampled_from(sorted(words.KINDS)))
    made: dict[str, object] = {kind: draw(SCALARS), **draw(OPTIONS)}
    if kind == "playbook":
        made["steps"] = draw(st.lists(step(), max_size=3))
    return made


YAML_TEXT = st.text(alphabet=st.sampled_from("ab:- \n\t[]{}&*!|>'\"%#?,\\01é\x00\u2028"), max_size=60)


def load(content: bytes, name: str = "playbooks/p.yaml") -> Workspace:
    with TemporaryDirectory() as folder:
        for path, text in {**USUAL, name: content}.items():
            file = Path(folder) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_workspace(Path(folder))


def assert_findings_have_places(workspace: Workspace) -> None:
    for finding in workspace.findings:
        assert finding.line >= 1
        assert finding.column >= 1
        assert "\n" not in str(finding)


@settings(max_examples=150, deadline=None)
@given(YAML_TEXT)
def test_any_text_gives_findings(text: str) -> None:
    assert_findings_have_places(load(text.encode()))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=40))
def test_any_bytes_give_findings(content: bytes) -> None:
    assert_findings_have_places(load(content))


@settings(max_examples=150, deadline=None)
@given(document())
def test_any_document_made_of_the_languages_words_gives_findings(made: dict[str, object]) -> None:
    assert_findings_have_places(load(json.dumps(made).encode()))


@settings(max_examples=100, deadline=None)
@given(YAML_TEXT, YAML_TEXT)
def test_any_template_gives_findings(front: str, body: str) -> None:
    assert_findings_have_places(load(f"---\nsubject: a\n{front}\n---\n{body}".encode(), "templates/x.md"))

"""The playbooks in the docs are sound and their scenarios hold, as a reader would find who copies them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from perennia.catalog import Severity, draft_documents, load_workspace, release
from perennia.cli.scenarios import WorkspaceRendering
from perennia.core.calls import FUNCTIONS
from perennia.core.expression_compiler import CEL_FUNCTIONS, CEL_METHODS
from perennia.core.expressions import compile_expression
from perennia.simulate.scenarios import run_scenario

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    "README.md",
    "docs/quickstart.md",
    "docs/playbook-reference.md",
    "docs/surveys.md",
    "docs/cookbook.md",
    "docs/examples.md",
    "docs/templates.md",
    "docs/time.md",
    "docs/testing-playbooks.md",
    "docs/versions.md",
]
REFERENCE = (ROOT / "docs/playbook-reference.md").read_text(encoding="utf-8")


def blocks(page: str) -> dict[str, str]:
    """The page's definitions by file: the one that a comment before the block names, else a number.

    Blocks that are no whole document (settings, fragments) are not marked as yaml.
    """
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.findall(r"^(?:<!-- (\S+\.yaml) -->\n)?```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return {name or f"{number}.yaml": block for number, (name, block) in enumerate(found)}


def workspace_of(page: str, folder: Path) -> Path:
    """A workspace of the page's definitions with the shipped templates, and the shipped policies where the page has none."""
    (folder / "playbooks").mkdir()
    shutil.copytree(ROOT / "templates", folder / "templates")
    found = blocks(page)
    for name, block in found.items():
        (folder / "playbooks" / name).write_text(block, encoding="utf-8")
    if not any(block.startswith("policies:") for block in found.values()):
        shutil.copy(ROOT / "playbooks/policies.yaml", folder / "playbooks")
    return folder


@pytest.mark.parametrize("page", PAGES)
def test_definitions_in_the_docs_are_sound(page: str, tmp_path: Path) -> None:
    workspace = load_workspace(workspace_of(page, tmp_path))
    assert [str(finding) for finding in workspace.findings if finding.severity is Severity.ERROR] == []
    assert workspace.definitions


@pytest.mark.parametrize("page", PAGES)
def test_scenarios_in_the_docs_hold(page: str, tmp_path: Path) -> None:
    workspace = load_workspace(workspace_of(page, tmp_path))
    documents = release(workspace).documents
    rendering = WorkspaceRendering(workspace.templates)
    drafts = draft_documents(workspace)
    failed = [
        each.scenario.scenario
        for each in workspace.scenarios
        if run_scenario(documents, each.scenario, rendering, drafts).differences
    ]
    assert failed == []


def documented_calls() -> list[str]:
    table = REFERENCE.split("| function |")[1].split("\n\n")[0]
    return [call for row in table.splitlines()[2:] for call in re.findall(r"`([^`]+)`", row.split(" | ")[0])]


def test_the_reference_has_every_function_and_no_other() -> None:
    assert {call.split("(")[0] for call in documented_calls()} == set(FUNCTIONS)


@pytest.mark.parametrize("call", documented_calls())
def test_calls_in_the_reference_compile(call: str) -> None:
    compile_expression(call.replace("(T,", "(traits.renewal_date,"), names=frozenset({"traits", "stage"}))


def test_the_reference_has_what_may_be_used_of_cel_itself() -> None:
    paragraph = REFERENCE.split("Of CEL's own")[1].split("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", paragraph)) >= CEL_FUNCTIONS | CEL_METHODS


def test_the_page_about_packs_has_every_playbook_and_no_other() -> None:
    page = (ROOT / "docs/packs.md").read_text(encoding="utf-8")
    shipped = [path for path in (ROOT / "playbooks").rglob("*.yaml") if "scenarios" not in path.parts]
    books = {
        name for path in shipped for name in re.findall(r"^playbook: (\S+)", path.read_text("utf-8"), re.MULTILINE)
    }
    assert set(re.findall(r"^\| `([\w-]+)`", page, re.MULTILINE)) == books

"""What the docs promise exists, and what exists is in the docs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from perennia.core.definitions import STEPS, TRIGGERS
from perennia.settings import OTHER_VARIABLES, PREFIX, Settings
from tools.write_docs import TABLES, command_names, written
from tools.write_picture import PICTURE, picture_text

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
REFERENCE = (ROOT / "docs/playbook-reference.md").read_text(encoding="utf-8")
# Variables of the compose file, which says itself what they are.
COMPOSE_ONLY = {"PERENNIA_PORT", "PERENNIA_DATABASE_PASSWORD"}


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def section(title: str) -> str:
    return REFERENCE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("name", TABLES)
def test_tables_that_the_code_knows_best_are_up_to_date(name: str) -> None:
    path, page, right = written(name)
    assert page == right, f"{name_of(path)}: the table of {name} is old; run: make docs"


def test_the_picture_of_a_simulation_is_up_to_date() -> None:
    assert PICTURE.read_text(encoding="utf-8") == picture_text(), "run: make docs"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    lost: list[str] = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target) or "{{" in target:
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            lost.append(target)
    assert not lost


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_variables_in_the_docs_are_settings(page: Path) -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | OTHER_VARIABLES | COMPOSE_ONLY
    assert set(re.findall(r"\bPERENNIA_[A-Z][A-Z_]+", page.read_text(encoding="utf-8"))) <= known


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_in_the_docs_exist(page: Path) -> None:
    said = set(re.findall(r"(?:`|bin/)perennia ([a-z]+)", page.read_text(encoding="utf-8")))
    assert said <= command_names()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_make_targets_in_the_docs_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)) <= targets


def test_the_reference_has_every_step_and_no_other() -> None:
    assert set(re.findall(r"^\| `(\w+)[:`]", section("Steps"), re.MULTILINE)) == set(STEPS)


def test_the_reference_has_every_trigger_and_no_other() -> None:
    assert set(re.findall(r"^\| `on: - (\w+):", section("Entering"), re.MULTILINE)) == set(TRIGGERS)


def test_every_decision_is_listed() -> None:
    listed = (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8")
    pages = {path.name for path in (ROOT / "docs/decisions").glob("0*.md")}
    assert set(re.findall(r"\]\((0\d+-[^)]+)\)", listed)) == pages


def test_a_decision_fits_on_a_page() -> None:
    for path in (ROOT / "docs/decisions").glob("0*.md"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 40, f"{name_of(path)} has more than 40 lines"

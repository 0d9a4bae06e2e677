"""The page about templates says what happens: its files render, its table is what the filters write."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from perennia.catalog import load_workspace
from perennia.core.definitions import NO_POLICIES
from perennia.core.json_values import JsonObject
from perennia.rendering import Reader, RenderedMessage, Surroundings, render_message, render_text, workspace_names

PAGE = (Path(__file__).resolve().parents[2] / "docs/templates.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^<!-- (templates/\S+) -->\n```text\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
NOW = datetime(2026, 5, 5, 14, 30, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
CONTEXT: JsonObject = {
    "contact": {"first_name": "Ana"},
    "traits": {
        "renewal_date": "2026-05-19",
        "plan": "pro",
        "mrr": 490,
        "features": ["reports", "alerts"],
        "seats": 10,
        "seats_used": 4,
    },
}


def rows() -> list[tuple[str, str, str]]:
    table = PAGE.split("<!-- formats -->")[1].split("\n\n")[0]
    found = re.findall(r"^\| `(.+)` \| (.+) \| (.+) \|$", table, re.MULTILINE)
    return [(template.replace("\\|", "|"), english, german) for template, english, german in found]


@pytest.mark.parametrize(("template", "english", "german"), rows())
def test_the_table_of_filters_is_what_they_write(template: str, english: str, german: str) -> None:
    written = [render_text(template, {}, Reader(locale, BERLIN, NOW)) for locale in ("en", "de")]
    assert [re.sub("[\u00a0\u202f]", " ", each) for each in written] == [english, german]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workspace")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def rendered(workspace: Path, name: str, locale: str) -> RenderedMessage:
    body = load_workspace(workspace).templates[name]
    about = workspace_names(NO_POLICIES) | {"url": "https://app.example.com"}
    return render_message(body, CONTEXT, Surroundings(about, reader=Reader(locale, BERLIN, NOW)))


def test_its_templates_are_sound(workspace: Path) -> None:
    found = load_workspace(workspace).findings
    assert [str(each) for each in found if each.path.startswith("templates/")] == []


def test_its_first_template_says_what_the_page_means(workspace: Path) -> None:
    message = rendered(workspace, "renewal/ahead", "en-GB")
    assert message.subject == "Your plan renews in 2 weeks"
    assert "on Tuesday, 19 May 2026 your Pro plan renews for another year, for €490.00 a month." in message.text
    assert "It comes with reports and alerts." in message.text
    assert "Of 10 seats 4 are in use: 40%." in message.text
    assert message.html is not None
    assert 'class="button" href="https://app.example.com/plan"' in message.html


def test_its_german_file_serves_austrians(workspace: Path) -> None:
    message = rendered(workspace, "renewal/ahead", "de-AT")
    assert message.subject == "Ihr Vertrag verlängert sich in 2 Wochen"
    assert "am Dienstag, 19. Mai 2026 verlängert sich" in message.text.replace("\n", " ")
    assert "€ 490,00" in message.text.replace("\u00a0", " ")


def test_its_partial_stands_in_what_includes_it(workspace: Path) -> None:
    assert rendered(workspace, "renewal/soon", "en").text.startswith(
        "Nothing to do, unless you want to.\n\nYours, the team\n\nBook a call (https://app.example.com/call)\n"
    )

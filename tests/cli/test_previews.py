"""`perennia preview`: a message as one customer would get it, sent to nobody."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.support.commands import perennia


def test_a_message_is_shown_with_what_may_go_wrong(workspace: Path) -> None:
    ended = perennia(workspace, "preview", "hello/greet")
    assert ended.code == 0
    assert ended.out.startswith("Subject: Welcome, Ana\n\nGlad to have you.")
    assert "hint no-preheader: it has no preheader" in ended.out


def test_it_is_written_with_the_values_of_a_customer_in_a_file(workspace: Path) -> None:
    (workspace / "eve.yaml").write_text("customer: {id: eve, traits: {first_name: Eve}}\n", encoding="utf-8")
    ended = perennia(workspace, "preview", "hello/greet", "--customer", str(workspace / "eve.yaml"), "--json")
    assert json.loads(ended.out)["subject"] == "Welcome, Eve"


def test_a_page_shows_it_on_phone_and_desktop_light_and_dark_and_runs_nothing(workspace: Path) -> None:
    page = workspace / "page.html"
    assert perennia(workspace, "preview", "hello/greet", "--html", str(page)).code == 0
    written = page.read_text(encoding="utf-8")
    frames = re.findall(r'<iframe sandbox title="(\w+, \w+)" width="(\d+)"', written)
    assert frames == [
        ("Phone, light", "375"),
        ("Phone, dark", "375"),
        ("Desktop, light", "720"),
        ("Desktop, dark", "720"),
    ]
    assert written.count("prefers-color-scheme") == 0
    assert "<script" not in written


def test_the_page_tells_what_goes_with_the_message(workspace: Path) -> None:
    page = workspace / "page.html"
    perennia(workspace, "preview", "hello/greet", "--html", str(page))
    written = page.read_text(encoding="utf-8")
    told = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", written))
    assert told["From"] == "Ana &lt;hello@example.com&gt;"
    assert told["Subject"] == "Welcome, Ana"
    assert told["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert (told["Sent by"], told["Topic"]) == ("hello, step greet", "news")
    assert told["Template"].startswith("hello/greet.md in en, ")
    assert '<li class="hint">it has no preheader' in written


def test_a_language_is_chosen_and_said(workspace: Path) -> None:
    (workspace / "templates/hello/greet.de.md").write_text("---\nsubject: Hallo\n---\nSchön!\n", encoding="utf-8")
    german = json.loads(perennia(workspace, "preview", "hello/greet", "--locale", "de-AT", "--json").out)
    french = json.loads(perennia(workspace, "preview", "hello/greet", "--locale", "fr", "--json").out)
    assert (german["subject"], german["file"], german["locale"]) == ("Hallo", "hello/greet.de.md", "de-AT")
    assert (french["file"], french["locale"]) == ("hello/greet.md", "en")


def test_a_value_that_is_missing_is_named_with_where_and_how_to_give_it(workspace: Path) -> None:
    (workspace / "templates/hello/greet.md").write_text(
        "---\nsubject: Hi\n---\n{{ traits.plan }} {{ code }}\n", encoding="utf-8"
    )
    ended = perennia(workspace, "preview", "hello/greet", "--with", "code=X1")
    assert ended.code == 1
    assert "hello/greet.md:4: traits.plan is missing" in ended.err


def test_a_value_is_given_by_the_name_that_the_template_has_for_it(workspace: Path) -> None:
    text = "---\nsubject: Hi\n---\n{{ steps.ask.score + 1 }} {{ traits.plan }} {{ tags | listed }}\n"
    (workspace / "templates/hello/greet.md").write_text(text, encoding="utf-8")
    given = ("--with", "steps.ask.score=8", "--with", "traits.plan=pro", "--with", 'tags=["a", "b"]')
    ended = perennia(workspace, "preview", "hello/greet", *given, "--json")
    assert json.loads(ended.out)["text"].startswith("9 pro a and b\n")


def test_an_unknown_template_is_answered_with_those_there_are(workspace: Path) -> None:
    ended = perennia(workspace, "preview", "hello/great")
    assert (ended.code, "there are hello/greet" in ended.err) == (2, True)

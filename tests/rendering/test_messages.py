from __future__ import annotations

from pathlib import Path

import pytest

from perennia.core.documents import TemplateBody
from perennia.core.json_values import JsonObject
from perennia.rendering import Reader, Surroundings, TemplateError, check_template, names_in, render_message
from perennia.rendering.source import locale_chain
from perennia.rendering.text_part import text_of

CONTEXT: JsonObject = {"contact": {"first_name": "Ana"}, "traits": {}, "account": None, "enter": {}, "steps": {}}
ACME = Surroundings(
    workspace={"url": "https://acme.example", "name": "Acme", "address": "1 Main Street, Utrecht"},
    message={"id": "0f3a@acme.example"},
    unsubscribe_url="https://acme.example/u/abc",
)


def template(**files: str) -> TemplateBody:
    """Files by ending, with ``_`` for a dot: ``de_md``."""
    return TemplateBody(name="onboarding/welcome", files={name.replace("_", "."): text for name, text in files.items()})


def body(text: str) -> str:
    return f"---\nsubject: S\n---\n{text}"


GOLDEN_MARKDOWN = """\
---
subject: Welcome, {{ contact.first_name }}
preheader: Three steps
---
# Hello {{ contact.first_name }}

your account is **ready**. See [the guide]({{ workspace.url }}/guide) or write to
[us](mailto:help@acme.example).

1. Create a project.
2. Connect a source:
   - a spreadsheet
   - a database

> Nobody ever
> regretted it.

| Plan | Seats |
|------|-------|
| pro  | 5     |

```
a  b
  c
```

---

[Create your project]({{ workspace.url }}/new)

https://acme.example/plain
"""

GOLDEN_TEXT = """\
Hello Ana

your account is ready. See the guide (https://acme.example/guide) or write to us (help@acme.example).

1. Create a project.
2. Connect a source:
  - a spreadsheet
  - a database

> Nobody ever regretted it.

Plan | Seats
pro | 5

a  b
  c

---

Create your project (https://acme.example/new)

https://acme.example/plain

Acme, 1 Main Street, Utrecht

Unsubscribe (https://acme.example/u/abc)
"""


def test_the_text_part_reads_like_the_message() -> None:
    assert render_message(template(md=GOLDEN_MARKDOWN), CONTEXT, ACME).text == GOLDEN_TEXT


def test_a_text_file_beside_the_template_is_the_text_part() -> None:
    message = render_message(template(md=body("rich"), txt="plain {{ contact.first_name }}"), CONTEXT, ACME)
    assert message.text == ("plain Ana\n\n-- \nAcme, 1 Main Street, Utrecht\nUnsubscribe: https://acme.example/u/abc\n")


def test_a_template_of_text_alone_makes_a_message_of_text_alone() -> None:
    message = render_message(
        template(txt="---\nsubject: S\nlayout: none\n---\nHi {{ contact.first_name }} <b>"), CONTEXT, ACME
    )
    assert (message.html, message.text) == (None, "Hi Ana <b>\n")


def test_a_link_whose_text_is_its_address_is_written_once() -> None:
    assert text_of('<p><a href="https://a.example">https://a.example</a></p>') == "https://a.example\n"


def test_what_is_hidden_in_html_is_not_in_the_text() -> None:
    html = "<head><title>T</title><style>p{}</style></head><div style='display: none'>x <p>y</p></div><p>z</p>"
    assert text_of(html) == "z\n"


def test_a_picture_is_its_description() -> None:
    assert text_of('<p>See <img src="x.png" alt="the chart"></p>') == "See the chart\n"


def test_broken_html_still_makes_a_text() -> None:
    assert text_of("<p>a</b></div><p>b <i>c<br>d") == "a\n\nb c\nd\n"


def test_the_preheader_is_in_the_html_and_not_in_the_text() -> None:
    message = render_message(template(md=GOLDEN_MARKDOWN), CONTEXT, ACME)
    assert message.preheader == "Three steps"
    assert message.html is not None
    assert "Three steps</div>" in message.html
    assert "Three steps" not in message.text


def test_styles_are_put_into_the_elements_and_media_queries_stay() -> None:
    html = render_message(template(md=body("Hello")), CONTEXT, ACME).html
    assert html is not None
    assert '<p style="margin: 0 0 16px;">Hello</p>' in html
    assert "@media (prefers-color-scheme: dark)" in html


def test_no_style_sheet_is_read_from_a_file_or_an_address(tmp_path: Path) -> None:
    secret = tmp_path / "x.css"
    secret.write_text("p { color: red }")
    links = f'<link rel="stylesheet" href="{secret}"><link rel="stylesheet" href="file://{secret}">'
    source = f"---\nsubject: S\nlayout: none\n---\n<html><head>{links}</head><body><p>x</p></body></html>"
    html = render_message(template(html=source), CONTEXT, ACME).html
    assert html is not None
    assert "red" not in html


def test_the_workspaces_layout_takes_the_place_of_the_built_in_one() -> None:
    framed = TemplateBody(
        name="t", files={"md": body("Hello")}, layout={"html": "<div>{{ content }}|{{ subject }}</div>"}
    )
    assert render_message(framed, CONTEXT, ACME).html == (
        "<html><head></head><body><div><p>Hello</p>\n|S</div></body></html>"
    )


def test_without_a_layout_there_is_only_the_message() -> None:
    bare = template(md="---\nsubject: S\nlayout: none\n---\nHello")
    assert render_message(bare, CONTEXT, ACME).text == "Hello\n"


def test_a_layout_that_does_not_exist_is_an_error_at_its_line() -> None:
    with pytest.raises(TemplateError, match='no layout "fancy"') as error:
        render_message(template(md="---\nsubject: S\nlayout: fancy\n---\nx"), CONTEXT, ACME)
    assert error.value.line == 3


def test_the_built_in_layout_names_language_and_direction() -> None:
    files = template(md=body("x"), ar_md=body("y"))
    english = render_message(files, CONTEXT, Surroundings(workspace={}, reader=Reader(locale="en"))).html
    arabic = render_message(files, CONTEXT, Surroundings(workspace={}, reader=Reader(locale="ar"))).html
    assert english is not None
    assert arabic is not None
    assert '<html lang="en" dir="ltr"' in english
    assert '<html lang="ar" dir="rtl"' in arabic


def test_a_text_that_is_not_there_in_the_readers_language_keeps_its_own_throughout() -> None:
    files = template(md=body("x {{ 1234.5 | number }}"), de_md=body("y {{ 1234.5 | number }}"))
    japanese = render_message(files, CONTEXT, surroundings_of("ja")).html
    austrian = render_message(files, CONTEXT, surroundings_of("de-AT")).html
    assert japanese is not None
    assert austrian is not None
    assert ('<html lang="en" dir="ltr"' in japanese, "x 1,234.5" in japanese) == (True, True)
    assert ('<html lang="de-AT" dir="ltr"' in austrian, "y 1.234,5" in austrian) == (True, True)


def test_a_text_without_a_language_is_in_the_workspaces() -> None:
    files = template(md=body("x {{ 1234.5 | number }}"))
    swiss = Surroundings(
        workspace={}, reader=Reader(locale="de-CH", home="de"), unsubscribe_url="https://acme.example/u/x"
    )
    assert render_message(files, CONTEXT, swiss).text == "x 1’234.5\n\nAbbestellen (https://acme.example/u/x)\n"


def test_the_layouts_words_are_in_the_messages_language() -> None:
    files = template(md=body("x"), fr_md=body("y"), ar_md=body("z"))
    assert "Se désabonner" in render_message(files, CONTEXT, surroundings_of("fr-CA")).text
    assert "إلغاء الاشتراك" in render_message(files, CONTEXT, surroundings_of("ar")).text
    assert "Unsubscribe" in render_message(files, CONTEXT, surroundings_of("pl")).text


def test_a_layout_for_a_language_serves_that_language_alone() -> None:
    layout = {"html": "{{ content }}all", "de.html": "{{ content }}deutsch"}
    files = TemplateBody(name="t", files={"md": body("x"), "de.md": body("y"), "fr.md": body("z")}, layout=layout)
    texts = [render_message(files, CONTEXT, surroundings_of(each)).text for each in ("de-AT", "fr", "en")]
    assert texts == ["y\n\ndeutsch\n", "z\n\nall\n", "x\n\nall\n"]


def surroundings_of(locale: str) -> Surroundings:
    return Surroundings(workspace={}, reader=Reader(locale=locale), unsubscribe_url="https://acme.example/u/x")


def test_a_message_without_a_topic_has_no_unsubscribe_link() -> None:
    message = render_message(template(md=body("x")), CONTEXT, Surroundings(workspace={"name": "Acme"}))
    assert "Unsubscribe" not in message.text


@pytest.mark.parametrize(
    ("locale", "chain"),
    [
        ("pt-BR", ["pt-BR", "pt", ""]),
        ("pt_BR", ["pt-BR", "pt", ""]),
        ("zh-Hant-TW", ["zh-Hant-TW", "zh-Hant", "zh", ""]),
        ("en", ["en", ""]),
        ("", [""]),
    ],
)
def test_a_language_falls_back_to_wider_ones(locale: str, chain: list[str]) -> None:
    assert locale_chain(locale) == chain


@pytest.mark.parametrize(
    ("locale", "text"), [("pt-BR", "pt"), ("de", "de"), ("DE-at", "de"), ("fr", "none"), ("en", "none")]
)
def test_the_nearest_language_is_chosen(locale: str, text: str) -> None:
    files = template(md=body("none"), pt_md=body("pt"), de_md=body("de"))
    assert text_first_line(files, locale) == text


def test_the_text_part_is_never_in_another_language() -> None:
    files = template(md=body("english"), de_md=body("deutsch"), txt="english text")
    assert text_first_line(files, "de") == "deutsch"


def text_first_line(files: TemplateBody, locale: str) -> str:
    message = render_message(files, CONTEXT, Surroundings(workspace={}, reader=Reader(locale=locale)))
    return message.text.splitlines()[0]


def test_a_language_without_a_file_is_an_error() -> None:
    with pytest.raises(TemplateError, match=r"there are: de\.md"):
        render_message(template(de_md=body("x")), CONTEXT, ACME)


@pytest.mark.parametrize(
    ("source", "line", "says"),
    [
        ("no front matter", 1, "has no subject"),
        ("---\nsubject: S\nno end", 1, "not closed"),
        ("---\nsubjct: S\n---\nx", 2, 'did you mean "subject"'),
        ("---\nsubject: S\npreheader: [a]\n---\nx", 3, "is text"),
        ("---\nsubject: S\nsubject: T\n---\nx", 3, "no YAML"),
        ("---\n- subject\n---\nx", 2, "KEY: VALUE"),
        ("---\nsubject: S\npreheader: {{ a }}\n---\nx", 3, "quotes"),
        ("---\nsubject: S\n---\nx\n\n{{ contact.nickname }}", 6, "contact.nickname is missing"),
        ("---\nsubject: S\npreheader: '{{ contact.nickname }}'\n---\nx", 3, "contact.nickname is missing"),
        ("---\n\nsubject: '{{ contact.nickname }}'\n---\nx", 3, "contact.nickname is missing"),
        ("---\nsubject: S\n---\nx\n{% if %}", 5, "Expected an expression"),
    ],
)
def test_an_error_names_template_line_and_what(source: str, line: int, says: str) -> None:
    with pytest.raises(TemplateError) as error:
        render_message(template(md=source), CONTEXT, ACME)
    assert error.value.template == "onboarding/welcome.md"
    assert error.value.line == line
    assert says in str(error.value)


def test_an_error_in_a_layout_names_the_layout() -> None:
    framed = TemplateBody(name="t", files={"md": body("x")}, layout={"html": "{{ content }}\n{{ workspace.nme }}"})
    with pytest.raises(TemplateError) as error:
        render_message(framed, CONTEXT, ACME)
    assert (error.value.template, error.value.line, error.value.name) == ("layouts/default.html", 2, "workspace.nme")


def test_a_check_finds_what_is_wrong_in_every_language() -> None:
    problems = check_template(template(md=body("{{ a | nofilter }}"), de_md=body("{% if %}"), fr_md=body("fine")))
    assert [problem.template for problem in problems] == ["onboarding/welcome.md", "onboarding/welcome.de.md"]


def test_the_names_of_a_template_include_those_of_its_layout() -> None:
    names = names_in(template(md="---\nsubject: '{{ enter.x }}'\n---\n{% set y = 1 %}{{ contact.first_name }}{{ y }}"))
    assert names >= {"contact", "enter", "unsubscribe_url", "workspace"}
    assert "y" not in names


def test_every_shipped_template_is_without_fault() -> None:
    folder = Path(__file__).parents[2] / "templates"
    files = sorted(folder.rglob("*.md"))
    assert files
    for file in files:
        name = str(file.relative_to(folder).with_suffix(""))
        assert not check_template(TemplateBody(name=name, files={"md": file.read_text(encoding="utf-8")})), name

"""A value is text, whatever it holds, wherever in a Markdown template it is put."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from perennia.core.documents import TemplateBody
from perennia.rendering import Surroundings, render_message

PLAIN = Surroundings(workspace={"url": "https://acme.example", "name": "Acme", "address": None})


def html_of(markdown: str, **names: str) -> str:
    template = TemplateBody(name="t", files={"md": f"---\nsubject: S\nlayout: none\n---\n{markdown}"})
    html = render_message(template, {"contact": {**names}}, PLAIN).html
    assert html is not None
    found = re.search(r"<body[^>]*>(.*)</body>", html, re.DOTALL)
    assert found is not None
    return found[1].strip()


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002  # HTMLParser's
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


HOSTILE = [
    "[x](http://evil.example)",
    "![x](http://evil.example/pixel.png)",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<http://evil.example>",
    "**bold** _it_ `code` ~~gone~~",
    "# heading",
    "\n\n# heading\n\n- list\n\n> quote\n\n    code\n\n***\n",
    "a | b\n--|--\n1 | 2",
    "](http://evil.example) [x",
    ")[x](http://evil.example",
    "&lt;b&gt; &amp; &#42;",
    "\\[x\\]",
    "{{ 7 * 7 }} {% if 1 %}",
    "pv0z pv1z",
    "[ref]: http://evil.example",
    "\"quotes\" and 'quotes'",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_in_a_paragraph_is_text(value: str) -> None:
    read = Tags(html_of("Hi {{ contact.name }}, welcome", name=value))
    assert read.tags == ["p"]
    assert read.text.split() == f"Hi {value}, welcome".split()


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_in_a_link_text_is_text(value: str) -> None:
    read = Tags(html_of("[Go, {{ contact.name }}](https://acme.example) now", name=value))
    assert read.tags == ["p", "a"]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_in_code_is_shown_as_it_is(value: str) -> None:
    read = Tags(html_of("Key: `{{ contact.name }}`", name=value))
    assert read.tags == ["p", "code"]
    assert read.text.split() == f"Key: {value}".split()


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_in_a_table_stays_in_its_cell(value: str) -> None:
    read = Tags(html_of("| a |\n|---|\n| {{ contact.name }} |", name=value))
    assert read.tags == ["table", "thead", "tr", "th", "tbody", "tr", "td"]


@pytest.mark.parametrize(
    "value",
    [
        "javascript:alert(1)",
        "JAVASCRIPT:alert(1)",
        " java\nscript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "vbscript:x",
    ],
)
def test_a_value_cannot_make_a_link_that_runs(value: str) -> None:
    assert '<a href="#">go</a>' in html_of("Please [go]({{ contact.name }})", name=value)


def test_a_value_that_is_a_web_address_is_linked_where_the_author_links_it() -> None:
    assert html_of("Please [go]({{ contact.name }})", name="https://acme.example/a?b=c&d=e") == (
        '<p>Please <a href="https://acme.example/a?b=c&amp;d=e">go</a></p>'
    )


def test_a_value_cannot_leave_the_attribute_it_stands_in() -> None:
    html = html_of('See [go](https://acme.example/{{ contact.name }} "{{ contact.name }}")', name='"><b onclick="x"')
    assert Tags(html).tags == ["p", "a"]


def test_the_authors_own_markdown_around_values_works() -> None:
    assert html_of("**{{ contact.name }}** and *{{ contact.name }}*", name="Ana") == (
        "<p><strong>Ana</strong> and <em>Ana</em></p>"
    )


def test_html_in_a_markdown_template_is_text() -> None:
    assert html_of("a <b>b</b>") == "<p>a &lt;b&gt;b&lt;/b&gt;</p>"


def test_a_paragraph_that_is_one_link_is_a_button() -> None:
    assert html_of("[Go]({{ contact.name }})", name="https://acme.example") == (
        '<p><a class="button" href="https://acme.example">Go</a></p>'
    )


def test_a_list_entry_that_is_one_link_is_none() -> None:
    assert "button" not in html_of("- [Go](https://acme.example)")


def test_a_value_in_an_html_template_is_escaped() -> None:
    template = TemplateBody(
        name="t",
        files={"html": "---\nsubject: S\nlayout: none\n---\n<p title='{{ contact.name }}'>{{ contact.name }}</p>"},
    )
    html = render_message(template, {"contact": {"name": "<script>' onclick='x"}}, PLAIN).html
    assert html is not None
    assert Tags(html).tags == ["html", "head", "body", "p"]
    assert "onclick='x" not in html.replace("&#39;", "")[: html.index("<body")]


@pytest.mark.parametrize("value", ["Ana\r\nBcc: eve@evil.example", "Ana\nx", "Ana\u2028x", "Ana\0x", "Ana\tx"])
def test_a_value_in_a_subject_stays_in_its_line(value: str) -> None:
    template = TemplateBody(
        name="t", files={"md": "---\nsubject: Hi {{ contact.name }}\npreheader: '{{ contact.name }}'\n---\nx"}
    )
    message = render_message(template, {"contact": {"name": value}}, PLAIN)
    assert message.subject.isprintable()
    assert message.preheader.isprintable()


def test_a_paragraph_of_several_links_is_a_choice_with_a_box_for_each() -> None:
    html = html_of('[0]({{ contact.name }}/0 "0 of 1") [1]({{ contact.name }}/1 "1 of 1")', name="https://acme.example")
    assert html.count('class="choice"') == html.count('style="display:') == 2
    assert re.findall(r'aria-label="(. of 1)"[^>]*>(.)</a>', html) == [("0 of 1", "0"), ("1 of 1", "1")]
    assert "title=" not in html


@pytest.mark.parametrize("markdown", ["[a](https://a.example) or [b](https://b.example)", "[a](https://a.example)"])
def test_links_among_words_and_single_ones_are_no_choice(markdown: str) -> None:
    assert "choice" not in html_of(markdown)


def test_the_text_part_has_each_choice_in_a_line_of_its_own() -> None:
    source = "---\nsubject: S\nlayout: none\n---\nChoose:\n\n[a](https://a.example) [b](https://b.example)\n\nThanks"
    message = render_message(TemplateBody(name="t", files={"md": source}), {}, PLAIN)
    assert message.text == "Choose:\n\na: https://a.example\nb: https://b.example\n\nThanks\n"

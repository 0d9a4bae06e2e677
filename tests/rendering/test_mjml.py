"""Templates in MJML: sections in a layout or whole documents, checked before anybody has values for them."""

from __future__ import annotations

import pytest

from perennia.core.documents import TemplateBody
from perennia.core.json_values import JsonObject
from perennia.rendering import (
    Reader,
    RenderedMessage,
    Surroundings,
    TemplateError,
    check_template,
    names_in,
    render_message,
)

HEAD = "---\nsubject: Hello\npreheader: Three steps\n---\n"
SECTION = """\
<mj-section>
  <mj-column>
    <mj-text>Hi {{ contact.name }}</mj-text>
    {% for step in enter.steps %}
    <mj-text>{{ step }}</mj-text>
    {% endfor %}
    <mj-button href="{{ workspace.url }}/new">Create</mj-button>
  </mj-column>
</mj-section>
"""
DOCUMENT = f"<mjml><mj-body>{SECTION}</mj-body></mjml>"
SURROUNDINGS = Surroundings(
    workspace={"url": "https://acme.example", "name": "Acme", "address": None},
    unsubscribe_url="https://acme.example/u/abc",
    reader=Reader(locale="ar", home="ar"),
)


def template(source: str, layout: dict[str, str] | None = None, **more: str) -> TemplateBody:
    return TemplateBody(name="welcome", files={"mjml": HEAD + source, **more}, layout=layout)


def rendered(body: TemplateBody, name: str = "Ana") -> RenderedMessage:
    context: JsonObject = {"contact": {"name": name}, "enter": {"steps": ["One", "Two"]}}
    return render_message(body, context, SURROUNDINGS)


def html(body: TemplateBody, name: str = "Ana") -> str:
    return rendered(body, name).html or ""


def problem(source: str) -> tuple[int, str]:
    (only,) = check_template(template(source))
    return only.line, only.message


def test_sections_stand_in_the_built_in_layout() -> None:
    page = html(template(SECTION))
    assert 'lang="ar" dir="rtl"' in page
    assert "Three steps" in page
    assert '<a href="https://acme.example/u/abc" style="color: #52606d;">إلغاء الاشتراك</a>' in page
    assert "<mj" not in page


def test_the_text_part_is_made_of_what_one_sees() -> None:
    text = rendered(template(SECTION)).text
    assert "Hi Ana" in text
    assert "Two" in text
    assert "https://acme.example/new" in text
    assert "mso" not in text


def test_sections_stand_in_the_workspaces_own_layout() -> None:
    own = {"mjml": "<mjml><mj-body>{{ content }}<mj-raw>by {{ workspace.name }}</mj-raw></mj-body></mjml>"}
    page = html(template(SECTION, own))
    assert "by Acme" in page
    assert "Unsubscribe" not in page


def test_a_layout_for_html_alone_leaves_sections_to_the_built_in_one() -> None:
    assert "إلغاء الاشتراك" in html(template(SECTION, {"html": "{{ content }}"}))


def test_a_whole_document_is_its_own_layout() -> None:
    page = html(template(DOCUMENT))
    assert "Hi Ana" in page
    assert "Unsubscribe" not in page
    assert "unsubscribe_url" not in names_in(template(DOCUMENT))


def test_a_text_file_beside_it_is_the_text_part() -> None:
    assert rendered(template(SECTION, txt="In words, {{ contact.name }}")).text.startswith("In words, Ana")


@pytest.mark.parametrize("name", ["<mj-include path='/etc/passwd' />", "</mj-text><mj-raw>", '"><script>', "&amp;"])
def test_a_value_is_never_markup(name: str) -> None:
    page = html(template(SECTION), name)
    assert "<script" not in page
    assert "<mj" not in page
    assert "root:" not in page
    assert (
        name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&#34;").replace("'", "&#39;")
        in page
    )


def test_no_font_is_loaded_from_elsewhere() -> None:
    page = html(template(SECTION.replace("<mj-text>", '<mj-text font-family="Roboto">')))
    assert "fonts.googleapis" not in page


@pytest.mark.parametrize(
    ("source", "line", "says"),
    [
        ("<mj-section>\n<mj-txt>a</mj-txt></mj-section>", 6, 'MJML has no <mj-txt>; did you mean "mj-text"?'),
        ("\n<mj-include path='x.mjml' />", 6, "MJML has no <mj-include> here: put what several templates share"),
        ("<mj-section>\n\n<mj-column>\n</mj-section>", 8, "</mj-section> closes no <mj-section> here"),
        ("<mj-section>\n\n<mj-column>\n", 7, "<mj-column> is not closed"),
        ("<mj-section>\n<p a=></mj-section>", 5, "is no valid MJML"),
        ("<mj-section>{{ nothing | nofilter }}</mj-section>", 5, 'there is no filter "nofilter"'),
    ],
)
def test_a_check_names_line_and_element(source: str, line: int, says: str) -> None:
    found_line, message = problem(source)
    assert (found_line, says in message) == (line, True), message


def test_sections_without_any_layout_are_no_message() -> None:
    with pytest.raises(TemplateError, match="no whole MJML document"):
        rendered(TemplateBody(name="x", files={"mjml": "---\nsubject: S\nlayout: none\n---\n<mj-section/>"}))

"""A layout that is written in Markdown, and the messages in it."""

from __future__ import annotations

from perennia.core.documents import TemplateBody
from perennia.rendering import Surroundings, render_message
from perennia.rendering.markdown_layout import html_of_layout

LAYOUT = """# {{ workspace.name }}

{{ content }}

{% if unsubscribe_url %}
You get this because you signed up. [Leave]({{ unsubscribe_url }})
{% endif %}
"""


def html(template: str, unsubscribe_url: str = "") -> str:
    body = TemplateBody(
        name="x", files={"md": f"---\nsubject: Hi\n---\n{template}"}, layout={"html": html_of_layout(LAYOUT)}
    )
    surroundings = Surroundings(workspace={"name": "Acme & Sons"}, unsubscribe_url=unsubscribe_url)
    made = render_message(body, {"contact": {"first_name": "Ann"}}, surroundings).html
    assert made is not None
    return made


def test_the_message_stands_where_its_content_goes() -> None:
    made = html("Hi **{{ contact.first_name }}**")
    assert "Acme &amp; Sons</h1>" in made
    assert made.index("</h1>") < made.index("Hi <strong>Ann</strong></p>")
    assert "<p><p" not in made


def test_a_condition_around_a_link_decides_whether_it_is_there() -> None:
    assert ">Leave</a>" in html("Hi", "https://acme.example/u/x")
    assert "https://acme.example/u/x" in html("Hi", "https://acme.example/u/x")
    assert "Leave" not in html("Hi")


def test_it_has_a_language_and_a_direction() -> None:
    assert '<html lang="en" dir="ltr">' in html("Hi")

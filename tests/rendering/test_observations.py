"""What goes wrong with messages on their way or in the mailbox, seen on the finished one and on its template."""

from __future__ import annotations

import pytest

from perennia.rendering import RenderedMessage, observe
from perennia.rendering.observations import observe_source
from perennia.rendering.source import Format, parse_source


def message(
    html: str | None = "<p>Hi</p>", subject: str = "Hello", preheader: str = "P", text: str = "Hi"
) -> RenderedMessage:
    return RenderedMessage(subject=subject, preheader=preheader, html=html, text=text)


def test_a_plain_message_has_nothing_to_note() -> None:
    fine = (
        '<p>Hi <a href="https://acme.example">there</a><img src="x" alt=""><a name="top"></a><a href="#top">up</a></p>'
    )
    assert observe(message(fine)) == []


@pytest.mark.parametrize(
    ("html", "says"),
    [
        (
            '<img src="https://acme.example/logo.png">',
            'warning no-alt: the image "https://acme.example/logo.png" has no alt',
        ),
        ('<a href="">x</a>', 'warning broken-link: the link "" leads nowhere'),
        ('<a href="#">x</a>', 'warning broken-link: the link "#" leads nowhere'),
        ('<a href="/new">x</a>', 'warning broken-link: the link "/new" leads nowhere'),
        ('<a href="www.acme.example">x</a>', 'warning broken-link: the link "www.acme.example" leads nowhere'),
        ('<a href="https://">x</a>', 'warning broken-link: the link "https://" leads nowhere'),
        ('<a href="http://acme.example">x</a>', 'warning plain-http: the link "http://acme.example" is not encrypted'),
        ('<a href="javascript:x()">x</a>', 'warning broken-link: the link "javascript:x()" opens in no mailbox'),
        ('<a href="https://[">x</a>', 'warning broken-link: the link "https://[" leads nowhere'),
        (
            f"<p>{'x' * 110_000}</p>",
            "warning clipped-message: it has 107 KB, and Gmail clips what is longer than 102 KB",
        ),
    ],
)
def test_what_goes_wrong_in_mailboxes_is_named(html: str, says: str) -> None:
    (only,) = observe(message(html))
    assert str(only).startswith(says)


def test_a_long_loud_subject_without_a_preheader_is_noted() -> None:
    seen = observe(message(subject="BUY " * 20, preheader=""))
    assert [each.code for each in seen] == ["long-subject", "loud-subject", "no-preheader"]


@pytest.mark.parametrize("subject", ["Ihr NPS", "AB", "ありがとうございます", "مرحبا بك", "Q3 ROI"])
def test_a_subject_with_few_capitals_or_none_does_not_shout(subject: str) -> None:
    assert observe(message(subject=subject)) == []


@pytest.mark.parametrize("subject", ["LAST CHANCE", "Last chance!!", "СКИДКИ ТОЛЬКО СЕГОДНЯ"])
def test_a_subject_that_shouts_is_noted(subject: str) -> None:
    assert [each.code for each in observe(message(subject=subject))] == ["loud-subject"]


def test_images_alone_are_no_text() -> None:
    assert [each.code for each in observe(message(text=" \n"))] == ["no-text"]


def seen(
    kind: Format, body: str, head: str = "subject: Hello\n", *, text_part: bool = False
) -> list[tuple[int, int, str]]:
    source = parse_source(f"t.{kind}", kind, f"---\n{head}---\n{body}")
    return [(each.line, each.column, each.code) for each in observe_source(source, has_text_part=text_part)]


@pytest.mark.parametrize(
    ("kind", "body", "found"),
    [
        ("md", "Hi\n\n[Go]({{ workspace.url }}/new) [up](#a) [us](mailto:a@acme.example)", []),
        ("md", "Hi\n\nPlease [go](http://acme.example/{{ a }})", [(6, 13, "plain-http")]),
        ("md", "Hi {% if a %}\n- {{ b }} [go]()\n{% endif %}", [(5, 16, "broken-link")]),
        ("md", "[go](/new) and [go](javascript:x)", [(4, 6, "broken-link"), (4, 21, "broken-link")]),
        ("md", "x ![]({{ workspace.url }}/a.png)", [(4, 7, "no-alt")]),
        ("md", "![a chart](https://acme.example/a.png)", [(4, 1, "no-text")]),
        ("md", "Hi *|FNAME|*, {first_name}, %%NAME%%", [(4, column, "foreign-placeholder") for column in (4, 15, 29)]),
        ("html", '<p>{{ a }}</p>\n  <img src="x"><a href="{{ a }}">b</a>', [(5, 3, "no-alt")]),
        ("html", '<p>x</p>{% if a == "<a href=x>" %}<a href="x">y</a>{% endif %}', [(4, 35, "broken-link")]),
        ("html", "<style>a {color}</style><p>x</p>", []),
        ("html", '<img src="x" alt="y">', [(4, 1, "no-text")]),
        (
            "mjml",
            '<mj-section>\n<mj-image src="x" />\n<mj-button href="http://x.y">Go</mj-button>',
            [(5, 1, "no-alt"), (6, 1, "plain-http")],
        ),
        ("txt", "Hello", []),
    ],
)
def test_a_template_is_looked_at_before_anybody_has_values(
    kind: Format, body: str, found: list[tuple[int, int, str]]
) -> None:
    assert seen(kind, body) == found


def test_images_beside_a_text_part_are_a_message() -> None:
    assert seen("md", "![a chart](https://acme.example/a.png)", text_part=True) == []


def test_a_subject_is_looked_at_where_it_stands() -> None:
    head = f"preheader: P\nsubject: Hi {{{{ contact.first_name }}}}{' and more' * 8}\n"
    assert seen("md", "Hi", head) == [(3, 1, "long-subject")]
    assert seen("md", "Hi", "subject: HI {{ contact.first_name }}\n") == []

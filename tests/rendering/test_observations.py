"""What a preview says of a finished message."""

from __future__ import annotations

import pytest

from perennia.rendering import RenderedMessage, observe


def message(
    html: str | None = "<p>Hi</p>", subject: str = "Hello", preheader: str = "P", text: str = "Hi"
) -> RenderedMessage:
    return RenderedMessage(subject=subject, preheader=preheader, html=html, text=text)


def test_a_plain_message_has_nothing_to_note() -> None:
    fine = '<p>Hi <a href="https://acme.example">there</a><img src="x" alt=""><a name="top"></a></p>'
    assert observe(message(fine)) == []


@pytest.mark.parametrize(
    ("html", "says"),
    [
        ('<img src="https://acme.example/logo.png">', 'the image "https://acme.example/logo.png" has no alt text'),
        ('<a href="">x</a>', 'the link "" leads nowhere'),
        ('<a href="/new">x</a>', 'the link "/new" leads nowhere'),
        ('<a href="http://acme.example">x</a>', 'the link "http://acme.example" is no https:// link'),
        ('<a href="javascript:x()">x</a>', 'the link "javascript:x()" is no https:// link'),
        ('<a href="https://[">x</a>', 'the link "https://[" leads nowhere'),
        (f"<p>{'x' * 110_000}</p>", "it has 107 KB: Gmail clips what is longer than 102 KB"),
    ],
)
def test_what_goes_wrong_in_mailboxes_is_named(html: str, says: str) -> None:
    (only,) = observe(message(html))
    assert only.startswith(says)


def test_a_long_loud_subject_without_a_preheader_is_noted() -> None:
    assert observe(message(subject="BUY " * 20, preheader="")) == [
        "its subject has 80 characters: phones show about 35",
        "its subject is in capitals, as spam is",
        "it has no preheader: mailboxes show the first words of its text beside the subject",
    ]


def test_images_alone_are_no_text() -> None:
    assert observe(message(text=" \n")) == [
        "it has no text part worth reading: give it a .txt file, or words beside its images"
    ]

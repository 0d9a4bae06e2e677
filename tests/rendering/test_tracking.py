"""What tracking makes of a message that was rendered: its links and one picture, nothing else."""

from __future__ import annotations

import msgspec
import pytest

from perennia.core.decisions import SendEmail
from perennia.core.definitions import Policies
from perennia.core.json_values import Json
from perennia.core.tracking import tracking_of
from perennia.rendering import RenderedMessage
from perennia.rendering.links import BadToken, ClickLink, Links
from perennia.rendering.tracking import with_links, with_picture
from tests.support.posts import email

LINKS = Links("https://app.example", ["new", "old"], "https://links.example")


def wrapped(html: str, text: str = "") -> tuple[str | None, str]:
    message = with_links(RenderedMessage("s", "", html, text), lambda target: f"<{target}>&")
    return message.html, message.text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('<a href="https://x.io/a">', '<a href="&lt;https://x.io/a&gt;&amp;">'),
        ("<a title=\"a > b\" href='https://x.io/a'>", '<a title="a > b" href="&lt;https://x.io/a&gt;&amp;">'),
        ('<A HREF="https://x.io/?a=1&amp;b=2">', '<A HREF="&lt;https://x.io/?a=1&amp;b=2&gt;&amp;">'),
        ('<a href="http://x.io/a">', '<a href="http://x.io/a">'),
        ('<a href="mailto:a@x.io">', '<a href="mailto:a@x.io">'),
        ('<img src="https://x.io/a.png">', '<img src="https://x.io/a.png">'),
        ('<a data-href="https://x.io/a">', '<a data-href="https://x.io/a">'),
        ('<link href="https://x.io/a">', '<link href="https://x.io/a">'),
    ],
)
def test_encrypted_links_alone_are_rewritten(before: str, after: str) -> None:
    assert wrapped(before)[0] == after


def test_an_address_in_text_ends_before_the_punctuation_around_it() -> None:
    text = "See (https://x.io/a), https://x.io/b?c=1. Or http://x.io"
    assert wrapped("", text)[1] == "See (<https://x.io/a>&), <https://x.io/b?c=1>&. Or http://x.io"


def test_the_picture_stands_at_the_end_of_the_page() -> None:
    message = with_picture(RenderedMessage("s", "", "<body><p>Hi</p></body></html>", "Hi"), "https://x.io/o/1")
    assert message.html == (
        '<body><p>Hi</p><img src="https://x.io/o/1" alt="" width="1" height="1" style="display:block;border:0"></body></html>'
    )


def test_a_message_of_text_alone_has_no_picture() -> None:
    message = RenderedMessage("s", "", None, "Hi")
    assert with_picture(message, "https://x.io/o/1") == message


# --- signatures -----------------------------------------------------------------------------------------------------


def token(url: str) -> str:
    return url.rsplit("/", 1)[1]


def test_a_link_says_where_it_leads_and_a_key_that_is_not_the_newest_still_holds() -> None:
    link = ClickLink("ref", 2, 1, "https://x.io/a")
    url = Links("https://app.example", ["old"], "https://links.example").click_url(link)
    assert url.startswith("https://links.example/l/")
    assert LINKS.read_click(token(url)) == link


def test_a_link_that_leads_elsewhere_or_nowhere_safe_is_no_link() -> None:
    url = LINKS.click_url(ClickLink("ref", 0, None, "https://x.io/a"))
    other = LINKS.click_url(ClickLink("ref", 0, None, "https://evil.io/"))
    forged = f"{token(other).rsplit('.', 1)[0]}.{token(url).rsplit('.', 1)[1]}"
    for bad in (
        forged,
        token(LINKS.click_url(ClickLink("ref", 0, None, "javascript:alert(1)"))),
        token(LINKS.open_url("ref")),
    ):
        with pytest.raises(BadToken):
            LINKS.read_click(bad)


def test_links_of_our_own_are_known() -> None:
    assert LINKS.is_ours(LINKS.unsubscribe_url("c1", "tips"))
    assert LINKS.is_ours(LINKS.open_url("ref"))
    assert not LINKS.is_ours("https://app.example/reports")


# --- whom -----------------------------------------------------------------------------------------------------------


def message(**contact: Json) -> SendEmail:
    return msgspec.structs.replace(email("c1"), context={"contact": contact})


@pytest.mark.parametrize(
    ("consent", "said", "tracked"),
    [
        ("opt_in", None, False),
        ("opt_in", True, True),
        ("opt_out", None, True),
        ("opt_out", False, False),
        ("opt_in", False, False),
    ],
)
def test_nobody_is_tracked_against_their_word(consent: str, said: Json, tracked: bool) -> None:
    told = {"tips": {"kind": "opt_out", "name": "T", "tracking": {"clicks": True, "consent": consent}}}
    policies = Policies.model_validate({"policies": "default", "topics": told})
    assert tracking_of(message(tracking=said), policies).clicks is tracked


def test_nothing_is_tracked_where_nobody_asks_for_it() -> None:
    policies = Policies.model_validate({"policies": "default", "topics": {"tips": {"kind": "opt_out", "name": "T"}}})
    assert not tracking_of(message(tracking=True), policies).clicks

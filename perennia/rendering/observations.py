"""What is likely to go wrong with a message on its way or in the mailbox, seen on the finished message."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urlsplit

from perennia.rendering.messages import RenderedMessage

# Gmail shows the rest of a longer message only when somebody asks for it, and with it the way to unsubscribe.
CLIPPED_BYTES = 102 * 1024
# What a phone shows of a subject, and then some.
SUBJECT_CHARS = 70
_LINKS = frozenset({"https", "mailto", "tel", "sms"})


def observe(message: RenderedMessage) -> list[str]:
    """Sentences for the author, the gravest first; none where nothing was found."""
    found: list[str] = []
    size = len((message.html or message.text).encode())
    if size > CLIPPED_BYTES:
        found.append(f"it has {size // 1024} KB: Gmail clips what is longer than {CLIPPED_BYTES // 1024} KB")
    if message.html is not None:
        page = _Page()
        page.feed(message.html)
        found += page.found
    if not message.text.strip():
        found.append("it has no text part worth reading: give it a .txt file, or words beside its images")
    if len(message.subject) > SUBJECT_CHARS:
        found.append(f"its subject has {len(message.subject)} characters: phones show about {SUBJECT_CHARS // 2}")
    if message.subject.isupper():
        found.append("its subject is in capitals, as spam is")
    if not message.preheader:
        found.append("it has no preheader: mailboxes show the first words of its text beside the subject")
    return found


class _Page(HTMLParser):
    """Looks at images and links."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "img" and "alt" not in told:
            self.found.append(
                f'the image {_short(told.get("src"))} has no alt text: many read without images; alt="" for ornaments'
            )
        if tag == "a" and "href" in told:
            self._look_at_link(told["href"] or "")

    def _look_at_link(self, href: str) -> None:
        try:
            scheme = urlsplit(href).scheme
        except ValueError:
            scheme = ""
        if not scheme:
            self.found.append(f"the link {_short(href)} leads nowhere: begin it with https://")
        elif scheme not in _LINKS:
            self.found.append(f"the link {_short(href)} is no https:// link: filters distrust it")


def _short(address: str | None) -> str:
    address = address or ""
    return f'"{address[:60]}{"..." if len(address) > 60 else ""}"'

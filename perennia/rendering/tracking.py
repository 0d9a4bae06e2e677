"""Messages whose links and pictures tell of clicks and opens: written into what was rendered."""

from __future__ import annotations

import html as entities
import re
from collections.abc import Callable
from dataclasses import replace

from perennia.rendering.messages import RenderedMessage

# The address of a link; what else stands in its tag may hold any character between quotes.
_LINK = re.compile(
    r"""(<(?:a|area)\b(?:[^>"']|"[^"]*"|'[^']*')*?\shref\s*=\s*)("(https://[^"]+)"|'(https://[^']+)')""", re.IGNORECASE
)
# In text an address ends before the punctuation of the sentence around it.
_ADDRESS = re.compile(r"""https://[^\s<>"']*[^\s<>"'.,;:!?)\]}]""")
_BODY_END = re.compile(r"</body\s*>", re.IGNORECASE)


def with_links(message: RenderedMessage, wrap: Callable[[str], str]) -> RenderedMessage:
    """Each ``https`` address of the message, in its text part, too, is what ``wrap`` makes of it."""

    def rewritten(found: re.Match[str]) -> str:
        target = entities.unescape(found[3] or found[4])
        return f'{found[1]}"{entities.escape(wrap(target))}"'

    page = None if message.html is None else _LINK.sub(rewritten, message.html)
    return replace(message, html=page, text=_ADDRESS.sub(lambda found: wrap(found[0]), message.text))


def with_picture(message: RenderedMessage, url: str) -> RenderedMessage:
    """The message with a picture that nobody sees, at its end. Text alone has none."""
    if message.html is None:
        return message
    picture = f'<img src="{entities.escape(url)}" alt="" width="1" height="1" style="display:block;border:0">'
    *_, end = [0, *(found.start() for found in _BODY_END.finditer(message.html))]
    end = end or len(message.html)
    return replace(message, html=f"{message.html[:end]}{picture}{message.html[end:]}")

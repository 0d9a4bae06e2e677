"""Who follows a link or loads a picture: a person, or a program that does so before them, or for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

# Browsers and mail programs say so when they load what nobody has asked for yet.
_AHEAD: Final = ("purpose", "sec-purpose", "x-purpose", "x-moz")
_AHEAD_VALUES: Final = re.compile(r"prefetch|prerender|preview", re.IGNORECASE)
# Mail filters, link previews and programs, by what they call themselves. Those that call themselves a browser are known by how
# fast they are (`perennia.store.reports`).
_PROGRAMS: Final = re.compile(
    r"bot\b|crawl|spider|scan|preview|slurp|headless|phantom|python|curl|wget|libwww|java/|okhttp|go-http|ruby|perl|axios|node-fetch"
    r"|safelinks|barracuda|proofpoint|mimecast|symantec|trend ?micro|sophos|fortinet|forcepoint|cloudmark|zscaler|ironport"
    r"|facebookexternalhit|whatsapp|skype|slack|telegram|twitter|linkedin|discord",
    re.IGNORECASE,
)
# Gmail's and Yahoo's proxies load pictures for whoever opens a message, and also ahead of that.
_PROXIES: Final = re.compile(r"GoogleImageProxy|ggpht\.com|YahooMailProxy", re.IGNORECASE)
# Apple's Mail Privacy Protection loads every picture of every message, by a browser of which it tells nothing but this.
_APPLE: Final = "Mozilla/5.0"


def machine_sign(headers: Mapping[str, str]) -> str | None:
    """What shows that no person asks, in one word; None: nothing does. ``headers``: names in any case."""
    known = {name.lower(): value for name, value in headers.items()}
    if any(_AHEAD_VALUES.search(known.get(name, "")) for name in _AHEAD):
        return "prefetch"
    agent = known.get("user-agent", "").strip()
    if not agent:
        return "nameless"
    if agent == _APPLE:
        return "apple"
    if _PROXIES.search(agent):
        return "proxy"
    return "scanner" if _PROGRAMS.search(agent) else None

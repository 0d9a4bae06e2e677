"""What a mail server's last word on a message says of the address: RFC 3463 codes, and words where the code says nothing."""

from __future__ import annotations

import re
from typing import Final

from perennia.providers.reports import BounceKind

_ENHANCED: Final = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?!\.?\d)")
_REPLY: Final = re.compile(r"(?<![\d.])([45])\d\d(?![\d.]\d)")

# The address itself: it does not exist, or is closed (2.1). 1.7 and 1.8 are about ours.
_ADDRESS: Final = frozenset({"1.0", "1.1", "1.2", "1.3", "1.4", "1.6", "1.10", "2.1"})
# Class 5 although it may pass: a full mailbox or system, a loop, Exchange Online giving up after a day.
_PASSING: Final = frozenset({"2.2", "3.1", "4.6", "4.7", "4.14", "4.300", "4.316", "4.317"})
# Our address, the size of the message.
_UNWANTED: Final = frozenset({"1.7", "1.8", "2.3", "3.4"})
_UNWANTED_SUBJECTS: Final = ("5.", "6.", "7.")  # protocol, content, security and policy
_GENERIC: Final = frozenset(
    {"0.0", "3.0", "5.0"}
)  # Exim writes 5.0.0, qmail and Exchange 5.5.0, and the reply says more
_POLICY: Final = re.compile(
    r"spam|junk|unsolicited|black ?list|block(ed|ing|list| list)|deny ?list|reputation|polic(y|ies)|dmarc|dkim|\bspf\b|\brbl\b"
    r"|dnsbl|spamhaus|virus|malware|content",
    re.IGNORECASE,
)


def bounce_kind(status: str, diagnostic: str) -> BounceKind:
    """Of a delivery that failed. ``status``: RFC 3464's field, ``diagnostic``: the server's own words; either may be empty."""
    grade, code = _code(status, diagnostic)
    if grade == "5" and code in _ADDRESS:
        return "hard"
    if code in _UNWANTED or code.startswith(_UNWANTED_SUBJECTS) or _POLICY.search(diagnostic):
        return "block"
    return "hard" if grade == "5" and code not in _PASSING else "soft"


def _code(status: str, diagnostic: str) -> tuple[str, str]:
    """Class and the rest. The server's own code where the report's is missing or says nothing; then its reply's class."""
    told, said = _ENHANCED.search(status), _ENHANCED.search(diagnostic)
    best = told
    if said is not None and (told is None or f"{told[2]}.{told[3]}" in _GENERIC):
        best = said
    if best is not None:
        return best[1], f"{best[2]}.{best[3]}"
    reply = _REPLY.search(diagnostic)
    return ("4" if reply is None else reply[1]), "0.0"

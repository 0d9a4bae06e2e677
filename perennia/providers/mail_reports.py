"""What comes back as mail to our return paths: bounces (RFC 3464), complaints (RFC 5965), answers of people.

Nobody signs mail, so nothing here is believed of an address that it names. A bounce counts for the message whose signed
return path it was sent to; complaints and answers, which come to addresses without a path, for the message whose Message-ID
they carry: 128 bits that only those have seen who got the message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from perennia.providers.bounce_kinds import bounce_kind
from perennia.providers.mail_parts import Part, carried, groups, header, parsed, parts
from perennia.providers.reports import Happening, Report, digest
from perennia.providers.return_paths import ReturnPaths

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
_ACTIONS: Final = {
    "failed": Happening.BOUNCED,
    "delayed": Happening.DEFERRED,
    "delivered": Happening.DELIVERED,
    "relayed": Happening.SENT,
    "expanded": Happening.SENT,
}
_MESSAGE_ID: Final = re.compile(r"<?\b([0-9a-f]{32})@[A-Za-z0-9.-]+>?")
_BULK: Final = frozenset({"bulk", "junk", "list", "auto_reply"})
_AUTOMATIC: Final = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-response-suppress", "list-id")
# Microsoft's Junk Mail Reporting Program forwards the message with this in it, and says nothing else.
_JUNK_REPORT: Final = "x-hmxmroriginalrecipient"
_UNREAD: Final = (
    "mail of a mail server (its sender is <>) that is no report in a form that we know: counted as a soft bounce"
)


@dataclass(frozen=True)
class MailReports:
    """Reads what comes to ``paths``. Whatever the mail is, there is an answer: nothing, where it tells nothing of ours."""

    paths: ReturnPaths

    def read(self, content: bytes, sender: str, recipients: Sequence[str]) -> list[Report]:
        """``sender`` and ``recipients``: the envelope's; ``sender`` is empty for <>. The same mail gives the same ids."""
        mail = parsed(content)
        bounced = sorted({found for each in recipients if (found := self.paths.reference(each)) is not None})
        told = [report for reference in bounced for report in _of_path(mail, reference, sender)]
        return told or list(_of_carried(mail))


def _of_path(mail: Part, reference: str, sender: str) -> list[Report]:
    """What mail to the return path of one message tells of it."""
    status = _part_of(mail, "message/delivery-status", "message/global-delivery-status")
    if status is not None and (reports := list(_delivery(status, reference))):
        return reports
    if _part_of(mail, "message/feedback-report", "message/disposition-notification") or _junk(mail) is not None:
        return []
    if header(mail, "x-failed-recipients"):  # Exim's: its bounces say of themselves that they are automatic replies
        return [_unread(mail, reference)]
    if _automatic(mail):
        return []
    return [_answer(mail, reference)] if sender else [_unread(mail, reference)]


def _delivery(status: Part, reference: str) -> Iterator[Report]:
    of_message: Mapping[str, str] = {}
    for group in groups(status):
        what = _ACTIONS.get(group.get("action", "").lower())
        if what is None or "final-recipient" not in group:
            of_message = group if "reporting-mta" in group else of_message
            continue
        code, words = group.get("status", ""), group.get("diagnostic-code", "")
        yield Report(
            id=digest(reference, what, code, words, group["final-recipient"]),
            what=what,
            reference=reference,
            recipient=None,
            raw=_words({**of_message, **group}),
            bounce=bounce_kind(code, words) if what is Happening.BOUNCED else None,
        )


def _of_carried(mail: Part) -> Iterator[Report]:
    """What mail tells of the message that it carries, or answers."""
    returned = next((found for part in parts(mail) if (found := carried(part)) is not None), None)
    reference = None if returned is None else _reference(header(returned, "message-id"))
    feedback = _part_of(mail, "message/feedback-report")
    if feedback is not None:
        told = next(iter(groups(feedback)), NOTHING)
        kind = told.get("feedback-type", "").lower()
        # "fraud", "not-spam", "virus": kept, for nobody has said that the mail was not wanted.
        what = Happening.COMPLAINED if kind == "abuse" else Happening.REMARKED
        if reference is not None:
            yield Report(digest(reference, what, kind), what, reference, None, _words(told))
    elif reference is not None and (junk := _junk(mail)) is not None:
        words = _words({"feedback": "junk mail report", "message-id": header(junk, "message-id")})
        yield Report(digest(reference, "complained", "abuse"), Happening.COMPLAINED, reference, None, words)
    elif _part_of(mail, "message/delivery-status", "message/disposition-notification") is None and not _automatic(mail):
        answered = _reference(header(mail, "in-reply-to")) or _reference(header(mail, "references"))
        if answered is not None:
            yield _answer(mail, answered)


def _junk(mail: Part) -> Part | None:
    returned = (carried(part) for part in parts(mail))
    return next((each for each in returned if each is not None and header(each, _JUNK_REPORT)), None)


def _answer(mail: Part, reference: str) -> Report:
    """Only that there is one: what a person writes stays with whom it was written to."""
    name = header(mail, "message-id")
    return Report(digest(reference, "replied", name), Happening.REPLIED, reference, None, _words({"message-id": name}))


def _unread(mail: Part, reference: str) -> Report:
    words = {name: header(mail, name) for name in ("from", "subject", "x-failed-recipients")}
    raw = f"{_UNREAD}\n{_words(words)}"
    return Report(digest(reference, "unread"), Happening.BOUNCED, reference, None, raw, bounce="soft")


def _automatic(mail: Part) -> bool:
    """Nobody wrote it (RFC 3834): out of office, a ticket system's thanks, a mailing list."""
    told = header(mail, "auto-submitted").lower()
    if told and not told.startswith("no"):
        return True
    return header(mail, "precedence").lower() in _BULK or any(header(mail, name) for name in _AUTOMATIC)


def _part_of(mail: Part, *types: str) -> Part | None:
    return next((part for part in parts(mail) if part.get_content_type() in types), None)


def _reference(ids: str) -> str | None:
    """Of the last of the ids that has our form: the nearest in a thread."""
    found = _MESSAGE_ID.findall(ids)
    return found[-1] if found else None


def _words(told: Mapping[str, str]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in told.items())

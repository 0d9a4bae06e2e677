"""What providers post of messages, signed as they sign it: the same telling has the same name however often it is posted."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
AT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Telling:
    """``what``: in the words of no provider. ``bounce``: hard, soft or block, of one that bounced."""

    what: str
    reference: str | None = "0f3a"
    recipient: str = "ben@example.org"
    bounce: str | None = None
    machine: bool = False
    id: str = "told-1"
    at: datetime = AT


@dataclass(frozen=True)
class Posted:
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Poster:
    """One provider: the secret that its reader needs, and what it posts. ``stranger``: another's secret of the same form."""

    secret: str
    stranger: str
    post: Callable[[Telling], Posted]


# --- Resend: https://resend.com/docs/dashboard/webhooks/event-types --------------------------------------------------

_RESEND = {
    "queued": "email.scheduled",
    "sent": "email.sent",
    "deferred": "email.delivery_delayed",
    "delivered": "email.delivered",
    "bounced": "email.bounced",
    "complained": "email.complained",
    "opened": "email.opened",
    "clicked": "email.clicked",
}
_RESEND_BOUNCES = {
    "hard": {"type": "Permanent", "subType": "General"},
    "soft": {"type": "Transient", "subType": "MailboxFull"},
    "block": {"type": "Transient", "subType": "ContentRejected"},
}


def resend(telling: Telling) -> Posted:
    data: dict[str, Any] = {
        "email_id": "56761188-7520-42d8-8898-ff6fc54ce618",
        "created_at": "2026-03-02T09:59:00.000Z",
        "from": "Ana <hello@example.com>",
        "to": [telling.recipient],
        "subject": "Welcome",
        "tags": {"perennia": telling.reference} if telling.reference else {},
    }
    if telling.bounce:
        data["bounce"] = {"message": "The recipient's server said no.", **_RESEND_BOUNCES[telling.bounce]}
    kind = _RESEND.get(telling.what, telling.what)
    body = json.dumps({"type": kind, "created_at": telling.at.isoformat(), "data": data})
    return signed_by_svix(telling, body)


def signed_by_svix(telling: Telling, body: str) -> Posted:
    signature = Webhook(SECRET).sign(telling.id, telling.at, body)
    headers = {"svix-id": telling.id, "svix-timestamp": str(int(telling.at.timestamp())), "svix-signature": signature}
    return Posted(body.encode(), headers)


POSTERS = {
    "resend": Poster(SECRET, "whsec_c29tZW9uZSBlbHNlJ3Mgc2VjcmV0", resend),
}

"""What an effect says to another system, once its texts are rendered: the same in production and in scenarios."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from perennia.core.decisions import CallWebhook, Notify, WriteCrm
from perennia.core.json_values import Json, JsonObject, with_texts

Outgoing: TypeAlias = WriteCrm | CallWebhook | Notify
WITHOUT_BODY = frozenset({"GET", "DELETE"})


def said(effect: Outgoing, render: Callable[[str], str]) -> JsonObject:
    """``render`` makes the text of a template, and may raise.

    Of a write to the CRM: what is written under its word, and ``on``: account or contact. Of a request ``url``, ``method``,
    ``headers`` and ``body``. Of a notice ``text``.
    """
    match effect:
        case WriteCrm():
            written: Json = effect.fields if effect.write == "set" else render(effect.text or "")
            return {effect.write: written, "on": effect.record}
        case CallWebhook():
            headers: JsonObject = {name: render(value) for name, value in effect.headers.items()}
            return {
                "url": render(effect.url),
                "method": effect.method,
                "headers": headers,
                "body": _body(effect, render),
            }
        case Notify():
            return {"text": render(effect.text)}


def _body(effect: CallWebhook, render: Callable[[str], str]) -> Json:
    if effect.body is not None:
        return with_texts(effect.body, render)
    return None if effect.method in WITHOUT_BODY else _description(effect)


def _description(effect: CallWebhook) -> JsonObject:
    """Which step calls, for whom: what a request without a body of its own says."""
    return {
        "type": "playbook.step",
        "timestamp": effect.at.isoformat().replace("+00:00", "Z"),
        "data": {
            "customer": effect.customer,
            "playbook": effect.playbook,
            "enrollment": effect.enrollment,
            "step": effect.step,
        },
    }

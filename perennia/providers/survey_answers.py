"""What other systems tell of answers to surveys that they have asked: whether it is theirs, and what it says.

Typeform signs the body (https://www.typeform.com/developers/webhooks/secure-your-webhooks/), Formbricks and whoever else signs
by Standard Webhooks (https://www.standardwebhooks.com) id, time and body, Delighted gives a password (all seen 2026-11).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

from perennia.providers.reports import Call, Unreadable, Unsigned, same
from perennia.providers.standard_webhooks import verified


@dataclass(frozen=True)
class ToldAnswer:
    """What one call tells.

    ``call``: the same each time the call comes again. ``response``: the same for each call about one response, None where
    only a mapping can tell. ``form``: the sender's own name of the survey. ``said``: what mappings name. ``defaults``: where
    ``score``, ``comment``, ``customer`` and ``email`` are found unless a mapping says otherwise.
    """

    call: str
    response: str | None
    form: str | None
    said: dict[str, Any]
    defaults: Mapping[str, str]
    finished: bool = True

    def find(self, path: str | None) -> Any:
        """What ``path`` (``person.email``, or a field's name as it is) leads to; None where it leads nowhere."""
        if path is None:
            return None
        if path in self.said:
            return self.said[path]
        value: Any = self.said
        for name in path.split("."):
            value = _object(value).get(name)
        return value


# Whether a call is theirs: its own name, where its headers say one. Then what its body says, with that name.
_Verify: TypeAlias = Callable[[Call, str], str]
_Read: TypeAlias = Callable[[Mapping[str, Any], str], ToldAnswer]


def read_answer(source: str, call: Call, secret: str) -> ToldAnswer:
    """What the call tells. Raises `Unsigned`, `Unreadable`; `Misconfigured` for a secret that cannot be one."""
    verify, read = _SYSTEMS.get(source, _ANY)
    name = verify(call, secret)
    return read(call.json(dict[str, Any]), name)


def read_again(source: str, call: Call, name: str) -> ToldAnswer:
    """What a call told whose signature was right when it came; ``name``: its `ToldAnswer.call`. Raises `Unreadable`."""
    _, read = _SYSTEMS.get(source, _ANY)
    return read(call.json(dict[str, Any]), name)


def _is_typeforms(call: Call, secret: str) -> str:
    right = base64.b64encode(hmac.digest(secret.encode(), call.body, "sha256")).decode()
    if not same(call.headers.get("typeform-signature", ""), f"sha256={right}"):
        raise Unsigned("the signature is not Typeform's; is the secret that of this webhook?")
    return ""


def _typeform(body: Mapping[str, Any], _: str) -> ToldAnswer:
    told = _part(body, "form_response")
    said: dict[str, Any] = {"hidden": told.get("hidden")}
    for answer in map(_object, _list(told.get("answers"))):
        field, value = _object(answer.get("field")), answer.get(str(answer.get("type")))
        if chosen := _object(value):  # a choice, or several
            value = chosen.get("label", chosen.get("labels"))
        said |= {str(name): value for name in (field.get("ref"), field.get("id")) if name}
    defaults = {"customer": "hidden.customer_id", "email": "hidden.email"}
    return ToldAnswer(_text(body, "event_id"), _text(told, "token"), _maybe(told.get("form_id")), said, defaults)


def _formbricks(body: Mapping[str, Any], identity: str) -> ToldAnswer:
    data = _part(body, "data")
    said = _object(data.get("contactAttributes")) | _object(data.get("data"))
    defaults = {"customer": "userId", "email": "email"}
    done = bool(data.get("finished")) or body.get("event") == "responseFinished"
    return ToldAnswer(identity, _text(data, "id"), _maybe(data.get("surveyId")), said, defaults, done)


def _is_delighteds(call: Call, secret: str) -> str:
    given = call.headers.get("authorization", "").removeprefix("Basic ")
    try:
        password = base64.b64decode(given, validate=True).decode().partition(":")[2]
    except ValueError:
        password = ""
    if not same(password, secret):
        raise Unsigned("the password is not the one that Delighted's webhook was given")
    return ""


def _delighted(body: Mapping[str, Any], _: str) -> ToldAnswer:
    data = _part(body, "event_data")
    defaults = {
        "score": "score",
        "comment": "comment",
        "customer": "person_properties.customer_id",
        "email": "person.email",
    }
    return ToldAnswer(_text(body, "event_id"), _text(data, "id"), None, data, defaults)


def _generic(body: Mapping[str, Any], identity: str) -> ToldAnswer:
    defaults = {"score": "score", "comment": "comment", "customer": "customer", "email": "email"}
    return ToldAnswer(identity, None, None, dict(body), defaults)


def _verified(call: Call, secret: str) -> str:
    """The call's own name, by Standard Webhooks."""
    return verified(call, secret, "survey_hooks")


_ANY: Final[tuple[_Verify, _Read]] = (_verified, _generic)
_SYSTEMS: Final[dict[str, tuple[_Verify, _Read]]] = {
    "typeform": (_is_typeforms, _typeform),
    "formbricks": (_verified, _formbricks),
    "delighted": (_is_delighteds, _delighted),
}


def _object(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _part(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    if not isinstance(body.get(name), dict):
        raise Unreadable(f"the body has no {name}")
    return _object(body[name])


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str | int) or value == "":
        raise Unreadable(f"the body has no {name}")
    return str(value)


def _maybe(value: object) -> str | None:
    return value if isinstance(value, str) else None


def body_digest(body: bytes) -> str:
    """A name for a response whose sender gives it none."""
    return hashlib.sha256(body).hexdigest()[:32]

"""Everything beyond the engine, in memory: providers that do what they are asked unless told otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias

import msgspec

from perennia.core.decisions import (
    AskApproval,
    CallWebhook,
    EffectEnded,
    Notify,
    OpenTask,
    Outcome,
    Reason,
    SendEmail,
    WriteCrm,
)
from perennia.core.definitions import Policies
from perennia.core.digests import items_of
from perennia.core.json_values import Json, JsonObject
from perennia.core.said import said

# How long a simulated provider is left alone after a failure that may pass, doubled each time up to the longest pause, and
# how old messages and everything else may get by that: as the engine does (`workflows.policies`).
FIRST_RETRY = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(minutes=5)
MESSAGES_GIVEN_UP = timedelta(days=2)
OTHERS_GIVEN_UP = timedelta(days=1)

Answered: TypeAlias = SendEmail | OpenTask | AskApproval | WriteCrm | CallWebhook | Notify


class RenderingProblem(Exception):
    """A template or text that cannot be rendered, in words for its author."""


class Rendering(Protocol):
    """What the world needs of templates. Both raise `RenderingProblem`."""

    def title(self, text: str, effect: Answered, policies: Policies) -> str:
        """A text of the effect: a title, a question, a notice, a part of a request."""
        ...

    def message(self, effect: SendEmail, policies: Policies) -> None:
        """Renders the message and throws it away: a scenario finds what a template lacks.

        Of a digest that is what its messages are put into.
        """
        ...


@dataclass
class Fault:
    """From ``at`` on, ``times`` attempts of this kind fail, or are refused for good."""

    at: datetime
    refuses: bool
    times: int
    kind: str = "email"


@dataclass
class Outside:
    """``texts``: what outward effects but emails said, in order of release (`happenings`)."""

    rendering: Rendering
    faults: list[Fault] = field(default_factory=list[Fault])
    texts: list[Json] = field(default_factory=list[Json])
    # How long each effect that failed waits after its next failure.
    _pauses: dict[str, timedelta] = field(default_factory=dict[str, timedelta])

    def attempt(self, effect: Answered, now: datetime, policies: Policies) -> EffectEnded | datetime:
        """How the effect ends, or when it is attempted again. ``policies``: in force now."""
        is_first = effect.key not in self._pauses
        left_out: dict[str, str] = {}
        try:
            if isinstance(effect, SendEmail) and effect.items:
                left_out = self._left_out(effect, policies)
            text = self._render(effect, policies)
        except RenderingProblem as problem:
            if not isinstance(effect, SendEmail):
                self.texts.append(None)
            return _failed(effect, now, Reason.TEMPLATE_ERROR, {"error": str(problem)})
        if is_first and not isinstance(effect, SendEmail):
            self.texts.append(text)
        if isinstance(effect, OpenTask | AskApproval):
            return EffectEnded(at=now, key=effect.key, outcome=Outcome.DONE)
        answer = self._ask_provider(effect, now)
        return msgspec.structs.replace(answer, left_out=left_out) if isinstance(answer, EffectEnded) else answer

    def _left_out(self, digest: SendEmail, policies: Policies) -> dict[str, str]:
        """By key what is wrong with messages without which the digest leaves. Raises `RenderingProblem` where nothing is left."""
        problems: dict[str, str] = {}
        items = items_of(digest)
        for item in items:
            try:
                self.rendering.message(item, policies)
            except RenderingProblem as problem:
                problems[item.key] = str(problem)
        if len(problems) == len(items):
            raise RenderingProblem("; ".join(problems.values()))
        return problems

    def _render(self, effect: Answered, policies: Policies) -> Json:
        if isinstance(effect, SendEmail):
            self.rendering.message(effect, policies)
            return None

        def render(text: str) -> str:
            return self.rendering.title(text, effect, policies)

        match effect:
            case OpenTask():
                if effect.body is not None:
                    render(effect.body)
                return render(effect.title)
            case AskApproval():
                return render(effect.question)
            case _:
                return said(effect, render)

    def _ask_provider(
        self, effect: SendEmail | WriteCrm | CallWebhook | Notify, now: datetime
    ) -> EffectEnded | datetime:
        asks = isinstance(effect, SendEmail) and effect.survey is not None
        kinds = ("email", "survey") if asks else (KINDS[type(effect)],)
        fault = next((each for each in self.faults if each.kind in kinds and each.at <= now and each.times > 0), None)
        if fault is None:
            outcome = Outcome.SENT if isinstance(effect, SendEmail) else Outcome.DONE
            result: JsonObject = {"status": 200, "body": None} if isinstance(effect, CallWebhook) else {}
            return EffectEnded(at=now, key=effect.key, outcome=outcome, result=result)
        fault.times -= 1
        if fault.refuses:
            status: JsonObject = {"status": 400, "body": None} if isinstance(effect, CallWebhook) else {}
            return _failed(effect, now, Reason.PROVIDER_REFUSED, status)
        return self._try_later(effect, now)

    def _try_later(self, effect: Answered, now: datetime) -> EffectEnded | datetime:
        pause = self._pauses.get(effect.key, FIRST_RETRY)
        self._pauses[effect.key] = min(pause * 2, LONGEST_PAUSE)
        age = MESSAGES_GIVEN_UP if isinstance(effect, SendEmail) else OTHERS_GIVEN_UP
        return _failed(effect, now, "provider_unavailable", {}) if now + pause > effect.at + age else now + pause


KINDS = {SendEmail: "email", WriteCrm: "crm", CallWebhook: "webhook", Notify: "notify"}


def _failed(effect: Answered, at: datetime, reason: str, result: JsonObject) -> EffectEnded:
    return EffectEnded(at=at, key=effect.key, outcome=Outcome.FAILED, reason=reason, result=result)

"""Telling other systems: the CRM, webhooks, channels of the team. One way for all three, at least once.

The ledger's row says ``sending`` before the system is asked. What is found in that state later was interrupted, and is
tried again: a write with the same idempotency key, a request with the same ``webhook-id``, a second line in a channel do
less harm than one that is missing. The result then says ``repeated``.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from dataclasses import dataclass
from typing import Generic, TypeVar

from temporalio import activity

from activities.attempts import hold, note_failure, patiently
from activities.contracts import Crm, EffectRequest, Notices, Webhooks
from activities.failures import activity_failures
from activities.letters import sender_of_notices
from activities.life_signs import signs_of_life
from activities.published import Published
from perennia.clock import Clock
from perennia.core.decisions import CallWebhook, EffectEnded, Notify, Outcome, Reason, WriteCrm
from perennia.core.json_values import JsonObject
from perennia.core.said import said
from perennia.core.tame_json import TooDeep, tame_object
from perennia.providers.crm import CrmWrite, CrmWriter
from perennia.providers.failures import Misconfigured, Refused, Unavailable, Unsupported
from perennia.providers.notices import Channels, Notice
from perennia.providers.webhooks import Answer, Request, WebhookCaller
from perennia.rendering import TemplateError, render_text, workspace_reader
from perennia.store.port import Store
from perennia.store.records import Delivering, SendStatus

log = logging.getLogger(__name__)

Told = TypeVar("Told", WriteCrm, CallWebhook, Notify)
MAX_REPLY_CHARS = 300


@dataclass(frozen=True)
class Delivered:
    """The system has it. ``provider``: how the ledger calls it; ``id``: its own name for what it was told."""

    provider: str
    id: str | None
    result: JsonObject


class _Delivery(Generic[Told]):
    """Carries out effects of one kind. Any number of attempts at one key may run, also at the same time."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._published = Published(store)

    @abstractmethod
    def _by(self, effect: Told, /) -> str | None:
        """The provider that is asked, as the ledger calls it. None: there is none."""

    @abstractmethod
    async def _tell(self, effect: Told, what: JsonObject) -> Delivered:
        """Tells the system ``what`` (`said`), texts rendered. Raises `ProviderFailure`."""

    async def _carry_out(self, request: EffectRequest, kind: type[Told]) -> None:
        with activity_failures(request.key):
            async with signs_of_life():
                found = await self._store.claim_delivery(request.key, self._clock.now())
                effect = found.effect
                if not isinstance(effect, kind):
                    return  # ended already, or withdrawn before it left
                if found.erased:
                    await self._end(effect, SendStatus.SKIPPED, Outcome.SKIPPED, Reason.CUSTOMER_ERASED, {})
                elif found.paused:
                    hold(effect.key)
                else:
                    await self._attempt(effect, found)

    async def _attempt(self, effect: Told, found: Delivering) -> None:
        reader = workspace_reader(await self._published.policies(), effect.at)
        try:
            what = said(effect, lambda text: render_text(text, effect.context, reader))
        except TemplateError as error:
            await self._end(effect, SendStatus.FAILED, Outcome.FAILED, Reason.TEMPLATE_ERROR, {"error": str(error)})
            return
        repeated: JsonObject = {"repeated": True} if found.before is SendStatus.SENDING else {}
        try:
            told = await self._tell(effect, what)
        except (Refused, Unsupported) as failure:
            await self._refused(effect, failure, what)
        except (Unavailable, Misconfigured) as failure:
            if isinstance(failure, Misconfigured):
                log.critical("%s is held until this is repaired: %s", effect.key, failure)
            if found.before is SendStatus.RESERVED and not (isinstance(failure, Unavailable) and failure.maybe_sent):
                await patiently(lambda: self._store.release_delivery(effect.key))
            await note_failure(self._store, effect.key, self._by(effect), failure, self._clock.now())
            raise
        else:
            result: JsonObject = {**told.result, **repeated}
            await self._end(effect, SendStatus.SENT, Outcome.DONE, None, result, told=told, what=what)

    async def _refused(self, effect: Told, failure: Refused | Unsupported, what: JsonObject) -> None:
        result: JsonObject = {"error": str(failure), "reply": (failure.reply or "")[:MAX_REPLY_CHARS] or None}
        if isinstance(failure, Refused):
            result |= _tamed(failure.detail)
        await self._end(effect, SendStatus.FAILED, Outcome.FAILED, Reason.PROVIDER_REFUSED, result, what=what)
        await note_failure(self._store, effect.key, self._by(effect), failure, self._clock.now())

    async def _end(
        self,
        effect: Told,
        status: SendStatus,
        outcome: Outcome,
        reason: Reason | None,
        result: JsonObject,
        *,
        told: Delivered | None = None,
        what: JsonObject | None = None,
    ) -> None:
        ended = EffectEnded(at=self._clock.now(), key=effect.key, outcome=outcome, reason=reason, result=result)
        by, id_ = (None, None) if told is None else (told.provider, told.id)
        await patiently(lambda: self._store.end_delivery(effect.key, status, ended, by, id_, what))


class StoreCrm(_Delivery[WriteCrm], Crm):
    """Writes to the CRM."""

    def __init__(self, store: Store, clock: Clock, provider: CrmWriter) -> None:
        super().__init__(store, clock)
        self._provider = provider

    @activity.defn(name="write_crm")
    async def write(self, request: EffectRequest) -> None:
        await self._carry_out(request, WriteCrm)

    def _by(self, _: WriteCrm, /) -> str:
        return self._provider.name

    async def _tell(self, effect: WriteCrm, what: JsonObject) -> Delivered:
        about = effect.context.get("account" if effect.record == "account" else "contact")
        traits = about if isinstance(about, dict) else {}
        written = what[effect.write]
        write = CrmWrite(
            kind=effect.write,
            record=effect.record,
            ref=effect.ref,
            email=email if isinstance(email := traits.get("email"), str) else None,
            fields=written if isinstance(written, dict) else {},
            text=written if isinstance(written, str) else None,
            idempotency_key=effect.key,
            at=effect.at,
        )
        return Delivered(self._provider.name, await self._provider.write(write), {})


class StoreWebhooks(_Delivery[CallWebhook], Webhooks):
    """Makes requests."""

    def __init__(self, store: Store, clock: Clock, caller: WebhookCaller) -> None:
        super().__init__(store, clock)
        self._caller = caller

    @activity.defn(name="call_webhook")
    async def call(self, request: EffectRequest) -> None:
        await self._carry_out(request, CallWebhook)

    def _by(self, _: CallWebhook, /) -> str:
        return self._caller.name

    async def _tell(self, effect: CallWebhook, what: JsonObject) -> Delivered:
        headers = what["headers"]
        request = Request(
            url=str(what["url"]),
            method=effect.method,
            headers={name: str(value) for name, value in headers.items()} if isinstance(headers, dict) else {},
            body=what["body"],
            idempotency_key=effect.key,
        )
        answer: Answer = await self._caller.call(request)
        return Delivered(self._caller.name, answer.id, _tamed({"status": answer.status, "body": answer.body}))


def _tamed(answered: JsonObject) -> JsonObject:
    """What a receiver says must not stop the customer: what nobody could read in a turn is not kept."""
    try:
        return tame_object(answered)
    except (TooDeep, OverflowError):
        return {**answered, "body": None}


class StoreNotices(_Delivery[Notify], Notices):
    """Posts notices."""

    def __init__(self, store: Store, clock: Clock, channels: Channels) -> None:
        super().__init__(store, clock)
        self._channels = channels

    @activity.defn(name="post_notice")
    async def post(self, request: EffectRequest) -> None:
        await self._carry_out(request, Notify)

    def _by(self, effect: Notify, /) -> str | None:
        try:
            return self._channels.provider(effect.channel).name
        except Misconfigured:
            return None

    async def _tell(self, effect: Notify, what: JsonObject) -> Delivered:
        provider = self._channels.provider(effect.channel)
        notice = Notice(
            channel=effect.channel,
            text=str(what["text"]),
            idempotency_key=effect.key,
            at=effect.at,
            sender=sender_of_notices(await self._published.policies()),
        )
        return Delivered(provider.name, await provider.post(notice), {})

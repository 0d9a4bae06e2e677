"""Sending: the ledger's row, then the provider, then the result, so that a key is sent once.

The row says ``sending`` before the provider is called. What is found in that state later was interrupted, and nobody
knows whether the provider accepted it. Then the rule is:

- a provider with idempotency keys is simply asked again, as long as it remembers them: it knows;
- else marketing mail is not repeated, transactional and internal mail is: a second copy of a newsletter annoys, a missing
  password mail locks out;
- either way the row ends ``unknown``, so that it is counted, and the step ends ``sent`` with ``uncertain`` in its result:
  acceptance comes early in the time that ``sending`` lasts, the playbook goes on as after a sent message, and nobody is
  thrown out (``on_failure: exit``) for a message that has most likely arrived.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final, NoReturn

from temporalio import activity

from activities.attempts import hold, note, note_failure, patiently
from activities.contracts import EffectRequest, Messages
from activities.failures import activity_failures
from activities.letters import Letters, MessageLinks, addressed_to
from activities.life_signs import signs_of_life
from activities.published import Published
from activities.warming import next_try, no_place, places_at, places_for
from perennia.clock import Clock
from perennia.core.admission import calendar_of, last_look
from perennia.core.caps import PROMPT, reach_of
from perennia.core.decisions import EffectEnded, Outcome, Reason, SendEmail
from perennia.core.json_values import JsonObject
from perennia.core.state import LedgerEntry
from perennia.providers.addresses import InvalidAddress, Mailbox
from perennia.providers.email import EmailProvider, OutgoingEmail
from perennia.providers.failures import Misconfigured, ProviderFailure, Refused, Unavailable, Unsupported
from perennia.providers.return_paths import ReturnPaths
from perennia.providers.routes import EmailRoutes, NamedProvider
from perennia.rendering import TemplateError
from perennia.store.attempt_records import Tried
from perennia.store.port import Store
from perennia.store.records import Sending, SendStatus

log = logging.getLogger(__name__)

MAX_REPLY_CHARS: Final = 300


class StoreMessages(Messages):
    """Messages against a real store and provider. Any number of attempts at one key may run, also at the same time."""

    def __init__(
        self,
        store: Store,
        provider: EmailProvider | EmailRoutes,
        links: MessageLinks,
        clock: Clock,
        return_paths: ReturnPaths | None = None,
    ) -> None:
        published = Published(store)
        routes = provider if isinstance(provider, EmailRoutes) else EmailRoutes.through(provider)
        self._means = _Means(store, routes, clock, Letters(published, links, return_paths), published)

    @activity.defn(name="send_message")
    async def send(self, request: EffectRequest) -> None:
        with activity_failures(request.key):
            async with signs_of_life():
                await self._send(request)

    async def _send(self, request: EffectRequest) -> None:
        now, routes = self._means.clock.now(), self._means.routes
        sending = await self._means.store.claim_message(request.key, now, lambda each: places_for(routes, each, now))
        effect = sending.effect
        if not isinstance(effect, SendEmail) or sending.before not in {SendStatus.RESERVED, SendStatus.SENDING}:
            return  # ended already, or withdrawn before it left
        await _Attempt(self._means, request.customer, effect, sending).run()


@dataclass(frozen=True)
class _Means:
    store: Store
    routes: EmailRoutes
    clock: Clock
    letters: Letters
    published: Published


class _Attempt:
    """One attempt at one claimed key. ``interrupted``: an earlier one never said how it ended."""

    def __init__(self, means: _Means, customer: str, effect: SendEmail, sending: Sending) -> None:
        self._store = means.store
        self._routes = means.routes
        self._clock = means.clock
        self._letters = means.letters
        self._published = means.published
        self._customer = customer
        self._effect = effect
        self._sending = sending
        self._chain = self._may_take()
        self._interrupted = sending.before is SendStatus.SENDING and not self._known
        # By key, of a digest what could not be rendered.
        self._left_out: dict[str, str] = {}

    async def run(self) -> None:
        if self._interrupted:
            said = "a try before this one never said how it ended"
            tried = Tried(at=self._clock.now(), provider=self._chain[0].name, outcome="unanswered", said=said)
            await note(self._store, self._effect.key, tried)
        if self._interrupted and not self._may_repeat:
            await self._uncertain(repeated=False)
            return
        if self._sending.paused and not self._sending.erased:
            hold(self._effect.key)
        if self._sending.stopped and not self._sending.erased:
            hold(self._effect.key, Reason.SENDING_STOPPED)
        reason = _refusal(self._effect, self._sending) or await self._too_late()
        if reason is not None:
            await self._skip(reason)
            return
        try:
            recipient = addressed_to(self._effect, self._sending.recipient.address)
        except InvalidAddress:
            await self._skip(Reason.INVALID_ADDRESS)
            return
        if recipient is None:
            await self._skip(Reason.MISSING_ADDRESS if self._effect.recipient == "contact" else Reason.NO_RECIPIENT)
            return
        if self._sending.full:
            await self._wait_for_place()
        await self._send_to(recipient)

    @property
    def _may_repeat(self) -> bool:
        return not self._effect.is_marketing

    async def _send_to(self, recipient: Mailbox) -> None:
        try:
            said = self._sending.recipient.consents
            letter = await self._letters.write(self._customer, self._effect, recipient, self._clock.now(), said)
        except TemplateError as error:
            await self._fail(Reason.TEMPLATE_ERROR, _described(error))
            return
        except Exception as error:
            await self._put_off(error)
            raise
        self._left_out = letter.left_out
        await self._hand_over(letter.email)

    async def _too_late(self) -> Reason | None:
        """What speaks against this very instant, quiet hours or a cap: then the turn decides anew (`core.results`).

        A message that leaves promptly has its place already. One that an earlier attempt may have sent is asked for again
        as it is: a provider with idempotency keys knows it, and under a new key it would go twice.
        """
        if self._sending.before is SendStatus.SENDING:
            return None
        now, timing = self._clock.now(), await self._published.timing()
        caps = timing.caps_on(self._effect.topic) if now - self._effect.at > PROMPT else ()
        if timing.quiet is None and not caps:
            return None
        calendar = calendar_of(await self._published.policies(), *self._sending.zones)
        entries: tuple[LedgerEntry, ...] = ()
        if caps:
            entries = await self._store.counted_messages(self._customer, reach_of(caps, now, calendar))
        return last_look(timing, entries, self._effect, now, calendar)

    async def _wait_for_place(self) -> NoReturn:
        """Until the next day's beginning: nobody who may take the message has a place left today."""
        now = self._clock.now()
        until = next_try(self._effect, now)
        entry = no_place(self._effect, now, until, self._chain[0])
        await self._store.keep_waiting(self._effect.key, until, entry)
        hold(self._effect.key, Reason.WARM_UP)

    def _may_take(self) -> list[NamedProvider]:
        """Whom this attempt may ask, in order. Where an earlier one may have been heard, only whom that asked."""
        sending = self._sending
        chain = self._routes.chain(self._effect.sender, self._effect.topic)
        if sending.provider is not None and sending.provider in self._routes.providers:
            noted = self._routes.named(sending.provider)
            others = [each for each in chain if each.name != noted.name]
            chain = [noted, *others]
        return chain[:1] if sending.before is SendStatus.SENDING else chain

    @property
    def _known(self) -> bool:
        """Whether the one that is asked knows a key again. Since the release, for its first attempt came later."""
        return self._chain[0].provider.capabilities.knows(self._clock.now() - self._effect.at)

    async def _hand_over(self, message: OutgoingEmail) -> None:
        try:
            sent = await self._chain[0].provider.send(message)
        except (Refused, Unsupported) as failure:
            await self._refused(failure)
        except Unavailable as failure:
            asked = self._chain[0].name
            self._routes.rest(asked, failure.retry_after)
            if not failure.maybe_sent and await self._passed_on():
                log.info("%s: %s; %s takes its place", self._effect.key, failure, self._chain[0].name)
                await self._note(failure, asked)
                await self._hand_over(message)
                return
            if not failure.maybe_sent:
                await self._put_off(failure)
                raise
            await self._note(failure, asked)
            if self._may_repeat or self._known:
                raise
            log.warning("%s: %s; marketing mail is not repeated", self._effect.key, failure)
            await self._uncertain(repeated=False)
        except Misconfigured as failure:
            await self._put_off(failure)
            raise
        else:
            await self._sent(message, sent.provider_id)

    async def _note(self, failure: ProviderFailure, asked: str) -> None:
        await note_failure(self._store, self._effect.key, asked, failure, self._clock.now())

    async def _passed_on(self) -> bool:
        """Whether the next one that has a place for the message stands first now; noted before it is asked, as at a claim."""
        others = self._chain[1:]
        taker = others and await self._store.pass_on(self._effect.key, places_at(others, self._clock.now()))
        if not taker:
            return False
        while self._chain[0].name != taker:
            del self._chain[0]
        return True

    async def _refused(self, failure: Refused | Unsupported) -> None:
        result: JsonObject = {"error": str(failure), "reply": (failure.reply or "")[:MAX_REPLY_CHARS] or None}
        if isinstance(failure, Refused) and failure.reason == "invalid_address":
            await self._skip(Reason.INVALID_ADDRESS, result)
        else:
            await self._fail(Reason.PROVIDER_REFUSED, result)
        await self._note(failure, self._chain[0].name)

    async def _put_off(self, failure: Exception) -> None:
        """This attempt's message is certainly not out: another may begin as if it had not been.

        Not where an earlier attempt's may be: that stays in doubt, and under its key.
        """
        if self._sending.before is SendStatus.RESERVED:
            await patiently(lambda: self._store.release_message(self._effect.key))
        if isinstance(failure, ProviderFailure):
            await self._note(failure, self._chain[0].name)
        if isinstance(failure, Misconfigured):
            log.critical("email cannot be sent; messages are held until this is repaired: %s", failure)

    async def _sent(self, message: OutgoingEmail, provider_id: str | None) -> None:
        result: JsonObject = {"message_id": message.message_id.strip("<>")}
        if self._interrupted:
            await self._uncertain(repeated=True, result=result, provider_id=provider_id)
        else:
            await self._end(SendStatus.SENT, Outcome.SENT, None, result, provider_id)

    async def _uncertain(
        self, *, repeated: bool, result: JsonObject | None = None, provider_id: str | None = None
    ) -> None:
        result = {**(result or {}), "uncertain": True, "repeated": repeated}
        await self._end(SendStatus.UNKNOWN, Outcome.SENT, None, result, provider_id)

    async def _skip(self, reason: Reason, result: JsonObject | None = None) -> None:
        await self._end(SendStatus.SKIPPED, Outcome.SKIPPED, reason, result or {}, None)

    async def _fail(self, reason: Reason, result: JsonObject) -> None:
        await self._end(SendStatus.FAILED, Outcome.FAILED, reason, result, None)

    async def _end(
        self, status: SendStatus, outcome: Outcome, reason: Reason | None, result: JsonObject, provider_id: str | None
    ) -> None:
        key = self._effect.key
        ended = EffectEnded(
            at=self._clock.now(), key=key, outcome=outcome, reason=reason, result=result, left_out=self._left_out
        )
        name = self._chain[0].name
        await patiently(lambda: self._store.end_message(self._effect.key, status, ended, name, provider_id))


def _refusal(effect: SendEmail, sending: Sending) -> Reason | None:
    """What may have changed since the turn decided: erased, suppressed, unsubscribed."""
    if sending.erased:
        return Reason.CUSTOMER_ERASED
    if effect.recipient == "owner":
        return None
    if sending.recipient.suppressed:
        return Reason.SUPPRESSED
    if effect.topic is not None and not effect.transactional and sending.recipient.consents.get(effect.topic) is False:
        return Reason.UNSUBSCRIBED_TOPIC
    return None


def _described(error: TemplateError) -> JsonObject:
    return {"error": str(error), "template": error.template, "line": error.line, "name": error.name}

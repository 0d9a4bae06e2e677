"""A message effect -> the email that leaves: addresses, text, headers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple, Protocol

from activities.published import Published
from perennia.core import definitions
from perennia.core.decisions import SendEmail
from perennia.core.definitions import Policies, Sender, Tracking
from perennia.core.digests import alone, items_of
from perennia.core.documents import TemplateBody
from perennia.core.json_values import JsonObject
from perennia.core.tracking import NOTHING_SAID, tracking_of
from perennia.providers.addresses import InvalidAddress, Mailbox
from perennia.providers.email import OutgoingEmail
from perennia.providers.failures import Misconfigured
from perennia.providers.return_paths import ReturnPaths
from perennia.rendering import (
    Asking,
    RenderedMessage,
    Surroundings,
    TemplateError,
    built_in_confirmation,
    built_in_digest,
    built_in_survey,
    message_reader,
    render_digest,
    render_message,
    render_part,
    workspace_names,
)
from perennia.rendering.links import ClickLink
from perennia.rendering.tracking import with_links, with_picture


class MessageLinks(Protocol):
    def unsubscribe_url(self, customer: str, topic: str) -> str: ...

    def preferences_url(self, customer: str) -> str: ...

    def answer_url(self, key: str, survey: str) -> str: ...

    def confirm_url(self, customer: str, topic: str, asked_at: datetime, address: str) -> str: ...

    def click_url(self, link: ClickLink) -> str: ...

    def open_url(self, reference: str) -> str: ...

    def is_ours(self, url: str) -> bool: ...


class _Tracked:
    """A message, and the parts of a digest, with links that tell of clicks: one for each target, in HTML and text alike."""

    def __init__(self, reference: str, tracking: Tracking, links: MessageLinks) -> None:
        self._reference = reference
        self._tracking = tracking
        self._links = links
        self._urls: dict[tuple[int | None, str], str] = {}

    def whole(self, message: RenderedMessage) -> RenderedMessage:
        message = self.links(message, None)
        return with_picture(message, self._links.open_url(self._reference)) if self._tracking.opens else message

    def links(self, message: RenderedMessage, place: int | None) -> RenderedMessage:
        """``place``: of the message in its digest."""
        return with_links(message, lambda target: self._url(target, place)) if self._tracking.clicks else message

    def _url(self, target: str, place: int | None) -> str:
        if self._links.is_ours(target):
            return target
        link = ClickLink(self._reference, len(self._urls), place, target)
        return self._urls.setdefault((place, target), self._links.click_url(link))


class Letter(NamedTuple):
    """``left_out``: of a digest by key what could not be rendered, and why."""

    email: OutgoingEmail
    left_out: dict[str, str]


class Letters:
    """Writes emails with the current policies and the template versions that their effects name."""

    def __init__(self, published: Published, links: MessageLinks, return_paths: ReturnPaths | None = None) -> None:
        self._published = published
        self._links = links
        self._return_paths = return_paths

    async def write(
        self,
        customer: str,
        effect: SendEmail,
        recipient: Mailbox,
        date: datetime,
        said: Mapping[str, bool] = NOTHING_SAID,
    ) -> Letter:
        """The email of one effect: the same effect gives the same Message-ID. ``said``: what the customer said of topics by now.

        Raises `TemplateError`, of a digest where none of its messages can be rendered; `Misconfigured` where the policies
        name no usable sender.
        """
        effect = alone(effect)
        policies = await self._published.policies()
        owner = _member(effect.context, "owner")
        sender, reply_to = _sender(effect, policies, owner)
        message_id = f"<{effect.reference}@{sender.domain}>"
        unsubscribe = preferences = ""
        if effect.topic is not None and not effect.transactional:
            unsubscribe = self._links.unsubscribe_url(customer, effect.topic)
            preferences = self._links.preferences_url(customer)
        asked = effect.survey
        asking = None if asked is None else Asking(asked, self._links.answer_url(effect.key, asked.survey))
        surroundings = replace(
            _surroundings(effect, policies, message_id),
            unsubscribe_url=unsubscribe,
            preferences_url=preferences,
            asked=asking,
            confirm_url=self._confirm_url(customer, effect, recipient),
        )
        tracked = _Tracked(effect.reference, tracking_of(effect, policies, said), self._links)
        message, left_out = await self._rendered(effect, policies, surroundings, tracked)
        email = OutgoingEmail(
            sender=sender,
            recipient=recipient,
            subject=message.subject,
            text=message.text,
            html=message.html,
            message_id=message_id,
            idempotency_key=effect.key,
            date=date,
            reply_to=reply_to,
            headers=_list_headers(unsubscribe) if unsubscribe else (),
            return_path=None if self._return_paths is None else self._return_paths.of(effect.reference),
        )
        return Letter(email, left_out)

    async def _rendered(
        self, effect: SendEmail, policies: Policies, surroundings: Surroundings, tracked: _Tracked
    ) -> tuple[RenderedMessage, dict[str, str]]:
        """The message, and by key what could not be rendered of a digest, and why."""
        template = await self._template(effect)
        if not effect.items:
            # In a thread: what takes long in a template holds up no other message, no sign of life.
            message = await asyncio.to_thread(render_message, template, effect.context, surroundings)
            return tracked.whole(message), {}
        parts: list[RenderedMessage] = []
        left_out: dict[str, TemplateError] = {}
        for place, item in enumerate(items_of(effect)):
            own, around = await self._template(item), replace(surroundings, owner=_owner_named(item.context))
            try:
                part = await asyncio.to_thread(render_part, own, item.context, around)
                parts.append(tracked.links(part, place))
            except TemplateError as error:
                left_out[item.key] = error
        if not parts:
            raise next(iter(left_out.values()))
        topic = policies.topics.get(effect.topic or "")
        message = await asyncio.to_thread(render_digest, template, parts, topic, effect.context, surroundings)
        return tracked.whole(message), {key: str(error) for key, error in left_out.items()}

    async def _template(self, effect: SendEmail) -> TemplateBody:
        match effect.template:
            case definitions.BUILT_IN_SURVEY:
                return built_in_survey()
            case definitions.BUILT_IN_CONFIRMATION:
                return built_in_confirmation()
            case definitions.BUILT_IN_DIGEST:
                return built_in_digest()
            case _:
                # Playbooks pin the version they name; policies are always the newest, and so is what they name.
                version = effect.template_version or await self._published.newest(effect.template)
                return await self._published.template(version)

    def _confirm_url(self, customer: str, effect: SendEmail, recipient: Mailbox) -> str | None:
        if effect.confirms is None or effect.topic is None:
            return None
        return self._links.confirm_url(customer, effect.topic, effect.confirms, recipient.address)


def addressed_to(effect: SendEmail, address: str | None) -> Mailbox | None:
    """Whom the effect is for: ``address`` is the contact's, the owner's stands in the effect. None: nobody.

    Raises `InvalidAddress`.
    """
    if effect.recipient == "contact":
        return Mailbox(address) if address else None
    owner = _member(effect.context, "owner")
    email, name = owner.get("email"), owner.get("name")
    if not isinstance(email, str) or not email:
        return None
    return Mailbox(email, name if isinstance(name, str) else None)


def _sender(effect: SendEmail, policies: Policies, owner: JsonObject) -> tuple[Mailbox, Mailbox | None]:
    """From and Reply-To.

    ``from: owner`` carries the owner's name over the default sender's address, and answers go to the owner: the owner's
    own address in From would fail DMARC wherever its domain is not ours to send from.
    """
    if effect.sender != "owner":
        return _mailbox(_declared_sender(effect.sender, policies)), None
    default = default_sender(policies)
    email, name = owner.get("email"), owner.get("name")
    if not isinstance(email, str):
        return default, None
    name = name if isinstance(name, str) else None
    try:
        return Mailbox(default.address, name or default.name), Mailbox(email, name)
    except InvalidAddress:
        return default, None


def _declared_sender(name: str | None, policies: Policies) -> Sender:
    wanted = name or policies.usual_sender
    if wanted is None:
        raise Misconfigured("the policies name no default_sender")
    if wanted not in policies.senders:
        raise Misconfigured(f'the policies have no sender "{wanted}"')
    return policies.senders[wanted]


def default_sender(policies: Policies) -> Mailbox:
    """Raises `Misconfigured` where the policies name none."""
    return _mailbox(_declared_sender(None, policies))


def sender_of_notices(policies: Policies) -> Mailbox | None:
    """Who tells the team something. Only mail needs one, and a channel may have its own."""
    with contextlib.suppress(Misconfigured):
        return default_sender(policies)
    return None


def _mailbox(sender: Sender) -> Mailbox:
    try:
        return Mailbox(sender.email, sender.name)
    except InvalidAddress as error:
        raise Misconfigured(f"the address of a sender in the policies cannot be used: {error}") from error


def _surroundings(effect: SendEmail, policies: Policies, message_id: str) -> Surroundings:
    return Surroundings(
        workspace=workspace_names(policies),
        owner=_owner_named(effect.context),
        message={"id": message_id.strip("<>"), "topic": effect.topic},
        reader=message_reader(effect, policies),
    )


def _list_headers(unsubscribe: str) -> tuple[tuple[str, str], ...]:
    # RFC 2369 and RFC 8058: Gmail and Yahoo ask both of bulk senders since February 2024.
    return (("List-Unsubscribe", f"<{unsubscribe}>"), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))


def _owner_named(context: JsonObject) -> JsonObject | None:
    owner = _member(context, "owner")
    name = owner.get("name")
    if isinstance(name, str) and name.split():
        return {"first_name": name.split()[0], **owner}
    return owner or None


def _member(context: JsonObject, name: str) -> JsonObject:
    value = context.get(name)
    return value if isinstance(value, dict) else {}

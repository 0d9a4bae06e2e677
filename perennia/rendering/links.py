"""Links in messages that lead back to us, signed, so that nobody can act for somebody else."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from itsdangerous import BadData, URLSafeSerializer

from perennia.core.consent import address_mark

_SOMETHING_ELSE = "this link was signed for something else"


class LinksError(Exception):
    """What is wrong with a link.

    LinksError
    +-- BadToken        not made by us, changed on its way, or signed with a key that is no longer accepted
    +-- NoSigningKey    no key was given to sign with
    """


class BadToken(LinksError):
    pass


class NoSigningKey(LinksError):
    pass


class ConfirmLink(NamedTuple):
    """What a link that confirms a consent says; ``mark``: of the address it was sent to (`address_mark`)."""

    customer: str
    topic: str
    asked_at: datetime
    mark: str


class ClickLink(NamedTuple):
    """What a link of a message that is tracked says.

    ``reference``: the message's (`SendEmail.reference`); ``number``: of the link in it; ``item``: of a digest the place of the
    message that has it; ``target``: where it leads, which stood in the message when it was signed.
    """

    reference: str
    number: int
    item: int | None
    target: str


class Links:
    """Makes and reads the links of one installation.

    ``base_url`` is where the outside reaches us. ``keys``: the first one signs, all are accepted, so a key is replaced by
    putting a new one before it and removed when no message signed with it matters any more. A link holds an opaque
    customer id or message key and a topic or survey, no address. It never expires, since a person may unsubscribe
    from an old message too; how long one confirms a consent is the store's matter. ``tracking_url``: where links and pictures
    lead that tell of clicks and opens; without it ``base_url``.
    """

    def __init__(self, base_url: str, keys: Sequence[str], tracking_url: str | None = None) -> None:
        if not keys or not all(keys):
            raise NoSigningKey("no key to sign links with; give at least one secret that is not empty")
        self._base_url = base_url.rstrip("/")
        self._unsubscribes = _serializer(keys, "perennia.unsubscribe")
        self._answers = _serializer(keys, "perennia.answer")
        self._confirmations = _serializer(keys, "perennia.confirmation")
        self._preferences = _serializer(keys, "perennia.preferences")
        self._tasks = _serializer(keys, "perennia.task")
        self._tracking_url = (tracking_url or base_url).rstrip("/")
        self._clicks = _serializer(keys, "perennia.click")
        self._opens = _serializer(keys, "perennia.open")

    def click_url(self, link: ClickLink) -> str:
        """What leads to the link's target, and tells of it."""
        return f"{self._tracking_url}/l/{self._clicks.dumps(list(link))}"

    def read_click(self, token: str) -> ClickLink:
        """What the last part of a `click_url` says. Raises `BadToken`."""
        match _content(self._clicks, token):
            case [str(reference), int(number), None | int() as item, str(target)] if target.startswith("https://"):
                return ClickLink(reference, number, item, target)
            case _:
                raise BadToken(_SOMETHING_ELSE)

    def open_url(self, reference: str) -> str:
        """The picture that tells that the message was opened."""
        return f"{self._tracking_url}/o/{self._opens.dumps([reference])}"

    def read_open(self, token: str) -> str:
        """The reference of the last part of an `open_url`. Raises `BadToken`."""
        match _content(self._opens, token):
            case [str(reference)]:
                return reference
            case _:
                raise BadToken(_SOMETHING_ELSE)

    def is_ours(self, url: str) -> bool:
        """Whether it is one of these links: none of them is ever put behind another."""
        return any(
            url.startswith(f"{base}/{kind}/") for base in (self._base_url, self._tracking_url) for kind in "suplcot"
        )

    def answer_url(self, key: str, survey: str) -> str:
        """Where the survey that the message ``key`` asks is answered, with ``?score=N`` one score of it chosen."""
        return f"{self._base_url}/s/{self._answers.dumps([key, survey])}"

    def read_answer(self, token: str) -> tuple[str, str]:
        """Message key and survey of the last part of an `answer_url`. Raises `BadToken`."""
        return _pair(self._answers, token)

    def confirm_url(self, customer: str, topic: str, asked_at: datetime, address: str) -> str:
        """Where this customer (internal id) confirms the consent that was asked for then, for the address it is sent to."""
        mark = address_mark(customer, topic, address)
        return f"{self._base_url}/c/{self._confirmations.dumps([customer, topic, asked_at.isoformat(), mark])}"

    def read_confirm(self, token: str) -> ConfirmLink:
        """What the last part of a `confirm_url` says. Raises `BadToken`."""
        match _content(self._confirmations, token):
            case [str(customer), str(topic), str(asked_at), str(mark)]:
                return ConfirmLink(customer, topic, datetime.fromisoformat(asked_at), mark)
            case _:
                raise BadToken(_SOMETHING_ELSE)

    def preferences_url(self, customer: str) -> str:
        """Where this customer (internal id) chooses among all topics."""
        return f"{self._base_url}/p/{self._preferences.dumps([customer])}"

    def read_preferences(self, token: str) -> str:
        """The customer of the last part of a `preferences_url`. Raises `BadToken`."""
        match _content(self._preferences, token):
            case [str(customer)]:
                return customer
            case _:
                raise BadToken(_SOMETHING_ELSE)

    def task_url(self, key: str, person: str) -> str:
        """Where this person of the team ends, snoozes or comments the task."""
        return f"{self._base_url}/t/{self._tasks.dumps([key, person])}"

    def read_task(self, token: str) -> tuple[str, str]:
        """Key and person of the last part of a `task_url`. Raises `BadToken`."""
        return _pair(self._tasks, token)

    def unsubscribe_url(self, customer: str, topic: str) -> str:
        """Where this customer (internal id) says no to ``topic``: for the message's text and for RFC 8058's header."""
        return f"{self._base_url}/u/{self._unsubscribes.dumps([customer, topic])}"

    def read_unsubscribe(self, token: str) -> tuple[str, str]:
        """Customer and topic of the last part of an `unsubscribe_url`. Raises `BadToken`."""
        return _pair(self._unsubscribes, token)


def _pair(serializer: URLSafeSerializer, token: str) -> tuple[str, str]:
    match _content(serializer, token):
        case [str(first), str(second)]:
            return first, second
        case _:
            raise BadToken(_SOMETHING_ELSE)


def _content(serializer: URLSafeSerializer, token: str) -> object:
    try:
        return serializer.loads(token)
    except BadData as error:
        raise BadToken("this link was not made here or was changed on its way") from error


def _serializer(keys: Sequence[str], salt: str) -> URLSafeSerializer:
    # itsdangerous takes the oldest first, and would sign with SHA-1 unless told otherwise.
    return URLSafeSerializer(list(reversed(keys)), salt=salt, signer_kwargs={"digest_method": hashlib.sha256})

"""Lets the company's customers do what they do, at their times, and lets them read their mail."""

from __future__ import annotations

import asyncio
import heapq
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Final

from perennia.clock import Clock
from perennia.demo.company import Contact, Doing
from perennia.demo.mailbox import Mail, Mailbox
from perennia.demo.reactions import Reaction, react
from perennia.demo.sender import Sender

LOOK_FOR_MAIL_EVERY: Final = 0.4  # seconds
LONGEST_SLEEP: Final = 0.1

_Due = tuple[datetime, int, Contact, "Doing | Mail"]


@dataclass
class Life:
    """``seed`` decides how people react. ``unsubscribed`` and ``churned`` count those who did."""

    company: tuple[Contact, ...]
    sender: Sender
    mailbox: Mailbox | None
    clock: Clock
    seed: int
    unsubscribed: int = 0
    churned: set[str] = field(default_factory=set[str])
    _due: list[_Due] = field(default_factory=list[_Due])
    _order: count[int] = field(default_factory=count)
    _mails: Counter[str] = field(default_factory=Counter[str])

    async def live(self, begin: datetime, until: datetime) -> None:
        """Everything from ``begin`` to ``until``, in the engine's time."""
        for contact in self.company:
            for doing in contact.doings:
                self._put(begin + doing.after, contact, doing)
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(self._read_mail()) if self.mailbox else None
            await self._do(until)
            if reading is not None:
                reading.cancel()
        await asyncio.to_thread(self.sender.close)

    def _put(self, at: datetime, contact: Contact, what: Doing | Mail) -> None:
        heapq.heappush(self._due, (at, next(self._order), contact, what))

    async def _do(self, until: datetime) -> None:
        while (now := self.clock.now()) < until:
            while self._due and self._due[0][0] <= now:
                at, _, contact, what = heapq.heappop(self._due)
                await self._happen(at, contact, what)
            following = min(self._due[0][0], until) if self._due else until
            pause = self.clock.real(following - self.clock.now()).total_seconds()
            await asyncio.sleep(min(pause, LONGEST_SLEEP))

    async def _happen(self, at: datetime, contact: Contact, what: Doing | Mail) -> None:
        if contact.id in self.churned:
            return
        if isinstance(what, Mail):
            await self._read(at, contact, what)
            return
        if what is contact.doings[0]:
            self.sender.open_account(contact)
        self.sender.track(contact, what.event, what.properties)

    async def _read(self, at: datetime, contact: Contact, mail: Mail) -> None:
        before = self._mails[contact.id]
        self._mails[contact.id] += 1
        reaction = react(contact, mail.subject, before, self.seed)
        for doing in reaction.doings:
            self._put(at + doing.after, contact, doing)
        await self._consequences(contact, mail, reaction)

    async def _consequences(self, contact: Contact, mail: Mail, reaction: Reaction) -> None:
        if reaction.unsubscribes and self.mailbox and await self.mailbox.unsubscribe(mail):
            self.unsubscribed += 1
        if reaction.traits:
            self.sender.change(contact, reaction.traits)
            if reaction.traits.get("status") == "churned":
                self.churned.add(contact.id)
                if self._all_gone(contact):
                    self.sender.change_account(contact, {"status": "churned"})

    def _all_gone(self, contact: Contact) -> bool:
        return {other.id for other in self.company if other.account == contact.account} <= self.churned

    async def _read_mail(self) -> None:
        """New mail is read some hours after it came."""
        by_address = {contact.email: contact for contact in self.company}
        assert self.mailbox is not None  # noqa: S101 - started with one only
        while True:
            self._deliver(await self.mailbox.new_mail(), by_address)
            await asyncio.sleep(LOOK_FOR_MAIL_EVERY)

    def _deliver(self, mails: Iterable[Mail], by_address: dict[str, Contact]) -> None:
        for mail in mails:
            contact = by_address.get(mail.recipient)
            if contact is not None:
                hours = random.Random(f"{self.seed}:{mail.recipient}:{mail.subject}").uniform(0.5, 10)  # noqa: S311
                self._put(self.clock.now() + timedelta(hours=hours), contact, mail)

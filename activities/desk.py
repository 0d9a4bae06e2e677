"""Hands tasks of a team to its people, tells each of theirs, and sends everybody who wants it a list in the morning."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from activities.letters import sender_of_notices
from activities.published import Published
from activities.watching import keep_looking, told
from perennia.clock import Clock
from perennia.core.admission import calendar_of
from perennia.core.calendar import find_zone, resolve
from perennia.core.definitions import Policies
from perennia.core.policy_definitions import Person, Team
from perennia.core.wall_clock import parse_time
from perennia.providers.addresses import InvalidAddress, Mailbox
from perennia.providers.channels import MailChannel
from perennia.providers.email import EmailProvider
from perennia.providers.failures import Misconfigured
from perennia.providers.notices import ChannelProvider, Channels, Notice
from perennia.rendering.links import Links
from perennia.store.desk_port import TELLING_LASTS
from perennia.store.desk_records import Absence, TaskWish
from perennia.store.port import Store
from perennia.store.records import Task

EVERY: Final = timedelta(seconds=10)
# A digest is a morning's reading: what could not be sent for longer than this is not sent that day.
DIGEST_LATE: Final = timedelta(hours=4)
MOST_IN_DIGEST: Final = 100


@dataclass
class TaskDesk:
    """One per worker process. Whichever of them claims a task tells of it; who is told twice had a worker die on them."""

    store: Store
    channels: Channels
    email: EmailProvider
    links: Links
    clock: Clock
    every: timedelta = EVERY
    _published: Published = field(init=False)
    # When each person's digest is looked at again: a claim is a write, and nothing changes before it runs out.
    _digest_again: dict[str, datetime] = field(default_factory=dict[str, datetime])

    def __post_init__(self) -> None:
        self._published = Published(self.store)

    async def run(self) -> None:
        """Looks again and again until it is cancelled. While the store is away it waits."""
        await keep_looking(self.look, self.every, "people are told of their tasks later")

    async def look(self) -> None:
        """Hands on what is a team's or of somebody who is away, tells of what nobody was told, sends the digests that are due."""
        policies = await self._published.policies()
        if not policies.people:
            return
        now = self.clock.now()
        away = {each.person: each for each in await self.store.absences(now) if each.start <= now}
        known = [*policies.teams, *(name for id_, one in policies.people.items() for name in one.names(id_))]
        for task in await self.store.untold_tasks(now, known):
            await self._see_to(task, policies, away, now)
        for name, person in policies.people.items():
            if person.digest is not None and name not in away:
                await self._send_digest(name, person, policies, now)

    async def _see_to(self, task: Task, policies: Policies, away: Mapping[str, Absence], now: datetime) -> None:
        was = task.assignee or ""
        if was in policies.teams:
            to = await self._of_team(was, policies.teams[was], away)
            if to is not None:  # whoever has it now is told at the next look
                await self.store.hand_on_task(task.key, was, to, now, f"team {was}", turn=True)
            return
        name = policies.person_named(was)
        to = stand_in(name, away)
        if to is None:
            return  # they hear of it when they are back
        if to != name:
            await self.store.hand_on_task(task.key, was, to, now, f"{name} is away", turn=False)
        elif await self.store.claim_telling(task.key, was, now):
            text = described(task, self.links.task_url(task.key, name), policies, now)
            if await self._tell(name, f"task/{task.key}/{was}", text, policies, now):
                await self.store.note_task_told(task.key, was, now)

    async def _of_team(self, name: str, team: Team, away: Mapping[str, Absence]) -> str | None:
        """Whose turn it is; None while everybody is away."""
        present = [person for person in team.people if person not in away]
        if not present:
            return None
        turns = await self.store.turns_of(name)
        last = {person: turns[person].timestamp() if person in turns else 0.0 for person in present}
        load = await self.store.open_tasks_of(present) if team.assign == "least_loaded" else {}
        return min(present, key=lambda person: (load.get(person, 0), last[person], team.people.index(person)))

    # --- digests ------------------------------------------------------------------------------------------------------

    async def _send_digest(self, name: str, person: Person, policies: Policies, now: datetime) -> None:
        calendar = calendar_of(policies, person.timezone)
        today = now.astimezone(calendar.zone).date()
        due = resolve(datetime.combine(today, parse_time(person.digest or "")), calendar.zone)
        works = today.weekday() in calendar.business_days and today not in calendar.holidays
        if not works or not due <= now < due + DIGEST_LATE:
            return
        if now < self._digest_again.get(name, now):
            return
        self._digest_again[name] = now + TELLING_LASTS
        day = today.isoformat()
        if not await self.store.claim_digest(name, day, now):
            return
        theirs = [
            task
            for who in person.names(name)
            for task in await self.store.find_tasks(TaskWish(status="open", assignee=who, awake_at=now), MOST_IN_DIGEST)
        ]
        if theirs:
            text = digest(theirs, lambda task: self.links.task_url(task.key, name), policies, person, now)
            if not await self._tell(name, f"digest/{name}/{day}", text, policies, now):
                return
        await self.store.note_digest(name, day)

    # --- telling ------------------------------------------------------------------------------------------------------

    async def _tell(self, name: str, key: str, text: str, policies: Policies, now: datetime) -> bool:
        """False where it failed; it is tried again once the claim has run out."""
        person = policies.people[name]
        notice = Notice(person.tell or name, text, key, now, sender_of_notices(policies))
        return await told(lambda: self._channel(name, person), notice)

    def _channel(self, name: str, person: Person) -> ChannelProvider:
        if person.tell is not None:
            return self.channels.provider(person.tell)
        address = person.email or name
        try:
            return MailChannel(Mailbox(address, person.name), None, self.email)
        except InvalidAddress as error:
            raise Misconfigured(
                f"people.{name} in the policies has no address that mail could go to: {error}"
            ) from error


# --- who --------------------------------------------------------------------------------------------------------------


def stand_in(name: str, away: Mapping[str, Absence]) -> str | None:
    """Who has the person's tasks by now: themselves, or the first one present of who stands in for whom. None: nobody."""
    seen: set[str] = set()
    at: str | None = name
    while at is not None and at in away and at not in seen:
        seen.add(at)
        at = away[at].stand_in
    return None if at is None or at in seen else at


# --- words ------------------------------------------------------------------------------------------------------------


def described(task: Task, url: str, policies: Policies, now: datetime) -> str:
    """A notice: what is to be done, about whom, until when. The first line is a mail's subject."""
    body = [task.body] if task.body else []
    return "\n".join(
        [f"Task: {task.title}", f"For customer {task.external_id}{_when(task, policies, now)}", *body, url]
    )


def _when(task: Task, policies: Policies, now: datetime) -> str:
    urgent = "" if task.priority in ("low", "normal") else f", {task.priority}"
    if task.due is None:
        return urgent
    zone, _unknown = find_zone(policies.timezone)
    late = "was due" if task.due <= now else "due"
    return f", {late} {task.due.astimezone(zone):%a %d %b %Y %H:%M %Z}{urgent}"


def digest(
    theirs: Sequence[Task], url: Callable[[Task], str], policies: Policies, person: Person, now: datetime
) -> str:
    """All that is open: what is late or due today first, then by due date; what has none last."""
    zone, _unknown = find_zone(person.timezone, policies.timezone)
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    pressing = [task for task in theirs if task.due is not None and task.due.astimezone(zone).date() < tomorrow]
    ordered = sorted(theirs, key=lambda task: (task.due is None, task.due or task.opened_at, task.key))
    lines = [
        f"- {task.title} (customer {task.external_id}{_when(task, policies, now)})\n  {url(task)}" for task in ordered
    ]
    noun = "task" if len(theirs) == 1 else "tasks"
    return "\n".join([f"{len(theirs)} open {noun}, {len(pressing)} of them due today or late", "", *lines])

"""The page behind the link in a notice of a task. Opening it records nothing: a person presses a button."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from perennia.api.hosted import Hosted, body_of, fields_of, page, try_again, unknown_link
from perennia.core.admission import calendar_of
from perennia.core.calendar import parse_span, resolve
from perennia.core.decisions import TaskEnded
from perennia.core.definitions import Policies
from perennia.core.quiet_hours import parse_window
from perennia.rendering.formats import date_time
from perennia.rendering.links import BadToken
from perennia.rendering.reader import Reader
from perennia.rendering.words import ENGLISH, Words
from perennia.store.desk_records import TaskHistory
from perennia.store.port import StoreUnavailable

MOST_CHARS: Final = 2_000
# The buttons that put a task aside, and for how long: it comes back when the team begins to work that day.
SNOOZES: Final = {"snooze-1bd": "1bd", "snooze-5bd": "5bd"}


@dataclass(frozen=True)
class TaskPage(Hosted):
    def routes(self) -> list[Route]:
        return [
            Route("/t/{token}", self.show, methods=["GET", "HEAD"], name="task page"),
            Route("/t/{token}", self.act, methods=["POST"], name="act on a task"),
        ]

    async def show(self, request: Request) -> Response:
        """Shows the task, what was said of it, and what the person may do. Changes nothing."""
        policies, words = await self.surroundings(request)
        try:
            person, found = await self._task(request, policies)
        except StoreUnavailable:
            return try_again(words, None)
        return unknown_link(words) if found is None else self._page(found, person, policies, words)

    async def act(self, request: Request) -> Response:
        """Does what the person pressed, and shows what it led to."""
        policies, words = await self.surroundings(request)
        fields = fields_of(await body_of(request))
        try:
            person, found = await self._task(request, policies)
            if found is None:
                return unknown_link(words)
            done = await self._carry_out(found, person, fields, policies)
            again = await self.store.task(found.task.key) or found
        except StoreUnavailable:
            return try_again(words, fields)
        return self._page(again, person, policies, words, done=done)

    async def _task(self, request: Request, policies: Policies) -> tuple[str, TaskHistory | None]:
        """Who follows the link, and the task. None for a link that is no good, also of somebody who left the team."""
        try:
            key, person = self.links.read_task(request.path_params["token"])
        except BadToken:
            return "", None
        return person, await self.store.task(key) if person in policies.people else None

    async def _carry_out(
        self, found: TaskHistory, person: str, fields: dict[str, str], policies: Policies
    ) -> str | None:
        """What the page says was done; None where it was too late, or nothing was asked for."""
        key, now = found.task.key, self.clock.now()
        said = fields.get("said", "").strip()[:MOST_CHARS] or None
        is_open = found.task.status == "open"
        match fields.get("act", ""):
            case ("done" | "cancelled") as outcome if is_open:
                order = TaskEnded(at=now, key=key, outcome=outcome, result=said, by=person)
                customer, _ = await self.store.place_order_at_task(key, order)
                self.bells.nudge([customer])
                return outcome
            case ("snooze-1bd" | "snooze-5bd") as act if is_open:
                until = _morning(now, SNOOZES[act], policies)
                return "snoozed" if await self.store.snooze_task(key, until, now, person) else None
            case "take" if is_open:
                return "taken" if await self.store.assign_task(key, person, now, person) else None
            case "comment" if said is not None:
                return "commented" if await self.store.comment_task(key, said, now, person) else None
            case _:
                return None

    def _page(
        self, found: TaskHistory, person: str, policies: Policies, words: Words, done: str | None = None
    ) -> Response:
        zone = calendar_of(policies).workspace

        def when(at: datetime) -> str:
            return _instant(at.astimezone(zone), words.locale)

        mine = {person, policies.people[person].email}
        return page(
            "task",
            200,
            words,
            task=found.task,
            notes=found.notes,
            done=done,
            is_open=found.task.status == "open" and done not in ("done", "cancelled"),
            is_mine=found.task.assignee in mine,
            when=when,
        )


def _instant(at: datetime, locale: str) -> str:
    """With its weekday and zone. In English as the whole world reads it, not as America does."""
    if locale == ENGLISH:
        return f"{at:%a %d %b %Y, %H:%M %Z}"
    return f"{date_time(Reader(locale, at.tzinfo or UTC), at, 'full')} {at:%Z}"


def _morning(now: datetime, span: str, policies: Policies) -> datetime:
    """When the team begins to work so many business days from now."""
    calendar = calendar_of(policies)
    day = calendar.after(now, parse_span(span)).astimezone(calendar.workspace).date()
    start = parse_window(policies.business_hours.window).start
    return resolve(datetime.combine(day, start), calendar.workspace)

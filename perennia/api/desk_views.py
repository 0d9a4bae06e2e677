"""What the API says of people's work, and what it may be asked to do."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from perennia.api.forms import Instant
from perennia.api.views import Order, TaskView, View, Who


class TaskNoteView(View):
    """``text``: to whom it was given, until when it was put aside, or what was said."""

    at: datetime
    by: str
    act: Literal["assigned", "snoozed", "woken", "commented", "told"]
    text: str | None


class TaskDetailView(View):
    task: TaskView
    notes: list[TaskNoteView]


class AbsenceView(View):
    person: str
    start: datetime
    end: datetime
    stand_in: str | None


class MemberView(View):
    id: str
    name: str | None
    email: str | None
    teams: list[str]
    open_tasks: int
    away: list[AbsenceView]


Person = Annotated[str, Field(min_length=1, max_length=200)]


class AssignBody(Order):
    """``to``: a person, or a team; null: nobody."""

    to: Person | None
    by: Who = "api"


class SnoozeBody(Order):
    """``until``: null takes it up again."""

    until: Instant | None
    by: Who = "api"


class CommentBody(Order):
    text: Annotated[str, Field(min_length=1, max_length=2_000)]
    by: Who = "api"


class AbsenceBody(Order):
    """``start``: now where it is not said. ``stand_in``: who gets their tasks; the others of the team where nobody is named."""

    start: Instant | None = None
    end: Instant
    stand_in: Person | None = None
    by: Who = "api"


class BackBody(Order):
    by: Who = "api"

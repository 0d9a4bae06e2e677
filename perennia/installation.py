"""A running installation, over its HTTP API: what the commands, `perennia up` and the demo say to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Literal, Self, TypeAlias, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from perennia.core.decisions import Answer, JournalEntry
from perennia.core.documents import Document, DocumentKind
from perennia.core.json_values import JsonObject
from perennia.core.planning import People, StepChanges
from perennia.permission_answers import Consent, ConsentAnswer, Consents, ImportAnswer, SuppressionPage
from perennia.privacy_answers import Erased
from perennia.sending_answers import Sending, WarmUps
from perennia.store.desk_records import Absence
from perennia.store.records import (
    Approval,
    CustomerSummary,
    Message,
    Rejected,
    Response,
    Revision,
    SendingKind,
    Task,
    Totals,
)
from perennia.survey_answers import SurveyScore
from perennia.task_answers import Member, TaskDetail

# An order waits for the customer's turn; the API gives up waiting before this.
TIMEOUT_SECONDS = 60.0
PAGE = 500

EnrollmentWord: TypeAlias = Literal["skip", "pause", "resume", "end"]
TaskWord: TypeAlias = Literal["assign", "snooze", "comment"]
StageWord: TypeAlias = Literal["stage", "stage/lock", "stage/unlock"]
T = TypeVar("T")


class InstallationError(Exception):
    """Why an installation did not do what it was asked.

    InstallationError
    +-- NotReachable    nothing answers at that address; may pass
    +-- SaidNo          it answered and refused; ``status`` is the HTTP status
    """

    def __init__(self, message: str, remedy: str | None) -> None:
        super().__init__(f"{message}; {remedy}" if remedy else message)
        self.message = message
        self.remedy = remedy


class NotReachable(InstallationError):
    def __init__(self, url: str | None, cause: str = "") -> None:
        where = f"at {url}" if url else "here"
        super().__init__(
            f"no Perennia answers {where}{f' ({cause})' if cause else ''}",
            "start it with `perennia up`, or say where it is with --url or PERENNIA_URL",
        )


class SaidNo(InstallationError):
    def __init__(self, status: int, message: str, remedy: str | None = None) -> None:
        super().__init__(message, remedy)
        self.status = status


class PublishedDocument(msgspec.Struct, frozen=True):
    """One definition of a revision, without its body."""

    kind: DocumentKind
    id: str
    version: str


class Mode(msgspec.Struct, frozen=True):
    """What becomes of whoever is in a former version of a playbook; ``map``: where people at removed steps go."""

    playbook: str
    mode: Literal["migrate", "exit"]
    map: dict[str, str] = {}


class OrderedForAll(msgspec.Struct, frozen=True):
    """What was ordered for everybody in a playbook."""

    playbook: str
    word: str
    by: str
    at: datetime
    version: str | None = None
    map: dict[str, str] = {}


class RevisionProgress(msgspec.Struct, frozen=True):
    """``reached``: customers who were rung for the revision; ``reached_at`` None: not all whom it concerns."""

    revision: Revision
    orders: list[OrderedForAll]
    reached: int
    reached_at: datetime | None


class Publishing(msgspec.Struct, frozen=True):
    """A publish that is under way. ``left``: customers whom it concerns and who were not rung yet.

    ``rate`` (customers a second) and ``paused`` are None where nobody answers who knows.
    """

    revision: Revision
    reached: int
    left: int
    rate: int | None
    paused: bool | None


class PlaybookPlan(msgspec.Struct, frozen=True):
    playbook: str
    what: str
    mode: str
    steps: StepChanges
    people: People


class Plan(msgspec.Struct, frozen=True):
    """``revision``: the one it was made on. ``concerned``: customers who would be brought to the new one at once."""

    revision: Revision | None
    playbooks: list[PlaybookPlan]
    others: list[str]
    concerned: int


class CustomerPage(msgspec.Struct):
    customers: list[CustomerSummary]
    next: str | None


class CustomerDetail(msgspec.Struct):
    customer: CustomerSummary
    state: JsonObject | None
    timezone: str
    consents: list[Consent] = []
    suppressed: str | None = None


class Decisions(msgspec.Struct):
    """``customer`` is the internal id."""

    customer: str
    decisions: list[JournalEntry]
    outlook: list[str] = []


class OrderAnswer(msgspec.Struct):
    """``taken`` False: stored for good, and the customer's next turn takes it."""

    customer: str
    taken: bool
    decisions: list[JournalEntry]


class Installation:
    """Everything one can ask of it, with the admin key. Each method raises `NotReachable` and `SaidNo`."""

    def __init__(self, url: str, admin_key: str) -> None:
        self.url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {admin_key}"}
        self._client = httpx.AsyncClient(base_url=self.url, headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def revision(self) -> Revision | None:
        """The current revision, None before anything was published."""
        try:
            return msgspec.json.decode(await self._get("revision"), type=Revision)
        except SaidNo as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    async def published(self) -> list[PublishedDocument]:
        """What the current revision consists of; nothing before anything was published."""
        return msgspec.json.decode(await self._get("revision/documents"), type=list[PublishedDocument])

    async def publish(
        self,
        documents: Sequence[Document],
        expected: str | None,
        by: str,
        modes: Sequence[Mode] = (),
        *,
        only_new: bool = False,
    ) -> Revision:
        """``expected``: id or number. ``only_new``: `SaidNo` (409) where they were in force before and others are now."""
        sent = [_sent(one) for one in documents]
        body = {"documents": sent, "expected": expected, "by": by, "modes": modes, "only_new": only_new}
        return msgspec.json.decode(await self._post("revisions", body), type=Revision)

    async def plan(self, documents: Sequence[Document], modes: Sequence[Mode] = ()) -> Plan:
        """What publishing them now would do."""
        body = {"documents": [_sent(one) for one in documents], "modes": modes}
        return msgspec.json.decode(await self._post("revisions/plan", body), type=Plan)

    async def roll_back(self, revision: str, expected: str, by: str, modes: Sequence[Mode] = ()) -> Revision:
        body = {"revision": revision, "expected": expected, "by": by, "modes": modes}
        return msgspec.json.decode(await self._post("revisions/rollback", body), type=Revision)

    async def revisions(self, limit: int = 20) -> list[RevisionProgress]:
        """Newest first."""
        return msgspec.json.decode(await self._get("revisions", limit=limit), type=list[RevisionProgress])

    async def publishing(self) -> list[Publishing]:
        """Revisions that have not reached everybody whom they concern, oldest first."""
        return msgspec.json.decode(await self._get("publishing"), type=list[Publishing])

    async def steer_publishing(self, number: int, word: Literal["pause", "resume"], by: str) -> Publishing:
        return msgspec.json.decode(await self._post(f"publishing/{number}/{word}", {"by": by}), type=Publishing)

    async def change_publishing_rate(self, number: int, rate: int, by: str) -> Publishing:
        """``rate``: customers a second."""
        body = {"rate": rate, "by": by}
        return msgspec.json.decode(await self._post(f"publishing/{number}/rate", body), type=Publishing)

    async def pause(self, playbook: str, by: str) -> Revision:
        """Holds everybody in the playbook."""
        return msgspec.json.decode(await self._post(f"playbooks/{_part(playbook)}/pause", {"by": by}), type=Revision)

    async def resume(self, playbook: str, by: str, *, skip: bool) -> Revision:
        """Lets everybody in the playbook go on, with what fell due meanwhile or without it."""
        body = {"by": by, "skip": skip}
        return msgspec.json.decode(await self._post(f"playbooks/{_part(playbook)}/resume", body), type=Revision)

    async def customers(self, limit: int = PAGE, after: str | None = None) -> CustomerPage:
        return msgspec.json.decode(await self._get("customers", limit=limit, after=after), type=CustomerPage)

    async def customer(self, reference: str) -> CustomerDetail:
        return msgspec.json.decode(await self._get(f"customers/{_part(reference)}"), type=CustomerDetail)

    async def decisions(self, reference: str, subject: str | None = None, step: str | None = None) -> Decisions:
        """All of a customer's, or those about a playbook or track, and one of its steps."""
        path = f"customers/{_part(reference)}/why"
        return msgspec.json.decode(await self._get(path, playbook=subject, step=step), type=Decisions)

    async def totals(self) -> Totals:
        return msgspec.json.decode(await self._get("totals"), type=Totals)

    async def messages(self, limit: int = PAGE) -> list[Message]:
        return msgspec.json.decode(await self._get("messages", limit=limit), type=list[Message])

    async def tasks(self, **wanted: str | bool | None) -> list[Task]:
        """``wanted``: as the query of `GET /tasks` has it."""
        return msgspec.json.decode(await self._get("tasks", limit=PAGE, **wanted), type=list[Task])

    async def task(self, key: str) -> TaskDetail:
        return msgspec.json.decode(await self._get(f"tasks/{_part(key)}"), type=TaskDetail)

    async def change_task(self, key: str, word: TaskWord, told: JsonObject, by: str) -> TaskDetail:
        """``told``: to whom it is given, until when it is put aside, or what is said of it."""
        return msgspec.json.decode(await self._post(f"tasks/{_part(key)}/{word}", {**told, "by": by}), type=TaskDetail)

    async def team(self) -> list[Member]:
        return msgspec.json.decode(await self._get("team"), type=list[Member])

    async def set_away(self, person: str, told: JsonObject, by: str) -> Absence:
        return msgspec.json.decode(await self._post(f"team/{_part(person)}/away", {**told, "by": by}), type=Absence)

    async def set_back(self, person: str, by: str) -> None:
        await self._post(f"team/{_part(person)}/back", {"by": by})

    async def end_task(
        self, key: str, outcome: Literal["done", "cancelled"], result: str | None, by: str
    ) -> OrderAnswer:
        path = f"tasks/{_part(key)}/{'done' if outcome == 'done' else 'cancel'}"
        return msgspec.json.decode(await self._post(path, {"result": result, "by": by}), type=OrderAnswer)

    async def approvals(self, customer: str | None = None, status: str | None = None) -> list[Approval]:
        return msgspec.json.decode(
            await self._get("approvals", customer=customer, status=status, limit=PAGE), type=list[Approval]
        )

    async def answer_approval(self, key: str, decision: Answer, comment: str | None, by: str) -> OrderAnswer:
        path = f"approvals/{_part(key)}/{'approve' if decision == 'approved' else 'deny'}"
        return msgspec.json.decode(await self._post(path, {"comment": comment, "by": by}), type=OrderAnswer)

    async def sending(self) -> list[Sending]:
        return msgspec.json.decode(await self._get("sending"), type=list[Sending])

    async def warm_ups(self) -> WarmUps:
        return msgspec.json.decode(await self._get("sending/warm-ups"), type=WarmUps)

    async def steer_sending(self, kind: SendingKind, name: str, word: Literal["stop", "resume"], by: str) -> Sending:
        path = f"sending/{kind}/{_part(name)}/{word}"
        return msgspec.json.decode(await self._post(path, {"by": by}), type=Sending)

    async def survey_report(
        self, survey: str, since: datetime | None, until: datetime | None, per: str | None, by: str | None
    ) -> SurveyScore:
        path = f"surveys/{_part(survey)}/report"
        answer = await self._get(path, since=_told(since), until=_told(until), per=per, by=by)
        return msgspec.json.decode(answer, type=SurveyScore)

    async def rejected_items(self) -> list[Rejected]:
        return msgspec.json.decode(await self._get("rejected-items", limit=PAGE), type=list[Rejected])

    async def responses(self, survey: str, since: datetime | None, until: datetime | None) -> list[Response]:
        """All of them, newest first."""
        path, span = f"surveys/{_part(survey)}/answers", {"since": _told(since), "until": _told(until)}
        return await self.every(path, list[Response], lambda response: response.cursor, **span)

    async def enroll(self, reference: str, playbook: str, payload: JsonObject, by: str) -> OrderAnswer:
        """By a person's hand: overrides entry filter and re-entry policy."""
        body = {"playbook": playbook, "payload": payload, "by_person": True, "by": by}
        return msgspec.json.decode(await self._post(f"customers/{_part(reference)}/enroll", body), type=OrderAnswer)

    async def order(
        self, reference: str, word: EnrollmentWord, playbook: str, by: str, key: str | None = None
    ) -> OrderAnswer:
        """Steers the customer's enrollments in the playbook, or the one with this key."""
        body = {"order": word, "playbook": playbook, "by": by, "key": key}
        return msgspec.json.decode(await self._post(f"customers/{_part(reference)}/orders", body), type=OrderAnswer)

    async def order_stage(self, reference: str, word: StageWord, body: JsonObject) -> OrderAnswer:
        """A person sets, locks or unlocks where the customer stands in a track."""
        return msgspec.json.decode(await self._post(f"customers/{_part(reference)}/{word}", body), type=OrderAnswer)

    async def answer(self, reference: str, body: JsonObject) -> OrderAnswer:
        """Stores one answer to a survey for good, and lets what asks it go on."""
        return msgspec.json.decode(await self._post(f"customers/{_part(reference)}/answers", body), type=OrderAnswer)

    async def consents(self, reference: str) -> Consents:
        return msgspec.json.decode(await self._get(f"customers/{_part(reference)}/consents"), type=Consents)

    async def say_consent(self, reference: str, body: JsonObject) -> ConsentAnswer:
        """Keeps what a contact said of a topic."""
        return msgspec.json.decode(await self._post(f"customers/{_part(reference)}/consents", body), type=ConsentAnswer)

    async def suppressions(self, limit: int, after: str | None) -> SuppressionPage:
        return msgspec.json.decode(await self._get("suppressions", limit=limit, after=after), type=SuppressionPage)

    async def suppress(self, address: str, reason: str, by: str) -> bool:
        """Whether the address was not closed before."""
        body = {"address": address, "reason": reason, "by": by}
        return msgspec.json.decode(await self._post("suppressions", body), type=dict[str, bool])["changed"]

    async def lift_suppression(self, address: str, by: str) -> bool:
        body = {"address": address, "by": by}
        return msgspec.json.decode(await self._post("suppressions/lift", body), type=dict[str, bool])["changed"]

    async def import_suppressions(self, csv: str, by: str, *, dry_run: bool) -> ImportAnswer:
        body = {"csv": csv, "by": by, "dry_run": dry_run}
        return msgspec.json.decode(await self._post("suppressions/import", body), type=ImportAnswer)

    async def export_suppressions(self) -> str:
        return (await self._get("suppressions/export")).decode()

    async def export_customer(self, reference: str, kind: str | None, by: str, *, as_csv: bool) -> bytes:
        """Everything that is held of a customer: JSON, or a ZIP of CSV files."""
        path, form = f"customers/{_part(reference)}/export", "csv" if as_csv else "json"
        return await self._get(path, kind=kind, format=form, by=by)

    async def erase(
        self, reference: str, kind: str | None, by: str, *, members: bool, suppress: bool, crm: bool, dry_run: bool
    ) -> Erased:
        body = {"members": members, "suppress": suppress, "crm": crm, "dry_run": dry_run, "by": by}
        path = f"customers/{_part(reference)}/erase" + ("" if kind is None else f"?kind={kind}")
        return msgspec.json.decode(await self._post(path, body), type=Erased)

    async def send_event(self, body: JsonObject) -> str:
        """Stores one event for good; returns its message id."""
        answer = msgspec.json.decode(await self._post("events", body), type=dict[str, str])
        return answer["message_id"]

    async def ask(self, method: str, path: str, body: object = None, **query: str | int | None) -> bytes:
        """Whatever a part of the API with a client of its own asks."""
        given = {name: value for name, value in query.items() if value is not None}
        if body is None:
            return await self._ask(method, path, params=given)
        headers = {"Content-Type": "application/json"}
        return await self._ask(method, path, given, msgspec.json.encode(body), headers)

    async def every(
        self, path: str, type_: type[list[T]], cursor: Callable[[T], str | None], **query: str | int | None
    ) -> list[T]:
        """All rows of a list, page after page; ``cursor``: of a row, behind which the next page begins."""
        found: list[T] = []
        while True:
            after = cursor(found[-1]) if found else None
            page = msgspec.json.decode(await self._get(path, **query, limit=PAGE, after=after), type=type_)
            found += page
            if len(page) < PAGE:
                return found

    async def _get(self, path: str, **query: str | int | None) -> bytes:
        return await self.ask("GET", path, **query)

    async def _post(self, path: str, body: object) -> bytes:
        return await self.ask("POST", path, body)

    async def _ask(
        self,
        method: str,
        path: str,
        params: dict[str, str | int] | None = None,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> bytes:
        try:
            answer = await self._client.request(
                method, f"/api/v1/{path}", params=params, content=content, headers=headers
            )
        except httpx.TransportError as error:
            raise NotReachable(self.url, type(error).__name__) from error
        if answer.is_success:
            return answer.content
        raise _refusal(answer, self.url)


def _told(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _sent(document: Document) -> dict[str, str]:
    return {"kind": document.kind, "id": document.id, "version": document.version, "body": document.body}


def _part(text: str) -> str:
    return quote(text, safe="")


class _Wrong(msgspec.Struct):
    where: str
    message: str


class _Problem(msgspec.Struct):
    """RFC 9457; ``errors`` lists the places of a request that does not fit."""

    title: str = ""
    detail: str = ""
    errors: list[_Wrong] = []


def _refusal(answer: httpx.Response, url: str) -> InstallationError:
    try:
        problem = msgspec.json.decode(answer.content, type=_Problem)
    except msgspec.MsgspecError:
        return NotReachable(url, f"something else answers there, with HTTP {answer.status_code}")
    if answer.status_code == HTTPStatus.UNAUTHORIZED:
        return SaidNo(401, "the key is not one of the installation's", "set PERENNIA_ADMIN_KEY")
    if problem.errors:
        places = ", ".join(f"{one.where}: {one.message}" for one in problem.errors[:3])
        return SaidNo(answer.status_code, f"the request does not fit: {places}")
    message, _, remedy = (problem.detail or problem.title).rstrip(".").partition("; ")
    return SaidNo(answer.status_code, message, remedy or None)

"""The whole HTTP surface of an installation, built from what is handed in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from importlib.metadata import version
from typing import Protocol

from fastapi import APIRouter, FastAPI
from starlette.routing import Route

from perennia.access.limits import RateLimits
from perennia.access.ring import KeyRing
from perennia.api.audit_log import AuditLog
from perennia.api.body_limit import BodyLimit
from perennia.api.broadcast_trying import NOBODY_TRYING, BroadcastTrying, TryingOut
from perennia.api.broadcasts import NOBODY_GOING, Broadcasts, Going
from perennia.api.conditional import Conditional
from perennia.api.confirm_page import ConfirmPage
from perennia.api.consents import Consents
from perennia.api.crm import CrmStatus
from perennia.api.description import describe, operation_id
from perennia.api.desk import Desk
from perennia.api.endpoints import Endpoints
from perennia.api.events import Events
from perennia.api.experiments import Experiments
from perennia.api.gate import Gate
from perennia.api.keys import Keys
from perennia.api.needs import must_say_scopes
from perennia.api.orders import Orders
from perennia.api.planning import Planning
from perennia.api.preferences_page import PreferencesPage
from perennia.api.privacy import Privacy
from perennia.api.problems import answer_problems
from perennia.api.published import Published
from perennia.api.publishing import Publishing
from perennia.api.reading import Reading
from perennia.api.rejected import RejectedItems
from perennia.api.repeats import Repeats
from perennia.api.segments import Segments
from perennia.api.sending import NO_MAXIMA, Maximum, SendingControl
from perennia.api.suppressions import Suppressions
from perennia.api.survey_page import SurveyPage
from perennia.api.survey_reports import SurveyReports
from perennia.api.task_page import TaskPage
from perennia.api.theme import Theme
from perennia.api.tracking import TrackedLinks
from perennia.api.unclaimed import UnclaimedAnswers
from perennia.api.underway import NO_PUBLISHES, PublishesUnderWay, Steering
from perennia.api.unsubscribe import UnsubscribePage
from perennia.api.views import Health
from perennia.clock import Clock
from perennia.ingest.bells import Bells
from perennia.ingest.cloud_endpoint import CloudEventsApi
from perennia.ingest.crm_hooks import CrmHook
from perennia.ingest.endpoints import SegmentApi
from perennia.ingest.event_hooks import NO_EVENT_HOOKS, EventHook, EventHooks
from perennia.ingest.group_commit import GroupCommit
from perennia.ingest.hooks import NO_READERS, Hooks, ReportReader
from perennia.ingest.survey_hooks import NO_SECRETS, SurveyHooks
from perennia.ingest.write_keys import WriteKeys
from perennia.rendering.links import Links
from perennia.store.port import Store

PATIENCE = timedelta(
    seconds=10
)  # a turn that finds its worker alive takes milliseconds; proxies give up at 30 s or more
PAGES = (UnsubscribePage, PreferencesPage, ConfirmPage, SurveyPage, TaskPage, TrackedLinks, Theme)
# After all whose calls begin as theirs do: a customer's own name may hold slashes.
LOOKING = (Segments, Experiments, Reading)
API_RATE = 1_200  # requests a minute of one key: 20 a second, and as many at once


def create_app(
    *,
    store: Store,
    bells: Bells,
    clock: Clock,
    links: Links,
    write_keys: Sequence[str],
    admin_key: str,
    readers: Mapping[str, ReportReader] = NO_READERS,
    publishes: Steering = NO_PUBLISHES,
    going: Going = NOBODY_GOING,
    trying: TryingOut = NOBODY_TRYING,
    survey_hooks: Mapping[str, str] = NO_SECRETS,
    event_hooks: Mapping[str, EventHook] = NO_EVENT_HOOKS,
    maxima: Mapping[str, Maximum] = NO_MAXIMA,
    crm_secret: str | None = None,
    address: str = "",
    patience: timedelta = PATIENCE,
    api_rate: int = API_RATE,
) -> FastAPI:
    """The application: Segment's calls under ``/v1``, the team's under ``/api/v1``, what email providers tell under ``/hooks``.

    Beside them pages of links in messages, and health. ``write_keys`` open the first, ``admin_key`` the second; ``readers``,
    ``survey_hooks``, ``event_hooks`` and ``crm_secret`` (HubSpot's, which signs our ``address``, too) know who else tells us of
    something. ``maxima``: of each provider that is warming up. ``publishes``, ``going``, ``trying``: who runs those.
    ``patience``: how long an order waits for its turn. ``api_rate``: requests a minute of an API key that names no rate.
    Store and bells are opened and closed by the caller. Raises `NoAdminKey`.
    """
    ring = KeyRing(admin_key, store, api_rate)
    app = _guarded(ring, store)
    commits, published, audit = GroupCommit(store, bells, clock), Published(store), AuditLog(store, clock)
    orders = Orders(store, bells, clock, audit, published, patience)
    rooms = (
        Publishing(store, bells, clock, audit),
        Planning(store, clock),
        PublishesUnderWay(store, publishes, audit),
        orders,
        Events(commits, clock, audit),
        Consents(store, bells, clock, published),
        Suppressions(store, bells, clock, audit),
        Privacy(store, bells, clock, audit),
        Broadcasts(store, bells, clock, audit, published, going),
        BroadcastTrying(store, clock, audit, trying),
        Desk(store, clock, audit, published),
        *(room(store, published, clock) for room in LOOKING),
        CrmStatus(store),
        SendingControl(store, bells, clock, audit, published, maxima),
        SurveyReports(store, published),
        UnclaimedAnswers(store, clock, audit, published, orders),
        RejectedItems(store),
        Keys(store, audit),
        Endpoints(store, audit, clock),
    )
    app.include_router(_team(rooms))
    senders = WriteKeys(write_keys, ring.may_send)
    pages = (page(store, bells, links, published, clock) for page in PAGES)
    told = SurveyHooks(store, bells, clock, published, survey_hooks), CrmHook(store, clock, crm_secret, address)
    events = EventHooks(commits, clock, event_hooks), CloudEventsApi(commits, senders, clock)
    others = (*pages, *told, *events, Hooks(store, bells, clock, readers))
    return _with(app, SegmentApi(commits, senders, clock), others)


class _Part(Protocol):
    def routes(self) -> list[Route]: ...


def _with(app: FastAPI, first: _Part, parts: Iterable[_Part]) -> FastAPI:
    """Routes are tried in order, and nearly every request is one to the ``first``."""
    app.router.routes[:0] = first.routes()
    app.router.routes.extend(route for part in parts for route in part.routes())
    return app


class _Room(Protocol):
    def router(self) -> APIRouter: ...


def _team(rooms: Iterable[_Room]) -> APIRouter:
    """Raises `NoScope` where a route of theirs says none."""
    team = APIRouter(prefix="/api/v1")
    for room in rooms:
        team.include_router(room.router())
    must_say_scopes(team)
    return team


def _guarded(ring: KeyRing, store: Store) -> FastAPI:
    """An application that only says how it is, behind all that a request passes before it comes to one."""
    app = FastAPI(
        title="Perennia",
        version=version("perennia"),
        summary="Customer lifecycle playbooks: publish, look, steer.",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # FastAPI's viewers load scripts from elsewhere
        redoc_url=None,
        generate_unique_id_function=operation_id,
    )
    answer_problems(app)
    app.add_middleware(Conditional)
    app.add_middleware(Gate, ring=ring, limits=RateLimits(), repeats=Repeats(store))
    app.add_middleware(BodyLimit)
    describe(app)
    app.include_router(_health(store))
    return app


def _health(store: Store) -> APIRouter:
    router = APIRouter(tags=["health"])

    async def alive() -> Health:
        """The process answers."""
        return Health(status="ok")

    async def ready() -> Health:
        """The store answers, too (else 503)."""
        await store.current_revision()
        return Health(status="ok")

    router.get("/healthz")(alive)
    router.get("/readyz")(ready)
    return router

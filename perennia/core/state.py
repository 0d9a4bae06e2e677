"""Everything about one customer that decisions need: one serialisable model, under 4 KB for a typical customer."""

from __future__ import annotations

from datetime import datetime

import msgspec

from perennia.core.definitions import Scope
from perennia.core.facts import Facts
from perennia.core.json_values import JsonObject


class Watch(msgspec.Struct, frozen=True, omit_defaults=True):
    """A condition's last known truth, the instant at which time alone could change it, and what could sooner.

    ``watching`` holds tokens ``event:NAME`` and ``trait:NAME``.
    """

    holds: bool = False
    next_change: datetime | None = None
    watching: tuple[str, ...] = ()


class UnspentEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event since entry that satisfied the event conditions ``conditions`` and was used by no wait so far.

    ``at``: when it came, where that was while the step before waited for its effect: what follows counts from the release.
    """

    seq: int
    conditions: tuple[str, ...]
    at: datetime | None = None


class Round(msgspec.Struct, frozen=True, omit_defaults=True):
    """The round of a repeat that is under way, from 1, and when it began."""

    number: int
    began: datetime


class Hold(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message that was held: since when, until when at most, and the reason code of what kept it last."""

    since: datetime
    until: datetime
    reason: str


class Errand(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whose errand an enrollment is: the account's ``key`` for it, and what the account gave its texts (`ErrandGiven`).

    ``warranted``: the `while` of the account's playbook holds.
    """

    key: str
    values: JsonObject = {}
    stages: JsonObject = {}
    warranted: bool = True


class KnownContact(msgspec.Struct, frozen=True, omit_defaults=True):
    """A contact as its account knows it. ``ref`` is the id the outside uses."""

    ref: str
    roles: tuple[str, ...] = ()


class Asked(msgspec.Struct, frozen=True, omit_defaults=True):
    """A survey that was asked and waits for its response: since when, and how many reminders were due so far.

    ``limit``: until when; ``remind``: when the reminders leave that are left. Both are fixed when the wait begins, as those of
    every wait for a span are; ``limit`` None: nobody has fixed them yet.
    ``begun``: when the last part came of a response that is not finished.
    """

    at: datetime
    reminders: int = 0
    limit: datetime | None = None
    remind: tuple[datetime, ...] = ()
    begun: datetime | None = None


class Ask(msgspec.Struct, frozen=True, omit_defaults=True):
    """A survey that was put to the contact by the message ``key``."""

    key: str
    at: datetime
    relational: bool = False


class Enrollment(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One run through one playbook version; it stands at one step, where it blocks.

    ``base`` is the instant from which the current step's span counts. ``awaiting`` is the key of the effect whose end it
    waits for. ``due`` is the instant at which its wait ends by itself. ``id`` is ``PLAYBOOK.N``, the customer's Nth run.
    ``halted``: it reached an outward step while paused. ``watches`` are those of its goal, exits and current wait.
    ``child``: the enrollment whose end its step waits for. ``held_out``: it runs no steps and ends at ``due`` at the latest:
    others are compared with it. ``key`` tells it from the others of its playbook, None where the playbook has no key.
    ``held``: its step's message is held back, or was before it was released (then it is ``awaiting``); ``due`` is when it is
    tried again.
    ``awaited``: of its step's errands that have not ended, by key, the contacts (``ref``). ``errand``: it is one step of
    the account's, and ends with it. ``reports_to``: the key of the errand that ends when it ends.
    ``renamed``: steps that it was at under another id, before it was migrated.
    ``counted_until``: it is compared with others, and a goal that it reaches before then counts (`trials`).
    """

    id: str
    playbook: str
    version: str
    started: datetime
    step: str | None
    base: datetime
    due: datetime | None = None
    awaiting: str | None = None
    paused: bool = False
    halted: bool = False
    goal_reached: datetime | None = None
    enter: JsonObject = {}
    steps: dict[str, JsonObject] = {}
    visits: dict[str, int] = {}
    watches: dict[str, Watch] = {}
    unspent: list[UnspentEvent] = []
    held_out: bool = False
    rounds: dict[str, Round] = {}
    child: str | None = None
    asked: Asked | None = None
    key: str | None = None
    held: Hold | None = None
    awaited: dict[str, str] = {}
    errand: Errand | None = None
    reports_to: str | None = None
    renamed: dict[str, str] = {}
    counted_until: datetime | None = None

    @property
    def is_held(self) -> bool:
        """Whether its message waits for leave to go."""
        return self.held is not None and self.awaiting is None

    def copied(self) -> Enrollment:
        """A copy to change: containers are copied, what is in them is never changed in place."""
        return msgspec.structs.replace(
            self,
            steps=dict(self.steps),
            visits=dict(self.visits),
            watches=dict(self.watches),
            unspent=list(self.unspent),
            rounds=dict(self.rounds),
            awaited=dict(self.awaited),
        )


class PastEnrollments(msgspec.Struct, frozen=True, omit_defaults=True):
    """What re-entry needs to know of a playbook's enrollments. ``removed``: a person ended the last one.

    ``keys``: by key value when its last enrollment ended, only as far back as the re-entry policy looks;
    ``removed_keys``: those whose last one a person ended. Neither is ever changed in place.
    """

    runs: int = 0
    ended: datetime | None = None
    removed: bool = False
    keys: dict[str, datetime] = {}
    removed_keys: tuple[str, ...] = ()


class Burst(msgspec.Struct, frozen=True, omit_defaults=True):
    """How many entries into a playbook nobody outside asked for, in the hour from ``began``: many are a circle."""

    began: datetime
    entries: int = 0


class StageLock(msgspec.Struct, frozen=True, omit_defaults=True):
    """A person has the customer stay in its stage, until an instant or for good."""

    by: str
    until: datetime | None = None
    why: str | None = None


class StageState(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where the customer stands in a track.

    ``held``: set by a step or a person, until some criterion's truth changes. ``look_again``: when a move that the dwell
    time suppressed, or the end of its lock, is looked at again. ``raised``: the events of its lateness that this stay has
    raised. ``lock``: it moves by no criterion and no step. ``opened``: of an end stage, the others whose criterion has
    turned true since: from it those alone may be entered.
    """

    stage: str
    since: datetime
    held: bool = False
    look_again: datetime | None = None
    raised: tuple[str, ...] = ()
    lock: StageLock | None = None
    opened: tuple[str, ...] = ()


class HealthState(msgspec.Struct, frozen=True, omit_defaults=True):
    """A health score as it stands, from 0 to 100, with the score of each measure. None: missing."""

    score: float | None = None
    band: str | None = None
    measures: dict[str, float | None] = {}

    @property
    def parts(self) -> JsonObject:
        """What expressions see of it: measures and the band by name, the score itself without one."""
        return {**self.measures, "band": self.band, "": self.score}


class LateTask(msgspec.Struct, frozen=True, omit_defaults=True):
    """What becomes of an open task at ``at``: it goes ``to`` somebody else, with this priority."""

    at: datetime
    to: str
    priority: str
    title: str
    playbook: str
    version: str


class Digested(msgspec.Struct, frozen=True, omit_defaults=True):
    """How many digests of a topic were gathered so far, and when the last one was."""

    count: int
    last: datetime


class CustomerState(msgspec.Struct, kw_only=True, omit_defaults=True):
    """``now`` is the last instant that was decided up to; ``revision`` the catalog it was decided with.

    ``tallied`` names what its tallies count (`Catalog.needs_version`). ``watches`` are those of entry triggers and stages.
    ``fired``: by date trigger the values, by schedule the instant, that fired last.
    ``milestones``: when each was first reached. ``bursts``: by playbook, what may be a circle; replaced, never changed.
    ``contacts``: an account's, by internal id.
    ``obeyed``: the number of the last revision whose orders for everybody in a playbook it has carried out.
    ``late_tasks``: by key those that will be escalated unless somebody ends them. ``digests``: by topic.
    ``observed``: enrollments that have ended and whose goal is still looked for, with what that takes of them.
    """

    customer: str
    kind: Scope
    now: datetime
    facts: Facts
    revision: str | None = None
    enrollments: list[Enrollment] = []
    past: dict[str, PastEnrollments] = {}
    stages: dict[str, StageState] = {}
    watches: dict[str, Watch] = {}
    tallied: str | None = None
    fired: dict[str, tuple[str, ...]] = {}
    milestones: dict[str, datetime] = {}
    bursts: dict[str, Burst] = {}
    healths: dict[str, HealthState] = {}
    contacts: dict[str, KnownContact] = {}
    asks: list[Ask] = []
    obeyed: int = 0
    late_tasks: dict[str, LateTask] = {}
    digests: dict[str, Digested] = {}
    observed: list[Enrollment] = []

    def copied(self) -> CustomerState:
        """A copy to change: containers are copied, frozen things are shared."""
        return msgspec.structs.replace(
            self,
            facts=_copied(self.facts),
            enrollments=[enrollment.copied() for enrollment in self.enrollments],
            past=dict(self.past),
            stages=dict(self.stages),
            watches=dict(self.watches),
            fired=dict(self.fired),
            milestones=dict(self.milestones),
            healths=dict(self.healths),
            contacts=dict(self.contacts),
            asks=list(self.asks),
            late_tasks=dict(self.late_tasks),
            digests=dict(self.digests),
            observed=[enrollment.copied() for enrollment in self.observed],
        )


def _copied(facts: Facts) -> Facts:
    tallies = {key: msgspec.structs.replace(tally, recent=list(tally.recent)) for key, tally in facts.tallies.items()}
    return msgspec.structs.replace(facts, traits=dict(facts.traits), tallies=tallies, answers=dict(facts.answers))


class Trial(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One enrollment that is compared with others, as it stands: what experiments count (`trials`).

    ``variants``: by split the one it went into so far. ``converted``: when it reached its goal, before ``until``.
    """

    enrollment: str
    playbook: str
    version: str
    began: datetime
    until: datetime
    held_out: bool = False
    variants: dict[str, str] = {}
    converted: datetime | None = None


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message that takes a place under the caps, from its release on: neither transactional nor internal.

    ``at``: the instant it counts from (`caps.counted_from`). ``left``: it is out, or on its way: it cannot be taken back.
    """

    key: str
    at: datetime
    topic: str | None
    priority: int
    left: bool = False


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """What admission must know of whoever a message goes to. ``consents``: topic to yes or no, where one was given.

    ``ledger``: the messages to this contact, whoever sent them, that may still count. None: nobody has looked.
    ``pending``: by topic until when a consent that was asked for can still be confirmed.
    """

    address: str | None
    suppressed: bool = False
    consents: dict[str, bool] = {}
    ledger: tuple[LedgerEntry, ...] | None = None
    pending: dict[str, datetime] = {}

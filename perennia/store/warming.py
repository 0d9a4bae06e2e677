"""Places at providers that are warming up: a counter for each provider and day, never above the day's maximum.

It is raised in the transaction that claims the message, or passes it on, so that a message without a place never leaves,
however many processes send. Its row is the last that a transaction locks: after customers and messages.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Update, bindparam, exists, func, select, update

from perennia.core.decisions import JournalEntry
from perennia.store.driver import insert_into
from perennia.store.journaling import write_journal
from perennia.store.prepared import execute
from perennia.store.records import SendStatus
from perennia.store.tables import IS_WAITING, customers, effects, messages, warm_ups
from perennia.store.warming_records import DayOfPlaces, Place

# --- taking and giving back -----------------------------------------------------------------------------------------

_take: Update = (
    update(warm_ups)
    .where(
        warm_ups.c.provider == bindparam("of"),
        warm_ups.c.day == bindparam("on"),
        warm_ups.c.used < bindparam("most"),
    )
    .values(used=warm_ups.c.used + 1)
    .returning(warm_ups.c.used)
)


def take_place(connection: Connection, places: Sequence[Place]) -> Place | None:
    """The first that is free, or that nobody counts."""
    return next((each for each in places if each.maximum is None or _is_taken(connection, each)), None)


def _is_taken(connection: Connection, place: Place) -> bool:
    """Takes it if there is one.

    An UPDATE that finds the day full locks nothing, so that two transactions may try two providers in either order.
    """
    told = {"of": place.provider, "on": place.day, "most": place.maximum}
    if execute(connection, _take, told):
        return True
    first = insert_into(connection, warm_ups).values(provider=place.provider, day=place.day, used=1)
    begun = connection.execute(first.on_conflict_do_nothing().returning(warm_ups.c.used)).one_or_none()
    # Where another process began the day in between, there may still be a place.
    return begun is not None or bool(execute(connection, _take, told))


def give_back(connection: Connection, key: str) -> None:
    """Frees the place of a message that will not leave in it. The message's row must be the caller's."""
    has_it = (
        (messages.c.key == key)
        & (messages.c.provider == warm_ups.c.provider)
        & (messages.c.placed_on == warm_ups.c.day)
    )
    freed = update(warm_ups).where(exists().where(has_it)).values(used=warm_ups.c.used - 1)
    if connection.execute(freed).rowcount:
        connection.execute(update(messages).where(messages.c.key == key).values(placed_on=None))


def pass_on(connection: Connection, key: str, places: Sequence[Place]) -> str | None:
    """`Store.pass_on`."""
    under_way = (messages.c.key == key) & (messages.c.status == SendStatus.SENDING)
    if connection.scalar(select(messages.c.key).where(under_way).with_for_update()) is None:
        return None
    give_back(connection, key)
    place = take_place(connection, places)
    if place is None:
        return None
    connection.execute(update(messages).where(messages.c.key == key).values(noted(place)))
    return place.provider


def noted(place: Place) -> dict[str, object]:
    """What the message's row says of its place."""
    return {"provider": place.provider, "placed_on": None if place.maximum is None else place.day}


# --- waiting --------------------------------------------------------------------------------------------------------


def keep_waiting(connection: Connection, key: str, until: datetime, entry: JournalEntry) -> None:
    """`Store.keep_waiting`."""
    # The customer first, as in a turn, so that the two do not wait for each other.
    whose = select(effects.c.customer).where(effects.c.key == key, effects.c.open).scalar_subquery()
    customer = connection.scalar(select(customers.c.id).where(customers.c.id == whose).with_for_update())
    if customer is None:
        return
    connection.execute(update(effects).where(effects.c.key == key).values(waits_until=until))
    write_journal(connection, customer, [entry])


def day_of_places(connection: Connection, day: str, now: datetime) -> DayOfPlaces:
    """`Store.day_of_places`."""
    rows = connection.execute(select(warm_ups.c.provider, warm_ups.c.used).where(warm_ups.c.day == day))
    later = select(func.count(), func.min(effects.c.waits_until)).where(IS_WAITING, effects.c.waits_until > now)
    waiting, next_at = connection.execute(later).one()
    return DayOfPlaces(used={row.provider: row.used for row in rows}, waiting=waiting, next_at=next_at)

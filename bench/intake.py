"""How many events a second are accepted, beside how many rows the same store takes with nothing around it."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path

import msgspec

from bench.cpu import CpuMeter
from bench.lives import Progress, all_done, reached
from bench.posting import Door, arrival, irrelevant_events, post_all
from bench.site import Site

PEOPLE = 200
Row = tuple[object, ...]

_names = count(1)


class Intake(msgspec.Struct, frozen=True):
    """Events a second. ``raw``: rows a second into the same table, as many a transaction. ``cpu_ms``: of the API, an event."""

    size: int
    rate: float
    raw: float
    cpu_ms: float

    @property
    def share(self) -> float:
        return self.rate / self.raw


async def acquaint(site: Site, tell: Progress) -> list[str]:
    """Customers who are known and to whom nothing is about to happen."""
    names = [f"p{next(_names)}" for _ in range(PEOPLE)]
    door = Door(site.run.api, site.run.write_key)
    await post_all(door, [arrival(name, "Page Viewed") for name in names], at_once=4)
    await reached(lambda: int(site.ask("SELECT count(*) FROM customers WHERE state IS NOT NULL")[0][0]), 1, "", tell)
    await all_done(site)
    return names


async def intake(site: Site, names: Sequence[str], size: int, at_once: int, seconds: float, tell: Progress) -> Intake:
    """``size`` events a post, over ``at_once`` connections for so many seconds; then the same rows without anything else."""
    tell(f"accepting events, {size} a post")
    door = Door(site.run.api, site.run.write_key)
    path = "/v1/batch" if size > 1 else "/v1/track"
    posts = list(_take(irrelevant_events(list(names), size), round(seconds * (12_000 / size if size > 1 else 2_000))))
    before = _accepted(site)
    meter = CpuMeter({"api": site.pids["api"]})
    begin = time.monotonic()
    await _post_for(door, path, posts, at_once, begin + seconds)
    spent = time.monotonic() - begin
    accepted = _accepted(site) - before
    cpu = meter.spent()["api"]
    tell(f"inserting the same rows, {size} a transaction")
    raw = await asyncio.to_thread(raw_inserts, site.store_file, size, seconds / 2)
    return Intake(size, accepted / spent, raw, cpu / accepted * 1000)


async def _post_for(door: Door, path: str, posts: Sequence[bytes], at_once: int, end: float) -> None:
    left = iter(posts)

    async def along() -> None:
        async with door.poster(path) as poster:
            for body in left:
                await poster.post_bytes(body)
                if time.monotonic() > end:
                    return

    await asyncio.gather(*(along() for _ in range(at_once)))


def _take(bodies: Iterator[bytes], number: int) -> Iterator[bytes]:
    return (body for body, _ in zip(bodies, range(number), strict=False))


def _accepted(site: Site) -> int:
    return int(site.ask("SELECT count(*) FROM inputs")[0][0])


# --- the same rows with nothing around them -------------------------------------------------------------------------

_COLUMNS = "customer, seq, message_id, name, past, body"


def raw_inserts(store: Path, size: int, seconds: float) -> float:
    """Rows a second that plain SQLite takes: rows of this very store, into the same table, as durable."""
    file = store.with_name("raw.sqlite")
    for each in file.parent.glob("raw.sqlite*"):
        each.unlink()
    with closing(sqlite3.connect(store)) as source:
        schema = source.execute("SELECT sql FROM sqlite_master WHERE name = 'inputs'").fetchone()[0]
        rows: list[Row] = source.execute(
            f"SELECT {_COLUMNS} FROM inputs WHERE seq > 2 ORDER BY seq LIMIT 60000"
        ).fetchall()
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(schema)
        return _insert_for(connection, rows, size, seconds)


def _insert_for(connection: sqlite3.Connection, rows: Sequence[Row], size: int, seconds: float) -> float:
    statement = f"INSERT INTO inputs ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"
    begin = time.monotonic()
    done = 0
    while done < len(rows) and time.monotonic() - begin < seconds:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(statement, rows[done : done + size])
        connection.execute("COMMIT")
        done += size
    return min(done, len(rows)) / (time.monotonic() - begin)

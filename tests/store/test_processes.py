"""Several processes on one database, some of which die; databases that are away for a while."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, make_url, text

from perennia.core.decisions import ContactChanged
from perennia.core.state import LedgerEntry
from perennia.store import SqlStore, open_store
from perennia.store.bodies import body
from perennia.store.columns import microseconds
from perennia.store.driver import Driver
from perennia.store.migrations import upgrade
from perennia.store.port import NotMigrated, StoreError, StoreUnavailable
from perennia.store.records import MessageReport, SendStatus
from perennia.store.sqlite import SqliteDriver
from perennia.store.tables import metadata
from tests.support.postgres import Server
from tests.support.posts import AT, email, event, take_turn

ROOT = Path(__file__).parents[2]

WRITER = """
import asyncio, sys
from perennia.store import open_store
from tests.support.posts import AT, event

async def main(url, name, posts):
    store = open_store(url)
    for post in range(int(posts)):
        await store.accept([event(f"{name}-{post}-{n}", f"{name}-{n % 7}") for n in range(20)], AT)
        print(post, flush=True)
    await store.close()

asyncio.run(main(*sys.argv[1:]))
"""

MIGRATOR = """
import asyncio, sys
from perennia.store import open_store

async def main(url):
    store = open_store(url)
    await store.migrate()
    await store.close()

asyncio.run(main(*sys.argv[1:]))
"""


async def python(code: str, *arguments: str) -> asyncio.subprocess.Process:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, *arguments, stdout=asyncio.subprocess.PIPE, env=environment
    )


async def ended(processes: Sequence[asyncio.subprocess.Process]) -> list[int | None]:
    for process in processes:
        await process.communicate()
    return [process.returncode for process in processes]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without any table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/deeper/empty.db"
    server: Server = request.getfixturevalue("postgres")
    asyncio.run(server.run("DROP DATABASE IF EXISTS perennia_empty WITH (FORCE)"))
    asyncio.run(server.run("CREATE DATABASE perennia_empty"))
    return server.url("perennia_empty")


def driver_of(store: SqlStore) -> Driver:
    return store._driver  # pyright: ignore[reportPrivateUsage]: a look below the store


# --- migrations -----------------------------------------------------------------------------------------------------


async def test_processes_that_start_together_migrate_once(empty_url: str) -> None:
    processes = [await python(MIGRATOR, empty_url) for _ in range(3)]

    assert await ended(processes) == [0, 0, 0]
    store = open_store(empty_url)
    await store.migrate()
    assert await store.customers() == []
    await store.close()


async def test_the_migrations_lead_to_the_tables_of_the_code(store: SqlStore) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    assert await driver_of(store).read("test", differences) == []


async def test_a_task_of_a_former_version_is_a_task_still(empty_url: str) -> None:
    store = await at_version(
        "0003",
        empty_url,
        "INSERT INTO customers (id, kind, external_id, first_seen) VALUES ('c', 'contact', 'ann', 0)",
        "INSERT INTO tasks (key, customer, playbook, enrollment, title, priority, status, assignee, opened_at) "
        "VALUES ('c/p.1/call/1', 'c', 'p', 'p.1', 'Call', 'normal', 'open', 'kim', 0)",
    )
    await store.migrate()

    assert [task.title for task in await store.tasks()] == ["Call"]
    assert await store.untold_tasks(AT, ["kim"]) == []  # whoever has it knows of it by now
    assert (await store.approvals(), await store.deliveries()) == ([], [])
    await store.close()


async def test_a_message_of_a_former_version_is_found_by_its_reference(empty_url: str) -> None:
    store = await at_version(
        "0005",
        empty_url,
        "INSERT INTO customers (id, kind, external_id, first_seen) VALUES ('c1', 'contact', 'ann', 0)",
        "INSERT INTO messages (key, customer, playbook, step, template, status, released_at) "
        f"VALUES ('{email('c1').key}', 'c1', 'p', 's', 't', 'sent', 0)",
    )
    await store.migrate()

    reference = email("c1").reference
    told = MessageReport(id="r1", reference=reference, provider="resend", what="delivered", address=None, raw="{}")
    await store.hear_report(told, AT)
    assert [each.message for each in await store.reports("c1")] == [email("c1").key]
    await store.close()


async def test_messages_of_the_first_schema_count_under_caps_unless_they_are_transactional_or_internal(
    empty_url: str,
) -> None:
    if empty_url.startswith("sqlite"):
        Path(empty_url.removeprefix("sqlite:///")).parent.mkdir()
    store = open_store(empty_url)
    sent = {
        "counts": email("c1"),
        "transactional": msgspec.structs.replace(email("c1"), transactional=True),
        "internal": msgspec.structs.replace(email("c1"), recipient="owner", topic=None),
    }

    def before(connection: Connection) -> None:
        upgrade(connection, "0001")
        connection.execute(
            text("INSERT INTO customers (id, kind, external_id, first_seen) VALUES ('c1', 'contact', 'ann', 0)")
        )
        effect = text("INSERT INTO effects (key, customer, at, open, body) VALUES (:key, 'c1', 0, false, :body)")
        message = text(
            "INSERT INTO messages (key, customer, playbook, step, template, status, released_at, ended_at)"
            " VALUES (:key, 'c1', 'p', 's', 't', 'sent', :at, :at)"
        )
        for key, each in sent.items():
            connection.execute(effect, {"key": key, "body": body(each)})
            connection.execute(message, {"key": key, "at": microseconds(AT)})

    await driver_of(store).write("test", before)
    await store.migrate()

    assert await store.counted_messages("c1", AT) == (
        LedgerEntry(key="counts", at=AT, topic=None, priority=50, left=True),
    )
    await store.close()


async def test_a_database_of_a_newer_version_is_left_alone(store: SqlStore) -> None:
    def pretend(connection: Connection) -> str:
        ours = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        return str(ours)

    def restore(connection: Connection) -> None:
        connection.execute(text("UPDATE alembic_version SET version_num = :ours"), {"ours": ours})

    ours = await driver_of(store).write("test", pretend)
    try:
        with pytest.raises(StoreError, match="newer Perennia"):
            await store.migrate()
    finally:
        await driver_of(store).write("test", restore)


async def test_accounts_of_a_former_version_learn_of_their_contacts(empty_url: str) -> None:
    state = '{"customer": "x", "kind": "contact", "facts": {"ref": "ann", "traits": {"roles": ["admin"]}}}'
    columns = "id, kind, external_id, account, first_seen, state"
    store = await at_version(
        "0002",
        empty_url,
        f"INSERT INTO customers ({columns}) VALUES ('a', 'account', 'acme', NULL, 0, NULL)",
        f"INSERT INTO customers ({columns}) VALUES ('c', 'contact', 'ann', 'a', 0, '{state}')",
    )
    await store.migrate()

    (told,) = (await take_turn(store, "acme", "account")).inputs
    assert told == ContactChanged(at=datetime(1970, 1, 1, tzinfo=UTC), seq=1, contact="c", ref="ann", roles=("admin",))
    assert await store.cursor("a") == 1
    await store.close()


async def test_revisions_of_a_former_version_have_reached_everybody(empty_url: str) -> None:
    store = await at_version(
        "0006",
        empty_url,
        "INSERT INTO revisions (number, id, published_at, published_by, triggers) VALUES (1, 'r1', 0, 'kim', '{}')",
    )
    await store.migrate()

    (known,) = await store.revisions()
    assert (known.orders, known.reached, known.reached_at) == ((), 0, datetime(1970, 1, 1, tzinfo=UTC))
    assert await store.unreached() == []
    await store.close()


async def test_answers_of_a_former_version_stay_as_they_are(empty_url: str) -> None:
    store = await at_version(
        "0008",
        empty_url,
        "INSERT INTO customers (id, kind, external_id, first_seen) VALUES ('c', 'contact', 'ann', 0)",
        "INSERT INTO responses (id, customer, survey, key, score, comment, source, first_at, at) "
        "VALUES (7, 'c', 'nps', 'c/p.1/ask/1', 9, 'Good', 'page', 0, 1)",
    )
    await store.migrate()

    (kept,) = await store.responses("nps")
    assert (kept.external_id, kept.score, kept.comment, kept.answers, kept.partial) == ("ann", 9, "Good", {}, False)
    await store.close()


async def test_the_last_words_of_a_former_version_begin_the_history(empty_url: str) -> None:
    store = await at_version(
        "0011",
        empty_url,
        "INSERT INTO customers (id, kind, external_id, first_seen) VALUES ('c', 'contact', 'ann', 0)",
        "INSERT INTO consents (customer, topic, given, at, source) VALUES ('c', 'tips', false, 0, 'one-click')",
    )
    await store.migrate()

    (known,) = await store.consent_records("c")
    assert (known.act, known.source, known.at) == ("withdrawn", "one-click", datetime(1970, 1, 1, tzinfo=UTC))
    await store.close()


async def test_messages_of_a_former_version_wait_for_no_place(empty_url: str) -> None:
    opened = body(email("c"))
    store = await at_version(
        "0016",
        empty_url,
        "INSERT INTO customers (id, kind, external_id, first_seen) VALUES ('c', 'contact', 'ann', 0)",
        f"INSERT INTO effects (key, customer, at, open, body) VALUES ('k', 'c', 0, true, '{opened}')",
        "INSERT INTO messages (key, customer, playbook, step, template, status, released_at) "
        "VALUES ('k', 'c', 'welcome', 'hello', 'hello', 'reserved', 0)",
    )
    await store.migrate()

    assert (await take_turn(store, "ann")).waits == {}
    assert (await store.claim_message("k", AT)).before is SendStatus.RESERVED
    await store.close()


async def test_what_a_former_version_kept_is_given_and_looked_at_as_before(empty_url: str) -> None:
    store = await at_version(
        "0021",
        empty_url,
        "INSERT INTO customers (id, kind, external_id, first_seen) VALUES ('c', 'contact', 'ann', 0)",
        "INSERT INTO unclaimed_answers (id, source, reason, at, body) VALUES ('tool:1', 'tool', 'who?', 0, '{}')",
        "INSERT INTO reports (id, provider, what, machine, message, customer, at, raw) "
        "VALUES ('smtp:1', 'smtp', 'delivered', false, 'k', 'c', 0, '{}')",
    )
    await store.migrate()

    assert [(one.id, one.response) for one in await store.unclaimed_response("tool:1")] == [("tool:1", None)]
    assert [one.what for one in await store.reports("c")] == ["delivered"]
    await store.close()


async def test_an_import_that_a_former_version_broke_off_goes_on(empty_url: str) -> None:
    store = await at_version(
        "0022",
        empty_url,
        "INSERT INTO imports (id, kind, name, at, row, taken, known, bad, done) "
        "VALUES ('i', 'customers', 'people.csv', 0, 2000, 1900, 60, 40, false)",
    )
    await store.migrate()

    kept = await store.import_state("i")
    assert kept is not None
    assert (kept.row, kept.taken, kept.known, kept.bad, kept.done) == (2000, 1900, 60, 40, False)
    assert (kept.began, kept.failure, kept.refused) == (None, None, ())
    await store.close()


async def at_version(version: str, url: str, *rows: str) -> SqlStore:
    """A store whose database is as it was at a former version, with these rows in it."""
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir()
    store = open_store(url)

    def build(connection: Connection) -> None:
        upgrade(connection, version)
        for row in rows:
            connection.exec_driver_sql(row)

    await driver_of(store).write("test", build)
    return store


async def test_a_database_without_tables_says_what_to_run(empty_url: str) -> None:
    if empty_url.startswith("sqlite"):
        Path(empty_url.removeprefix("sqlite:///")).parent.mkdir()
    store = open_store(empty_url)

    for use in (store.customers(), store.accept([event("m1", "ann")], AT)):
        with pytest.raises(NotMigrated, match="perennia migrate"):
            await use
    await store.close()


@pytest.mark.parametrize("url", ["mysql://localhost/x", "sqlite://", "sqlite:///:memory:", "no url"])
def test_a_url_that_names_no_store_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"sqlite:///"):
        open_store(url)


# --- two processes, one database ------------------------------------------------------------------------------------


async def test_two_processes_write_one_database(store: SqlStore, database: str) -> None:
    processes = [await python(WRITER, database, name, "15") for name in ("first", "second")]

    assert await ended(processes) == [0, 0]
    assert (await store.totals()).events == 2 * 15 * 20


async def test_a_writer_killed_in_the_middle_loses_nothing_it_acknowledged(store: SqlStore, database: str) -> None:
    writer = await python(WRITER, database, "w", "100000")
    assert writer.stdout is not None
    acknowledged = [int(await writer.stdout.readline()) for _ in range(6)]
    writer.send_signal(signal.SIGKILL)
    acknowledged += [int(line) for line in (await writer.communicate())[0].split()]

    posts = acknowledged[-1] + 1
    again = await store.accept([event(f"w-{p}-{n}", f"w-{n % 7}") for p in range(posts) for n in range(20)], AT)
    total = (await store.totals()).events

    assert again.duplicates == posts * 20
    # The post under way at the kill is there as a whole or not at all.
    assert total in (posts * 20, (posts + 1) * 20)
    seqs = [each.seq for each in (await take_turn(store, "w-0")).inputs]
    assert seqs == list(range(1, len(seqs) + 1))


# --- away for a while -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_locked_file_is_unavailable_and_works_again_when_it_is_free(
    database: str,
) -> None:
    store = SqlStore(SqliteDriver(make_url(database), busy_timeout_ms=100))
    intruder = sqlite3.connect(database.removeprefix("sqlite:///"))
    intruder.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreUnavailable, match="locked"):
        await store.accept([event("m1", "ann")], AT)
    # Whoever reads is not kept waiting.
    assert await store.customers() == []
    intruder.rollback()
    intruder.close()

    assert (await store.accept([event("m1", "ann")], AT)).accepted == 1
    await store.close()


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    store = open_store("postgresql://nobody@127.0.0.1:1/nothing")

    with pytest.raises(StoreUnavailable, match="out of reach"):
        await store.customers()
    await store.close()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
async def test_connections_that_the_server_closed_come_back(store: SqlStore, postgres: Server) -> None:
    await store.accept([event("m1", "ann")], AT)
    others = "pid <> pg_backend_pid() AND datname = 'perennia_test'"
    await postgres.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")

    with pytest.raises(StoreUnavailable):
        await store.accept([event("m2", "ann")], AT)

    assert (await store.accept([event("m2", "ann")], AT)).accepted == 1

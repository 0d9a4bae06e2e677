"""Writes that come twice with one idempotency key are carried out once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from perennia.access.callers import ADMIN, CALLER, Caller
from perennia.api.repeats import REQUEST, Repeats
from perennia.store import SqlStore, open_store

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Desk:
    """An application that counts what it is asked to do, behind `Repeats`."""

    def __init__(self, store: SqlStore) -> None:
        self.now = NOON
        self.done: list[str | None] = []
        self.answers: list[Response] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun = asyncio.Event()
        self.repeats = Repeats(store, lambda: self.now)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.repeats.answer(self._do, CALLER.get(), scope, receive, send)

    async def _do(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = (await receive())["body"]
        self.done.append(REQUEST.get())
        self.begun.set()
        await self.gate.wait()
        answer = self.answers.pop(0) if self.answers else JSONResponse({"got": body.decode()}, 201)
        await answer(scope, receive, send)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    await store.migrate()
    yield Desk(store)
    await store.close()


async def ask(desk: Desk, body: str = "a", key: str | None = "k1", method: str = "POST") -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(desk), base_url="https://p.example") as client:
        headers = {} if key is None else {"Idempotency-Key": key}
        return await client.request(method, "/api/v1/things", content=body, headers=headers)


async def test_the_second_gets_the_answer_of_the_first(desk: Desk) -> None:
    first, second = await ask(desk), await ask(desk, key='"k1"')
    assert (second.status_code, second.json()) == (first.status_code, first.json()) == (201, {"got": "a"})
    assert ("idempotency-replayed" in first.headers, second.headers["idempotency-replayed"]) == (False, "true")
    assert desk.done == ["admin:k1"]


async def test_another_request_with_the_same_key_is_refused(desk: Desk) -> None:
    await ask(desk)
    other = await ask(desk, "b")
    assert (other.status_code, other.json()["title"]) == (422, "Idempotency key used before")
    assert len(desk.done) == 1


async def test_one_that_is_under_way_is_not_begun_again(desk: Desk) -> None:
    desk.gate.clear()
    first = asyncio.create_task(ask(desk))
    await desk.begun.wait()
    second = await ask(desk)
    assert (second.status_code, second.json()["title"]) == (409, "Request under way")
    desk.gate.set()
    assert (await first).status_code == 201
    assert (await ask(desk)).status_code == 201
    assert len(desk.done) == 1


async def test_one_whose_process_was_killed_may_be_made_again_after_a_minute(desk: Desk) -> None:
    assert (await desk.repeats.store.begin_request("admin", "k1", "lost", NOON)).fresh
    repeat = await desk.repeats.store.begin_request("admin", "k1", "lost", NOON + timedelta(seconds=59))
    assert (repeat.fresh, repeat.reply) == (False, None)
    assert (await desk.repeats.store.begin_request("admin", "k1", "lost", NOON + timedelta(seconds=60))).fresh


async def test_a_refusal_is_not_kept(desk: Desk) -> None:
    desk.answers = [Response("no", 404), Response("broken", 500)]
    assert [(await ask(desk)).status_code for _ in range(3)] == [404, 500, 201]


async def test_after_a_day_the_key_is_free(desk: Desk) -> None:
    await ask(desk)
    desk.now = NOON + timedelta(days=1, seconds=1)
    assert (await ask(desk, "b")).json() == {"got": "b"}


async def test_an_answer_with_a_secret_is_not_kept(desk: Desk, tmp_path: Path) -> None:
    desk.answers = [JSONResponse({"secret": "prn_open_sesame"}, 201, {"Cache-Control": "no-store"})]
    assert (await ask(desk)).json() == {"secret": "prn_open_sesame"}
    again = await ask(desk)
    assert (again.status_code, again.json()["title"]) == (409, "Shown once")
    assert not any(b"prn_open_sesame" in file.read_bytes() for file in tmp_path.iterdir())


async def test_each_key_holder_has_names_of_their_own(desk: Desk) -> None:
    await ask(desk)
    CALLER.set(Caller("key_2", "other", frozenset(), None))
    assert (await ask(desk, "b")).json() == {"got": "b"}
    CALLER.set(ADMIN)


@pytest.mark.parametrize("key", ["", "a b", "ä", "x" * 256])
async def test_a_key_that_is_none_is_refused(desk: Desk, key: str) -> None:
    headers = [(b"idempotency-key", key.encode())]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(desk), base_url="https://p.example") as client:
        answer = await client.post("/api/v1/things", headers=headers)
    assert (answer.status_code, answer.json()["title"]) == (400, "Invalid idempotency key")


@pytest.mark.parametrize(("key", "method"), [(None, "POST"), ("k1", "GET")])
async def test_without_a_key_and_for_what_only_looks_nothing_is_kept(desk: Desk, key: str | None, method: str) -> None:
    await ask(desk, key=key, method=method)
    await ask(desk, key=key, method=method)
    assert desk.done == [None, None]

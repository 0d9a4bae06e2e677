"""Claims messages for a provider that has so many places that day, and says how many it got, in a process of its own.

``python -m tests.support.claiming_process STORE_URL MAXIMUM KEY ...``, which begins when it is told a line.
"""

from __future__ import annotations

import asyncio
import sys

from perennia.store import open_store
from perennia.store.warming_records import Place
from tests.support.posts import AT


async def main(store_url: str, maximum: str, *keys: str) -> None:
    store = open_store(store_url)
    await store.messages(limit=1)  # connected
    _say("ready")
    sys.stdin.readline()
    place = Place("fake", "2026-03-02", int(maximum))
    claims = await asyncio.gather(*(store.claim_message(key, AT, lambda _: [place]) for key in keys))
    _say(str(sum(not claim.full for claim in claims)))
    await store.close()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

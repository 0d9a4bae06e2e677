"""Reads a database in a process of its own, run after run until it is killed.

``python -m tests.faults.pull_process STORE_URL WAREHOUSE_URL``. Says ``begun`` before each run.
"""

from __future__ import annotations

import asyncio
import sys

from perennia.clock import WallClock
from perennia.importing.pull_files import Pull
from perennia.importing.pulling import Puller
from perennia.store import open_store

PEOPLE = Pull(
    kind="customers",
    url="WAREHOUSE",
    query="SELECT id, seats, changed FROM people WHERE changed > :cursor ORDER BY changed",
    cursor="changed",
    start=0,
)


async def main(store_url: str, warehouse_url: str) -> None:
    puller = Puller(open_store(store_url), WallClock(), {"people": PEOPLE}, {"WAREHOUSE": warehouse_url})
    while True:
        sys.stdout.write("begun\n")
        sys.stdout.flush()
        await puller.run("people")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

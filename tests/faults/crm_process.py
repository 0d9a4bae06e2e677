"""Keeps a CRM equal in a process of its own, run after run until it is killed.

``python -m tests.faults.crm_process STORE_URL CRM_URL``. Says ``begun`` before each run.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from perennia.clock import WallClock
from perennia.crm.field_map import FieldMap
from perennia.crm.syncing import CrmSync
from perennia.providers.hubspot import from_url
from perennia.store import open_store
from tests.support.crm_world import MAP


async def main(store_url: str, crm_url: str) -> None:
    provider = from_url(crm_url, Path("crm.yaml"))
    sync = CrmSync(open_store(store_url), provider, FieldMap.model_validate(MAP), WallClock(), lambda _: None)
    while True:
        sys.stdout.write("begun\n")
        sys.stdout.flush()
        position: str | None = ""
        while position is not None:
            position = await sync.step(position)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

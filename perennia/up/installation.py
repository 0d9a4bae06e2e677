"""One installation on this machine, from its data folder to its last process."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path

import msgspec

from perennia.catalog import Severity, load_workspace, release
from perennia.installation import Installation, SaidNo
from perennia.opening import opened_store
from perennia.publishing import Publication, publish_documents
from perennia.settings import Settings
from perennia.shipped import shipped_workspace
from perennia.up.child import end_leftover
from perennia.up.folder import DataFolder, Run
from perennia.up.plan import make_plan
from perennia.up.supervisor import Part, PartFailed, Supervisor


class LocalInstallation:
    """Starts everything, keeps it running, stops it. ``tell`` gets one line an event.

    ``run`` is what the run file says: addresses, keys and the present process ids.
    """

    def __init__(self, workspace: Path, settings: Settings, tell: Callable[[str], None]) -> None:
        self._folder = DataFolder(settings.data)
        self._settings = settings
        self._workspace = workspace if (workspace / "playbooks").is_dir() else shipped_workspace()
        self._tell = tell
        self._supervisor = Supervisor(self._folder.logs, tell, self._pids_changed)
        self._run: Run | None = None
        self._lock: int | None = None
        self._started = False

    @property
    def run(self) -> Run:
        if self._run is None:
            raise RuntimeError("start it first")
        return self._run

    async def start(self) -> None:
        """Returns when everything answers and the workspace is published. Raises `FolderError`, `PartFailed`.

        What was started before a failure is for `stop` to end.
        """
        self._folder.prepare()
        self._lock = self._folder.lock()
        await self._end_leftovers()
        kept = self._folder.keep()
        plan = make_plan(self._settings, self._folder, kept, self._workspace)
        self._run = plan.run
        await self._prepare_store(plan.parts)
        await self._start_parts(plan.parts)
        await self._publish()
        self._started = True
        self._write_run()

    async def wait(self) -> None:
        await self._supervisor.wait()

    async def freeze(self) -> None:
        """From here on nothing is decided or sent any more; what was can still be looked at."""
        await self._supervisor.retire("worker")

    async def stop(self) -> None:
        """Ends every part in order, and forgets the run file. Changes nothing where somebody else holds the folder."""
        await self._supervisor.stop()
        if self._lock is not None:
            self._folder.forget_run()
            os.close(self._lock)
            self._lock = None

    async def _start_parts(self, parts: tuple[Part, ...]) -> None:
        """All at once but the worker, which cannot start before Temporal answers."""
        *others, worker = parts
        try:
            async with asyncio.TaskGroup() as starting:
                for part in others:
                    starting.create_task(self._supervisor.start(part))
        except* PartFailed as failures:
            raise failures.exceptions[0] from None
        await self._supervisor.start(worker)

    async def _end_leftovers(self) -> None:
        """Where no kernel ends orphans, what a killed `up` left behind still holds the files that are needed now."""
        before = self._folder.running()
        if sys.platform == "linux" or before is None:
            return
        for name, pid in before.pids.items():
            if await end_leftover(pid, str(self._folder.path)):
                self._tell(f"ended {name} (pid {pid}), which an earlier run had left behind")

    async def _prepare_store(self, parts: tuple[Part, ...]) -> None:
        """Brings the schema up to date. Where Temporal's file is gone, everybody is rung: the store knows them all."""
        lost = any(part.name == "temporal" for part in parts) and not (self._folder.path / "temporal.sqlite").exists()
        async with opened_store(self._settings) as store:
            await store.migrate()
            if lost and (count := await store.ring_all()):
                self._tell(f"Temporal's file is gone or new: bringing {count} customers back")

    async def _publish(self) -> None:
        workspace = load_workspace(self._workspace)
        errors = [finding for finding in workspace.findings if finding.severity is Severity.ERROR]
        if errors:
            self._tell(f"not published, what was published before stays in force: {errors[0]}")
            self._tell(f"{len(errors)} errors in {self._workspace}; see `perennia check`")
            return
        documents = release(workspace).documents
        async with Installation(self.run.api, self.run.admin_key) as installation:
            try:
                publication = await publish_documents(installation, documents, "up", only_new=True)
            except SaidNo as error:
                if error.status != HTTPStatus.CONFLICT:
                    raise
                # Somebody went back, or published from elsewhere: a start undoes nobody's decision.
                said = str(error)
                self._tell(f"not published: {said[:1].lower()}{said[1:]}")
                return
        self._tell(_published(publication))

    def _pids_changed(self, pids: Mapping[str, int]) -> None:
        self._run = msgspec.structs.replace(self.run, pids=dict(pids))
        if self._started:
            self._write_run()

    def _write_run(self) -> None:
        self._folder.write_run(self.run)


def _published(publication: Publication) -> str:
    revision = publication.revision
    if not publication.changes:
        return f"revision {revision.number} is in force, nothing has changed"
    return f"published revision {revision.number}: {len(publication.changes)} definitions are new, changed or gone"

"""A workflow that imports a module of ours without passing it through the sandbox: what workers must refuse."""

from __future__ import annotations

from temporalio import workflow

from perennia.core import definitions


@workflow.defn
class CarelessWorkflow:
    @workflow.run
    async def run(self) -> int:
        return definitions.DEFAULT_PRIORITY

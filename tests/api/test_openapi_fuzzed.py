"""schemathesis asks the whole API what its OpenAPI document allows, and what it does not, and finds nothing."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from perennia.store.desk_records import TaskWish
from tests.support.seeded_api import ADMIN_KEY, SeededApi, seeded_api

ROOT = Path(__file__).parents[2]
# For each operation, beside what its document gives cause to try.
EXAMPLES = os.environ.get("PERENNIA_FUZZED_EXAMPLES", "20")

# 422 is also said of what has the right form and cannot be carried out, 412 of a tag that is another; the check of
# tests/support/schemathesis_checks.py tells the former from a wrong form.
# The admin key: an API key is one of the things that it changes and revokes.
CONFIG = """
[auth.openapi]
key.bearer = "{key}"

[checks]
positive_data_acceptance.expected-statuses = ["2xx", "3xx", 401, 403, 404, 409, 412, 422, 429]

[dictionaries]
references.values = ["ana", "bo", "acme"]
keys.values = {names}
playbooks.values = ["welcome"]
tracks.values = ["adoption"]
stages.values = ["trial", "live"]
surveys.values = ["nps"]
segments.values = ["pros"]
topics.values = ["tips", "news"]
people.values = ["kim", "sam"]
kinds.values = ["topic", "sender"]

[parameters]
"path.reference" = {{ dictionary = "references", probability = 0.7 }}
"path.key" = {{ dictionary = "keys", probability = 0.7 }}
"path.playbook" = {{ dictionary = "playbooks", probability = 0.7 }}
"path.survey" = {{ dictionary = "surveys", probability = 0.7 }}
"path.segment" = {{ dictionary = "segments", probability = 0.7 }}
"path.person" = {{ dictionary = "people", probability = 0.7 }}
"path.kind" = {{ dictionary = "kinds", probability = 0.7 }}
"body.playbook" = {{ dictionary = "playbooks", probability = 0.7 }}
"body.track" = {{ dictionary = "tracks", probability = 0.7 }}
"body.stage" = {{ dictionary = "stages", probability = 0.7 }}
"body.survey" = {{ dictionary = "surveys", probability = 0.7 }}
"body.topic" = {{ dictionary = "topics", probability = 0.7 }}
"""


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    async with seeded_api(tmp_path) as api:
        config = tmp_path / "schemathesis.toml"
        keys = {f"key-{number}": key for number, key in enumerate(await _keys(api), 1)}
        config.write_text(CONFIG.format(key=ADMIN_KEY, names=json.dumps([*keys])), encoding="utf-8")
        run = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("schemathesis")),
            *("--config-file", str(config), "run", f"{api.url}/api/v1/openapi.json"),
            *("--max-examples", EXAMPLES, "--continue-on-failure"),
            *("--no-color", "--generation-deterministic"),
            cwd=tmp_path,  # it keeps a cache where it runs
            env={
                **os.environ,
                "SCHEMATHESIS_HOOKS": "tests.support.schemathesis_checks",
                "PYTHONPATH": str(ROOT),
                "FUZZED_KEYS": json.dumps(keys),
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await run.communicate()
    assert run.returncode == 0, said.decode()


async def _keys(api: SeededApi) -> list[str]:
    """Of tasks and of questions for approval."""
    tasks = await api.store.find_tasks(TaskWish(), 10)
    return [one.key for one in (*tasks, *await api.store.approvals(None, None, 10))]

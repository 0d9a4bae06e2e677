"""What would make a decision differ from one run to the next is refused in the core and in workflows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def banned(source: str, filename: str) -> str:
    """What ruff says of ``source`` as if it stood in ``filename``."""
    command = [sys.executable, "-m", "ruff", "check", "--select", "TID251", "--output-format", "concise"]
    ran = subprocess.run(
        [*command, "--stdin-filename", filename, "-"],
        input=source,
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    return ran.stdout


@pytest.mark.parametrize(
    ("source", "instead"),
    [
        ("from datetime import datetime, UTC\nx = datetime.now(UTC)\n", "`now` is an argument"),
        ("import time\nx = time.monotonic()\n", "`now` is an argument"),
        ("import random\nx = random.random()\n", "stable hash"),
        ("from uuid import uuid4\nx = uuid4()\n", "made of ids"),
        ("import os\nx = os.environ['HOME']\n", "take it as an argument"),
        ("from pathlib import Path\nx = Path('a').read_text()\n", "take what is in them as an argument"),
        ("import logging\n", "journal"),
    ],
)
def test_the_core_may_not_reach_out(source: str, instead: str) -> None:
    assert instead in banned(source, "perennia/core/any.py")


@pytest.mark.parametrize(
    ("source", "instead"),
    [
        ("from datetime import datetime, UTC\nx = datetime.now(UTC)\n", "workflow.now()"),
        ("import time\n", "workflow.now()"),
        ("import random\n", "workflow.random()"),
        ("from uuid import uuid4\nx = uuid4()\n", "workflow.uuid4()"),
        ("import os\nx = os.getenv('HOME')\n", "let the turn read it"),
        ("import asyncio\nx = asyncio.sleep(1)\n", "one timer task"),
        ("import pydantic\n", "frozen dataclasses"),
    ],
)
def test_a_workflow_may_do_nothing_that_replay_would_do_otherwise(source: str, instead: str) -> None:
    assert instead in banned(source, "workflows/any.py")


def test_elsewhere_the_same_is_allowed() -> None:
    assert "TID251" not in banned("import time\nimport random\nimport os\n", "perennia/ingest/any.py")

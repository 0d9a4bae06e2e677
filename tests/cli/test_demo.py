"""The demo from end to end, shortened: real processes, real events, real mail."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import cast

import pytest

from tests.support.commands import PROGRAM, environment

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def epilogue(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What a demo of forty days in fifteen seconds tells at its end."""
    command = [*PROGRAM, "demo", "--days", "40", "--seconds", "15", "--customers", "20", "--exit", "--json"]
    folder: Path = tmp_path_factory.mktemp("demo")
    ended = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=380, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return cast("dict[str, object]", json.loads(ended.stdout))


def totals(epilogue: dict[str, object]) -> dict[str, dict[str, int]]:
    return cast("dict[str, dict[str, int]]", epilogue["totals"])


def test_everything_that_was_sent_was_accepted(epilogue: dict[str, object]) -> None:
    assert epilogue["lost"] == []


def test_twenty_people_and_their_accounts_are_customers(epilogue: dict[str, object]) -> None:
    assert totals(epilogue)["customers"] == 25


def test_messages_left(epilogue: dict[str, object]) -> None:
    assert totals(epilogue)["messages"]["sent"] > 10


def test_accounts_stand_in_stages(epilogue: dict[str, object]) -> None:
    stages = cast("dict[str, dict[str, int]]", totals(epilogue)["stages"])
    assert sum(stages["adoption"].values()) == 5


def test_three_decisions_are_explained(epilogue: dict[str, object]) -> None:
    assert len(cast("list[object]", epilogue["examples"])) == 3


def test_the_first_explanation_is_of_a_goal_that_was_reached(epilogue: dict[str, object]) -> None:
    example = cast("list[dict[str, dict[str, list[dict[str, str]]]]]", epilogue["examples"])[0]
    assert any(line["text"].startswith("reached the goal") for line in example["story"]["lines"])

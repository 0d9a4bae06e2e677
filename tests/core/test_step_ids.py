"""Ids and places of steps."""

from __future__ import annotations

from perennia.core.definitions import Playbook
from perennia.core.step_ids import assign_step_ids, place_steps

PLAYBOOK = Playbook.model_validate(
    {
        "playbook": "p",
        "steps": [
            {"id": "welcome", "email": "a"},
            {
                "wait_for": [
                    {"event": "A", "then": [{"email": "b"}]},
                    {"all": [{"event": "B"}, {"when": "true"}], "then": [{"exit": "x"}]},
                ],
                "up_to": "2d",
                "else": [{"branch": [{"if": "true", "then": [{"email": "c"}]}], "else": [{"wait": "1d"}]}],
            },
            {"email": "d"},
        ],
    }
)


def test_a_step_without_an_id_is_called_by_its_verb_and_its_place_among_all_steps_of_that_verb() -> None:
    assert assign_step_ids(PLAYBOOK) == {
        "steps.0": "welcome",
        "steps.1": "wait_for-1",
        "steps.1.wait_for.0.then.0": "email-2",
        "steps.1.wait_for.1.then.0": "exit-1",
        "steps.1.else.0": "branch-1",
        "steps.1.else.0.branch.0.then.0": "email-3",
        "steps.1.else.0.else.0": "wait-1",
        "steps.2": "email-4",
    }


def test_steps_come_in_document_order() -> None:
    assert [placed.path for placed in place_steps(PLAYBOOK)] == list(assign_step_ids(PLAYBOOK))

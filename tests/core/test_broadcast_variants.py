"""A broadcast of several messages: a playbook whose split sends them, and what does not fit together."""

from __future__ import annotations

import msgspec
import pytest
from pydantic import ValidationError

from perennia.core.broadcasts import Broadcast, book_of
from perennia.core.compiled import playbook_in
from perennia.core.documents import PlaybookBody
from perennia.experiments.reporting import plans_of

SAID: dict[str, object] = {
    "broadcast": "spring",
    "where": "true",
    "email": "news/plain",
    "topic": "news",
    "with": {"code": "'SPRING'"},
    "variants": {"plain": {"share": 60}, "bold": {"share": 40, "email": "news/bold", "with": {"colour": "'red'"}}},
    "goal": {"event": "Bought", "within": "7d"},
}


def broadcast(**changed: object) -> Broadcast:
    return Broadcast.model_validate({name: told for name, told in {**SAID, **changed}.items() if told is not None})


def test_each_variant_is_a_message_of_a_split() -> None:
    document = book_of(broadcast(holdout="10%"), {"news/plain": "v1", "news/bold": "v2"})
    body = msgspec.json.decode(document.body, type=PlaybookBody)
    assert body.templates == {"news/plain": "v1", "news/bold": "v2"}
    assert body.definition["steps"] == [
        {
            "id": "variant",
            "split": {
                "plain": {"share": 60.0, "then": [step("plain", "news/plain", {"code": "'SPRING'"})]},
                "bold": {"share": 40.0, "then": [step("bold", "news/bold", {"code": "'SPRING'", "colour": "'red'"})]},
            },
        }
    ]
    assert [(plan.of, plan.shares) for plan in plans_of(playbook_in(body))] == [
        ("holdout", (("holdout", 10.0), ("treated", 90.0))),
        ("variant", (("bold", 40.0), ("plain", 60.0))),
    ]


def step(id_: str, email: str, values: dict[str, str]) -> dict[str, object]:
    return {"id": id_, "email": email, "with": values}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"variants": {"a": {"share": 60}, "b": {"share": 50}}}, "sum to 100, not to 110"),
        ({"variants": {"a": {"share": 100}}}, "two or more"),
        ({"goal": None}, "by which `goal`"),
        ({"email": None}, "`plain` has no `email`"),
        ({"topic": None}, "needs a `topic`"),
        ({"playbook": "tour", "email": None, "topic": None}, "either `email` or `playbook`"),
        ({"playbook": "tour", "email": None, "topic": None, "variants": {}}, "its own `goal`"),
    ],
)
def test_what_does_not_fit_together_is_said(changed: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        broadcast(**changed)

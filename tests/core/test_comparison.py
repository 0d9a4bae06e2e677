"""What a scenario expects, held against what happened."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from perennia.simulate.comparison import Expected, compare
from perennia.simulate.timeline import Happening, Kind

AT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def email(template: str, *, unrendered: bool = False) -> Happening:
    return Happening(AT, Kind.EMAIL, template, unrendered=unrendered)


def expected(*templates: str) -> list[Expected]:
    return [Expected(AT, Kind.EMAIL, template) for template in templates]


def test_a_message_too_many_is_a_difference() -> None:
    (only,) = compare([email("a"), email("b")], expected("a"), strict=True)
    assert only.actual == email("b")


@pytest.mark.parametrize("templates", [("a", "c"), ("a", "b", "c"), ("*", "c")])
def test_a_message_that_could_not_be_written_may_be_expected_or_not(templates: tuple[str, ...]) -> None:
    happened = [email("a"), email("b", unrendered=True), email("c")]
    assert compare(happened, expected(*templates), strict=True) == []

"""Who the owner of a customer is, as traits tell."""

from __future__ import annotations

import pytest

from perennia.core.facts import Facts
from perennia.core.owners import Owner, owner_of
from tests.support.lives import START


@pytest.mark.parametrize(
    ("told", "owner"),
    [
        ("sam@example.com", Owner("sam@example.com", "sam@example.com", None)),
        ("sam", Owner("sam", None, None)),
    ],
)
def test_an_owner_that_is_told_by_an_address_alone_can_be_written_to(told: str, owner: Owner) -> None:
    assert owner_of(Facts(ref="acme", first_seen=START, traits={"owner": told})) == owner

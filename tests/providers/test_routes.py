"""Which of several providers a message leaves through."""

from __future__ import annotations

from datetime import timedelta

import pytest

from perennia.providers.failures import Misconfigured
from perennia.providers.routes import EmailRoutes
from perennia.providers.smtp import from_url

PROVIDERS = {name: from_url(f"smtp://{name}.example") for name in ("letters", "bulk", "spare")}
ROUTES = {"*": ["letters", "spare"], "topic:tips": ["bulk", "letters"], "sender:billing": ["spare"]}


class Watch:
    """A stopwatch that a test holds."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def names(routes: EmailRoutes, sender: str | None = None, topic: str | None = None) -> list[str]:
    return [each.name for each in routes.chain(sender, topic)]


def test_a_topic_has_its_own_way() -> None:
    assert names(EmailRoutes(PROVIDERS, ROUTES), topic="tips") == ["bulk", "letters"]


def test_a_sender_goes_before_a_topic() -> None:
    assert names(EmailRoutes(PROVIDERS, ROUTES), sender="billing", topic="tips") == ["spare"]


def test_what_has_no_way_of_its_own_goes_the_common_one() -> None:
    assert names(EmailRoutes(PROVIDERS, ROUTES), sender="hello", topic="news") == ["letters", "spare"]


def test_one_that_was_away_is_asked_last_until_it_has_rested() -> None:
    watch = Watch()
    routes = EmailRoutes(PROVIDERS, ROUTES, watch)
    routes.rest("letters", timedelta(seconds=7))
    assert names(routes) == ["spare", "letters"]
    watch.seconds = 7.0
    assert names(routes) == ["letters", "spare"]


def test_each_leading_provider_has_a_lane_and_the_first_of_all_has_the_old_one() -> None:
    routes = EmailRoutes(PROVIDERS, ROUTES)
    assert sorted(routes.lanes()) == ["", "bulk", "spare"]
    assert (routes.lane("hello", "news"), routes.lane("hello", "tips"), routes.lane("billing", None)) == (
        "",
        "bulk",
        "spare",
    )


@pytest.mark.parametrize(
    ("routes", "says"),
    [
        ({}, 'no "\\*"'),
        ({"*": ["pigeon"]}, "'pigeon'"),
        ({"*": ["bulk"], "tips": ["bulk"]}, "'tips'"),
        ({"*": ["bulk"], "topic:tips": []}, "names nobody"),
    ],
)
def test_a_wrong_way_is_a_misconfiguration_that_says_why(routes: dict[str, list[str]], says: str) -> None:
    with pytest.raises(Misconfigured, match=says):
        EmailRoutes(PROVIDERS, routes)

"""The curve of a warm-up, and what a provider's URL says of it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from perennia.providers.email import email_provider
from perennia.providers.failures import Misconfigured
from perennia.providers.warm_up import WarmUp, warm_up_in

FIRST = date(2026, 12, 1)


def curve(warm_up: WarmUp, *days: int) -> list[int | None]:
    return [warm_up.maximum(FIRST + timedelta(days=day - 1)) for day in days]


def test_the_default_curve_is_the_one_of_the_docs() -> None:
    assert curve(WarmUp(FIRST), 1, 2, 3, 5, 8, 10) == [50, 65, 84, 142, 313, 530]
    assert curve(WarmUp(FIRST), 15, 22, 28, 36, 39) == [1_968, 12_353, 59_626, 486_393, None]


def test_it_stays_at_its_ceiling() -> None:
    assert curve(WarmUp(FIRST, 100, 2, 1_000), 1, 2, 4, 5, 9, 100_000) == [100, 200, 800, 1_000, 1_000, 1_000]


def test_without_growth_it_is_a_daily_maximum() -> None:
    assert curve(WarmUp(FIRST, 100, 1, 100), 1, 2, 1_000) == [100, 100, 100]


def test_before_its_first_day_it_is_as_on_that() -> None:
    assert curve(WarmUp(FIRST), 0, -300) == [50, 50]


@pytest.mark.parametrize(
    "url", ["postmark:KEY", "ses:KEY:SECRET@eu-west-1", "smtp+starttls://me:secret@mail.example.com"]
)
def test_the_options_of_a_url_say_it_to_the_provider_and_to_the_api(url: str) -> None:
    told = f"{url}?warm_up=2026-12-01&warm_up_from=20&warm_up_by=1.5&warm_up_to=5000"
    assert email_provider(told).capabilities.warm_up == warm_up_in(told) == WarmUp(FIRST, 20, 1.5, 5_000)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("warm_up=2026-13-01", "a day like 2026-12-01"),
        ("warm_up=2026-12-01&warm_up_from=none", "from 1 to 1,000,000"),
        ("warm_up=2026-12-01&warm_up_from=0", "from 1 to 1,000,000"),
        ("warm_up=2026-12-01&warm_up_by=0.5", "factor from 1 to 10"),
        ("warm_up=2026-12-01&warm_up_by=nan", "factor from 1 to 10"),
        ("warm_up=2026-12-01&warm_up_to=49", "less than what the warm-up begins with, 50"),
        ("warm_up_from=50", "needs the day on which the warm-up begins"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_name(options: str, says: str) -> None:
    with pytest.raises(Misconfigured, match=says):
        warm_up_in(f"resend:KEY?{options}")

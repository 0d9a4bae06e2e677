"""A country's public holidays, as dates: put into the policies when they are released, so that the documents carry them.

So decisions know no calendar but the one that was published, whatever the library says later. The years are fixed, not
counted from today: the same policies make the same document whenever they are released.
"""

from __future__ import annotations

import warnings
from functools import lru_cache

from perennia.core.definitions import Policies

FIRST_YEAR = 2020
LAST_YEAR = 2040


class UnknownCountry(ValueError):
    """The library knows no such country, or no such part of it."""


@lru_cache(maxsize=64)
def holidays_of(code: str) -> tuple[str, ...]:
    """Public holidays of ``DE`` or ``DE-BY`` (ISO 3166) from 2020 to 2040, as ISO dates. Raises `UnknownCountry`."""
    from holidays import country_holidays  # noqa: PLC0415 - a third of a second, for those alone who name a country

    country, _, part = code.partition("-")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of some countries fewer years are known
        try:
            found = country_holidays(country, subdiv=part or None, years=range(FIRST_YEAR, LAST_YEAR + 1))
        except NotImplementedError as error:
            raise UnknownCountry(f'no public holidays of "{code}" are known') from error
    return tuple(day.isoformat() for day in sorted(found))


def with_dates(policies: Policies) -> Policies:
    """The policies with dates in the place of countries. Raises `UnknownCountry`."""
    dates = {day for each in policies.holidays for day in ((each,) if each[0].isdigit() else holidays_of(each))}
    return policies.model_copy(update={"holidays": tuple(sorted(dates))})

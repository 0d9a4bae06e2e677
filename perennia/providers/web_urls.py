"""The URLs of providers with an HTTP API: ``SCHEME:KEY@PLACE?option=value``, every part percent-encoded where it must be."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

from perennia.providers.failures import Misconfigured
from perennia.providers.warm_up import OPTIONS, WarmUp, warm_up_of

_COMMON = ("api", "connections", "rate", "timeout", *OPTIONS)


@dataclass(frozen=True)
class WebUrl:
    """What such a URL says. ``place``: what stands after the @ (a domain, a region).

    ``api``: where the API is, if not where the provider has it. ``timeout_seconds``: for the whole answer. ``per_second``: what
    ``rate`` says; ``warm_up``: what the options of that name do.
    """

    scheme: str
    key: str = field(repr=False)
    place: str | None
    api: str | None
    timeout_seconds: float
    connections: int
    per_second: float | None
    warm_up: WarmUp | None
    options: dict[str, str]


def parse_web_url(url: str, form: str, *, options: tuple[str, ...] = ()) -> WebUrl:
    """``form`` is how the URL should look, for the errors: `Misconfigured`, never with the URL in its message."""
    scheme, _, rest = url.partition(":")
    target, _, query = rest.removeprefix("//").partition("?")
    key, at, place = target.rpartition("@")
    if not at:
        key, place = target, ""
    if not key or ("@" in form) != bool(place):
        raise Misconfigured(f"the URL of {scheme} is {form}")
    told = dict(parse_qsl(query, keep_blank_values=True))
    known = sorted({*_COMMON, *options})
    unknown = sorted(told.keys() - set(known))
    if unknown:
        raise Misconfigured(f"the URL of {scheme} has no option {unknown[0]!r}; there are {', '.join(known)}")
    timeout, connections = _numbers(scheme, told.get("timeout", "20"), told.get("connections", "10"))
    api = told.get("api")
    if api is not None and not re.match(r"https?://[^/]+", api):
        raise Misconfigured(f"api= in the URL of {scheme} is a web address")
    return WebUrl(
        scheme=scheme,
        key=unquote(key),
        place=unquote(place) or None,
        api=api.rstrip("/") if api else None,
        timeout_seconds=timeout,
        connections=connections,
        per_second=rate_of(told.get("rate"), scheme),
        warm_up=warm_up_of(told, scheme),
        options={name: told[name] for name in options if name in told},
    )


def rate_of(text: str | None, scheme: str) -> float | None:
    """Messages a second. Raises `Misconfigured`."""
    if text is None:
        return None
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < 100_000:
        raise Misconfigured(f"rate in the URL of {scheme} is a number of messages a second, above zero")
    return rate


def _numbers(scheme: str, timeout: str, connections: str) -> tuple[float, int]:
    try:
        numbers = float(timeout), int(connections)
    except ValueError as error:
        raise Misconfigured(f"timeout and connections in the URL of {scheme} are numbers") from error
    if not (0 < numbers[0] <= 90 and numbers[1] >= 1):
        raise Misconfigured(f"timeout (at most 90) and connections in the URL of {scheme} are above zero")
    return numbers


def region_of(url: WebUrl, regions: Iterable[str]) -> str:
    """What ``region=`` says: one of these, the first where it says nothing."""
    known = list(regions)
    region = url.options.get("region", known[0])
    if region not in known:
        raise Misconfigured(f"region= in the URL of {url.scheme} is one of {', '.join(known)}")
    return region

"""How adapters are found: entry points of a group for each kind, named by the URL scheme that they serve."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any
from urllib.parse import urlsplit

from perennia.providers.failures import Misconfigured


def adapter(group: str, url: str, kind: str, *, ending: str = "://") -> Any:
    """The factory that serves the URL's scheme, to be called with the URL. ``ending``: of a scheme, as people write it.

    Raises `Misconfigured`.
    """
    scheme = urlsplit(url).scheme
    adapters = {point.name: point for point in entry_points(group=group)}
    if scheme not in adapters:
        known = (
            ", ".join(f"{name}{ending}" for name in sorted(adapters)) or "none; install Perennia with `pip install .`"
        )
        raise Misconfigured(f'no {kind} serves "{scheme}{ending}"; there are: {known}')
    return adapters[scheme].load()

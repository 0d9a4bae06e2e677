"""What a route asks of the key that it is called with; said where the route stands: ``dependencies=needs(KeyScope.…)``."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import APIRouter, Security
from fastapi.params import Depends as Dependency
from fastapi.params import Security as Needed
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer, SecurityScopes

from perennia.access.callers import CALLER
from perennia.access.scopes import KeyScope
from perennia.api.problems import Problem

# For OpenAPI and its clients; the gate has compared the key before.
_BEARER = HTTPBearer(
    auto_error=False, scheme_name="key", description="The installation's admin key, or an API key with the scopes named"
)


class NoScope(TypeError):
    def __init__(self, route: str) -> None:
        super().__init__(
            f"{route} says no scope, so every key could call it; give it dependencies=needs(KeyScope.…) (perennia/api/needs.py)"
        )


def needs(scope: KeyScope) -> list[Dependency]:
    """The dependencies of a route that asks for this scope. Without it the answer is 403."""
    return [Security(_check, scopes=[scope.value])]


async def _check(wanted: SecurityScopes, _given: object = Security(_BEARER)) -> None:
    missing = [scope for scope in wanted.scopes if scope not in CALLER.get().scopes]
    if missing:
        detail = f"The key lacks the scope {', '.join(missing)}. Use another one, or let `perennia keys` make one."
        raise Problem(403, "Not allowed", detail, scopes=[*missing])


def must_say_scopes(router: APIRouter) -> None:
    """Raises `NoScope` for a route that says none: what was forgotten must not be open."""
    for route in router.routes:
        if isinstance(route, APIRoute) and not _scopes(route.dependencies):
            raise NoScope(f"{'/'.join(sorted(route.methods or ()))} {route.path}")


def _scopes(dependencies: Iterable[Dependency]) -> list[str]:
    return [scope for one in dependencies if isinstance(one, Needed) for scope in one.scopes or ()]

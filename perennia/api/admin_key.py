"""Who may use the team's API: holders of the admin key."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable

from fastapi import Request

from perennia.api.problems import Problem


class NoAdminKey(ValueError):
    def __init__(self) -> None:
        super().__init__("the admin key is empty; set a secret, else the API would be open to everybody")


def require_admin_key(admin_key: str) -> Callable[[Request], Awaitable[None]]:
    """A dependency that lets ``Authorization: Bearer KEY`` through and answers 401 to anybody else. Raises `NoAdminKey`."""
    if not admin_key:
        raise NoAdminKey
    expected = admin_key.encode()

    async def check(request: Request) -> None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        # Compared also where the scheme is wrong: the answer takes equally long.
        matches = hmac.compare_digest(given.strip().encode(), expected)
        if scheme.lower() != "bearer" or not matches:
            raise Problem(401, "Not authorized", "Send the admin key as `Authorization: Bearer KEY`.")

    return check

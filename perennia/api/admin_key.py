"""Who may use the team's API: holders of the admin key."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from perennia.api.problems import Problem

# For OpenAPI and its clients. What it finds is what is compared; without it the answer would be FastAPI's, not a problem.
BEARER = HTTPBearer(auto_error=False, scheme_name="admin key", description="The installation's admin key")
Given = Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]


class NoAdminKey(ValueError):
    def __init__(self) -> None:
        super().__init__("the admin key is empty; set a secret, else the API would be open to everybody")


def require_admin_key(admin_key: str) -> Callable[[Given], Awaitable[None]]:
    """A dependency that lets ``Authorization: Bearer KEY`` through and answers 401 to anybody else. Raises `NoAdminKey`."""
    if not admin_key:
        raise NoAdminKey
    expected = admin_key.encode()

    async def check(given: Given) -> None:
        key = "" if given is None else given.credentials.strip()
        if not hmac.compare_digest(key.encode(), expected):
            raise Problem(401, "Not authorized", "Send the admin key as `Authorization: Bearer KEY`.")

    return check

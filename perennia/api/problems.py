"""Errors as RFC 9457 problem details: the only place that turns what went wrong into a status."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from perennia.core.json_values import Json
from perennia.store.port import StaleRevision, StoreUnavailable, UnknownCustomer

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """What a caller did that cannot be done. ``title`` names the kind, ``detail`` says what to do; ``more`` joins the body."""

    def __init__(self, status: int, title: str, detail: str, **more: Json) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail
        self.more = more

    def content(self) -> bytes:
        body = {"type": "about:blank", "status": self.status, "title": self.title, "detail": self.detail, **self.more}
        return msgspec.json.encode(body)

    def response(self, headers: dict[str, str] | None = None) -> Response:
        return Response(self.content(), self.status, headers, media_type=MEDIA_TYPE)


def answer_problems(app: FastAPI) -> None:
    """Makes every error of ``app`` a problem document."""
    answers: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
        Problem: _problem,
        StoreUnavailable: _unavailable,
        UnknownCustomer: _unknown_customer,
        StaleRevision: _stale_revision,
        RequestValidationError: _invalid,
        HTTPException: _http,
        Exception: _unexpected,
    }
    for error, answer in answers.items():
        app.add_exception_handler(error, answer)


async def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - registered for this class alone
    return error.response()


async def _unavailable(_: Request, __: Exception) -> Response:
    return store_unavailable()


def store_unavailable() -> Response:
    """It may pass."""
    problem = Problem(503, "Store unavailable", "The store is locked or out of reach. Nothing is lost; try again.")
    return problem.response({"Retry-After": "2"})


async def _unknown_customer(_: Request, error: Exception) -> Response:
    return Problem(404, "Unknown customer", f"There is {error}. List them: GET /api/v1/customers").response()


async def _stale_revision(_: Request, error: Exception) -> Response:
    assert isinstance(error, StaleRevision)  # noqa: S101 - registered for this class alone
    remedy = "look at what changed (`perennia revisions`, `perennia plan`), then publish on top of it"
    between: list[Json] = [{"number": each.number, "by": each.published_by} for each in error.between]
    changed: list[Json] = [*error.changed]
    return Problem(409, "Stale revision", f"{error}; {remedy}", between=between, changed=changed).response()


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class alone
    wrong: list[Json] = [
        {"where": ".".join(str(part) for part in one["loc"]), "message": str(one["msg"])} for one in error.errors()
    ]
    return Problem(
        422, "Invalid request", "The request does not have the form that the API defines.", errors=wrong
    ).response()


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class alone
    headers = dict(error.headers) if error.headers else None
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {"Allow": ", ".join(sorted(_allowed(request)))}
    return Problem(error.status_code, HTTPStatus(error.status_code).phrase, str(error.detail)).response(headers)


def _allowed(request: Request) -> set[str]:
    """The methods of a path: Starlette names only those of the first route that it fits.

    It also fits `/tasks/{key}` with a key that ends in `/assign`; what says the most of the path is what was meant.
    """
    found = [
        (len(re.sub(r"{.*?}", "", route.path)), route.methods or set[str]())
        for route in iter_route_contexts(request.app.routes)
        if route.path is not None and compile_path(route.path)[0].match(request.scope["path"])
    ]
    longest = max((said for said, _ in found), default=0)
    return {method for said, methods in found if said == longest for method in methods}


async def _unexpected(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return Problem(500, "Unexpected error", "This is a fault of the server; its log tells more.").response()

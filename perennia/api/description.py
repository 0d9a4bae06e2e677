"""The OpenAPI document: what every call of the team's API has in common is said once, here, for all of them."""

from __future__ import annotations

import re
from typing import Any, Final, cast

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from perennia.access.scopes import ALLOWS
from perennia.api.gate import PREFIX
from perennia.api.problems import MEDIA_TYPE
from perennia.api.repeats import FORM, HEADER, WRITES

_PROBLEM: Final = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457): `title` names the kind, `detail` says what to do.",
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "status": {"type": "integer"},
        "title": {"type": "string"},
        "detail": {"type": "string"},
        "errors": {
            "description": "Of a request that does not have the form that is defined here: where, and what.",
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"where": {"type": "string"}, "message": {"type": "string"}},
                "required": ["where", "message"],
            },
        },
    },
    "required": ["type", "status", "title", "detail"],
}
_REFUSALS: Final = {
    "400": "The request is no valid HTTP or JSON",
    "401": "No key, or one that is unknown, expired or revoked",
    "403": "The key lacks a scope",
    "404": "There is no such thing",
    "422": "The request does not have the form that is defined here, or cannot be carried out",
    "429": "The key asks too often; `Retry-After` says when to ask again",
    "503": "The store is out of reach; nothing is lost, ask again",
}
_OF_WRITES: Final = {
    "409": "It is in the way of something else, or the request with this idempotency key is under way",
    "412": "It is not what you looked at any more",
    "413": "The body is too large",
}
_IDEMPOTENCY_KEY: Final = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "A name of your own for this request: where the same comes again within a day, nothing is done and the first "
    "answer is given again.",
    "schema": {"type": "string", "pattern": f"^{FORM}$"},
}
_LINK: Final = {
    "description": 'Where the next page is, as `<…>; rel="next"`; without it this page is the last one',
    "schema": {"type": "string"},
}


def operation_id(route: APIRoute) -> str:
    """How clients that are generated name the call: `keys_rotate`, and `keys_list` where the list is named like its room."""
    parts = [_snake(part) for part in route.endpoint.__qualname__.split(".") if part != "<locals>"]
    return "_".join([*parts[:-1], "list" if parts[-1] == parts[0] else parts[-1]])


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).strip("_").lower()


def describe(app: FastAPI) -> None:
    """Has ``app`` serve such a document, made when it is asked for first."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(app)
        return app.openapi_schema

    app.openapi = openapi


def _described(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title, version=app.version, summary=app.summary, description=_words(), routes=app.routes
    )
    schemas = document["components"]["schemas"]
    schemas["Problem"] = _PROBLEM
    for schema in schemas.values():
        _close(schema)
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for path, calls in document["paths"].items():
        if path.startswith(PREFIX):
            for method, operation in calls.items():
                _complete(method.upper(), operation)
    return document


def _close(schema: object) -> None:
    """A mapping whose keys have a form has no others; pydantic refuses them, and does not say so."""
    if isinstance(schema, dict):
        parts = cast("dict[str, object]", schema)
        if "patternProperties" in parts:
            parts["additionalProperties"] = False
        for part in parts.values():
            _close(part)
    elif isinstance(schema, list):
        for part in cast("list[object]", schema):
            _close(part)


def _words() -> str:
    scopes = "\n".join(f"- `{scope}`: {words}" for scope, words in ALLOWS.items())
    return f"`security` of each call names the scope that it asks of the key:\n\n{scopes}"


def _complete(method: str, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    refusals = {**_REFUSALS, **(_OF_WRITES if method in WRITES else {"304": "You have it already"})}
    for status, words in refusals.items():
        problem: dict[str, Any] = {"description": words}
        if status != "304":
            problem["content"] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        responses[status] = problem
    parameters: list[dict[str, Any]] = operation.setdefault("parameters", [])
    if method in WRITES:
        parameters.append(_IDEMPOTENCY_KEY)
    elif {"limit", "after"} <= {each["name"] for each in parameters}:
        responses["200"]["headers"] = {"Link": _LINK}
    if not parameters:
        del operation["parameters"]

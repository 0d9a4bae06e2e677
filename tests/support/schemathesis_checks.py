"""What schemathesis cannot know by itself of the team's API; its command imports this (`SCHEMATHESIS_HOOKS`)."""

from __future__ import annotations

import json
import os
import re
from typing import Any, cast
from uuid import uuid4

import schemathesis
from schemathesis import Case, CheckContext, HookContext, Response

from perennia.api.repeats import FORM, HEADER

KEYS: dict[str, str] = json.loads(os.environ.get("FUZZED_KEYS", "{}"))


@schemathesis.hook  # pyright: ignore[reportUnknownMemberType] - its type says "any function" without an argument
def before_call(_context: HookContext, case: Case[Any], _kwargs: dict[str, Any]) -> None:
    """No two requests have the same name: the second would rightly be refused, or given the answer of the first.

    Keys of tasks and approvals have slashes, which are never drawn: `key-1` stands for one.
    """
    headers = cast("dict[str, str]", case.headers or {})
    if re.fullmatch(FORM, headers.get(HEADER, "")):
        headers[HEADER] = uuid4().hex
    name = case.path_parameters.get("key")
    case.path_parameters.update({"key": KEYS[name]} if name in KEYS else {})


@schemathesis.check
def what_fits_the_document_has_its_form(_context: CheckContext, response: Response, case: Case[Any]) -> None:
    """422 is said of what cannot be carried out, too (an expression that is none); then it says what is wrong with it."""
    if _fits(case) and response.status_code == 422:
        problem = response.json()
        # What a broadcast's parts must be to each other no schema says: such an error is one of the whole body.
        wrong = [each for each in problem.get("errors", ()) if each["where"] != "body"]
        assert not wrong, f"it fits the document and is refused: {problem}"


def _fits(case: Case[Any]) -> bool:
    return case.meta is not None and case.meta.generation.mode.is_positive

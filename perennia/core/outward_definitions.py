"""Outward steps that hold no steps of their own, and whom work is given to, parsed (`definitions`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from perennia.core.definition_forms import (
    DefinitionId,
    ExpressionText,
    Flag,
    Model,
    Scope,
    SpanText,
    StepModel,
    TemplateText,
)
from perennia.core.json_values import Json

OnFailure: TypeAlias = Literal["continue", "exit"]
TaskPriority: TypeAlias = Literal["low", "normal", "high", "urgent"]
# What the text of an assignee begins with where it means a role.
ROLE: Final = "role:"
# Headers of a webhook's request that whoever sends it writes; the last three are its signature.
OWN_HEADERS: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection"}
    | {"webhook-id", "webhook-timestamp", "webhook-signature"}
)
Method: TypeAlias = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class InRole(Model):
    """Whoever has this role in the team that looks after the customer."""

    role: DefinitionId


def _in_words(value: object) -> object:
    """A role as ``role:NAME``, which is how it is kept; anything else as it is."""
    if isinstance(value, Mapping):
        return f"{ROLE}{InRole.model_validate(value).role}"
    if isinstance(value, str) and value.startswith(ROLE):
        return f"{ROLE}{value.removeprefix(ROLE).strip()}"
    return value


# ``owner``, a person's id, or ``{role: NAME}``.
Assignee: TypeAlias = Annotated[str, BeforeValidator(_in_words, json_schema_input_type=str | InRole)]


class Escalation(Model):
    """``after`` counts from the opening of the task."""

    after: SpanText
    to: Assignee


class TaskStep(StepModel):
    task: TemplateText
    assign: Assignee | None = None
    due: SpanText | None = None
    priority: TaskPriority = "normal"
    body: TemplateText | None = None
    wait: Flag = False
    on_failure: OnFailure = "continue"
    escalate: Escalation | None = None


class CrmWrite(Model):
    """One of ``set``, ``note``, ``task`` and ``stage``; which is a matter of `check`."""

    set: dict[str, ExpressionText | int | float | bool | None] | None = None
    note: TemplateText | None = None
    task: TemplateText | None = None
    stage: str | None = None
    on: Scope | None = None


class CrmStep(StepModel):
    """``on``: whose record; also inside of ``crm``. Default: the customer's own."""

    crm: CrmWrite
    on: Scope | None = None
    on_failure: OnFailure = "continue"


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


class WebhookCall(Model):
    """``body``: any value; texts in it are templates. Without one the step is described."""

    url: TemplateText
    method: Annotated[Method, BeforeValidator(_upper)] = "POST"
    headers: dict[str, TemplateText] = Field(default_factory=dict)
    body: Json = None


class WebhookStep(StepModel):
    webhook: WebhookCall
    on_failure: OnFailure = "continue"


class NotifyStep(StepModel):
    notify: DefinitionId
    text: TemplateText
    on_failure: OnFailure = "continue"

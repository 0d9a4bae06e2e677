"""From a workspace to what is published: immutable documents whose version is a hash of what they say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import msgspec

from perennia.catalog.findings import Finding
from perennia.catalog.public_holidays import with_dates
from perennia.catalog.workspace import Workspace
from perennia.core.compiled import compile_catalog
from perennia.core.definitions import Definition, EmailStep, Playbook, Policies, Segment, Survey, SurveyStep, Track
from perennia.core.documents import Document, DocumentKind, PlaybookBody, TemplateBody, Triggers, content_hash
from perennia.core.health_definitions import Health
from perennia.core.step_ids import place_steps


class WorkspaceRefused(Exception):
    """A workspace with errors is not released. ``findings``: the errors."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        count = "1 error" if len(findings) == 1 else f"{len(findings)} errors"
        super().__init__("\n".join([f"not released: {count}", *(str(finding) for finding in findings)]))
        self.findings = findings


@dataclass(frozen=True)
class Release:
    """``documents`` sorted by kind and id; ``triggers``: events that start something for anybody."""

    documents: tuple[Document, ...]
    triggers: Triggers


def release(workspace: Workspace) -> Release:
    """The documents of a workspace without errors.

    A version depends on nothing but what a definition says: not on its file, its comments, the order of its keys, or
    defaults written out; a key that the language gets later, with a default, changes none. Raises `WorkspaceRefused`.
    """
    if workspace.errors:
        raise WorkspaceRefused(workspace.errors)
    documents = _documents(workspace)
    return Release(documents, compile_catalog("unpublished", documents).triggers())


def rehearsal(workspace: Workspace) -> tuple[Document, ...]:
    """The documents as `release` makes them, for trying them out: what messages lack is no obstacle.

    Raises `WorkspaceRefused` for anything else that is wrong.
    """
    if workspace.obstacles:
        raise WorkspaceRefused(workspace.obstacles)
    return _documents(workspace)


def draft_documents(workspace: Workspace) -> dict[str, tuple[Document, ...]]:
    """The documents of each file that a scenario publishes on its way."""
    versions = {name: _template(body).version for name, body in workspace.templates.items()}
    return {
        path: tuple(_definition(each, versions, workspace.surveys) for each in definitions)
        for path, definitions in workspace.drafts.items()
    }


def _documents(workspace: Workspace) -> tuple[Document, ...]:
    templates = {name: _template(body) for name, body in workspace.templates.items()}
    versions = {name: document.version for name, document in templates.items()}
    documents = [
        *templates.values(),
        *(_definition(each, versions, workspace.surveys) for each in workspace.definitions),
    ]
    return tuple(sorted(documents, key=lambda document: (document.kind, document.id)))


def definition_json(definition: Definition) -> dict[str, object]:
    """A definition in the language's own keys, defaults left out."""
    return cast("dict[str, object]", definition.model_dump(mode="json", by_alias=True, exclude_defaults=True))


def _definition(definition: Definition, templates: Mapping[str, str], surveys: Mapping[str, Survey]) -> Document:
    match definition:
        case Playbook():
            return _playbook(definition, templates, surveys)
        case Track():
            return _document("track", definition.track, definition_json(definition))
        case Segment():
            return _document("segment", definition.segment, definition_json(definition))
        case Health():
            return _document("health", definition.health, definition_json(definition))
        case Survey():
            return _document("survey", definition.survey, definition_json(definition))
        case Policies():
            policies = with_dates(definition)
            return _document("policies", policies.policies, definition_json(policies))


def _playbook(playbook: Playbook, versions: Mapping[str, str], surveys: Mapping[str, Survey]) -> Document:
    steps = [placed.step for placed in place_steps(playbook)]
    named = {step.email for step in steps if isinstance(step, EmailStep)}
    named |= {step.template for step in steps if isinstance(step, SurveyStep) and step.template is not None}
    found = {name: versions[name] for name in named if name in versions}
    asked = {step.survey for step in steps if isinstance(step, SurveyStep)}
    pinned = {name: definition_json(surveys[name]) for name in sorted(asked) if name in surveys}
    body = PlaybookBody(definition=definition_json(playbook), templates=found, surveys=pinned)
    return _document("playbook", playbook.playbook, msgspec.to_builtins(body))


def _template(body: TemplateBody) -> Document:
    content = {"name": body.name, "files": body.files, "layout": body.layout}
    return _document("template", body.name, {key: value for key, value in content.items() if value is not None})


def _document(kind: DocumentKind, id_: str, content: Mapping[str, object]) -> Document:
    body = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Document(kind=kind, id=id_, version=content_hash(body), body=body)

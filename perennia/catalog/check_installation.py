"""What `check --store` says of a workspace beside an installation: words nobody uses, steps under people in flight."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from perennia.catalog.check_playbooks import path_of
from perennia.catalog.findings import Finding, Severity, nearest
from perennia.catalog.inspection import Use
from perennia.catalog.workspace import Workspace
from perennia.catalog.yaml_source import YamlDocument
from perennia.core.definitions import EmitStep, Playbook, Scope, UpdateStep
from perennia.core.step_ids import PlacedStep, place_steps

# Raised by the engine itself, and traits that it reads on its own.
OWN_EVENTS = frozenset({"Stage Behind", "Stage Stuck"})
OWN_TRAITS = frozenset({"email", "timezone", "locale", "owner", "id"})


@dataclass(frozen=True)
class InstallationWords:
    """Names that customers' data uses. ``traits`` by scope."""

    events: frozenset[str]
    traits: Mapping[Scope, frozenset[str]]


def check_words(workspace: Workspace, known: InstallationWords) -> list[Finding]:
    """Warns of every event that never came and every trait that nobody has."""
    steps = [placed.step for playbook in workspace.playbooks.values() for placed in place_steps(playbook)]
    events = known.events | OWN_EVENTS | {step.emit for step in steps if isinstance(step, EmitStep)}
    made = {scope: OWN_TRAITS | known.traits[scope] | _set_by_playbooks(workspace, scope) for scope in known.traits}
    findings: list[Finding] = []
    for use in workspace.uses:
        if use.kind == "event" and not _came(use.name, events):
            findings.append(_unknown(use, "no event", "ever came in", events))
        elif use.kind == "trait" and use.name not in made[use.scope]:
            findings.append(_unknown(use, f"no {use.scope}", "has the trait", made[use.scope]))
    return sorted(set(findings), key=lambda finding: finding.order)


def _set_by_playbooks(workspace: Workspace, scope: Scope) -> set[str]:
    books = [playbook for playbook in workspace.playbooks.values() if playbook.scope == scope]
    steps = [placed.step for playbook in books for placed in place_steps(playbook)]
    return {trait for step in steps if isinstance(step, UpdateStep) for trait in step.update}


def _came(name: str, events: frozenset[str]) -> bool:
    if name.endswith("*"):
        return any(event.startswith(name.removesuffix("*")) for event in events)
    return name in events


def _unknown(use: Use, who: str, what: str, known: frozenset[str]) -> Finding:
    close = nearest(use.name, known)
    by_case = {name.lower(): name for name in known}
    meant = by_case.get(use.name.lower()) or (by_case.get(close.lower(), close) if close else None)
    message = f'{who} "{use.name}" {what}' if use.kind == "event" else f'{who} {what} "{use.name}"'
    remedy = f'did you mean "{meant}"?' if meant else f"send it, or leave the {use.kind} out"
    return Finding(use.path, use.line, use.column, f"unknown-{use.kind}", message, remedy, Severity.WARNING)


def check_published(
    workspace: Workspace, published: Mapping[str, Sequence[Playbook]], inside: Mapping[str, int]
) -> list[Finding]:
    """Warns of steps that another version of their playbook, with people inside, calls otherwise.

    ``published``: the current version of each playbook and the former ones that somebody is in. ``inside``: how many are in
    each playbook. Who is inside stays with its version; whoever is migrated does not find the step.
    """
    findings: list[Finding] = []
    for name, playbook in workspace.playbooks.items():
        people = inside.get(name, 0)
        for former in published.get(name, ()) if people else ():
            findings += _moved(workspace.sources[name], place_steps(former), place_steps(playbook), people)
    return sorted(set(findings), key=lambda finding: finding.order)


def _moved(
    document: YamlDocument, former: Sequence[PlacedStep], now: Sequence[PlacedStep], inside: int
) -> Iterator[Finding]:
    people = "1 person is" if inside == 1 else f"{inside} people are"
    after = {placed.id: placed for placed in now}
    for placed in now:
        same = [old for old in former if _same(old, placed)]
        if not same or any(old.id == placed.id for old in same):
            continue
        old = next((each for each in same if each.id not in after or not _same(each, after[each.id])), None)
        if old is None:
            continue
        named = placed.step.id is not None
        remedy = f'{"keep" if named else "give it"} "id: {old.id}"'
        code = "step-renamed" if named else "step-moved"
        message = f'the step "{old.id}" is called "{placed.id}" now, and {people} in this playbook'
        place = document.key_place((*path_of(placed.path), placed.verb))
        finding = document.finding(code, message, f"{remedy}, or map it when you migrate them", place)
        yield replace(finding, severity=Severity.WARNING)


def _same(one: PlacedStep, other: PlacedStep) -> bool:
    """Whether two steps do the same, whatever they are called."""
    return one.verb == other.verb and one.step.model_copy(update={"id": None}) == other.step.model_copy(
        update={"id": None}
    )

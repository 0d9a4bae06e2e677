"""What `check` says of playbooks that start and end each other: they exist, suit each other, and do not go in circles."""

from __future__ import annotations

from perennia.catalog.inspection import Inspection
from perennia.catalog.yaml_source import Path
from perennia.core.definitions import ApproveStep, EnrollStep, Playbook, Scope, Step, TaskStep, WaitForStep
from perennia.core.step_ids import place_steps


def check_other(
    inspection: Inspection, playbook: Playbook, path: Path, name: str, scope: Scope | None = None
) -> Playbook | None:
    """A reference to another playbook, at a key or as a value, of ``scope`` or this one's. Adds to the findings."""
    known, is_key = inspection.known, path[-1] == name
    report = inspection.at_key if is_key else inspection.at_value
    found = known.playbooks.get(name)
    if found is None:
        if ("playbook", name) not in known.broken:
            inspection.unknown(path, "playbook", name, known.playbooks, key=is_key)
    elif found.scope != (wanted := scope or playbook.scope):
        whose = "this is" if wanted == playbook.scope else "this step is"
        report(path, "wrong-scope", f'the playbook "{name}" is about {found.scope}s, {whose} about {wanted}s')
    return found


def check_enroll(inspection: Inspection, playbook: Playbook, path: Path, step: EnrollStep) -> None:
    """Whom the step enrolls, as `check_other`; and that no chain of enrolls comes back."""
    name, path = step.enroll, (*path, "enroll")
    if step.to != "self" and playbook.scope == "contact":
        inspection.at_key((*path[:-1], "to"), "wrong-scope", "a contact has no contacts", "enroll them from an account")
        return
    if step.to == "self" and step.late_joiners:
        message = '"late_joiners" are contacts who join those of "to"'
        inspection.at_key((*path[:-1], "late_joiners"), "misplaced-key", message, "say which: a role, or all")
    if check_other(inspection, playbook, path, name, None if step.to == "self" else "contact") is None:
        return
    way = _way_to(inspection, playbook.playbook, name)
    if way:
        message = f"these playbooks enroll each other in a circle: {' -> '.join([playbook.playbook, *way])}"
        inspection.at_value(path, "circular-enroll", message, "let one of them end without enrolling")
    elif step.wait:
        _check_end(inspection, path, name)


def _check_end(inspection: Inspection, path: Path, awaited: str) -> None:
    """That no playbook that is waited for, nor one that it waits for, stands somewhere as long as it lives."""
    open_, seen = [awaited], {awaited}
    while open_:
        book = inspection.known.playbooks.get(open_.pop(0))
        for placed in place_steps(book) if book else ():
            if is_endless(placed.step):
                message = (
                    f'"{book.playbook if book else awaited}", which this waits for, may wait at "{placed.id}" for ever'
                )
                remedy = f'give "{placed.id}" a time limit, or leave out "wait"'
                inspection.warn_at_key((*path[:-1], "wait"), "endless-wait", message, remedy)
                return
            if isinstance(placed.step, EnrollStep) and placed.step.wait and placed.step.enroll not in seen:
                seen.add(placed.step.enroll)
                open_.append(placed.step.enroll)


def is_endless(step: Step) -> bool:
    """Whether the step waits, without a time limit, for something that may never come."""
    match step:
        case WaitForStep(up_to=None) | TaskStep(wait=True, due=None) | ApproveStep(within=None):
            return True
        case _:
            return False


def _way_to(inspection: Inspection, goal: str, start: str) -> list[str]:
    """The shortest chain of enrolls from ``start`` to ``goal``, empty where there is none."""
    ways, visited = [[start]], {start}
    while ways:
        way = ways.pop(0)
        if way[-1] == goal:
            return way
        book = inspection.known.playbooks.get(way[-1])
        for placed in place_steps(book) if book else ():
            if isinstance(placed.step, EnrollStep) and placed.step.enroll not in visited:
                visited.add(placed.step.enroll)
                ways.append([*way, placed.step.enroll])
    return []

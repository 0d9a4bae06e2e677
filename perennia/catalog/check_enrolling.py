"""What `check` says of playbooks that start and end each other: they exist, suit each other, and do not go in circles."""

from __future__ import annotations

from perennia.catalog.inspection import Inspection
from perennia.catalog.yaml_source import Path
from perennia.core.definitions import EnrollStep, Playbook
from perennia.core.step_ids import place_steps


def check_other(inspection: Inspection, playbook: Playbook, path: Path, name: str) -> Playbook | None:
    """A reference to another playbook of the same scope, at a key or as a value. Adds to the inspection's findings."""
    known, is_key = inspection.known, path[-1] == name
    report = inspection.at_key if is_key else inspection.at_value
    found = known.playbooks.get(name)
    if found is None:
        if ("playbook", name) not in known.broken:
            inspection.unknown(path, "playbook", name, known.playbooks, key=is_key)
    elif found.scope != playbook.scope:
        message = f'the playbook "{name}" is about {found.scope}s, this is about {playbook.scope}s'
        if (found.scope, playbook.scope) == ("contact", "account"):
            report(path, "not-supported-yet", f"{message}; reaching across is not supported yet")
        else:
            report(path, "wrong-scope", message)
    return found


def check_enroll(inspection: Inspection, playbook: Playbook, path: Path, name: str) -> None:
    """As `check_other`; and that no chain of enrolls comes back."""
    if check_other(inspection, playbook, path, name) is None:
        return
    way = _way_to(inspection, playbook.playbook, name)
    if way:
        message = f"these playbooks enroll each other in a circle: {' -> '.join([playbook.playbook, *way])}"
        inspection.at_value(path, "circular-enroll", message, "let one of them end without enrolling")


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

"""A small published workspace in a real store, and what happens to its customers."""

from __future__ import annotations

import itertools
from datetime import datetime
from pathlib import Path
from typing import Final

from perennia.catalog import Release, load_workspace, release
from perennia.core.decisions import CustomerEvent, TraitsChanged
from perennia.core.json_values import Json
from perennia.store.port import Store
from perennia.store.records import Accepted

FILES: Final = {
    "playbooks/welcome.yaml": """
        playbook: welcome
        enter:
          on: [{event: Account Created}]
          reenter: always
        steps:
          - {id: hello, email: hello, transactional: true}
        """,
    "playbooks/nurture.yaml": """
        playbook: nurture
        enter:
          on: [{event: Trial Started}]
        steps:
          - wait: 1s
          - {id: nudge, email: hello, transactional: true}
        """,
    "playbooks/patience.yaml": """
        playbook: patience
        enter:
          on: [{event: Contract Signed}]
        steps:
          - wait: 30d
          - {id: thanks, email: hello, transactional: true}
        """,
    "playbooks/rollout.yaml": """
        playbook: rollout
        enter:
          on: [{event: Seats Added}]
        steps:
          - {id: call, task: "Call {{ contact.first_name }}", body: "{{ enter.seats }} seats"}
          - {id: hello, email: hello, transactional: true}
        """,
    "templates/hello.md": """
        ---
        subject: Hello
        ---
        Hello {{ contact.first_name | default("there") }}
        """,
}


def released(folder: Path, files: dict[str, str]) -> Release:
    """Writes the files into ``folder``; what a publish of them consists of."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            "\n".join(line.removeprefix(" " * 8) for line in text.strip("\n").split("\n")), encoding="utf-8"
        )
    return release(load_workspace(folder))


async def publish(store: Store, folder: Path, at: datetime, files: dict[str, str] | None = None) -> None:
    """Publishes the files (default `FILES`) as the current revision."""
    given = released(folder, FILES if files is None else files)
    current = await store.current_revision()
    await store.publish(given.documents, given.triggers, at, "test", current.id if current is not None else None)


_numbers = itertools.count(1)


def event(who: str, name: str, at: datetime, **properties: Json) -> Accepted:
    """An event of the contact ``who`` (its external id), as ingest accepts it."""
    return Accepted(
        message_id=f"event-{next(_numbers)}",
        kind="contact",
        external_id=who,
        input=CustomerEvent(at=at, name=name, properties=properties),
    )


def traits(who: str, at: datetime, **told: Json) -> Accepted:
    """Traits of the contact ``who``."""
    return Accepted(
        message_id=f"traits-{next(_numbers)}", kind="contact", external_id=who, input=TraitsChanged(at=at, traits=told)
    )


def arrival(who: str, name: str, at: datetime) -> tuple[Accepted, Accepted]:
    """The contact ``who`` is identified, with an address to write to, and the event happens."""
    return traits(who, at, email=f"{who}@example.com"), event(who, name, at)

"""``python -m bench.core``: how many decisions a second one core makes, and how large a typical customer's state is.

The customer is in ten playbooks and stands in one track. Best of several runs: the machine may be busy with other things.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from perennia.catalog import load_workspace, release
from perennia.core.advance import advance, new_customer
from perennia.core.compiled import Catalog, compile_catalog
from perennia.core.decisions import CustomerEvent, Input, TraitsChanged
from perennia.core.state import CustomerState, KnownContact, Recipient

AIM = 20_000  # calls a second for an event that is counted and changes nothing
STATE = 4_096  # bytes
RUNS = 5
SECONDS = 0.5
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
NOW = START + timedelta(days=20)

PLAYBOOK = """
playbook: book-{number}
topic: tips
enter:
  on:
    - event: Started {number}
    - when: count("Report Shared", "30d") >= {number}0
  where: traits.plan in ["pro", "team"]
goal: {{when: happened("Goal Reached {number}"), within: 60d}}
exit:
  - when: traits.churned == true
    reason: churned
  - when: idle("Logged In", "45d") && in_stage("adoption", "new")
    reason: gone
steps:
  - wait_for:
      - event: Answered {number}
      - when: count("Report Shared", "7d") >= 100
    up_to: 40d
  - {{id: hello, email: hello}}
"""
TRACK = """
track: adoption
stages:
  - id: new
  - {id: active, enter: 'count("Logged In", "30d") >= 5'}
  - {id: strong, enter: 'count("Logged In", "30d") >= 10 && happened("Report Shared", "30d")'}
"""


def main() -> None:
    catalog = _catalog()
    state = typical_customer(catalog)
    table = Table(title="advance(), one core", title_justify="left")
    for name in ("a customer in ten playbooks", "calls a second", "microseconds"):
        table.add_column(name, justify="left" if name.startswith("a c") else "right")
    for name, inputs in _cases().items():
        rate = calls_a_second(catalog, state, inputs)
        table.add_row(name, f"{rate:,.0f}", f"{1e6 / rate:.0f}")
    console = Console(highlight=False)
    console.print(table)
    console.print(f"aim for the counted event that changes nothing: {AIM:,} a second")
    for playbooks in (1, 3, 10):
        size = len(msgspec.json.encode(typical_customer(catalog, playbooks)))
        console.print(f"state of a customer in {playbooks} of them at once: {size:,} bytes")
    console.print(f"aim for a typical state: {STATE:,} bytes")
    console.print(f"each contact in its account's state: {contact_size():,} bytes")


def contact_size() -> int:
    """What an account's state grows by with one contact of one role and ids as long as they usually are."""
    state = new_customer("account-4f0c2b7d9a1e4c3f8b6d5a7e9c1f2b3d", "account", "acme", START)
    known = {"contact-9d7e5c3b1a2f4e6d8c0b9a7f5e3d1c2b": KnownContact("user-184467", ("admin",))}
    return len(msgspec.json.encode(msgspec.structs.replace(state, contacts=known))) - len(msgspec.json.encode(state))


def _cases() -> dict[str, tuple[Input, ...]]:
    return {
        "nothing is new": (),
        "an event that nobody names": (_event("Page Viewed"),),
        "an event that is counted and changes nothing": (_event("Logged In"),),
        "an event that twenty conditions watch": (_event("Report Shared"),),
        "an event that a wait waits for": (_event("Answered 3"),),
        "a trait that an exit reads": (TraitsChanged(at=NOW, traits={"churned": False}),),
    }


def calls_a_second(catalog: Catalog, state: CustomerState, inputs: Sequence[Input]) -> float:
    """Best of `RUNS`. Each call decides for the same state: `advance` leaves it as it is."""
    best = 0.0
    for _ in range(RUNS):
        begin = time.process_time()
        calls = 0
        while (spent := time.process_time() - begin) < SECONDS:
            for _ in range(50):
                advance(catalog, state, NOW, inputs, {})
            calls += 50
        best = max(best, calls / spent)
    return best


def typical_customer(catalog: Catalog, playbooks: int = 10) -> CustomerState:
    """In so many of the ten playbooks, waiting; a login a day for twenty days."""
    state = new_customer("contact-1", "contact", "ana", START)
    traits = {"email": "ana@example.com", "first_name": "Ana", "plan": "pro", "seats": 12, "timezone": "Europe/Madrid"}
    inputs: list[Input] = [TraitsChanged(at=START, traits=dict(traits))]
    inputs += [CustomerEvent(at=START, seq=number, name=f"Started {number}") for number in range(1, playbooks + 1)]
    inputs += [CustomerEvent(at=START + timedelta(days=day), name="Logged In") for day in range(1, 20)]
    state = advance(catalog, state, NOW - timedelta(hours=1), inputs, {"contact-1": Recipient(address=None)}).state
    assert len(state.enrollments) == playbooks
    return msgspec.json.decode(msgspec.json.encode(state), type=CustomerState)


def _event(name: str) -> CustomerEvent:
    return CustomerEvent(at=NOW, seq=1_000, name=name, properties={"path": "/reports"})


def _catalog() -> Catalog:
    files = {f"playbooks/{number}.yaml": PLAYBOOK.format(number=number) for number in range(1, 11)}
    files["playbooks/track.yaml"] = TRACK
    files["playbooks/policies.yaml"] = (
        "policies: default\ntimezone: Europe/Berlin\nname: Example\nurl: https://example.com\naddress: Berlin\n"
        "senders: {hello: {email: hello@example.com}}\ndefault_sender: hello\n"
        "topics: {tips: {kind: opt_out, name: Tips}}\n"
    )
    files["templates/hello.md"] = "---\nsubject: Hello\n---\nHello\n"
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = Path(folder) / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return compile_catalog("r1", release(load_workspace(Path(folder))).documents)


if __name__ == "__main__":
    main()

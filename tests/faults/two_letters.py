"""A workspace of one playbook with two messages, and what the store and the inbox must say of those who went through it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from perennia.inbox.mailbox import Mailbox
from tests.support.up_process import UpProcess

FILES = {
    "playbooks/policies.yaml": """\
policies: default
name: Acme
url: https://acme.example
address: 1 Main Street, Utrecht
senders: {hello: {email: hello@acme.example}}
default_sender: hello
topics: {tips: {kind: opt_out, name: Tips}}
""",
    # Marketing mail, which is never repeated, and transactional mail, which is where nobody knows whether it left.
    "playbooks/letters.yaml": """\
playbook: letters
enter:
  on: [{event: Signed Up}]
steps:
  - {id: tip, email: tip, topic: tips}
  - wait: 4s
  - {id: receipt, email: receipt, transactional: true}
""",
    "playbooks/patience.yaml": """\
playbook: patience
topic: tips
enter:
  on: [{event: Contract Signed}]
steps:
  - wait: 30d
  - {id: thanks, email: tip}
""",
    "templates/tip.md": "---\nsubject: tip\n---\nHello {{ contact.first_name }}, a tip.\n",
    "templates/receipt.md": "---\nsubject: receipt\n---\nHello {{ contact.first_name }}, your receipt.\n",
}
LETTERS = ("receipt", "tip")

# Everybody for whom something is left to be done, and what.
_UNDONE = """
SELECT external_id, id, cursor, next_seq, bell, rung_at, wake_at, sweeps, sweep_after,
  (SELECT group_concat(key || ' open since ' || at, '; ') FROM effects WHERE customer = customers.id AND open),
  (SELECT group_concat(step || ' ' || status, '; ') FROM messages WHERE customer = customers.id)
FROM customers
WHERE bell > 0 OR wake_at IS NOT NULL OR cursor < next_seq - 1
  OR EXISTS (SELECT 1 FROM effects WHERE customer = customers.id AND open)
  OR 2 > (SELECT count(*) FROM messages WHERE customer = customers.id AND ended_at IS NOT NULL)
ORDER BY 1
"""
_COLUMNS = (
    "external_id",
    "id",
    "cursor",
    "next_seq",
    "bell",
    "rung_at",
    "wake_at",
    "sweeps",
    "sweep_after",
    "open effects",
    "messages",
)


def make_workspace(folder: Path) -> Path:
    for name, text in FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


@dataclass(frozen=True)
class Undone:
    """A customer who is not through yet, as its row says."""

    customer: str
    described: str


def undone(up: UpProcess) -> list[Undone]:
    rows = up.rows(_UNDONE)
    return [
        Undone(str(row[1]), ", ".join(f"{name} {value}" for name, value in zip(_COLUMNS, row, strict=True)))
        for row in rows
    ]


def entered(up: UpProcess) -> Counter[str]:
    """How often each customer entered the playbook, by external id."""
    statement = "SELECT external_id FROM journal JOIN customers ON customers.id = customer WHERE act = 'entered'"
    return Counter(str(who) for (who,) in up.rows(statement))


def stored(up: UpProcess) -> Counter[str]:
    """How often each message id is in the store."""
    statement = (
        "SELECT message_id FROM inputs WHERE message_id IS NOT NULL UNION ALL SELECT message_id FROM bare_messages"
    )
    return Counter(str(message_id) for (message_id,) in up.rows(statement))


def ledger(up: UpProcess) -> dict[tuple[str, str], str]:
    """The status of each message, by external id and step. A second row for one of them would be a second message."""
    statement = "SELECT external_id, step, status FROM messages JOIN customers ON customers.id = customer"
    rows = [((str(who), str(step)), str(status)) for who, step, status in up.rows(statement)]
    assert len(dict(rows)) == len(rows)
    return dict(rows)


async def received(folder: Path) -> Counter[tuple[str, str]]:
    """How many copies of each message the inbox took, by external id and step."""
    mailbox = Mailbox(folder)
    try:
        summaries = await mailbox.summaries(limit=100_000)
    finally:
        mailbox.close()
    return Counter((summary.recipients[0].partition("@")[0], summary.subject) for summary in summaries)


def wrong_copies(statuses: dict[tuple[str, str], str], copies: Counter[tuple[str, str]]) -> list[str]:
    """Messages that the inbox took more or less often than the ledger admits.

    ``sent`` is once. ``unknown`` is at most once for marketing mail; transactional mail was repeated, so it is once or twice.
    """
    allowed: dict[tuple[str, str], Callable[[int], bool]] = {
        ("tip", "sent"): lambda count: count == 1,
        ("receipt", "sent"): lambda count: count == 1,
        ("tip", "unknown"): lambda count: count <= 1,
        ("receipt", "unknown"): lambda count: 1 <= count <= 2,
    }
    return [
        f"{who} {step}: {statuses[who, step]}, and {copies[who, step]} copies"
        for who, step in statuses
        if not allowed.get((step, statuses[who, step]), lambda _: False)(copies[who, step])
    ]


def missing(names: Iterable[str], found: Counter[str]) -> list[str]:
    """Names that are not there exactly once."""
    return [name for name in names if found[name] != 1]

"""A small workspace without errors: one playbook, its template, a scenario."""

from __future__ import annotations

from pathlib import Path

PLAYBOOK = """\
playbook: hello
topic: news
enter:
  on:
    - event: Signed Up
  where: traits.plan == "pro"
steps:
  - id: greet
    email: hello/greet
  - id: settle
    wait: 2d
  - id: second
    email: hello/greet
"""
POLICIES = """\
policies: default
name: Example
url: https://app.example.com
address: 1 Example Street
senders: {hello: {email: hello@example.com, name: Ana}}
default_sender: hello
topics: {news: {kind: opt_out, name: News}}
"""
TEMPLATE = """\
---
subject: Welcome, {{ contact.first_name | default("you") }}
---
Glad to have you. [Not for you?]({{ unsubscribe_url }})
"""
SCENARIO = """\
scenario: whoever signs up is greeted
playbook: hello
customer: {id: ana, traits: {email: ana@example.com, plan: pro}}
start: 2026-03-02T10:00:00+01:00
when:
  - at: 0d
    event: Signed Up
until: 1d
expect:
  - at: 0d
    email: hello/greet
"""


FILES = {
    "playbooks/hello.yaml": PLAYBOOK,
    "playbooks/policies.yaml": POLICIES,
    "playbooks/scenarios/greeted.yaml": SCENARIO,
    "templates/hello/greet.md": TEMPLATE,
}


def write_workspace(folder: Path) -> Path:
    """Writes it into ``folder`` and returns that."""
    for name, content in FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    return folder

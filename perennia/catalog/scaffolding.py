"""A first playbook with its templates and scenarios: sound from the start."""

from __future__ import annotations

from pathlib import Path

PLAYBOOK = """\
# Whoever signs up is welcomed, and offered help where nothing follows. Ends as soon as the first project is there.
playbook: {name}
name: {title}
description: A welcome, and an offer of help to those who do not get going.
scope: contact
topic: {topic}

enter:
  on:
    - event: Account Created
  reenter: once

goal:
  when: happened("Project Created")
  within: 14d

exit:
  - when: traits.status == "churned"
    reason: churned

steps:
  - id: welcome
    email: {name}/welcome

  - id: first-project
    wait_for:
      - event: Project Created
    up_to: 3d
    else:
      - id: help
        email: {name}/help
"""
WELCOME = """\
---
subject: Welcome to {{ workspace.name }}
preheader: Your first project takes three minutes
---
Hi {{ contact.first_name | default("there") }},

It's good to have you. Your first project takes about three minutes:

[Create a project]({{ workspace.url }}/new)

If anything is unclear, just reply. A person reads every answer.
"""
HELP = """\
---
subject: Can I help you get started?
preheader: One line is enough
---
Hi {{ contact.first_name | default("there") }},

You signed up three days ago and haven't created a project yet. What's in the way? Reply with one line, and I'll help you past it.

[Create a project]({{ workspace.url }}/new)
"""
SCENARIOS = """\
scenario: "{name}: whoever does not begin is asked"
playbook: {name}
customer:
  id: ana
  timezone: Europe/Madrid
  traits: {{email: ana@example.com, first_name: Ana}}
start: 2026-03-02T10:00:00+01:00
when:
  - at: 0d
    event: Account Created
until: 30d
expect:
  - at: 0d
    email: {name}/welcome
  - at: 3d
    email: {name}/help
  - at: 3d
    ended: completed
---
scenario: "{name}: whoever begins is left in peace"
playbook: {name}
customer: {{id: ben, traits: {{email: ben@example.com}}}}
start: 2026-03-02T10:00:00+01:00
when:
  - at: 0d
    event: Account Created
  - at: 1d
    event: Project Created
until: 30d
expect:
  - at: 0d
    email: {name}/welcome
  - at: 1d
    ended: goal
---
scenario: "{name}: whoever leaves is not offered help"
playbook: {name}
customer: {{id: cleo, traits: {{email: cleo@example.com}}}}
start: 2026-03-02T10:00:00+01:00
when:
  - at: 0d
    event: Account Created
  - at: 1d
    traits: {{status: churned}}
until: 30d
expect:
  - at: 0d
    email: {name}/welcome
  - at: 1d
    ended: churned
"""


def scaffold(name: str, topic: str) -> dict[str, str]:
    """Content by path. ``topic``: of its messages, one that the policies have."""
    title = name.replace("-", " ").replace("_", " ").capitalize()
    return {
        f"playbooks/{name}/{name}.yaml": PLAYBOOK.format(name=name, title=title, topic=topic),
        f"playbooks/{name}/scenarios/{name}.yaml": SCENARIOS.format(name=name),
        f"templates/{name}/welcome.md": WELCOME,
        f"templates/{name}/help.md": HELP,
    }


def write_scaffold(folder: Path, files: dict[str, str]) -> list[str]:
    """The paths that are taken already; nothing is written then."""
    taken = [path for path in files if (folder / path).exists()]
    for path, content in ({} if taken else files).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content, encoding="utf-8")
    return taken

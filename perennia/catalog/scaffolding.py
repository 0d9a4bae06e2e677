"""A first playbook with its template, a scenario and, where there are none, policies: sound from the start."""

from __future__ import annotations

from pathlib import Path

PLAYBOOK = """\
# Whoever signs up is welcomed, and asked whether help is needed where nothing follows. Run: perennia test
playbook: {name}
name: {title}
description: A welcome, and a word to those who do not begin.
scope: contact
topic: {topic}

enter:
  on:
    - event: Account Created
  reenter: once

goal:
  when: happened("Project Created")
  within: 14d

steps:
  - id: welcome
    email: {name}/welcome

  - id: begins
    wait_for:
      - event: Project Created
    up_to: 3d
    else:
      - id: help
        email: {name}/help
"""
WELCOME = """\
---
subject: Welcome{% if contact.first_name is defined %}, {{ contact.first_name }}{% endif %}
preheader: Three minutes to your first project
---
Hello {{ contact.first_name | default("there") }},

good to have you. Your first project takes three minutes.

[Create a project]({{ workspace.url }}/new)

[Not for you?]({{ unsubscribe_url }})
"""
HELP = """\
---
subject: Can we help?
preheader: One answer is enough
---
Hello {{ contact.first_name | default("there") }},

you have not begun yet. What is in the way? One line is enough, a person reads it.

[Create a project]({{ workspace.url }}/new)

[Not for you?]({{ unsubscribe_url }})
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
"""
POLICIES = """\
# What holds for the whole workspace. Edit it before the first message leaves.
policies: default
name: Example
url: https://app.example.com
address: Example GmbH, Beispielstrasse 12, 10115 Berlin
timezone: UTC
senders: {hello: {email: hello@example.com, name: Ana at Example}}
default_sender: hello
topics: {product-tips: {kind: opt_out, name: Product tips, description: How to get more out of it}}
"""


def scaffold(name: str, topic: str | None) -> dict[str, str]:
    """Content by path. ``topic`` None: the workspace has no policies yet, and gets some."""
    title = name.replace("-", " ").replace("_", " ").capitalize()
    files = {
        f"playbooks/{name}/{name}.yaml": PLAYBOOK.format(name=name, title=title, topic=topic or "product-tips"),
        f"playbooks/{name}/scenarios/{name}.yaml": SCENARIOS.format(name=name),
        f"templates/{name}/welcome.md": WELCOME,
        f"templates/{name}/help.md": HELP,
    }
    return files if topic else {"playbooks/policies.yaml": POLICIES, **files}


def write_scaffold(folder: Path, files: dict[str, str]) -> list[str]:
    """The paths that are taken already; nothing is written then."""
    taken = [path for path in files if (folder / path).exists()]
    for path, content in ({} if taken else files).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content, encoding="utf-8")
    return taken

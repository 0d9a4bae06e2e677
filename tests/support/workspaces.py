"""The usual workspace of the catalog's tests, and what their fixtures give."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from perennia.catalog import Workspace

MakeWorkspace: TypeAlias = Callable[[dict[str, str | bytes]], Workspace]
Check: TypeAlias = Callable[[str], list[str]]
CheckFiles: TypeAlias = Callable[[dict[str, str | bytes]], list[str]]

POLICIES = """\
policies: default
timezone: Europe/Berlin
senders: {hello: {email: hello@example.com}}
default_sender: hello
topics: {tips: {kind: opt_out, name: Tips}, news: {kind: opt_in, name: News}}
"""
TRACKS = """\
track: adoption
stages:
  - id: new
  - id: active
    enter: happened("Logged In")
---
track: rollout
scope: account
stages: [{id: start}]
"""
HELLO = "---\nsubject: Hello\n---\nHello {{ contact.first_name }}\n"
BARE = "---\nsubject: Hello\nlayout: none\n---\nHello\n"
USUAL: dict[str, str | bytes] = {
    "playbooks/policies.yaml": POLICIES,
    "playbooks/tracks.yaml": TRACKS,
    "templates/hello.md": HELLO,
    "templates/bare.md": BARE,
}

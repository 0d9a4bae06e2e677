"""The import contracts cover every room of the house, so that a new one cannot slip in between them."""

from __future__ import annotations

import configparser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = configparser.ConfigParser()
CONTRACTS.read(ROOT / ".importlinter")

# Rooms that wire, start or watch the others, and so may import any of them.
UNBOUND = {"clock", "listening", "serving", "settings", "shipped", "up", "wiring", "working"}


def rooms() -> set[str]:
    package = ROOT / "perennia"
    folders = {path.parent.name for path in package.glob("*/__init__.py")}
    modules = {path.stem for path in package.glob("*.py")} - {"__init__"}
    return folders | modules


def bound_rooms() -> set[str]:
    named: set[str] = set()
    for section in CONTRACTS.sections():
        sources = CONTRACTS.get(section, "source_modules", fallback="").split()
        named |= {source.split(".")[1] for source in sources if source.startswith("perennia.")}
    return named


def test_every_room_has_a_contract_or_a_reason_to_have_none() -> None:
    strangers = rooms() - bound_rooms() - UNBOUND
    assert not strangers, f"{sorted(strangers)}: say in .importlinter what these may not import"


def test_every_contract_says_what_to_do_instead() -> None:
    silent = [
        s
        for s in CONTRACTS.sections()
        if ":contract:" in s and not CONTRACTS.get(s, "broken_contract_guidance", fallback="")
    ]
    assert not silent

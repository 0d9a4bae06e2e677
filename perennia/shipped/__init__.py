"""The workspace that ships: playbooks, tracks, policies, templates and scenarios."""

from __future__ import annotations

from pathlib import Path


def shipped_workspace() -> Path:
    """The folder that holds ``playbooks/`` and ``templates/``: inside an installed wheel, else the checkout itself."""
    packed = Path(__file__).parent
    return packed if (packed / "playbooks").is_dir() else packed.parents[1]

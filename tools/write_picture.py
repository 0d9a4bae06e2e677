"""Draws the path through the first playbook of docs/testing-playbooks.md that its first scenario takes, for that page.

``make docs`` writes the file.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from perennia.catalog import load_workspace, rehearsal
from perennia.cli.scenarios import WorkspaceRendering
from perennia.picture.chart import chart_of
from perennia.picture.layout import draw
from perennia.picture.passage import passages
from perennia.picture.svg import as_svg
from perennia.simulate.simulation import Simulation, simulate_scenario

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs/images/simulated.svg"
PAGE = ROOT / "docs/testing-playbooks.md"


def picture_text() -> str:
    simulated = _simulated()
    zone, playbook = simulated.calendar.zone, simulated.catalog.playbooks[simulated.playbook].definition
    entries = [each.entry for each in simulated.decisions]
    (passage,) = passages(simulated.playbook, entries, simulated.alive, zone)
    title = f"The way of {simulated.customer} through {playbook.playbook}"
    about = "Ana gets the welcome, creates a project within two days, gets the next step, and reaches the goal in the week after."
    return as_svg(draw(chart_of(playbook), passage, zone), "simulated", title, about, alone=True) + "\n"


def _simulated() -> Simulation:
    blocks = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "playbooks").mkdir()
        shutil.copy(ROOT / "playbooks/policies.yaml", folder / "playbooks")
        shutil.copytree(ROOT / "templates", folder / "templates")
        (folder / "playbooks/example.yaml").write_text("---\n".join(blocks[:2]), encoding="utf-8")
        workspace = load_workspace(folder)
        scenario = workspace.scenarios[0].scenario
        rendering = WorkspaceRendering(workspace.templates)
        return simulate_scenario(rehearsal(workspace), scenario, scenario.playbooks[0], rendering)


if __name__ == "__main__":
    PICTURE.write_text(picture_text(), encoding="utf-8")

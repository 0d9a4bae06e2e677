"""What is installed from the wheel is the whole application, found from any folder."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# The versions that were tested; newer ones are tried when the lock is renewed, not on the day they appear.
LOCKED = ("--frozen", "--quiet", "--no-dev", "--no-emit-project", "--no-hashes")

pytestmark = pytest.mark.timeout(600)  # a fresh environment downloads what no cache holds


def uv() -> str | None:
    """uv from PATH, or the one that `make setup` put beside the checkout."""
    beside = ROOT / ".venv-tools/bin/uv"
    return shutil.which("uv") or (str(beside) if beside.exists() else None)


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder, cwd=ROOT)
    assert built.returncode == 0, built.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a fresh environment that holds the wheel and what it needs, nothing else."""
    folder = tmp_path_factory.mktemp("fresh") / "venv"
    tool = uv()
    if tool is not None:
        made = run(tool, "venv", "--quiet", "--python", sys.executable, folder, cwd=folder.parent)
        assert made.returncode == 0, made.stderr
        locked = folder.parent / "locked.txt"
        locked.write_text(run(tool, "export", *LOCKED, cwd=ROOT).stdout)
        install = (tool, "pip", "install", "--quiet", "--constraint", locked, "--python", folder / "bin/python", wheel)
        installing = run(*install, cwd=folder.parent)
    else:
        made = run(sys.executable, "-m", "venv", folder, cwd=folder.parent)
        assert made.returncode == 0, made.stderr
        installing = run(folder / "bin/python", "-m", "pip", "install", "--quiet", wheel, cwd=folder.parent)
    assert installing.returncode == 0, installing.stderr
    return folder / "bin"


def test_the_wheel_holds_the_shipped_workspace_and_the_pages(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "worker.py",
        "starter.py",
        "perennia/shipped/playbooks/policies.yaml",
        "perennia/shipped/playbooks/onboarding/scenarios/low-touch-onboarding.yaml",
        "perennia/shipped/templates/onboarding/welcome.md",
        "perennia/api/pages/unsubscribe.html",
        "workflows/customer.py",
        "activities/contracts.py",
    } <= names


def test_the_wheel_holds_nothing_of_the_workshop(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert [name for name in names if name.startswith(("tests/", "docs/", "bench/", "tools/", "deploy/"))] == []


def test_an_installed_perennia_checks_a_workspace_in_another_folder(installed: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    shutil.copytree(ROOT / "playbooks", workspace / "playbooks")
    shutil.copytree(ROOT / "templates", workspace / "templates")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    checked = run(installed / "perennia", "check", "--workspace", workspace, cwd=elsewhere)
    assert checked.returncode == 0, checked.stderr
    assert re.fullmatch(r"fine: \d+ playbooks, .*\n", checked.stdout)


def test_an_installed_perennia_finds_the_workspace_that_ships(installed: Path, tmp_path: Path) -> None:
    asked = run(
        installed / "python", "-c", "from perennia.shipped import shipped_workspace as s; print(s())", cwd=tmp_path
    )
    shipped = Path(asked.stdout.strip())
    assert shipped.is_relative_to(installed.parent)
    tested = run(installed / "perennia", "test", "--workspace", shipped, cwd=tmp_path)
    assert tested.returncode == 0, tested.stdout + tested.stderr

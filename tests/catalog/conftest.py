"""Workspaces in a temporary folder, made of the files that a test names."""

from __future__ import annotations

from pathlib import Path

import pytest

from perennia.catalog import Workspace, load_workspace
from tests.support.workspaces import USUAL, Check, CheckFiles, MakeWorkspace


@pytest.fixture
def make_workspace(tmp_path: Path) -> MakeWorkspace:
    """Writes the files (path to content) and loads them."""

    def make(files: dict[str, str | bytes]) -> Workspace:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return load_workspace(tmp_path)

    return make


@pytest.fixture
def check_files(make_workspace: MakeWorkspace) -> CheckFiles:
    """The printed findings of a usual workspace with these files added or replaced."""
    return lambda files: [str(finding) for finding in make_workspace({**USUAL, **files}).findings]


@pytest.fixture
def check(check_files: CheckFiles) -> Check:
    """The printed findings of a usual workspace with one more document, in ``playbooks/p.yaml``."""
    return lambda document: check_files({"playbooks/p.yaml": document})

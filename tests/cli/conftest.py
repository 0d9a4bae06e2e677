"""What the tests of the commands share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.workspace_files import write_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return write_workspace(tmp_path)

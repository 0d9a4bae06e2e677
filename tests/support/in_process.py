"""Commands run in the tests' own process: to start another one takes longer than all that most of them do."""

from __future__ import annotations

from pathlib import Path

import pytest

from perennia.cli.main import main
from tests.support.commands import Ended


class InProcess:
    """`perennia ARGUMENTS` in ``folder``, with these variables. ``file``: the store that lies there."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.file = folder / "store.sqlite"
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    def run(self, *arguments: str, **variables: str) -> Ended:
        self._monkeypatch.chdir(self.folder)
        self._monkeypatch.setenv("PERENNIA_STORE_URL", f"sqlite:///{self.file}")
        for name, value in variables.items():
            self._monkeypatch.setenv(name, value)
        code = main(arguments)
        said = self._capsys.readouterr()
        return Ended(code, said.out, said.err)

"""``python -m bench.part TALLY COMMAND ...``: one process of an installation, and how many SQL statements it sends.

The command is Perennia's own, unchanged but for one class: the store's counter counts where another process can read it.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from bench.tally import Tally
from perennia.cli.main import main
from perennia.store import sqlite
from perennia.store.driver import Statements


class _Shown(Counter[str]):
    """Counts statements by act, as `Statements.by_act` does, and their sum in a tally."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self._tally = tally

    def __setitem__(self, act: str, number: int) -> None:
        super().__setitem__(act, number)
        self._tally.add()


class _ShownStatements(Statements):
    def __init__(self) -> None:
        super().__init__()
        self.by_act = _Shown(Tally(Path(sys.argv[1])))


if __name__ == "__main__":
    sqlite.Statements = _ShownStatements
    sys.exit(main(sys.argv[2:]))

"""How commands end: exit codes, and errors as one line with the remedy."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Every exit code there is (documented from here)."""

    OK = 0  # done
    FINDINGS = 1  # the answer is no: errors in the workspace, a failed scenario, something wrong with the installation
    USAGE = 2  # the command line or a setting is wrong
    UNREACHABLE = 3  # the installation, its store or Temporal does not answer
    REFUSED = 4  # the installation said no: unknown customer, somebody published in between, wrong key
    BUG = 70  # ours (sysexits.h: EX_SOFTWARE)
    INTERRUPTED = 130  # Ctrl-C (128 + SIGINT)


class CommandError(Exception):
    """Ends a command with one line. ``remedy``: what the reader can do about it."""

    def __init__(self, message: str, remedy: str | None = None, code: Exit = Exit.REFUSED) -> None:
        super().__init__(f"{message}; {remedy}" if remedy else message)
        self.message = message
        self.remedy = remedy
        self.code = code

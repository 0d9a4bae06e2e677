"""`perennia ...`: the command line."""

from perennia.cli.main import main

__all__ = ["main"]

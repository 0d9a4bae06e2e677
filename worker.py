"""Builds and runs the workers: `python worker.py` is `perennia worker`."""

import sys

from perennia.cli import main

if __name__ == "__main__":
    sys.exit(main(["worker", *sys.argv[1:]]))

"""Starts things from the command line: `python starter.py enroll CUSTOMER PLAYBOOK` is `perennia enroll ...`."""

import sys

from perennia.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`python -m perennia.cli`: how `perennia up` starts its parts, wherever the `perennia` program lies."""

import sys

from perennia.cli.main import main

sys.exit(main())

"""CEL's library without its command line, whose terminal toolkit would take half a second of every start."""

from __future__ import annotations

import sys
from types import ModuleType

# `import cel` (0.10.0) imports `cel.cli`, which imports prompt_toolkit, pygments and rich. Nobody here asks it anything.
_COMMAND_LINE = "cel.cli"
_stands_in = _COMMAND_LINE not in sys.modules
if _stands_in:
    sys.modules[_COMMAND_LINE] = ModuleType(_COMMAND_LINE)

import cel  # noqa: E402

if _stands_in:
    del sys.modules[_COMMAND_LINE]

__all__ = ["cel"]

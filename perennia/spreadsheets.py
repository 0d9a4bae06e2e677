"""Cells for spreadsheets: what people wrote is never a formula there (https://owasp.org/www-community/attacks/CSV_Injection)."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def no_formula(cell: str) -> str:
    """The cell as it is, with an apostrophe in front where it begins like a formula; numbers stay numbers."""
    is_number = cell.lstrip("-").replace(".", "", 1).isdecimal()
    return f"'{cell}" if cell.startswith(_FORMULA) and not is_number else cell

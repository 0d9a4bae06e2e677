"""Several tables in one ZIP file, each as CSV."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence

from perennia.files.cells import cells_of


def zipped_csv(tables: Mapping[str, Sequence[Mapping[str, object]]]) -> bytes:
    """``NAME.csv`` for each table, its columns in the order in which the rows bring them. Safe to open in a spreadsheet."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in tables.items():
            archive.writestr(f"{name}.csv", _csv(rows))
    return packed.getvalue()


def _csv(rows: Sequence[Mapping[str, object]]) -> str:
    columns = tuple(dict.fromkeys(column for row in rows for column in row))
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(cells_of(row, columns) for row in rows)
    return text.getvalue()

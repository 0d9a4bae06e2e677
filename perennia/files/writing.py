"""Rows into a CSV, JSON lines or Parquet file, a batch at a time."""

from __future__ import annotations

import csv
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from perennia.files.cells import cells_of
from perennia.files.reading import FileError, parquet_module

WRITTEN: Final = (".csv", ".jsonl", ".parquet")
Rows = Sequence[Mapping[str, object]]


class _Sink(Protocol):
    def __call__(self, rows: Rows) -> None: ...


def write_rows(path: Path, columns: tuple[str, ...], batches: Iterable[Rows]) -> int:
    """By the file's ending; how many rows. What is there already is replaced. Raises `FileError`.

    CSV is safe to open in a spreadsheet. In Parquet every column is text, null where a row has none; lists and mappings are JSON.
    """
    count = 0
    with _sink(path, columns) as write:
        for rows in batches:
            write(rows)
            count += len(rows)
    return count


@contextmanager
def _sink(path: Path, columns: tuple[str, ...]) -> Generator[_Sink]:
    path.touch(mode=0o600)
    match path.suffix.lower():
        case ".csv":
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\r\n")
                writer.writerow(columns)
                yield lambda rows: writer.writerows(cells_of(row, columns) for row in rows)
        case ".jsonl":
            with path.open("wb") as lines:
                yield lambda rows: lines.writelines(chain.from_iterable((msgspec.json.encode(r), b"\n") for r in rows))
        case ".parquet":
            with _parquet(path, columns) as write:
                yield write
        case _:
            raise FileError(f"{path} is of no kind that is written here", f"name it {', '.join(WRITTEN)}")


@contextmanager
def _parquet(path: Path, columns: tuple[str, ...]) -> Generator[_Sink]:
    parquet = parquet_module()
    arrow: Any = import_module("pyarrow")
    schema = arrow.schema([(column, arrow.string()) for column in columns])
    with parquet.ParquetWriter(path, schema) as writer:
        yield lambda rows: writer.write_table(
            arrow.Table.from_pylist([{c: _text(row.get(c)) for c in columns} for row in rows], schema=schema)
        )


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()

"""Rows of a CSV, JSON lines or Parquet file, one after the other: a file of any size is never held in memory."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Final, cast

import msgspec

FORMATS: Final = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
PARQUET_ROWS: Final = 5_000  # a batch; wide rows of ours are some kilobytes
DIGEST_BYTES: Final = 1 << 20


class FileError(Exception):
    """The file as a whole cannot be read. ``remedy`` says what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True)
class Row:
    """``number``: from 1, the heading not counted. ``error``: why the row cannot be read; then it has no cells.

    ``is_text``: all cells are text, as CSV has nothing else. ``mark``: what tells it from another that says the same.
    """

    number: int
    cells: Mapping[str, object] = field(default_factory=dict[str, object])
    error: str | None = None
    is_text: bool = False
    mark: str = ""


def read_rows(path: Path) -> Iterator[Row]:
    """By the file's ending. Raises `FileError`."""
    match path.suffix.lower():
        case ".csv" | ".tsv":
            return _csv_rows(path)
        case ".jsonl" | ".ndjson":
            return _json_rows(path)
        case ".parquet":
            return _parquet_rows(path)
        case _:
            raise FileError(f"{path} is of no kind that is read here", f"name it {', '.join(FORMATS)}")


def digest_of(path: Path) -> str:
    """Of what is in the file, whatever it is called."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(DIGEST_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _csv_rows(path: Path) -> Iterator[Row]:
    """The first line names the columns. Commas, semicolons or tabs."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            heading = file.readline()
            file.seek(0)
            reader = csv.reader(file, delimiter=max(",;\t", key=heading.count), strict=True)
            columns = [cell.strip() for cell in next(reader, list[str]())]
            if not any(columns) or len(set(columns)) != len(columns):
                raise FileError(
                    f"{path}:1: the first line does not name the columns, each once", "write their names there"
                )
            yield from _csv_cells(reader, columns)
    except UnicodeDecodeError as error:
        raise FileError(f"{path} is not UTF-8: {error}", "save it as CSV in UTF-8") from error


def _csv_cells(reader: Any, columns: list[str]) -> Iterator[Row]:
    number = 0
    while True:
        number += 1
        try:
            cells = cast("list[str] | None", next(reader, None))
        except csv.Error as error:
            yield Row(number, error=f"is no CSV: {error}")
            return  # what comes after it may stand in any column
        if cells is None:
            return
        if len(cells) > len(columns):
            yield Row(number, error=f"has {len(cells)} cells where the first line names {len(columns)} columns")
        elif any(cell.strip() for cell in cells):
            yield Row(number, dict(zip(columns, cells, strict=False)), is_text=True)


def _json_rows(path: Path) -> Iterator[Row]:
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                try:
                    yield Row(number, decode(line))
                except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                    yield Row(number, error=f"is no JSON object: {error}")


def parquet_module() -> Any:
    """pyarrow's, which comes with an extra and takes half a second to load. Raises `FileError` without it."""
    try:
        return import_module("pyarrow.parquet")
    except ModuleNotFoundError as error:
        raise FileError("pyarrow is not installed", "install it with `pip install 'perennia[parquet]'`") from error


def _parquet_rows(path: Path) -> Iterator[Row]:
    parquet = parquet_module()
    try:
        file = parquet.ParquetFile(path)
    except (ValueError, OSError) as error:  # pyarrow's own errors are ValueErrors
        raise FileError(f"{path} is no Parquet file: {error}", "write it again") from error
    number = 0
    with file:
        for batch in file.iter_batches(batch_size=PARQUET_ROWS):
            for cells in batch.to_pylist():
                number += 1
                yield Row(number, cells)

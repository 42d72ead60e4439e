"""Tables in text files: the first rows and columns of CSV and similar formats."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

from .description import CELL_CHARACTERS, COLUMNS, ROWS, Preview
from .sparing import read_up_to

if TYPE_CHECKING:
    from collections.abc import Iterator

_PAGE = 256 * 1024
"""Bytes that are read for further rows. A longer row ends the table."""
_LINE = 4096


def table(text: str, size: int, *, whole: bool, tabs: bool) -> Preview | None:
    """Describe a table. Return None if the text isn't one."""
    delimiter = "\t" if tabs else _delimiter(text)
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error:
        return None
    if not whole and len(rows) > 1:
        rows.pop()
    rows = [row for row in rows if row]
    if not rows or max(map(len, islice(rows, ROWS))) < (1 if tabs else 2):
        return None
    columns, body = _header(rows)
    width = len(columns)
    shown = tuple(_cells(row, width) for row in body[:ROWS])
    note = _note(len(body), width, whole=whole)
    return Preview(kind="table", type="table", size=size, note=note, columns=_cells(columns, width), rows=shown)


def with_more(found: Preview, data: bytes, text: str) -> Preview:
    """Return a preview that has the offset of its next row in the file, which begins with `data`."""
    header = found.columns != tuple(str(number) for number in range(1, len(found.columns) + 1))
    tabs = "\t" if found.type == "table" and "\t" in text.split("\n", 1)[0] else _delimiter(text)
    _, place = _rows_of(data, tabs, len(found.rows) + header, whole=found.size == len(data))
    return replace(found, more=place if place < found.size else 0)


def more_rows(source: BinaryIO, size: int, place: int, *, tabs: bool) -> tuple[list[tuple[str, ...]], int]:
    """Return further rows of a table, and the offset where the next row begins (0 at the end).

    Parameters
    ----------
    source : binary file object
        The file, of which some hundred kB are read.
    size : int
        The size of the file in bytes.
    place : int
        The offset where a row begins.
    tabs : bool
        Whether cells are separated by tabs.
    """
    source.seek(0)
    first = read_up_to(source, _LINE).split(b"\n")[0].decode("utf-8", "replace")
    source.seek(place)
    data = read_up_to(source, _PAGE)
    delimiter = "\t" if tabs else _delimiter(first)
    rows, used = _rows_of(data, delimiter, ROWS, whole=place + len(data) >= size)
    width = max(map(len, rows), default=0)
    following = place + used
    return [_cells(row, width) for row in rows], following if rows and following < size else 0


def _rows_of(data: bytes, delimiter: str, count: int, *, whole: bool) -> tuple[list[list[str]], int]:
    """Return the first rows of `data`, and the number of their bytes. Leave out a last row that may be incomplete."""
    lines = data.splitlines(keepends=True)
    used = 0

    def each() -> Iterator[str]:
        nonlocal used
        for line in lines if whole else lines[:-1]:
            used += len(line)
            yield line.decode("utf-8", "replace")

    rows: list[list[str]] = []
    complete = 0
    try:
        for row in csv.reader(each(), delimiter=delimiter):
            complete = used
            if row:
                rows.append(row)
            if len(rows) == count:
                break
    except csv.Error:
        pass
    return rows, complete


def _delimiter(text: str) -> str:
    first = text.split("\n", 1)[0]
    return max(",;\t|", key=first.count)


def _header(rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    width = max(len(row) for row in rows[: ROWS + 1])
    if any(map(_is_number, rows[0])):
        return [str(number) for number in range(1, width + 1)], rows
    return rows[0] + [""] * (width - len(rows[0])), rows[1:]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _cells(row: list[str], width: int) -> tuple[str, ...]:
    padded = row + [""] * (width - len(row))
    return tuple(
        cell if len(cell) <= CELL_CHARACTERS else cell[:CELL_CHARACTERS] + "…" for cell in padded[: min(width, COLUMNS)]
    )


def _note(rows: int, columns: int, *, whole: bool) -> str:
    parts = []
    if rows > ROWS or not whole:
        parts.append(f"the first {min(rows, ROWS)}" + (f" of {rows:,} rows" if whole else " rows"))
    if columns > COLUMNS:
        parts.append(f"the first {COLUMNS} of {columns:,} columns")
    return f"Shown: {', '.join(parts)}." if parts else ""

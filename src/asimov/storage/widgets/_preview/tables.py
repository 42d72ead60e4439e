"""Tables of text: the first rows and columns of CSV and its relatives."""

from __future__ import annotations

import csv
import io
from itertools import islice

from .description import CELL_CHARACTERS, COLUMNS, ROWS, Preview


def table(text: str, size: int, *, whole: bool, tabs: bool) -> Preview | None:
    """Describe a table; None where the text is no table."""
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

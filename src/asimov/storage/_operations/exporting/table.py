"""manifest.csv: a row for each exported file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from .exported import Exported, ExportedFile, note_text

MEANING = (
    "a table: event, production, file, path in this folder, MD5 (hash), uuid in the Store, size in bytes, and, if the "
    "Store has them, SHA-256, notes (meta, in JSON), why a file should not be used any more (retracted), and the uuid "
    "of the one to use instead (superseded_by). An event is what was analysed; a production is one analysis of "
    "it."
)
"""What the table is for."""
_COLUMNS: dict[str, Callable[[ExportedFile], object]] = {
    "event": lambda file: file.record.event,
    "production": lambda file: file.record.production,
    "file": lambda file: file.record.file,
    "path": lambda file: file.path,
    "hash": lambda file: file.record.hash,
    "uuid": lambda file: file.record.uuid,
    "size": lambda file: file.size,
    "sha256": lambda file: file.record.sha256,
    "meta": lambda file: note_text(dict(file.record.meta)) if file.record.meta else None,
}
"""The columns, in order, and how a file's value is found. None is an empty cell."""
_IF_ANY = {"sha256", "meta", "retracted", "superseded_by"}
"""Columns that are left out if no file has a value."""


def csv_text(exported: Exported) -> bytes:
    """Return the table in CSV (RFC 4180, but with plain line feeds), in UTF-8."""
    columns = {name: [value(file) for file in exported.files] for name, value in _COLUMNS.items()}
    said = [exported.retracted.get(file.record.uuid) for file in exported.files]
    columns["retracted"] = [one and (one.reason or "yes") for one in said]
    columns["superseded_by"] = [one and one.superseded_by for one in said]
    kept = {name: cells for name, cells in columns.items() if name not in _IF_ANY or any(cells)}
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(kept)
    writer.writerows(zip(*kept.values(), strict=True))
    return text.getvalue().encode()

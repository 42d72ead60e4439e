"""Parquet tables: the schema and the first rows, if pyarrow is installed."""

from __future__ import annotations

import importlib
from typing import BinaryIO

from .description import CELL_CHARACTERS, COLUMNS, LIMIT, ROWS, Preview
from .sparing import Sparing, SpentError

MAGIC = b"PAR1"
_TYPE = "Parquet table"


def table(source: BinaryIO, size: int) -> Preview:
    """Describe a Parquet table."""
    try:
        parquet = importlib.import_module("pyarrow.parquet")
        pyarrow = importlib.import_module("pyarrow")
    except ImportError:
        return Preview(kind="other", type=_TYPE, size=size, note="Its rows are shown where pyarrow is installed.")
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    try:
        file = parquet.ParquetFile(pyarrow.PythonFile(Sparing(source, LIMIT, strict=True), mode="r"), pre_buffer=False)
        schema = file.schema_arrow
        columns = tuple(f"{name}: {schema.field(name).type}" for name in schema.names[:COLUMNS])
        note = f"Shown: the first rows of {file.metadata.num_rows:,}, {len(columns)} of {len(schema.names)} columns."
        rows = _rows(file, list(schema.names[:COLUMNS]))
    except SpentError:
        note = "Its rows take more than the 1 MB that a preview reads."
    except Exception as error:  # noqa: BLE001 - pyarrow may raise any error for a damaged file
        note = f"pyarrow can't read it: {error}"
    return Preview(kind="table" if columns else "other", type=_TYPE, size=size, note=note, columns=columns, rows=rows)


def _rows(file: object, names: list[str]) -> tuple[tuple[str, ...], ...]:
    batch = next(file.iter_batches(batch_size=ROWS, columns=names), None)  # type: ignore[attr-defined]
    if batch is None:
        return ()
    return tuple(tuple(str(row[name])[:CELL_CHARACTERS] for name in names) for row in batch.to_pylist())

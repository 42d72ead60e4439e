"""Parquet tables: schema and first rows."""

from __future__ import annotations

import io
import sys

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("pyarrow", reason="pyarrow has no wheel for this platform")


def saved(frame):
    """Return a frame as Parquet."""
    file = io.BytesIO()
    frame.to_parquet(file)
    return file.getvalue()


def test_schema_and_first_rows(describe):
    """Columns with their types, and the first rows, are shown."""
    found = describe(saved(pd.DataFrame({"mass": [1.5, 2.5], "name": ["a", "<b>"]})), "a.parquet")
    assert (found.kind, found.type) == ("table", "Parquet table")
    assert found.columns[0] == "mass: double"
    assert found.rows == (("1.5", "a"), ("2.5", "<b>"))
    assert found.note == "Shown: the first rows of 2, 2 of 2 columns."


def test_no_more_than_a_megabyte(describe):
    """Of a table whose rows take more than a preview reads, the schema is shown."""
    frame = pd.DataFrame({"x": np.random.default_rng(0).bytes(3_000_000).split(b"\0")})
    found = describe(saved(frame), "a.parquet")
    assert (found.kind, found.rows) == ("table", ())
    assert "more than the 1 MB" in found.note


def test_a_damaged_table(describe, monkeypatch):
    """What pyarrow can't read, or isn't there to read, is named by its type."""
    content = saved(pd.DataFrame({"x": [1]}))
    assert "can't read it" in describe(content[:-10] + bytes(10), "a.parquet").note
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    assert "where pyarrow is installed" in describe(content, "a.parquet").note

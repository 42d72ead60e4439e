"""Tables: the first rows and columns of CSV and its relatives."""

from __future__ import annotations

import pytest

from asimov.storage.widgets._preview import description


def test_a_table_shows_its_first_rows(describe):
    """A CSV file is shown as a table with its header and its first rows, and the note counts the others."""
    body = "".join(f'{i},{i / 2},"a, ""b"""\n' for i in range(60))
    found = describe("mass_1,mass_2,name\n" + body, "samples.csv")
    assert (found.kind, found.columns) == ("table", ("mass_1", "mass_2", "name"))
    assert found.rows[0] == ("0", "0.0", 'a, "b"')
    assert len(found.rows) == description.ROWS
    assert found.note == "Shown: the first 50 of 60 rows."


@pytest.mark.parametrize(
    ("name", "content"), [("a.csv", "x;y\n1;2\n"), ("a.tsv", "x\ty\n1\t2\n"), ("a.csv", "x|y\n1|2\n")]
)
def test_other_separators_are_found(describe, name, content):
    """Semicolons, tabs and bars separate too."""
    found = describe(content, name)
    assert (found.kind, found.columns, found.rows) == ("table", ("x", "y"), (("1", "2"),))


def test_a_table_without_header_has_its_columns_numbered(describe):
    """Where the first row holds a number it is no header, and rows of unequal length are filled up."""
    found = describe("1.5,2\n3\n4,5,6\n", "a.csv")
    assert found.columns == ("1", "2", "3")
    assert found.rows == (("1.5", "2", ""), ("3", "", ""), ("4", "5", "6"))


def test_a_wide_and_long_table_is_cut_and_said(describe):
    """Of a large table the first rows, columns and characters of a cell are shown, and the note says so."""
    header = ",".join(f"column_{i}" for i in range(200))
    row = ",".join(["x" * 300] * 200)
    found = describe(header + "\n" + (row + "\n") * 40, "wide.csv")
    assert len(found.columns) == description.COLUMNS
    assert {len(row) for row in found.rows} == {description.COLUMNS}
    assert {len(cell) for row in found.rows for cell in row} == {description.CELL_CHARACTERS + 1}
    assert found.note == "Shown: the first 16 rows, the first 50 of 200 columns."


@pytest.mark.parametrize("content", ["just a line\n", "\n\n\n", 'a,b\n"' + "x" * 200_000])
def test_what_is_no_table_is_text(describe, content):
    """A file called .csv that holds no table is shown as text."""
    assert describe(content, "a.csv").kind == "text"

"""Tables: the first rows and columns of CSV and its relatives."""

from __future__ import annotations

import csv

import pytest

from asimov.storage.widgets._preview import description
from asimov.storage.widgets._preview.description import ROWS
from asimov.storage.widgets._preview.preview import preview
from asimov.storage.widgets._preview.tables import more_rows


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


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_paged_to_the_end(tmp_path, header, end):
    """Page by page every row of a table is shown once, also where a cell has line ends, up to the last."""
    path = tmp_path / "a.csv"
    cells = [[f"{number}", f'a "quoted"\n line, {number}', "é"] for number in range(237)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator=end or "\n")
        writer.writerows(([["number", "text", "more"]] if header else []) + cells)
    if not end:
        path.write_bytes(path.read_bytes()[:-1])
    with path.open("rb") as file:
        found = preview(file, "a.csv")
        shown = list(found.rows)
        place = found.more
        while place:
            rows, place = more_rows(file, path.stat().st_size, place, tabs=False)
            assert len(rows) <= ROWS
            shown += rows
    assert shown == [tuple(row) for row in cells]


def test_a_row_that_never_ends(tmp_path):
    """A quote that is never closed ends the table, and no more than a part of it is read."""
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "1,2\n" * 60 + '3,"' + "x" * 5_000_000)
    with path.open("rb") as file:
        size, place, found = path.stat().st_size, 4, []
        for _ in range(3):
            rows, place = more_rows(file, size, place, tabs=False)
            found.append((len(rows), place > 0))
    assert found == [(50, True), (10, True), (0, False)]

from __future__ import annotations

import json
from pathlib import Path

import pytest

from asimov.storage._display.text import printable
from asimov.storage._model.record import Record
from asimov.storage.cli.output import Listing, as_json, as_text


def listing(*names: str, sizes: list[int | None] | None = None) -> Listing:
    """Make a Listing of records of these events."""
    records = [Record(event=name, production="P", file="f", hash="0" * 32, uuid="1" * 32) for name in names]
    return Listing(records=records, sizes=sizes)


def test_columns_line_up_for_wide_and_combining_characters():
    """Columns of records line up on a terminal, also where characters take two columns or none."""
    assert list(as_text(listing("漢字", "e\u0301", "plain"), width=200)) == [
        f"event  production  file  hash{' ' * 28}  uuid",
        f"漢字   P           f     {'0' * 32}  {'1' * 32}",
        f"e\u0301      P           f     {'0' * 32}  {'1' * 32}",
        f"plain  P           f     {'0' * 32}  {'1' * 32}",
    ]


@pytest.mark.parametrize(("width", "digest"), [(91, "0" * 32), (90, "00000000..")])
def test_digests_are_cut_only_where_they_must_be(width, digest):
    """Digests are whole where a table fits to the last column of the terminal, and cut where it is one too wide."""
    _heading, row = as_text(listing("E"), width=width)
    assert row.split()[3] == digest
    assert len(row) <= width


def test_sizes_stand_to_the_right():
    """Sizes have a unit and stand to the right of their column; a missing file has a dash."""
    sized = listing("A", "B", "C", sizes=[2, None, 3000])
    assert [line[-9:] for line in as_text(sized, width=200)] == ["     size", "      2 B", "        -", "  2.9 KiB"]


def test_what_a_program_gets_is_whole():
    """For programs, digests are whole and sizes are in bytes."""
    expected = ["\t".join(["A", "P", "f", "0" * 32, "1" * 32, "3000"])]
    assert list(as_text(listing("A", sizes=[3000]), width=None)) == expected


def test_nothing_is_shown_of_a_result_that_is_written_already():
    """A command that has written its result itself shows nothing more."""
    assert list(as_text(None, width=80)) == []


def test_paths_are_shown_one_a_line():
    """Several paths are a line each, and an array of JSON."""
    paths = [Path("/a b"), Path("/c\x1b")]
    assert list(as_text(paths, width=80)) == ["/a b", "/c\\x1b"]
    assert json.loads(as_json(paths)) == ["/a b", "/c\x1b"]


def test_json_escapes_what_is_invisible():
    """JSON comes back as it was and holds, unescaped, nothing that a terminal would obey."""
    event = "漢\u202e\x9b\U000e0001"
    text = as_json(listing(event))
    assert printable(text) == text
    assert "漢" in text
    assert json.loads(text)[0]["event"] == event

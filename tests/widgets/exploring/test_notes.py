"""Notes in the Explorer: searched, shown as columns, sorted."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest

from asimov.storage import Store
from asimov.storage.widgets import Explorer

NOTES = [
    {"analyst": "Jane Doe", "snr": 9.5},
    {"analyst": "Ágnes", "snr": 12, "software": {"bilby": "2.4"}},
    {"analyst": "Jane Doe", "snr": "not known"},
    None,
]


@pytest.fixture
def noted(store, source):
    """Four files, three of them with notes."""
    rows = [("S0", "Prod0", source(f"file-{n}", f"content {n}".encode()), None, NOTES[n]) for n in range(4)]
    store.add_files([dict(zip(("event", "production", "path", "hash", "meta"), row, strict=True)) for row in rows])
    return store


@pytest.fixture
def explorer(noted):
    """An Explorer of them."""
    explorer = Explorer(noted)
    yield explorer
    explorer.close()


@pytest.fixture
def page(explorer, page_of):
    """A view of it."""
    return page_of(explorer)


def files(page, **view):
    """Give the names of the files of a page."""
    return [row[2] for row in page.ask("explore/page", **view).result["rows"]]


def more(page, **view):
    """Give what only some rows of a page have."""
    return [row[8] if len(row) > 8 else None for row in page.ask("explore/page", **view).result["rows"]]


def test_words_are_looked_for_in_values(page):
    """A word finds rows by the values of their notes, whatever the case; with others, by names too; not by keys."""
    assert files(page, search="jane") == ["file-0", "file-2"]
    assert files(page, search="ÁGNES") == files(page, search="A\u0301gnes") == ["file-1"]
    assert files(page, search="jane file-2") == ["file-2"]
    assert files(page, search="bilby: 2.4") == files(page, search="2.4") == ["file-1"]
    assert files(page, search="analyst") == []


def test_what_was_found_is_shown(page):
    """A row that was found by a note that no column shows has that note; a row found by its name has none."""
    assert more(page, search="doe") == 2 * [{"found": ["analyst", "Jane Doe"]}]
    assert more(page, search="file") == 4 * [None]
    assert more(page, search="doe", columns=["file", "analyst"]) == 2 * [{"notes": {"analyst": "Jane Doe"}}]


def test_keys_are_columns(page, explorer):
    """The keys are offered with the number of their records; the columns chosen come with each row that has them."""
    assert page.ask("explore/keys").result == {"most": [["analyst", 3], ["snr", 3], ["software", 1]], "total": 3}
    explorer.columns = ["snr", "software", "event"]
    assert explorer.columns == ("event", "file", "snr", "software")
    assert more(page, columns=list(explorer.columns)) == [
        {"notes": {"snr": "9.5"}},
        {"notes": {"snr": "12", "software": "bilby: 2.4"}},
        {"notes": {"snr": "not known"}},
        None,
    ]
    first = Explorer(explorer._store, columns=["file", "snr"])._initial["page"]["rows"]
    assert first[0][8:] == [{"notes": {"snr": "9.5"}}]


@pytest.mark.parametrize(
    ("descending", "order"), [(False, [0, 1, 2, 3]), (True, [2, 1, 0, 3])], ids=["ascending", "descending"]
)
def test_sorted_by_a_note(page, explorer, descending, order):
    """Numbers come as numbers, then texts, then what has no such note, whichever way."""
    explorer.sort = "snr"
    assert files(page, sort="snr", descending=descending) == [f"file-{n}" for n in order]
    assert "must be a column" in page.fails("explore/page", sort="colour")["message"]


def test_a_key_that_no_record_has(page):
    """A selection that is ordered by what is no key is made all the same."""
    assert page.ask("explore/select-all", sort="colour", total=4, on=True).result == {"selected": 4}


def test_only_retracted_ones(page, noted, explorer):
    """The filter leaves what was retracted."""
    noted.retract(("S0", "Prod0", "file-1"), "glitch")
    explorer.refresh()
    assert files(page, retracted=True) == ["file-1"]
    assert files(page, retracted=True, search="jane") == []
    assert files(page, search="jane") == ["file-0", "file-2"]


def test_added_is_what_the_stamp_says(tmp_path, source, page_of):
    """Where the Store notes when files are added, the column Added shows that, and sorts by it."""
    store = Store.create(tmp_path / "stamped", "T", stamp=True)
    store.add_file("S0", "Prod0", source("one", b"1"))
    (frame,) = store.to_frame(stat=True).itertuples()
    os.utime(frame.path, (1, 1))
    explorer = Explorer(store)
    page = page_of(explorer)
    (row,) = page.ask("explore/page").result["rows"]
    assert datetime.fromtimestamp(row[6] / 1000, UTC) == frame.added
    assert page.ask("explore/keys").result["most"] == [["by", 1]]
    explorer.close()

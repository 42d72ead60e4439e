"""The Explorer's table: search, filters, order and pages over the columns of a Store."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asimov.storage._contents import Contents
from asimov.storage.widgets._table import COLUMNS, PAGE, Table, View

WORDS = ["psd", "PSD", "s1", "prod", "é", "ß", "a b", "x"]


def contents_of(keys):
    """Make contents with records of these keys."""
    keys = sorted(set(keys))
    hashes, uuids = ([hashlib.md5(f"{kind}{key}".encode()).hexdigest() for key in keys] for kind in "hu")
    return Contents(name="T", keys=keys, hashes=hashes, uuids=uuids)


@pytest.fixture
def table():
    """A table of 3 events x 2 productions x 40 files."""
    return Table(
        contents_of((f"S{e}", f"Prod{p}", f"file-{f:02}.txt") for e in range(3) for p in range(2) for f in range(40))
    )


def rows(table, **view):
    """Give the rows that a view shows, all pages of them."""
    return [table.row(index) for index in table.matching(View(**view))]


def test_pages(table):
    """A page has 50 rows, the last one fewer, and beyond the last one is the last one."""
    pages = [table.page(View(page=number)) for number in (0, 4, 99)]
    assert [(page.number, len(page.rows)) for page in pages] == [(0, PAGE), (4, 40), (4, 40)]
    assert {(page.pages, page.total) for page in pages} == {(5, 240)}


def test_nothing(table):
    """What matches nothing is one empty page; so is an empty Store."""
    for page in (table.page(View(search="nowhere")), Table(contents_of([])).page(View(search="x"))):
        assert (page.rows, page.number, page.pages, page.total) == ([], 0, 1, 0)


def test_all_words_in_any_column(table):
    """A row is found if every word occurs in it, in any column, whatever the case."""
    assert [row[:3] for row in rows(table, search="S1 PROD0 file-07")] == [["S1", "Prod0", "file-07.txt"]]
    wanted = table.row(100)
    assert rows(table, search=wanted[3][:12].upper()) == [wanted]


def test_filters(table):
    """Filters for event and production let only those pass, also together with a search."""
    assert {tuple(row[:2]) for row in rows(table, event="S2", production="Prod1")} == {("S2", "Prod1")}
    assert len(rows(table, production="Prod0")) == 120
    assert len(rows(table, event="S0", search="file-1")) == 20
    assert rows(table, event="S9") == []


def test_choices(table):
    """Events and productions come with how many records they have."""
    assert table.event_choices() == [("S0", 80), ("S1", 80), ("S2", 80)]
    assert table.production_choices("S1") == [("Prod0", 40), ("Prod1", 40)]
    assert table.production_choices(None) == [("Prod0", 120), ("Prod1", 120)]


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("search", ["", "file-1"])
def test_order(table, column, descending, search):
    """Every column sorts, both ways, with a search and without."""
    place = COLUMNS.index(column)
    found = [row[place] for row in rows(table, sort=column, descending=descending, search=search)]
    assert found == sorted(found, reverse=descending)
    assert len(found) == (60 if search else 240)


def test_going_on_typing(table):
    """Typing on, deleting, and changing filters in between find what a fresh search finds."""
    typed = ["f", "fi", "file", "file-1", "file-12", "file-1", "file", "file S1", "S1", ""]
    for event in (None, "S1", None):
        for search in typed:
            view = View(search=search, event=event)
            assert table.matching(view) == Table(table.contents).matching(view)


@given(
    keys=st.lists(st.tuples(*[st.sampled_from(WORDS)] * 3), max_size=30),
    searches=st.lists(st.lists(st.sampled_from([*WORDS, "p", "s", "A"]), max_size=3).map(" ".join), max_size=5),
)
def test_a_search_is_what_it_says(keys, searches):
    """Whatever was searched before, a search finds just the rows that hold all its words."""
    table = Table(contents_of(keys))
    for search in searches:
        words = search.casefold().split()
        texts = ["\n".join(table.row(index)).casefold() for index in range(len(table))]
        expected = [index for index, text in enumerate(texts) if all(word in text for word in words)]
        assert expected == list(table.matching(View(search=search)))

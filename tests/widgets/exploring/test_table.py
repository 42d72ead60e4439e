"""The Explorer's table: search, filters, order and pages over the columns of a Store."""

from __future__ import annotations

import hashlib
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asimov.storage._model.snapshot import Contents
from asimov.storage.widgets._exploring.table import Table
from asimov.storage.widgets._exploring.view import PAGE, Choices, View
from asimov.storage.widgets._exploring.view import RECORDED as COLUMNS

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


def test_all_words_in_any_name(table):
    """A row is found if every word occurs in its names, whatever the case."""
    assert [row[:3] for row in rows(table, search="S1 PROD0 file-07")] == [["S1", "Prod0", "file-07.txt"]]
    assert len(rows(table, search="12")) == 6


@pytest.mark.parametrize("column", [3, 4])
def test_a_digest_by_its_beginning(table, column):
    """Six digits or more find the hash or uuid that begins with them; fewer don't, nor do those of its middle."""
    wanted = table.row(100)
    for digits in (6, 12, 32):
        assert rows(table, search=wanted[column][:digits].upper()) == [wanted]
        assert rows(table, search=f"{wanted[2]} {wanted[column][:digits]}") == [wanted]
    assert rows(table, search=wanted[column][1:9]) == rows(table, search=wanted[column][:5]) == []
    for digits in (3, 5, 6, 9, 6, 5):  # typed on, and deleted
        assert len(rows(table, search=wanted[column][:digits])) == (1 if digits > 5 else 0)


def test_filters(table):
    """Filters for event and production let only those pass, also together with a search."""
    assert {tuple(row[:2]) for row in rows(table, event="S2", production="Prod1")} == {("S2", "Prod1")}
    assert len(rows(table, production="Prod0")) == 120
    assert len(rows(table, event="S0", search="file-1")) == 20
    assert rows(table, event="S9") == []


def test_choices(table):
    """Events and productions come with how many records they have."""
    assert table.event_choices() == Choices(most=[("S0", 80), ("S1", 80), ("S2", 80)], total=3)
    assert table.production_choices("S1") == Choices(most=[("Prod0", 40), ("Prod1", 40)], total=2)
    assert table.production_choices(None) == Choices(most=[("Prod0", 120), ("Prod1", 120)], total=2)
    assert table.production_choices("S9") == Choices(most=[], total=0)


def test_choices_of_many():
    """Of more than 200 events those with the most records are offered, with how many there are."""
    keys = [(f"S{event:03}", "Prod0", f"file-{number}") for event in range(250) for number in range(1 + event // 50)]
    choices = Table(contents_of(keys)).event_choices()
    assert (len(choices.most), choices.total) == (200, 250)
    assert choices.most[0] == ("S050", 2)


def test_events_that_do_not_exist_are_not_kept(table):
    """Whoever asks for the productions of one unknown event after the other takes no memory."""
    for number in range(1000):
        table.page(View(event=f"unknown-{number}"))
        table.production_choices(f"unknown-{number}")
    kept = [len(value) for value in vars(table).values() if isinstance(value, dict)]
    assert max(kept) <= 10


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("search", ["", "file-1"])
def test_order(table, column, descending, search):
    """Every column sorts, both ways, with a search and without."""
    place = COLUMNS.index(column)
    found = [row[place] for row in rows(table, sort=column, descending=descending, search=search)]
    assert found == sorted(found, reverse=descending)
    assert len(found) == (60 if search else 240)


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("search", ["", "file-1"])
def test_order_of_equals(table, column, descending, search):
    """Rows that are equal in the column sorted by stay in the order of the Store, both ways."""
    place = COLUMNS.index(column)
    found = list(table.matching(View(sort=column, descending=descending, search=search)))
    assert found == sorted(sorted(found), key=lambda index: table.row(index)[place], reverse=descending)


@pytest.fixture
def restless():
    """Let threads take turns all the time."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_a_search_before_all_is_prepared(restless):
    """What a search needs is built once, also if several ask for it at once."""
    table = Table(contents_of(("S1", "Prod0", f"file-{number}") for number in range(5000)))
    together = Barrier(4)
    with ThreadPoolExecutor(4) as pool:
        built = list(pool.map(lambda _: together.wait(20) >= 0 and table._names(), range(4)))
    assert all(rows is built[0] for rows in built)


@pytest.mark.parametrize("typed", ["Pr\u00e4zession", "Pra\u0308zession", "PRA\u0308ZESSION"])
@pytest.mark.parametrize("stored", ["Pr\u00e4zession.txt", "Pra\u0308zession.txt"])
def test_composed_and_decomposed(typed, stored):
    """A name is found whether its accents are stored and typed as letters of their own or not."""
    table = Table(contents_of([("S1", "Prod0", stored), ("S1", "Prod0", "Prazession.txt")]))
    assert [row[2] for row in rows(table, search=typed)] == [stored]


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
    """Whatever was searched before, a search finds just the rows in whose names all its words occur."""
    table = Table(contents_of(keys))
    for search in searches:
        words = search.casefold().split()
        texts = ["\n".join(table.row(index)[:3]).casefold() for index in range(len(table))]
        expected = [index for index, text in enumerate(texts) if all(word in text for word in words)]
        assert expected == list(table.matching(View(search=search)))

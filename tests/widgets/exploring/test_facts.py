"""What the disk knows of the files of a table: filters and orders by it, and what is kept when the Store grows."""

from __future__ import annotations

import os

import pytest

from asimov.storage.widgets._exploring.facts import MISSING, UNKNOWN, Facts
from asimov.storage.widgets._exploring.table import Table
from asimov.storage.widgets._exploring.view import View
from asimov.storage.widgets._link.progress import Cancelled, Progress

DAY = 86_400_000  # ms


@pytest.fixture
def filled(store, tmp_path):
    """A Store of five files of 10, 20, ... bytes, added a day apart; the last is missing, and two were verified."""
    for number in range(5):
        path = tmp_path / f"file-{number}"
        path.write_text(f"{number}".ljust(10 * (number + 1)))
        store.add_file("S1", f"P{number // 2}", path)
        stored = store.fetch_file("S1", f"P{number // 2}", f"file-{number}")
        os.utime(stored, ns=(number * DAY * 10**6,) * 2)
    stored.unlink()
    store.verify(event="S1", production="P0")
    return store


@pytest.fixture
def table(filled):
    """Its table, of which nothing was looked up."""
    contents = filled.backend.contents()
    return Table(contents, Facts(filled, contents))


def files(table, **view):
    """Give the files that a view shows."""
    return [table.row(index)[2] for index in table.matching(View(**view))]


def test_filters(table):
    """Size, time of the add and verification filter; what isn't known yet doesn't."""
    wanted = {"larger_than": 30, "added_from": DAY, "sort": "size", "descending": True}
    assert len(files(table, **wanted)) == 5
    table.facts.look(Progress(lambda: None))
    assert files(table, **wanted) == ["file-3"]
    assert files(table, larger_than=20) == ["file-2", "file-3"]
    assert files(table, added_from=DAY, added_to=3 * DAY) == ["file-1", "file-2"]
    assert files(table, added_to=DAY) == ["file-0"]
    assert len(files(table, not_verified_since=0)) == 5
    table.facts.read_verifications()
    assert files(table, not_verified_since=0) == ["file-2", "file-3", "file-4"]
    assert len(files(table, not_verified_since=2**45)) == 5
    assert files(table, failed=True) == []


def test_orders(table):
    """Size, time and verification sort, both ways; what is missing comes first."""
    table.facts.look(Progress(lambda: None))
    table.facts.read_verifications()
    assert files(table, sort="size") == ["file-4", "file-0", "file-1", "file-2", "file-3"]
    assert files(table, sort="added", descending=True)[0] == "file-3"
    assert files(table, sort="verified")[:3] == ["file-2", "file-3", "file-4"]


def test_a_look_that_was_cancelled_goes_on(table):
    """What was found before a look was cancelled is kept, and not looked at again."""
    progress = Progress(lambda: None)
    progress.cancel()
    with pytest.raises(Cancelled):
        table.facts.look(progress)
    assert not table.facts.complete
    assert table.facts.sizes.count(UNKNOWN) == 4
    table.facts.look(Progress(lambda: None))
    assert table.facts.sizes.tolist() == [10, 20, 30, 40, MISSING]


def test_a_store_that_grew(filled, table, tmp_path):
    """After a refresh only the files that are new are to be looked at."""
    table.facts.look(Progress(lambda: None))
    (tmp_path / "new").write_text("new")
    filled.add_file("S0", "P0", tmp_path / "new")
    contents = filled.backend.contents()
    facts = Facts(filled, contents)
    facts.take(table.facts)
    assert facts.sizes.tolist() == [UNKNOWN, 10, 20, 30, 40, MISSING]
    assert facts.added[2] == DAY

"""The Explorer's state: traits that Python sets, and what they refuse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pandas as pd
import pytest
import traitlets

from asimov.storage.widgets import Explorer
from asimov.storage.widgets._exploring.view import DEFAULT_COLUMNS


@pytest.fixture
def explorer(store):
    """An Explorer over an empty Store."""
    explorer = Explorer(store)
    yield explorer
    explorer.close()


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("2026-11-26T09:00+01:00", 1_795_680_000_000),
        (datetime(2026, 11, 26, 8, tzinfo=UTC), 1_795_680_000_000),
        (datetime(2026, 11, 26, 9, tzinfo=timezone(timedelta(hours=1))), 1_795_680_000_000),
        (pd.Timestamp("2026-11-26 08:00", tz="UTC"), 1_795_680_000_000),
        ("never", 0),
        (None, None),
    ],
)
def test_moments(explorer, given, sent):
    """A time may be given as people and libraries have it; a page gets ms since 1970, and sends the same."""
    explorer.added_from = given
    assert explorer.get_state("added_from") == {"added_from": sent}
    before = explorer.added_from
    explorer.set_state({"added_from": sent})
    assert explorer.added_from == before


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("added_from", "yesterday", "ISO|2026"),
        ("added_to", pd.NaT, "2026"),
        ("added_to", "1969-01-01", "1970"),
        ("search", 7, "a str"),
        ("search", "x" * 1001, "1,000"),
        ("event", 7, "a str"),
        ("sort", "colour", "'colour' is no column.* verified"),
        ("sort", 7, "7 is no column"),
        ("columns", ["colour"], "'colour' is no column.* event"),
        ("columns", "file", "no column.* event"),
        ("retracted", "yes", "retracted"),
        ("opened", ("S1", "Prod0"), "event, production, file"),
        ("opened", ("S1", "Prod0", ""), "event, production, file"),
        ("page", -1, "page|minimum|0"),
        ("larger_than", "large", "larger_than|int"),
    ],
)
def test_what_is_refused(explorer, store, name, value, words):
    """What can't be meant is refused in words, also as an argument, and changes nothing."""
    before = getattr(explorer, name)
    with pytest.raises(traitlets.TraitError, match=words):
        setattr(explorer, name, value)
    assert getattr(explorer, name) == before
    with pytest.raises(traitlets.TraitError, match=words):
        store.explore(**{name: value})


def test_columns_and_places(explorer):
    """Columns are shown in the order of the table, the file's name always; names may be objects that have one."""

    class Event:
        name = "GW150914"

    assert explorer.columns == DEFAULT_COLUMNS
    explorer.columns = ["uuid", "event"]
    assert explorer.columns == ("event", "file", "uuid")
    explorer.event = Event()
    assert explorer.event == "GW150914"
    explorer.opened = [Event(), "Prod0", "f"]
    assert explorer.opened == ("GW150914", "Prod0", "f")


def test_the_first_page_is_what_was_asked_for(store, tmp_path):
    """An Explorer that is made with a search, an order and a page begins with them."""
    for number in range(3):
        (tmp_path / f"file-{number}").write_text(f"{number}")
        store.add_file("S1", "P0", tmp_path / f"file-{number}")
    explorer = store.explore(search="file", sort="file", descending=True)
    assert [row[2] for row in explorer._initial["page"]["rows"]] == ["file-2", "file-1", "file-0"]
    assert explorer._initial["view"]["search"] == "file"
    explorer.close()

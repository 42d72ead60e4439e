"""What add_files takes: tuples, rows with names, tables."""

from __future__ import annotations

from io import StringIO
from types import SimpleNamespace

import pandas as pd
import pytest
from damage import contents, keys, md5

from asimov.storage import HashError, InvalidNameError, Store

EXPECTED = [("S1", "Prod0", "a"), ("S2", "Prod1", "b")]


@pytest.fixture
def frame(source):
    """A table of two files to add, its columns in no order of ours."""
    return pd.DataFrame(
        {
            "note": ["x", "y"],
            "production": ["Prod0", "Prod1"],
            "path": [str(source("first", b"a")), str(source("second", b"b"))],
            "new_name": ["a", "b"],
            "event": ["S1", "S2"],
            "hash": [md5(b"a"), md5(b"b").upper()],
        }
    )


FORMS = {
    "frame": lambda frame: frame,
    "index": lambda frame: frame.set_index(["production", "event"]),
    "iterrows": lambda frame: frame.iterrows(),
    "itertuples": lambda frame: frame.itertuples(),
    "dicts": lambda frame: frame.to_dict("records"),
    "structured array": lambda frame: frame.to_records(),
    "objects": lambda frame: [SimpleNamespace(**row) for row in frame.to_dict("records")],
    "called file": lambda frame: frame.rename(columns={"path": "file"}),
    "file and path": lambda frame: frame.rename(columns={"new_name": "file"}),
    "tuples": lambda frame: frame[["event", "production", "path", "new_name"]].itertuples(index=False, name=None),
    "lists": lambda frame: frame[["event", "production", "path", "new_name"]].to_numpy().tolist(),
    "array": lambda frame: frame[["event", "production", "path", "new_name"]].to_numpy(),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_rows_are_read_by_name(store, frame, form):
    """Rows with names are stored under the event, production and name that they say, whatever their order."""
    added = store.add_files(form(frame))
    assert keys(store) == EXPECTED
    assert [one["hash"] for one in added] == [md5(b"a"), md5(b"b")]


ONE = {
    "dict": lambda frame: frame.to_dict("records")[0],
    "Series": lambda frame: frame.iloc[0],
    "tuple": lambda frame: tuple(frame.loc[0, ["event", "production", "path", "new_name"]]),
    "pair": lambda frame: next(frame.iterrows()),
}


@pytest.mark.parametrize("one", ONE.values(), ids=ONE)
def test_one_row_is_one_file(store, frame, one):
    """A single row is one file to add."""
    store.add_files(one(frame))
    assert keys(store) == EXPECTED[:1]


def test_empty_cells_are_not_given(store, frame):
    """Without a new_name a file has its own name, and without a hash it is stored as it is."""
    frame.loc[0, ["new_name", "hash"]] = None
    store.add_files(frame)
    assert keys(store) == [("S1", "Prod0", "first"), ("S2", "Prod1", "b")]


def test_the_hash_of_a_row_is_compared(store, frame):
    """A row whose file hasn't the hash that it says is a HashError, and nothing is stored."""
    before = contents(store.root)
    for wrong in ("0" * 32, "", "md5:"):
        frame.loc[1, "hash"] = wrong
        with pytest.raises(HashError):
            store.add_files(frame)
    assert contents(store.root) == before


def test_rows_of_another_store_can_be_added(store, frame, tmp_path):
    """The rows of to_frame(stat=True), and Checks, copy files from one Store into another under their names."""
    store.add_files(frame)
    for number, rows in enumerate([store.to_frame(stat=True), store.verify().results]):
        copy = Store.create(tmp_path / f"copy{number}", "Copy")
        copy.add_files(rows)
        assert keys(copy) == EXPECTED
        assert copy.verify().ok


REFUSED = {
    "two columns of one name": lambda frame: pd.concat([frame, frame[["event"]]], axis=1),
    "no event": lambda frame: frame.drop(columns="event"),
    "no path": lambda frame: frame.drop(columns="path"),
    "an empty path": lambda frame: frame.assign(path=[None, None]),
    "dicts without a path": lambda frame: frame.drop(columns="path").to_dict("records"),
    "a path that is none": lambda _: [("S1", "Prod0", 3)],
    "a Series as a path": lambda frame: [("S1", "Prod0", frame["path"])],
    "an open file": lambda _: [("S1", "Prod0", StringIO("x"))],
    "a str of three letters": lambda _: ["abc"],
    "a str": lambda _: "abc",
    "a set": lambda _: [{"S1", "Prod0", "x"}],
    "nothing": lambda _: None,
    "an event as a column": lambda frame: [(frame["event"], "Prod0", frame["path"][0])],
}


@pytest.mark.parametrize("wrong", REFUSED.values(), ids=REFUSED)
def test_what_names_no_file_is_refused(store, frame, wrong):
    """What says not which file, or not where to, is refused in one line before anything is touched."""
    before = contents(store.root)
    with pytest.raises((TypeError, ValueError)) as caught:
        store.add_files(wrong(frame))
    assert "\n" not in str(caught.value)
    assert contents(store.root) == before


def test_a_record_does_not_say_where_its_file_is(store, frame, tmp_path):
    """Records to add are refused, with a word on what to give instead."""
    store.add_files(frame)
    with pytest.raises(TypeError, match=r"to_frame\(stat=True\)"):
        Store.create(tmp_path / "copy", "Copy").add_files(store)


def test_a_wrong_name_in_a_row(store, frame):
    """A row whose name can't be one is an InvalidNameError."""
    with pytest.raises(InvalidNameError):
        store.add_files(frame.assign(new_name="a/b"))

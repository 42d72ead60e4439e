"""Notes on a record: what they may hold, that they are kept as given, and the stamp of a Store."""

from __future__ import annotations

import datetime
import getpass
import platform

import numpy as np
import pandas as pd
import pytest
import yaml
from damage import manifest_of, run_python
from hypothesis import given
from hypothesis import strategies as st

from asimov.storage import Store
from asimov.storage._format import entries, further
from asimov.storage._model.record import Record
from asimov.storage._operations.meta import DEEPEST, LARGEST, checked

NOTES = {"analyst": "Jane Doe", "snr": 24.5, "run": 7, "final": True, "comment": None, "detectors": ["H1", "L1"]}
PLAIN = ["event", "production", "file", "hash", "uuid"]
NESTED = {"sampler": {"name": "dynesty", "settings": {"nlive": 1000}}, "yes": "no", "odd key: #": "a\nb\u2028"}


@pytest.mark.parametrize("notes", [NOTES, NESTED, {"κλειδί": "τιμή"}, {"big": 2**200, "small": 1e-300}])
def test_notes_are_kept_as_given(store, source, notes):
    """What is noted with a file is in its record, in every process, before and after the fold, under the key meta."""
    store.add_file("E", "P", source("a"), meta=notes)
    assert store["E", "P", "a"].meta == notes
    assert Store(store.root)["E", "P", "a"].meta == notes
    store.fold()
    on_disk = yaml.safe_load(manifest_of(store).read_bytes())["events"]["E"]["P"]["a"]
    assert on_disk["meta"] == notes
    assert sorted(on_disk) == ["hash", "meta", "uuid"]


def test_a_record_without_notes_is_as_ever(store, source):
    """Without notes a record has nothing but hash and uuid, and its notes are an empty mapping."""
    store.add_files([("E", "P", source("a"), None, None), ("E", "P", source("b", b"b"), "c", {})])
    assert [dict(record.meta) for record in store] == [{}, {}]
    assert b"meta" not in manifest_of(store).read_bytes()


def test_notes_are_read_only(store, source):
    """The notes of a record can't be changed by mistake."""
    store.add_file("E", "P", source("a"), meta=NOTES)
    record = store["E", "P", "a"]
    with pytest.raises(TypeError):
        record.meta["snr"] = 0
    assert record.meta == NOTES


def test_every_way_in_takes_notes(store, source):
    """add_files takes notes as a fifth place, and as a column; new_file takes them, too."""
    store.add_files(
        [
            ("E", "P", source("a", b"a"), None, {"n": 1}),
            {"event": "E", "production": "P", "path": source("b", b"b"), "meta": {"n": 2}},
        ]
    )
    store.add_files(
        pd.DataFrame({"event": ["E"], "production": ["P"], "path": [source("c", b"c")], "meta": [{"n": 3}]})
    )
    with store.new_file("E", "P", "d", meta={"n": 4}) as file:
        file.write(b"d")
    assert [record.meta["n"] for record in store] == [1, 2, 3, 4]


def test_values_of_other_libraries(store, source):
    """Numbers of numpy become Python's, tuples lists, and dates text."""
    notes = {
        "snr": np.float64(3.5),
        "n": np.int32(3),
        "t": (1, 2),
        "day": datetime.date(2026, 11, 26),
        "on": np.bool_(1),
    }
    store.add_file("E", "P", source("a"), meta=notes)
    found = dict(store["E", "P", "a"].meta)
    assert found == {"snr": 3.5, "n": 3, "t": [1, 2], "day": "2026-11-26", "on": True}


def _deep(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("notes", "error", "words"),
    [
        ("Jane", TypeError, "takes a mapping"),
        ([("a", 1)], TypeError, "takes a mapping"),
        ({1: "a"}, TypeError, "keys are texts"),
        ({"a": {1: "a"}}, TypeError, "keys are texts"),
        ({"": "a"}, ValueError, "empty key"),
        ({"a": {"": 1}}, ValueError, "empty key"),
        ({"hash": "a"}, ValueError, "'hash' can't be a key"),
        ({"added": "a"}, ValueError, "'added' can't be a key"),
        ({"retracted": "a"}, ValueError, "'retracted' can't be a key"),
        ({"a": b"bytes"}, TypeError, "it takes texts, numbers"),
        ({"a": object()}, TypeError, "it takes texts, numbers"),
        ({"a": {1, 2}}, TypeError, "it takes texts, numbers"),
        ({"a": np.arange(3)}, TypeError, "array.tolist()"),
        ({"a": "\ud800"}, ValueError, "lone surrogate"),
        ({"\ud800": "a"}, ValueError, "lone surrogate"),
        ({"a": 2**2000}, ValueError, "1024 bits"),
        ({"a": "x" * LARGEST}, ValueError, "16,384 are for the notes of one record"),
        ({"a": _deep(DEEPEST + 1)}, ValueError, "in each other"),
    ],
)
def test_bad_notes_are_refused(store, source, notes, error, words):
    """Notes that can't be held are refused before anything is touched."""
    before = sorted(store.root.rglob("*"))
    with pytest.raises(error, match=words.replace("(", r"\(").replace(")", r"\)")):
        store.add_file("E", "P", source("a"), meta=notes)
    with pytest.raises(error), store.new_file("E", "P", "b", meta=notes):
        raise AssertionError
    assert sorted(store.root.rglob("*")) == before


def test_the_largest_and_deepest_notes(store, source):
    """Notes of just the size and depth that is allowed are kept."""
    large = {"a": "x" * (LARGEST - len(further.of_values({"meta": {"a": ""}}).encode()) + 2)}
    store.add_file("E", "P", source("a", b"a"), meta=large)
    store.add_file("E", "P", source("b", b"b"), meta={"a": _deep(DEEPEST - 1)})
    store.fold()
    again = Store(store.root)
    assert again["E", "P", "a"].meta == large
    assert again["E", "P", "b"].meta == {"a": _deep(DEEPEST - 1)}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(min_size=1, max_size=12).map("k".__add__), VALUES, min_size=1, max_size=4))
def test_any_notes_survive_entry_and_manifest(notes):
    """Whatever may be noted is read from an entry, and from the lines of a manifest, as it was given."""
    plain = checked(notes)
    record = Record.of(("E", "P", "f"), "0" * 32, "1" * 32, further.of_values({"meta": plain}))
    assert record.meta == plain
    (read,) = entries.read(entries.write([record])).records
    assert (read, read.further_lines) == (record, record.further_lines)


def test_a_record_that_is_there_keeps_its_notes(store, source):
    """A job that runs again gets the first record, with the first notes."""
    first = store.add_file("E", "P", source("a"), meta={"n": 1})
    again = store.add_file("E", "P", source("a"), duplicate="skip", meta={"n": 2})
    assert first == again
    assert store["E", "P", "a"].meta == {"n": 1}


# Stamps.


def test_a_stamp_says_when_and_who(tmp_path, source):
    """In a Store with a stamp each record says when it was added, in UTC, and by whom."""
    store = Store.create(tmp_path / "stamped", "Stamped", stamp=True)
    before = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    store.add_file("E", "P", source("a", b"a"), meta={"n": 1})
    with store.new_file("E", "P", "b") as file:
        file.write(b"b")
    for record in Store(store.root):
        added = datetime.datetime.fromisoformat(record.meta["added"])
        assert before <= added <= datetime.datetime.now(datetime.UTC)
        assert record.meta["by"] == f"{getpass.getuser()}@{platform.node()}"
    assert store["E", "P", "a"].meta["n"] == 1
    assert store.manifest.data["stamp"] is True


def test_a_copy_keeps_the_stamp(tmp_path, source):
    """to_frame's `added` is the time of the stamp, whatever the times of the files are."""
    store = Store.create(tmp_path / "stamped", "Stamped", stamp=True)
    store.add_file("E", "P", source("a"))
    expected = pd.Timestamp(store["E", "P", "a"].meta["added"])
    path = store.fetch_file("E", "P", "a")
    path.chmod(0o644)
    import os

    os.utime(path, (10**9, 10**9))
    frame = store.to_frame(stat=True)
    assert list(frame["added"]) == [expected]
    assert frame["added"].dtype == "datetime64[ns, UTC]"
    assert list(frame.columns) == list(Store.create(tmp_path / "plain", "Plain").to_frame(stat=True).columns)


def test_a_stamp_is_one_of_the_stores_properties(tmp_path):
    """exist_ok opens a Store only if it has the stamp that is asked for."""
    Store.create(tmp_path / "s", "S", stamp=True)
    assert len(Store.create(tmp_path / "s", "S", stamp=True, exist_ok=True)) == 0
    with pytest.raises(FileExistsError, match="created with stamp=True, not stamp=False"):
        Store.create(tmp_path / "s", "S", exist_ok=True)


def test_another_process_stamps_too(tmp_path):
    """The stamp is kept in the manifest, so that every process that adds gives one."""
    Store.create(tmp_path / "s", "S", stamp=True)
    code = "import sys\nfrom asimov.storage import Store\nwith Store(sys.argv[1]).new_file('E', 'P', 'a'): pass"
    assert run_python(code, tmp_path / "s").returncode == 0
    assert set(Store(tmp_path / "s")["E", "P", "a"].meta) == {"added", "by"}


# Tables.


def test_to_frame_has_a_column_for_each_key(store, source):
    """to_frame(meta=True) has the notes by key, sorted, after the other columns; NA where a record has none."""
    store.add_file("E", "P", source("a", b"a"), meta={"snr": 3, "who": "Jane"})
    store.add_file("E", "P", source("b", b"b"), meta={"note": {"deep": [1]}})
    frame = store.to_frame(meta=True)
    assert list(frame.columns) == [*PLAIN, "note", "snr", "who", "retracted", "superseded_by"]
    assert frame["snr"][0] == 3
    assert frame["who"].isna().tolist() == [False, True]
    assert frame["who"].dtype == frame["file"].dtype
    assert frame["note"][1] == {"deep": [1]}
    assert list(store.to_frame(stat=True, meta=True).columns)[:5] == list(frame.columns)[:5]
    assert list(store.to_frame().columns) == PLAIN

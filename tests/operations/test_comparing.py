"""Store.diff: what two Stores, or a Store and a table, don't have in common."""

from __future__ import annotations

import pandas as pd
import pytest
from damage import manifest_of, md5

from asimov.storage import Store
from asimov.storage._model.names import Key
from asimov.storage._operations.comparing import Side, differences

COLUMNS = ["event", "production", "file", "hash", "other_hash", "difference"]
A, B = md5(b"a"), md5(b"b")


@pytest.fixture
def other(tmp_path):
    """Another Store, empty."""
    return Store.create(tmp_path / "other", "Other Store")


@pytest.fixture
def pair(store, other, source):
    """Two Stores: one file is in both, one here, one there, and one is named alike."""
    a, b = source("a", b"a"), source("b", b"b")
    store.add_files([("S1", "P", a, "same"), ("S1", "P", a, "here"), ("S2", "P", a, "odd")], duplicate="link")
    other.add_files([("S1", "P", a, "same"), ("S1", "P", a, "there"), ("S2", "P", b, "odd")], duplicate="link")
    return store, other


def rows(frame):
    """List the rows of a frame, with None for NA."""
    assert list(frame.columns) == COLUMNS
    return [tuple(None if pd.isna(value) else value for value in row) for row in frame.itertuples(index=False)]


EXPECTED = [
    ("S1", "P", "here", A, None, "only here"),
    ("S1", "P", "there", None, A, "only there"),
    ("S2", "P", "odd", A, B, "other bytes"),
]


def test_two_stores(pair):
    """A row for each difference, sorted; what is the same isn't listed."""
    store, other = pair
    assert rows(store.diff(other)) == EXPECTED
    assert rows(store.diff(other.manifest)) == EXPECTED


def test_a_frame(pair):
    """A table of to_frame() stands for the Store at that time; the order of its rows and columns says nothing."""
    store, other = pair
    frame = other.to_frame(stat=True)
    assert rows(store.diff(frame)) == EXPECTED
    turned = frame.iloc[::-1][["hash", "file", "event", "production"]]
    assert rows(store.diff(turned.assign(hash=turned["hash"].str.upper()))) == EXPECTED


def test_no_difference(pair):
    """Without a difference there are no rows; the columns and their dtypes are the same."""
    store, other = pair
    frame = store.diff(store)
    assert rows(frame) == []
    assert [*frame.dtypes[:3]] == [*store.diff(other).dtypes[:3]]


def test_forged(tmp_path, source):
    """Bytes with the same MD5 and another SHA-256 are other bytes, if both Stores have both."""
    stores = [Store.create(tmp_path / name, "Test Store", sha256=True) for name in ("one", "two")]
    for one in stores:
        one.add_file("S1", "P", source("a", b"a"))
    found = stores[0]["S1", "P", "a"].sha256
    path = manifest_of(stores[1])
    stores[1].fold()
    path.write_text(path.read_text().replace(found, "0" * 64))
    two = Store(stores[1].root)
    assert two["S1", "P", "a"].sha256 == "0" * 64
    assert rows(stores[0].diff(two)) == [("S1", "P", "a", A, A, "other bytes")]


@pytest.mark.parametrize(
    ("other", "error", "says"),
    [
        ("store", TypeError, "takes a Store"),
        (None, TypeError, "takes a Store"),
        (pd.DataFrame({"event": ["S1"], "file": ["a"]}), TypeError, "no column production, hash"),
        (pd.DataFrame({"event": [1], "production": ["P"], "file": ["a"], "hash": [A]}), TypeError, "event .* no text"),
        (pd.DataFrame({"event": ["E"], "production": ["P"], "file": ["a"], "hash": ["x"]}), ValueError, "'x'.*no MD5"),
        (
            pd.DataFrame({"event": ["E"] * 2, "production": ["P"] * 2, "file": ["a"] * 2, "hash": [A] * 2}),
            ValueError,
            "several rows",
        ),
    ],
)
def test_makes_no_sense(store, other, error, says):
    """What is neither a Store nor a table of files is refused in words."""
    with pytest.raises(error, match=says):
        store.diff(other)


def test_a_million():
    """A million records are compared by sets: nothing grows with the square of their number."""
    keys: list[Key] = [(f"S{i // 1000}", "P", f"f{i}") for i in range(1_000_000)]
    here, there = Side(dict.fromkeys(keys, A), {}), Side(dict.fromkeys(keys[1:], A), {})
    there.hashes[keys[7]] = B
    assert differences(here, there) == sorted([(keys[0], A, None, "only here"), (keys[7], A, B, "other bytes")])

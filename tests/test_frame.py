from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pandas.testing as tm
import pytest
from damage import flip_bit, md5

from asimov.storage import Store
from asimov.storage._model.check import Status
from asimov.storage.frame import columns_to_frame, records_to_frame, store_to_frame

COLUMNS = ["event", "production", "file", "hash", "uuid"]
STAT_COLUMNS = [*COLUMNS, "size", "added", "path", "verified"]
CHECK_COLUMNS = ["event", "production", "file", "uuid", "hash", "status", "actual", "path", "size", "reason"]
TEXT = pd.Series(["text"]).dtype  # pandas' default: str on 3, object on 2.2


@pytest.fixture
def filled(store, source):
    """A Store of five files: three of GW150914, of two productions, and two of GW170817."""
    for event, production, name in [
        ("GW170817", "shared", "psd.txt"),
        ("GW150914", "Prod1", "samples.json"),
        ("GW150914", "Prod0", "samples.json"),
        ("GW150914", "Prod0", "config.ini"),
        ("GW170817", "Prod0", "samples.json"),
    ]:
        store.add_file(event, production, source(name, f"{event} {production} {name}".encode()))
    return store


def test_rows_are_the_records(filled):
    """A frame has a row for each record, sorted by event, production and file, under a RangeIndex."""
    frame = filled.to_frame()
    assert list(frame.columns) == COLUMNS
    assert list(frame.itertuples(index=False, name=None)) == [
        (r.event, r.production, r.file, r.hash, r.uuid) for r in sorted(filled, key=lambda record: record.key)
    ]
    tm.assert_index_equal(frame.index, pd.RangeIndex(5), exact=True)


def test_text_has_the_default_dtype(filled):
    """Every column of text has the dtype that pandas itself gives to strings."""
    assert dict(filled.to_frame().dtypes) == dict.fromkeys(COLUMNS, TEXT)


@pytest.mark.parametrize("stat", [False, True])
def test_an_empty_store_has_the_same_columns_and_dtypes(store, filled_elsewhere, stat):
    """The frame of an empty Store has no row, and the columns, dtypes and kind of index of any other."""
    empty, full = store.to_frame(stat=stat), filled_elsewhere.to_frame(stat=stat)
    tm.assert_frame_equal(empty, full.iloc[:0].reset_index(drop=True), check_index_type=True)
    assert isinstance(empty.index, pd.RangeIndex)
    tm.assert_frame_equal(pd.concat([empty, full], ignore_index=True), full)


@pytest.fixture
def filled_elsewhere(tmp_path, source):
    """Another Store, with one file."""
    other = Store.create(tmp_path / "other", "Another")
    other.add_file("S1", "Prod0", source())
    return other


def test_names_that_a_reader_of_tables_would_change(store, source):
    """Names such as NA, 1e5 or 2020-01-01 are text in the frame as they are in the Store."""
    for number, name in enumerate(["NA", "nan", "1e5", "2020-01-01", "no", "é", "漢字"]):
        store.add_file(name, name, source("f", b"%d" % number), name)
    frame = store.to_frame()
    assert sorted(frame["event"]) == sorted(["NA", "nan", "1e5", "2020-01-01", "no", "é", "漢字"])
    assert not frame.isna().to_numpy().any()


def test_stat_looks_at_each_file(filled):
    """With stat=True there are size in bytes, time of the add in UTC, and path."""
    start = pd.Timestamp.now(tz="UTC") - pd.Timedelta(minutes=5)
    frame = filled.to_frame(stat=True)
    assert list(frame.columns) == STAT_COLUMNS
    assert list(frame["path"]) == [str(filled.fetch_file(*record.key)) for record in filled]
    assert list(frame["size"]) == [len(f"{r.event} {r.production} {r.file}") for r in filled]
    assert frame["added"].between(start, pd.Timestamp.now(tz="UTC") + pd.Timedelta(minutes=5)).all()


def test_stat_has_the_promised_dtypes(filled):
    """Size is Int64, added datetime64[ns, UTC], path the default text."""
    dtypes = filled.to_frame(stat=True).dtypes
    assert (str(dtypes["size"]), str(dtypes["added"]), dtypes["path"]) == ("Int64", "datetime64[ns, UTC]", TEXT)


def test_stat_tells_time_to_the_nanosecond(filled):
    """The time of the add is the file's modification time, no digit lost."""
    record = next(iter(filled))
    path = filled.fetch_file(*record.key)
    os.utime(path, ns=(0, 1_700_000_000_123_456_789))
    added = filled.to_frame(stat=True)["added"].iloc[0]
    assert added.value == 1_700_000_000_123_456_789
    assert added.floor("s") == datetime.fromtimestamp(1_700_000_000, tz=UTC)


def test_stat_of_a_missing_file_is_missing(filled):
    """A file that is gone has NA as size and NaT as time, its path all the same, and the others have theirs."""
    record = next(iter(filled))
    path = filled.fetch_file(*record.key)
    path.unlink()
    frame = filled.to_frame(stat=True)
    assert frame["size"].isna().tolist() == [True, False, False, False, False]
    assert frame["added"].isna().tolist() == [True, False, False, False, False]
    assert frame["path"].iloc[0] == str(path)
    assert (str(frame["size"].dtype), str(frame["added"].dtype)) == ("Int64", "datetime64[ns, UTC]")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names that are not UTF-8")
def test_stat_of_a_store_below_a_folder_that_is_not_utf8(tmp_path, source):
    """A root whose name is not UTF-8 can be tabulated, its paths as Python spells them."""
    root = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")
    store = Store.create(root, "latin")
    store.add_file("S1", "Prod0", source())
    assert store.to_frame(stat=True)["path"].tolist() == [str(store.fetch_file("S1", "Prod0", "result.txt"))]


def test_frame_is_of_one_reading(filled, source):
    """Another process's add is in the next frame."""
    Store(filled.root).add_file("S9", "Prod0", source("late", b"late"))
    assert len(filled.to_frame(stat=True)) == 6


def test_groupby_and_filter(filled):
    """Frames group and filter as any other."""
    frame = filled.to_frame(stat=True)
    assert frame.groupby(["event", "production"]).size().to_dict() == {
        ("GW150914", "Prod0"): 2,
        ("GW150914", "Prod1"): 1,
        ("GW170817", "Prod0"): 1,
        ("GW170817", "shared"): 1,
    }
    assert frame.loc[frame["file"].str.endswith(".ini"), "event"].tolist() == ["GW150914"]


@pytest.mark.parametrize("stat", [False, True])
def test_rows_are_a_selection(filled, tmp_path, stat):
    """Rows of a frame can be handed to fetch_files and verify, in their own order."""
    frame = filled.to_frame(stat=stat)
    chosen = frame[frame["file"] == "samples.json"].sort_values("production", ascending=False, kind="stable")
    keys = list(chosen[["event", "production", "file"]].itertuples(index=False, name=None))
    assert filled.fetch_files(chosen) == [filled.fetch_file(*key) for key in keys]
    assert sorted(check.key for check in filled.verify(selection=chosen).results) == sorted(keys)
    assert filled.fetch_files(frame[frame["event"] == "none of that name"]) == []


def test_records_to_frame_keeps_their_order(filled):
    """Chosen records make a frame with the columns of the whole Store's, in their own order, and none an empty one."""
    records = list(filled)[::-1]
    tm.assert_frame_equal(records_to_frame(records), filled.to_frame().iloc[::-1].reset_index(drop=True))
    tm.assert_frame_equal(records_to_frame([]), filled.to_frame().iloc[:0], check_index_type=False)


def test_report_has_a_row_for_each_check(filled):
    """A report's frame has a row for each check, with what was found; all well, actual is hash and reason is NA."""
    report = filled.verify()
    frame = report.to_frame()
    assert list(frame.columns) == CHECK_COLUMNS
    assert frame["status"].tolist() == ["ok"] * 5
    assert frame["actual"].tolist() == frame["hash"].tolist()
    assert frame["reason"].isna().all()
    assert frame["path"].tolist() == [str(check.path) for check in report.results]
    tm.assert_index_equal(frame.index, pd.RangeIndex(5), exact=True)


def test_report_of_damage(filled):
    """In a report's frame a corrupt file has the digest that was found, and a missing one neither digest nor size."""
    first, second, *_ = [filled.fetch_file(*record.key) for record in filled]
    flip_bit(first)
    second.unlink()
    frame = filled.verify().to_frame()
    assert frame["status"].tolist() == ["corrupt", "missing", "ok", "ok", "ok"]
    assert frame["actual"].iloc[0] == md5(first.read_bytes())
    assert frame.loc[1, ["actual", "size"]].isna().all()
    assert frame["reason"].notna().tolist() == [True, True, False, False, False]
    assert all(type(status) is str for status in frame["status"])


def test_report_dtypes_do_not_depend_on_its_contents(store, filled):
    """A report on nothing, one on sound files and one on damaged files have the same dtypes."""
    expected = dict.fromkeys(CHECK_COLUMNS, TEXT) | {"size": pd.Int64Dtype()}
    empty = Store.create(store.root.with_name("empty"), "Empty").verify().to_frame()
    sound = filled.verify().to_frame()
    for record in filled:
        (filled.root / record.event / record.production / record.uuid).unlink()
    lost = filled.verify()
    assert {check.status for check in lost.results} == {Status.MISSING}
    for frame in (empty, sound, lost.to_frame()):
        assert dict(frame.dtypes) == expected


def test_when_files_were_verified(filled):
    """The column verified holds when each file was last found to be sound: NaT before."""
    assert filled.to_frame(stat=True)["verified"].isna().all()
    event = filled.to_frame()["event"].iloc[0]
    start = pd.Timestamp.now(tz="UTC").floor("s")
    filled.verify(event)
    frame = filled.to_frame(stat=True)
    assert str(frame["verified"].dtype) == "datetime64[ns, UTC]"
    assert frame["verified"].notna().tolist() == (frame["event"] == event).tolist()
    assert (frame["verified"].dropna() >= start).all()


def test_a_frame_for_excel(filled):
    """The line of to_frame's docstring takes the time zone off, which Excel has no place for, and nothing else."""
    line = next(line for line in Store.to_frame.__doc__.splitlines() if "tz_localize" in line)
    filled.verify()
    frame = filled.to_frame(stat=True)
    for_excel = eval(line, {"frame": frame})  # noqa: S307 - our own documentation
    assert [str(dtype) for dtype in for_excel.dtypes if "datetime64" in str(dtype)] == ["datetime64[ns]"] * 2
    tm.assert_frame_equal(for_excel.drop(columns=["added", "verified"]), frame.drop(columns=["added", "verified"]))
    assert for_excel["added"].dt.tz_localize("UTC").tolist() == frame["added"].tolist()


@pytest.mark.parametrize("stat", [False, True])
def test_store_to_frame_is_the_stores_own(filled, stat):
    """store_to_frame gives what Store.to_frame gives."""
    tm.assert_frame_equal(store_to_frame(filled, stat=stat), filled.to_frame(stat=stat))


def test_columns_to_frame_needs_no_store():
    """Columns and what was found of the files make a table, without a Store: NA and NaT where a file is missing."""
    keys = [("S1", "Prod0", "a"), ("S1", "Prod0", "b")]
    files = [(Path("/s/a"), 7, 1_700_000_000_000_000_001), (Path("/s/b"), None, None)]
    frame = columns_to_frame(keys, ["0" * 32] * 2, ["1" * 32] * 2, files=files, verified=[None, 1_700_000_000])
    assert list(frame.columns) == STAT_COLUMNS
    assert frame["path"].tolist() == ["/s/a", "/s/b"]
    assert frame["size"].isna().tolist() == frame["added"].isna().tolist() == [False, True]
    assert frame["verified"].isna().tolist() == [True, False]
    assert frame["added"].iloc[0].value == 1_700_000_000_000_000_001
    assert frame["verified"].iloc[1] == pd.Timestamp(1_700_000_000, unit="s", tz="UTC")


def test_overview(store, tmp_path):
    """The overview counts the files of each production of each event, in order, with 0 where there is none."""
    for event, production, name in (("S1", "P1", "b"), ("S0", "P0", "a"), ("S1", "P0", "a"), ("S1", "P1", "c")):
        (tmp_path / "file").write_text(f"{event} {production} {name}")
        store.add_file(event, production, tmp_path / "file", name)
    overview = store.overview()
    assert (overview.index.tolist(), overview.columns.tolist()) == (["S0", "S1"], ["P0", "P1"])
    assert (overview.index.name, overview.columns.name) == ("event", "production")
    assert overview.to_numpy().tolist() == [[1, 0], [1, 2]]
    assert set(map(str, overview.dtypes)) == {"int64"}

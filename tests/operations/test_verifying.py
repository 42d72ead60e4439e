"""Store.verify and its report."""

from __future__ import annotations

import multiprocessing
import os
import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from datetime import timedelta

import pytest
from damage import (
    AS_ROOT,
    contents,
    flip_bit,
    grow,
    md5,
    ordinary_user,
    replace_by_fifo,
    replace_by_folder,
    replace_by_symlink,
    truncate,
)

from asimov.storage import HashError, RecordNotFoundError, Store

PLACES = [("S1", "Prod0", "a"), ("S1", "Prod0", "b"), ("S1", "Prod1", "c"), ("S2", "Prod0", "d")]


class Stop(Exception):
    """What a test raises in a callback."""


@pytest.fixture
def four(store, source):
    """A Store of four files."""
    store.add_files(
        [(event, production, source(name, name.encode() * 1000)) for event, production, name in reversed(PLACES)]
    )
    return store


def verified(report):
    """List what a report is about."""
    return [(check.event, check.production, check.file) for check in report.results]


def test_all_is_well(four):
    """A sound Store is ok: one Check per record, sorted, with all that the record and the file tell."""
    report = four.verify()
    assert report.ok
    assert (report.root, report.untracked, report.failures) == (four.root, (), ())
    assert verified(report) == PLACES
    record, check = four["S1", "Prod0", "b"], report.results[1]
    path = four.root / "S1" / "Prod0" / record.uuid
    assert (check.uuid, check.hash, check.actual) == (record.uuid, record.hash, record.hash)
    assert (check.status, check.path, check.size) == ("ok", path, 1000)
    report.raise_for_failures()


def test_an_empty_store(store):
    """Verifying an empty Store is ok."""
    report = store.verify()
    assert (report.ok, report.results) == (True, ())


@pytest.mark.parametrize(
    ("damage", "status", "actual"),
    [
        (flip_bit, "corrupt", True),
        (truncate, "corrupt", True),
        (grow, "corrupt", True),
        (os.unlink, "missing", False),
        (replace_by_symlink, "unreadable", False),
        (replace_by_folder, "unreadable", False),
        (replace_by_fifo, "unreadable", False),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_damage(four, damage, status, actual):
    """Each damage has its status and a reason in words; all others are ok; and the report says so wherever it is
    asked.
    """
    path = four.fetch_file("S1", "Prod1", "c")
    damage(path)
    report = four.verify()
    (check,) = report.failures
    assert not report.ok
    assert (check.file, check.status, check.path) == ("c", status, path)
    assert check.actual == (md5(path.read_bytes()) if actual else None)
    assert check.reason
    assert [c.status for c in report.results] == ["ok", "ok", status, "ok"]
    assert report.counts == {
        **dict.fromkeys(("ok", "corrupt", "missing", "unreadable", "retracted"), 0),
        "ok": 3,
        status: 1,
    }
    with pytest.raises(HashError):
        report.raise_for_failures()


def test_missing_folder(four):
    """Files whose whole production is gone are missing."""
    (four.root / "S1" / "Prod1").rename(four.root.parent / "gone")
    assert [check.status for check in four.verify().results] == ["ok", "ok", "missing", "ok"]


def test_unreadable(common_path):
    """A file that may not be read is unreadable, with the reason, not corrupt and not an exception."""
    store = Store.create(common_path / "store", "n")
    with store.new_file("S1", "Prod0", "f") as new:
        new.write(b"f")
    path = store.fetch_file("S1", "Prod0", "f")
    path.chmod(0)
    with ordinary_user():
        (check,) = Store(store.root).verify().results
    assert (check.status, check.actual) == ("unreadable", None)
    assert "ermission" in check.reason


def test_unreadable_folder(common_path):
    """So is one in a folder that may not be entered: it is not missing."""
    store = Store.create(common_path / "store", "n")
    with store.new_file("S1", "Prod0", "f") as new:
        new.write(b"f")
    (store.root / "S1").chmod(0 if not AS_ROOT else 0o700)
    with ordinary_user():
        (check,) = Store(store.root).verify().results
    assert check.status == "unreadable"


# What is verified


@pytest.mark.parametrize(
    ("given", "expected"),
    [((), PLACES), (("S1",), PLACES[:3]), (("S1", "Prod0"), PLACES[:2]), (("S2",), PLACES[3:]), ((None, None), PLACES)],
)
def test_a_part(four, given, expected):
    """An event, and a production of it, narrow the verification down."""
    assert verified(four.verify(*given)) == expected


@pytest.mark.parametrize("given", [("S9",), ("S1", "Prod9"), ("S2", "Prod1")])
def test_a_part_that_is_not_there(four, given):
    """An event or production that the Store does not have is a RecordNotFoundError: nothing is ok by being absent."""
    with pytest.raises(RecordNotFoundError, match=given[-1]):
        four.verify(*given)


def test_selection(four):
    """A selection is Records, keys or rows of a frame; the results are sorted as ever."""
    frame = four.to_frame()
    chosen = [PLACES[3], PLACES[0]]
    for selection in (chosen, iter(chosen), [four[place] for place in chosen], frame[frame.file.isin(["a", "d"])]):
        assert verified(four.verify(selection=selection)) == [PLACES[0], PLACES[3]]
    assert verified(four.verify(selection=frame.query("event == 'S1'"))) == PLACES[:3]
    assert verified(four.verify(selection=[])) == []


def test_selection_of_what_is_not_there(four):
    """A selected key that the Store does not have is a RecordNotFoundError."""
    with pytest.raises(RecordNotFoundError):
        four.verify(selection=[PLACES[0], ("S1", "Prod0", "z")])


def test_selection_of_another_store(four, tmp_path, source):
    """So is a Record of another Store that this one does not have."""
    other = Store.create(tmp_path / "other", "n")
    other.add_file("S7", "Prod0", source("x", b"x"))
    with pytest.raises(RecordNotFoundError):
        four.verify(selection=list(other))


def test_only_what_was_asked_for_is_read(four):
    """Damage elsewhere does not fail the verification of a part."""
    flip_bit(four.fetch_file("S2", "Prod0", "d"))
    assert four.verify("S1").ok
    assert four.verify(selection=PLACES[:3]).ok
    assert not four.verify("S2").ok


# Executors


class Inline(Executor):
    """An executor of the user's own that runs everything at once, as a foreign library's might."""

    def __init__(self):
        self.count = 0

    def submit(self, fn, /, *args, **kwargs):
        """Run `fn` now."""
        self.count += 1
        future: Future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - what is no commit is raised again
            future.set_exception(error)
        return future


EXECUTORS = {
    "threads": lambda: ThreadPoolExecutor(2),
    "one thread": lambda: ThreadPoolExecutor(1),
    "processes": lambda: ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")),
    "inline": Inline,
}


@pytest.mark.parametrize("make", EXECUTORS.values(), ids=EXECUTORS)
def test_any_executor(four, make):
    """Every executor gives the same report, and is left open for its owner."""
    flip_bit(four.fetch_file("S1", "Prod0", "b"))
    expected = four.verify()
    with make() as executor:
        assert four.verify(executor=executor) == expected
        assert executor.submit(abs, -1).result() == 1
    assert [check.status for check in expected.results] == ["ok", "corrupt", "ok", "ok"]


def test_the_executor_does_the_work(four):
    """The executor that is given is the one that is used."""
    executor = Inline()
    four.verify(executor=executor)
    assert executor.count > 0


# Progress


def test_progress(four):
    """Progress is in bytes of what is verified, rises to all of them, on the caller's thread."""
    calls, threads = [], set()

    def progress(done, total):
        calls.append((done, total))
        threads.add(threading.get_ident())

    assert four.verify(progress=progress).ok
    assert calls[-1] == (4000, 4000)
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)
    assert {total for _, total in calls} == {4000}
    assert threads == {threading.get_ident()}
    calls.clear()
    four.verify("S1", progress=progress)
    assert calls[-1] == (3000, 3000)


def test_progress_with_a_missing_file(four):
    """The progress comes to its end where a file is missing too."""
    four.fetch_file("S1", "Prod1", "c").unlink()
    calls = []
    four.verify(progress=lambda done, total: calls.append((done, total)))
    assert calls[-1][0] == calls[-1][1]


@pytest.mark.parametrize("when", [1, 2])
def test_progress_cancels(four, source, when):
    """An exception from progress is the one that verify raises, also in the middle of a big file, and nothing has
    changed.
    """
    four.add_file("S0", "Prod0", source("big", bytes(50_000_000)))
    before, calls = contents(four.root), []

    def progress(done, _total):
        calls.append(done)
        if len(calls) == when:
            raise Stop

    with pytest.raises(Stop):
        four.verify(progress=progress)
    assert contents(four.root) == before
    assert four.verify().ok


# Untracked


def test_untracked(four):
    """Files in folders that records name, which are no record's, are told of, sorted, and do not make ok False."""
    strays = [
        four.root / "S1" / "Prod0" / "stray",
        four.root / "S1" / "Prod1" / ("0" * 32),
        four.root / "S2" / "Prod0" / "z",
    ]
    for stray in strays:
        stray.write_bytes(b"x")
    report = four.verify()
    assert report.ok
    assert list(report.untracked) == strays
    assert all(stray.exists() for stray in strays)


def test_untracked_of_a_part(four):
    """The verification of a part tells of strays in that part."""
    for place in ("S1/Prod0", "S2/Prod0"):
        (four.root / place / "stray").write_bytes(b"x")
    assert list(four.verify("S1").untracked) == [four.root / "S1" / "Prod0" / "stray"]


@pytest.mark.parametrize("name", [".nfs000000000000001", ".DS_Store"])
def test_what_is_not_counted(four, name):
    """What file systems and desktops leave is not counted."""
    (four.root / "S1" / "Prod0" / name).write_bytes(b"x")
    assert four.verify().untracked == ()


def test_notebook_checkpoints_are_not_counted(four):
    """Nor what Jupyter leaves."""
    folder = four.root / "S1" / "Prod0" / ".ipynb_checkpoints"
    folder.mkdir()
    (folder / "x-checkpoint.txt").write_bytes(b"x")
    assert four.verify().untracked == ()


def test_elsewhere_is_not_counted(four):
    """Files beside the productions, and folders that no record names, are somebody else's."""
    (four.root / "README").write_bytes(b"x")
    (four.root / "S1" / "README").write_bytes(b"x")
    (four.root / "S9" / "Prod0").mkdir(parents=True)
    (four.root / "S9" / "Prod0" / "f").write_bytes(b"x")
    assert four.verify().untracked == ()


def test_untracked_link(four):
    """A symbolic link among the files is a stray too, not followed."""
    (four.root / "S1" / "Prod0" / "link").symlink_to("/etc/hostname")
    assert list(four.verify().untracked) == [four.root / "S1" / "Prod0" / "link"]


def test_verifying_changes_nothing(four):
    """Verification leaves a Store as it is, but for the note of when it was, and adds nothing else."""
    home = four.root / ".manifest"
    noting = {home, home / "incoming", home / "verified"}

    def state():
        paths = [path for path in four.root.rglob("*") if path not in noting]
        return {path: (path.lstat().st_mtime_ns, path.lstat().st_mode) for path in [four.root, *paths]}

    before = state()
    four.verify()
    four.verify(since=timedelta(days=1), budget=1)
    assert state() == before


def test_report_as_a_frame(four):
    """report.to_frame() has a row for each Check."""
    flip_bit(four.fetch_file("S1", "Prod0", "b"))
    frame = four.verify().to_frame()
    assert list(frame.status) == ["ok", "corrupt", "ok", "ok"]
    assert list(frame.file) == ["a", "b", "c", "d"]
    assert {"event", "production", "file", "uuid", "hash", "status", "actual", "path", "size"} <= set(frame.columns)

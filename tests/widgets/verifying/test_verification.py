"""Verification: in a thread, shown by phases, and called from Python."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from asimov.storage import StorageError
from asimov.storage.widgets._link.progress import Cancelled
from asimov.storage.widgets._verifying import verification as module
from asimov.storage.widgets._verifying.verification import Verification


def everything():
    """Select all."""


class _Shown:
    """Keeps what a Verification shows; stops at its first state until told to go on."""

    def __init__(self, *, stop=False):
        self.states, self.rows = [], []
        self.under_way, self.go_on = threading.Event(), threading.Event()
        if not stop:
            self.go_on.set()

    def __call__(self, state, rows):
        self.states.append(state)
        self.rows.append(rows)
        self.under_way.set()
        assert self.go_on.wait(20)

    @property
    def phases(self):
        return [state["phase"] for state in self.states]


def test_rows_are_capped_and_the_rest_counted(store, source, monkeypatch):
    """Of many results the first go to the page, failures before others; all are counted."""
    monkeypatch.setattr(module, "ROWS", 3)
    store.add_files([("S1", "Prod0", source(f"file{n}", f"content {n}".encode())) for n in range(6)])
    store.fetch_file("S1", "Prod0", "file5").unlink()
    shown = _Shown()
    verification = Verification(store, everything, shown)
    verification.wait(20)
    assert [row["file"] for row in shown.rows[-1]] == ["file5", "file0", "file1"]
    assert shown.states[-1]["counts"]["ok"] == 5
    verification.close()


def test_cancel_ends_it(store, paths):
    """A cancelled verification gives no report, says how far it came, and can be started again."""
    shown = _Shown(stop=True)
    verification = Verification(store, everything, shown)
    verification.start()
    assert shown.under_way.wait(20)
    verification.cancel()
    shown.go_on.set()
    assert verification.wait(20) is None
    assert (verification.report, shown.phases) == (None, ["verifying", "cancelled"])
    verification.start()
    assert verification.wait(20).ok
    verification.close()


def test_cancel_ends_it_before_the_first_byte(store, source):
    """Where the sizes of many files are looked up first, Cancel ends that too."""
    store.add_files([("S1", "Prod0", source(f"file{n}", f"content {n}".encode())) for n in range(300)])
    told = []

    def progress(done, total):
        told.append((done, total))
        raise Cancelled

    with pytest.raises(Cancelled):
        store.verify(progress=progress)
    assert told == [(0, sum(len(f"content {n}") for n in sorted(range(300), key=str)[:200]))]


def test_counts_are_live(store, paths, monkeypatch):
    """While it runs, counts by status and the failures so far are shown."""
    monkeypatch.setattr("asimov.storage.widgets._link.pace.EVERY", 0.0)
    paths[1].unlink()
    shown = _Shown()
    verification = Verification(store, everything, shown)
    verification.wait(20)
    live = [(state["counts"], rows) for state, rows in zip(shown.states, shown.rows, strict=True)][2:-1]
    assert [sum(counts.values()) for counts, _ in live][:3] == [1, 2, 3]
    assert [[row["file"] for row in rows] for _, rows in live][:3] == [[], ["file1"], ["file1"]]
    verification.close()


def test_the_page_is_updated_five_times_a_second_at_most(store, source):
    """However many files there are, a page gets no more than five updates a second besides the first and the last."""
    store.add_files([("S1", "Prod0", source(f"file{n}", f"content {n}".encode())) for n in range(300)])
    shown = _Shown()
    verification = Verification(store, everything, shown)
    verification.wait(20)
    assert len(shown.states) <= 3 + shown.states[-1]["seconds"] * 5
    verification.close()


def test_one_at_a_time(store, paths):
    """While one runs, a second start is refused, from a page and from Python."""
    shown = _Shown(stop=True)
    verification = Verification(store, everything, shown)
    verification.start()
    assert shown.under_way.wait(20)
    with pytest.raises(StorageError, match="under way"):
        verification.start()
    shown.go_on.set()
    assert verification.wait(20).ok
    verification.close()


def test_waiting_ends_when_the_time_is_up(store, paths):
    """A wait with a timeout comes back without report, and the verification goes on."""
    shown = _Shown(stop=True)
    verification = Verification(store, everything, shown)
    assert verification.wait(0.01) is None
    shown.go_on.set()
    assert verification.wait(20).ok
    verification.close()


def test_the_report_goes_when_another_begins(store, paths):
    """While a second verification runs, there is no report: the first one's would be taken for it."""
    shown = _Shown()
    verification = Verification(store, everything, shown)
    assert verification.wait(20).ok
    shown.go_on.clear()
    shown.under_way.clear()
    verification.start()
    assert shown.under_way.wait(20)
    assert verification.report is None
    shown.go_on.set()
    assert verification.wait(20).ok
    verification.close()


def test_closing_ends_the_thread(store, paths):
    """Closing cancels the verification and ends its thread; afterwards none can be started."""
    shown = _Shown(stop=True)
    verification = Verification(store, everything, shown)
    verification.start()
    assert shown.under_way.wait(20)
    threading.Timer(0.1, shown.go_on.set).start()
    verification.close()
    assert not verification._thread.is_alive()
    with pytest.raises(StorageError, match="was closed"):
        verification.start()


class _Together:
    """A lock for so many threads: each waits until all have come to it."""

    def __init__(self, parties):
        self._barrier, self._lock = threading.Barrier(parties), threading.Lock()

    def __enter__(self):
        self._barrier.wait(20)
        self._lock.acquire()

    def __exit__(self, *_exc):
        self._lock.release()


def test_many_may_wait_at_once(store, paths):
    """Of many that wait at once, when none was started, one starts it, and all get its report."""
    shown = _Shown(stop=True)
    verification = Verification(store, everything, shown)
    lock, verification._lock = verification._lock, _Together(6)
    with ThreadPoolExecutor(6) as threads:
        waiting = [threads.submit(verification.wait, 20) for _ in range(6)]
        assert shown.under_way.wait(20)
        shown.go_on.set()
        reports = [future.result(20) for future in waiting]
    assert reports == [verification.report] * 6
    verification._lock = lock
    verification.close()

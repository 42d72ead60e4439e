"""The Verifier, without kernel and browser."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from damage import flip_bit, md5, replace_by_symlink, truncate

from asimov.storage import ManifestError, RecordNotFoundError, StorageError, VerificationReport
from asimov.storage.widgets import Verifier, _verifier
from asimov.storage.widgets._verifier import Verification


@pytest.fixture
def paths(store, source):
    """Three files in the Store, S1/Prod0/file0 to file2, and their paths there."""
    for number in range(3):
        store.add_file("S1", "Prod0", source(f"file{number}", f"content {number}".encode()))
    return [store.fetch_file("S1", "Prod0", f"file{number}") for number in range(3)]


@pytest.fixture
def verifier(store, paths):
    """A Verifier over that Store."""
    verifier = Verifier(store)
    yield verifier
    verifier.close()


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


def test_a_page_verifies(verifier, page_of):
    """A click verifies all: counts, bytes and rows are shown, and the report is the core's."""
    assert (verifier.report, verifier._shown) == (None, {})
    page_of(verifier).ask("verify/start")
    report = verifier.wait(20)
    assert isinstance(report, VerificationReport)
    assert verifier.report is report
    shown = verifier._shown
    assert (shown["phase"], shown["ok"], shown["done"], shown["total"]) == ("done", True, 27, 27)
    assert shown["counts"] == {"ok": 3, "corrupt": 0, "missing": 0, "unreadable": 0}
    assert [row["file"] for row in verifier._rows] == ["file0", "file1", "file2"]


def test_failures_come_first(verifier, store, paths):
    """Failures stand before what is well, each with its digests, path and reason."""
    flip_bit(paths[1])
    paths[2].unlink()
    report = verifier.wait(20)
    assert [(row["file"], row["status"]) for row in verifier._rows] == [
        ("file1", "corrupt"),
        ("file2", "missing"),
        ("file0", "ok"),
    ]
    corrupt = verifier._rows[0]
    assert (corrupt["expected"], corrupt["actual"]) == (md5(b"content 1"), md5(paths[1].read_bytes()))
    assert (corrupt["path"], corrupt["size"], bool(corrupt["reason"])) == (str(paths[1]), 9, True)
    assert verifier._shown["counts"] == report.counts == {"ok": 1, "corrupt": 1, "missing": 1, "unreadable": 0}
    assert not verifier._shown["ok"]


def test_other_damage_is_told_apart(verifier, paths):
    """A truncated file is corrupt, a symbolic link is not read."""
    truncate(paths[0])
    replace_by_symlink(paths[1])
    verifier.wait(20)
    assert verifier._shown["counts"] == {"ok": 1, "corrupt": 1, "missing": 0, "unreadable": 1}


@pytest.mark.parametrize("kind", ["tuples", "records", "frame", "iterator"])
def test_a_selection_is_verified_again_and_again(store, paths, kind):
    """Only the selection is verified, however it is given, also the second time; the heading counts it."""
    keys = [("S1", "Prod0", "file0"), ("S1", "Prod0", "file2")]
    selection = {
        "tuples": keys,
        "records": [store[key] for key in keys],
        "frame": store.to_frame().query("file != 'file1'"),
        "iterator": iter(keys),
    }[kind]
    verifier = Verifier(store, selection)
    for _ in range(2):
        verifier.start()
        assert [check.file for check in verifier.wait(20).results] == ["file0", "file2"]
    assert verifier._initial["about"] == f"2 selected files, in {store.root}"
    verifier.close()


def test_an_empty_store_is_all_well(store):
    """A Store without files is verified at once."""
    verifier = Verifier(store)
    assert verifier.wait(20).ok
    assert verifier._shown["total"] == 0
    assert verifier._initial == {"store": "Test Store", "about": f"All files, in {store.root}"}
    verifier.close()


def test_untracked_files_are_told(verifier, paths):
    """What lies beside the recorded files is listed, and is no failure."""
    stranger = paths[0].parent / "stranger"
    stranger.write_text("left behind")
    assert verifier.wait(20).ok
    assert (verifier._shown["untracked"], verifier._shown["untracked_total"]) == ([str(stranger)], 1)


def test_rows_are_capped_and_the_rest_counted(store, source, monkeypatch):
    """Of many results the first go to the page, failures before others; all are counted."""
    monkeypatch.setattr(_verifier, "ROWS", 3)
    store.add_files([("S1", "Prod0", source(f"file{n}", f"content {n}".encode())) for n in range(6)])
    store.fetch_file("S1", "Prod0", "file5").unlink()
    shown = _Shown()
    verification = Verification(store, None, shown)
    verification.wait(20)
    assert [row["file"] for row in shown.rows[-1]] == ["file5", "file0", "file1"]
    assert shown.states[-1]["counts"]["ok"] == 5
    verification.close()


def test_cancel_ends_it(store, paths):
    """A cancelled verification gives no report, says how far it came, and can be started again."""
    shown = _Shown(stop=True)
    verification = Verification(store, None, shown)
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
        raise _verifier.Cancelled

    with pytest.raises(_verifier.Cancelled):
        store.verify(progress=progress)
    assert told == [(0, sum(len(f"content {n}") for n in sorted(range(300), key=str)[:200]))]


def test_counts_are_live(store, paths, monkeypatch):
    """While it runs, counts by status and the failures so far are shown."""
    monkeypatch.setattr("asimov.storage.widgets._progress.EVERY", 0.0)
    paths[1].unlink()
    shown = _Shown()
    verification = Verification(store, None, shown)
    verification.wait(20)
    live = [(state["counts"], rows) for state, rows in zip(shown.states, shown.rows, strict=True)][2:-1]
    assert [sum(counts.values()) for counts, _ in live][:3] == [1, 2, 3]
    assert [[row["file"] for row in rows] for _, rows in live][:3] == [[], ["file1"], ["file1"]]
    verification.close()


def test_the_page_is_updated_five_times_a_second_at_most(store, source):
    """However many files there are, a page gets no more than five updates a second besides the first and the last."""
    store.add_files([("S1", "Prod0", source(f"file{n}", f"content {n}".encode())) for n in range(300)])
    shown = _Shown()
    verification = Verification(store, None, shown)
    verification.wait(20)
    assert len(shown.states) <= 3 + shown.states[-1]["seconds"] * 5
    verification.close()


def test_one_at_a_time(store, paths):
    """While one runs, a second start is refused, from a page and from Python."""
    shown = _Shown(stop=True)
    verification = Verification(store, None, shown)
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
    verification = Verification(store, None, shown)
    assert verification.wait(0.01) is None
    shown.go_on.set()
    assert verification.wait(20).ok
    verification.close()


def test_the_report_goes_when_another_begins(store, paths):
    """While a second verification runs, there is no report: the first one's would be taken for it."""
    shown = _Shown()
    verification = Verification(store, None, shown)
    assert verification.wait(20).ok
    shown.go_on.clear()
    shown.under_way.clear()
    verification.start()
    assert shown.under_way.wait(20)
    assert verification.report is None
    shown.go_on.set()
    assert verification.wait(20).ok
    verification.close()


def test_an_error_is_shown_logged_and_raised(verifier, store, paths, caplog):
    """What ends a verification early is shown with its cause, logged, and raised to who waits for the report."""
    manifest = store.root / ".manifest" / "manifest.yaml"
    manifest.write_text("events: [")
    with pytest.raises(ManifestError):
        verifier.wait(20)
    assert verifier._shown["phase"] == "failed"
    assert str(manifest) in verifier._shown["error"]["message"]
    assert [record.exc_info[0] for record in caplog.records if record.levelno == logging.ERROR] == [ManifestError]
    assert verifier.report is None


def test_an_unknown_record_in_the_selection_is_an_error(store, paths):
    """A selection that names what isn't recorded fails in words."""
    verifier = Verifier(store, [("S1", "Prod0", "nonsense")])
    with pytest.raises(RecordNotFoundError):
        verifier.wait(20)
    assert "nonsense" in verifier._shown["error"]["message"]
    verifier.close()


def test_closing_ends_the_thread(store, paths):
    """Closing cancels the verification and ends its thread; afterwards none can be started."""
    shown = _Shown(stop=True)
    verification = Verification(store, None, shown)
    verification.start()
    assert shown.under_way.wait(20)
    threading.Timer(0.1, shown.go_on.set).start()
    verification.close()
    assert not verification._thread.is_alive()
    with pytest.raises(StorageError, match="was closed"):
        verification.start()


def test_waiting_for_a_closed_one_says_that_it_was_closed(verifier):
    """Who waits for a verifier that was closed before it began is told so, not that a verification is under way."""
    verifier.close()
    with pytest.raises(StorageError, match="was closed"):
        verifier.wait(20)


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
    verification = Verification(store, None, shown)
    lock, verification._lock = verification._lock, _Together(6)
    with ThreadPoolExecutor(6) as threads:
        waiting = [threads.submit(verification.wait, 20) for _ in range(6)]
        assert shown.under_way.wait(20)
        shown.go_on.set()
        reports = [future.result(20) for future in waiting]
    assert reports == [verification.report] * 6
    verification._lock = lock
    verification.close()


def test_a_closed_verifier_shows_nothing(store, paths):
    """A verifier that is closed in the middle leaves its page as it was."""
    verifier = Verifier(store)
    verifier.close()
    verifier._show({"phase": "done"}, [])
    assert verifier._shown == {}


def test_hostile_messages_are_answered(verifier, page_of):
    """Cancel without anything to cancel, and a request that doesn't exist, are answered and harm nothing."""
    page = page_of(verifier)
    page.ask("verify/cancel")
    assert page.fails("verify/everything")["type"] == "RefusedError"
    assert verifier.wait(20).ok

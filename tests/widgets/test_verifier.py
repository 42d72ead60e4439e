"""The Verifier, without kernel and browser."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import traceback

import pytest
from damage import flip_bit, md5, replace_by_symlink, truncate

from asimov.storage import ManifestError, RecordNotFoundError, StorageError, VerificationReport
from asimov.storage.widgets import Verifier


@pytest.fixture
def verifier(store, paths):
    """A Verifier over that Store."""
    verifier = Verifier(store)
    yield verifier
    verifier.close()


def test_a_page_verifies(verifier, page_of):
    """A click verifies all: counts, bytes and rows are shown, and the report is the core's."""
    assert (verifier.report, verifier._shown) == (None, {})
    page_of(verifier).ask("verify/start")
    report = verifier.wait(20)
    assert isinstance(report, VerificationReport)
    assert verifier.report is report
    shown = verifier._shown
    assert (shown["phase"], shown["ok"], shown["done"], shown["total"]) == ("done", True, 27, 27)
    assert shown["counts"] == {"ok": 3, "corrupt": 0, "missing": 0, "unreadable": 0, "retracted": 0}
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
    assert (
        verifier._shown["counts"]
        == report.counts
        == {"ok": 1, "corrupt": 1, "missing": 1, "unreadable": 0, "retracted": 0}
    )
    assert not verifier._shown["ok"]


def test_other_damage_is_told_apart(verifier, paths):
    """A truncated file is corrupt, a symbolic link is not read."""
    truncate(paths[0])
    replace_by_symlink(paths[1])
    verifier.wait(20)
    assert verifier._shown["counts"] == {"ok": 1, "corrupt": 1, "missing": 0, "unreadable": 1, "retracted": 0}


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
    assert (verifier._initial["store"], verifier._initial["about"]) == ("Test Store", f"All files, in {store.root}")
    verifier.close()


def test_untracked_files_are_told(verifier, paths):
    """What lies beside the recorded files is listed, and is no failure."""
    stranger = paths[0].parent / "stranger"
    stranger.write_text("left behind")
    assert verifier.wait(20).ok
    assert (verifier._shown["untracked"], verifier._shown["untracked_total"]) == ([str(stranger)], 1)


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


def test_waiting_for_a_closed_one_says_that_it_was_closed(verifier):
    """Who waits for a verifier that was closed before it began is told so, not that a verification is under way."""
    verifier.close()
    with pytest.raises(StorageError, match="was closed"):
        verifier.wait(20)


def test_a_closed_verifier_shows_nothing(store, paths):
    """A verifier that is closed in the middle leaves its page as it was."""
    verifier = Verifier(store)
    verifier.close()
    verifier._show_found({"phase": "done"}, [])
    assert verifier._shown == {}


def test_hostile_messages_are_answered(verifier, page_of):
    """Cancel without anything to cancel, and a request that doesn't exist, are answered and harm nothing."""
    page = page_of(verifier)
    page.ask("verify/cancel")
    assert page.fails("verify/everything")["type"] == "RefusedError"
    assert verifier.wait(20).ok


def test_an_interrupt_cancels(store, stored):
    """An interrupt of the cell that waits for a verification goes through, and cancels it."""
    verifier = Verifier(store)
    go_on = threading.Event()
    verifier.observe(lambda _change: go_on.wait(20), "_shown")
    main = threading.main_thread().ident

    def interrupt():
        waiting: list[str] = []
        while not {"Work.wait", "Event.wait"}.issubset(waiting):
            waiting = [frame.f_code.co_qualname for frame, _ in traceback.walk_stack(sys._current_frames()[main])]
        signal.pthread_kill(main, signal.SIGINT)

    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    with pytest.raises(KeyboardInterrupt):
        verifier.wait(2)
    interrupting.join()
    go_on.set()
    assert verifier.wait(20) is None
    assert verifier._shown["phase"] == "cancelled"
    verifier.close()

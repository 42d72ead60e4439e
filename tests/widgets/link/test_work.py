"""Work: one piece at a time, shown by phases."""

from __future__ import annotations

import threading

import pytest

from asimov.storage.widgets._link.messages import RefusedError
from asimov.storage.widgets._link.work import Work


@pytest.fixture
def states():
    """What was shown."""
    return []


@pytest.fixture
def work(states):
    """A kind of work that shows itself there."""
    return Work(states.append, doing="baking", done="baked", busy="The oven is full.")


def baking(progress):
    """Do a piece of it."""
    progress(1, 2)
    progress(2, 2)
    return {"size": 2}


def test_work_is_shown_from_its_beginning_to_its_end(work, states):
    """Each state tells what it is about; the first comes before any work, and the last has what came of it."""
    work.begin(lambda: {"number": work.number})
    work.finish(baking)
    first, last = states[0], states[-1]
    assert first == {"number": 1, "phase": "baking", "done": 0, "total": 0}
    assert last == {"number": 1, "phase": "baked", "size": 2}


def test_what_fails_is_shown_and_raised(work, states):
    """An error is shown, and raised to the caller; the next piece can begin."""
    work.begin(dict)
    with pytest.raises(ZeroDivisionError):
        work.finish(lambda _: 1 / 0)
    assert (states[-1]["phase"], states[-1]["error"]["type"]) == ("failed", "ZeroDivisionError")
    work.begin(dict)
    work.finish(baking)
    assert states[-1]["phase"] == "baked"


def test_a_second_piece_is_refused(work, states):
    """While a piece is under way another is refused, and shows nothing."""
    work.begin(dict)
    with pytest.raises(RefusedError, match="oven is full"):
        work.begin(dict)
    with pytest.raises(RefusedError, match="oven is full"):
        work.require_idle()
    assert (work.number, states) == (1, [])
    work.finish(baking)
    work.require_idle()


def test_of_many_at_once_one_begins(work):
    """Of many that begin at the same moment, one does."""
    together, refused = threading.Barrier(8), []

    def begin():
        together.wait(20)
        try:
            work.begin(dict)
        except RefusedError:
            refused.append(1)

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (work.number, len(refused)) == (1, 7)


def test_cancel_ends_the_piece_under_way_and_no_other(work, states):
    """A cancelled piece ends at its next step, also if it was cancelled before its first; the next one isn't."""
    for cancelled in (True, False):
        work.begin(dict)
        if cancelled:
            work.cancel()
        work.finish(baking)
        work.cancel()  # nothing is under way
    assert [state["phase"] for state in states if state["phase"] != "baking"] == ["cancelled", "baked"]


def test_waiting_ends_with_the_work(work, states):
    """Waiting ends when the last state was shown, or when the time is up."""
    work.begin(dict)
    work.wait(0.01)
    thread = threading.Thread(target=work.finish, args=(baking,))
    thread.start()
    work.wait(20)
    assert states[-1]["phase"] == "baked"
    thread.join(20)

"""Fetches: one file at a time, shown by phases, and called from Python."""

from __future__ import annotations

import re
import sys
import threading
import tracemalloc
from pathlib import Path

import h5py
import numpy as np
import pytest
from damage import flip_bit, md5, run_python

from asimov.storage import HashError, RecordNotFoundError, RetractedError
from asimov.storage.widgets._fetching import fetches
from asimov.storage.widgets._fetching.fetches import Fetches, Order
from asimov.storage.widgets._link.messages import Message, RefusedError
from asimov.storage.widgets._preview.description import LIMIT

PLACE = {"event": "S1", "production": "Prod0", "file": "result.txt"}
KEY = ("S1", "Prod0", "result.txt")


@pytest.mark.parametrize("key", [KEY, ("it's", 'a "b"', "c\u202ed é")])
def test_the_line_of_code_does_the_same(store, source, tmp_path, key):
    """The line of code that is shown runs as it is, in a Python of its own, whatever the names, and does the same."""
    event, production, file = key
    store.add_file(event, production, source(), file)
    states = []
    Fetches(store, states.append).fetch(
        Order(event=event, production=production, file=file, hash=md5(b"a result"), dest=str(tmp_path))
    )
    Path(states[-1]["path"]).unlink()
    before = list(tmp_path.iterdir())
    assert run_python(states[-1]["code"]).returncode == 0
    assert [path.name for path in tmp_path.iterdir() if path not in before] == [file]


def test_progress_is_shown_to_every_view(store, stored):
    """A fetch shows its beginning before its first byte, and its end, each under the number of that fetch."""
    states = []
    fetches = Fetches(store, states.append)
    for _ in range(2):
        fetches.fetch(Order(**PLACE))
    assert [state["phase"] for state in states if state["number"] == 1][:: len(states)] == ["fetching"]
    assert [state["phase"] for state in states if state["phase"] != "fetching"] == ["fetched", "fetched"]
    assert {(state["event"], state["production"], state["file"]) for state in states} == {KEY}
    assert sorted({state["number"] for state in states}) == [1, 2]


def test_cancel_ends_a_fetch(store, stored):
    """A cancelled fetch is shown as cancelled, hands out no path, and leaves nothing in the destination folder."""
    states = []

    def show(state):
        states.append(state)
        fetches.cancel()

    fetches = Fetches(store, show)
    folder = stored.parent.parent.parent.parent / "work"
    folder.mkdir()
    fetches.fetch(Order(**PLACE, dest=str(folder)))
    assert [state["phase"] for state in states] == ["fetching", "cancelled"]
    assert fetches.path is None
    assert list(folder.iterdir()) == []


def test_one_fetch_at_a_time(store, stored):
    """While one file is being fetched, another fetch is refused and changes nothing."""
    under_way, go_on = threading.Event(), threading.Event()

    def show(state):
        if state["phase"] == "fetching":
            under_way.set()
            assert go_on.wait(20)

    fetches = Fetches(store, show)
    thread = threading.Thread(target=fetches.fetch, args=(Order(**PLACE),))
    thread.start()
    assert under_way.wait(20)
    with pytest.raises(RefusedError, match="Another file is being fetched"):
        fetches.fetch(Order(**PLACE))
    go_on.set()
    thread.join(20)
    assert fetches.path == stored


def test_a_page_without_folders_may_name_none(store, stored, tmp_path):
    """Where no folder of the server may be named, a page that names one is refused."""
    service = Fetches(store, lambda _state: None, folders=False)
    message = {**PLACE, "dest": str(tmp_path)}
    with pytest.raises(RefusedError, match="No folder of the server"):
        service._start(Message(kind="fetch/start", view="view0000", request=1, content=message))


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_preview_reads_at_most_a_megabyte(tmp_path):
    """Of a large HDF5 file, whose tree lies all over it, the system is asked for no more than a megabyte."""
    path = tmp_path / "big.h5"
    with h5py.File(path, "w") as file:
        for number in range(400):
            for member in range(8):
                file[f"group {number}/data {member}"] = np.zeros((100, 100))
    described = fetches._preview(path, path.name)  # what is loaded for a first preview is not the file's
    before = _bytes_read()
    assert fetches._preview(path, path.name) == described
    assert _bytes_read() - before <= LIMIT
    assert len(described.tree) == 500


def _bytes_read():
    return int(re.search(r"rchar: (\d+)", Path("/proc/self/io").read_text())[1])


def test_memory_does_not_grow_with_the_file(store, source, page_of):
    """Fetching and looking at a file of 64 MiB takes a few MiB."""
    path = source("big.txt", b"")
    with path.open("wb") as file:
        for _ in range(64):
            file.write(b"x" * (1 << 20))
    store.add_file("S1", "Prod0", path)
    fetches = Fetches(store, lambda _state: None)
    tracemalloc.start()
    fetches.fetch(Order(event="S1", production="Prod0", file="big.txt"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


def test_errors_are_raised_to_who_calls(store, stored):
    """Who uses the service from Python gets the core's own exceptions, after they were shown."""
    states = []
    fetches = Fetches(store, states.append)
    with pytest.raises(RecordNotFoundError):
        fetches.fetch(Order(**{**PLACE, "file": "nonsense"}))
    flip_bit(stored)
    with pytest.raises(HashError):
        fetches.fetch(Order(**PLACE))
    assert [state["phase"] for state in states if state["phase"] != "fetching"] == ["failed", "failed"]


def test_a_retracted_file(store, source, page_of):
    """What was retracted is refused with its reason, and fetched where that is wanted; its code does the same."""
    store.add_file("S1", "Prod0", source(), "result.txt", meta={"analyst": "Jane Doe", "run": 17})
    store.retract(KEY, "glitch")
    states = []
    fetches = Fetches(store, states.append)
    with pytest.raises(RetractedError, match="glitch"):
        fetches.fetch(Order(**PLACE))
    assert (states[-1]["phase"], states[-1]["error"]["type"], fetches.path) == ("failed", "RetractedError", None)
    fetches.fetch(Order(**PLACE, retracted=True))
    assert (states[-1]["phase"], states[-1]["why"]) == ("fetched", "glitch")
    assert states[-1]["notes"] == [["analyst", "Jane Doe"], ["run", "17"]]
    assert run_python(states[-1]["code"]).returncode == 0

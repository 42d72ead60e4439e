"""Folds that are put off in large Stores: who makes them, and when."""

from __future__ import annotations

import os
import re
import time

import pytest
import yaml
from damage import contents, keys, manifest_of, run_python

from asimov.storage import Store
from asimov.storage._backends.local import deferred, last_fold
from asimov.storage._disk import temporary

DEAD = 2**22 + 1
"""A process id that Linux never gives."""


@pytest.fixture
def bursts(monkeypatch):
    """Take each Store for a large one, whose last fold took so long that none is made for a while."""
    monkeypatch.setattr(last_fold, "WORTHWHILE", 0)
    monkeypatch.setattr(last_fold, "QUICK", -1.0)
    monkeypatch.setattr(last_fold, "SHARE", 10**9)


@pytest.fixture
def patient(monkeypatch, bursts):
    """Let entries wait for long, so that a test is done before."""
    monkeypatch.setattr(deferred, "LIMIT", 3600.0)


def on_disk(store):
    """List the files that manifest.yaml alone says."""
    events = yaml.safe_load(manifest_of(store).read_bytes())["events"]
    return sorted(file for productions in events.values() for files in productions.values() for file in files)


def folded(store):
    """Return the number up to which manifest.yaml says that it includes entries."""
    return int(re.search(rb"^# entries folded: (\d+)\n\Z", manifest_of(store).read_bytes(), re.MULTILINE)[1])


def add(store, source, *numbers):
    """Add a file for each number."""
    for number in numbers:
        store.add_file("E", "P", source(f"f{number}", b"%d" % number))


def test_a_burst_is_folded_once(store, source, patient):
    """Of adds in quick succession the first is in manifest.yaml at once, and the others when they are folded."""
    add(store, source, *range(6))
    assert (on_disk(store), folded(store)) == (["f0"], 1)
    assert keys(store) == keys(Store(store.root)) == [("E", "P", f"f{n}") for n in range(6)]
    store.fold()
    assert (on_disk(store), folded(store)) == ([f"f{n}" for n in range(6)], 6)


def test_another_sees_and_folds_them(store, source, patient):
    """What one process has not folded, another reads, adds to, verifies and folds."""
    add(store, source, 0, 1, 2)
    other = Store(store.root)
    add(other, source, 3)
    assert keys(store) == keys(other) == [("E", "P", f"f{n}") for n in range(4)]
    assert (other.verify().ok, other.verify().untracked) == (True, ())
    other.fold()
    assert folded(store) == 4
    before = manifest_of(store).stat()
    store.fold()
    after = manifest_of(store).stat()
    assert (after.st_ino, after.st_ctime_ns) == (before.st_ino, before.st_ctime_ns)


def test_the_fingerprint_is_that_of_the_folded_manifest(store, source, patient):
    """The fingerprint doesn't depend on what has been folded."""
    add(store, source, 0, 1, 2)
    before = store.fingerprint(), Store(store.root).fingerprint()
    store.fold()
    assert (store.fingerprint(), Store(store.root).fingerprint()) == before
    assert before[0] == before[1]


def test_the_manifest_is_not_read_again(store, source, patient):
    """A Store that is open reads what others have added and folded from the entries alone."""
    add(store, source, 0, 1)
    other = Store(store.root)
    len(store)
    add(other, source, 2)
    other.fold()
    add(other, source, 3)
    real = manifest_of(store).read_bytes()
    stat = manifest_of(store).stat()
    with manifest_of(store).open("r+b") as manifest:  # in place, and with its time put back: nobody could see it
        manifest.write(b"#" * len(real))
    os.utime(manifest_of(store), ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert keys(store) == [("E", "P", f"f{n}") for n in range(4)]


def test_an_edit_between_folds_is_seen(store, source, patient):
    """A manifest that was changed by hand between two folds is read again, by whoever had read it before."""
    add(store, source, 0, 1)
    store.fold()
    other = Store(store.root)
    text = manifest_of(store).read_bytes()
    manifest_of(store).write_bytes(text.replace(b"f1", b"F1"))
    later = manifest_of(store).stat().st_mtime_ns + 1_000_000_000  # nobody edits within a tick of the clock
    os.utime(manifest_of(store), ns=(later, later))
    third = Store(store.root)
    add(third, source, 2)
    third.fold()
    assert keys(store) == keys(other) == keys(third) == [("E", "P", name) for name in ("F1", "f0", "f2")]


@pytest.mark.parametrize("left", [b"", b"rubbish\n", None])
def test_without_word_of_the_last_fold(store, source, patient, left):
    """What the last fold left word of may be torn or gone: that costs a reading."""
    add(store, source, 0, 1)
    other = Store(store.root)
    add(store, source, 2)
    store.fold()
    path = store.root / ".manifest" / "last-fold"
    if left is None:
        path.unlink()
    else:
        path.write_bytes(left)
    assert keys(other) == [("E", "P", f"f{n}") for n in range(3)]
    add(other, source, 3)
    assert folded(store) == 4


def test_within_a_second(store, source, bursts):
    """What is left of a burst is in manifest.yaml within a second, though nothing is called any more."""
    add(store, source, 0, 1, 2, 3)
    assert folded(store) < 4
    deadline = time.monotonic() + 60
    while folded(store) < 4 and time.monotonic() < deadline:
        os.sched_yield()
    assert on_disk(store) == ["f0", "f1", "f2", "f3"]
    add(store, source, 4)  # and the next one, too
    while folded(store) < 5 and time.monotonic() < deadline:
        os.sched_yield()
    assert folded(store) == 5


BURST = """
import sys
from pathlib import Path
from asimov.storage import Store
from asimov.storage._backends.local import deferred, last_fold
from asimov.storage._disk import temporary
last_fold.WORTHWHILE, last_fold.QUICK, last_fold.SHARE, deferred.LIMIT = 0, -1.0, 10**9, 3600.0
root = Path(sys.argv[1])

def add(name):
    path = root.parent / name
    path.write_text(name)
    Store(root).add_file("E", "P", path)
    print(len(Store(root)), flush=True)

def burst():
    for name in sys.argv[2:]:
        add(name)
"""
ENDS = {
    "it ends": "burst()",
    "sys.exit": "burst(); sys.exit()",
    "an error": "burst(); sys.stderr.close(); raise SystemExit(0)",
    "a thread": "import threading; thread = threading.Thread(target=burst); thread.start(); thread.join()",
    "a child": "import multiprocessing as m; c = m.get_context('fork').Process(target=burst); c.start(); c.join()",
    "a pool": "from concurrent.futures import ProcessPoolExecutor as P\nimport multiprocessing as m\n"
    "with P(1, mp_context=m.get_context('fork')) as pool: list(pool.map(add, sys.argv[2:]))",
    "at the end": "import atexit; atexit.register(burst)",
}


@pytest.mark.parametrize("end", ENDS)
def test_a_process_that_ends(store, end):
    """A process that ends leaves nothing unfolded, whichever of its parts has added."""
    done = run_python(BURST + ENDS[end], store.root, "a", "b", "c")
    assert (done.returncode, done.stdout.split()) == (0, ["1", "2", "3"])
    assert on_disk(store) == ["a", "b", "c"]


def test_a_process_that_is_killed(store, source):
    """A process that is killed leaves its entries to the next writer, and to readers at once."""
    done = run_python(BURST + "burst(); import os, signal; os.kill(os.getpid(), 9)", store.root, "a", "b", "c")
    assert done.returncode == -9
    assert on_disk(store) == ["a"]
    assert keys(store) == [("E", "P", name) for name in "abc"]
    add(store, source, 0)
    store.fold()
    assert on_disk(store) == ["a", "b", "c", "f0"]


def test_a_fork_leaves_the_parents_business_to_it(store):
    """A child that ends doesn't fold for its parent, nor wait for its timer, and the parent folds all."""
    code = "burst(); import os\nif not os.fork(): sys.exit()\nos.wait(); import atexit"
    done = run_python(BURST + code, store.root, "a", "b")
    assert (done.returncode, done.stderr) == (0, "")
    assert on_disk(store) == ["a", "b"]


def test_nothing_to_fold_writes_nothing(read_only_store):
    """fold() of a Store where all is folded needs no permission to write."""
    before = contents(read_only_store.root)
    Store(read_only_store.root).fold()
    assert contents(read_only_store.root) == before


def test_what_a_killed_writer_left_goes_in_time(store, source, monkeypatch):
    """Half a file of a killed process goes with the next add, in a burst of adds after a second."""
    incoming = store.root / ".manifest" / "incoming"
    host = temporary.owner_name().partition("-")[0]

    def leave() -> None:
        (incoming / f"{host}-{DEAD}-{os.urandom(8).hex()}").write_bytes(b"half of a fi")

    Store(store.root).add_file("E", "P", source("first", b"first"))
    leave()
    add(store, source, 0)
    assert list(incoming.iterdir()) == []
    leave()
    add(store, source, 1)
    assert len(list(incoming.iterdir())) == 1
    later = time.monotonic() + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    add(store, source, 2)
    assert list(incoming.iterdir()) == []

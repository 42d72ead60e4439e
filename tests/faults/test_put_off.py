"""Folds that are put off: whatever ends a process meanwhile, what was acknowledged is there."""

from __future__ import annotations

import errno
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from faults import children, powerloss, tracing
from faults.operations import BURST, is_folded, md5, prepare_large, prepare_store, temporaries
from faults.profile import choose, note
from faults.shim import NOTHING, WORKING
from faults.test_every_call import ERRORS, Trial, break_each, expected
from faults.test_interleavings import Scene, age
from faults.test_power_loss import Lost, Recording
from faults.test_writers import Crowd
from faults.writers import Writers

import asimov.storage
from asimov.storage import Store
from asimov.storage._backends.local import deferred, last_fold
from asimov.storage._disk.folder import Folder


def put_off(folder, limit):
    """Start a zygote whose package puts off each fold but the first."""
    site = children.copy_package(folder / "site")
    children.make_put_off(site, limit)
    return children.start(folder, site)


@pytest.fixture(scope="module")
def patient(tmp_path_factory):
    """A zygote whose package leaves folds to whoever comes next."""
    with put_off(tmp_path_factory.mktemp("patient"), 3600.0) as started:
        yield started


@pytest.fixture(scope="module")
def timed(tmp_path_factory):
    """A zygote whose package folds by its timer, soon."""
    with put_off(tmp_path_factory.mktemp("timed"), 0.05) as started:
        yield started


def prefixes(operation) -> list[dict]:
    """List the states that a burst goes through."""
    adds = list(operation.adds.items())
    return [expected({**operation.before, **dict(adds[:count])}) for count in range(len(adds) + 1)]


# Killed, or told of an error, at every call.


class Burst(Trial):
    """A burst of adds, of which all but the first are folded together."""

    def points(self):
        """List the calls to break: those on the Store."""
        ended, calls = self.run()
        assert ended.done, ended
        self.check(ended, None)
        return tracing.points(calls, self.root)

    def check(self, ended, call) -> None:
        """What was acknowledged is there, in order, and nothing that failed."""
        acks = sum("ack" in line for line in ended.told)
        states = prefixes(self.operation)
        state = self.state()
        assert state in states[acks : acks + 1 + ended.killed], ended
        assert ended.done <= (state == states[-1])
        if ended.error is not None:
            assert ended.error["errno"] in {getattr(errno, error) for error in ERRORS}
        report = Store(self.root).verify()
        assert report.failures == ()
        if not ended.killed and (call is None or call.name != "unlinkat"):
            assert report.untracked == ()

    def check_next(self) -> None:
        """Another writer adds, and folds all; nothing is left that doesn't belong there."""
        state = self.state()
        writers = Writers(self.base, self.zygote)
        past = time.time() - 2 * 86_400
        for path in (self.root / ".manifest" / "incoming").iterdir():
            os.utime(path, (past, past))
        assert writers.start("next").ended.done
        assert self.state() == {**state, ("E0", "P0", "next"): md5(b"next")}
        assert writers.start("", "fold").ended.done
        self.check_tidy()


def test_killed_at_every_call(tmp_path, patient):
    """A SIGKILL at any call of a burst costs no add that was acknowledged."""
    trial = Burst("burst", tmp_path, patient)
    note("killed at", operation="burst", points=break_each(trial, "signal=SIGKILL", trial.points()))


@pytest.mark.parametrize("error", ERRORS)
def test_error_at_every_call(error, tmp_path, patient):
    """An error at any call of a burst is overcome, or told, and then that add isn't there."""
    trial = Burst("burst", tmp_path, patient)
    points = trial.points()
    quick = len(points) if error == "ENOSPC" else len(points) // 4
    some = random.Random(error).sample(points, choose(quick, len(points)))
    note("error at", operation="burst", error=error, points=break_each(trial, f"error={error}", some))


# The power fails.


class BurstRecording(Recording):
    """A burst, recorded once."""

    def check(self, calls, *, some: int = 6, begin: int = 0) -> int:
        """Cut the power after each call from `begin` on; return how many trees that may leave, or raise `Lost`."""
        disk = powerloss.Disk(self.start)
        disk.root = self.base
        replay, seen, states = powerloss.Replay(disk), set(), prefixes(self.operation)
        for number, call in enumerate(calls):
            replay.do(call)
            acks = disk.top.now["report"].now.count(b'"ack"')
            if number >= begin and (call.changes or powerloss.is_sync(call)):
                for image in disk.images(number, some):
                    image.pop("report", None)
                    mark = hash((frozenset(image.items()), acks))
                    if mark not in seen:
                        seen.add(mark)
                        self.examine_burst(image, states[acks : acks + 2], f"{number}: {call}")
        assert acks == len(BURST)
        return len(seen)

    def examine_burst(self, image, states: list[dict], where: str) -> None:
        """The Store that a power cut left is in one of those states, and all of it verifies."""
        powerloss.restore(image, self.folder / "left")
        store = Store(self.folder / "left" / "store")
        state = {record.key: record.hash for record in store}
        if state not in states:
            raise Lost(f"after {where}: {state}, not {states}")
        report = store.verify()
        if not report.ok:
            raise Lost(f"after {where}: {report.failures}")


def test_power_cut_after_every_call(tmp_path, patient):
    """A power cut after any call of a burst leaves all that was acknowledged."""
    recording = BurstRecording("burst", tmp_path, patient)
    images = recording.check(recording.calls, some=choose(1, 20))
    note("power cut", operation="burst", calls=len(recording.calls), images=images)


# Others come between.


def ends(scene: Scene) -> None:
    """Fold what is left; manifest.yaml has all that was acknowledged, and nothing else is there."""
    scene.check_readers()
    assert scene.state() == scene.expected
    assert scene.zygote.run("fold", scene.base, locks=NOTHING).done
    assert temporaries(scene.root) == []
    assert is_folded(scene.root)
    events = yaml.safe_load((scene.root / ".manifest" / "manifest.yaml").read_bytes())["events"]
    alone = {(e, p, f): r["hash"] for e, ps in events.items() for p, fs in ps.items() for f, r in fs.items()}
    assert alone == scene.state() == scene.expected
    assert Store(scene.root).verify().failures == ()


def beside(scene: Scene) -> None:
    """Two others add, and put off their folds; then all goes on."""
    scene.adds_another(("E0", "P0", "b"), "b")
    scene.adds_another(("E1", "P1", "c"), "c")
    assert scene.goes_on().done
    ends(scene)


def folded_by_others(scene: Scene) -> None:
    """Others add and fold meanwhile."""
    scene.adds_another(("E0", "P0", "b"), "b")
    assert scene.zygote.run("fold", scene.base, locks=NOTHING).done
    scene.adds_another(("E0", "P0", "c"), "c")
    assert scene.goes_on().done
    ends(scene)


def aged(scene: Scene) -> None:
    """It stands still for days, its files look abandoned, and others add and fold."""
    age(scene.root / ".manifest")
    scene.adds_another(("E0", "P0", "b"), "b")
    assert scene.zygote.run("fold", scene.base, locks=NOTHING).done
    age(scene.root / ".manifest")
    scene.adds_another(("E0", "P0", "c"), "c")
    assert scene.goes_on().done
    ends(scene)


def killed(scene: Scene) -> None:
    """It is killed there, and others go on."""
    scene.adds_another(("E0", "P0", "b"), "b")
    before = scene.expected
    acks = sum("ack" in line for line in children.told_by(scene.base, scene.first.pid))
    scene.dies()
    adds = list(scene.adds.items())
    state = scene.state()
    assert state in [before | dict(adds[:count]) for count in (acks, acks + 1)]
    scene.expected = state
    scene.adds_another(("E0", "P0", "c"), "c")
    age(scene.root / ".manifest" / "incoming")
    ends(scene)


@pytest.mark.parametrize("what", [beside, folded_by_others, aged, killed], ids=lambda what: what.__name__)
def test_stopped_at_every_call(what, tmp_path, timed):
    """A process that stands still in a burst, or while its timer folds, costs neither it nor others a record."""
    scene = Scene("wait_for_fold", tmp_path, timed)
    points, played = scene.points(), 0
    for point in points[:: choose(3, 1)]:
        scene.reset()
        if scene.stopped(point) is None:
            continue
        try:
            what(scene)
        except BaseException as error:
            error.add_note(f"{what.__name__}, stopped before call {point}")
            raise
        played += 1
    note("stopped at", operation="wait_for_fold", scene=what.__name__, points=played)
    assert played > len(points) / 6


@pytest.mark.parametrize("locks", [WORKING, NOTHING])
def test_many_writers_of_a_large_store(locks, tmp_path, tmp_path_factory):
    """Many writers of a large Store, some of which are killed or stopped for days, lose nothing."""
    folder = tmp_path_factory.mktemp("large")
    site = children.copy_package(folder / "site")
    children.edit(site, "_backends/local/last_fold", "QUICK = 0.01", "QUICK = 0.0")
    base, adds = tmp_path / "base", choose(25, 100)
    prepare_large(base)
    with children.start(folder, site) as zygote:
        crowd = Crowd(base, zygote, locks)
        for _ in range(4):
            crowd.write(adds)
        crowd.read()
        crowd.trouble(random.Random(locks), adds)
        acks = crowd.over()
    note("writers of a large Store", acknowledged=len(acks), kills=crowd.kills, stops=crowd.stops)
    assert len(acks) >= 4 * adds
    store = Store(base / "store")
    store.fold()
    assert is_folded(store.root)
    assert Store(base / "store").verify().failures == ()


# How a process ends.

SCRIPT = """
import multiprocessing, os, signal, sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from asimov.storage import Store
from asimov.storage._backends.local import deferred, last_fold
last_fold.WORTHWHILE, last_fold.QUICK, last_fold.SHARE, deferred.LIMIT = 0, -1.0, 10**9, 3600.0
root = Path(sys.argv[1])

def add(name):
    path = root.parent / name
    path.write_text(name)
    Store(root).add_file("E", "P", path)

def burst():
    for name in sys.argv[2:]:
        add(name)

def start(kind):
    process = multiprocessing.get_context(kind).Process(target=burst)
    process.start()
    process.join()
    return process.exitcode

def pool(kind):
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(kind)) as executor:
        list(executor.map(add, sys.argv[2:]))

def nested():
    start("fork")

if __name__ == "__main__":
    {end}
"""
ENDS = {
    "a spawned child": "start('spawn')",
    "a child of a fork server": "start('forkserver')",
    "a child of a child": "p = multiprocessing.get_context('fork').Process(target=nested); p.start(); p.join()",
    "a child of one that has added": "add('first'); start('fork')",
    "a pool of processes": "pool('fork')",
    "a pool of spawned processes": "pool('spawn')",
    "a pool of multiprocessing": "p = multiprocessing.get_context('fork').Pool(2); p.map(add, sys.argv[2:]); "
    "p.close(); p.join()",
    "a pool of threads": "p = ThreadPoolExecutor(3); list(p.map(add, sys.argv[2:])); p.shutdown()",
    "a pool of threads that goes on": "p = ThreadPoolExecutor(1); p.map(add, sys.argv[2:])",
    "a thread that goes on": "import threading; threading.Thread(target=burst).start()",
    "Ctrl-C": "burst(); signal.raise_signal(signal.SIGINT)",
    "an error": "burst(); raise SystemExit('an error')",
    "after an error": "import atexit; atexit.register(lambda: 1 / 0); burst()",
}


def on_disk(store):
    """List the files that manifest.yaml alone says."""
    events = yaml.safe_load((store.root / ".manifest" / "manifest.yaml").read_bytes())["events"]
    return {file for productions in events.values() for files in productions.values() for file in files}


def run(store, end, *names):
    """Run the script to that end."""
    script = store.root.parent / "script.py"
    script.write_text(SCRIPT.replace("{end}", end), encoding="utf-8")
    env = {**os.environ, "PYTHONPATH": str(Path(asimov.storage.__file__).parents[2])}
    command = [sys.executable, str(script), str(store.root), *names]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)


NAMES = {"a", "b", "c", "d"}


@pytest.mark.parametrize("end", ENDS)
def test_a_process_that_ends(end, tmp_path):
    """A process that ends by itself leaves nothing unfolded, whichever of its parts has added."""
    store = prepare_store(tmp_path)
    ended = run(store, ENDS[end], *NAMES)
    assert {record.file for record in store} - {"first", "old"} == NAMES, ended
    assert on_disk(store) == {record.file for record in store}
    assert is_folded(store.root)


@pytest.mark.parametrize(
    "how", ["os.kill(os.getpid(), signal.SIGTERM)", "os._exit(0)", "os.kill(os.getpid(), signal.SIGKILL)"]
)
def test_a_process_that_is_ended(how, tmp_path):
    """A process that is ended leaves entries, which readers see and the next writer folds."""
    store = prepare_store(tmp_path)
    run(store, f"burst(); {how}", *NAMES)
    assert len(on_disk(store)) < 5
    assert {record.file for record in store} == NAMES | {"old"}
    store.add_file("E", "P", tmp_path / "sources" / "new")
    store.fold()
    assert on_disk(store) == {record.file for record in store} == NAMES | {"old", "new"}


# What the last fold left word of, and edits by hand.


@pytest.fixture
def two(tmp_path, monkeypatch):
    """Two Store objects, and a Store where each fold but the first is put off."""
    monkeypatch.setattr(last_fold, "WORTHWHILE", 0)
    monkeypatch.setattr(last_fold, "QUICK", -1.0)
    monkeypatch.setattr(last_fold, "SHARE", 10**9)
    monkeypatch.setattr(deferred, "LIMIT", 3600.0)
    store = prepare_store(tmp_path)
    add(store, "a")
    add(store, "b")
    other = Store(store.root)
    assert {record.file for record in other} == {"old", "a", "b"}
    return store, other


def add(store, name):
    """Add a file of that name."""
    path = store.root.parent / name
    path.write_text(name, encoding="utf-8")
    store.add_file("E", "P", path)


def files(*stores):
    """List what is recorded; all of `stores` and a new one agree."""
    seen = [{record.file for record in store} for store in (*stores, Store(stores[0].root))]
    assert all(one == seen[0] for one in seen), seen
    return seen[0]


def torn(path):
    """Leave half of a line."""
    path.write_bytes(path.read_bytes()[:20])


def of_another_lineage(path):
    """Leave word of a fold of the same manifest, and of nobody's lineage."""
    with Folder.open(path.parent) as home:
        last_fold.write(home, last_fold.read(home)._replace(lineage="0" * 16))


def of_another_number(path):
    """Leave word that only the first entries are in the manifest."""
    with Folder.open(path.parent) as home:
        last_fold.write(home, last_fold.read(home)._replace(number=1))


@pytest.mark.parametrize("leave", [torn, Path.unlink, of_another_lineage, of_another_number])
def test_what_the_last_fold_left(leave, two):
    """What the last fold left word of may be torn, gone, or wrong: nobody misses a record."""
    store, other = two
    add(store, "c")
    store.fold()
    leave(store.root / ".manifest" / "last-fold")
    assert files(store, other) == {"old", "a", "b", "c"}
    add(other, "d")
    other.fold()
    add(store, "e")
    assert files(store, other) == {"old", "a", "b", "c", "d", "e"}
    store.fold()
    assert on_disk(store) == files(store, other)


def in_place(path, text):
    """Write over it."""
    path.write_bytes(text)


def by_another(path, text):
    """Put another file there."""
    new = path.with_name("edited")
    new.write_bytes(text)
    new.rename(path)


@pytest.mark.parametrize("put", [in_place, by_another])
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_edit_by_hand(put, when, two):
    """A record that was renamed by hand, in a text of the same length, is seen, though folds come before or after."""
    store, other = two
    store.fold()
    if when == "after":
        add(store, "c")
    path = store.root / ".manifest" / "manifest.yaml"
    put(path, path.read_bytes().replace(b"      old:", b"      OLD:"))
    later = path.stat().st_mtime_ns + 10**9  # nobody edits within a tick of the clock
    os.utime(path, ns=(later, later))
    if when == "before":
        add(store, "c")
    third = Store(store.root)
    add(third, "d")
    third.fold()
    assert files(store, other, third) == {"OLD", "a", "b", "c", "d"}
    other.fold()
    assert on_disk(store) == files(store, other, third)


@pytest.mark.parametrize("commits", [1, 2])
def test_an_older_manifest_between_folds(commits, two):
    """A manifest of an earlier fold, put back with its times, hides nothing."""
    store, other = two
    path = store.root / ".manifest" / "manifest.yaml"
    shutil.copy2(path, store.root.parent / "kept")
    for name in "cd"[:commits]:
        add(store, name)
        store.fold()
    (store.root.parent / "kept").rename(path)
    assert files(store, other) == {"old", "a", "b", *"cd"[:commits]}
    add(other, "e")
    store.fold()
    assert on_disk(store) == files(store, other) == {"old", "a", "b", "e", *"cd"[:commits]}

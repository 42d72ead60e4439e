"""A writer stands still before each of its calls in turn, while others work: the order of every two."""

from __future__ import annotations

import os
import random
import shutil
import signal
from pathlib import Path

import pytest
from faults.operations import OPERATIONS, is_folded, md5, state_of, state_of_manifest, temporaries
from faults.profile import LONG, choose, note
from faults.shim import NOTHING

from asimov.storage import Store

DECISIVE = {"create", "link", "rename", "unlink", "ftruncate", "list", "mkdir", "fsync"}
"""The calls before which a writer is stopped in the quick profile; in the long one, every call."""
TEN_DAYS = 10 * 86_400


def age(folder: Path, seconds: float = TEN_DAYS) -> None:
    """Make everything below `folder` look older."""
    for path in sorted(folder.rglob("*")):
        try:
            found = path.stat()
            os.utime(path, (found.st_atime - seconds, found.st_mtime - seconds))
        except FileNotFoundError:
            pass  # somebody was quicker


class Scene:
    """Writers on one Store, all without locks; the first of them can be stopped before any of its calls."""

    def __init__(self, operation: str, folder: Path, zygote) -> None:
        self.operation, self.zygote = operation, zygote
        self.start, self.base = folder / "start", folder / "base"
        self.root = self.base / "store"
        self.start.mkdir()
        OPERATIONS[operation].prepare(self.start)
        self.recorded = OPERATIONS[operation].state_before()
        after = OPERATIONS[operation].state_after()
        self.adds = {key: state for key, state in after.items() if self.recorded.get(key) != state}

    def reset(self) -> None:
        """Begin again."""
        shutil.rmtree(self.base, ignore_errors=True)
        shutil.copytree(self.start, self.base)
        self.expected = dict(self.recorded)

    def calls(self) -> list[str]:
        """List the calls that it makes; with a thread that reads there are these at the least."""
        self.reset()
        (self.base / "calls").touch()
        operation = "add_file" if self.operation == "add_while_reading" else self.operation
        assert self.zygote.run(operation, self.base, locks=NOTHING, stop_at=0, calls="calls").done
        return [line.split()[1] for line in (self.base / "calls").read_text("utf-8").splitlines()]

    def points(self) -> list[int]:
        """List the calls before which to stop, by their numbers."""
        calls = self.calls()
        assert len(calls) > 50
        return [number for number, call in enumerate(calls, start=1) if LONG or call in DECISIVE]

    def stopped(self, point: int):
        """Let the first writer run until it stands still before that call."""
        child = self.zygote.fork(self.operation, self.base, locks=NOTHING, stop_at=point)
        child.go()
        self.first = child if child.wait_for_stop() is None else None
        return self.first

    def goes_on(self):
        """Let the first writer go on to its end."""
        self.first.signal(signal.SIGCONT)
        ended = self.first.wait()
        if ended.done:
            self.expected |= self.adds
        return ended

    def dies(self):
        """Kill the first writer. What it did may be there or not."""
        self.first.signal(signal.SIGKILL)
        assert self.first.wait().killed

    def adds_another(self, key, content, **how):
        """Let another writer add a file, and see that it is there."""
        ended = self.zygote.run("add_any", self.base, {"key": key, "content": content}, locks=NOTHING, **how)
        if ended.done:
            self.expected[key] = md5(content.encode())
            self.check_readers()
        return ended

    def state(self) -> dict:
        """Read what is recorded."""
        return state_of(Store(self.root))

    def check_readers(self) -> None:
        """All that was acknowledged is there and right."""
        state = self.state()
        under_way = {k: done for k, done in self.adds.items() if k in self.recorded and state.get(k) == done}
        assert {key: state.get(key) for key in self.expected} in (self.expected, {**self.expected, **under_way})
        assert Store(self.root).verify().failures == ()

    def check(self, *, tidy: bool = True) -> None:
        """All that was acknowledged is there, nothing else; a later writer leaves manifest.yaml with all of it."""
        self.check_readers()
        assert self.state() == self.expected
        last = self.zygote.run("add_any", self.base, {"key": ("E9", "P9", "last"), "content": "last"}, locks=NOTHING)
        assert last.done
        self.expected["E9", "P9", "last"] = md5(b"last")
        home = self.root / ".manifest"
        assert temporaries(self.root) == []
        assert state_of_manifest(home / "manifest.yaml") == self.state() == self.expected
        if tidy:
            assert Store(self.root).verify().untracked == ()


def beside(scene: Scene) -> None:
    """Two others add meanwhile."""
    scene.adds_another(("E0", "P0", "b"), "b")
    scene.adds_another(("E1", "P1", "c"), "c")
    assert scene.goes_on().done
    scene.check()


def aged(scene: Scene) -> None:
    """It stands still for ten days; everything it has there looks abandoned, and others work."""
    age(scene.root / ".manifest")
    scene.adds_another(("E0", "P0", "b"), "b")
    age(scene.root / ".manifest")
    scene.adds_another(("E0", "P0", "c"), "c")
    ended = scene.goes_on()
    assert ended.done or len(scene.adds) > 1
    scene.check(tidy=ended.done)


def two_stand_still(scene: Scene, *, days: bool = False) -> None:
    """Another stands still too, a third works; then they go on, one after the other."""
    scene.adds_another(("E0", "P0", "b"), "b")
    key, point = ("E0", "P0", "s"), scene.chance.randrange(40, 130)
    second = scene.zygote.fork("add_any", scene.base, {"key": key, "content": "s"}, locks=NOTHING, stop_at=point)
    second.go()
    stopped = second.wait_for_stop() is None
    if days:
        age(scene.root / ".manifest")
    scene.adds_another(("E0", "P0", "c"), "c")
    first_first = scene.chance.random() < 0.5
    done = scene.goes_on().done if first_first else True
    if stopped:
        second.signal(signal.SIGCONT)
        assert second.wait().done
    scene.expected[key] = md5(b"s")
    scene.check_readers()
    if not first_first:
        done = scene.goes_on().done
    assert done or (days and len(scene.adds) > 1)
    scene.check(tidy=done)


def two_aged(scene: Scene) -> None:
    """Two stand still for ten days."""
    two_stand_still(scene, days=True)


def one_name(scene: Scene) -> None:
    """Another adds other bytes under the same name: exactly one of them wins."""
    key = next(iter(scene.adds))
    other = scene.adds_another(key, "other bytes")
    first = scene.goes_on()
    assert (first.done, other.done) in {(True, False), (False, True)}
    loser = other if first.done else first
    assert loser.error["error"] == "RecordExistsError"
    scene.check()


def one_content(scene: Scene) -> None:
    """Another adds the same bytes under another name: exactly one of them wins."""
    content = next(iter(OPERATIONS[scene.operation].adds.values())).decode()
    other = scene.adds_another(("E5", "P5", "twin"), content)
    first = scene.goes_on()
    assert (first.done, other.done) in {(True, False), (False, True)}
    loser = other if first.done else first
    assert loser.error["error"] == "AlreadyPresentException"
    scene.check()


def killed(scene: Scene) -> None:
    """It is killed there after another has added, and the next finds the Store in order."""
    scene.adds_another(("E0", "P0", "b"), "b")
    scene.dies()
    state = scene.state()
    assert state in (scene.expected, scene.expected | scene.adds)
    scene.expected = state
    scene.adds_another(("E0", "P0", "c"), "c")
    age(scene.root / ".manifest" / "incoming")
    scene.check(tidy=False)


SCENES = [beside, aged, two_stand_still, two_aged, one_name, one_content, killed]
#: What is played with a stop before each call, besides all scenes with add_file.
FURTHER = [("add_files", scene) for scene in choose([beside, aged, killed], SCENES)]
FURTHER += [("link", scene) for scene in choose([beside], [beside, aged, two_stand_still, one_name, killed])]
FURTHER += [("retract", scene) for scene in choose([beside, killed], [beside, aged, two_stand_still, killed])]
FURTHER += [("add_while_reading", scene) for scene in choose([two_stand_still], [beside, aged, two_stand_still])]


def play(scene: Scene, what, points) -> int:
    """Play a scene with a stop before each of `points`; return how many were played."""
    played = 0
    for point in points:
        scene.reset()
        scene.chance = random.Random(point)
        if scene.stopped(point) is None:
            continue
        try:
            what(scene)
        except BaseException as error:
            error.add_note(f"{scene.operation}, {what.__name__}, stopped before call {point}")
            raise
        played += 1
    return played


@pytest.mark.parametrize(
    ("operation", "what"),
    [*(("add_file", scene) for scene in SCENES), *FURTHER],
    ids=lambda x: getattr(x, "__name__", x),
)
def test_stopped_at_every_call(operation, what, tmp_path, zygote):
    """A writer that stands still before any of its calls, be it for days, costs neither it nor others a record."""
    scene = Scene(operation, tmp_path, zygote)
    points = scene.points()
    played = play(scene, what, points)
    note("stopped at", operation=operation, scene=what.__name__, points=played)
    assert played == len(points) or (operation == "add_while_reading" and played > len(points) / 2)


def test_reader_stopped_at_every_call(tmp_path, zygote):
    """A reader that stands still before any of its calls sees all that was acknowledged before it began."""
    scene = Scene("read", tmp_path, zygote)
    played = play(scene, read_late, range(1, 1 + len(scene.calls())))
    note("reader stopped at", points=played)
    assert played > 10


def read_late(scene: Scene) -> None:
    """Others fold the entry that waits, and clean it away, while a reader stands still."""
    scene.adds_another(("E0", "P0", "b"), "b")
    assert is_folded(scene.root)
    ended = scene.goes_on()
    assert set(scene.recorded) <= set(map(tuple, ended.result)) <= set(scene.expected)

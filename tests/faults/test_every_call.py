"""Each system call that changes something is broken in turn: SIGKILL before it, or an error instead of it."""

from __future__ import annotations

import errno
import os
import random
import shutil
import time
from pathlib import Path

import pytest
from faults import tracing
from faults.operations import (
    BROKEN,
    OPERATIONS,
    PLACED,
    ROTTEN,
    is_folded,
    md5,
    state_of,
    state_of_manifest,
    temporaries,
)
from faults.profile import choose, note

from asimov.storage import ManifestError, NotAStoreError, Store
from asimov.storage._disk.folder import DESTINATION, STORE

ERRORS = ["ENOSPC", "EDQUOT", "EIO"]
HOME = {
    "manifest.yaml",
    "manifest.yaml.bak",
    "manifest.yaml.new",
    "recent",
    "tmp",
    "incoming",
    "lock",
    "last-fold",
    "verified",
    "quarantine",
}


class Trial:
    """An operation that is done again and again, each time from the same start, in the same place."""

    def __init__(self, name: str, folder: Path, zygote) -> None:
        self.name, self.operation, self.zygote = name, OPERATIONS[name], zygote
        self.start, self.base, self.log = folder / "start", folder / "base", folder / "strace.log"
        self.start.mkdir()
        self.operation.prepare(self.start)
        self.root = self.base / ("deep/store" if name == "create" else "store")

    def run(self, inject: str | None = None):
        """Do it under strace; give how it ended and what was called."""
        shutil.rmtree(self.base, ignore_errors=True)
        shutil.copytree(self.start, self.base)
        ended = tracing.trace(self.zygote.fork(self.name, self.base), self.log, inject=inject)
        return ended, tracing.read(self.log)

    def points(self):
        """Do it unbroken, and list the calls to break."""
        ended, calls = self.run()
        assert ended.done, ended
        self.check(ended, None)
        *points, report = tracing.points(calls, self.base)
        assert report[0] == "write"
        return points

    # What has to hold afterwards.

    def check(self, ended, call) -> None:
        """The Store is in the state before or the state after, and what was acknowledged is there and right."""
        operation = self.operation
        state = self.state()
        before = "damaged" if operation.damaged else None if operation.creates else operation.state_before()
        after = operation.state_after()
        assert state in (before, after)
        if ended.done:
            assert state == after
        if ended.error is not None:
            assert ended.error["errno"] in {errno.ENOSPC, errno.EDQUOT, errno.EIO}
            assert str(self.base) in ended.error["text"], "it names no path"
            assert any(f"({side})" in ended.error["text"] for side in (STORE, DESTINATION)), "it doesn't say which disk"
            assert state == before or operation.damaged
        self.check_files(ended, call, state)
        self.check_delivered(ended, call)

    def state(self) -> dict | str | None:
        """Read what is recorded: MD5 by key; None without a Store, "damaged" if it can't be opened."""
        try:
            return state_of(Store(self.root))
        except ManifestError:
            return "damaged"
        except NotAStoreError:
            return None

    def check_files(self, ended, call, state) -> None:
        """All that is recorded verifies; only a crash leaves anything else behind."""
        if state is None:
            if ended.error is not None:
                assert self.root.parent.name != "deep" or not self.root.parent.exists()
                assert not self.root.exists()
            return
        if state == "damaged":
            return
        report = Store(self.root).verify()
        assert {check.key for check in report.failures} <= set(() if ended.done else self.operation.spoiled)
        assert self.rotten(self.start / "store") <= self.rotten(self.root)
        strangers = [path for path in report.untracked if path.name != PLACED]
        assert [path for path in strangers if len(path.name) != 32] == []
        if ended.done or not (ended.killed or call is None or call.name == "unlinkat" or self.operation.damaged):
            assert strangers == []
        if ended.error is not None and call.name != "unlinkat":
            assert temporaries(self.root) == temporaries(self.start / "store")

    @staticmethod
    def rotten(root: Path) -> set[bytes]:
        """Read what is damaged of the stored files, in place or in quarantine: none of it may be lost."""
        return {path.read_bytes() for path in root.rglob("*") if path.is_file()} & {ROTTEN}

    def check_delivered(self, ended, call) -> None:
        """What was to be delivered is there whole, or not at all."""
        dest = self.base / "dest"
        files = {str(p.relative_to(dest)): p.read_bytes() for p in dest.rglob("*") if p.is_file()}
        whole = {name: data for name, data in files.items() if ".asimov-storage-" not in name}
        assert whole in ({}, self.operation.delivers)
        if ended.done:
            assert whole == self.operation.delivers
        if not ended.killed and (call is None or call.name != "unlinkat"):
            assert files == whole

    def check_next(self) -> None:
        """The next operations work, on the Store as it is now; a later writer leaves nothing but what belongs there."""
        operation, state = self.operation, self.state()
        ended = self.zygote.run(self.name, self.base)
        after = operation.state_after()
        if not ended.done:
            assert ended.error["error"] in operation.refused
            assert state == after
        past = time.time() - 2 * 86_400
        for path in (self.root / ".manifest" / "incoming").iterdir():
            os.utime(path, (past, past))
        store = Store(self.root)
        source = self.base / "sources" / "last"
        source.write_bytes(b"last")
        store.add_file("E9", "P9", source)
        assert self.state() == {**after, ("E9", "P9", "last"): md5(b"last")}
        assert store.verify().failures == ()
        assert self.rotten(self.start / "store") <= self.rotten(self.root)
        self.check_tidy()

    def check_tidy(self) -> None:
        """manifest.yaml alone says it all, and nothing temporary is left."""
        home = self.root / ".manifest"
        assert temporaries(self.root) == []
        assert {path.name for path in home.iterdir()} <= HOME
        assert is_folded(self.root)
        assert state_of_manifest(home / "manifest.yaml") == self.state()
        assert [path.name for path in self.base.rglob(".asimov-storage-*")] == []


def expected(contents: dict) -> dict:
    """Digest what a Store should hold."""
    return {key: md5(content) for key, content in contents.items()}


def break_each(trial: Trial, action: str, points: list) -> int:
    """Break one call after the other; return how many were."""
    done = 0
    for name, number in points:
        ended, calls = trial.run(f"{name}:{action}:when={number}")
        hit = tracing.broken(calls)
        assert hit, f"{name} {number} was not broken"
        assert hit[0].is_below(trial.base), hit
        try:
            trial.check(ended, hit[0])
            trial.check_next()
        except BaseException as error:
            error.add_note(f"{trial.name}: {action} at {hit[0]}; it ended {ended}")
            raise
        done += 1
    return done


@pytest.mark.parametrize("name", BROKEN)
def test_killed_at_every_call(name, tmp_path, zygote):
    """A SIGKILL at any system call leaves the state before or the state after, and the next operation works."""
    trial = Trial(name, tmp_path, zygote)
    note("killed at", operation=name, points=break_each(trial, "signal=SIGKILL", trial.points()))


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("name", BROKEN)
def test_error_at_every_call(name, error, tmp_path, zygote):
    """An error from any system call is either overcome or raised, and then nothing has changed."""
    trial = Trial(name, tmp_path, zygote)
    points = trial.points()
    some = (
        points
        if error == "ENOSPC"
        else random.Random(name + error).sample(points, choose(len(points) // 4, len(points)))
    )
    note("error at", operation=name, error=error, points=break_each(trial, f"error={error}", some))

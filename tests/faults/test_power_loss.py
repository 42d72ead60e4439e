"""Whatever a power cut leaves, what was acknowledged is there: recorded calls, replayed on a model of a disk."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from faults import powerloss, tracing
from faults.operations import BROKEN, OPERATIONS, ROTTEN, state_of
from faults.profile import choose, note

from asimov.storage import ManifestError, NotAStoreError, Store

#: Where an fsync is for another course of events: the copy that a link makes needless, a folder that a fold syncs too,
#: the manifest that another may have replaced just now, of which an add that only mends tells.
IDLE = {"link": 1, "mend": 1, "mend_gone": 1, "mend_in_batch": 1, "mend_upstream": 1, "upstream": 1}


class Lost(AssertionError):
    """A power cut would have cost something."""


class Recording:
    """An operation, recorded once, on a disk that the model replays."""

    def __init__(self, name: str, folder: Path, zygote, **how) -> None:
        self.name, self.operation, self.folder = name, OPERATIONS[name], folder
        self.base, log = folder / "base", folder / "strace.log"
        self.start = folder / "start"
        self.base.mkdir()
        self.operation.prepare(self.base)
        (self.base / "report").touch()
        shutil.copytree(self.base, self.start)
        child = zygote.fork(name, self.base, **how)
        self.ended = tracing.trace(child, log, tracing.REPLAYED, options=powerloss.OPTIONS)
        assert self.ended.done, self.ended
        self.calls = tracing.read(log)
        self.originals = {path.read_bytes() for path in (self.start / "store").rglob("*") if path.is_file()}
        self.after = self.operation.state_after()
        before = self.operation.state_before()
        self.before = "damaged" if self.operation.damaged else None if self.operation.creates else before

    def check(self, calls, *, some: int = 6, begin: int = 0) -> int:
        """Cut the power after each call from `begin` on; give how many trees that may leave, or raise `Lost`."""
        disk = powerloss.Disk(self.start)
        disk.root = self.base
        replay, seen, acknowledged = powerloss.Replay(disk), set(), False
        for number, call in enumerate(calls):
            replay.do(call)
            acknowledged = acknowledged or b'"done"' in disk.top.now["report"].now
            if number >= begin and (call.changes or powerloss.is_sync(call)):
                for image in disk.images(number, some):
                    image.pop("report", None)
                    mark = hash((frozenset(image.items()), acknowledged))
                    if mark not in seen:
                        seen.add(mark)
                        self.examine(image, acknowledged=acknowledged, where=f"{number}: {call}")
        assert acknowledged
        return len(seen)

    def examine(self, image, *, acknowledged: bool, where: str) -> None:
        """The Store that a power cut left is in the state before or the state after, and all of it verifies."""
        powerloss.restore(image, self.folder / "left")
        root = self.folder / "left" / ("deep/store" if self.name == "create" else "store")
        try:
            store = Store(root)
            state = state_of(store)
            report = store.verify()
        except ManifestError as error:
            if not self.operation.damaged:
                raise Lost(f"after {where}: {error}") from error
            state, report = "damaged", None
        except NotAStoreError:
            state, report = None, None
        delivered = {
            str(p.relative_to(self.folder / "left" / "dest")): p.read_bytes()
            for p in (self.folder / "left" / "dest").rglob("*")
            if p.is_file() and ".asimov-storage-" not in str(p.relative_to(self.folder))
        }
        if state not in ([self.after] if acknowledged else [self.before, self.after]):
            raise Lost(f"after {where}: {state}; acknowledged: {acknowledged}")
        kept = self.originals if self.operation.damaged else self.originals & {ROTTEN}
        if not kept <= set(image.values()):
            raise Lost(f"after {where}: something of what was there is gone")
        failures = set() if report is None else {check.key for check in report.failures}
        if not failures <= set(() if acknowledged else self.operation.spoiled):
            raise Lost(f"after {where}: {failures}")
        if delivered not in ([self.operation.delivers] if acknowledged else [{}, self.operation.delivers]):
            raise Lost(f"after {where}: {delivered}; acknowledged: {acknowledged}")


@pytest.mark.parametrize("name", BROKEN)
def test_power_cut_after_every_call(name, tmp_path, zygote):
    """A power cut after any call leaves the state before or the state after, the latter once it was acknowledged."""
    recording = Recording(name, tmp_path, zygote)
    images = recording.check(recording.calls, some=choose(2, 20))
    note("power cut", operation=name, calls=len(recording.calls), images=images)


@pytest.mark.parametrize("name", [name for name in BROKEN if not OPERATIONS[name].damaged])
def test_every_fsync_is_needed(name, tmp_path, zygote):
    """The check above is sharp: with any one fsync taken out of the record it finds a loss."""
    recording = Recording(name, tmp_path, zygote)
    syncs = [number for number, call in enumerate(recording.calls) if powerloss.is_sync(call)]
    idle = []
    for number in syncs:
        calls = powerloss.without(recording.calls, number)
        try:
            for begin in (len(calls) - 1, number):  # most of what is lost is lost at the end
                recording.check(calls, some=0, begin=begin)
        except Lost:
            continue
        idle.append(recording.calls[number])
    note("fsync taken out", operation=name, syncs=len(syncs), idle=len(idle))
    assert len(idle) == IDLE.get(name, 0), [(recording.calls.index(call), call) for call in idle]

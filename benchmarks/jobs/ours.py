"""asimov-storage."""

from __future__ import annotations

import multiprocessing
import os
import statistics
import time
from pathlib import Path
from typing import Any

from _job import Clock, files_in, main, md5, peak, settle, variants, write_durably

import asimov.storage
from asimov.storage import HashError, Store

IDLE = peak()


def add_large(root: str, path: str) -> dict[str, Any]:
    """Add one file to a new Store."""
    store, clock = Store.create(root, "Benchmark"), Clock()
    settle()
    with clock:
        added = store.add_file("E", "P", path)
    return {
        "seconds": clock.seconds,
        "memory": peak() - IDLE,
        "hashes": [md5(Path(root) / "E" / "P" / added["uuid"])],
    }


def add_each(root: str, folder: str) -> dict[str, Any]:
    """Add files one by one; that each is in manifest.yaml when its add returns is looked up, uncounted."""
    store, clock, hashes = Store.create(root, "Benchmark"), Clock(), []
    manifest = Path(root) / ".manifest" / "manifest.yaml"
    paths = files_in(folder)
    settle()
    for path in paths:
        with clock:
            added = store.add_file("E", "P", path)
        assert added["uuid"] in manifest.read_text(), f"{path} isn't in {manifest} when add_file returns"
        hashes.append(md5(Path(root) / "E" / "P" / added["uuid"]))
    return {"seconds": clock.seconds, "hashes": hashes}


def add_batch(root: str, folder: str) -> dict[str, Any]:
    """Add files by one add_files."""
    store, clock = Store.create(root, "Benchmark"), Clock()
    paths = files_in(folder)
    settle()
    with clock:
        added = store.add_files([("E", "P", path) for path in paths])
    return {
        "seconds": clock.seconds,
        "hashes": [md5(Path(root) / "E" / "P" / each["uuid"]) for each in added],
    }


def add_last(root: str, path: str) -> dict[str, Any]:
    """Add one more file to a Store whose manifest was written by hand, so that it is left as an add leaves it."""
    store = Store(root)
    added = store.add_file("bench", "two", path, duplicate="link")
    store.fold()
    return {"hashes": [added["hash"]]}


def add_one(root: str, path: str, times: int) -> dict[str, Any]:
    """Add to an open Store that has many records, in turn with a bare durable write of its manifest's bytes.

    Each add is followed by a fold, so that it is in manifest.yaml: what a single one costs.
    """
    warm, *rest = variants(path, times + 1)
    store, manifest = Store(root), Path(root) / ".manifest" / "manifest.yaml"
    beside = Path(root) / "beside"
    first = _timed(lambda: store.add_file("bench", "warm", warm))
    ours, bare, work = [], [], []
    for source in rest:
        content = manifest.read_bytes()
        bare.append(_timed(lambda content=content: write_durably(beside, content)))
        used = time.process_time()
        ours.append(_timed(lambda source=source: (store.add_file("bench", "warm", source), store.fold())))
        work.append(time.process_time() - used)
        assert source.name in manifest.read_text()
    beside.unlink()
    return {
        "seconds": statistics.median(ours),
        "first": first,
        "processor": statistics.median(work),
        "beside": statistics.median(bare),
        "own": statistics.median(a - b for a, b in zip(ours, bare, strict=True)),
        "ratio": statistics.median(a / b for a, b in zip(ours, bare, strict=True)),
        "bytes": manifest.stat().st_size,
    }


def _timed(action: Any) -> float:
    clock = Clock()
    with clock:
        action()
    return clock.seconds


def open_noted(root: str) -> dict[str, Any]:
    """Open a Store of many records, and look one up."""
    clock = Clock()
    with clock:
        Store(root)["bench", "one", "file"]
    return {"seconds": clock.seconds}


def add_noted(root: str, path: str) -> dict[str, Any]:
    """Open such a Store, and add a file that is in manifest.yaml when this ends."""
    source = variants(path, 1)[0]
    clock = Clock()
    with clock:
        store = Store(root)
        store.add_file("bench", "noted", source, os.urandom(8).hex())
        store.fold()
    return {"seconds": clock.seconds}


def list_noted(root: str) -> dict[str, Any]:
    """Open such a Store, and go through its records."""
    clock = Clock()
    with clock:
        count = sum(1 for _ in Store(root))
    return {"seconds": clock.seconds, "count": count}


def bursts(roots: dict[str, str], adds: int) -> dict[str, Any]:
    """Add `adds` files in quick succession to each of several open Stores, in turn; the mean seconds of an add each."""
    seconds = {}
    for name, root in roots.items():
        store, source = Store(root), Path(root) / "source"
        for number in range(2):  # the first one reads the manifest
            _burst_add(store, source, number)
        settle()
        seconds[name] = sum(_burst_add(store, source, number) for number in range(adds)) / adds
        store.fold()
    return {"seconds": seconds}


def _burst_add(store: Store, source: Path, number: int) -> float:
    source.write_bytes(os.urandom(64))
    return _timed(lambda: store.add_file("burst", source.parent.name, source, f"{os.urandom(8).hex()}-{number}"))


def crowd(roots: dict[str, str], processes: int, adds: int) -> dict[str, Any]:
    """Add from several processes at once, `adds` files each, to each of several Stores: the seconds for all."""
    seconds = {}
    for name, root in roots.items():
        context = multiprocessing.get_context("fork")
        ready, start = context.Semaphore(0), context.Event()
        crowd = [context.Process(target=_crowd_member, args=(root, adds, ready, start)) for _ in range(processes)]
        before = len(Store(root))
        for member in crowd:
            member.start()
        for _ in crowd:
            ready.acquire()
        settle()
        clock = Clock()
        with clock:
            start.set()
            for member in crowd:
                member.join()
        assert [member.exitcode for member in crowd] == [0] * processes
        assert len(Store(root)) == before + processes * adds
        seconds[name] = clock.seconds
    return {"seconds": seconds}


def _crowd_member(root: str, adds: int, ready: Any, start: Any) -> None:
    store, source = Store(root), Path(root) / f"source-{os.getpid()}"
    len(store)
    ready.release()
    start.wait()
    for number in range(adds):
        _burst_add(store, source, number)


def grow(root: str, count: int, step: int) -> dict[str, Any]:
    """Add `count` files of 64 bytes one by one; take the last `step` in turn with the first ones of another Store.

    What a disk takes changes from second to second, so the two, and bare durable writes of their manifests' bytes,
    are measured side by side.
    """
    growing = {"last": _Growing(Path(root) / "last"), "first": _Growing(Path(root) / "first")}
    for _ in range(count - step):
        growing["last"].add()
    seconds = {name: [] for name in growing}
    beside = {name: [] for name in growing}
    for number in range(step):
        for name, store in growing.items():
            seconds[name].append(store.add())
            if number % 10 == 0:
                beside[name].append(store.write_bare())
    assert [len(store.store) for store in growing.values()] == [count, step]
    return {
        name: {"seconds": statistics.mean(seconds[name]), "beside": statistics.mean(beside[name])} for name in growing
    }


class _Growing:
    """A Store that files are added to, one by one."""

    def __init__(self, root: Path) -> None:
        self.store, self.source, self.beside = Store.create(root, "Benchmark"), root / "source", root / "beside"

    def add(self) -> float:
        """Add a file, and give the seconds that it took."""
        number = len(self.store)
        self.source.write_bytes(f"{number:064}".encode())
        place = f"E{number // 100:04}", f"P{number // 10 % 10}"
        return _timed(lambda: self.store.add_file(*place, self.source, f"file-{number}"))

    def write_bare(self) -> float:
        """Write the manifest's bytes durably to another file, and give the seconds."""
        content = (self.store.root / ".manifest" / "manifest.yaml").read_bytes()
        return _timed(lambda: write_durably(self.beside, content))


def tabulate(root: str, times: int) -> dict[str, Any]:
    """Make the frame of an open Store, in turn with pandas' own of ready tuples."""
    import pandas as pd

    store = Store(root)
    columns = ["event", "production", "file", "hash", "uuid"]
    rows = sorted((r.event, r.production, r.file, r.hash, r.uuid) for r in store)
    first = _timed(store.to_frame)
    ours, bare = [], []
    for _ in range(times):
        ours.append(_timed(store.to_frame))
        bare.append(_timed(lambda: pd.DataFrame(rows, columns=columns)))
    assert store.to_frame().equals(pd.DataFrame(rows, columns=columns))
    return {
        "seconds": statistics.median(ours),
        "beside": statistics.median(bare),
        "first": first,
        "ratio": statistics.median(a / b for a, b in zip(ours, bare, strict=True)),
    }


def verify(root: str) -> dict[str, Any]:
    """Open a Store and verify all of it."""
    clock = Clock()
    with clock:
        report = Store(root).verify()
    return {"seconds": clock.seconds, "ok": report.ok, "count": len(report.results)}


def fetch_one(root: str, event: str, production: str, file: str) -> dict[str, Any]:
    """Fetch one file; only whether it is noticed to be corrupt is of interest."""
    try:
        return {"seconds": 0.0, "ok": Path(Store(root).fetch_file(event, production, file)).is_file()}
    except HashError:
        return {"seconds": 0.0, "ok": False}


def version() -> dict[str, Any]:
    """Say what is measured."""
    return {"version": asimov.storage.__version__, "processors": len(os.sched_getaffinity(0))}


if __name__ == "__main__":
    main(
        add_large,
        add_each,
        add_batch,
        add_last,
        add_one,
        bursts,
        open_noted,
        add_noted,
        list_noted,
        crowd,
        grow,
        tabulate,
        verify,
        fetch_one,
        version,
    )

"""asimov 0.8.0, whose storage module is where this one comes from."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from _job import Clock, files_in, main, md5, peak, settle, variants

from asimov.storage import HashError, Store

IDLE = peak()


def _created(root: str) -> Store:
    Store.create(root, "Benchmark")
    return Store(root)


def add_large(root: str, path: str) -> dict[str, Any]:
    """Add one file to a new Store."""
    store, clock = _created(root), Clock()
    settle()
    with clock:
        added = store.add_file("E", "P", path)
    return {
        "seconds": clock.seconds,
        "memory": peak() - IDLE,
        "hashes": [md5(Path(root) / "E" / "P" / added["file"])],
    }


def add_each(root: str, folder: str) -> dict[str, Any]:
    """Add files one by one, the only way there is."""
    store, clock = _created(root), Clock()
    settle()
    with clock:
        added = [store.add_file("E", "P", str(path)) for path in files_in(folder)]
    return {
        "seconds": clock.seconds,
        "hashes": [md5(Path(root) / "E" / "P" / each["file"]) for each in added],
    }


def add_one(root: str, path: str, times: int) -> dict[str, Any]:
    """Add to an open Store that has many records."""
    store, seconds = Store(root), []
    for source in variants(path, times):
        clock = Clock()
        with clock:
            store.add_file("bench", "warm", str(source))
        seconds.append(clock.seconds)
        assert source.name in (Path(root) / ".manifest" / "manifest.yaml").read_text()
    return {"seconds": statistics.median(seconds)}


def verify(root: str) -> dict[str, Any]:
    """Fetch every file, which is how upstream verifies."""
    clock, failed, count = Clock(), 0, 0
    with clock:
        store = Store(root)
        for event, productions in store.manifest.data["events"].items():
            for production, files in productions.items():
                for file in files:
                    count += 1
                    try:
                        store.fetch_file(event, production, file)
                    except HashError:
                        failed += 1
    return {"seconds": clock.seconds, "ok": not failed, "count": count}


if __name__ == "__main__":
    main(add_large, add_each, add_one, verify)

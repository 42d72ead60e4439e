"""What a user does with a Store, each act in a process of its own: acts.py ACT ROOT [PATH].

It prints one JSON object: what came of it, or the error. So an act can be done where a library is preloaded, or on
another machine.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from asimov.storage import StorageError, Store

CONTENT = "a result"


def create(root: Path) -> dict:
    """Make a Store."""
    return {"name": Store.create(root, "there").name}


def add(root: Path, source: Path) -> dict:
    """Add a file."""
    return Store(root).add_file("E2", "P2", source)


def add_in_every_way(root: Path, source: Path) -> dict:
    """Make a Store, and add to it in each way that there is."""
    store = Store.create(root, "there")
    store.add_file("E", "P", source)
    second, third = source.with_name("second"), source.with_name("third")
    second.write_text("the second")
    third.write_text("the third")
    store.add_files([("E", "P", second), ("E", "Q", third)])
    store.add_file("E", "Q", source, "again", duplicate="link")
    with store.new_file("E", "P", "written") as file:
        file.write(b"written in place")
    store.fold()
    (root / ".manifest" / "manifest.yaml").unlink()
    store = Store.repair(root, dry_run=False) and Store(root)
    return {"files": sorted(record.file for record in store), "ok": store.verify().ok}


def use(root: Path, folder: Path) -> dict:
    """Read from a Store in each way that there is, and fetch the file E/P/result to a folder."""
    store = Store(root)
    with store.open_file("E", "P", "result") as file:
        opened = file.read().decode()
    return {
        "files": [record.file for record in store],
        "ok": store.verify().ok,
        "fetched": store.fetch_file("E", "P", "result").read_text(),
        "delivered": store.fetch_file("E", "P", "result", dest=folder).read_text(),
        "opened": opened,
    }


def in_turn(root: Path, store: Path) -> dict:
    """Do all of it below `root`, where there are no links: `store` is one with a file, which is copied there."""
    copied, source = root / "copied", root / "source"
    source.write_text("another")
    outcome = {"create": attempt(create, root / "new"), "left": sorted(path.name for path in root.iterdir())}
    shutil.copytree(store, copied)
    before = tree(copied)
    outcome["add"] = attempt(add, copied, source)
    outcome["unchanged"] = tree(copied) == before
    outcome["use"] = attempt(use, copied, root)
    return outcome


def tree(root: Path) -> dict[str, list]:
    """List all that is below a folder, with sizes and times."""
    found = [path for path in sorted(root.rglob("*")) if path.is_file()]
    return {str(path.relative_to(root)): [path.stat().st_size, path.stat().st_mtime_ns] for path in found}


def attempt(act, *paths: Path) -> dict:
    """Do it; an error is an outcome too."""
    try:
        return act(*paths)
    except StorageError as error:
        return {"error": type(error).__name__, "message": str(error)}


if __name__ == "__main__":
    acts = {act.__name__: act for act in (create, add, add_in_every_way, use, in_turn)}
    sys.stdout.write(json.dumps(attempt(acts[sys.argv[1]], *map(Path, sys.argv[2:]))))

"""dvc-data, DVC's: files named by their MD5, and a DataIndex (SQLite) that says which name has which.

Its own `check` trusts any file of mode 0444 unread; so `verify` here, and the cold fetch, digest the file with
dvc-data's `hash_file` and compare, as ours does. It doesn't fsync: its adds aren't durable.
"""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from _job import Clock, files_in, main, md5, peak, settle, variants
from dvc_data.hashfile.build import build
from dvc_data.hashfile.db.local import LocalHashFileDB
from dvc_data.hashfile.hash import hash_file
from dvc_data.hashfile.hash_info import HashInfo
from dvc_data.hashfile.meta import Meta
from dvc_data.hashfile.transfer import transfer
from dvc_data.index import DataIndex, DataIndexEntry
from dvc_objects.fs.local import localfs

IDLE = peak()


class Kept:
    """A folder of objects and an index of names, as DVC keeps them."""

    def __init__(self, root: str) -> None:
        Path(root).mkdir(exist_ok=True)
        self.objects = LocalHashFileDB(localfs, str(Path(root) / "objects"))
        self.index = DataIndex.open(str(Path(root) / "index.db"))

    def add(self, key: tuple[str, ...], path: Path) -> str:
        """Add one file under a name and return the path of its object."""
        staging, meta, thing = build(self.objects, str(path), localfs, "md5")
        transfer(staging, self.objects, {thing.hash_info}, hardlink=False, shallow=False)
        self.index[key] = DataIndexEntry(key=key, meta=meta, hash_info=thing.hash_info)
        self.index.commit()
        return str(self.objects.oid_to_path(thing.hash_info.value))

    def verified(self, key: tuple[str, ...]) -> bool:
        """Say whether the bytes of a name are those that were added."""
        expected = self.index[key].hash_info
        _, actual = hash_file(self.objects.oid_to_path(expected.value), localfs, "md5")
        return bool(actual == expected)


def add_large(root: str, path: str) -> dict[str, Any]:
    """Add one file."""
    kept, clock = Kept(root), Clock()
    settle()
    with clock:
        added = kept.add(("E", "P", "file"), Path(path))
    return {"seconds": clock.seconds, "memory": peak() - IDLE, "hashes": [md5(added)]}


def add_each(root: str, folder: str) -> dict[str, Any]:
    """Add files one by one."""
    kept, clock = Kept(root), Clock()
    settle()
    with clock:
        added = [kept.add(("E", "P", path.name), path) for path in files_in(folder)]
    return {"seconds": clock.seconds, "hashes": list(map(md5, added))}


def add_batch(root: str, folder: str) -> dict[str, Any]:
    """Add a folder at once."""
    kept, clock = Kept(root), Clock()
    settle()
    with clock:
        staging, _, tree = build(kept.objects, folder, localfs, "md5")
        transfer(staging, kept.objects, {tree.hash_info}, hardlink=False, shallow=False)
        for name, meta, digest in tree:
            kept.index["E", "P", *name] = DataIndexEntry(key=("E", "P", *name), meta=meta, hash_info=digest)
        kept.index.commit()
    digests = [kept.index["E", "P", path.name].hash_info.value for path in files_in(folder)]
    return {"seconds": clock.seconds, "hashes": [md5(kept.objects.oid_to_path(digest)) for digest in digests]}


def fill(root: str, count: int, path: str) -> dict[str, Any]:
    """Make an index of `count` names; only the file made from `path` has bytes behind it."""
    import hashlib

    kept = Kept(root)
    for number in range(count - 1):
        key = (f"S{number // 100:06}", f"Prod{number // 10 % 10}", f"result_{number}.hdf5")
        digest = HashInfo("md5", hashlib.md5(str(number).encode()).hexdigest())
        kept.index[key] = DataIndexEntry(key=key, meta=Meta(size=1), hash_info=digest)
    kept.add(("bench", "one", "file"), Path(path))
    kept.index.close()
    return {"seconds": 0.0}


def add_one(root: str, path: str, times: int) -> dict[str, Any]:
    """Add to an open index that has many names."""
    kept, seconds = Kept(root), []
    for source in variants(path, times):
        clock = Clock()
        with clock:
            added = kept.add(("bench", "warm", source.name), source)
        seconds.append(clock.seconds)
        assert md5(added) == md5(source)
    return {"seconds": statistics.median(seconds)}


def verify(root: str) -> dict[str, Any]:
    """Digest every file that the index names."""
    clock = Clock()
    with clock:
        kept = Kept(root)
        found = [kept.verified(key) for key, entry in kept.index.iteritems() if entry.hash_info]
    return {"seconds": clock.seconds, "ok": all(found), "count": len(found)}


if __name__ == "__main__":
    main(add_large, add_each, add_batch, fill, add_one, verify)

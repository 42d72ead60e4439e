"""disk-objectstore, AiiDA's: addressed by SHA-256, packs, an SQLite index of the packs; loose objects are fsynced."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from _job import Clock, files_in, main, peak, settle, variants
from disk_objectstore import Container
from disk_objectstore.database import Obj

IDLE = peak()


def _created(root: str) -> Container:
    container = Container(root)
    container.init_container()
    return container


def _hashes(container: Container, keys: list[str]) -> list[str]:
    import hashlib

    found = []
    for key in keys:
        with container.get_object_stream(key) as stream:
            found.append(hashlib.md5(stream.read()).hexdigest())
    return found


def add_large(root: str, path: str) -> dict[str, Any]:
    """Add one file as a loose object."""
    container, clock = _created(root), Clock()
    settle()
    with clock, Path(path).open("rb") as file:
        key = container.add_streamed_object(file)
    return {"seconds": clock.seconds, "memory": peak() - IDLE, "hashes": _hashes(container, [key])}


def add_each(root: str, folder: str) -> dict[str, Any]:
    """Add files one by one as loose objects, each fsynced."""
    container, clock, keys = _created(root), Clock(), []
    settle()
    with clock:
        for path in files_in(folder):
            with path.open("rb") as file:
                keys.append(container.add_streamed_object(file))
    return {"seconds": clock.seconds, "hashes": _hashes(container, keys)}


def add_batch(root: str, folder: str) -> dict[str, Any]:
    """Add files directly to a pack, fsynced once."""
    container, clock = _created(root), Clock()
    settle()
    with clock:
        keys = container.add_objects_to_pack([path.read_bytes() for path in files_in(folder)])
    return {"seconds": clock.seconds, "hashes": _hashes(container, keys)}


def fill(root: str, count: int, path: str) -> dict[str, Any]:
    """Make a container whose pack index has `count` rows; only the object made from `path` has bytes behind it."""
    import hashlib

    container = _created(root)
    (key,) = container.add_objects_to_pack([Path(path).read_bytes()])
    session = container._get_operation_session()  # noqa: SLF001 - its public way takes one row at a time
    rows = (hashlib.sha256(str(number).encode()).hexdigest() for number in range(count - 1))
    values = [{"hashkey": row, "compressed": False, "size": 1, "offset": 0, "length": 1, "pack_id": 1} for row in rows]
    session.execute(Obj.__table__.insert(), values)
    session.commit()
    container.close()
    return {"seconds": 0.0, "key": key}


def add_one(root: str, path: str, times: int) -> dict[str, Any]:
    """Add a loose object to an open container that has many."""
    container, seconds = Container(root), []
    for source in variants(path, times):
        clock = Clock()
        with clock, source.open("rb") as file:
            key = container.add_streamed_object(file)
        seconds.append(clock.seconds)
        assert container.get_object_content(key) == source.read_bytes()
    return {"seconds": statistics.median(seconds)}


def verify(root: str) -> dict[str, Any]:
    """Validate the container."""
    clock = Clock()
    with clock:
        container = Container(root)
        issues = container.validate()
    return {"seconds": clock.seconds, "ok": issues.is_valid(), "count": container.count_objects().loose}


if __name__ == "__main__":
    main(add_large, add_each, add_batch, fill, add_one, verify)

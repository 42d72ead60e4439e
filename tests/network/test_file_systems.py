"""Stores on other file systems than the machine's own: each is mounted for the test, where the machine allows it."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import pytest
from network import crowd, places
from network.bed import NotHere

from asimov.storage import Store
from asimov.storage._format.layout import KEPT

MOUNTS = {
    "xfs": lambda folder: places.image(folder, "xfs"),
    "btrfs": lambda folder: places.image(folder, "btrfs"),
    "overlay": places.overlay,
    "bindfs": places.bindfs,
    "sshfs": places.sshfs,
}
ADDS = 40
"""More than the entries that are kept."""
DAY = 86_400
OF_ANOTHER_HOST = "another-1-0123456789abcdef"


@pytest.fixture
def mounted(tmp_path):
    """A function that mounts a file system for the length of the test: mounted(kind) -> the ways to it."""
    with contextlib.ExitStack() as stack:

        def mount(kind: str) -> list[Path]:
            try:
                return stack.enter_context(MOUNTS[kind](tmp_path))
            except NotHere as reason:
                pytest.skip(f"{kind}: {reason}")

        yield mount


def add_many(store: Store, folder: Path) -> None:
    """Add more files than entries are kept, each by itself, and fold."""
    for number in range(ADDS):
        path = folder / f"result-{number}"
        path.write_text(f"result {number}")
        store.add_file("E", "P", path)
    store.fold()


def entries(store: Store) -> int:
    """Count the entries that are left."""
    return sum(path.name.isdigit() for path in (store.root / ".manifest" / "recent").iterdir())


@pytest.mark.parametrize("kind", MOUNTS)
def test_many_writers(mounted, kind):
    """Many writers, some of them killed, lose nothing on any of these, through one mount or two."""
    figures = crowd.run(mounted(kind), "--adds", 15, "--kills", 2)
    assert crowd.flaws(figures) == {}
    assert figures["acknowledged"] >= 60


def test_what_bindfs_keeps(mounted, tmp_path):
    """Names that libfuse gives to removed files that are open count as nobody's: entries are cleaned away."""
    (place,) = mounted("bindfs")
    store = Store.create(place / "store", "on bindfs")
    recent = store.root / ".manifest" / "recent"
    removed = recent / OF_ANOTHER_HOST
    with removed.open("w"):
        removed.unlink()
        kept = [path.name for path in recent.iterdir()]
        add_many(store, tmp_path)
        assert [name.startswith(".fuse_hidden") for name in kept] == [True]
        assert entries(store) <= KEPT


@pytest.mark.parametrize("offset", [-DAY, DAY])
def test_a_clock_that_is_off(store, tmp_path, offset):
    """What another host left behind whose clock is a day ahead, or behind, keeps nobody from cleaning."""
    left = store.root / ".manifest" / "recent" / OF_ANOTHER_HOST
    left.touch()
    os.utime(left, (time.time() + offset,) * 2)
    add_many(store, tmp_path)
    assert entries(store) <= KEPT
    assert not left.exists()


@pytest.mark.parametrize("offset", [-2 * DAY, 2 * DAY])
def test_data_from_a_clock_that_is_off(store, tmp_path, offset):
    """Data that another host began to copy in, with a clock two days ahead or behind, is swept away."""
    left = store.root / ".manifest" / "incoming" / OF_ANOTHER_HOST
    left.write_text("half of a result")
    os.utime(left, (time.time() + offset,) * 2)
    add_many(store, tmp_path)
    assert not left.exists()


@pytest.mark.parametrize("offset", [-2 * DAY, 2 * DAY])
def test_a_delivery_from_a_clock_that_is_off(store, stored, tmp_path, offset):
    """What a fetch on another host left where files are delivered, with a clock that is off, is swept away."""
    left = tmp_path / "to" / f".asimov-storage-{OF_ANOTHER_HOST}"
    left.parent.mkdir()
    left.write_text("half of a result")
    os.utime(left, (time.time() + offset,) * 2)
    store.fetch_file("S1", "Prod0", "result.txt", dest=left.parent)
    assert [path.name for path in left.parent.iterdir()] == ["result.txt"]

"""A back end in memory does what any back end does: nothing above the seam knows of a disk."""

from __future__ import annotations

import time

import pytest
from backends import contract, memory
from backends.contract import file  # noqa: F401 - a fixture

from asimov.storage import Store
from asimov.storage._model.record import Record
from asimov.storage._operations.recording import Recording


class Memory(contract.Place):
    """A Store in memory."""

    def __init__(self, cache, **more):
        cache.mkdir()
        self.place = memory.Place("Test Store", cache, **more)

    def store(self):
        return Store._over(memory.MemoryBackend(self.place))

    def put(self, event, production, name, content):
        self.place.files[event, production, name] = content, time.time_ns()

    def remove(self, record):
        del self.place.files[record.event, record.production, record.uuid]


class TestMemory(contract.BackendContract):
    """The contract."""

    @pytest.fixture
    def place(self, tmp_path):
        """Make a Store."""
        return Memory(tmp_path / "cache")

    @pytest.fixture
    def place_with_sha256(self, tmp_path):
        """Make a Store with SHA-256."""
        return Memory(tmp_path / "cache", sha256=True)


def test_a_store_in_no_folder(tmp_path):
    """A Store that lies in no folder has no root, and says where it is by a URL."""
    store = Memory(tmp_path / "cache").store()
    assert (store.root, store.backend.location) == (None, "memory://Test Store")


class Overtaken(Recording):
    """A change that another process is quicker than: it records something once this one has been checked."""

    other = None

    def resolve(self, contents):
        records = super().resolve(contents)
        other, self.other = self.other, None
        if other is not None:
            other()
        return records


def test_another_commit_comes_first(tmp_path):
    """A commit that another one overtakes is checked again, so that nothing of the other is lost."""
    place = Memory(tmp_path / "cache")
    records = [Record(event="S1", production="P", file=name, hash="0" * 32, uuid=name * 32) for name in "ab"]
    change = Overtaken(records[:1])
    change.other = lambda: memory.MemoryBackend(place.place).commit(Recording(records[1:]))
    place.store().backend.commit(change)
    assert [*place.store()] == records

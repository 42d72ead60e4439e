"""A back end in memory does what any back end does: nothing above the seam knows of a disk."""

from __future__ import annotations

import time

import pytest
from backends import contract, memory
from backends.contract import file  # noqa: F401 - a fixture

from asimov.storage import Store


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

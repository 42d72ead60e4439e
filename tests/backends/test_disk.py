"""The disk does what any back end does."""

from __future__ import annotations

import pytest
from backends import contract
from backends.contract import file  # noqa: F401 - a fixture

from asimov.storage import Store


class Disk(contract.Place):
    """A Store in a folder."""

    def __init__(self, root, **more):
        self.root = Store.create(root, "Test Store", **more).root

    def store(self):
        return Store(self.root)

    def put(self, event, production, name, content):
        folder = self.root / event / production
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).unlink(missing_ok=True)
        (folder / name).write_bytes(content)

    def remove(self, record):
        (self.root / record.event / record.production / record.uuid).unlink()


class TestDisk(contract.BackendContract):
    """The contract."""

    @pytest.fixture
    def place(self, tmp_path):
        """Make a Store."""
        return Disk(tmp_path / "store")

    @pytest.fixture
    def place_with_sha256(self, tmp_path):
        """Make a Store with SHA-256."""
        return Disk(tmp_path / "store", sha256=True)

"""What is read of a Store on the web is what any back end gives: the contract, where only writing goes to the disk."""

from __future__ import annotations

import pytest
from backends import contract
from backends.contract import file  # noqa: F401 - a fixture

from asimov.storage import Store
from asimov.storage._backends.local.backend import LocalBackend
from asimov.storage._backends.published import backend
from asimov.storage._backends.published.options import Options


class Both(backend.PublishedBackend):
    """Reads from the web what it writes to the folder that the web server has."""

    def __init__(self, url, root):
        super().__init__(url, Options())
        disk = LocalBackend(root)
        for name in ("commit", "fold", "receive", "new_file", "arriving", "mend", "proof", "writable", "untracked"):
            setattr(self, name, getattr(disk, name))


class Web(contract.Place):
    """A Store in a folder of a web server."""

    def __init__(self, url, root, **more):
        self.url, self.root = url, Store.create(root, "Test Store", **more).root

    def store(self):
        return Store._over(Both(self.url, self.root))

    def put(self, event, production, name, content):
        folder = self.root / event / production
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).unlink(missing_ok=True)
        (folder / name).write_bytes(content)

    def remove(self, record):
        (self.root / record.event / record.production / record.uuid).unlink()


class TestWeb(contract.BackendContract):
    """The contract."""

    @pytest.fixture(autouse=True)
    def _each_look_asks_the_server(self, monkeypatch):
        monkeypatch.setattr(backend, "FRESH_FOR", 0)

    @pytest.fixture
    def place(self, at, tmp_path):
        """Make a Store."""
        return Web(at(tmp_path / "store"), tmp_path / "store")

    @pytest.fixture
    def place_with_sha256(self, at, tmp_path):
        """Make a Store with SHA-256."""
        return Web(at(tmp_path / "store"), tmp_path / "store", sha256=True)

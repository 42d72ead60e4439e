"""What is read of a Store on the web is what any back end gives: the contract, where only writing goes to the disk."""

from __future__ import annotations

import pytest
from backends import contract
from backends.contract import file  # noqa: F401 - a fixture
from backends.published import servers

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


@pytest.fixture(scope="module", params=["python", "nginx"])
def served(request, tmp_path_factory):
    """Serve the folder of all tests' folders; give it, and its URL."""
    root = tmp_path_factory.getbasetemp()
    if request.param == "python":
        serving = servers.python_server(root)
    else:
        serving = servers.nginx_server(root, tmp_path_factory.mktemp("nginx") / "folder")
    with serving as url:
        yield root, url


class TestWeb(contract.BackendContract):
    """The contract."""

    @pytest.fixture(autouse=True)
    def _surroundings(self, tmp_path, monkeypatch):
        monkeypatch.setenv("LOCUTUS_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setattr(backend, "FRESH_FOR", 0)

    @pytest.fixture
    def place(self, served, tmp_path):
        """Make a Store."""
        root, url = served
        return Web(f"{url}/{tmp_path.relative_to(root)}/store", tmp_path / "store")

    @pytest.fixture
    def place_with_sha256(self, served, tmp_path):
        """Make a Store with SHA-256."""
        root, url = served
        return Web(f"{url}/{tmp_path.relative_to(root)}/store", tmp_path / "store", sha256=True)

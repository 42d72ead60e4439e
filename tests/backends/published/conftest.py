"""What the tests of Stores on the web share."""

from __future__ import annotations

import pytest
from backends.published import servers

from asimov.storage._backends import transfers


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """The cache of a test, which it asks for no proxy."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("LOCUTUS_CACHE", str(folder))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return folder


@pytest.fixture
def small_pieces(monkeypatch):
    """Let a request ask for 64 KiB, so that a file of a few pieces is small."""
    monkeypatch.setattr(transfers, "PIECE", 64 << 10)


@pytest.fixture(scope="module", params=["python", "nginx"])
def served(request, tmp_path_factory):
    """Serve the folder of all tests' folders, by a server without ranges and one with; give it, and its URL."""
    root = tmp_path_factory.getbasetemp()
    if request.param == "python":
        serving = servers.python_server(root)
    else:
        serving = servers.nginx_server(root, tmp_path_factory.mktemp("nginx") / "folder")
    with serving as url:
        yield root, url


@pytest.fixture
def at(served, tmp_path):
    """Give the URL of a path in the test's folder."""
    root, url = served
    return lambda path: f"{url}/{path.relative_to(root).as_posix()}"


@pytest.fixture
def www(tmp_path):
    """Make the folder that a bad server has."""
    folder = tmp_path / "www"
    folder.mkdir()
    return folder


@pytest.fixture
def bad(www):
    """Start a server that misbehaves as it is told; its root is `www`."""
    server = servers.Bad(www)
    yield server
    server.close()

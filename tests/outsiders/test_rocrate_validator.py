"""What rocrate-validator says of exported crates. It reaches for nothing outside: the package rocrate has the context.

It has an environment of its own (``nox -s outsiders``), since it can't be installed beside our linters.
"""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
import requests
import rocrate
from damage import unpack_legacy_stores
from requests.adapters import BaseAdapter
from requests_cache import CachedSession
from urllib3 import HTTPResponse

from asimov.storage import Store

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
NAMES = ["samples.hdf5", "-dash", "a b", "ünï – 🌌", "100%", "'q' \"r\"", "#h?x=1&y", "c:d", ".hidden", "a,b;c", "*"]


class Shipped(BaseAdapter):
    """Answers each request with the context that the package rocrate ships."""

    def send(self, request, **_options):
        headers = {"Content-Type": "application/ld+json"}
        body = io.BytesIO((Path(rocrate.__file__).parent / "data" / "ro-crate.jsonld").read_bytes())
        answer = requests.Response()
        answer.status_code, answer.url, answer.request, answer.headers = 200, request.url, request, headers
        answer.raw = HTTPResponse(body, headers, 200, preload_content=False, request_url=request.url)
        return answer

    def close(self):
        pass


@pytest.fixture
def cache(tmp_path):
    """A cache of the validator that holds the context, so that it needs no network."""
    with CachedSession(tmp_path / "cache", backend="sqlite", expire_after=-1) as session:
        session.mount("https://", Shipped())
        assert session.get(CONTEXT).json()["@id"] == CONTEXT
    return tmp_path / "cache"


def verdict(crate: Path, cache: Path) -> tuple[int, str]:
    """Let the validator look for what RO-Crate 1.1 requires; return its code and what it says."""
    command = [Path(sys.executable).with_name("rocrate-validator"), "--disable-color", "validate", "--no-paging", "-v"]
    options = ["--offline", "--cache-path", cache, "--profile-identifier", "ro-crate-1.1", crate]
    run = subprocess.run([*command, *options], capture_output=True, text=True, check=False, timeout=300)
    return run.returncode, run.stdout + run.stderr


@pytest.mark.parametrize("license", [None, "CC-BY-4.0", "https://spdx.org/licenses/CC-BY-4.0"])
def test_nothing_required_is_missing(tmp_path, cache, license):
    """Nothing that RO-Crate 1.1 requires is missing in a crate of odd names, with a licence or without."""
    store = Store.create(tmp_path / "store", "Odd\nnames", sha256=True)
    for name in NAMES:
        with store.new_file("Event ü", "-Prod", name) as file:
            file.write(name.encode())
    code, said = verdict(store.export(tmp_path / "crate", format="crate", license=license), cache)
    assert code == 0, said


def test_stores_of_upstream(tmp_path, cache):
    """Nor is anything in a crate of a Store that upstream wrote."""
    unpack_legacy_stores(tmp_path)
    code, said = verdict(Store(tmp_path / "store-0.8.0").export(tmp_path / "crate", format="crate"), cache)
    assert code == 0, said


def test_it_does_look(store, stored, tmp_path, cache):
    """It does find out that a file is missing."""
    crate = store.export(tmp_path / "crate", format="crate")
    (crate / "S1" / "Prod0" / "result.txt").unlink()
    code, said = verdict(crate, cache)
    assert code == 1
    assert "result.txt" in said

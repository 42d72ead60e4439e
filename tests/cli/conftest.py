"""locutus, run here, and a Store for it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from asimov.storage import cli


@pytest.fixture
def locutus(capfdbinary):
    """A function that runs locutus here: locutus(*arguments) -> its code, out and err."""

    def run(*args: object) -> SimpleNamespace:
        code = cli.run([str(arg) for arg in args])
        out, err = capfdbinary.readouterr()
        return SimpleNamespace(code=code, out=out.decode(), err=err.decode())

    return run


@pytest.fixture
def filled(store, source, monkeypatch):
    """A Store, named by $LOCUTUS_STORE, of GW150914's Prod0 and Prod1 and GW170817's shared."""
    store.add_file("GW150914", "Prod0", source("samples.json", b"{}"))
    store.add_file("GW150914", "Prod1", source("samples.json", b"[]"))
    store.add_file("GW170817", "shared", source("psd.txt", b"1 2"))
    monkeypatch.setenv("LOCUTUS_STORE", str(store.root))
    return store


@pytest.fixture(autouse=True)
def no_store_around(monkeypatch, tmp_path):
    """Run in a folder of its own that no Store surrounds."""
    monkeypatch.delenv("LOCUTUS_STORE", raising=False)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

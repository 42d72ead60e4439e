"""What is made for Stores in folders works with those on the web, or says what can't be had."""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context

import pytest
from click.testing import CliRunner

from asimov.storage import Store, StoreReadOnlyError
from asimov.storage.cli import locutus
from asimov.storage.widgets import Explorer, Fetcher, Uploader, Verifier


@pytest.fixture
def original(www, source):
    """Make a Store with SHA-256, where a server has its files."""
    store = Store.create(www / "store", "Test Store", sha256=True)
    store.add_files([("E", "P", source(name, name.encode())) for name in ("a.txt", "b.txt")])
    return store


@pytest.fixture
def store(original, bad):
    """Open it by the web."""
    return Store(f"{bad.url}/store")


@pytest.fixture
def run(store):
    """Run locutus on it."""

    def command(*arguments: str, url: str):
        return CliRunner().invoke(locutus, [*arguments, "--store", url])

    return partial(command, url=store.backend.location)


def test_locutus_reads(run, store, tmp_path):
    """The command lists, describes, fetches and verifies."""
    assert run("list").output == "".join(f"{r.event}\t{r.production}\t{r.file}\t{r.hash}\t{r.uuid}\n" for r in store)
    assert [row["size"] for row in json.loads(run("list", "--long", "--json").output)] == [5, 5]
    assert json.loads(run("info", "--json").output)["root"] == store.backend.location
    assert run("fetch", "E", "P", "a.txt").output.strip() == str(store.fetch_file("E", "P", "a.txt"))
    assert run("fetch", "E", "P", "-o", str(tmp_path / "copies")).exit_code == 0
    assert (tmp_path / "copies" / "b.txt").read_bytes() == b"b.txt"
    assert (run("verify").exit_code, run("verify").output) == (0, "2 files ok (10 B)\n")


def test_locutus_says_read_only(run, source):
    """The command says that nothing can be stored or made there."""
    url = run.keywords["url"]
    for arguments in (["store", "E", "P", str(source("new")), "--store", url], ["init", url]):
        result = CliRunner().invoke(locutus, arguments)
        assert isinstance(result.exception, StoreReadOnlyError)
        assert "can only be read" in str(result.exception)


@pytest.mark.parametrize("executor", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_verify_elsewhere(store, executor):
    """Threads and processes verify it, each process by itself."""
    more = {"mp_context": get_context("spawn")} if executor is ProcessPoolExecutor else {}
    opened = Store(store.backend.location, options={"timeout": 20})
    with executor(2, **more) as pool:
        report = opened.verify(executor=pool)
    assert (report.ok, len(report.results)) == (True, 2)


def test_quick(store, original, bad):
    """By sizes alone, a file that was cut off is found, and one that was changed is not; no bytes are read."""
    report = store.verify(quick=True)
    assert (report.ok, report.quick, report.counts["ok"]) == (True, True, 2)
    assert "by size and ETag, bytes not read" in repr(report)
    assert not [asked for path, asked in bad.asked if "/E/" in path and asked]
    cut, changed = (original.root / "E" / "P" / record.uuid for record in original)
    for path, content in ((cut, b"a.tx"), (changed, b"x" * 5)):
        path.unlink()
        path.write_bytes(content)
    report = Store(store.backend.location).verify(quick=True)
    assert [str(check.status) for check in report.results] == ["corrupt", "ok"]
    assert not Store(store.backend.location).verify().quick
    cut.unlink()
    assert [str(check.status) for check in Store(store.backend.location).verify(quick=True).results] == [
        "missing",
        "ok",
    ]


def test_quick_on_a_disk(store, original):
    """A Store on a disk is looked at likewise, and it isn't noted that files were verified."""
    assert original.verify(quick=True).counts["ok"] == 2
    assert original.to_frame(stat=True)["verified"].isna().all()


def test_quick_without_sizes(tmp_path, source):
    """Where no size is recorded, and no ETag is the MD5, files are read."""
    store = Store.create(tmp_path / "plain", "Plain")
    store.add_file("E", "P", source("a", b"a"))
    path = store.fetch_file("E", "P", "a")
    path.chmod(0o644)
    path.write_bytes(b"b")
    assert store.verify(quick=True).counts["corrupt"] == 1


def test_widgets(store, tmp_path):
    """Explorer, Fetcher and Verifier show it; an Uploader says that nothing can be added."""
    explorer = store.explore()
    assert isinstance(explorer, Explorer)
    first = explorer._initial
    assert (first["root"], first["refusal"]) == (
        store.backend.location,
        f"Nothing can be added to this Store: {store.backend.location} is on the web, where a Store can only be read.",
    )
    assert store.backend.location in explorer._saved_html()
    assert "5 B" in explorer._saved_html()
    assert "on the web" in str(Uploader(store)._initial)
    assert Verifier(store).wait(30).ok
    assert Fetcher(store).path is None


def test_shown(store):
    """Reprs and HTML have the URL."""
    assert repr(store) == f"<Store 'Test Store' at {store.backend.location}>"
    assert store.backend.location in store._repr_html_()
    assert store.backend.location in store.verify()._repr_html_()


def test_exported_and_restored_from(store, original, tmp_path):
    """It is exported like any, published again, and has the bytes of what another Store lost."""
    exported = store.export(tmp_path / "paper")
    assert (exported / "E" / "P" / "a.txt").read_bytes() == b"a.txt"
    again = Store(store.publish(tmp_path / "again"))
    assert again.fingerprint() == store.fingerprint() == original.fingerprint()
    (again.root / "E" / "P" / next(iter(again)).uuid).unlink()
    assert again.restore(store, dry_run=False).ok
    assert again.verify().ok

"""The reference page on the format: what it says is enough to write another implementation from."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from damage import unpack_legacy_stores

from asimov.storage import Store

DOCS = Path(__file__).parents[1] / "docs"
SCRIPT = DOCS / "reference" / "minimal_store.py"
NAMES = ["no", "1e5", "2020-01-01", "é", "漢字", "a: b", "it's", '"', "#", "-", "0x1F", "~", "a\u2028b", "<<", "="]


@pytest.fixture(scope="module")
def other():
    """The second implementation, as a module."""
    spec = importlib.util.spec_from_file_location("minimal_store", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def store(tmp_path):
    """An empty Store."""
    return Store.create(tmp_path / "store", "Test Store")


def result(folder: Path, name: str, content: bytes | None = None) -> Path:
    """Write a file to add."""
    path = folder / name
    path.write_bytes(name.encode() if content is None else content)
    return path


def as_dict(store: Store) -> dict:
    """Tell what a Store holds, as the second implementation does."""
    return {record.key: {"hash": record.hash, "uuid": record.uuid} for record in store}


def test_reads_what_we_write(store, other, tmp_path):
    """It reads every record that we wrote, whatever its name, and its bytes."""
    files = [(result(tmp_path, str(number), name.encode()), name) for number, name in enumerate(NAMES)]
    store.add_files([(name, name, path, name) for path, name in files])
    records, _ = other.read(store.root)
    assert records == as_dict(store)
    assert [other.fetch(store.root, (name,) * 3) for name in NAMES] == [name.encode() for name in NAMES]


def test_reads_entries_that_are_not_folded_yet(store, other, tmp_path):
    """It reads a commit that manifest.yaml doesn't hold, and not one whose end is cut off."""
    before = (store.root / ".manifest" / "manifest.yaml").read_bytes()
    other.add(store.root, "GW150914", "Prod0", result(tmp_path, "samples"))
    assert (store.root / ".manifest" / "manifest.yaml").read_bytes() == before
    (entry,) = (path for path in (store.root / ".manifest" / "recent").iterdir() if path.stat().st_size)
    assert other.read(store.root)[0].keys() == {("GW150914", "Prod0", "samples")}
    entry.write_bytes(entry.read_bytes()[:-1])
    assert other.read(store.root)[0] == {}
    assert as_dict(Store(store.root)) == {}


def test_reads_what_upstream_wrote(other, tmp_path):
    """It reads upstream's Stores, where files have their own names on the disk."""
    unpack_legacy_stores(tmp_path)
    for root in tmp_path.glob("store-*"):
        ours = Store(root)
        assert other.read(root)[0] == as_dict(ours)
        assert [other.fetch(root, r.key) for r in ours] == [ours.fetch_uuid(r.uuid).read_bytes() for r in ours]


def test_we_read_and_grow_what_it_writes(store, other, tmp_path):
    """What it adds we see, verify, fold into manifest.yaml and add to."""
    key = other.add(store.root, "GW150914", "Prod0", result(tmp_path, "samples"))
    assert store.fetch_file(*key).read_bytes() == b"samples"
    assert store.fetch_file(*key).stat().st_mode & 0o222 == 0
    store.add_file("GW150914", "Prod1", result(tmp_path, "psd"))
    assert "samples:" in (store.root / ".manifest" / "manifest.yaml").read_text()
    report = store.verify()
    assert (report.ok, report.untracked, len(report.results)) == (True, (), 2)
    with pytest.raises(FileExistsError):
        other.add(store.root, "GW150914", "Prod0", tmp_path / "samples")


def test_examples_are_what_they_show(tmp_path):
    """The page's manifest is canonical, and its entry whole."""
    page = (DOCS / "reference" / "format.md").read_text(encoding="utf-8")
    manifest = re.search(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)[1]
    (tmp_path / ".manifest").mkdir()
    (tmp_path / ".manifest" / "manifest.yaml").write_text(manifest)
    assert Store(tmp_path).fingerprint() == hashlib.sha256(manifest.encode()).hexdigest()
    (tmp_path / ".manifest" / "recent").mkdir()
    entry = re.search(r'^\{"event".*\}\nend .*\n', page, re.MULTILINE)[0]
    (tmp_path / ".manifest" / "recent" / "1").write_text(entry)
    assert [record.file for record in Store(tmp_path)] == ["psd.dat", "samples.hdf5"]


def test_both_write_at_once(store, other, tmp_path):
    """Processes of both implementations that add at once lose none of each other's files."""
    code = textwrap.dedent("""
        import importlib.util, pathlib, sys
        root, who, many, script = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
        spec = importlib.util.spec_from_file_location("other", script)
        other = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(other)
        from asimov.storage import Store
        add = Store(root).add_file if "ours" in who else lambda *args: other.add(root, *args)
        for number in range(many):
            path = root.parent / f"{who}-{number}"
            path.write_text(path.name)
            add("GW150914", who, path)
    """)
    writers = ["ours-0", "theirs-0", "ours-1", "theirs-1"]
    commands = [[sys.executable, "-c", code, str(store.root), who, "15", str(SCRIPT)] for who in writers]
    running = [subprocess.Popen(command) for command in commands]
    assert [process.wait(timeout=120) for process in running] == [0] * 4
    expected = {("GW150914", who, f"{who}-{number}") for who in writers for number in range(15)}
    assert {record.key for record in store} == other.read(store.root)[0].keys() == expected
    report = store.verify()
    assert (report.ok, report.untracked) == (True, ())

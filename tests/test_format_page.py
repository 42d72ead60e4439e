"""The reference page on the format: what it says is enough to write another implementation from."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import signal
import subprocess
import sys
import textwrap
import uuid
import zlib
from pathlib import Path

import pytest
import yaml
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


def home(store: Store) -> Path:
    """Return the folder of the manifest."""
    return store.root / ".manifest"


def add_many(store: Store, folder: Path, many: int, start: int = 0) -> None:
    """Add files one by one, whose names are numbers."""
    for number in range(start, start + many):
        store.add_file("GW150914", "Prod0", result(folder, str(number)))


def as_dict(store: Store) -> dict:
    """Tell what a Store holds, as the second implementation does."""
    return {record.key: {"hash": record.hash, "uuid": record.uuid} for record in store}


def test_reads_what_we_write(store, other, tmp_path):
    """It reads every record that we wrote, whatever its name, and its bytes."""
    files = [(result(tmp_path, str(number), name.encode()), name) for number, name in enumerate(NAMES)]
    store.add_files([(name, name, path, name) for path, name in files])
    assert other.read(store.root).records == as_dict(store)
    assert [other.fetch(store.root, (name,) * 3) for name in NAMES] == [name.encode() for name in NAMES]


def test_reads_entries_that_are_not_folded_yet(store, other, tmp_path):
    """It reads a commit that manifest.yaml doesn't hold, and not one whose end is cut off."""
    before = (home(store) / "manifest.yaml").read_bytes()
    other.add(store.root, "GW150914", "Prod0", result(tmp_path, "samples"))
    assert (home(store) / "manifest.yaml").read_bytes() == before
    assert other.read(store.root).records.keys() == {("GW150914", "Prod0", "samples")}
    assert other.read(store.root).records == as_dict(Store(store.root))
    entry = home(store) / "recent" / "1"
    entry.write_bytes(entry.read_bytes()[:-1])
    assert other.read(store.root).records == {}
    assert as_dict(Store(store.root)) == {}


def test_ignores_folded_entries(store, other, tmp_path):
    """A record that was taken out of the manifest by hand doesn't come back, though its entry is kept."""
    add_many(store, tmp_path, 3)
    manifest = home(store) / "manifest.yaml"
    kept = home(store) / "recent" / "2"
    assert b'"file": "1"' in kept.read_bytes()
    (record,) = (record for record in store if record.file == "1")
    cut = re.sub(rf"      '1':\n        hash: .*\n        uuid: .?{record.uuid}.?\n", "", manifest.read_text())
    manifest.write_text(cut)
    assert [record.file for record in Store(store.root)] == ["0", "2"]
    assert other.read(store.root).records == as_dict(Store(store.root))


def without_last_line(store: Store) -> None:
    """Write the manifest as a program does that knows nothing of its last line."""
    manifest = home(store) / "manifest.yaml"
    manifest.write_text(yaml.dump(yaml.load(manifest.read_bytes(), yaml.BaseLoader)))


def cut_out(store: Store, *files: str) -> None:
    """Take records out of the manifest, and its last line with them, as another program may."""
    manifest = home(store) / "manifest.yaml"
    found = yaml.load(manifest.read_bytes(), yaml.BaseLoader)
    for file in files:
        del found["events"]["GW150914"]["Prod0"][file]
    manifest.write_text(yaml.dump(found))


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "lost"])
@pytest.mark.parametrize("files", [[], ["2"], ["1"], ["0", "1", "2"]], ids=" ".join)
def test_a_manifest_that_another_program_wrote(store, other, tmp_path, files, kept):
    """Without the last line, both find out alike which entries the manifest includes: from `.new`, else from uuids."""
    add_many(store, tmp_path, 3)
    other.add(store.root, "GW150914", "Prod0", result(tmp_path, "unfolded"))
    cut_out(store, *files)
    if not kept:
        (home(store) / "manifest.yaml.new").unlink()
    state = other.read(store.root)
    assert state.records == as_dict(Store(store.root))
    assert ("GW150914", "Prod0", "unfolded") in state.records
    assert not kept or state.folded == 3


def test_a_manifest_that_has_a_commit_in_part(store, other, tmp_path):
    """Without the last line, what a manifest has not of a batch is read from its entry."""
    add_many(store, tmp_path, 1)
    store.add_files([("GW150914", "Prod0", result(tmp_path, name)) for name in ("a", "b")])
    (home(store) / "manifest.yaml.new").unlink()
    cut_out(store, "b")
    assert other.read(store.root).folded == 1
    assert [record.file for record in Store(store.root)] == ["0", "a", "b"]
    assert other.read(store.root).records == as_dict(Store(store.root))


def test_an_older_manifest_costs_nothing(store, other, tmp_path):
    """A manifest some commits old, with all later entries, is as good as the present one: to read, and to add to."""
    add_many(store, tmp_path, 1)
    older = (home(store) / "manifest.yaml").read_bytes()
    add_many(store, tmp_path, 9, start=1)
    expected = as_dict(store)
    (home(store) / "manifest.yaml").write_bytes(older)
    assert other.read(store.root).records == as_dict(Store(store.root)) == expected
    key = other.add(store.root, "GW150914", "Prod1", result(tmp_path, "late"))
    store.add_file("GW150914", "Prod2", result(tmp_path, "later"))
    assert {*as_dict(store)} == {*expected, key, ("GW150914", "Prod2", "later")}
    assert b"late:" in (home(store) / "manifest.yaml").read_bytes()


def test_too_old_a_manifest_is_noticed(store, other, tmp_path):
    """A manifest whose next entries are gone is nothing to add to."""
    add_many(store, tmp_path, 1)
    older = (home(store) / "manifest.yaml").read_bytes()
    add_many(store, tmp_path, 35, start=1)
    (home(store) / "manifest.yaml").write_bytes(older)
    for to_write in (False, True):
        with pytest.raises(OSError, match="too old"):
            other.read(store.root, to_write=to_write, patience=0)


def test_a_number_that_was_used_before_is_no_commit(store, other, tmp_path):
    """Who links an entry to a number that was folded and removed sees it at the second reading, and takes all back."""
    add_many(store, tmp_path, 40)
    before, recent = as_dict(store), home(store) / "recent"
    assert not (recent / "3").exists()
    source, temporary = result(tmp_path, "late"), recent / other.temporary_name()
    key = ("GW150914", "Prod1", "late")
    with temporary.open("wb") as entry:
        assert other.publish(store.root, 3, key, other.md5(b"late"), source, entry) is False
    temporary.unlink()
    assert not (recent / "3").exists()
    assert list((store.root / "GW150914" / "Prod1").iterdir()) == []
    assert as_dict(Store(store.root)) == before
    assert other.add(store.root, *key[:2], source) in as_dict(Store(store.root))


@pytest.fixture
def unfolded(store, other, tmp_path):
    """A Store with 40 commits that nobody has folded."""
    for number in range(40):
        other.add(store.root, "GW150914", "Prod0", result(tmp_path, str(number)))
    return store


def test_many_commits_that_nobody_folds(unfolded, other, tmp_path):
    """Forty commits without a fold, the first after an empty entry 0, are read by both, and folded by our next add."""
    state = other.read(unfolded.root)
    assert (state.folded, state.present) == (0, set(range(41)))
    assert state.records == as_dict(Store(unfolded.root))
    add_many(unfolded, tmp_path, 1, start=40)
    assert (len(as_dict(Store(unfolded.root))), other.read(unfolded.root).folded) == (41, 41)


def test_a_commit_that_cant_be_told_is_an_error(unfolded, other):
    """Who can't tell whether its number was used before says so, rather than that its commit counts."""
    records = as_dict(unfolded)
    for number in range(4):
        (home(unfolded) / "recent" / str(number)).unlink()
    files = {key[2]: records[key] for key in records if int(key[2]) < 3}
    text = yaml.dump({"name": "Test Store", "events": {"GW150914": {"Prod0": files}}})
    (home(unfolded) / "manifest.yaml").write_text(text)
    (home(unfolded) / "manifest.yaml.new").write_text("folded 3\n")
    assert other.read(unfolded.root).records == as_dict(Store(unfolded.root)) == records
    with pytest.raises(OSError, match="can't be told"):
        other.counts(unfolded.root, 4, ("GW150914", "Prod0", "3"), "")


def test_a_record_renamed_by_hand(store, other, tmp_path):
    """A record that stands in the manifest under another name, with its uuid, doesn't come back from its entry."""
    key = other.add(store.root, "GW150914", "Prod0", result(tmp_path, "samples"))
    fields = as_dict(store)[key]
    text = yaml.dump({"name": "Test Store", "events": {"GW150914": {"Prod0": {"renamed": fields}}}})
    (home(store) / "manifest.yaml").write_text(text + "# entries folded: 0\n")
    assert other.read(store.root).records == as_dict(Store(store.root)) == {(*key[:2], "renamed"): fields}


def test_it_keeps_out_of_what_it_does_not_understand(store, other, tmp_path):
    """It reads further keys and passes over lines of other kinds, and adds nothing as long as there are any."""
    source = result(tmp_path, "mine")
    record = {"event": "E", "production": "P", "file": "f", "hash": "a" * 32, "uuid": "b" * 32, "note": {"a": [1]}}
    body = f'{json.dumps(record)}\n{{"kind": "correction"}}\n'
    entry = home(store) / "recent" / "1"
    entry.write_text(f"{body}end 2 {hashlib.md5(body.encode()).hexdigest()}\n")
    assert other.read(store.root).records["E", "P", "f"]["note"] == Store(store.root)["E", "P", "f"].further["note"]
    with pytest.raises(OSError, match="later version"):
        other.add(store.root, "E", "P", source)
    entry.unlink()
    manifest = home(store) / "manifest.yaml"
    manifest.write_text(f"requires: [x]\n{manifest.read_text()}")
    with pytest.raises(OSError, match="later version"):
        other.add(store.root, "E", "P", source)


def test_its_temporary_file_keeps_entries(store, other, tmp_path):
    """As long as a file is there that is named as the page says, nobody removes an entry."""
    recent = home(store) / "recent"
    temporary = recent / other.temporary_name()
    temporary.touch()
    add_many(store, tmp_path, 40)
    assert sorted(int(path.name) for path in recent.iterdir() if path != temporary) == list(range(41))
    temporary.unlink()
    add_many(store, tmp_path, 1, start=40)
    assert sorted(int(path.name) for path in recent.iterdir()) == list(range(10, 42))


@pytest.fixture
def large(store, tmp_path):
    """A Store whose manifest is so large that a fold leaves word of itself."""
    names = [f"{number:0200}" for number in range(1000)]
    lines = [f"      '{name}':\n        hash: {'a' * 32}\n        uuid: {uuid.uuid4().hex}\n" for name in names]
    text = "events:\n  GW150914:\n    Prod0:\n" + "".join(lines) + "name: Large\n"
    (home(store) / "manifest.yaml").write_text(text)
    store.add_file("GW170817", "Prod0", result(tmp_path, "samples"))
    return store


def test_what_the_last_fold_left(large, other):
    """`last-fold` is as the page says: numbers of the manifest, a checksum, and nothing that is needed."""
    text, status = (home(large) / "last-fold").read_bytes(), (home(large) / "manifest.yaml").stat()
    lineage, number, size, modified, inode, microseconds, checksum = text.split()
    assert re.fullmatch(rb"[0-9a-f]{16}", lineage)
    assert (int(number), int(size), int(modified)) == (1, status.st_size, status.st_mtime_ns)
    assert (int(inode), int(microseconds) > 0) == (status.st_ino, True)
    assert int(checksum, 16) == zlib.crc32(text[: -len(checksum) - 1])
    (home(large) / "last-fold").unlink()
    assert other.read(large.root).records == as_dict(Store(large.root))


def test_reads_what_a_killed_process_left_unfolded(large, other, tmp_path):
    """A process that puts off its fold, and is killed, leaves an entry that both read, and fold, and add to."""
    last = home(large) / "last-fold"
    text = b" ".join([*last.read_bytes().split()[:5], b"60000000", b""])  # that fold took a minute
    last.write_bytes(text + b"%08x\n" % zlib.crc32(text))
    code = """
        import os, signal, sys
        from asimov.storage import Store
        Store(sys.argv[1]).add_file("GW170817", "Prod0", sys.argv[2])
        os.kill(os.getpid(), signal.SIGKILL)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(large.root), str(result(tmp_path, "psd"))]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert other.read(large.root).records == as_dict(Store(large.root))
    key = other.add(large.root, "GW170817", "Prod1", result(tmp_path, "theirs"))
    last.unlink()
    large.add_file("GW170817", "Prod1", result(tmp_path, "ours"))
    assert other.read(large.root).folded == 4
    assert {("GW170817", "Prod0", "psd"), key, ("GW170817", "Prod1", "ours")} < {*as_dict(Store(large.root))}


def test_a_former_store(store, other, tmp_path):
    """A Store of a former version, with `tmp/`, an entry that was emptied and no last line, is read and grown."""
    add_many(store, tmp_path, 3)
    for entry in (home(store) / "recent").iterdir():
        entry.unlink()
    (home(store) / "recent" / "3").touch()
    (home(store) / "tmp").mkdir(exist_ok=True)
    (home(store) / "manifest.yaml.new").unlink()
    without_last_line(store)
    former = as_dict(Store(store.root))
    assert (len(former), other.read(store.root).records, other.read(store.root).folded) == (3, former, 3)
    key = other.add(store.root, "GW150914", "Prod1", result(tmp_path, "theirs"))
    store.add_file("GW150914", "Prod1", result(tmp_path, "ours"))
    assert {*as_dict(store)} == {*former, key, ("GW150914", "Prod1", "ours")}
    assert (home(store) / "manifest.yaml").read_text().splitlines()[-1] == "# entries folded: 5"


def test_reads_what_upstream_wrote(other, tmp_path):
    """It reads upstream's Stores, where files have their own names on the disk."""
    unpack_legacy_stores(tmp_path)
    for root in tmp_path.glob("store-*"):
        ours = Store(root)
        assert other.read(root).records == as_dict(ours)
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
    text = manifest.removesuffix("# entries folded: 0\n")
    assert Store(tmp_path).fingerprint() == hashlib.sha256(text.encode()).hexdigest()
    assert text != manifest
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
    assert {record.key for record in store} == other.read(store.root).records.keys() == expected
    report = store.verify()
    assert (report.ok, report.untracked) == (True, ())

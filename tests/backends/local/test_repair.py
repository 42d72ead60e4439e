"""Store.repair: a lost or damaged manifest made whole again."""

import errno
import hashlib
import os
import shutil

import pytest
import yaml
from damage import ordinary_user, unpack_legacy_stores

from asimov.storage import ManifestError, NotAStoreError, Store
from asimov.storage._backends.local import deferred, last_fold
from asimov.storage._format import entries


@pytest.fixture
def store(tmp_path):
    """A Store of six files, added one by one."""
    store = Store.create(tmp_path / "store", "Six files")
    for number in range(6):
        source = tmp_path / f"result-{number}.txt"
        source.write_text(f"result {number}")
        store.add_file(f"S{number % 2}", "Prod0", source)
    return store


def home(store):
    """Give the folder that a Store keeps its own files in."""
    return store.root / ".manifest"


def tree(folder):
    """Give all files below a folder with what they hold."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def cut_in_half(path):
    """Damage a file as a full disk would."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def overwrite_start(path):
    """Overwrite the first bytes of a file."""
    with path.open("r+b") as file:
        file.write(b"\0" * 8)


def overwrite(path):
    """Damage a file beyond recognition."""
    path.write_bytes(b"\0\1\2")


@pytest.mark.parametrize("damage", [os.unlink, cut_in_half, overwrite])
def test_every_record_comes_back(store, damage):
    """From the back-up and the last commit a lost or damaged manifest is rebuilt to the letter."""
    before, records = store.fingerprint(), list(store)
    damage(home(store) / "manifest.yaml")
    with pytest.raises(ManifestError, match=r"Store\.repair"):
        Store(store.root)
    report = Store.repair(store.root, dry_run=False)
    assert (before, records) == (Store(store.root).fingerprint(), list(report.records))
    assert Store(store.root).verify().ok


def test_a_batch_after_the_backup_comes_back(store, tmp_path):
    """The back-up is one rewrite old, however many records that rewrite brought."""
    files = []
    for number in range(20):
        source = tmp_path / f"more-{number}.txt"
        source.write_text(f"more {number}")
        files.append(("S9", "Prod0", source))
    store.add_files(files)
    before = store.fingerprint()
    (home(store) / "manifest.yaml").unlink()
    Store.repair(store.root, dry_run=False)
    assert before == Store(store.root).fingerprint()


def test_a_dry_run_touches_nothing(store):
    """A dry run, which is the default, says what would be done and does nothing."""
    (home(store) / "manifest.yaml").write_bytes(b"events: [")
    before = tree(store.root)
    report = Store.repair(store.root)
    assert ("damaged", 6, True) == (report.manifest, len(report.records), report.dry_run)
    assert before == tree(store.root)


def test_a_sound_store_stays_as_it_is(store):
    """Where nothing is wrong, nothing is done."""
    before = tree(store.root)
    report = Store.repair(store.root, dry_run=False)
    assert ("sound", None, ()) == (report.manifest, report.problem, report.quarantined)
    assert before == {path: data for path, data in tree(store.root).items() if path.name != "lock"} | {
        path: b"" for path in before if path.name == "lock"
    }


def test_the_damaged_manifest_is_kept(store):
    """The damaged text goes to quarantine: nothing is deleted."""
    overwrite(home(store) / "manifest.yaml")
    Store.repair(store.root, dry_run=False)
    assert (home(store) / "quarantine" / "manifest.yaml").read_bytes() == b"\0\1\2"


def test_without_a_backup_the_damaged_text_is_read(store):
    """What can be read of a damaged manifest is believed where the file is there and has that digest."""
    text = (home(store) / "manifest.yaml").read_bytes()
    changed = store.fetch_file("S0", "Prod0", "result-0.txt")
    for name in ("manifest.yaml.bak", "manifest.yaml.new"):
        (home(store) / name).unlink()
    shutil.rmtree(home(store) / "recent")
    (home(store) / "manifest.yaml").write_bytes(text[: text.index(b"name:")])  # cut off before its last line
    changed.chmod(0o600)
    changed.write_bytes(b"something else")
    report = Store.repair(store.root, dry_run=False)
    kept = [f"result-{number}.txt" for number in (2, 4, 1, 3, 5)]
    assert kept == [record.file for record in report.records]
    assert (changed,) == report.quarantined
    assert (home(store) / "quarantine" / "S0" / "Prod0" / changed.name).read_bytes() == b"something else"


def test_what_no_record_names_is_quarantined(store):
    """An untracked file is moved to quarantine, below its event and production, under a free name."""
    stranger = store.root / "S0" / "Prod0" / "left-over"
    for text in ("one", "two"):
        stranger.write_text(text)
        assert (stranger,) == Store.repair(store.root, dry_run=False).quarantined
    kept = home(store) / "quarantine" / "S0" / "Prod0"
    assert {"left-over": "one", "left-over.2": "two"} == {path.name: path.read_text() for path in kept.iterdir()}
    assert store.verify().untracked == ()


def test_a_torn_entry_is_quarantined(store):
    """Of an entry that a power cut left half written, repair keeps the text aside, and its number stays taken."""
    torn = home(store) / "recent" / "7"
    torn.write_bytes(b'{"event": "S7", "product')
    assert 6 == len(Store(store.root))
    assert (torn,) == Store.repair(store.root, dry_run=False).quarantined
    assert b'{"event": "S7", "product' == (home(store) / "quarantine" / "7").read_bytes()
    assert () == Store.repair(store.root, dry_run=False).quarantined
    (store.root.parent / "next").write_text("next")
    store.add_file("S7", "Prod0", store.root.parent / "next")
    assert (home(store) / "recent" / "8").exists()


def test_records_come_back_though_the_backup_failed(store, tmp_path, monkeypatch):
    """If one add could not keep the manifest before it, a lost manifest is rebuilt with what that and the one before
    it recorded.
    """
    real = os.link

    def link(source, *rest, **options):
        if source == "manifest.yaml":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(source, *rest, **options)

    for name in ("a", "b", "c"):
        (tmp_path / name).write_text(name)
    store.add_file("S7", "Prod0", tmp_path / "a")
    monkeypatch.setattr(os, "link", link)
    store.add_file("S7", "Prod0", tmp_path / "b")
    store.add_file("S7", "Prod0", tmp_path / "c")
    monkeypatch.undo()
    before = list(Store(store.root))
    (home(store) / "manifest.yaml").unlink()
    assert before == list(Store.repair(store.root, dry_run=False).records)
    assert store.verify().ok


@pytest.mark.parametrize("left", ["manifest.yaml", "manifest.yaml.new"])
def test_a_store_with_sha256_stays_one(tmp_path, left):
    """A Store that was created to record SHA-256 does so after its manifest was rebuilt without the back-up."""
    store = Store.create(tmp_path / "store", "Forgery is found", sha256=True)
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    store.add_file("S1", "Prod0", tmp_path / "a")
    for name in {"manifest.yaml", "manifest.yaml.new", "manifest.yaml.bak"} - {left}:
        (home(store) / name).unlink()
    if left == "manifest.yaml":
        overwrite_start(home(store) / left)
    Store.repair(store.root, dry_run=False)
    added = Store(store.root).add_file("S1", "Prod0", tmp_path / "b")
    assert hashlib.sha256(b"b").hexdigest() == Store(store.root)["S1", "Prod0", "b"].sha256
    assert "b" == added["file"]


def test_upstreams_files_tell_their_names(tmp_path):
    """Files that upstream asimov stored carry their names, so that records can be made even from nothing else."""
    unpack_legacy_stores(tmp_path)
    root = tmp_path / "store-0.8.0"
    before = [(record.key, record.hash) for record in Store(root)]
    (root / ".manifest" / "manifest.yaml").unlink()
    with pytest.raises(NotAStoreError):
        Store(root)
    report = Store.repair(root, dry_run=False)
    assert before == [(record.key, record.hash) for record in Store(root)]
    assert ("files that carry their names",) == report.sources
    assert Store(root).verify().ok


def test_no_folder_no_repair(tmp_path):
    """Where there never was a Store there is nothing to repair."""
    with pytest.raises(NotAStoreError, match="no folder"):
        Store.repair(tmp_path)


def test_what_was_folded_last_is_kept_exactly(store, tmp_path):
    """What is kept for a repair is the entries that were folded last, and nothing of longer ones before them."""
    source = tmp_path / "source"
    for name in ("a-name-that-makes-a-long-entry", "short"):
        source.write_text(name)
        store.add_file("S0", "Prod0", source, name)
    kept = (home(store) / "manifest.yaml.new").read_bytes()
    assert kept == entries.write([store["S0", "Prod0", "short"]]) + b"folded 8\n"
    (home(store) / "manifest.yaml").unlink()
    assert 8 == len(Store.repair(store.root, dry_run=False).records)


def test_what_was_folded_last_is_kept_anew(common_path):
    """What is kept for a repair is replaced where it may not be written over."""
    common_path.chmod(0o777)
    with ordinary_user():
        store = Store.create(common_path / "store", "Shared")
        for name in ("old", "new"):
            (common_path / name).write_text(name)
            store.add_file("S0", "Prod0", common_path / name)
            (home(store) / "manifest.yaml.new").chmod(0o444)
    kept = (home(store) / "manifest.yaml.new").read_bytes()
    assert kept == entries.write([store["S0", "Prod0", "new"]]) + b"folded 2\n"


def test_files_recorded_and_lost_stay_recorded(store):
    """A record whose file is gone is kept: verification says that it is missing."""
    shutil.rmtree(store.root / "S1")
    (home(store) / "manifest.yaml").unlink()
    report = Store.repair(store.root, dry_run=False)
    assert 6 == len(report.records)
    assert {"ok": 3, "corrupt": 0, "missing": 3, "unreadable": 0, "retracted": 0} == Store(store.root).verify().counts


def test_what_was_taken_out_by_hand_stays_out(store, tmp_path):
    """A record that somebody took out of the manifest isn't brought back by a repair, though its entry is there."""
    manifest = home(store) / "manifest.yaml"
    data = yaml.safe_load(manifest.read_bytes())
    del data["events"]["S1"]["Prod0"]["result-5.txt"]
    manifest.write_text(yaml.safe_dump(data), encoding="utf-8")
    (tmp_path / "later").write_text("later")
    store.add_file("S0", "Prod0", tmp_path / "later")
    before = list(store)
    manifest.unlink()
    Store.repair(store.root, dry_run=False)
    assert list(Store(store.root)) == before
    assert ("S1", "Prod0", "result-5.txt") not in store


def test_what_was_taken_out_by_hand_after_a_repair_stays_out(store, tmp_path, monkeypatch):
    """A repair leaves word of the entries that it includes: another program that drops the manifest's last line, and a
    record, brings nothing back.
    """
    for module, name, value in ((last_fold, "WORTHWHILE", 0), (last_fold, "QUICK", -1), (deferred, "LIMIT", 3600)):
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(last_fold, "SHARE", 10**9)  # folds are put off, as in a large Store
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text(name)
        store.add_file("S1", "Prod0", tmp_path / name)
    (home(store) / "manifest.yaml").unlink()
    Store.repair(store.root, dry_run=False)
    data = yaml.safe_load((home(store) / "manifest.yaml").read_bytes())
    del data["events"]["S1"]["Prod0"]["c"]
    (home(store) / "manifest.yaml").write_text(yaml.safe_dump(data))
    assert 8 == len(Store(store.root))


def test_a_manifest_that_is_lost_again_after_a_repair(store):
    """A manifest that is lost right after it was rebuilt is rebuilt again, to the letter."""
    before = store.fingerprint()
    for _ in range(2):
        (home(store) / "manifest.yaml").unlink()
        Store.repair(store.root, dry_run=False)
        assert before == Store(store.root).fingerprint()

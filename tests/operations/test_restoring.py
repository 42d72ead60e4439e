"""Store.restore: missing and damaged files come back from copies, which are found by their bytes."""

from __future__ import annotations

import os
import shutil

import pytest
from damage import contents, flip_bit, ordinary_user, read_only, replace_by_folder, truncate

from asimov.storage import RecordNotFoundError, SourceChangedError, Store
from asimov.storage._model.reports import RestoreReport
from asimov.storage._operations import restoring

PLACES = [("S1", "P0", "a"), ("S1", "P0", "b"), ("S1", "P1", "c"), ("S2", "P0", "d")]


def fill(store, source):
    """Add four files; return the Store."""
    store.add_files([(event, production, source(name, name.encode() * 100)) for event, production, name in PLACES])
    return store


@pytest.fixture
def four(store, source):
    """A Store of four files."""
    return fill(store, source)


@pytest.fixture
def backup(four, tmp_path):
    """A copy of the Store of four, made in time."""
    shutil.copytree(four.root, tmp_path / "backup")
    return tmp_path / "backup"


def path_of(store, key):
    """Find a file of the Store."""
    return store.root / key[0] / key[1] / store[key].uuid


def damage(store):
    """Remove one file, change one, cut one short; the first stays."""
    path_of(store, PLACES[1]).unlink()
    flip_bit(path_of(store, PLACES[2]))
    truncate(path_of(store, PLACES[3]))


def test_from_a_folder(four, backup):
    """All missing and damaged files come back, whatever the names of the copies; the damaged ones are kept."""
    records = [*four]
    damage(four)
    damaged = path_of(four, PLACES[2]).read_bytes()
    shutil.rmtree(backup / ".manifest")
    for number, path in enumerate(sorted(path for path in backup.rglob("*") if path.is_file())):
        path.rename(backup / f"copy {number}.dat")
    report = four.restore(backup, dry_run=False)
    assert report.ok
    assert [record.key for record in report.restored] == PLACES[1:]
    assert [path.parent for path in report.sources] == [backup] * 3
    assert four.verify().ok
    assert [*four] == records
    kept = four.root / ".manifest" / "quarantine" / "S1" / "P1" / records[2].uuid
    assert kept.read_bytes() == damaged
    assert path_of(four, PLACES[1]).stat().st_mode & 0o222 == 0


def test_from_a_store(four, source, tmp_path):
    """From another Store files come back by their bytes: names and uuids may be others there."""
    other = Store.create(tmp_path / "other", "Other Store")
    other.add_files([("X", "Y", source(f"copy {name}", name.encode() * 100)) for *_, name in PLACES])
    damage(four)
    report = four.restore(other, dry_run=False)
    assert (report.ok, len(report.restored)) == (True, 3)
    assert report.sources[0] == path_of(other, ("X", "Y", "copy b"))
    assert four.verify().ok
    assert other.verify().ok


def test_dry_run(four, backup):
    """By default nothing is touched, and the report says the same."""
    damage(four)
    before = contents(four.root)
    planned = four.restore(backup)
    assert contents(four.root) == before
    assert repr(planned) == "<RestoreReport: would restore 3, 0 not found>"
    done = four.restore(backup, dry_run=False)
    assert repr(done) == "<RestoreReport: restored 3, 0 not found>"
    assert (planned.restored, planned.sources) == (done.restored, done.sources)


def test_nothing_to_do(four, backup):
    """In a sound Store nothing is looked for."""
    report = four.restore(backup, dry_run=False)
    assert report == RestoreReport(root=four.root, dry_run=False, restored=(), sources=(), not_found=())


def test_retracted(four, backup):
    """A file that was retracted isn't looked for: it may be gone for good."""
    damage(four)
    four.retract(PLACES[1], "wrong PSD")
    report = four.restore(backup, dry_run=False)
    assert [record.key for record in report.restored] == PLACES[2:]
    assert not path_of(four, PLACES[1]).exists()


def test_not_found(four, backup):
    """What has no copy with the recorded bytes is said, and stays as it is; the others come back."""
    damage(four)
    flip_bit(backup / "S1" / "P0" / four[PLACES[1]].uuid)
    report = four.restore(backup, dry_run=False)
    assert not report.ok
    assert [record.key for record in report.not_found] == [PLACES[1]]
    assert [check.key for check in four.verify().failures] == [PLACES[1]]


def test_report_in_a_notebook(four, backup):
    """The report lists what wasn't found first, then what was and where; names can't be markup."""
    damage(four)
    missing = backup / "S1" / "P0" / four[PLACES[1]].uuid
    missing.rename(backup / "<b>")
    (backup / "S1" / "P1" / four[PLACES[2]].uuid).unlink()
    shown = four.restore(backup)._repr_html_()
    assert shown.index("not found</bdi>") < shown.index(f"{backup}/&lt;b&gt;")
    assert "as-ill" in shown
    assert "as-well" in four.restore(backup, PLACES[1])._repr_html_()


def test_damaged_in_the_other_store(four, backup):
    """Another Store's record isn't believed: its file is digested."""
    damage(four)
    flip_bit(backup / "S1" / "P0" / four[PLACES[1]].uuid)
    (backup / "S1" / "P1" / four[PLACES[2]].uuid).unlink()
    report = four.restore(Store(backup), dry_run=False)
    assert [record.key for record in report.not_found] == PLACES[1:3]
    assert [path.name for path in report.unread] == [four[PLACES[2]].uuid]


def test_selection(four, backup):
    """Only the files of a selection are verified and come back."""
    damage(four)
    report = four.restore(backup, PLACES[1], dry_run=False)
    assert [record.key for record in report.restored] == [PLACES[1]]
    assert [check.key for check in four.verify().failures] == PLACES[2:]
    with pytest.raises(RecordNotFoundError):
        four.restore(backup, ("S1", "P0", "none"))
    assert four.restore(backup, four.verify().failures, dry_run=False).ok
    assert four.verify().ok


def test_all_digests(tmp_path, source):
    """Where SHA-256 and size are recorded, a copy has to have those too, also from a Store that records only MD5."""
    store = fill(Store.create(tmp_path / "sha256", "Test Store", sha256=True), source)
    plain = fill(Store.create(tmp_path / "plain", "Test Store"), source)
    damage(store)
    assert store.restore(plain, dry_run=False).ok
    assert store.verify().ok
    text = (store.root / ".manifest" / "manifest.yaml").read_text()
    (store.root / ".manifest" / "manifest.yaml").write_text(text.replace(store[PLACES[0]].sha256, "0" * 64))
    changed = Store(store.root)
    report = changed.restore(plain, dry_run=False)
    assert [record.key for record in report.not_found] == [PLACES[0]]


def test_size_first(tmp_path, source):
    """Where sizes are recorded, files of other sizes aren't read; no copy is digested twice."""
    store = fill(Store.create(tmp_path / "sha256", "Test Store", sha256=True), source)
    copies = tmp_path / "copies"
    copies.mkdir()
    for *_, name in PLACES:
        (copies / f"copy {name}").write_bytes(name.encode() * 100)
    (copies / "a larger one").write_bytes(b"x" * 1000)
    damage(store)
    seen: list[tuple[int, int]] = []
    assert store.restore(copies, progress=lambda *now: seen.append(now)).ok
    assert seen[-1] == (400, 400)


def test_same_bytes_twice(store, source, tmp_path):
    """One copy mends all files with its bytes."""
    store.add_file("S1", "P", source("a", b"aaaa"))
    store.add_file("S2", "P", source("a", b"aaaa"), duplicate="link")
    for record in store:
        path_of(store, record.key).unlink()
    copy = tmp_path / "copies" / "deep" / "copy"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(b"aaaa")
    assert store.restore(tmp_path / "copies", dry_run=False).sources == (copy, copy)
    assert store.verify().ok


def test_odd_things(four, backup):
    """Pipes, dangling links and links to folders in the source are passed over; a link to a file is a copy."""
    damage(four)
    os.mkfifo(backup / "pipe")
    (backup / "dangling").symlink_to("nowhere")
    (backup / "loop").symlink_to(".")
    right = backup / "S1" / "P0" / four[PLACES[1]].uuid
    right.rename(backup.parent / "elsewhere")
    right.symlink_to(backup.parent / "elsewhere")
    report = four.restore(backup, dry_run=False)
    assert (report.ok, report.sources[0], report.unread) == (True, right, ())


def test_a_folder_in_its_place(four, backup):
    """A folder in the place of a file goes to quarantine, as damaged files do."""
    replace_by_folder(path_of(four, PLACES[0]))
    assert four.restore(backup, dry_run=False).ok
    assert four.verify().ok


def test_unreadable_copies(common_path):
    """A copy that can't be read is said; others are looked at all the same. A folder that can't be read is an error."""
    store = Store.create(common_path / "store", "Test Store")
    copies = common_path / "copies"
    copies.mkdir(mode=0o755)
    for name in ("a", "other"):
        (copies / name).write_bytes(b"aaaa")
    store.add_file("S1", "P", copies / "a")
    path_of(store, ("S1", "P", "a")).unlink()
    (copies / "a").chmod(0)
    with ordinary_user():
        report = store.restore(copies)
    assert (report.ok, report.sources, report.unread) == (True, (copies / "other",), (copies / "a",))
    assert repr(report) == "<RestoreReport: would restore 1, 0 not found, 1 of the source unreadable>"
    (copies / "deeper").mkdir(mode=0)
    with ordinary_user(), pytest.raises(PermissionError, match="deeper"):
        store.restore(copies)


def test_read_only_store(common_path):
    """A Store that can't be written is an error; a dry run works."""
    store = Store.create(common_path / "store", "Test Store")
    (common_path / "copies").mkdir(mode=0o755)
    (common_path / "copies" / "a").write_bytes(b"aaaa")
    store.add_file("S1", "P", common_path / "copies" / "a")
    path_of(store, ("S1", "P", "a")).unlink()
    with read_only(store.root):
        assert store.restore(common_path / "copies").ok
        with pytest.raises(OSError, match="store"):
            store.restore(common_path / "copies", dry_run=False)


def test_changed_since_found(four, backup):
    """A copy that is written to after it was found isn't put in place."""
    damage(four)
    record = four[PLACES[1]]
    (copy,) = [one for one, _ in restoring.copies_in(backup).of([record]) if one.where.name == record.uuid]
    copy.where.chmod(0o644)
    copy.where.write_bytes(b"other")
    with pytest.raises(SourceChangedError, match=record.uuid):
        restoring._put_back(four.backend, four.manifest.snapshot(), record, copy, restoring.Meter(None, 0))
    assert not path_of(four, PLACES[1]).exists()


@pytest.mark.parametrize(
    ("place", "error"),
    [(3, TypeError), ("", ValueError), ("nowhere", FileNotFoundError), (__file__, NotADirectoryError)],
)
def test_no_source(four, place, error):
    """What is neither a Store nor a folder is refused before anything is verified."""
    with pytest.raises(error):
        four.restore(place, progress=lambda *_: pytest.fail("something was read"))


def test_cancel(four, backup):
    """An error of progress cancels, and nothing changes."""
    damage(four)
    before = contents(four.root)

    def stop(done, total):
        if total == 0:  # the search begins
            raise InterruptedError

    with pytest.raises(InterruptedError):
        four.restore(backup, dry_run=False, progress=stop)
    assert contents(four.root) == before

"""A published copy: the manifest and the files, verified, and nothing else; all of it or nothing."""

from __future__ import annotations

import zipfile

import pytest
from damage import contents, flip_bit

from asimov.storage import HashError, Store
from asimov.storage._operations.publishing import MOST_FLAT

DESTS = ["folder", "archive.zip"]


@pytest.fixture
def filled(store, tmp_path):
    """Add two files."""
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(name.encode() * 1000)
        store.add_file("S1", "Prod0", tmp_path / name)
    return store


def names(path) -> set[str]:
    """List the files of a published copy."""
    if path.is_dir():
        return {file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()}
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return set(archive.namelist())


@pytest.mark.parametrize("dest", DESTS)
def test_nothing_else(filled, tmp_path, dest):
    """The copy has the manifest and the files; told is the progress of their bytes."""
    told = []
    path = filled.publish(tmp_path / "new" / dest, progress=lambda done, total: told.append((done, total)))
    assert path == tmp_path / "new" / dest
    files = {f"S1/Prod0/{record.uuid}" for record in filled}
    assert names(path) == files | {".manifest/manifest.yaml"}
    assert (told[0], told[-1]) == ((0, 2000), (2000, 2000))


def test_a_store(filled, tmp_path):
    """A folder is a Store itself, with the fingerprint and the times, and can be added to."""
    copy = Store(filled.publish(tmp_path / "copy"))
    assert copy.verify(fingerprint=filled.fingerprint()).ok
    assert list(copy.to_frame(stat=True)["added"]) == list(filled.to_frame(stat=True)["added"])
    (tmp_path / "c").write_bytes(b"c")
    copy.add_file("S2", "Prod0", tmp_path / "c")
    assert (len(copy), len(filled), copy.verify().ok) == (3, 2, True)


def test_flat(filled, tmp_path):
    """A flat copy has all files side by side."""
    path = filled.publish(tmp_path / "flat", flat=True)
    assert names(path) == {record.uuid for record in filled} | {"manifest.yaml"}


def test_flat_is_for_few(store, tmp_path):
    """A flat copy of many files is refused, and the advice is an archive."""
    files = []
    for number in range(MOST_FLAT + 1):
        files.append(("S1", "Prod0", tmp_path / f"{number}"))
        files[-1][2].write_bytes(b"%d" % number)
    store.add_files(files)
    with pytest.raises(ValueError, match=r"99 files.*\.zip"):
        store.publish(tmp_path / "flat", flat=True)
    with pytest.raises(ValueError, match="flat=True is for a folder"):
        store.publish(tmp_path / "flat.zip", flat=True)
    assert not (tmp_path / "flat").exists()


@pytest.mark.parametrize("dest", DESTS)
def test_never_over_anything(filled, tmp_path, dest):
    """What is at the destination stays as it is."""
    (tmp_path / dest).write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="is there already"):
        filled.publish(tmp_path / dest)
    assert (tmp_path / dest).read_bytes() == b"mine"


@pytest.mark.parametrize("dest", DESTS)
def test_a_damaged_file(filled, tmp_path, dest):
    """Nothing is published of a Store with a damaged file."""
    flip_bit(filled.fetch_file("S1", "Prod0", "b"))
    before = contents(tmp_path)
    with pytest.raises(HashError):
        filled.publish(tmp_path / "new" / dest)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("dest", DESTS)
def test_cancelled(filled, tmp_path, dest):
    """What progress raises leaves nothing."""

    def cancel(done, _total):
        if done:
            raise KeyboardInterrupt

    before = contents(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        filled.publish(tmp_path / "new" / dest, progress=cancel)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("dest", DESTS)
def test_an_empty_store(store, tmp_path, dest):
    """A Store without files can be published."""
    assert names(store.publish(tmp_path / dest)) == {".manifest/manifest.yaml"}


@pytest.mark.parametrize("dest", DESTS)
def test_a_full_disk(filled, tmp_path, small_disk, dest):
    """A disk that is full is named, and nothing is left on it."""
    (tmp_path / "large").write_bytes(b"x" * (1 << 20))
    filled.add_file("S1", "Prod0", tmp_path / "large")
    small_disk.fill(leaving_pages=16)
    with pytest.raises(OSError, match="the destination") as caught:
        filled.publish(small_disk.root / dest)
    assert caught.value.errno in small_disk.refusals
    assert str(caught.value.filename).startswith(str(small_disk.root))
    small_disk.empty()
    assert list(small_disk.root.iterdir()) == []

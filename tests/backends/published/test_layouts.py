"""A Store is read from wherever it is published: its folder, a flat list of files, or a zip archive."""

from __future__ import annotations

import pickle
import random
import zipfile
from pathlib import Path

import pytest

from asimov.storage import HashError, NotAStoreError, Store, StoreReadOnlyError

pytestmark = pytest.mark.usefixtures("small_pieces")
ODD = ["GW150914", "100% of ?#&;", "a+b c", "événement ☂", "%2e%2e", "~$@!'()*,=:", 'quoted"<>|', "back`tick^{}[]"]
"""Names of events that mean something in a URL."""
LARGE = random.Random(1).randbytes((129 << 10) + 5)  # three pieces
LAYOUTS = ["folder", "flat", "zip", "deflated"]


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """Make a Store with odd names, an empty file and a large one."""
    folder = tmp_path_factory.mktemp("original")
    store = Store.create(folder / "store", "A Store: 'odd'", sha256=True)
    for number, event in enumerate(ODD):
        (folder / "source").write_bytes(b"%d" % number)
        store.add_file(event, "Prod 0", folder / "source", f"file {number}", meta={"n": number})
    for name, content in {"empty": b"", "large": LARGE}.items():
        (folder / name).write_bytes(content)
        store.add_file("GW150914", "Prod1", folder / name)
    store.retract((ODD[1], "Prod 0", "file 1"), "a glitch")
    return store


@pytest.fixture(params=LAYOUTS)
def published(request, original, at, tmp_path):
    """Publish it, and open it by the web."""
    store = Store(at(publish(original, tmp_path, request.param)))
    assert store.root is None
    return store


def publish(store: Store, folder: Path, layout: str) -> Path:
    """Publish a Store in a layout; return the path."""
    if layout == "deflated":  # as people zip a folder
        path = store.publish(folder / "results")
        with zipfile.ZipFile(folder / "Results.ZIP", "w", zipfile.ZIP_DEFLATED) as archive:
            for file in path.rglob("*"):
                archive.write(file, file.relative_to(folder))
        return folder / "Results.ZIP"
    return store.publish(folder / ("published.zip" if layout == "zip" else "published"), flat=layout == "flat")


def test_what_is_recorded(published, original):
    """Records, notes, retractions and fingerprint are those of the Store that was published."""
    assert list(published) == list(original)
    assert published.fingerprint() == original.fingerprint()
    assert (published.name, published.manifest.reasons()) == (original.name, original.manifest.reasons())
    assert published.diff(original).empty


def test_what_is_fetched(published, tmp_path):
    """Each file comes out with its bytes: as a path, open, and as a copy."""
    contents = {("GW150914", "Prod1", "large"): LARGE, ("GW150914", "Prod1", "empty"): b""}
    contents |= {(event, "Prod 0", f"file {n}"): b"%d" % n for n, event in enumerate(ODD) if n != 1}
    for key, content in contents.items():
        assert published.fetch_file(*key).read_bytes() == content
        with published.open_file(*key) as file:
            file.seek(len(content) // 2)
            assert file.read() == content[len(content) // 2 :]
    paths = published.fetch_files(contents, dest=tmp_path / "copies", tree=True)
    assert [path.read_bytes() for path in paths] == list(contents.values())


@pytest.mark.parametrize("offset", [0, 1, 64 << 10, (64 << 10) + 3, len(LARGE) - 1, len(LARGE)])
def test_from_an_offset(published, offset):
    """The bytes of a file are had from any place on, as a download that was broken off asks for them."""
    record = published["GW150914", "Prod1", "large"]
    assert b"".join(published.backend.pieces(record, offset)) == LARGE[offset:]


def test_verify(published, tmp_path):
    """Each file is verified where it is published."""
    report = published.verify(progress=lambda _done, _total: None)
    assert (report.ok, report.counts["ok"], report.counts["retracted"]) == (True, len(ODD) + 1, 1)
    assert {str(check.path).startswith(published.backend.location) for check in report.results} == {True}
    assert report.untracked == ()


def test_frame(published, original):
    """The table has sizes, times and URLs."""
    frame, there = published.to_frame(stat=True), original.to_frame(stat=True)
    assert list(frame["size"]) == list(there["size"])
    assert frame["added"].notna().all()
    assert frame["path"].str.startswith(published.backend.location).all()


def test_only_read(published, tmp_path):
    """Whatever would change it is refused, and the error says why."""
    (tmp_path / "file").write_bytes(b"new")
    url = published.backend.location
    changes = [
        lambda: published.add_file("E", "P", tmp_path / "file"),
        lambda: published.add_files([("E", "P", tmp_path / "file")]),
        lambda: published.new_file("E", "P", "f").__enter__(),
        lambda: published.retract(published["GW150914", "Prod1", "empty"], "no"),
        published.fold,
        lambda: Store.create(url, "New"),
        lambda: Store.repair(url),
    ]
    for change in changes:
        with pytest.raises(StoreReadOnlyError, match="can only be read"):
            change()
    assert "can only be read" in published.backend.writable()


def test_pickled(published):
    """A pickled Store is its URL and its options."""
    opened = Store(published.backend.location, options={"timeout": 7})
    again = pickle.loads(pickle.dumps(opened))
    assert (again, again.backend.options) == (published, {"timeout": 7})


@pytest.mark.parametrize("layout", LAYOUTS)
def test_damage(original, at, tmp_path, layout):
    """A damaged file doesn't come out, and is found, as a missing one is."""
    records = [original["GW150914", "Prod1", "large"], original["GW150914", "Prod 0", "file 0"]]
    path = publish(original, tmp_path, layout)
    if path.is_dir():
        damaged, missing = (next(path.rglob(record.uuid)) for record in records)
        damaged.write_bytes(LARGE[:-1] + b"!")
        missing.unlink()
    else:
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                if not name.endswith(records[1].uuid):
                    archive.writestr(name, LARGE[:-1] + b"!" if name.endswith(records[0].uuid) else content)
    store = Store(at(path))
    with pytest.raises(HashError):
        store.fetch_file(*records[0].key)
    with pytest.raises(HashError):
        store.fetch_file(*records[0].key, dest=tmp_path / "copy")
    with pytest.raises(FileNotFoundError):
        store.fetch_file(*records[1].key)
    assert not (tmp_path / "copy").exists()
    failures = {check.key: str(check.status) for check in store.verify().failures}
    assert failures == {records[0].key: "corrupt", records[1].key: "missing"}


def test_commits_after_the_manifest(at, tmp_path, source, monkeypatch):
    """A Store that is written to while it is served shows what was added, before manifest.yaml has it."""
    store = Store.create(tmp_path / "store", "Growing")
    store.add_file("E", "P", source("first"))
    manifest = store.root / ".manifest" / "manifest.yaml"
    before = manifest.read_bytes()
    opened = Store(at(store.root))
    assert len(opened) == 1
    store.add_file("E", "P", source("second", b"second"))
    manifest.unlink()
    manifest.write_bytes(before)  # as it is in a burst of adds
    assert [record.file for record in Store(at(store.root))] == ["first", "second"]
    monkeypatch.setattr("asimov.storage._backends.published.backend.FRESH_FOR", 0)
    assert len(opened) == 2


def test_no_store(at, tmp_path):
    """A URL without a Store is said to be one, whatever the server answers there."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.zip").write_bytes(b"no archive")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("data.txt", "1")
    for name in ("empty", "nowhere", "text.zip", "other.zip"):
        with pytest.raises(NotAStoreError, match=name):
            Store(at(tmp_path / name))


def test_upstreams_store(at, tmp_path):
    """Files that lie under their own names, as upstream asimov stores them, are found."""
    store = Store.create(tmp_path / "store", "By hand")
    (store.root / "E" / "P").mkdir(parents=True)
    (store.root / "E" / "P" / "by name").write_bytes(b"1")
    store.manifest.add_record("E", "P", "by name", "c4ca4238a0b923820dcc509a6f75849b", "1" * 32)
    store.manifest.update()
    opened = Store(at(store.root))
    assert opened.fetch_file("E", "P", "by name").read_bytes() == b"1"
    assert opened.verify().ok

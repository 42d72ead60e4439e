"""Sealed manifests: one record is looked up in the text; anything but what we wrote is read, and checked, whole."""

import hashlib

import pytest

from asimov.storage import ManifestError, Store
from asimov.storage._format import lookup
from asimov.storage._format.lookup import _FEW, Sealed

EVENTS, PRODUCTIONS, FILES = ("GW150914", "no", "Ünï"), ("Prod0", "Prod00", "it's"), 400


@pytest.fixture(scope="module", autouse=True)
def _small_ones_are_sealed():
    """Seal manifests that are small enough to be made many times."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookup, "_WORTHWHILE", 1 << 18)
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A Store whose manifest is large enough to be sealed by the add that it ends with."""
    folder = tmp_path_factory.mktemp("sealed")
    keys = [(e, p, f"file {n}.txt") for e in EVENTS for p in PRODUCTIONS for n in range(FILES)]
    for number, key in enumerate(keys):
        (folder / str(number)).write_text("/".join(key))
    store = Store.create(folder / "store", "It's sealed")
    store.add_files((e, p, folder / str(number), name) for number, (e, p, name) in enumerate(keys))
    return store, keys


def is_sealed(store):
    """Whether a Store, just opened, has left its records unread."""
    contents = store.backend.contents()
    return isinstance(contents, Sealed) and "keys" not in vars(contents)


def test_every_record_is_found_as_it_is_read(made):
    """What the text says of a record is what reading all of it gives."""
    store, keys = made
    whole = list(Store(store.root))
    assert [record.key for record in whole] == sorted(keys)
    for record in (*whole[::97], whole[-1]):
        opened = Store(store.root)
        assert opened[record.key] == record
        assert opened.name == "It's sealed"
        assert is_sealed(opened)


def test_sha256_and_size_are_found(tmp_path, made):
    """Those of Stores with SHA-256 too."""
    store = Store.create(tmp_path / "store", "x", sha256=True)
    text = tmp_path / "text"
    for number in range(1500):
        text.with_name(str(number)).write_text(str(number))
    store.add_files(("e", "p", text.with_name(str(number)), f"{number}.txt") for number in range(1500))
    opened = Store(store.root)
    record = opened["e", "p", "700.txt"]
    assert is_sealed(opened)
    assert (record.sha256, record.size) == (hashlib.sha256(b"700").hexdigest(), 3)
    assert opened.fetch_file("e", "p", "700.txt").read_text() == "700"


@pytest.mark.parametrize(
    "key",
    [
        ("GW150914", "Prod0", "nothing"),
        ("GW150914", "Prod", "file 1.txt"),
        ("GW", "Prod0", "file 1.txt"),
        ("Prod0", "Prod0", "file 1.txt"),
        ("GW150914", "file 1.txt", "file 1.txt"),
    ],
)
def test_what_is_not_there_is_not_found(made, key):
    """Neither what isn't there at all nor what is there in another place."""
    assert key not in Store(made[0].root)


def test_what_follows_a_production_is_not_taken_for_its_own(tmp_path, made):
    """A name that only another production, or another event, has."""
    store, _ = made
    (tmp_path / "one").write_text("one")
    store.add_file("GW150914", "Prod00", tmp_path / "one", "only here")
    store.fold()
    opened = Store(store.root)
    assert ("GW150914", "Prod0", "only here") not in opened
    assert ("GW150914", "Prod00", "only here") in opened
    assert is_sealed(opened)


def test_many_lookups_read_all(made):
    """Who looks for many is better served by reading once."""
    opened = Store(made[0].root)
    for number in range(_FEW):
        assert opened["no", "it's", f"file {number}.txt"].file == f"file {number}.txt"
    assert is_sealed(opened)
    assert opened["no", "it's", "file 0.txt"].file == "file 0.txt"
    assert not is_sealed(opened)


def test_a_changed_manifest_is_checked(made):
    """One digit changed by hand: it is read whole, and a repeated uuid is found at once, wherever it is."""
    store, keys = made
    manifest = store.root / ".manifest" / "manifest.yaml"
    before = manifest.read_bytes()
    first, second = store[keys[0]].uuid.encode(), store[keys[1]].uuid.encode()
    try:
        manifest.write_bytes(before.replace(first, second))
        with pytest.raises(ManifestError, match=r"uuid"):
            Store(store.root)
        at = before.rindex(b"sealed")
        manifest.write_bytes(before[:at] + b"S" + before[at + 1 :])
        assert not is_sealed(Store(store.root))
    finally:
        manifest.write_bytes(before)
    assert is_sealed(Store(store.root))


@pytest.mark.parametrize("kept", [None, b"", b"sealed 1 00000000\n", b"sealed", b"\xff" * 200])
def test_without_a_right_seal_all_is_read(made, kept):
    """A seal that is gone, torn, or another manifest's changes nothing but the time that it takes."""
    store, keys = made
    beside = store.root / ".manifest" / "manifest.yaml.new"
    before = beside.read_bytes()
    try:
        beside.unlink()
        if kept is not None:
            beside.write_bytes(kept)
        opened = Store(store.root)
        assert not is_sealed(opened)
        assert opened[keys[5]].key == keys[5]
    finally:
        beside.write_bytes(before)


def test_adding_to_a_sealed_store(tmp_path, made):
    """The next add reads all, and seals what it writes."""
    store, _ = made
    (tmp_path / "two").write_text("two")
    opened = Store(store.root)
    opened.add_file("zz", "p", tmp_path / "two")
    opened.fold()
    assert is_sealed(Store(store.root))
    assert Store(store.root).fetch_file("zz", "p", "two").read_text() == "two"
    assert Store(store.root).manifest.data == opened.manifest.data


def test_further_keys_at_the_top(tmp_path, made):
    """A manifest with keys of others before its records is looked up as any, and they are kept."""
    store, _ = made
    manifest = store.root / ".manifest" / "manifest.yaml"
    before = manifest.read_bytes()
    try:
        manifest.write_bytes(b"comment: by hand\n" + before)
        (tmp_path / "three").write_text("three")
        opened = Store(store.root)
        opened.add_file("zz", "q", tmp_path / "three")
        opened.fold()
        opened = Store(store.root)
        assert opened["zz", "q", "three"].hash == hashlib.md5(b"three").hexdigest()
        assert opened[made[1][5]].uuid
        assert is_sealed(opened)
        assert manifest.read_bytes().startswith(b"comment: by hand\n")
    finally:
        (store.root / ".manifest" / "manifest.yaml").write_bytes(before)


def test_records_without_a_size_are_found(tmp_path, monkeypatch):
    """A record that has further fields than we write, or fewer, is found by those few look-ups as by all others."""
    monkeypatch.setattr(lookup, "_WORTHWHILE", 200)
    store = Store.create(tmp_path / "store", "x", sha256=True)
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text(name)
    store.add_files([("e", "p", tmp_path / "a"), ("e", "p", tmp_path / "b")])
    manifest = store.root / ".manifest" / "manifest.yaml"
    manifest.write_text(manifest.read_text().replace("        size: 1\n", "", 1))
    Store(store.root).add_file("e", "p", tmp_path / "c")
    opened = Store(store.root)
    assert is_sealed(opened)
    assert opened["e", "p", "a"].size is None
    assert ("e", "p", "d") not in Store(store.root)

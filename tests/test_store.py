"""Store.create, opening a Store, and what a Store tells of itself."""

from __future__ import annotations

import hashlib
import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from damage import contents, keys, manifest_of, md5, records_text, run_python

from asimov.storage import NotAStoreError, RecordNotFoundError, StorageError, Store, StoreExistsError


@pytest.fixture
def filled(store, source):
    """A Store of three files."""
    for event, production, name in [("S2", "Prod0", "c"), ("S1", "Prod1", "b"), ("S1", "Prod0", "a")]:
        store.add_file(event, production, source(name, name.encode()))
    return store


def test_create(tmp_path):
    """Create returns a Store that works, at the place and of the name that were given."""
    store = Store.create(tmp_path / "store", "Test Store")
    assert isinstance(store, Store)
    assert (store.root, store.name, len(store), list(store)) == (tmp_path / "store", "Test Store", 0, [])
    assert yaml.safe_load(manifest_of(store).read_bytes()) == {"name": "Test Store", "events": {}}


def test_create_by_keywords(tmp_path):
    """Create and Store take upstream's keywords, and str paths."""
    store = Store.create(root=str(tmp_path / "store"), name="n")
    assert Store(root=str(tmp_path / "store")).root == store.root == tmp_path / "store"


def test_create_makes_parents(tmp_path):
    """Create makes the folders above the root that are missing."""
    assert Store.create(tmp_path / "a" / "b" / "c", "n").root.is_dir()


def test_create_in_an_existing_folder(tmp_path):
    """Create works in a folder that has files already, and leaves them alone."""
    (tmp_path / "notes.txt").write_text("mine")
    store = Store.create(tmp_path, "n")
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert len(store) == 0
    assert store.verify().untracked == ()


def test_create_where_one_is(store, source):
    """Create where a Store already is, is a FileExistsError and a StorageError, and the Store stays as it is."""
    store.add_file("S1", "Prod0", source())
    before = contents(store.root)
    with pytest.raises(FileExistsError, match="store") as caught:
        Store.create(store.root, "Other")
    assert type(caught.value) is StoreExistsError
    assert contents(store.root) == before
    assert Store(store.root).name == "Test Store"


def test_the_message_says_how_to_open_it(store, monkeypatch):
    """What says that a Store is there says the call that opens it, which works as it stands, from anywhere."""
    monkeypatch.chdir(store.root.parent)
    with pytest.raises(StoreExistsError) as caught:
        Store.create("store", "Another")
    (call,) = re.findall(r"Open it with (Store\('[^']+'\))", str(caught.value))
    monkeypatch.chdir("/")
    assert eval(call, {"Store": Store}) == store  # noqa: S307 - our own message
    assert "--store" in str(caught.value)


@pytest.mark.parametrize("sha256", [False, True])
def test_create_or_open(tmp_path, source, sha256):
    """With exist_ok the Store that is there is opened, if it is the one that is meant; else one is made."""
    made = Store.create(tmp_path / "store", "A", sha256=sha256, exist_ok=True)
    made.add_file("S1", "Prod0", source())
    before = contents(made.root)
    opened = Store.create(tmp_path / "store", "A", sha256=sha256, exist_ok=True)
    assert keys(opened) == [("S1", "Prod0", "result.txt")]
    assert contents(made.root) == before


def test_create_or_open_one_of_another_name(store):
    """A Store of another name is a StoreExistsError that says both names, and stays as it is."""
    before = contents(store.root)
    with pytest.raises(StoreExistsError, match="is called 'Test Store', not 'Another'"):
        Store.create(store.root, "Another", exist_ok=True)
    assert contents(store.root) == before


@pytest.mark.parametrize("sha256", [False, True])
def test_create_or_open_with_another_sha256(tmp_path, sha256):
    """So is a Store that does otherwise about SHA-256."""
    Store.create(tmp_path / "store", "A", sha256=not sha256)
    with pytest.raises(StoreExistsError, match=f"sha256={not sha256}, not sha256={sha256}"):
        Store.create(tmp_path / "store", "A", sha256=sha256, exist_ok=True)


def test_create_or_open_reads_only(read_only_store):
    """To open the Store that is there needs no right to write it."""
    assert len(Store.create(read_only_store.root, "Someone else's", exist_ok=True)) == 1


def test_create_or_open_what_upstream_made(hand_written):
    """Nothing is added to a Store that upstream made."""
    root = hand_written("name: Upstream's\nevents: {}\n")
    before = sorted(root.rglob("*"))
    assert Store.create(root, "Upstream's", exist_ok=True).name == "Upstream's"
    assert sorted(root.rglob("*")) == before


def test_create_or_open_a_lost_one(store, source):
    """A Store whose manifest is lost is neither made anew nor opened: the error says how to rebuild it."""
    store.add_file("S1", "Prod0", source())
    manifest_of(store).unlink()
    with pytest.raises(StorageError, match="repair"):
        Store.create(store.root, "Test Store", exist_ok=True)
    assert not manifest_of(store).exists()


def test_create_or_open_at_once(tmp_path):
    """Of many that make or open one Store at the same moment all get it."""
    barrier = threading.Barrier(8)

    def create(_):
        barrier.wait()
        return Store.create(tmp_path / "store", "A", exist_ok=True).name

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(create, range(8))) == ["A"] * 8


def test_create_relative(tmp_path, monkeypatch):
    """A relative root is absolute in .root, and stays the same place when the working directory changes."""
    monkeypatch.chdir(tmp_path)
    store = Store.create("store", "n")
    assert store.root == tmp_path / "store"
    monkeypatch.chdir("/")
    assert len(store) == 0
    assert len(Store(tmp_path / "store")) == 0


@pytest.mark.parametrize(
    "folder", ["two words", "%s {x} $HOME", "a\nb", "漢字", os.fsdecode(b"\xff"), "-", "~", "*", "a" * 200]
)
def test_create_at_odd_places(tmp_path, source, folder):
    """The root may be called as the file system allows."""
    store = Store.create(tmp_path / folder / folder, "n")
    store.add_file("S1", "Prod0", source())
    again = Store(store.root)
    assert again.fetch_file("S1", "Prod0", "result.txt").read_bytes() == b"a result"
    assert again.verify().ok
    assert repr(again).encode()


@pytest.mark.parametrize("name", ["no", "1e5", "", " ", "漢字", 'Store\'s "name"', "a: b #c", "x" * 1000, "/tmp/a\\b"])
def test_names_of_stores(tmp_path, name):
    """A Store's own name is any text, not a component of a path, and is read back as given."""
    Store.create(tmp_path / "store", name)
    assert Store(tmp_path / "store").name == name


@pytest.mark.parametrize("name", ["two\nlines", "\ud800", None, 3, b"n"])
def test_names_that_no_store_has(tmp_path, name):
    """A name that is no str, or can't be written in a manifest, is either refused, leaving nothing, or read back as
    given.
    """
    try:
        Store.create(tmp_path / "store", name)
    except (StorageError, TypeError, ValueError):
        assert not (tmp_path / "store" / ".manifest" / "manifest.yaml").exists()
    else:
        assert Store(tmp_path / "store").name == name


# Opening


def test_open_where_there_is_none(tmp_path):
    """Opening a folder that is no Store, or is not there, is a NotAStoreError, and makes nothing."""
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", tmp_path / "gone", tmp_path / "empty" / "below"):
        with pytest.raises(NotAStoreError, match=path.name):
            Store(path)
    assert list(tmp_path.rglob("*")) == [tmp_path / "empty"]


def test_open_a_file(tmp_path):
    """A file is no Store."""
    (tmp_path / "file").touch()
    with pytest.raises(NotAStoreError, match="file"):
        Store(tmp_path / "file")


def test_open_does_not_search(store):
    """A root that is given is taken at its word: a folder in a Store is no Store."""
    (store.root / "S1").mkdir()
    with pytest.raises(NotAStoreError):
        Store(store.root / "S1")


def test_open_by_environment(store, tmp_path, monkeypatch):
    """Without a root, $LOCUTUS_STORE says which Store, before any search."""
    Store.create(tmp_path / "here", "Here")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("LOCUTUS_STORE", str(store.root))
    assert Store().root == store.root
    assert Store(None).name == "Test Store"
    assert Store(tmp_path / "here").name == "Here"


def test_open_by_a_wrong_environment(store, tmp_path, monkeypatch):
    """A $LOCUTUS_STORE that names no Store is an error that names the place, not a reason to search."""
    monkeypatch.chdir(store.root)
    monkeypatch.setenv("LOCUTUS_STORE", str(tmp_path / "gone"))
    with pytest.raises(NotAStoreError, match="gone"):
        Store()


def test_open_upwards(store, monkeypatch):
    """Without a root and $LOCUTUS_STORE, the Store is searched from the working directory upwards, as git does."""
    monkeypatch.delenv("LOCUTUS_STORE", raising=False)
    below = store.root / "S1" / "Prod0"
    below.mkdir(parents=True)
    for folder in (store.root, below, store.root / ".manifest"):
        monkeypatch.chdir(folder)
        assert Store().root == store.root


def test_open_upwards_finds_none(tmp_path, monkeypatch):
    """A search that finds none is a NotAStoreError that says where it began."""
    monkeypatch.delenv("LOCUTUS_STORE", raising=False)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(NotAStoreError, match="empty"):
        Store()


def test_open_from_pathlike(store):
    """Anything with __fspath__ is a path."""

    class Place:
        def __fspath__(self):
            return str(store.root)

    assert Store(Place()).root == store.root


def test_open_below_home(tmp_path, monkeypatch):
    """A Store is found by its absolute path however it is spelled."""
    Store.create(tmp_path / "a", "n")
    (tmp_path / "b").mkdir()
    assert Store(tmp_path / "b" / ".." / "a").root.samefile(tmp_path / "a")
    monkeypatch.chdir(tmp_path / "b")
    assert Store(Path("..") / "a").root.is_absolute()


# What it tells


def test_len_and_iter(filled):
    """A Store has the length of its records, iterates over them, and is true when empty too."""
    assert len(filled) == 3
    assert keys(filled) == [("S1", "Prod0", "a"), ("S1", "Prod1", "b"), ("S2", "Prod0", "c")]
    assert [record.key for record in filled] == keys(filled)


def test_getitem(filled):
    """store["event", "production", "file"] is the Record."""
    record = filled["S1", "Prod1", "b"]
    assert record.key == ("S1", "Prod1", "b")
    assert record in list(filled)


@pytest.mark.parametrize("key", [("S1", "Prod0", "z"), ("S1", "Prod9", "a"), ("S9", "Prod0", "a")])
def test_getitem_of_nothing(filled, key):
    """A key that the Store does not have is a RecordNotFoundError, which is a KeyError and a FileNotFoundError."""
    with pytest.raises(RecordNotFoundError) as caught:
        filled[key]
    assert isinstance(caught.value, KeyError)
    assert isinstance(caught.value, FileNotFoundError)
    assert any(part in str(caught.value) for part in key)


@pytest.mark.parametrize(
    "key", ["S1", ("S1",), ("S1", "Prod0"), ("S1", "Prod0", "a", "b"), 0, None, ("S1", "Prod0", 3)]
)
def test_getitem_of_another_shape(filled, key):
    """A key that is no three names is an error of a kind that subscription raises."""
    with pytest.raises((KeyError, TypeError, ValueError)):
        filled[key]


def test_keys_for_completion(filled):
    """IPython is given the tuples to complete."""
    assert sorted(filled._ipython_key_completions_()) == keys(filled)


def test_completion_in_ipython(filled):
    """IPython completes the event, then the production, then the file, at the Tab key."""
    code = """
import sys
from IPython.core.interactiveshell import InteractiveShell
from asimov.storage import Store
from IPython.core.completer import provisionalcompleter
shell = InteractiveShell()
shell.user_ns["store"] = Store(sys.argv[1])
with provisionalcompleter():
    for text in ('store["S', 'store["S1", "', 'store["S1", "Prod1", "'):
        print(sorted(match.text.strip('"') for match in shell.Completer.completions(text, len(text))))
"""
    done = run_python(code, filled.root, env={"IPYTHONDIR": str(filled.root.parent / "ipython")})
    assert done.stdout.splitlines() == ["['S1', 'S2']", "['Prod0', 'Prod1']", "['b']"], done.stderr


def test_repr(filled):
    """The repr is one line with the name and the place."""
    assert "Test Store" in repr(filled)
    assert str(filled.root) in repr(filled)


def test_fingerprint(filled, source):
    """The fingerprint is the SHA-256 of the canonical manifest without its last line, changes with each add, and is the
    same for whoever asks.
    """
    first = filled.fingerprint()
    assert first == hashlib.sha256(records_text(filled)).hexdigest()
    assert Store(filled.root).fingerprint() == first
    filled.add_file("S3", "Prod0", source("d", b"d"))
    assert filled.fingerprint() == hashlib.sha256(records_text(filled)).hexdigest() != first


def test_fingerprint_is_of_what_is_said(filled):
    """Another spelling of the same manifest has the same fingerprint; another hash, uuid or name another."""
    first, data = filled.fingerprint(), yaml.safe_load(manifest_of(filled).read_bytes())
    manifest_of(filled).write_text("# by hand\n" + yaml.safe_dump(data, default_flow_style=True), encoding="utf-8")
    assert filled.fingerprint() == first
    seen = {first}
    for key, value in [("hash", "0" * 32), ("uuid", "1" * 32)]:
        data["events"]["S1"]["Prod0"]["a"][key] = value
        manifest_of(filled).write_text(yaml.safe_dump(data), encoding="utf-8")
        seen.add(Store(filled.root).fingerprint())
    data["name"] = "Other"
    manifest_of(filled).write_text(yaml.safe_dump(data), encoding="utf-8")
    seen.add(Store(filled.root).fingerprint())
    assert len(seen) == 4


def test_stores_are_hashable(store):
    """A Store can be a key of a dictionary."""
    assert {store: 1}[store] == 1


def test_a_removed_store(store, source):
    """A Store whose folder was removed is an error at the next use, not an empty Store, and is not made anew."""
    import shutil

    path = source()
    shutil.rmtree(store.root)
    for action in (
        lambda: store.add_file("S1", "Prod0", path),
        lambda: store.fetch_file("S1", "Prod0", "f"),
        store.verify,
    ):
        with pytest.raises((StorageError, OSError)):
            action()
    assert not store.root.exists()


# SHA-256


#: Two messages of one MD5: M. Stevens, "Single-block collision attack on MD5" (2012).
ONE, TWO = (
    bytes.fromhex(
        "4dc968ff0ee35c209572d4777b721587d36fa7b21bdc56b74a3dc0783e7b9518"
        f"afbfa20{a}a8284bf36e8e4b55b35f427593d849676da0d1{b}55d8360fb5f07fea2"
    )
    for a, b in [("0", "5"), ("2", "d")]
)


@pytest.fixture
def strong(tmp_path, source):
    """A Store with sha256=True and one file."""
    store = Store.create(tmp_path / "strong", "n", sha256=True)
    store.add_file("S1", "Prod0", source())
    return store


def test_sha256_is_recorded(strong, source):
    """A Store created with sha256=True records SHA-256 and size of each file, also when it was opened again."""
    Store(strong.root).add_file("S1", "Prod0", source("b", b"bytes"))
    record = Store(strong.root)["S1", "Prod0", "b"]
    assert (record.sha256, record.size) == (hashlib.sha256(b"bytes").hexdigest(), 5)
    loaded = yaml.safe_load(manifest_of(strong).read_bytes())["events"]["S1"]["Prod0"]
    assert {name: set(found) for name, found in loaded.items()} == {
        "result.txt": {"hash", "uuid", "sha256", "size"},
        "b": {"hash", "uuid", "sha256", "size"},
    }
    assert loaded["b"]["size"] == 5


def test_sha256_store_returns_the_same_keys(strong, source):
    """add_file returns the keys of every Store."""
    expected = {"event", "production", "file", "hash", "uuid"}
    assert set(strong.add_file("S1", "Prod0", source("b", b"bytes"))) == expected


def test_md5_collision(tmp_path, strong, store, source):
    """A file swapped for another of the same MD5 and length is found where SHA-256 is recorded, and not elsewhere."""
    assert (md5(ONE), len(ONE), ONE == TWO) == (md5(TWO), len(TWO), False)
    for kept in (strong, store):
        kept.add_file("S2", "Prod0", source("one", ONE))
        path = kept.fetch_file("S2", "Prod0", "one")
        path.chmod(0o600)
        path.write_bytes(TWO)
        path.chmod(0o444)
    assert store.verify().ok
    with pytest.raises(StorageError, match="one") as caught:
        strong.fetch_file("S2", "Prod0", "one")
    assert type(caught.value).__name__ == "HashError"
    assert [check.status for check in strong.verify("S2").results] == ["corrupt"]


def test_environment_is_left_alone(store):
    """Opening a Store changes neither the working directory nor the umask."""
    before = (Path.cwd(), os.umask(0o022))
    Store(store.root)
    after = (Path.cwd(), os.umask(before[1]))
    assert before[0] == after[0]
    assert after[1] == 0o022


def test_a_store_that_vanished(store, tmp_path):
    """A Store that was there before is said to have vanished, and which path went; nobody is told to make another."""
    list(store)
    store.root.rename(tmp_path / "away")
    words = f"vanished: {store.root} is not there any more.*unmounted"
    for use in (lambda: list(store), store.verify, store.to_frame, lambda: store.fetch_file("S1", "Prod0", "f")):
        with pytest.raises(NotAStoreError, match=words) as caught:
            use()
        assert "create" not in str(caught.value)
    (tmp_path / "away").rename(store.root)
    (store.root / ".manifest").rename(tmp_path / "manifest")
    with pytest.raises(NotAStoreError, match=f"{store.root}/.manifest is not there any more"):
        list(store)

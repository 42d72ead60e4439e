"""Manifest: upstream's API, on our manifests."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import pickle
import sys
import threading
import uuid
from types import SimpleNamespace

import pytest
import yaml
from damage import contents, keys, manifest_of, md5

from asimov.storage import (
    InvalidNameError,
    Manifest,
    NotAStoreError,
    RecordExistsError,
    RecordNotFoundError,
    StorageError,
    Store,
)


@pytest.fixture
def filled(store, source):
    """A Store of three files in two events."""
    store.add_files(
        [
            ("S1", "Prod0", source("a", b"a")),
            ("S1", "Prod0", source("b", b"b")),
            ("S2", "shared", source("c", b"c")),
        ]
    )
    return store


def test_data(filled):
    """.data is the hierarchy of SEED.txt as dictionaries, the very thing that yaml.safe_load reads."""
    data = filled.manifest.data
    assert data == yaml.safe_load(manifest_of(filled).read_bytes())
    assert isinstance(data, dict)
    assert data["events"]["S1"]["Prod0"]["a"] == {"hash": md5(b"a"), "uuid": filled["S1", "Prod0", "a"].uuid}


def test_data_of_an_empty_store(store):
    """.data of an empty Store is what upstream's would be."""
    assert store.manifest.data == {"name": "Test Store", "events": {}}


CHANGES = {
    "assign": lambda data: data.__setitem__("evil", {}),
    "delete": lambda data: data.__delitem__("a"),
    "update": lambda data: data.update(evil={}),
    "|=": lambda data: data.__ior__({"evil": {}}),
    "setdefault": lambda data: data.setdefault("evil", {}),
    "pop": lambda data: data.pop("a"),
    "popitem": lambda data: data.popitem(),
    "clear": lambda data: data.clear(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_data_is_read_only(filled, change):
    """Changing .data at any depth fails, and the message names what to call instead; .data can't be replaced."""
    manifest = filled.manifest
    data = manifest.data
    for part in (data, data["events"], data["events"]["S1"], data["events"]["S1"]["Prod0"]["a"]):
        with pytest.raises(TypeError, match=r"add_file.*add_record.*update\(\)"):
            change(part)
    with pytest.raises(AttributeError):
        manifest.data = {}
    assert data == manifest.data == yaml.safe_load(manifest_of(filled).read_bytes())


COPIES = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda data: pickle.loads(pickle.dumps(data)),
    "JSON": lambda data: json.loads(json.dumps(data)),
    "yaml.dump": lambda data: yaml.safe_load(yaml.dump(data)),
    "yaml.safe_dump": lambda data: yaml.safe_load(yaml.safe_dump(data)),
}


@pytest.mark.parametrize("make", COPIES.values(), ids=COPIES)
def test_copies_of_data_are_plain(filled, make):
    """Copies of .data, and what is written of it, are plain dictionaries, of all depths, that can be changed."""
    data = filled.manifest.data
    copied = make(data)
    assert copied == data
    assert {type(copied), type(copied["events"]["S1"]["Prod0"]["a"])} == {dict}
    copied["events"]["S1"]["Prod0"]["a"]["hash"] = "0" * 32
    assert filled.manifest.data == data


def test_data_prints_and_dumps_as_a_dict(filled):
    """str, YAML and JSON of .data are those of a plain dictionary."""
    data = filled.manifest.data
    plain = copy.deepcopy(data)
    assert str(data) == str(plain)
    assert yaml.dump(data) == yaml.dump(plain)
    assert yaml.dump(data, Dumper=yaml.CSafeDumper) == yaml.safe_dump(plain)
    assert json.dumps(data, indent=1) == json.dumps(plain, indent=1)


def test_a_manifest_pickles(filled):
    """A Manifest crosses to another process, with what was noted and not yet published."""
    filled.manifest.add_record("S9", "Prod0", "noted", "0" * 32, "1" * 32)
    crossed = pickle.loads(pickle.dumps(filled.manifest))
    assert [*crossed] == [*filled.manifest]
    assert (crossed.root, crossed.store) == (filled.root, filled)
    crossed.update()
    assert ("S9", "Prod0", "noted") in Store(filled.root)


def test_a_manifest_of_something_else_pickles(filled, tmp_path, monkeypatch):
    """A Manifest of an object with a relative root finds its Store from any working folder."""
    monkeypatch.chdir(filled.root.parent)
    pickled = pickle.dumps(Manifest(SimpleNamespace(root=filled.root.name)))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert [*pickle.loads(pickled)] == [*filled]


def test_a_copied_manifest_notes_for_itself(filled):
    """What a copy of a Manifest notes, the original doesn't."""
    copied = copy.copy(filled.manifest)
    copied.add_record("S9", "Prod0", "noted", "0" * 32, "1" * 32)
    assert (len(copied), len(filled.manifest)) == (4, 3)


def test_changes_of_what_is_listed_are_not_published(filled, source):
    """What somebody does to the dictionaries that they were given does not get into the Store, and update()
    publishes none of it.
    """
    manifest = filled.manifest
    before = manifest_of(filled).read_bytes()
    manifest.list_resources("S1", "Prod0")["a"]["hash"] = "0" * 32
    manifest.update()
    assert manifest_of(filled).read_bytes() == before
    filled.add_file("S3", "Prod0", source("d", b"d"))
    assert Store(filled.root)["S1", "Prod0", "a"].hash == md5(b"a")


def test_data_follows_what_others_add(filled, source):
    """.data of a manifest that has been open for long shows what another Store object added."""
    Store(filled.root).add_file("S3", "Prod0", source("d", b"d"))
    assert set(filled.manifest.data["events"]) == {"S1", "S2", "S3"}
    assert len(filled.manifest) == 4


def test_hash_dict(filled):
    """.hash_dict finds a record by its hash."""
    expected = {record.hash: {"hash": record.hash, "uuid": record.uuid} for record in filled}
    assert filled.manifest.hash_dict == expected
    assert set(expected) == {md5(b"a"), md5(b"b"), md5(b"c")}


def test_uuid_dict(filled):
    """.uuid_dict finds the path of a file by its uuid; the path exists and holds the file."""
    found = filled.manifest.uuid_dict
    assert set(found) == {record.uuid for record in filled}
    for record in filled:
        with open(found[record.uuid], "rb") as file:  # noqa: PTH123 -- upstream's callers take it for a str
            assert md5(file.read()) == record.hash


def test_get_hash(filled):
    """get_hash(uuid) gives the recorded hash, and a KeyError for a uuid that is none of the Store's."""
    record = filled["S1", "Prod0", "b"]
    assert filled.manifest.get_hash(record.uuid) == record.hash == md5(b"b")
    with pytest.raises(KeyError):
        filled.manifest.get_hash("0" * 32)


def test_get_uuid(filled):
    """get_uuid(event, production, file) gives the uuid, and a FileNotFoundError where upstream's does."""
    assert filled.manifest.get_uuid("S1", "Prod0", "b") == filled["S1", "Prod0", "b"].uuid
    for place in [("S1", "Prod0", "z"), ("S1", "Prod9", "b"), ("S9", "Prod0", "b")]:
        with pytest.raises(FileNotFoundError):
            filled.manifest.get_uuid(*place)
        with pytest.raises(RecordNotFoundError):
            filled.manifest.get_uuid(*place)


def test_list_resources(filled):
    """list_resources gives a mapping from names to hash and uuid, whose keys behave as a set, as upstream's callers
    need.
    """
    found = filled.manifest.list_resources("S1", "Prod0")
    expected = {r.file: {"hash": r.hash, "uuid": r.uuid} for r in filled if r.event == "S1"}
    assert found == expected
    assert {"a", "z"} & found.keys() == {"a"}


@pytest.mark.parametrize("place", [("S1", "Prod9"), ("S9", "Prod0"), ("S2", "Prod0")])
def test_list_resources_of_nothing(filled, place):
    """list_resources raises a KeyError, naming what is not there."""
    with pytest.raises(KeyError) as caught:
        filled.manifest.list_resources(*place)
    assert isinstance(caught.value, StorageError)
    assert any(name in str(caught.value) for name in place)


def test_len_and_iter(filled):
    """A manifest has the length of its records and iterates over them."""
    assert len(filled.manifest) == len(filled) == 3
    assert sorted(r.key for r in filled.manifest) == [("S1", "Prod0", "a"), ("S1", "Prod0", "b"), ("S2", "shared", "c")]


def test_manifest_of_a_store_by_hand(filled):
    """Manifest(store) reads the same as store.manifest."""
    assert Manifest(filled).data == filled.manifest.data


def test_add_record_and_update(filled):
    """add_record is published by update(), and not before; it takes uuid.UUID as upstream's does."""
    identity, manifest = uuid.uuid4(), Manifest(filled)
    path = filled.root / "S3" / "Prod0"
    path.mkdir(parents=True)
    (path / identity.hex).write_bytes(b"by hand")
    manifest.add_record("S3", "Prod0", "d", md5(b"by hand"), identity)
    assert len(Store(filled.root)) == 3
    manifest.update()
    assert len(Store(filled.root)) == 4
    assert Store(filled.root).fetch_file("S3", "Prod0", "d") == path / identity.hex
    assert Store(filled.root).verify().ok


def test_add_record_takes_hex(filled):
    """The uuid may be a str of hex digits, in either case, and the hash too."""
    filled.manifest.add_record("S3", "Prod0", "d", "A" * 32, "B" * 32)
    filled.manifest.update()
    assert Store(filled.root).manifest.data["events"]["S3"] == {"Prod0": {"d": {"hash": "a" * 32, "uuid": "b" * 32}}}


def test_update_publishes_once(filled, source):
    """update() publishes what was added since the last one, and never takes back what others did in between."""
    manifest = Manifest(filled)
    manifest.add_record("S3", "Prod0", "d", "a" * 32, uuid.uuid4())
    Store(filled.root).add_file("S4", "Prod0", source("e", b"e"))
    manifest.update()
    manifest.update()
    assert [key[0] for key in keys(Store(filled.root))] == ["S1", "S1", "S2", "S3", "S4"]


def test_add_record_of_a_name_that_is_taken(filled):
    """add_record of a name that the Store has is a FileExistsError, and nothing changes."""
    before = contents(filled.root)
    with pytest.raises(FileExistsError):
        filled.manifest.add_record("S1", "Prod0", "a", "0" * 32, uuid.uuid4())
    filled.manifest.update()
    assert contents(filled.root) == before


def test_add_record_twice(filled):
    """add_record of one name twice before an update() is a FileExistsError."""
    manifest = Manifest(filled)
    manifest.add_record("S3", "Prod0", "d", "a" * 32, uuid.uuid4())
    with pytest.raises(FileExistsError):
        manifest.add_record("S3", "Prod0", "d", "b" * 32, uuid.uuid4())


def test_add_record_checks_names(filled):
    """add_record holds names to the same rules."""
    with pytest.raises(InvalidNameError):
        filled.manifest.add_record("../S3", "Prod0", "d", "a" * 32, uuid.uuid4())


@pytest.mark.parametrize(
    ("hash", "identity"), [("", "0" * 32), ("0" * 31, "0" * 32), ("0" * 32, "../../x"), ("0" * 32, "")]
)
def test_add_record_checks_digests(filled, hash, identity):
    """What no manifest may hold cannot be added to one."""
    with pytest.raises((StorageError, ValueError)):
        filled.manifest.add_record("S3", "Prod0", "d", hash, identity)
    filled.manifest.update()
    assert len(Store(filled.root)) == 3


def test_create(tmp_path):
    """Manifest.create makes the manifest of a new Store as upstream's does, and refuses where one is."""
    (tmp_path / "s" / ".manifest").mkdir(parents=True)
    Manifest.create({"name": "By hand", "root": str(tmp_path / "s")})
    assert Store(tmp_path / "s").name == "By hand"
    assert Store(tmp_path / "s").manifest.data == {"name": "By hand", "events": {}}
    with pytest.raises(FileExistsError):
        Manifest.create({"name": "Again", "root": str(tmp_path / "s")})
    assert Store(tmp_path / "s").name == "By hand"


def test_manifest_needs_a_store(tmp_path):
    """Without a manifest on disk there is no Manifest."""
    with pytest.raises(NotAStoreError):
        Manifest(SimpleNamespace(root=str(tmp_path)))


def note(manifest, name, content=None):
    """Note a record whose file nobody has."""
    manifest.add_record("S9", "Prod0", name, md5(content or name.encode()), uuid.uuid4())


def test_what_is_noted_while_update_publishes_is_kept(store, monkeypatch):
    """A record that is noted while update() is at work is published by the next one."""
    manifest, real = store.manifest, os.fsync
    note(manifest, "a")

    def fsync(descriptor):
        monkeypatch.setattr(os, "fsync", real)
        note(manifest, "b")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    manifest.update()
    assert [record.file for record in Store(store.root)] == ["a"]
    manifest.update()
    assert [record.file for record in Store(store.root)] == ["a", "b"]


def test_a_refused_update_does_not_stand_in_the_way(store, source):
    """After an update() that was refused, others are published."""
    note(store.manifest, "a")
    Store(store.root).add_file("S9", "Prod0", source("a", b"other bytes"))
    with pytest.raises(RecordExistsError, match="note the others again"):
        store.manifest.update()
    note(store.manifest, "b")
    store.manifest.update()
    assert [record.file for record in Store(store.root)] == ["a", "b"]


def test_one_name_noted_by_many_threads(store):
    """Of several threads that note one name at once one succeeds, and the Store can be opened afterwards."""
    threads, interval = 4, sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for number in range(60):
            start, won = threading.Barrier(threads), []

            def one(number=number, start=start, won=won):
                start.wait()
                with contextlib.suppress(RecordExistsError):
                    note(store.manifest, f"file {number}", os.urandom(8))
                    won.append(number)

            many = [threading.Thread(target=one) for _ in range(threads)]
            for thread in many:
                thread.start()
            for thread in many:
                thread.join()
            assert won == [number]
    finally:
        sys.setswitchinterval(interval)
    store.manifest.update()
    assert len(Store(store.root)) == 60

"""What an event, a production and a file may be called."""

from __future__ import annotations

import contextlib
from enum import Enum
from io import StringIO
from tempfile import NamedTemporaryFile
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml
from damage import contents, keys, manifest_of

from asimov.storage import InvalidNameError, Manifest, RecordNotFoundError, StorageError, Store

KINDS = ["event", "production", "file"]
BAD = {
    "empty": "",
    "dot": ".",
    "dots": "..",
    "traversal": "../S1",
    "absolute": "/etc/passwd",
    "slash inside": "a/b",
    "trailing slash": "a/",
    "backslash": "a\\b",
    "NUL": "a\0b",
    "newline": "a\nb",
    "tab": "a\tb",
    "carriage return": "a\r",
    "escape": "\x1b[31mred",
    "DEL": "a\x7f",
    "C1 next line": "a\x85b",
    "C1 CSI": "\x9b31m",
    "high surrogate": "a\ud800",
    "low surrogate": "\udcffa",
    "256 bytes": "a" * 256,
    "256 bytes of two-byte letters": "é" * 128,
    "300 bytes": "x" * 300,
    "bytes": b"S1",
    "number": 150914,
    "None": None,
    "tuple": ("S1",),
}
BAD_EVENTS = [".manifest", ".MANIFEST", ".Manifest", ".manifest2", ".manifest.bak"]
GOOD = {
    "no": "no",
    "exponent": "1e5",
    "date": "2020-01-01",
    "accent": "é",
    "decomposed accent": "e\u0301",
    "Chinese": "漢字",
    "emoji": "🌊",
    "joined emoji": "👩‍🔬",
    "255 bytes": "a" * 255,
    "255 bytes of mixed letters": "é" * 127 + "a",
    "space": " ",
    "spaces around": "  a  ",
    "leading dot": ".hidden",
    "three dots": "...",
    "dash": "-",
    "option": "--help",
    "quote": 'Store\'s "name"',
    "colon": "a: b",
    "hash": "a #b",
    "line separator": "a\u2028b",
    "paragraph separator": "a\u2029b",
    "no-break space": "\u00a0",
    "byte order mark": "\ufeffa",
    "bidi override": "a\u202eb",
    "noncharacter": "a\uffffb",
    "private use": "\ue000",
    "last character": "\U0010ffff",
    "glob": "*?[a]",
    "variable": "$HOME",
    "tilde": "~",
    "percent": "%2e%2e",
    "drive": "C:",
}


def triple(kind, name):
    """Put `name` in the place of its kind among good names."""
    good = {"event": "S1", "production": "Prod0", "file": "result.txt"}
    return tuple({**good, kind: name}.values())


@pytest.mark.parametrize(
    ("kind", "name"),
    # A new_name of None is none: it means the source's own.
    [pytest.param(k, n, id=f"{k}: {i}") for k in KINDS for i, n in BAD.items() if (k, n) != ("file", None)],
)
def test_bad_names_are_refused(store, source, kind, name):
    """What is no single component of a path is refused by everything that writes, before anything is touched."""
    event, production, file = triple(kind, name)
    path, before = source(), contents(store.root)
    with pytest.raises(InvalidNameError):
        store.add_file(event, production, path, file)
    with pytest.raises(InvalidNameError):
        store.add_files([("S2", "Prod0", path), (event, production, path, file)])
    with pytest.raises(InvalidNameError), store.new_file(event, production, file) as new:
        new.write(b"never")
    assert contents(store.root) == before
    assert len(store) == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["", "..", "../S1", "/etc/passwd", "a\0b", "\ud800", "x" * 300])
def test_bad_names_are_refused_on_the_way_out(store, stored, kind, name):
    """Reading refuses them too, as names, not as files that are not there."""
    with pytest.raises(InvalidNameError):
        store.fetch_file(*triple(kind, name))
    with pytest.raises(InvalidNameError):
        store.open_file(*triple(kind, name))


@pytest.mark.parametrize("name", BAD_EVENTS)
def test_the_manifest_folder_is_no_event(store, source, name):
    """An event cannot be called as the Store's own folder, or begin so, in any letter case."""
    with pytest.raises(InvalidNameError):
        store.add_file(name, "Prod0", source())
    assert len(store) == 0


@pytest.mark.parametrize("kind", ["production", "file"])
def test_manifest_is_a_name_elsewhere(store, source, kind):
    """Productions and files may be called .manifest."""
    place = triple(kind, ".manifest")
    store.add_file(*place[:2], source(), place[2])
    assert keys(store) == [place]
    assert store.fetch_file(*place).read_bytes() == b"a result"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", GOOD.values(), ids=GOOD)
def test_good_names_come_back_as_given(store, source, kind, name):
    """Every other name is stored as given, and any YAML 1.1 reader and a Store opened later see that very str."""
    place = triple(kind, name)
    added = store.add_file(*place[:2], source(), place[2])
    again = Store(store.root)
    tree = yaml.safe_load(manifest_of(store).read_bytes())["events"]
    assert added["file"] == place[2]
    assert keys(again) == [place]
    assert tree == {place[0]: {place[1]: {place[2]: {"hash": added["hash"], "uuid": added["uuid"]}}}}
    assert again.fetch_file(*place) == store.root / place[0] / place[1] / added["uuid"]
    assert again.verify(place[0], place[1]).untracked == ()


def test_composed_and_decomposed_are_two_names(store, source):
    """Names are not normalised: one spelling does not find the other in the manifest."""
    store.add_file("S1", "Prod0", source(), "\u00e9")
    with pytest.raises(RecordNotFoundError):
        store.fetch_file("S1", "Prod0", "e\u0301")
    store.add_file("S1", "Prod0", source(content=b"other"), "e\u0301")
    assert [key[2] for key in keys(store)] == ["e\u0301", "\u00e9"]


def test_objects_with_a_name(store, source):
    """Upstream's event and production objects, and anything else with a .name, are accepted where a name is."""
    event, production = SimpleNamespace(name="S1"), SimpleNamespace(name="Prod0")
    added = store.add_file(event, production, source())
    assert keys(store) == [("S1", "Prod0", "result.txt")]
    assert store.fetch_file(event, production, "result.txt").name == added["uuid"]
    assert [check.key for check in store.verify(event, production).results] == [("S1", "Prod0", "result.txt")]
    assert list(Manifest(store).list_resources(event, production)) == ["result.txt"]
    with store.open_file(event, production, "result.txt") as file:
        assert file.read() == b"a result"
    with store.new_file(event, production, "other") as new:
        new.write(b"more")
    store.add_files([(event, production, source("third", b"third"))])
    assert len(store) == 3


class Plain:
    """An object of the user's own, as upstream's events are."""

    name = "S1"


class Kind(Enum):
    """A choice, whose name is what it is called in the code."""

    S1 = 1


@pytest.mark.parametrize("thing", [Plain(), Kind.S1, np.str_("S1")])
def test_plain_objects_have_names(store, source, thing):
    """Any plain object has the name that it says."""
    store.add_file(thing, thing, source(), thing)
    assert keys(store) == [("S1", "S1", "S1")]


NOT_PLAIN = {
    "Series": lambda _: pd.Series(["x"], name="S1"),
    "index": lambda _: pd.Index(["x"], name="S1"),
    "frame with a column name": lambda _: pd.DataFrame({"name": ["S1"]}),
    "row with a name": lambda _: pd.Series({"name": "S1"}),
    "structured record": lambda _: pd.DataFrame({"name": ["S1"]}).to_records()[0],
    "path": lambda path: path,
    "open file": lambda path: path.open("rb"),
    "temporary file": lambda path: NamedTemporaryFile(dir=path.parent),  # noqa: SIM115 - closed below
    "text in memory": lambda _: StringIO("S1"),
    "Store": lambda path: Store.create(path.parent / "other", "S1"),
    "class": lambda _: Plain,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("make", NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_what_has_a_name_of_another_meaning(store, source, kind, make):
    """A Series, a path, an open file, an array or a Store is no name, though it has one."""
    path = source()
    thing = make(path)
    with contextlib.closing(thing) if hasattr(thing, "close") else contextlib.nullcontext():
        event, production, file = triple(kind, thing)
        with pytest.raises(InvalidNameError) as caught:
            store.add_file(event, production, path, file)
        with pytest.raises(InvalidNameError):
            store.fetch_file(event, production, file)
        assert "\n" not in str(caught.value)
        assert len(store) == 0


@pytest.mark.parametrize("name", ["../S1", "", None, 3])
def test_the_name_of_an_object_is_checked(store, source, name):
    """A .name is held to the same rules."""
    with pytest.raises(InvalidNameError):
        store.add_file(SimpleNamespace(name=name), "Prod0", source())


def test_a_str_subclass_is_stored_as_str(store, source):
    """A str of another class, numpy's say, is written as the plain str that it is."""

    class Name(str):
        __slots__ = ()

    added = store.add_file(Name("no"), Name("Prod0"), source(), Name("f"))
    assert yaml.safe_load(manifest_of(store).read_bytes())["events"]["no"]["Prod0"]["f"]["uuid"] == added["uuid"]
    assert {type(part) for record in Store(store.root) for part in record.key} == {str}


def test_the_name_of_the_source_is_checked(store, tmp_path):
    """A source whose own name a Store cannot hold wants a new_name, and the message says so."""
    path = tmp_path / "a\nb"
    path.write_bytes(b"x")
    with pytest.raises(InvalidNameError) as caught:
        store.add_file("S1", "Prod0", path)
    assert "\n" not in str(caught.value)
    store.add_file("S1", "Prod0", path, "a-b")
    assert keys(store) == [("S1", "Prod0", "a-b")]


def test_messages_are_printable(store, source):
    """The message about a name with terminal escapes or surrogates can be printed anywhere."""
    for name in ("\x1b[2J", "\ud800", "é\n"):
        with pytest.raises(InvalidNameError) as caught:
            store.add_file(name, "Prod0", source())
        assert str(caught.value).isascii()
        assert str(caught.value).isprintable()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["..", "a/b", '"a\\nb"', '"\\x1b[31m"', '""', "a" * 256])
def test_bad_names_in_a_manifest(hand_written, kind, name):
    """In a manifest on disk a bad name is a StorageError that names file and line."""
    event, production, file = triple(kind, name)
    record = "{hash: d41d8cd98f00b204e9800998ecf8427e, uuid: f9f167bee8e3449aa0c68bf7f91e7b7a}"
    root = hand_written(f"name: n\nevents:\n  {event}:\n    {production}:\n      {file}: {record}\n")
    with pytest.raises(StorageError) as caught:
        len(Store(root))
    line = 3 + KINDS.index(kind)
    assert str(root / ".manifest" / "manifest.yaml") in str(caught.value)
    assert (type(caught.value).__name__, caught.value.line) == ("ManifestError", line)


@pytest.mark.parametrize("name", BAD_EVENTS)
def test_the_manifest_folder_as_an_event_on_disk(hand_written, name):
    """A manifest with .manifest among its events is refused."""
    root = hand_written(f"name: n\nevents:\n  {name}: {{}}\n")
    with pytest.raises(StorageError) as caught:
        len(Store(root))
    assert (type(caught.value).__name__, caught.value.line) == ("ManifestError", 3)

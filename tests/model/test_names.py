"""What an event, a production and a file may be called."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from enum import Enum
from io import StringIO
from tempfile import NamedTemporaryFile
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml
from damage import contents, keys, manifest_of, md5, run_python

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


# Locales that don't have UTF-8

LOCALES = ["C", "ISO-8859-1", "UTF-8"]
IN_ANY_LOCALE = """
import os, sys
from pathlib import Path
from asimov.storage import Store
root, encoding = Path(sys.argv[1]), sys.argv[2]
assert sys.getfilesystemencoding() == encoding, sys.getfilesystemencoding()
"""
OPENED = 'store = Store(root / "store")\n'


@pytest.fixture(scope="session")
def latin_locale(tmp_path_factory):
    """The environment of a process whose locale is ISO-8859-1."""
    folder = tmp_path_factory.mktemp("locales")
    command = ["localedef", "-i", "en_US", "-f", "ISO-8859-1", str(folder / "en_US.ISO-8859-1")]
    if shutil.which("localedef") is None or subprocess.run(command, check=False, capture_output=True).returncode > 1:
        pytest.skip("no locale of ISO-8859-1 can be made here")
    return {"LOCPATH": str(folder), "LC_ALL": "en_US.ISO-8859-1", "PYTHONUTF8": "0"}


@pytest.fixture
def in_locale(request, tmp_path):
    """A function that runs code, with the test's folder as `root`, in a process of a locale."""

    def run(locale, code):
        environment, encoding = {
            "C": lambda: ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, "ascii"),
            "ISO-8859-1": lambda: (request.getfixturevalue("latin_locale"), "iso8859-1"),
            "UTF-8": lambda: ({"PYTHONUTF8": "1"}, "utf-8"),
        }[locale]()
        environment["PYTHONIOENCODING"] = "utf-8"  # of what this test reads, not of names
        done = run_python(IN_ANY_LOCALE + code, tmp_path, encoding, env=environment)
        assert (done.returncode, done.stderr) == (0, "")

    return run


def names_below(folder):
    """List what is below a folder as the operating system has it, but for uuids and what is our own."""
    paths = [os.fsencode(path.relative_to(folder)) for path in sorted(folder.rglob("*"))]
    return [path for path in paths if not path.startswith(b".manifest") and len(path.split(b"/")) < 3]


@pytest.mark.parametrize("reader", LOCALES)
@pytest.mark.parametrize("writer", LOCALES)
def test_names_are_utf8_whatever_the_locale(store, tmp_path, in_locale, writer, reader):
    """What is stored under one locale is found under every other: names on the disk are UTF-8."""
    written = "with store.new_file('caf\\xe9', '\\u6f22', '\\xe9') as file: file.write(b'a result')"
    read = """
key = "caf\\xe9", "\\u6f22", "\\xe9"
assert [record.key for record in store] == [key]
assert store.fetch_file(*key).read_bytes() == b"a result"
with store.open_file(*key) as opened: assert opened.read() == b"a result"
assert [check.path.read_bytes() for check in store.verify().results] == [b"a result"]
assert list(store.to_frame(stat=True)["size"]) == [8]
assert [Path(path).read_bytes() for path in store.manifest.uuid_dict.values()] == [b"a result"]
"""
    in_locale(writer, OPENED + written)
    in_locale(reader, OPENED + read)
    assert names_below(store.root) == ["caf\u00e9".encode(), "caf\u00e9/\u6f22".encode()]


@pytest.mark.parametrize("locale", LOCALES)
def test_copies_are_utf8_whatever_the_locale(store, tmp_path, in_locale, locale):
    """A copy out of the Store has its name in UTF-8 under any locale, in one folder or in many."""
    for event in ("caf\u00e9", "th\u00e9"):
        with store.new_file(event, "P", "\u00e9") as file:
            file.write(event.encode())
    code = """
(root / "one").mkdir()
one = store.fetch_file("caf\\xe9", "P", "\\xe9", dest=root / "one")
both = store.fetch_files(store, dest=root / "both", tree=True)
assert [path.read_bytes() for path in [one, *both]] == [e.encode() for e in ("caf\\xe9", "caf\\xe9", "th\\xe9")]
"""
    in_locale(locale, OPENED + code)
    assert names_below(tmp_path / "one") == ["\u00e9".encode()]
    assert (tmp_path / "both" / "caf\u00e9" / "P" / "\u00e9").read_bytes() == "caf\u00e9".encode()


@pytest.mark.parametrize("locale", LOCALES)
def test_paths_that_the_locale_can_not_spell(tmp_path, in_locale, locale):
    """A root, a source and a destination that the locale has no letters for are taken in UTF-8."""
    code = """
root = root / os.fsdecode("\\u6f22".encode())
root.mkdir()
(root / "source").write_bytes(b"a result")
store = Store.create(f"{sys.argv[1]}/\\u6f22/store", "n")
store.add_file("S1", "Prod0", f"{sys.argv[1]}/\\u6f22/source")
copy = store.fetch_file("S1", "Prod0", "source", dest=f"{sys.argv[1]}/\\u6f22/\\u5b57")
assert (store.root.is_dir(), copy.read_bytes()) == (True, b"a result")
"""
    in_locale(locale, code)
    assert (tmp_path / "\u6f22" / "\u5b57").read_bytes() == b"a result"


@pytest.mark.parametrize("locale", LOCALES)
def test_what_nobody_recorded_is_found_whatever_the_locale(store, in_locale, locale):
    """Untracked files, missing ones and those of upstream are told apart under any locale; their paths open."""
    with store.new_file("caf\u00e9", "P", "by-uuid") as file:
        file.write(b"by uuid")
    with store.new_file("caf\u00e9", "P", "\u00e9") as file:
        file.write(b"by name")
    folder = store.root / "caf\u00e9" / "P"
    (folder / store["caf\u00e9", "P", "\u00e9"].uuid).rename(folder / "\u00e9")  # as upstream's releases name it
    (folder / "stray\u00e9").write_bytes(b"untracked")
    (folder / store["caf\u00e9", "P", "by-uuid"].uuid).unlink()
    code = """
report = store.verify()
assert [check.status.value for check in report.results] == ["missing", "ok"]
assert [path.read_bytes() for path in report.untracked] == [b"untracked"]
assert report.failures[0].path.parent.is_dir()
assert store.fetch_file("caf\\xe9", "P", "\\xe9").read_bytes() == b"by name"
assert list(store.to_frame(stat=True)["size"].fillna(-1)) == [-1, 7]
try:
    store.fetch_file("caf\\xe9", "P", "by-uuid")
except FileNotFoundError as error:
    assert Path(error.filename).parent.is_dir()
"""
    in_locale(locale, OPENED + code)


@pytest.mark.parametrize("locale", LOCALES)
def test_a_repair_finds_names_whatever_the_locale(store, in_locale, locale):
    """A repair under any locale records files that carry their names, as they are in UTF-8, and quarantines others."""
    folder = store.root / "caf\u00e9" / "\u6f22"
    folder.mkdir(parents=True)
    (folder / "\u00e9").write_bytes(b"named")
    (folder / ("0" * 32)).write_bytes(b"nobody's")
    manifest_of(store).unlink()
    code = """
report = Store.repair(root / "store", dry_run=False)
assert [record.key for record in report.records] == [("caf\\xe9", "\\u6f22", "\\xe9")]
assert not any(path.exists() for path in report.quarantined)
assert Store(root / "store").verify().ok
"""
    in_locale(locale, code)
    assert md5(b"named") == store["caf\u00e9", "\u6f22", "\u00e9"].hash
    quarantined = store.root / ".manifest" / "quarantine" / "caf\u00e9" / "\u6f22" / ("0" * 32)
    assert quarantined.read_bytes() == b"nobody's"


@pytest.mark.parametrize("locale", LOCALES)
def test_locutus_takes_names_whatever_the_locale(store, tmp_path, in_locale, locale):
    """Names typed in the locale's letters, or in UTF-8 where it has only ASCII, are stored as what is meant."""
    code = """
from asimov.storage.cli import run
typed = "caf\\xe9" if encoding == "iso8859-1" else os.fsdecode("caf\\xe9".encode())  # as sys.argv would have it
(root / typed).write_bytes(b"a result")
where = ["--store", str(root / "store")]
assert run(["store", typed, typed, str(root / typed), *where]) == 0
assert run(["fetch", typed, typed, typed, "-o", str(root / "copy"), *where]) == 0
assert run(["verify", typed, *where]) == 0
"""
    in_locale(locale, code)
    assert keys(store) == [("caf\u00e9",) * 3]
    assert (tmp_path / "copy").read_bytes() == b"a result"


@pytest.mark.parametrize("locale", LOCALES)
def test_a_widget_finds_the_servers_files_whatever_the_locale(tmp_path, in_locale, locale):
    """A file of the server that a widget's page is shown by its name is opened by that name."""
    code = r"""
from asimov.storage.widgets._link.server_folder import ServerFolder
native = "caf\xe9" if encoding == "iso8859-1" else os.fsdecode("caf\xe9".encode())
(root / native).write_bytes(b"a result")
folder = ServerFolder(root)
assert folder.complete("") == (["caf\xe9"], 1)
with open(folder.open("caf\xe9"), "rb") as opened:
    assert opened.read() == b"a result"
"""
    in_locale(locale, code)

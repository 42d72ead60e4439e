"""Manifests and sources that are not what they should be: an error that says where, nothing executed, nothing
touched.
"""

from __future__ import annotations

import os
import tracemalloc

import pytest
from damage import contents, keys, manifest_of, ordinary_user, record_text, run_python

from asimov.storage import ManifestError, StorageError, Store

HASH = "d41d8cd98f00b204e9800998ecf8427e"
UUID = "f9f167bee8e3449aa0c68bf7f91e7b7a"
GOOD = f"name: n\nevents:\n  S1:\n    Prod0:\n      f:\n        hash: {HASH}\n        uuid: {UUID}\n"
DEEP = 5000


def record(**changes):
    """Write a manifest of one record, block style, with other values."""
    fields = {"hash": HASH, "uuid": UUID, **changes}
    lines = "".join(f"        {key}: {value}\n" for key, value in fields.items() if value is not None)
    return f"name: n\nevents:\n  S1:\n    Prod0:\n      f:\n{lines or '        {}'}"


def canonical(*headings, hash=HASH, uuids=(UUID, "0" * 32)):
    """Write two records as we write them, the second under `headings`; or one, without any."""
    text = f"events:\n  S1:\n    Prod0:\n      f:\n        hash: {hash}\n        uuid: {uuids[0]}\n"
    if headings:
        text += "".join(headings) + f"        hash: {HASH}\n        uuid: {uuids[1]}\n"
    return f"{text}name: Test\n"


#: A manifest, and the line that the error must name (None: no line can be told, or more than one is right).
BAD = {
    "empty": ("", None),
    "blank": ("\n  \n\n", None),
    "only a comment": ("# nothing\n", None),
    "only a marker": ("---\n", None),
    "zeros": (bytes(4096), None),
    "binary": (bytes(range(256)) * 8, None),
    "gzip": (b"\x1f\x8b\x08\x00" + os.urandom(100), None),
    "NUL inside": (GOOD + "x: a\0b\n", 8),
    "control character inside": (GOOD + "x: a\x07b\n", 8),
    "Latin-1": (GOOD.replace("S1", "é").encode("latin-1"), 3),
    "half a character": (GOOD.encode() + "x: é".encode()[:-1], 8),
    "surrogate bytes": (GOOD.replace("S1", "\ud800").encode("utf-8", "surrogatepass"), 3),
    "not YAML": ("name: n\nevents: {S1: [\n", None),
    "unclosed quote": ("name: 'n\nevents: {}\n", None),
    "two colons": ("name: n\nevents: a: b\n", 2),
    "tab as indentation": ("name: n\nevents:\n\tS1: {}\n", 3),
    "wrong indentation": ("name: n\nevents:\n  S1: {}\n S2: {}\n", 4),
    "list": ("- name: n\n- events: {}\n", 1),
    "text": ("a manifest\n", 1),
    "number": ("3\n", 1),
    "no name": ("events: {}\n", None),
    "no events": ("name: n\n", None),
    "name is a list": ("events: {}\nname: [n]\n", 2),
    "name is a mapping": ("events: {}\nname: {n: m}\n", 2),
    "events is a list": ("name: n\nevents: [S1]\n", 2),
    "events is text": ("name: n\nevents: S1\n", 2),
    "events is empty text": ("name: n\nevents: ''\n", 2),
    "event is text": ("name: n\nevents:\n  S1: Prod0\n", 3),
    "event is a list": ("name: n\nevents:\n  S1:\n    - Prod0\n", None),
    "production is text": ("name: n\nevents:\n  S1:\n    Prod0: f\n", 4),
    "production is a list": ("name: n\nevents:\n  S1:\n    Prod0: [f]\n", 4),
    "record is text": (f"name: n\nevents:\n  S1:\n    Prod0:\n      f: {HASH}\n", 5),
    "record is empty": ("name: n\nevents:\n  S1:\n    Prod0:\n      f:\n", 5),
    "record is an empty mapping": ("name: n\nevents:\n  S1:\n    Prod0:\n      f: {}\n", 5),
    "record is a list": (f"name: n\nevents:\n  S1:\n    Prod0:\n      f: [{HASH}, {UUID}]\n", 5),
    "no hash": (record(hash=None), None),
    "no uuid": (record(uuid=None), None),
    "hash of 31 digits": (record(hash=HASH[1:]), 6),
    "hash of 33 digits": (record(hash=HASH + "0"), 6),
    "hash of other letters": (record(hash="g" + HASH[1:]), 6),
    "hash of other digits": (record(hash="\u0661" + HASH[1:]), 6),
    "hash with a prefix": (record(hash=f"md5:{HASH}"), 6),
    "hash with a line end": (record(hash=f'"{HASH}\\n"'), 6),
    "hash is empty": (record(hash=""), 6),
    "hash is null": (record(hash="~"), 6),
    "hash is a list": (record(hash=f"[{HASH}]"), 6),
    "hash is a mapping": (record(hash=f"{{md5: {HASH}}}"), 6),
    "dashed uuid": (record(uuid="f9f167be-e8e3-449a-a0c6-8bf7f91e7b7a"), 7),
    "urn of a uuid": (record(uuid=f"urn:uuid:{UUID}"), 7),
    "uuid as a path": (record(uuid="../../../etc/passwd"), 7),
    "uuid is a number": (record(uuid="12"), 7),
    "repeated top key": (GOOD + "name: m\n", 8),
    "repeated events": (GOOD + "events: {}\n", 8),
    "repeated event": (GOOD + "  S1:\n    Prod1: {}\n", 8),
    "repeated event, spelled otherwise": (GOOD + '  "\\x531": {}\n', 8),
    "repeated production": (GOOD + "    Prod0: {}\n", 8),
    "repeated file": (GOOD + f"      f: {record_text(uuid='0' * 32)}\n", 8),
    "repeated hash key": (GOOD + f"        hash: {HASH}\n", 8),
    "repeated further key": (GOOD + "x: 1\nx: 2\n", 9),
    "repeated key deep in a further one": (GOOD + "x:\n  y: {a: 1}\n  y: 2\n", None),
    "repeated uuid": (GOOD + f"      g: {{hash: {'0' * 32}, uuid: {UUID}}}\n", 8),
    "repeated uuid in the other case": (GOOD + f"      g: {{hash: {'0' * 32}, uuid: {UUID.upper()}}}\n", 8),
    "canonical: repeated event": (canonical("  S1:\n    Prod1:\n      f:\n"), 7),
    "canonical: repeated production": (canonical("    Prod0:\n      g:\n"), 7),
    "canonical: repeated file": (canonical("      f:\n"), 7),
    "canonical: repeated uuid": (canonical("      g:\n", uuids=(UUID, UUID)), 9),
    "canonical: repeated, spelled otherwise": (canonical("  'S1':\n    Prod1:\n      f:\n"), 7),
    "canonical: event without a production": (canonical("  S2:\n      f:\n"), None),
    "canonical: hash of other letters": (canonical(hash="g" + HASH[1:]), 5),
    "canonical: hash of other digits": (canonical(hash="\u0661" + HASH[1:]), 5),
    "canonical: short hash": (canonical(hash=HASH[1:]), 5),
    "canonical: uuid as a path": (canonical(uuids=("../" * 10 + "ab",)), 6),
    "canonical: event as a path": (canonical("  a/b:\n    Prod0:\n      f:\n"), 7),
    "canonical: production above": (canonical().replace("Prod0", "'..'"), 3),
    "canonical: control character": (canonical('      "x\\x1bb":\n'), 7),
    "canonical: name of 256 bytes": (canonical(f"      {'x' * 256}:\n"), 7),
    "canonical: name of 256 bytes in fewer letters": (canonical(f"      {'é' * 128}:\n"), 7),
    "canonical: .manifest": (canonical().replace("S1", "'.Manifest'"), 2),
    "canonical: no key": (canonical("      g\n"), None),
    "canonical: tagged name": (canonical("      !!python/str g:\n"), 7),
    "canonical: alias as a name": (canonical("      *g :\n"), 7),
    "byte order mark in a line": (GOOD + "\ufeffx: 1\n", 8),
    "two byte order marks": ("\ufeff\ufeff" + GOOD, 1),
    "canonical: escape beyond Unicode": (canonical('      "\\UF9F167BE":\n'), 7),
    "escape beyond Unicode": (GOOD + 'x: "\\UF9F167BE"\n', 8),
    "anchor": (GOOD + "x: &a 1\n", 8),
    "alias": (GOOD + "x: &a 1\ny: *a\n", None),
    "undefined alias": (GOOD + "x: *a\n", 8),
    "anchored event": ("name: n\nevents:\n  S1: &a\n    Prod0: {}\n  S2: *a\n", None),
    "recursive alias": ("name: n\nevents: &a {S1: *a}\n", 2),
    "merge key": ("name: n\nevents:\n  S1: &a {Prod0: {}}\n  S2:\n    <<: *a\n", None),
    "two documents": (GOOD + "---\n" + GOOD, None),
    "an empty second document": (GOOD + "---\n", None),
    "YAML 2.0": ("%YAML 2.0\n---\n" + GOOD, 1),
    "Python object": (GOOD + "x: !!python/object:os.PathLike {}\n", 8),
    "Python name": (GOOD + "x: !!python/name:os.system\n", 8),
    "Python tuple as a key": (GOOD + "? !!python/tuple [a, b]\n: c\n", 8),
    "Python str as a name": (f"name: n\nevents:\n  !!python/str S1:\n    Prod0: {{f: {record_text()}}}\n", 3),
    "Python object as a record": (
        f"name: n\nevents:\n  S1:\n    Prod0:\n      f: !!python/object:dict {record_text()}\n",
        5,
    ),
    "unknown tag": (GOOD + "x: !mine 3\n", 8),
    "tag that says nothing": (GOOD + "x: ! 3\n", 8),
    "mapping as a name": ("name: n\nevents:\n  ? {a: b}\n  : {}\n", 3),
    "list as a name": ("name: n\nevents:\n  ? [a, b]\n  : {}\n", 3),
    "list as a top key": ("name: n\nevents: {}\n? [a]\n: b\n", 3),
    "deep lists": (GOOD + "x: " + "[" * DEEP + "]" * DEEP + "\n", None),
    "deep mappings": (GOOD + "x: " + "{a: " * DEEP + "b" + "}" * DEEP + "\n", None),
    "deep unclosed lists": ("[" * DEEP, None),
    "deep block lists": (GOOD + "x:\n  " + "- " * DEEP + "a\n", None),
    "deep block mappings": ("".join(" " * n + "a:\n" for n in range(DEEP)), None),
    "deep explicit keys": ("? " * DEEP + "a\n", None),
    "deep events": ("name: n\nevents: " + "{S1: " * DEEP + "}" * DEEP, None),
}


def attempt(root):
    """Open the Store and look at all its records."""
    return keys(Store(root))


@pytest.mark.parametrize(("text", "line"), BAD.values(), ids=BAD)
def test_bad_manifest(hand_written, text, line):
    """A bad manifest is a ManifestError that names the file and the line, and everything is left as it was."""
    root = hand_written(text)
    before = contents(root)
    with pytest.raises(ManifestError) as caught:
        attempt(root)
    path = root / ".manifest" / "manifest.yaml"
    assert caught.value.path == path
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < len(str(path)) + 1500
    if line is not None:
        assert caught.value.line == line
        assert f"line {line}" in str(caught.value)
    assert contents(root) == before
    assert sorted(path.name for path in (root / ".manifest").iterdir()) == ["manifest.yaml"]


def test_the_good_one_is_good(hand_written):
    """What the bad manifests are variations of are good ones."""
    good = [("S1", "Prod0", "f")]
    assert attempt(hand_written(GOOD, "a")) == attempt(hand_written(record(), "b")) == good
    assert attempt(hand_written(canonical(), "c")) == good
    assert attempt(hand_written(canonical("      g:\n"), "d")) == [*good, ("S1", "Prod0", "g")]


TAGS = [
    "!!python/object/apply:os.system",
    "!!python/object/new:os.system",
    "!!python/object/apply:subprocess.check_call",
]


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize(
    "place", ["name: {}\nevents: {{}}\n", "name: n\nevents: {}\n", "name: n\nevents: {{}}\nx: {}\n"]
)
def test_nothing_is_executed(hand_written, tmp_path, tag, place):
    """A tag that would have PyYAML run a command is refused without running it."""
    root = hand_written(place.format(f'{tag} ["touch {tmp_path / "ran"}"]'))
    with pytest.raises(ManifestError):
        attempt(root)
    assert not (tmp_path / "ran").exists()


def bomb(levels):
    """Write the billion laughs in YAML."""
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "name: n\nevents: {}\n" + "\n".join(lines) + "\n"


@pytest.mark.parametrize("text", [bomb(30), "name: n\nevents: {}\nx: &a [*a, *a]\n"], ids=["laughs", "itself"])
def test_alias_bombs(hand_written, text):
    """An alias bomb is refused at its first fuse: no memory is spent on it."""
    root = hand_written(text)
    tracemalloc.start()
    try:
        with pytest.raises(ManifestError) as caught:
            attempt(root)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.line == 3
    assert peak < 10_000_000


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000 + "a", "? " * 100_000], ids=["[", "{", "-", "?"]
)
def test_depth_does_not_end_the_interpreter(hand_written, text):
    """A hundred thousand levels, which could overflow the C stack, are a ManifestError in a thread with a small
    stack too.
    """
    root = hand_written(text)
    code = """
import sys, threading
from asimov.storage import ManifestError, Store
def run():
    try:
        len(Store(sys.argv[1]))
    except ManifestError:
        print("refused")
threading.stack_size(256 * 1024)
thread = threading.Thread(target=run)
thread.start()
thread.join()
"""
    done = run_python(code, root)
    assert (done.returncode, done.stdout, done.stderr) == (0, "refused\n", "")


def test_truncated_manifest(store, source):
    """A manifest that was cut anywhere before its last line is refused; no record vanishes silently."""
    for number in range(3):
        store.add_file("S1", f"Prod{number}", source(content=b"%d" % number))
    whole = manifest_of(store).read_bytes()
    other = store.root.parent / "cut" / ".manifest" / "manifest.yaml"
    other.parent.mkdir(parents=True)
    for length in range(whole.index(b"name:") + 4):
        other.write_bytes(whole[:length])
        with pytest.raises(ManifestError):
            attempt(other.parent.parent)


def test_bad_manifest_under_an_open_store(store, stored, source):
    """A Store that is open when its manifest goes bad says so, refuses to add, and leaves the bad manifest for
    somebody to mend.
    """
    good = manifest_of(store).read_bytes()
    manifest_of(store).write_bytes(b"events: [\n")
    before = contents(store.root)
    for action in (
        lambda: store.add_file("S2", "Prod0", source("b", b"b")),
        lambda: store.fetch_file("S1", "Prod0", "result.txt"),
    ):
        with pytest.raises(ManifestError):
            action()
    assert contents(store.root) == before
    manifest_of(store).write_bytes(good)
    assert store.fetch_file("S1", "Prod0", "result.txt") == stored
    store.add_file("S2", "Prod0", source("b", b"b"))
    assert len(Store(store.root)) == 2


def test_manifest_that_is_a_folder(hand_written):
    """A folder in the place of the manifest is an error that names it."""
    root = hand_written("")
    path = root / ".manifest" / "manifest.yaml"
    path.unlink()
    path.mkdir()
    with pytest.raises((StorageError, OSError), match="manifest"):
        attempt(root)


def test_manifest_that_is_a_pipe(hand_written):
    """A pipe in the place of the manifest is an error; nobody waits for it."""
    root = hand_written("")
    path = root / ".manifest" / "manifest.yaml"
    path.unlink()
    os.mkfifo(path)
    with pytest.raises((StorageError, OSError), match="manifest"):
        attempt(root)


def test_a_folder_without_a_manifest(tmp_path):
    """A folder with .manifest but no manifest in it does not open as a Store."""
    (tmp_path / "half" / ".manifest").mkdir(parents=True)
    with pytest.raises(StorageError, match="half"):
        attempt(tmp_path / "half")


def test_very_long_line(hand_written):
    """One line of 20 MB is read or refused within a few times its size in memory."""
    root = hand_written("name: n\nevents: {}\nx: " + "a" * 20_000_000 + "\n")
    code = r"""
import re, resource, sys
from pathlib import Path
from asimov.storage import ManifestError, Store
try:
    len(Store(sys.argv[1]))
except ManifestError:
    pass
if sys.platform == "darwin":
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
else:  # where ru_maxrss of a child begins with what its parent had
    print(int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) * 1024)
"""
    done = run_python(code, root)
    assert done.returncode == 0
    assert int(done.stdout) < 700_000_000


# Sources


def refused(store, path, error):
    """Try to add `path`; expect the OSError that it is and the Store as before, on disk and in memory."""
    before = contents(store.root)
    with pytest.raises(error) as caught:
        store.add_file("S9", "Prod9", path)
    assert str(path) in str(caught.value)
    with pytest.raises(error):
        store.add_files([("S9", "Prod8", path.parent / "good"), ("S9", "Prod9", path)])
    assert contents(store.root) == before
    assert keys(store) == keys(Store(store.root)) == []
    return caught.value


@pytest.fixture
def folder(tmp_path):
    """A folder with a good source in it."""
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "good").write_bytes(b"good")
    return tmp_path / "sources"


def test_vanished_source(store, folder):
    """A source that is not there is a FileNotFoundError, and not one of the Store's own."""
    error = refused(store, folder / "gone", FileNotFoundError)
    assert not isinstance(error, StorageError)
    assert error.filename


def test_dangling_link_as_a_source(store, folder):
    """A link to nothing is a FileNotFoundError."""
    (folder / "link").symlink_to(folder / "gone")
    refused(store, folder / "link", FileNotFoundError)


def test_linked_source(store, folder):
    """A source may be a symbolic link to a file: its bytes are stored."""
    (folder / "link").symlink_to(folder / "good")
    store.add_file("S1", "Prod0", folder / "link")
    path = store.fetch_file("S1", "Prod0", "link")
    assert not path.is_symlink()
    assert path.read_bytes() == b"good"


def test_folder_as_a_source(store, folder):
    """A folder is an IsADirectoryError."""
    (folder / "sub").mkdir()
    refused(store, folder / "sub", IsADirectoryError)


def test_pipe_as_a_source(store, folder):
    """A pipe is an OSError, at once: nobody waits for a writer."""
    os.mkfifo(folder / "pipe")
    refused(store, folder / "pipe", OSError)


def test_device_as_a_source(store, folder):
    """A device is an OSError, an endless one too."""
    (folder / "zero").symlink_to("/dev/zero")
    refused(store, folder / "zero", OSError)


def test_socket_as_a_source(store, folder, monkeypatch):
    """A socket is an OSError."""
    import socket

    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        refused(store, folder / "socket", OSError)


def test_unreadable_source(common_path):
    """A source that may not be read is a PermissionError."""
    (common_path / "secret").write_bytes(b"secret")
    (common_path / "good").write_bytes(b"good")
    (common_path / "secret").chmod(0)
    common_path.chmod(0o777)
    with ordinary_user():
        store = Store.create(common_path / "store", "Mine")
        refused(store, common_path / "secret", PermissionError)


def test_file_as_a_folder_of_a_source(store, folder):
    """A path through a file is a NotADirectoryError."""
    refused(store, folder / "good" / "f", NotADirectoryError)


def test_path_with_nul(store):
    """A path that no system call takes is an error before anything is touched."""
    before = contents(store.root)
    with pytest.raises((ValueError, OSError)):
        store.add_file("S1", "Prod0", "a\0b", "f")
    assert contents(store.root) == before


@pytest.mark.parametrize("path", [None, 3, 3.5, object()])
def test_path_of_another_type(store, path):
    """What is no path is a TypeError."""
    with pytest.raises(TypeError):
        store.add_file("S1", "Prod0", path, "f")


def test_a_store_in_the_way(tmp_path):
    """A file where the Store's folder should be is an OSError, and the file stays."""
    (tmp_path / "file").write_bytes(b"mine")
    with pytest.raises(OSError, match="file"):
        Store.create(tmp_path / "file", "n")
    assert (tmp_path / "file").read_bytes() == b"mine"


def test_strangers_in_the_way_of_an_event(store, source):
    """A file where an event's folder should be is an OSError, and the Store as before."""
    (store.root / "S1").write_bytes(b"a stray file")
    before = contents(store.root)
    with pytest.raises(OSError, match="S1"):
        store.add_file("S1", "Prod0", source())
    assert contents(store.root) == before
    assert len(store) == 0

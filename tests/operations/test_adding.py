"""add_file, add_files and new_file."""

from __future__ import annotations

import contextlib
import gzip
import io
import mmap
import os
import subprocess
import sys
import threading
import uuid
import zipfile
from pathlib import Path

import pytest
from damage import contents, flip_bit, keys, md5, writable

from asimov.storage import (
    AlreadyPresentException,
    HashError,
    InvalidNameError,
    RecordExistsError,
    SourceChangedError,
    Store,
)
from asimov.storage._backends.base import Item, Source
from asimov.storage._bytes.progress import Meter
from asimov.storage._operations.adding import Addition


class Stop(Exception):
    """What a test raises in a callback."""


def test_add(store, source):
    """add_file copies the file to EVENT/PRODUCTION/UUID, returns the names, hash and uuid, and leaves the source
    alone.
    """
    path = source()
    added = store.add_file("S1", "Prod0", path)
    names = {"event": "S1", "production": "Prod0", "file": "result.txt"}
    assert added == {**names, "hash": md5(b"a result"), "uuid": uuid.UUID(added["uuid"]).hex}
    assert (store.root / "S1" / "Prod0" / added["uuid"]).read_bytes() == b"a result"
    assert path.read_bytes() == b"a result"
    assert path.stat().st_nlink == 1
    assert os.access(path, os.W_OK)


@pytest.mark.parametrize("kind", [str, Path, os.path.relpath])
def test_add_any_path(store, source, kind):
    """The file may be a str or a path, absolute or relative to the working directory."""
    store.add_file("S1", "Prod0", kind(source()))
    assert keys(store) == [("S1", "Prod0", "result.txt")]


def test_add_by_keywords(store, source):
    """add_file takes upstream's keywords."""
    added = store.add_file(event="S1", production="Prod0", file=source(), new_name="posterior.h5")
    assert added["file"] == "posterior.h5"
    assert keys(store) == [("S1", "Prod0", "posterior.h5")]


def test_add_with_a_new_name(store, source):
    """new_name, upstream's fourth argument, is the name in the Store."""
    store.add_file("S1", "Prod0", source(), "other.dat")
    assert store.fetch_file("S1", "Prod0", "other.dat").read_bytes() == b"a result"


def test_uuids_are_new(store, source):
    """Each file has a uuid of its own."""
    added = [store.add_file("S1", "Prod0", source(f"f{n}", b"%d" % n))["uuid"] for n in range(5)]
    assert len(set(added)) == 5


def test_add_a_file_of_the_store(store, stored):
    """A file that lies in the Store can be the source, under another name, and stays as it is."""
    store.add_file("S2", "Prod0", stored, "copy", duplicate="link")
    assert stored.read_bytes() == b"a result"
    assert store.verify().ok


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_add_a_file_of_no_known_size(store):
    """A file that says it is empty and is not, as those in /proc do, is stored with what it gives."""
    store.add_file("S1", "Prod0", "/proc/version")
    assert store["S1", "Prod0", "version"].hash == md5(Path("/proc/version").read_bytes())
    assert store.verify().results[0].size == len(Path("/proc/version").read_bytes())


def test_add_a_path_that_is_not_utf8(store, tmp_path):
    """A source whose path is not UTF-8 is stored, given a name that is."""
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    folder.mkdir()
    (folder / os.fsdecode(b"\xfe")).write_bytes(b"x")
    store.add_file("S1", "Prod0", folder / os.fsdecode(b"\xfe"), "x")
    with pytest.raises(InvalidNameError) as caught:
        store.add_file("S1", "Prod1", folder / os.fsdecode(b"\xfe"))
    assert str(caught.value).encode()
    assert keys(store) == [("S1", "Prod0", "x")]


# A given hash


def test_add_with_its_hash(store, source):
    """A file that has the hash that was given is stored."""
    added = store.add_file("S1", "Prod0", source(), hash=md5(b"a result"))
    assert added["hash"] == md5(b"a result")


def test_add_with_another_hash(store, source):
    """A file that does not have the hash that was given is a HashError that names it, and nothing is stored."""
    path, before = source(), contents(store.root)
    with pytest.raises(HashError) as caught:
        store.add_file("S1", "Prod0", path, hash="0" * 32)
    assert (caught.value.path, caught.value.expected, caught.value.actual) == (path, "0" * 32, md5(b"a result"))
    assert contents(store.root) == before
    assert len(store) == 0


def test_a_wrong_hash_comes_before_duplicate(store, source):
    """The hash is checked also where the bytes are in the Store already and duplicate would let them pass."""
    store.add_file("S1", "Prod0", source())
    for duplicate in ("raise", "link", "skip"):
        with pytest.raises(HashError):
            store.add_file("S2", "Prod0", source(), hash="0" * 32, duplicate=duplicate)
    assert len(store) == 1


# Names and bytes that are there already


@pytest.mark.parametrize("duplicate", ["raise", "link", "skip"])
def test_same_name_other_bytes(store, source, duplicate):
    """Other bytes under a name that is taken are a RecordExistsError whatever `duplicate` is, and nothing changes."""
    store.add_file("S1", "Prod0", source())
    before = contents(store.root)
    with pytest.raises(RecordExistsError, match=r"result\.txt"):
        store.add_file("S1", "Prod0", source(content=b"other"), duplicate=duplicate)
    assert contents(store.root) == before


@pytest.mark.parametrize("duplicate", ["raise", "link", "skip"])
def test_same_name_bytes_of_another(store, source, duplicate):
    """Bytes that are in the Store under another name do not get a name that is taken by others."""
    store.add_file("S1", "Prod0", source())
    store.add_file("S1", "Prod0", source("b", b"b"))
    with pytest.raises(RecordExistsError):
        store.add_file("S1", "Prod0", source(content=b"b"), duplicate=duplicate)
    assert len(store) == 2


def test_same_name_same_bytes(store, source):
    """The same file once more is an AlreadyPresentException."""
    store.add_file("S1", "Prod0", source())
    with pytest.raises(AlreadyPresentException) as caught:
        store.add_file("S1", "Prod0", source())
    assert caught.value.record == store["S1", "Prod0", "result.txt"]


@pytest.mark.parametrize("duplicate", ["link", "skip"])
def test_same_name_same_bytes_again(store, source, duplicate):
    """With "link" or "skip" the same file once more is what is there: a job can be run again."""
    added = store.add_file("S1", "Prod0", source())
    before = contents(store.root)
    assert store.add_file("S1", "Prod0", source(), duplicate=duplicate) == added
    assert contents(store.root) == before


def test_what_an_add_of_the_same_says(store, source):
    """It says what is recorded, promises nothing of a file that it didn't look at, and what to do next."""
    store.add_file("S1", "Prod0", source())
    with pytest.raises(
        AlreadyPresentException, match=r"recorded already, as .*Nothing is left to do, if that file is sound"
    ):
        store.add_file("S1", "Prod0", source())
    with pytest.raises(AlreadyPresentException, match="duplicate='link' records them under the new name too"):
        store.add_file("S2", "Prod0", source())


def test_a_missing_source_is_named_once(store, tmp_path):
    """The error about a source that isn't there names it, and nothing else."""
    path = tmp_path / "nowhere"
    with pytest.raises(FileNotFoundError) as caught:
        store.add_file("S1", "Prod0", path)
    assert str(caught.value) == f"[Errno 2] No such file or directory: {str(path)!r}"


@pytest.mark.parametrize("place", [("S1", "Prod0", "b"), ("S1", "Prod1", "result.txt"), ("S2", "Prod0", "result.txt")])
def test_same_bytes_elsewhere(store, source, place):
    """The same bytes anywhere in the Store are an AlreadyPresentException that says where, and nothing changes."""
    store.add_file("S1", "Prod0", source())
    before = contents(store.root)
    with pytest.raises(AlreadyPresentException, match=r"result\.txt") as caught:
        store.add_file(*place[:2], source(), place[2])
    assert caught.value.record.key == ("S1", "Prod0", "result.txt")
    assert contents(store.root) == before


@pytest.mark.parametrize("duplicate", ["link", "skip"])
def test_link(store, source, duplicate):
    """Under a new name, "link" and "skip" record the bytes with a uuid of its own, and spend no second copy on
    them.
    """
    first = store.add_file("S1", "Prod0", source())
    second = store.add_file("S2", "Prod1", source("b"), duplicate=duplicate)
    one, two = store.fetch_file("S1", "Prod0", "result.txt"), store.fetch_file("S2", "Prod1", "b")
    names = {"event": "S2", "production": "Prod1", "file": "b"}
    assert second == {**names, "hash": first["hash"], "uuid": two.name}
    assert first["uuid"] != second["uuid"]
    assert one.samefile(two)
    assert store.verify().ok
    assert store.verify().untracked == ()


def test_link_to_a_file_that_may_be_written(store, source):
    """Bytes are shared only with a file that is read-only: who edits another one edits just that."""
    store.add_file("S1", "Prod0", source())
    first = store.fetch_file("S1", "Prod0", "result.txt")
    first.chmod(0o644)
    store.add_file("S2", "Prod0", source(), duplicate="link")
    first.write_bytes(b"edited")
    assert store.fetch_file("S2", "Prod0", "result.txt").read_bytes() == b"a result"


def test_link_to_a_corrupt_file(store, source, stored):
    """Bytes that were corrupted in the Store are not passed on by "link": what is recorded anew is right."""
    flip_bit(stored)
    store.add_file("S2", "Prod1", source("b"), duplicate="link")
    assert store.fetch_file("S2", "Prod1", "b").read_bytes() == b"a result"
    assert [check.status for check in store.verify().results] == ["corrupt", "ok"]


def test_link_to_a_missing_file(store, source, stored):
    """Nor does "link" depend on the other file being there."""
    stored.unlink()
    store.add_file("S2", "Prod1", source("b"), duplicate="link")
    assert store.fetch_file("S2", "Prod1", "b").read_bytes() == b"a result"


def test_link_of_what_is_new(store, source):
    """duplicate="link" and "skip" store bytes that are new as ever."""
    store.add_file("S1", "Prod0", source("a", b"a"), duplicate="link")
    store.add_file("S1", "Prod0", source("b", b"b"), duplicate="skip")
    assert keys(store) == [("S1", "Prod0", "a"), ("S1", "Prod0", "b")]


@pytest.mark.parametrize("duplicate", ["link", "skip"])
def test_no_name_is_lost(store, source, duplicate):
    """Runs that each leave the same flag file are recorded each, and can be stored again."""
    for _ in range(2):
        for run in ("Prod0", "Prod1", "Prod2"):
            added = store.add_file("S1", run, source("done", b"done\n"), duplicate=duplicate)
            assert (added["production"], added["uuid"]) == (run, store["S1", run, "done"].uuid)
    assert keys(store) == [("S1", f"Prod{n}", "done") for n in range(3)]


def test_another_duplicate(store, source):
    """Another word for duplicate is a ValueError that names the three, before anything is touched."""
    before = contents(store.root)
    with pytest.raises(ValueError, match="skip"):
        store.add_file("S1", "Prod0", source(), duplicate="overwrite")
    assert contents(store.root) == before


@pytest.mark.parametrize("duplicate", ["raise", "link", "skip"])
def test_empty_files_are_never_duplicates(store, source, duplicate):
    """Empty files are stored each for itself, in one batch too."""
    for name in "ab":
        store.add_file("S1", "Prod0", source(name, b""), duplicate=duplicate)
    store.add_files([("S1", "Prod1", source(name, b"")) for name in "ab"], duplicate=duplicate)
    assert len(store) == len({record.uuid for record in store}) == 4
    assert store.verify().ok


def test_empty_file_under_a_name_that_is_taken(store, source):
    """An empty file under a name that an empty file has is a FileExistsError."""
    store.add_file("S1", "Prod0", source("a", b""))
    with pytest.raises(FileExistsError):
        store.add_file("S1", "Prod0", source("a", b""))
    assert len(store) == 1


# Progress


def test_progress(store, source):
    """Progress is called with bytes done and in all, rising to the file's size, on the caller's thread."""
    calls = []
    size = 3_000_000
    store.add_file(
        "S1", "Prod0", source(content=bytes(size)), progress=lambda *call: calls.append((call, threading.get_ident()))
    )
    done = [call[0] for call, _ in calls]
    assert done == sorted(done)
    assert calls[-1] == ((size, size), threading.get_ident())
    assert {call[1] for call, _ in calls} == {size}
    assert {thread for _, thread in calls} == {threading.get_ident()}
    assert len(calls) > 1


def test_progress_of_a_batch(store, source):
    """The progress of a batch is that of its bytes together."""
    calls = []
    batch = [("S1", "Prod0", source(f"f{n}", bytes([n]) * 1_000_000)) for n in range(3)]
    store.add_files(batch, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (3_000_000, 3_000_000)
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)
    assert {total for _, total in calls} == {3_000_000}


def test_progress_of_nothing(store, source):
    """The progress of an empty file ends at none of no bytes."""
    calls = []
    store.add_file("S1", "Prod0", source("empty", b""), progress=lambda *call: calls.append(call))
    store.fetch_file("S1", "Prod0", "empty", progress=lambda *call: calls.append(call))
    store.verify(progress=lambda *call: calls.append(call))
    assert set(calls) <= {(0, 0)}


@pytest.mark.parametrize("when", [0, 1, 2])
def test_progress_cancels(store, source, when):
    """An exception from progress is the one that add_file raises, and the Store is as before."""
    before, calls = contents(store.root), []

    def progress(done, total):
        calls.append((done, total))
        if len(calls) > when:
            raise Stop

    with pytest.raises(Stop):
        store.add_file("S1", "Prod0", source(content=bytes(20_000_000)), progress=progress)
    assert contents(store.root) == before
    assert len(store) == 0
    with pytest.raises(Stop):
        store.add_files([("S1", "Prod0", source(f"f{n}", bytes([n]) * 9_000_000)) for n in range(2)], progress=progress)
    assert contents(store.root) == before


def test_interrupt(store, source):
    """So is a KeyboardInterrupt."""
    before = contents(store.root)

    def progress(_done, _total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.add_file("S1", "Prod0", source(), progress=progress)
    assert contents(store.root) == before


# Batches


def test_batch(store, source):
    """add_files returns the dictionaries of add_file, in order, and takes any iterable."""
    places = [
        ("S2", "Prod0", source("b", b"b")),
        ("S1", "Prod0", source("a", b"a"), "renamed"),
        ("S1", "shared", str(source("c", b"c"))),
    ]
    added = store.add_files(iter(places))
    assert [one["file"] for one in added] == ["b", "renamed", "c"]
    assert keys(store) == [("S1", "Prod0", "renamed"), ("S1", "shared", "c"), ("S2", "Prod0", "b")]
    names = {"event": "S1", "production": "Prod0", "file": "renamed"}
    assert added[1] == {**names, "hash": md5(b"a"), "uuid": store["S1", "Prod0", "renamed"].uuid}


def test_batch_with_none_as_a_name(store, source):
    """A fourth item of None is no new name."""
    assert store.add_files([("S1", "Prod0", source(), None)])[0]["file"] == "result.txt"


def test_empty_batch(store):
    """A batch of nothing does nothing."""
    before = contents(store.root)
    assert store.add_files([]) == []
    assert contents(store.root) == before


def bad_last(store, source, tmp_path):
    """Give, for each way in which the last of a batch can fail, the batch's last item and the error."""
    store.add_file("S0", "Prod0", source("there", b"there"))
    return {
        "gone": (("S1", "Prod0", tmp_path / "gone"), FileNotFoundError),
        "folder": (("S1", "Prod0", tmp_path), IsADirectoryError),
        "name": (("S1", "../Prod0", source("x", b"x")), InvalidNameError),
        "taken": (("S0", "Prod0", source("x", b"x"), "there"), RecordExistsError),
        "present": (("S1", "Prod0", source("y", b"there")), AlreadyPresentException),
        "taken in the batch": (("S1", "Prod0", source("x", b"x"), "f0"), RecordExistsError),
        "present in the batch": (("S1", "Prod0", source("z", b"0"), "other"), AlreadyPresentException),
        "too short": (("S1", "Prod0"), (TypeError, ValueError)),
        "too long": (("S1", "Prod0", source("x", b"x"), "x", "y"), (TypeError, ValueError)),
    }


@pytest.mark.parametrize(
    "case",
    [
        "gone",
        "folder",
        "name",
        "taken",
        "present",
        "taken in the batch",
        "present in the batch",
        "too short",
        "too long",
    ],
)
def test_all_or_none(store, source, tmp_path, case):
    """Where the last of a batch fails, none of it is recorded and none of it left."""
    last, error = bad_last(store, source, tmp_path)[case]
    good = [("S1", "Prod0", source(f"f{n}", b"%d" % n)) for n in range(4)]
    before = contents(store.root)
    with pytest.raises(error):
        store.add_files([*good, last])
    assert contents(store.root) == before
    assert keys(store) == keys(Store(store.root)) == [("S0", "Prod0", "there")]
    store.add_files(good)
    assert len(store) == 5


def test_batch_linking(store, source):
    """With duplicate="link" the same bytes twice in a batch are two records that share them."""
    added = store.add_files([("S1", "Prod0", source("a")), ("S1", "Prod0", source("b"))], duplicate="link")
    paths = store.fetch_files([("S1", "Prod0", "a"), ("S1", "Prod0", "b")])
    assert len({one["uuid"] for one in added}) == 2
    assert paths[0].samefile(paths[1])


@pytest.mark.parametrize("duplicate", ["link", "skip"])
def test_batch_again(store, source, duplicate):
    """What is there under its name, or came earlier in the batch under the same, is recorded once and returned."""
    there = store.add_file("S0", "Prod0", source("there", b"there"))
    one = ("S1", "Prod0", source("a"))
    batch = [one, one, ("S0", "Prod0", source("there", b"there")), ("S1", "Prod0", source("c", b"there"))]
    added = store.add_files(batch, duplicate=duplicate)
    assert [result["file"] for result in added] == ["a", "a", "there", "c"]
    assert (added[1], added[2]) == (added[0], there)
    assert keys(store) == [("S0", "Prod0", "there"), ("S1", "Prod0", "a"), ("S1", "Prod0", "c")]
    assert store.add_files(batch, duplicate=duplicate) == added
    assert store.verify().ok


def test_batch_with_a_row_twice(store, source):
    """With "raise" the same row twice in a batch is refused, as the same file once more is."""
    before = contents(store.root)
    with pytest.raises(AlreadyPresentException):
        store.add_files([("S1", "Prod0", source()), ("S1", "Prod0", source())])
    assert contents(store.root) == before


# new_file


def test_new_file(store):
    """new_file gives a binary file to write; what was written is stored when the block ends well."""
    with store.new_file("S1", "Prod0", "result.bin") as new:
        new.write(b"one, ")
        new.write(b"two")
        assert len(store) == 0
    assert store["S1", "Prod0", "result.bin"].hash == md5(b"one, two")
    path = store.fetch_file("S1", "Prod0", "result.bin")
    assert path.read_bytes() == b"one, two"
    assert path.stat().st_mode & 0o222 == 0


def test_new_file_can_seek(store):
    """The file can be sought and read, as writers of ZIP and HDF5 do, and the record is of what is there in the end."""
    with store.new_file("S1", "Prod0", "a.zip") as new, zipfile.ZipFile(new, "w") as archive:
        archive.writestr("x", "y")
    with zipfile.ZipFile(store.fetch_file("S1", "Prod0", "a.zip")) as archive:
        assert archive.read("x") == b"y"
    with store.new_file("S1", "Prod0", "patched") as new:
        new.write(b"0000")
        new.seek(1)
        new.write(b"1")
        new.truncate(3)
    assert store["S1", "Prod0", "patched"].hash == md5(b"010")


@pytest.mark.parametrize(
    ("size", "after", "expected"), [(2, b"", b"01"), (6, b"", b"0123\0\0"), (2, b"x", b"01\0\0x"), (0, b"", b"")]
)
def test_new_file_can_be_cut(store, size, after, expected):
    """The file can be cut or lengthened after it was written in order, and written on."""
    with store.new_file("S1", "Prod0", "cut") as new:
        new.write(b"0123")
        new.truncate(size)
        new.write(after)
    assert store["S1", "Prod0", "cut"].hash == md5(expected)
    assert store.fetch_file("S1", "Prod0", "cut").read_bytes() == expected


def test_new_file_wrapped_as_text(store):
    """It can be wrapped for text, flushed or not, and be closed by the wrapper."""
    with store.new_file("S1", "Prod0", "t") as new:
        text = io.TextIOWrapper(new, encoding="utf-8")
        text.write("é")
        text.close()
    assert store["S1", "Prod0", "t"].hash == md5("é".encode())


def test_new_file_of_nothing(store):
    """A block that writes nothing stores an empty file."""
    with store.new_file("S1", "Prod0", "empty"):
        pass
    assert store.fetch_file("S1", "Prod0", "empty").read_bytes() == b""


@pytest.mark.parametrize("error", [Stop, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_new_file_on_an_exception(store, error):
    """An exception in the block passes, and leaves nothing."""
    before = contents(store.root)

    def write():
        with store.new_file("S1", "Prod0", "f") as new:
            new.write(b"half")
            raise error

    with pytest.raises(error):
        write()
    assert contents(store.root) == before
    assert len(store) == 0


@pytest.mark.parametrize("fails", [False, True])
def test_new_file_is_closed_by_its_block(store, fails):
    """Once its block has ended, well or not, the file is closed: nothing is written any more."""
    with contextlib.suppress(KeyError), store.new_file("GW150914", "Prod0", "notes.txt") as file:
        file.write(b"bytes that are still in the buffer")
        if fails:
            raise KeyError
    assert file.closed
    assert len(store) == (not fails)
    with pytest.raises(ValueError, match="closed"):
        file.write(b"more")


def test_new_file_with_its_hash(store):
    """Hash is checked against what was written."""
    with store.new_file("S1", "Prod0", "f", hash=md5(b"right").upper()) as new:
        new.write(b"right")
    before = contents(store.root)
    for wrong in (md5(b"right"), ""):
        with pytest.raises(HashError), store.new_file("S1", "Prod0", "g", hash=wrong) as new:
            new.write(b"wrong")
    assert contents(store.root) == before


@pytest.mark.parametrize("duplicate", ["link", "skip"])
def test_new_file_of_bytes_that_are_there(store, stored, duplicate):
    """Duplicate means the same as in add_file."""
    with pytest.raises(AlreadyPresentException), store.new_file("S2", "Prod0", "f") as new:
        new.write(b"a result")
    for _ in range(2):
        with store.new_file("S2", "Prod0", "f", duplicate=duplicate) as new:
            new.write(b"a result")
    assert len(store) == 2
    assert store.verify().ok


def test_new_file_of_a_name_that_is_taken(store, stored):
    """A name that is taken is a RecordExistsError, and what was there stays."""
    before = contents(store.root)
    with pytest.raises(RecordExistsError), store.new_file("S1", "Prod0", "result.txt") as new:
        new.write(b"other")
    assert contents(store.root) == before


def test_new_file_with_a_bad_name(store):
    """A bad name is refused before the block runs: no hours of writing are lost to it."""
    ran = []
    with pytest.raises(InvalidNameError), store.new_file("S1", "Prod0", "a/b"):
        ran.append(True)
    assert ran == []


# New files with a descriptor


def test_new_file_as_the_stdout_of_a_program(store):
    """A new file can be what another program writes to, between what is written here, in that order."""
    with store.new_file("S1", "Prod0", "log") as new:
        new.write(b"before\n")
        subprocess.run([sys.executable, "-c", "print('there')"], stdout=new, check=True)
        assert new.tell() == 13
        new.write(b"after\n")
        subprocess.run([sys.executable, "-c", "print('again')"], stdout=new, check=True)
    content = b"before\nthere\nafter\nagain\n"
    assert store.fetch_file("S1", "Prod0", "log").read_bytes() == content
    assert store["S1", "Prod0", "log"].hash == md5(content)


def test_new_file_of_an_array(store):
    """NumPy's tofile writes to a new file, and fromfile reads from it."""
    numpy = pytest.importorskip("numpy")
    samples = numpy.arange(100_000.0)
    with store.new_file("S1", "Prod0", "samples") as new:
        new.write(b"head")
        samples.tofile(new)
        new.write(b"tail")
        new.seek(4)
        assert (numpy.fromfile(new, count=100_000) == samples).all()
        assert new.read() == b"tail"
    assert store.fetch_file("S1", "Prod0", "samples").read_bytes() == b"head" + samples.tobytes() + b"tail"


def test_new_file_written_through_its_descriptor(store):
    """What is written, read, cut and mapped by way of the descriptor is what is stored."""
    with store.new_file("S1", "Prod0", "f") as new:
        new.write(b"0123456789")
        os.write(new.fileno(), b"abcdef")
        new.seek(2)
        assert new.read(3) == b"234"
        os.pwrite(new.fileno(), b"XY", 2)
        assert (new.seek(0), new.read()) == (0, b"01XY456789abcdef")
        new.truncate(12)
        with mmap.mmap(new.fileno(), 12) as mapped:
            mapped[0:1] = b"_"
        with pytest.raises(OSError, match="Invalid argument"):
            new.seek(-1)
    assert store.fetch_file("S1", "Prod0", "f").read_bytes() == b"_1XY456789ab"
    assert store.verify().ok


def test_new_file_has_name_and_mode(store, tmp_path, monkeypatch):
    """A new file's name ends in that of the record and is nobody's, and its mode says that it is written."""
    monkeypatch.chdir(tmp_path)
    with store.new_file("S1", "Prod0", "samples.png") as new:
        assert (Path(new.name).name, new.mode) == ("samples.png", "wb+")
        assert Path(new.name).is_absolute()
        assert not Path(new.name).exists()
        with gzip.GzipFile(mode="wb", fileobj=new, mtime=0) as packed:
            packed.write(b"packed")
    assert gzip.decompress(store.fetch_file("S1", "Prod0", "samples.png").read_bytes()) == b"packed"


def test_new_file_with_its_descriptor_and_a_hash(store):
    """The digest of what came by way of the descriptor is held against the one expected."""
    for content, expected in ((b"right", md5(b"right")), (b"wrong", md5(b"right"))):
        with contextlib.suppress(HashError), store.new_file("S1", "Prod0", content.decode(), hash=expected) as new:
            os.write(new.fileno(), content)
    assert keys(store) == [("S1", "Prod0", "right")]


def test_new_file_that_somebody_may_still_write_to(store):
    """What is written to the descriptor after the block goes nowhere: what was stored stays as it was digested."""
    with store.new_file("S1", "Prod0", "f") as new:
        new.write(b"in time")
        kept = os.dup(new.fileno())
    os.write(kept, b"too late")
    os.close(kept)
    assert store.fetch_file("S1", "Prod0", "f").read_bytes() == b"in time"
    assert list((store.root / ".manifest" / "incoming").iterdir()) == []


def test_new_file_that_is_written_to_at_its_end(store):
    """A writer that doesn't end with the block is a SourceChangedError if it writes while the digest is made."""
    code = "import os\nwhile True: os.pwrite(1, os.urandom(1), 0)"
    writer = None
    try:
        with pytest.raises(SourceChangedError), store.new_file("S1", "Prod0", "f") as new:  # noqa: PT012
            new.truncate(64 << 20)
            writer = subprocess.Popen([sys.executable, "-c", code], stdout=new)
            while os.pread(new.fileno(), 1, 0) == b"\0":
                pass  # it has begun
    finally:
        if writer is not None:
            writer.kill()
            writer.wait()
    assert len(store) == 0
    assert list((store.root / ".manifest" / "incoming").iterdir()) == []


def test_the_descriptor_of_a_new_file_goes_with_its_block(store):
    """After the block there is no descriptor to be had."""
    with store.new_file("S1", "Prod0", "f") as new:
        new.write(b"x")
    with pytest.raises(ValueError, match="closed"):
        new.fileno()


def test_two_new_files_at_once(store):
    """Two blocks may be open at once, on one Store, and other adds go on meanwhile."""
    with store.new_file("S1", "Prod0", "a") as one, store.new_file("S1", "Prod0", "b") as two:
        one.write(b"1")
        two.write(b"2")
        with store.new_file("S1", "Prod0", "c") as three:
            three.write(b"3")
        assert keys(store) == [("S1", "Prod0", "c")]
    assert keys(store) == [("S1", "Prod0", name) for name in "abc"]
    assert store.verify().ok


# Sources that are written to meanwhile


def overwrite(path):
    """Write other bytes where the old ones were."""
    with path.open("r+b") as file:
        file.write(b"\1" * 100)


def overwrite_in_secret(path):
    """Write other bytes, and set the time of the last change back."""
    times = path.stat()
    overwrite(path)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def append(path):
    """Write on."""
    with path.open("ab") as file:
        file.write(b"more")


def replace(path):
    """Put another file in its place, of the same size and time."""
    times = path.stat()
    other = path.with_name("other")
    other.write_bytes(bytes(times.st_size))
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.rename(path)


CHANGES = [overwrite, overwrite_in_secret, append, lambda path: os.truncate(path, 10), replace, Path.unlink]
NAMES = ["overwrite", "overwrite in secret", "append", "truncate", "replace", "remove"]


@pytest.fixture
def changing(source):
    """A function that makes a file of some size, and a callback that does something to it once it is being read."""

    def make(size, change):
        path = source("changing", bytes(size))
        os.utime(path, (0, 0))
        probe = source("probe", b"")
        while probe.stat().st_ctime_ns <= path.stat().st_ctime_ns:  # the clock of the file system has ticked
            probe.touch()
        changes = [change]

        def progress(done, _total):
            if done and changes:
                changes.pop()(path)

        return path, progress

    return make


@pytest.mark.parametrize("size", [1000, 12 << 20])
@pytest.mark.parametrize("change", CHANGES, ids=NAMES)
def test_a_source_that_is_written_to_is_not_stored(store, stored, changing, change, size):
    """A file that is written to while it is added, however that is done, is a SourceChangedError; nothing is stored."""
    path, progress = changing(size, change)
    before = contents(store.root)
    with pytest.raises(SourceChangedError) as caught:
        store.add_file("S1", "Prod0", path, progress=progress)
    assert caught.value.path == path
    assert str(path) in str(caught.value)
    assert contents(store.root) == before


def test_a_batch_with_a_source_that_is_written_to(store, source, changing):
    """Of a batch one of whose files is written to nothing is stored; again, when nobody writes, all is."""
    path, progress = changing(1000, append)
    files = [("S1", "Prod0", path), ("S1", "Prod0", source("a", b"a")), ("S1", "Prod0", source("b", b"b"))]
    with pytest.raises(SourceChangedError):
        store.add_files(files, duplicate="link", progress=progress)
    assert len(store) == 0
    store.add_files(files, duplicate="link")
    assert store.verify().ok


def test_a_change_comes_before_a_wrong_hash(store, changing):
    """Where the bytes are not those expected since somebody wrote to the file, that is what is said."""
    path, progress = changing(1000, append)
    with pytest.raises(SourceChangedError):
        store.add_file("S1", "Prod0", path, hash="0" * 32, progress=progress)


def test_a_source_that_is_only_read_is_stored(store, changing):
    """Reading the file meanwhile, which changes the time of its last reading, does no harm."""
    path, progress = changing(1000, Path.read_bytes)
    store.add_file("S1", "Prod0", path, progress=progress)
    assert store.fetch_file("S1", "Prod0", "changing").read_bytes() == bytes(1000)


def test_a_source_is_stored_through_a_link(store, source, tmp_path):
    """A symbolic link to a file is followed, and is no change."""
    (tmp_path / "link").symlink_to(source())
    store.add_file("S1", "Prod0", tmp_path / "link")
    assert store.fetch_file("S1", "Prod0", "link").read_bytes() == b"a result"


def test_bytes_are_not_shared_with_a_file_that_was_written_to(store, stored, source):
    """If the file that "link" would share is changed once it was verified, the new record has bytes of its own."""
    backend, to_add = store.backend, Source(("S2", "Prod1", "b"), source("b"), None)
    with backend.receive([to_add], Meter(None, 0), sha256=False) as (data,):
        addition = Addition([Item(to_add.key, data)], "link")
        addition.prepare(backend, backend.contents())
        overwrite_in_place(stored)
        backend.commit(addition)
    assert store.fetch_file("S2", "Prod1", "b").read_bytes() == b"a result"
    assert [check.status for check in store.verify().results] == ["corrupt", "ok"]


def overwrite_in_place(path):
    """Write to a stored file as who may do anything can: it stays read-only."""
    with writable(path):
        overwrite(path)

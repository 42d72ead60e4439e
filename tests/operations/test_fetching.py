"""fetch_file, fetch_files, fetch_uuid and open_file."""

from __future__ import annotations

import errno
import os
import threading
import time
import uuid
from pathlib import Path

import pytest
from damage import (
    contents,
    flip_bit,
    grow,
    md5,
    replace_by_fifo,
    replace_by_folder,
    replace_by_symlink,
    truncate,
)

from asimov.storage import HashError, RecordNotFoundError, StorageError, Store
from asimov.storage._disk import temporary

PLACE = ("S1", "Prod0", "result.txt")
DEAD = 2**22 + 1
"""A process id above Linux' limit: of nobody."""


class Stop(Exception):
    """What a test raises in a callback."""


#: Every way out of a Store for one file, as functions of the Store and a folder for copies.
WAYS = {
    "fetch_file": lambda store, _: store.fetch_file(*PLACE),
    "dest": lambda store, out: store.fetch_file(*PLACE, dest=out),
    "fetch_files": lambda store, _: store.fetch_files([PLACE]),
    "fetch_files to dest": lambda store, out: store.fetch_files([PLACE], dest=out),
    "fetch_uuid": lambda store, _: store.fetch_uuid(store[PLACE].uuid),
    "open_file": lambda store, _: store.open_file(*PLACE),
}


@pytest.fixture
def out(tmp_path):
    """An empty folder for copies."""
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def test_fetch(store, stored):
    """fetch_file returns the absolute path of the file in the Store."""
    assert isinstance(stored, Path)
    assert stored.is_absolute()
    assert stored == store.root / "S1" / "Prod0" / store[PLACE].uuid
    assert stored.read_bytes() == b"a result"


def test_fetch_is_absolute_from_a_relative_root(store, stored, monkeypatch):
    """So it is where the Store was opened by a relative path and the working directory changed since."""
    monkeypatch.chdir(store.root.parent)
    relative = Store("store")
    monkeypatch.chdir("/")
    assert relative.fetch_file(*PLACE) == stored


def test_hash_is_the_fourth(store, stored):
    """The hash is upstream's fourth argument."""
    assert store.fetch_file(*PLACE, md5(b"a result")) == stored
    with pytest.raises(HashError):
        store.fetch_file(*PLACE, "0" * 32)


@pytest.mark.parametrize("place", [("S1", "Prod0", "z"), ("S1", "Prod9", "result.txt"), ("S9", "Prod0", "result.txt")])
def test_fetch_what_is_not_there(store, stored, place, out):
    """What the Store does not have is a RecordNotFoundError that names it, whichever way it is asked for."""
    asked = [
        lambda: store.fetch_file(*place),
        lambda: store.fetch_file(*place, hash="0" * 32, dest=out),
        lambda: store.fetch_files([PLACE, place], dest=out),
        lambda: store.open_file(*place),
    ]
    for ask in asked:
        with pytest.raises(RecordNotFoundError) as caught:
            ask()
        assert all(part in str(caught.value) for part in set(place) - set(PLACE))
    assert list(out.iterdir()) == []


# Damage


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("damage", [flip_bit, truncate, grow], ids=lambda damage: damage.__name__)
def test_changed_bytes(store, stored, out, way, damage):
    """A file of other bytes is a HashError, is not returned, not copied, and stays where it is for its owner to look
    at.
    """
    damage(stored)
    before = contents(store.root)
    with pytest.raises(HashError) as caught:
        way(store, out)
    assert (caught.value.path, caught.value.expected, caught.value.actual) == (
        stored,
        md5(b"a result"),
        md5(stored.read_bytes()),
    )
    assert contents(store.root) == before
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_emptied_file(store, stored, out, way):
    """A file of no bytes any more is a HashError too."""
    stored.chmod(0o600)
    stored.write_bytes(b"")
    with pytest.raises(HashError):
        way(store, out)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_missing_file(store, stored, out, way):
    """A record whose file is gone is an error that names the file, and none that says there was no such record."""
    stored.unlink()
    with pytest.raises((StorageError, FileNotFoundError), match=stored.name) as caught:
        way(store, out)
    assert not isinstance(caught.value, RecordNotFoundError)
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize(
    "damage", [replace_by_symlink, replace_by_folder, replace_by_fifo], ids=lambda damage: damage.__name__
)
def test_something_else_in_its_place(store, stored, out, way, damage):
    """A link (to the right bytes, even), folder or pipe in a file's place is not served, followed or waited for."""
    damage(stored)
    with pytest.raises((StorageError, OSError), match=stored.name) as caught:
        way(store, out)
    assert not isinstance(caught.value, RecordNotFoundError)
    assert list(out.iterdir()) == []


def test_restored_file(store, stored):
    """A file that was damaged and put right again is served again."""
    flip_bit(stored)
    with pytest.raises(HashError):
        store.fetch_file(*PLACE)
    flip_bit(stored)
    assert store.fetch_file(*PLACE) == stored


def test_swapped_files(store, source):
    """Two files that changed places are both found."""
    store.add_files([("S1", "Prod0", source("a", b"a")), ("S1", "Prod0", source("b", b"b"))])
    a, b = store.fetch_files([("S1", "Prod0", "a"), ("S1", "Prod0", "b")])
    a.rename(a.with_name("x"))
    b.rename(a)
    a.with_name("x").rename(b)
    for name in "ab":
        with pytest.raises(HashError):
            store.fetch_file("S1", "Prod0", name)


# dest


def test_dest_folder(store, stored, out):
    """A dest that is a folder receives the file under its own name."""
    path = store.fetch_file(*PLACE, dest=out)
    assert path == out / "result.txt"
    assert path.read_bytes() == b"a result"
    assert not path.samefile(stored)


def test_dest_file(store, stored, out):
    """Any other dest is the name of the copy; a str will do, and a relative path gives an absolute one."""
    assert store.fetch_file(*PLACE, dest=str(out / "copy.dat")) == out / "copy.dat"
    assert (out / "copy.dat").read_bytes() == b"a result"


def test_dest_relative(store, stored, out, monkeypatch):
    """A relative dest is one of the working directory, and the path that is returned is absolute."""
    monkeypatch.chdir(out)
    assert store.fetch_file(*PLACE, dest="copy") == out / "copy"
    assert store.fetch_file(*PLACE, dest=".") == out / "result.txt"
    assert sorted(path.name for path in out.iterdir()) == ["copy", "result.txt"]


@pytest.mark.parametrize("dest", ["result.txt", "."], ids=["file", "folder"])
def test_dest_is_never_overwritten(store, stored, out, dest):
    """A file that is there already stays: a FileExistsError that names it."""
    (out / "result.txt").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match=r"result\.txt"):
        store.fetch_file(*PLACE, dest=out / dest)
    assert [(path.name, path.read_bytes()) for path in out.iterdir()] == [("result.txt", b"mine")]


@pytest.mark.parametrize("dest", ["result.txt", "."], ids=["file", "folder"])
def test_dest_that_is_done(store, stored, out, dest):
    """The very same bytes at dest are a fetch that is done: the path is returned, and the file stays as it is."""
    first = store.fetch_file(*PLACE, dest=out / dest)
    before = first.stat()
    assert store.fetch_file(*PLACE, dest=out / dest) == first == out / "result.txt"
    after = first.stat()
    assert (after.st_ino, after.st_mode, after.st_ctime_ns) == (before.st_ino, before.st_mode, before.st_ctime_ns)
    assert [path.name for path in out.iterdir()] == ["result.txt"]


def test_dest_that_is_done_with_another_hash(store, stored, out):
    """A hash that isn't the record's is refused though the file is there already."""
    store.fetch_file(*PLACE, dest=out)
    with pytest.raises(HashError):
        store.fetch_file(*PLACE, "0" * 32, dest=out)


def test_dest_of_one_file_is_not_anothers(store, source, out):
    """An earlier copy of another file is other bytes."""
    store.add_files([("S1", "Prod0", source("a", b"1")), ("S1", "Prod1", source("b", b"2"), "a")])
    store.fetch_file("S1", "Prod0", "a", dest=out)
    with pytest.raises(FileExistsError, match="move it away"):
        store.fetch_file("S1", "Prod1", "a", dest=out)
    assert (out / "a").read_bytes() == b"1"


@pytest.mark.parametrize(
    "damage",
    [flip_bit, truncate, grow, replace_by_symlink, replace_by_folder, replace_by_fifo],
    ids=lambda f: f.__name__,
)
def test_dest_that_was_damaged(store, stored, out, damage):
    """A copy that was changed since, or is something else by now, is in the way, and stays."""
    damage(store.fetch_file(*PLACE, dest=out))
    before = (out / "result.txt").lstat()
    with pytest.raises(FileExistsError, match=r"result\.txt"):
        store.fetch_file(*PLACE, dest=out)
    assert (out / "result.txt").lstat().st_mtime_ns == before.st_mtime_ns
    assert [path.name for path in out.iterdir()] == ["result.txt"]


def test_dest_that_is_a_dangling_link(store, stored, out):
    """A link to nowhere is in the way too, and nothing is written through it."""
    (out / "result.txt").symlink_to(out / "target")
    with pytest.raises(FileExistsError):
        store.fetch_file(*PLACE, dest=out)
    assert [path.name for path in out.iterdir()] == ["result.txt"]


def test_dest_whose_folder_has_one_of_the_name(store, stored, out):
    """A folder in the place of the copy is a FileExistsError."""
    (out / "result.txt").mkdir()
    with pytest.raises(FileExistsError):
        store.fetch_file(*PLACE, dest=out)
    assert list((out / "result.txt").iterdir()) == []


def test_dest_through_a_file(store, stored, out):
    """A dest below a file is an OSError."""
    (out / "file").touch()
    with pytest.raises(OSError, match="file"):
        store.fetch_file(*PLACE, dest=out / "file" / "copy")


def test_dest_to_two_at_once(store, stored, out):
    """Of two fetches of one file to one dest at once both succeed, and the file is whole."""
    barrier, results = threading.Barrier(2), []

    def fetch():
        barrier.wait()
        results.append(store.fetch_file(*PLACE, dest=out / "copy"))

    threads = [threading.Thread(target=fetch) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [out / "copy"] * 2
    assert [(path.name, path.read_bytes()) for path in out.iterdir()] == [("copy", b"a result")]


def test_dest_that_appears_meanwhile(store, source, out):
    """A file that somebody puts there while the copy is under way stays too."""
    store.add_file("S1", "Prod0", source(content=bytes(20_000_000)))

    def progress(done, _total):
        if done:
            (out / "result.txt").write_bytes(b"mine")

    with pytest.raises(FileExistsError):
        store.fetch_file(*PLACE, dest=out, progress=progress)
    assert [(path.name, path.read_bytes()) for path in out.iterdir()] == [("result.txt", b"mine")]


def test_dest_is_atomic(store, source, out):
    """While a copy is under way nothing has its name; a fetch that is cancelled leaves nothing."""
    store.add_file("S1", "Prod0", source(content=bytes(20_000_000)))
    seen = []

    def progress(_done, _total):
        seen.append((out / "result.txt").exists())
        if len(seen) == 2:
            raise Stop

    with pytest.raises(Stop):
        store.fetch_file(*PLACE, dest=out, progress=progress)
    assert seen == [False, False]
    assert list(out.iterdir()) == []


def test_dest_of_a_file_with_an_option_as_its_name(store, source, out):
    """Names that mean something to shells are only names."""
    store.add_file("S1", "Prod0", source(), "--help *")
    assert store.fetch_file("S1", "Prod0", "--help *", dest=out).read_bytes() == b"a result"


# Several


@pytest.fixture
def three(store, source):
    """A Store of three files, and their keys."""
    places = [("S1", "Prod0", "a"), ("S1", "Prod1", "b"), ("S2", "Prod0", "c")]
    store.add_files([(event, production, source(name, name.encode())) for event, production, name in places])
    return store, places


def test_fetch_files(three):
    """fetch_files returns the paths in the order of the selection, which may be keys, Records or rows of a frame."""
    store, places = three
    expected = [store.fetch_file(*place) for place in reversed(places)]
    frame = store.to_frame()
    assert store.fetch_files(reversed(places)) == expected
    assert store.fetch_files([store[place] for place in reversed(places)]) == expected
    assert store.fetch_files(frame.iloc[::-1]) == expected
    assert store.fetch_files(frame[frame.event == "S2"]) == expected[:1]
    assert store.fetch_files([]) == store.fetch_files(frame[:0]) == []


def test_fetch_files_from_rows(three):
    """Single rows, as itertuples and iterrows give them, select too."""
    store, places = three
    frame = store.to_frame()
    expected = [store.fetch_file(*place) for place in places]
    assert store.fetch_files(frame.itertuples()) == expected
    assert store.fetch_files(frame.itertuples(index=False)) == expected
    assert store.fetch_files(row for _, row in frame.iterrows()) == expected


def test_fetch_files_to_dest(three, out):
    """With dest each goes to that folder under its own name."""
    store, places = three
    assert store.fetch_files(places, dest=out) == [out / "a", out / "b", out / "c"]
    assert [(out / name).read_bytes() for name in "abc"] == [b"a", b"b", b"c"]


def test_fetch_files_of_one_name_to_dest(store, source, out):
    """Two files of one name are refused, in words that name tree=True and both places, before anything is copied."""
    store.add_files([("S1", "Prod0", source("a", b"1")), ("S1", "Prod1", source("b", b"2"), "a")])
    selection = [("S1", "Prod0", "a"), ("S1", "Prod1", "a")]
    with pytest.raises(ValueError, match=r"'S1' / 'Prod0' and 'S1' / 'Prod1'.* tree=True"):
        store.fetch_files(selection, dest=out / "new")
    assert not (out / "new").exists()
    paths = store.fetch_files(selection, dest=out, tree=True)
    assert [path.read_bytes() for path in paths] == [b"1", b"2"]


@pytest.mark.parametrize("selected", [1, 2, 3])
def test_fetch_files_to_a_tree(three, out, selected):
    """With tree=True each goes to EVENT/PRODUCTION/FILE below dest, whatever else is selected."""
    store, places = three
    paths = store.fetch_files(places[:selected], dest=out, tree=True)
    assert paths == [out.joinpath(*place) for place in places[:selected]]
    assert [path.read_bytes() for path in paths] == [b"a", b"b", b"c"][:selected]


def test_a_tree_without_dest(three):
    """tree=True without a dest is a TypeError: it says nothing then."""
    with pytest.raises(TypeError, match="dest"):
        three[0].fetch_files(three[1], tree=True)


def test_fetch_files_goes_on(three, out):
    """A fetch that was killed goes on: what is there and right is kept, the rest is fetched, the leftovers go."""
    store, places = three
    store.fetch_files(places[:2], dest=out)
    kept = [(out / name).stat() for name in "ab"]
    (out / f"{temporary.OUR_PREFIX}{temporary._processes()}-{DEAD}-0").write_bytes(b"half of")
    calls = []
    paths = store.fetch_files(places, dest=out, progress=lambda *call: calls.append(call))
    assert paths == [out / name for name in "abc"]
    assert [(out / name).stat() for name in "ab"] == kept
    assert sorted(path.name for path in out.iterdir()) == ["a", "b", "c"]
    assert calls[-1] == (3, 3)


def test_fetch_files_that_fails_keeps_what_was_there(three, out):
    """A fetch that fails takes back what it has copied, and nothing that was there before."""
    store, places = three
    store.fetch_file(*places[0], dest=out)
    flip_bit(store.fetch_file(*places[2]))
    with pytest.raises(HashError):
        store.fetch_files(places, dest=out)
    assert [(path.name, path.read_bytes()) for path in out.iterdir()] == [("a", b"a")]


def test_fetch_files_to_other_bytes(three, out):
    """Where other bytes lie in the way of one file nothing is copied, and they stay."""
    store, places = three
    (out / "c").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match=r"'.*/out/c'"):
        store.fetch_files(places, dest=out)
    assert [(path.name, path.read_bytes()) for path in out.iterdir()] == [("c", b"mine")]


@pytest.mark.parametrize("days", [-1000, -2, 2, 1000])
def test_leftovers_of_other_hosts_are_swept(three, out, days):
    """What another host's fetch left is removed once its time is a day off, in the past or in the future."""
    store, places = three
    old, new = (out / f"{temporary.OUR_PREFIX}elsewhere_1-1-{name}" for name in ("old", "new"))
    for path in (old, new):
        path.write_bytes(b"half of")
    then = time.time() + days * 86_400
    os.utime(old, (then, then))
    store.fetch_files(places, dest=out)
    assert (old.exists(), new.exists()) == (False, True)


# Where hard links can't be made


@pytest.fixture(
    params=[errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EIO, errno.EMLINK, errno.EXDEV, errno.EINVAL]
)
def no_links(request, monkeypatch):
    """No hard link can be made, for one of the reasons that file systems give."""

    def link(_source, target, **_folders):
        raise OSError(request.param, os.strerror(request.param), target)

    monkeypatch.setattr(os, "link", link)


def test_dest_without_links(stored, store, out, no_links):
    """The copy arrives, and nothing is left beside it."""
    assert store.fetch_file(*PLACE, dest=out).read_bytes() == b"a result"
    assert [path.name for path in out.iterdir()] == ["result.txt"]
    assert store.fetch_file(*PLACE, dest=out) == out / "result.txt"


def test_dest_without_links_is_never_overwritten(store, stored, out, no_links):
    """Nor is a file written over there that appears while the copy is under way."""

    def progress(done, _total):
        if done:
            (out / "result.txt").write_bytes(b"mine")

    with pytest.raises(FileExistsError):
        store.fetch_file(*PLACE, dest=out, progress=progress)
    assert [(path.name, path.read_bytes()) for path in out.iterdir()] == [("result.txt", b"mine")]


def test_dest_without_links_or_renames(stored, store, out, no_links, monkeypatch):
    """Where the copy can't be renamed either, the error is raised, and nothing is left."""

    def rename(_source, target, **_folders):
        raise OSError(errno.EIO, os.strerror(errno.EIO), target)

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(OSError, match=r"result\.txt"):
        store.fetch_file(*PLACE, dest=out)
    assert list(out.iterdir()) == []


def test_fetch_files_with_a_corrupt_one(three):
    """One corrupt file is a HashError for all."""
    store, places = three
    flip_bit(store.fetch_file(*places[2]))
    with pytest.raises(HashError):
        store.fetch_files(places)


@pytest.mark.parametrize("selection", [["S1"], [("S1", "Prod0")], [3], "S1", [("S1", "Prod0", 3)]])
def test_fetch_files_of_another_shape(three, selection):
    """What selects nothing that could be a record is an error, not an empty result."""
    with pytest.raises((TypeError, ValueError, KeyError)):
        three[0].fetch_files(selection)


def test_progress(store, source):
    """The progress of a fetch is in bytes and ends at the size, on the caller's thread."""
    store.add_file("S1", "Prod0", source(content=bytes(5_000_000)))
    calls, threads = [], set()

    def progress(done, total):
        calls.append((done, total))
        threads.add(threading.get_ident())

    store.fetch_file(*PLACE, progress=progress)
    assert calls[-1] == (5_000_000, 5_000_000)
    assert calls == sorted(calls)
    assert threads == {threading.get_ident()}


def test_progress_of_several(three):
    """The progress of fetch_files is that of all its bytes."""
    store, places = three
    calls = []
    store.fetch_files(places, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (3, 3)
    assert {total for _, total in calls} == {3}


def test_progress_cancels(store, stored):
    """An exception from progress is the one that fetch_file raises."""

    def progress(_done, _total):
        raise Stop

    with pytest.raises(Stop):
        store.fetch_file(*PLACE, progress=progress)


# By uuid


def test_fetch_uuid(store, stored):
    """fetch_uuid takes every form of a uuid: hex in either case, with dashes, as a URN, as uuid.UUID."""
    identity = uuid.UUID(store[PLACE].uuid)
    for form in (identity.hex, identity.hex.upper(), str(identity), identity.urn, f"{{{identity}}}", identity):
        assert store.fetch_uuid(form) == stored


@pytest.mark.parametrize("unknown", ["0" * 32, str(uuid.UUID(int=1)), uuid.UUID(int=2).urn])
def test_fetch_unknown_uuid(store, stored, unknown):
    """A uuid that is none of the Store's is a KeyError, and reads as a sentence."""
    with pytest.raises(KeyError) as caught:
        store.fetch_uuid(unknown)
    assert isinstance(caught.value, RecordNotFoundError)


@pytest.mark.parametrize("form", ["", "not a uuid", "../../etc/passwd", None, 3])
def test_fetch_malformed_uuid(store, stored, form):
    """What is no uuid at all is a KeyError or says that it is none; nothing is opened by its name."""
    with pytest.raises((KeyError, ValueError, TypeError)):
        store.fetch_uuid(form)


# open_file


def test_open_file(store, stored):
    """open_file gives a binary file at its start, which cannot be written."""
    with store.open_file(*PLACE) as file:
        assert file.readable()
        assert file.seekable()
        assert not file.writable()
        assert file.tell() == 0
        assert file.read() == b"a result"
    assert file.closed


def test_open_file_is_the_file_that_was_verified(store, stored):
    """What is read is the very file that was verified, also when another takes its name in the meantime."""
    with store.open_file(*PLACE) as file:
        stored.rename(stored.with_name("moved"))
        stored.write_bytes(b"planted!")
        assert file.read() == b"a result"


def test_open_file_leaves_nothing_open(store, stored):
    """A corrupt file is closed again."""
    flip_bit(stored)
    before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(5):
        with pytest.raises(HashError):
            store.open_file(*PLACE)
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_open_file_cancelled_at_the_end_leaves_nothing_open(store, source):
    """A progress that raises when all bytes are digested cancels too, and the file is closed again."""
    store.add_file("S1", "Prod0", source("large", bytes(3 << 20)), "large")

    def progress(done, total):
        if done == total:
            raise KeyboardInterrupt

    before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(5):
        with pytest.raises(KeyboardInterrupt):
            store.open_file("S1", "Prod0", "large", progress=progress)
    assert len(list(Path("/dev/fd").iterdir())) == before


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_fetching_writes_nothing_in_the_store(store, stored, out, way):
    """No way out changes anything in the Store, times of folders and of the manifest included."""
    before = {path: (path.lstat().st_mtime_ns, path.lstat().st_mode) for path in store.root.rglob("*")}
    result = way(store, out)
    if hasattr(result, "close"):
        result.close()
    assert {path: (path.lstat().st_mtime_ns, path.lstat().st_mode) for path in store.root.rglob("*")} == before


def test_fetch_files_of_one_record_twice(store, stored, out):
    """A record that a selection names twice is copied once, and its path stands twice in the answer."""
    progress = []
    twice = store.fetch_files([PLACE, PLACE], dest=out, progress=lambda done, total: progress.append((done, total)))
    assert twice == [out / "result.txt"] * 2
    assert progress[-1] == (8, 8)
    assert store.fetch_files([PLACE, PLACE]) == [stored, stored]

"""Files on disk: modes, groups, times, links, full disks, and folders that may not be written."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from damage import AS_ROOT, NOBODY, contents, keys, manifest_of, ordinary_user, umask

from asimov.storage import HashError, StorageError, Store
from asimov.storage._disk.folder import DESTINATION, SOURCE, STORE

GROUP = 12345 if AS_ROOT else os.getgid()


def mode(path):
    """Give the permission bits of a path itself."""
    return stat.S_IMODE(path.lstat().st_mode)


def everything(root):
    """List a folder and all below it."""
    return [root, *root.rglob("*")]


# Modes


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o027, 0o077])
@pytest.mark.parametrize(
    ("folder", "file"), [(0o755, 0o444), (0o750, 0o440), (0o700, 0o400), (0o775, 0o444), (0o770, 0o440), (0o705, 0o404)]
)
def test_mode_of_stored_files(tmp_path, source, folder, file, mask):
    """A stored file may be read by those who may read the root, and written by nobody, whatever the umask and the
    source's mode.
    """
    (tmp_path / "root").mkdir()
    (tmp_path / "root").chmod(folder)
    path = source()
    path.chmod(0o777)
    with umask(mask):
        store = Store.create(tmp_path / "root", "n")
        store.add_file("S1", "Prod0", path)
    assert mode(store.fetch_file("S1", "Prod0", "result.txt")) == file
    assert mode(tmp_path / "root") == folder


@pytest.mark.parametrize("mask", [0o022, 0o077])
@pytest.mark.parametrize("folder", [0o755, 0o750, 0o700, 0o775, 0o770])
def test_what_is_made_follows_its_parent(tmp_path, source, folder, mask):
    """Folders and files of the Store's own have the group and other bits of the root, whatever the umask."""
    (tmp_path / "root").mkdir()
    (tmp_path / "root").chmod(folder)
    with umask(mask):
        store = Store.create(tmp_path / "root", "n")
        store.add_file("S1", "Prod0", source())
    for path in everything(store.root):
        shared = mode(path) & 0o077
        expected = folder & 0o077 if path.is_dir() else folder & 0o066
        if path.parent.name == "Prod0":
            expected &= 0o044
        assert oct(shared) == oct(expected), path


def test_new_folders_follow_the_one_above(tmp_path, source):
    """A production's folder follows its event's, an event's follows the root."""
    store = Store.create(tmp_path / "root", "n")
    store.root.chmod(0o755)
    store.add_file("S1", "Prod0", source())
    (store.root / "S1").chmod(0o770)
    store.add_file("S1", "Prod1", source("b", b"b"))
    store.add_file("S2", "Prod1", source("c", b"c"))
    assert [oct(mode(store.root / path)) for path in ("S1/Prod1", "S2", "S2/Prod1")] == ["0o770", "0o755", "0o755"]


@pytest.mark.parametrize("name", ["S1", "S1/Prod0", ".manifest/incoming", ".manifest/recent"])
def test_folders_whose_maker_was_killed(tmp_path, source, name):
    """A folder that was made, and not opened to the group before its maker was killed, is opened by the next add."""
    store = Store.create(tmp_path / "store", "Shared")
    store.root.chmod(0o775)
    folder = store.root / name
    folder.mkdir(parents=True, exist_ok=True)
    folder.parent.chmod(0o775)
    folder.chmod(0o700)
    store.add_file("S1", "Prod0", source())
    assert mode(folder) == 0o775


def test_folders_that_are_closed_stay_closed(tmp_path, source):
    """A folder with something in it that somebody has closed stays as it is."""
    store = Store.create(tmp_path / "store", "Shared")
    store.add_file("S1", "Prod0", source())
    (store.root / "S1").chmod(0o700)
    store.add_file("S1", "Prod1", source("more", b"more"))
    assert mode(store.root / "S1") == 0o700


@pytest.mark.parametrize("manifest", [0o644, 0o640, 0o600, 0o664, 0o660])
def test_the_manifest_keeps_its_mode(store, source, manifest):
    """Replacing manifest.yaml preserves the mode that somebody gave it."""
    manifest_of(store).chmod(manifest)
    with umask(0o077):
        store.add_file("S1", "Prod0", source())
    assert oct(mode(manifest_of(store))) == oct(manifest)


def test_time_of_stored_files(store, source):
    """The modification time of a stored file is the time of the add, not the source's."""
    path = source()
    os.utime(path, (0, 0))
    before = time.time_ns()
    store.add_file("S1", "Prod0", path)
    stored = store.fetch_file("S1", "Prod0", "result.txt").stat().st_mtime_ns
    tick = 20_000_000  # a file system's clock may lag behind time.time()
    assert before - tick <= stored <= time.time_ns() + tick


def test_what_dest_receives_is_ordinary(store, stored, tmp_path):
    """A file that was fetched to dest is an ordinary one: writable, with the mode that the umask gives."""
    with umask(0o027):
        path = store.fetch_file("S1", "Prod0", "result.txt", dest=tmp_path / "copy")
    assert oct(mode(path)) == oct(0o640)
    assert path.stat().st_nlink == 1
    path.write_bytes(b"edited")
    assert stored.read_bytes() == b"a result"


# Groups


@pytest.fixture
def shared_root(common_path):
    """A folder that a group shares, with the setgid bit as groups do it."""
    root = common_path / "shared"
    root.mkdir()
    os.chown(root, -1, GROUP)
    root.chmod(0o2775)
    return root


def test_group_of_what_is_made(shared_root, source):
    """All that is made in a Store has the group of the root."""
    with umask(0o077):
        store = Store.create(shared_root, "n")
        store.add_file("S1", "Prod0", source())
        store.add_file("S1", "Prod1", source("b", b"b"))
    assert {path.lstat().st_gid for path in everything(shared_root)} == {GROUP}


def test_group_without_setgid(shared_root, source):
    """The same holds where the root has no setgid bit, which would have the kernel do it."""
    shared_root.chmod(0o775)
    store = Store.create(shared_root, "n")
    store.add_file("S1", "Prod0", source())
    assert {path.lstat().st_gid for path in everything(shared_root)} == {GROUP}


def test_setgid_is_passed_on(shared_root, source):
    """Folders below a setgid folder are setgid too."""
    store = Store.create(shared_root, "n")
    store.add_file("S1", "Prod0", source())
    assert {oct(mode(path)) for path in everything(shared_root) if path.is_dir()} == {"0o2775"}


def test_the_manifest_keeps_its_group(shared_root, source):
    """Replacing manifest.yaml preserves a group that somebody gave it."""
    store = Store.create(shared_root, "n")
    group = GROUP + 1 if AS_ROOT else GROUP
    os.chown(manifest_of(store), -1, group)
    store.add_file("S1", "Prod0", source())
    assert manifest_of(store).stat().st_gid == group


def test_two_users_share_a_store(shared_root, source):
    """Two users of one group, with umasks 077 and 022, add in turn; each reads, verifies and adds to what the other
    made.
    """
    os.chown(shared_root, -1, NOBODY if AS_ROOT else GROUP)
    shared_root.chmod(0o2775)
    for number, mask in enumerate([0o077, 0o022, 0o077, 0o022]):
        path = source(f"f{number}", b"%d" % number)
        path.parent.chmod(0o755)
        data = path.read_bytes()
        with umask(mask):
            if number == 0:
                Store.create(shared_root, "ours").add_file("S1", "Prod0", path)
            elif number % 2:
                with ordinary_user(), Store(shared_root).new_file("S1", "Prod0", path.name) as new:
                    new.write(data)
            else:
                Store(shared_root).add_file("S1", "Prod0", path)
    with ordinary_user():
        report = Store(shared_root).verify()
        assert len(report.results) == 4
        assert report.ok
    owners = {path.lstat().st_uid for path in (shared_root / "S1" / "Prod0").iterdir()}
    assert owners == ({0, NOBODY} if AS_ROOT else {os.getuid()})


# Access-control lists


def acl(path, *changes):
    """Change the list of a file or folder by setfacl; return it."""
    for change in changes:
        done = subprocess.run(["setfacl", change[:2], change[2:], str(path)], check=False, capture_output=True)
        if done.returncode:
            pytest.skip(f"no access-control list here: {done.stderr.decode()}")
    shown = subprocess.run(["getfacl", "-cpE", str(path)], check=True, capture_output=True, text=True)
    return shown.stdout.split()


needs_setfacl = pytest.mark.skipif(shutil.which("setfacl") is None, reason="there is no setfacl")


@needs_setfacl
def test_the_manifest_keeps_its_acl(store, source):
    """Replacing manifest.yaml preserves the access-control list that somebody gave it."""
    manifest_of(store).chmod(0o600)
    before = acl(manifest_of(store), "-mu:12345:r--,g:23456:rw-")
    store.add_file("S1", "Prod0", source())
    store.add_file("S1", "Prod0", source("b", b"b"))
    assert "user:12345:r--" in before
    assert acl(manifest_of(store)) == before


@needs_setfacl
def test_the_manifest_gets_no_acl_of_a_folder(store, source):
    """Replacing manifest.yaml gives it no list, though the folders of temporary files hand one down."""
    manifest_of(store).chmod(0o640)
    for folder in (store.root / ".manifest", store.root / ".manifest" / "recent"):
        acl(folder, "-md:u:12345:rwx")
    store.add_file("S1", "Prod0", source())
    assert acl(manifest_of(store)) == ["user::rw-", "group::r--", "other::---"]
    assert mode(manifest_of(store)) == 0o640


@needs_setfacl
def test_a_repair_keeps_the_acl(store, stored):
    """A repair gives the new manifest the list of the damaged one."""
    before = acl(manifest_of(store), "-mu:12345:r--")
    with manifest_of(store).open("a") as file:
        file.write("damage")
    Store.repair(store.root, dry_run=False)
    assert acl(manifest_of(store)) == before


# Links


def test_the_root_may_be_a_link(store, stored, tmp_path):
    """A Store may be opened by way of a symbolic link to its root, and grown."""
    (tmp_path / "link").symlink_to(store.root)
    linked = Store(tmp_path / "link")
    assert linked.root.is_absolute()
    assert linked.fetch_file("S1", "Prod0", "result.txt").samefile(stored)
    assert linked.verify().ok
    with linked.new_file("S2", "Prod0", "b") as new:
        new.write(b"b")
    assert len(store) == 2


@pytest.mark.parametrize("place", ["S1", "S1/Prod0"])
def test_linked_folders_are_not_served(store, stored, tmp_path, place):
    """An event's or production's folder that is a symbolic link is not followed, out or in, though all is behind it."""
    (store.root / place).rename(tmp_path / "moved")
    (store.root / place).symlink_to(tmp_path / "moved")
    elsewhere = sorted((tmp_path / "moved").rglob("*"))
    with pytest.raises((StorageError, OSError)):
        store.fetch_file("S1", "Prod0", "result.txt")
    with pytest.raises((StorageError, OSError)):
        store.open_file("S1", "Prod0", "result.txt")
    with pytest.raises((StorageError, OSError)), store.new_file("S1", "Prod0", "b") as new:
        new.write(b"b")
    (check,) = store.verify().results
    assert check.status == "unreadable"
    assert "link" in check.reason
    assert sorted((tmp_path / "moved").rglob("*")) == elsewhere
    assert len(Store(store.root)) == 1


def test_linked_manifest_folder(store, stored, tmp_path):
    """A .manifest that is a symbolic link is below the root, and so nothing is written through it."""
    (store.root / ".manifest").rename(tmp_path / "moved")
    (store.root / ".manifest").symlink_to(tmp_path / "moved")
    before = (tmp_path / "moved" / "manifest.yaml").read_bytes()
    with pytest.raises((StorageError, OSError)):
        Store(store.root).new_file("S1", "Prod0", "b").__enter__()
    assert (tmp_path / "moved" / "manifest.yaml").read_bytes() == before


# Full disks


def state(store):
    """All that must be as before: on disk, in memory, and in the eyes of a Store opened now."""
    return contents(store.root), keys(store), keys(Store(store.root)), store.fingerprint()


ACTIONS = {
    "add_file": lambda store, path: store.add_file("S2", "Prod9", path),
    "add_files": lambda store, path: store.add_files([("S2", "P1", path.with_name("small")), ("S2", "P2", path)]),
    "link": lambda store, path: store.add_file("S2", "P1", path.with_name("stored"), "linked", duplicate="link"),
}


def assert_named(error, folder, side):
    """The error names a path in `folder`, and whose disk it was."""
    assert Path(error.filename).is_relative_to(folder)
    assert f"({side})" in str(error)


def refusal(action):
    """Give the OSError that `action` ends with, or None where it ends well."""
    try:
        action()
    except OSError as error:
        return error


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_full_disk(small_disk, source, action):
    """On a full disk an add is the OSError that it is and the Store as before; with one page more at a time it comes
    to work.
    """
    store = Store.create(small_disk.root / "store", "n")
    store.add_file("S1", "Prod0", source("stored", b"stored"))
    big = source("big", bytes(range(256)) * 40)
    source("small", b"small")
    before, refused = state(store), 0
    for pages in range(60):
        small_disk.fill(leaving_pages=pages)
        error = refusal(lambda: action(store, big))
        if error is None:
            break
        refused += 1
        assert error.errno in small_disk.refusals
        assert not isinstance(error, StorageError)
        assert_named(error, store.root, STORE)
        assert state(store) == before
    small_disk.empty()
    assert refused > 0
    assert len(Store(store.root)) == {"add_files": 3}.get(next(n for n, a in ACTIONS.items() if a is action), 2)
    assert store.verify().ok
    assert store.verify().untracked == ()


def test_new_file_on_a_full_disk(small_disk):
    """A disk that fills up while a new file is being written leaves nothing of it."""
    store = Store.create(small_disk.root / "store", "n")
    small_disk.fill(leaving_pages=4)
    before = state(store)

    def write():
        with store.new_file("S1", "Prod0", "big") as new:
            for _ in range(100):
                new.write(bytes(4096))

    error = refusal(write)
    assert error.errno in small_disk.refusals
    assert_named(error, store.root, STORE)
    assert state(store) == before


def test_fetch_to_a_full_disk(store, small_disk, source):
    """A fetch to a full disk is the OSError that it is, and leaves no part of the file at its destination."""
    store.add_file("S1", "Prod0", source("big", bytes(100_000)))
    small_disk.fill(leaving_pages=2)
    before = sorted(path.name for path in small_disk.root.iterdir())
    error = refusal(lambda: store.fetch_file("S1", "Prod0", "big", dest=small_disk.root))
    assert error.errno in small_disk.refusals
    assert_named(error, small_disk.root / "big", DESTINATION)
    assert sorted(path.name for path in small_disk.root.iterdir()) == before


def test_create_on_a_full_disk(small_disk):
    """Store.create on a full disk is the OSError that it is and leaves nothing that would pass for a Store; later it
    works.
    """
    small_disk.fill()
    error = refusal(lambda: Store.create(small_disk.root / "store", "n"))
    assert error.errno in small_disk.refusals
    assert_named(error, small_disk.root / "store", STORE)
    with pytest.raises(StorageError):
        Store(small_disk.root / "store")
    small_disk.empty()
    assert Store.create(small_disk.root / "store", "n").name == "n"


# Folders that may not be written


def test_a_read_only_store_is_read(read_only_store):
    """Someone else's Store is listed, fetched, copied from and verified without a lock and without a write."""
    before = contents(read_only_store.root)
    store = Store(read_only_store.root)
    assert keys(store) == [("S1", "Prod0", "result.txt")]
    assert store.fetch_file("S1", "Prod0", "result.txt").read_bytes() == b"a result"
    with store.open_file("S1", "Prod0", "result.txt") as file:
        assert file.read() == b"a result"
    assert store.verify().ok
    assert store.fingerprint() == read_only_store.fingerprint()
    assert contents(store.root) == before


@pytest.mark.parametrize("action", ["add_file", "add_files", "new_file", "create", "update"])
def test_a_read_only_store_is_not_written(read_only_store, action):
    """Whatever would write in it is a PermissionError, and it is as before, on disk and in memory."""
    path = read_only_store.root.parent / "result.txt"
    store, before = Store(read_only_store.root), contents(read_only_store.root)

    def new_file():
        with store.new_file("S2", "Prod0", "b") as new:
            new.write(b"b")

    def update():
        store.manifest.add_record("S2", "Prod0", "b", "0" * 32, "1" * 32)
        store.manifest.update()

    actions = {
        "add_file": lambda: store.add_file("S2", "Prod0", path, "b", duplicate="link"),
        "add_files": lambda: store.add_files([("S2", "Prod0", path, "b")], duplicate="link"),
        "new_file": new_file,
        "create": lambda: Store.create(store.root / "inner", "n"),
        "update": update,
    }
    with pytest.raises(PermissionError):
        actions[action]()
    assert contents(store.root) == before
    assert keys(Store(store.root)) == [("S1", "Prod0", "result.txt")]


def test_a_production_that_may_not_be_written(common_path):
    """Where just one production's folder is someone else's, adding to it is a PermissionError and adding elsewhere
    works.
    """
    store = Store.create(common_path / "store", "n")
    for path in everything(store.root):
        path.chmod(0o777 if path.is_dir() else 0o666)
    (store.root / "S1" / "Prod0").mkdir(parents=True)
    with ordinary_user():
        mine = Store(store.root)
        (common_path / "store" / "S2").mkdir()
        before = contents(store.root)
        if not AS_ROOT:
            (store.root / "S1" / "Prod0").chmod(0o555)
        with pytest.raises(PermissionError), mine.new_file("S1", "Prod0", "f") as new:
            new.write(b"f")
        assert contents(store.root) == before
        with mine.new_file("S2", "Prod0", "f") as new:
            new.write(b"f")
        assert keys(mine) == [("S2", "Prod0", "f")]


def test_unreadable_root(common_path):
    """A Store that may not be entered is a PermissionError, not a place where there is none."""
    store = Store.create(common_path / "store", "n")
    store.root.chmod(0)
    with ordinary_user(), pytest.raises(PermissionError):
        Store(store.root)


def test_destination_that_may_not_be_written(common_path, read_only_store):
    """A dest that may not be written is a PermissionError and leaves nothing there."""
    with pytest.raises(PermissionError):
        read_only_store.fetch_file("S1", "Prod0", "result.txt", dest=read_only_store.root / "copy")
    assert not (common_path / "store" / "copy").exists()


def test_hash_error_leaves_no_copy(store, stored, tmp_path):
    """A fetch that fails its check leaves nothing at its destination, temporary files neither."""
    (tmp_path / "out").mkdir()
    with pytest.raises(HashError):
        store.fetch_file("S1", "Prod0", "result.txt", hash="0" * 32, dest=tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


# Disks that fail


@pytest.fixture
def failing(monkeypatch):
    """A function that lets the system's calls of a name fail on the files below a folder."""

    def fail(call, folder, number):
        real = getattr(os, call)

        def broken(descriptor, *arguments):
            if folder in Path(f"/proc/self/fd/{descriptor}").readlink().parents:
                raise OSError(number, os.strerror(number))
            return real(descriptor, *arguments)

        monkeypatch.setattr(os, call, broken)

    return fail


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="which file is open is read in /proc")
NUMBERS = [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ESTALE]


@on_linux
@pytest.mark.parametrize("number", NUMBERS, ids=errno.errorcode.get)
@pytest.mark.parametrize("size", [100, 5_000_000])
@pytest.mark.parametrize("call", ["write", "fsync"])
def test_an_error_of_writing_names_the_stores_disk(store, source, failing, call, size, number):
    """An error of a write into the Store names a path there, and says that it is the Store's disk."""
    path = source(content=bytes(range(100)) * (size // 100))
    failing(call, store.root, number)
    assert_named(refusal(lambda: store.add_file("S1", "Prod0", path)), store.root, STORE)


@on_linux
@pytest.mark.parametrize("number", NUMBERS, ids=errno.errorcode.get)
@pytest.mark.parametrize("call", ["write", "fsync"])
def test_an_error_of_writing_names_the_destination(store, stored, tmp_path, failing, call, number):
    """An error of a write to dest names dest, and says that it is the destination."""
    (tmp_path / "out").mkdir()
    failing(call, tmp_path / "out", number)
    error = refusal(lambda: store.fetch_file("S1", "Prod0", "result.txt", dest=tmp_path / "out"))
    assert_named(error, tmp_path / "out" / "result.txt", DESTINATION)


@on_linux
@pytest.mark.parametrize("size", [100, 5_000_000])
def test_an_error_of_reading_names_the_source(store, source, failing, size):
    """An error of reading a file that is added names that, and says that it is the caller's."""
    path = source(content=bytes(range(100)) * (size // 100))
    for call in ("read", "readv"):
        failing(call, path.parent, errno.EIO)
    assert_named(refusal(lambda: store.add_file("S1", "Prod0", path)), path, SOURCE)


@on_linux
@pytest.mark.parametrize("size", [100, 5_000_000])
@pytest.mark.parametrize("dest", [None, "copy"])
def test_an_error_of_reading_names_the_stores_disk(store, source, tmp_path, failing, size, dest):
    """An error of reading a file of the Store names it, and says that it is the Store's disk."""
    store.add_file("S1", "Prod0", source(content=bytes(range(100)) * (size // 100)))
    path = store.fetch_file("S1", "Prod0", "result.txt")
    for call in ("read", "readv"):
        failing(call, path.parent, errno.ESTALE)
    error = refusal(lambda: store.fetch_file("S1", "Prod0", "result.txt", dest=dest and tmp_path / dest))
    assert_named(error, path, STORE)


@on_linux
def test_an_error_of_reading_the_manifest_names_the_stores_disk(store, stored, failing):
    """An error of reading what is recorded names a path there, and says that it is the Store's disk."""
    failing("pread", store.root, errno.EIO)
    assert_named(refusal(lambda: Store(store.root)), manifest_of(store).parent, STORE)


def test_an_error_that_progress_raises_is_left_alone(store, source, tmp_path):
    """What progress raises is no error of a file: it is raised as it is."""
    mine = OSError(errno.EIO, "mine")

    def progress(done, _total):
        if done:
            raise mine

    path = source()
    assert refusal(lambda: store.add_file("S1", "Prod0", path, progress=progress)) is mine
    store.add_file("S1", "Prod0", path)
    fetch = lambda: store.fetch_file("S1", "Prod0", "result.txt", dest=tmp_path / "copy", progress=progress)  # noqa: E731
    assert refusal(fetch) is mine
    assert (mine.filename, mine.strerror) == (None, "mine")


@pytest.mark.skipif(sys.platform != "linux", reason="mounts of one's own are Linux's")
@pytest.mark.parametrize("place", ["S1", "S1/Prod0"])
def test_a_folder_on_another_file_system(store, source, place):
    """An add to a folder that is a mount of another file system says that a Store is one, and stores nothing."""
    path = source()
    (store.root / place).mkdir(parents=True)
    script = 'mount -t tmpfs tmpfs "$1" && exec "$2" -m asimov.storage store S1 Prod0 "$3" --store "$4"'
    namespace = ["unshare", "--mount"] if AS_ROOT else ["unshare", "--mount", "--map-root-user"]
    if subprocess.run([*namespace, "true"], check=False, capture_output=True).returncode:
        pytest.skip("nothing may be mounted here")
    arguments = [*map(str, [store.root / place, sys.executable, path, store.root])]
    done = subprocess.run(
        [*namespace, "sh", "-c", script, "sh", *arguments], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (5, "")
    assert str(store.root / "S1" / "Prod0") in done.stderr
    assert "a Store is one file system" in done.stderr
    assert len(store) == 0
    assert list((store.root / ".manifest" / "incoming").iterdir()) == []

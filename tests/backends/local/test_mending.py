"""Adding a file again under its name, where what was recorded is missing or damaged."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from damage import (
    contents,
    flip_bit,
    grow,
    keys,
    md5,
    ordinary_user,
    replace_by_fifo,
    replace_by_folder,
    replace_by_symlink,
    truncate,
    unpack_legacy_stores,
    writable,
)

from asimov.storage import AlreadyPresentException, RecordExistsError, Store
from asimov.storage._backends.base import Item, Source
from asimov.storage._bytes import progress as progress_module
from asimov.storage._bytes.progress import Meter
from asimov.storage._operations import adding

PLACE = ("S1", "Prod0", "result.txt")
SPOILED = [flip_bit, truncate, grow]


class Stop(Exception):
    """What a test raises in a callback."""


def remove(path: Path) -> None:
    """Remove a file."""
    path.unlink()


def remove_folder(path: Path) -> None:
    """Remove a file with its production and its event."""
    shutil.rmtree(path.parents[1])


def quarantine(store: Store) -> Path:
    """Name the folder that keeps what was damaged of S1/Prod0."""
    return store.root / ".manifest" / "quarantine" / "S1" / "Prod0"


def kept(store: Store) -> list[bytes]:
    """Read what is in quarantine, sorted."""
    return sorted(path.read_bytes() for path in quarantine(store).iterdir())


def left_over(store: Store) -> list[Path]:
    """List the temporary files in .manifest/incoming and .manifest/recent."""
    home = store.root / ".manifest"
    return [*(home / "incoming").iterdir(), *(p for p in (home / "recent").iterdir() if not p.name.isdecimal())]


@pytest.fixture(params=["link", "skip"])
def again(request, store, source):
    """A function that adds S1/Prod0/result.txt once more."""
    path = source()
    return lambda: Store(store.root).add_file("S1", "Prod0", path, duplicate=request.param)


@pytest.mark.parametrize("damage", SPOILED, ids=lambda damage: damage.__name__)
def test_damaged(store, stored, again, damage):
    """The right bytes take the place of damaged ones, under the same uuid, read-only; the damaged file is kept."""
    record, mode = store[PLACE], stored.stat().st_mode
    damage(stored)
    spoiled = stored.read_bytes()
    added = again()
    assert (added["uuid"], list(store)) == (record.uuid, [record])
    assert (stored.read_bytes(), stored.stat().st_mode) == (b"a result", mode)
    assert kept(store) == [spoiled]
    report = store.verify()
    assert (report.ok, report.untracked, left_over(store)) == (True, (), [])


@pytest.mark.parametrize("damage", [remove, remove_folder], ids=lambda damage: damage.__name__)
def test_missing(store, stored, again, damage):
    """The right bytes are put where a file is missing, also with its folder."""
    mode = stored.stat().st_mode
    damage(stored)
    again()
    assert (stored.read_bytes(), stored.stat().st_mode) == (b"a result", mode)
    assert not quarantine(store).exists()
    assert (store.verify().ok, len(store), left_over(store)) == (True, 1, [])


@pytest.mark.parametrize(
    "replace", [replace_by_symlink, replace_by_folder, replace_by_fifo], ids=lambda replace: replace.__name__
)
def test_something_else_in_its_place(store, stored, again, replace):
    """A link, folder or pipe in the place of a file goes to quarantine as it is."""
    replace(stored)
    kind = stored.lstat().st_mode
    again()
    assert [path.lstat().st_mode for path in quarantine(store).iterdir()] == [kind]
    assert (stored.read_bytes(), store.verify().ok) == (b"a result", True)


def test_a_folder_in_its_place_twice(store, stored, again):
    """A folder that has things in it is kept with them, beside an earlier one."""
    for content in (b"one", b"two"):
        replace_by_folder(stored)
        (stored / "inside").write_bytes(content)
        again()
    assert sorted(path.read_bytes() for path in quarantine(store).glob("*/inside")) == [b"one", b"two"]
    assert store.verify().ok


def test_sound(store, stored, again):
    """A sound file is left as it is, and nothing else is changed."""
    before, status = contents(store.root), stored.stat()
    assert again()["uuid"] == stored.name
    assert (contents(store.root), stored.stat()) == (before, status)
    assert not quarantine(store).parent.parent.exists()


@pytest.mark.parametrize("damage", [*SPOILED, remove], ids=lambda damage: damage.__name__)
def test_raise(store, stored, source, damage):
    """With "raise" nothing is looked at, and nothing mended."""
    damage(stored)
    before = contents(store.root)
    with pytest.raises(AlreadyPresentException):
        store.add_file("S1", "Prod0", source())
    assert contents(store.root) == before


def test_twice(store, stored, again):
    """Nothing in quarantine is ever written over: what is damaged again is kept beside the first."""
    for damaged in (b"one", b"two", b"three"):
        with writable(stored):
            stored.write_bytes(damaged)
        again()
    assert kept(store) == [b"one", b"three", b"two"]
    assert store.verify().ok


def test_new_file(store, stored):
    """new_file mends as well."""
    flip_bit(stored)
    with store.new_file(*PLACE, duplicate="skip") as new:
        new.write(b"a result")
    assert (stored.read_bytes(), len(kept(store))) == (b"a result", 1)


def test_an_empty_file(store, source):
    """So an empty file is mended that isn't empty any more."""
    store.add_file("S1", "Prod0", source("e", b""))
    path = store.fetch_file("S1", "Prod0", "e")
    grow(path)
    store.add_file("S1", "Prod0", source("e", b""), duplicate="skip")
    assert (path.read_bytes(), kept(store)) == (b"", [b"\0"])


def test_other_bytes_under_the_name(store, stored, source):
    """Bytes that aren't those of the record are refused though its file is damaged, and it is left as it is."""
    flip_bit(stored)
    before = contents(store.root)
    for content in (b"other", stored.read_bytes()):
        with pytest.raises(RecordExistsError):
            store.add_file("S1", "Prod0", source(content=content), duplicate="skip")
    assert contents(store.root) == before


def test_link_mends_its_own_name_only(store, stored, source):
    """Under another name the bytes are recorded, and the damaged file of the first name stays as evidence."""
    flip_bit(stored)
    store.add_file("S2", "Prod0", source(), duplicate="link")
    assert [check.status for check in store.verify().results] == ["corrupt", "ok"]


def test_shared_bytes(store, stored, source, again):
    """Of two names that share a file each is mended by adding it again."""
    store.add_file("S1", "Prod0", source(), "other", duplicate="link")
    flip_bit(stored)
    again()
    assert [check.status for check in store.verify().results] == ["corrupt", "ok"]
    store.add_file("S1", "Prod0", source(), "other", duplicate="link")
    assert store.verify().ok


def test_batch(store, stored, source):
    """A batch mends what is there under its name and records the rest; what is given twice is mended once."""
    flip_bit(stored)
    same = ("S1", "Prod0", source())
    added = store.add_files([same, ("S1", "Prod0", source("new", b"new")), same], duplicate="skip")
    assert added[0] == added[2]
    assert keys(store) == [("S1", "Prod0", "new"), PLACE]
    assert (store.verify().ok, len(kept(store)), left_over(store)) == (True, 1, [])


def test_a_batch_that_is_refused_mends_nothing(store, stored, source):
    """Where one of a batch is refused, the Store is as it was."""
    flip_bit(stored)
    store.add_file("S1", "Prod0", source("taken", b"taken"))
    before = contents(store.root)
    with pytest.raises(RecordExistsError):
        store.add_files([("S1", "Prod0", source()), ("S1", "Prod0", source("x", b"x"), "taken")], duplicate="skip")
    assert contents(store.root) == before


def test_with_sha256(tmp_path, source):
    """Where a Store has SHA-256, both digests must agree before anything is put in place."""
    store = Store.create(tmp_path / "strong", "Strong", sha256=True)
    store.add_file("S1", "Prod0", source())
    path = store.fetch_file(*PLACE)
    flip_bit(path)
    store.add_file("S1", "Prod0", source(), duplicate="skip")
    assert (store.verify().ok, len(kept(store))) == (True, 1)


def test_a_record_with_more_than_its_store_asks_for(hand_written, source):
    """A record that has a SHA-256 in a Store without is held to it all the same."""
    entry = f"{{hash: {md5(b'a result')}, uuid: {'a' * 32}, sha256: {'0' * 64}}}"
    root = hand_written(f"name: n\nevents:\n  S1:\n    Prod0:\n      result.txt: {entry}\n")
    with pytest.raises(RecordExistsError):
        Store(root).add_file("S1", "Prod0", source(), duplicate="skip")
    assert not (root / "S1").exists()


# Stores that upstream wrote


@pytest.fixture
def legacy(tmp_path):
    """A Store as upstream wrote it."""
    unpack_legacy_stores(tmp_path)
    return Store(tmp_path / "store-0.8.0")


OLD = ("GW150914_095045", "Prod0", "config.ini")


def test_upstreams_file_is_mended_in_place(legacy, source):
    """A file that upstream named by its file name is mended under that name, where upstream finds it."""
    path, record = legacy.fetch_file(*OLD), legacy[OLD]
    content = path.read_bytes()
    flip_bit(path)
    legacy.add_file(*OLD[:2], source("config.ini", content), duplicate="link")
    assert (path.read_bytes(), legacy[OLD], legacy.fetch_file(*OLD)) == (content, record, path)
    assert [p.name for p in (legacy.root / ".manifest" / "quarantine" / OLD[0] / OLD[1]).iterdir()] == ["config.ini"]
    report = legacy.verify()
    assert (report.ok, report.untracked) == (True, ())


def test_upstreams_file_that_is_missing(legacy, source):
    """One that is missing is put under its uuid."""
    path, record = legacy.fetch_file(*OLD), legacy[OLD]
    content = path.read_bytes()
    path.unlink()
    legacy.add_file(*OLD[:2], source("config.ini", content), duplicate="skip")
    assert legacy.fetch_file(*OLD) == path.with_name(record.uuid)
    assert legacy.verify().ok


def test_a_name_that_is_anothers_uuid(store, source):
    """A file that lies under its uuid isn't taken for the missing one of a record that is called so."""
    first = store.add_file("S1", "Prod0", source("one", b"one"))
    store.add_file("S1", "Prod0", source("two", b"two"), first["uuid"])
    store.fetch_file("S1", "Prod0", first["uuid"]).unlink()
    store.add_file("S1", "Prod0", source("two", b"two"), first["uuid"], duplicate="skip")
    assert (store.verify().ok, quarantine(store).exists()) == (True, False)


# Errors


def test_a_file_that_cannot_be_read(common_path, source):
    """A recorded file that can't be read is an error: nobody knows that it is damaged."""
    path = source()
    path.chmod(0o644)
    for folder in (path.parent, *path.parents[1:4]):
        folder.chmod(0o755)
    common_path.chmod(0o777)
    copy = common_path / "result.txt"
    shutil.copyfile(path, copy)
    with ordinary_user():
        store = Store.create(common_path / "store", "n")
        store.add_file("S1", "Prod0", copy)
        stored = store.fetch_file(*PLACE)
        stored.chmod(0)
        with pytest.raises(PermissionError, match=stored.name):
            store.add_file("S1", "Prod0", copy, duplicate="skip")
        assert not quarantine(store).exists()
        stored.chmod(0o444)
        assert (store.verify().ok, left_over(store)) == (True, [])


def test_a_second_name_is_refused(store, stored, again, monkeypatch):
    """Where the damaged file may get no second name, as another user's may not, quarantine has a copy."""
    flip_bit(stored)
    spoiled, real = stored.read_bytes(), os.link

    def link(source, target, **folders):
        if source == stored.name:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), target)
        real(source, target, **folders)

    monkeypatch.setattr(os, "link", link)
    again()
    assert (kept(store), stored.read_bytes()) == ([spoiled], b"a result")
    flip_bit(stored)
    again()
    assert (kept(store), stored.read_bytes()) == ([spoiled, spoiled], b"a result")


@pytest.mark.parametrize("call", ["link", "rename", "fsync"])
@pytest.mark.parametrize("damage", [flip_bit, remove, remove_folder], ids=lambda damage: damage.__name__)
def test_a_full_disk(store, stored, again, damage, call, monkeypatch):
    """An error leaves the damaged file, or the right one, and no more; the same add does it once there is room."""
    damage(stored)
    before, real, calls = stored.read_bytes() if stored.exists() else None, getattr(os, call), []

    def fail(*arguments, **options):
        calls.append(arguments)
        if len(calls) == number:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*arguments, **options)

    monkeypatch.setattr(os, call, fail)
    number, failed = 1, True
    while failed:
        calls.clear()
        failed = raises(again, errno.ENOSPC)
        assert (stored.read_bytes() if stored.exists() else None) in (before, b"a result")
        assert left_over(store) == []
        assert damage is not remove_folder or stored.exists() or not (store.root / "S1").exists()
        number += 1
    assert number > 2
    assert (store.verify().ok, len(store)) == (True, 1)


def raises(action, number: int) -> bool:
    """Do it; whether it raised the error of that number."""
    try:
        action()
    except OSError as error:
        if error.errno != number:
            raise
        return True
    return False


def test_the_look_can_be_cancelled(store, source, monkeypatch):
    """An exception from progress ends the look at a large recorded file, and the Store is as it was."""
    path, size = source(content=bytes(3_000_000)), 3_000_000
    store.add_file("S1", "Prod0", path)
    before, calls = contents(store.root), []

    def progress(done, total):
        calls.append((done, total))
        if calls.count((size, size)) == 2:
            raise Stop

    monkeypatch.setattr(progress_module, "_INTERVAL", 0)
    for name in ("result.txt", "linked"):
        calls.clear()
        with pytest.raises(Stop):
            store.add_file("S1", "Prod0", path, name, duplicate="link", progress=progress)
        assert contents(store.root) == before


# Several at once


@pytest.mark.parametrize("damage", [flip_bit, remove, replace_by_folder], ids=lambda damage: damage.__name__)
def test_many_at_once(store, stored, again, damage):
    """Of many that add it again at the same moment all succeed, and the damaged file is kept, once."""
    damage(stored)
    barrier = threading.Barrier(8)

    def add(_):
        barrier.wait()
        return again()["uuid"]

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(add, range(8))) == {stored.name}
    assert (store.verify().ok, len(store), left_over(store)) == (True, 1, [])
    assert len(list(quarantine(store).glob("*"))) == (damage is not remove)


def test_many_add_it_first(store, source, again):
    """Of many that add one new name with the same bytes at the same moment all get the one record."""
    barrier = threading.Barrier(8)

    def add(_):
        barrier.wait()
        return again()

    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(add, range(8)))
    assert added == added[:1] * 8
    assert (len(store), store.verify().ok, store.verify().untracked) == (1, True, ())


def test_a_record_that_came_between(store, source):
    """A record that others have made since its file would have been looked at is looked at before the answer."""
    backend, to_add = store.backend, Source(PLACE, source(), None)
    with backend.receive([to_add], Meter(None, 0), sha256=False) as (data,):
        addition = adding.Addition([Item(PLACE, data)], "skip")
        addition.prepare(backend, backend.contents())
        store.add_file("S1", "Prod0", to_add.path)
        flip_bit(store.fetch_file(*PLACE))
        with pytest.raises(adding.Overtaken):
            backend.commit(addition)
        addition.prepare(backend, backend.contents())
        backend.commit(addition)
    assert (store.verify().ok, len(store)) == (True, 1)


def test_one_that_was_stopped(store, stored, again, monkeypatch):
    """One that was stopped before it put its bytes in place looks again, if it was mended meanwhile and damaged."""
    with writable(stored):
        stored.write_bytes(b"one")
    real, stopped = os.rename, []

    def rename(source, target, **folders):
        if target == stored.name and not stopped:
            stopped.append(source)
            again()
            with writable(stored):
                stored.write_bytes(b"two")
        real(source, target, **folders)

    monkeypatch.setattr(os, "rename", rename)
    again()
    assert len(stopped) == 1
    assert (kept(store), stored.read_bytes()) == ([b"one", b"two"], b"a result")
    assert left_over(store) == []


def test_one_that_comes_second(store, stored, again, monkeypatch):
    """One that finds the file mended, when it is about to do so, leaves it as it is."""
    flip_bit(stored)
    spoiled, real, first = stored.read_bytes(), os.link, []

    def link(source, target, **folders):
        if target.endswith(stored.name) and not first:
            first.append(target)
            again()
            first.append(stored.stat().st_ino)
        real(source, target, **folders)

    monkeypatch.setattr(os, "link", link)
    again()
    assert (kept(store), stored.stat().st_ino) == ([spoiled], first[1])
    assert (store.verify().ok, left_over(store)) == (True, [])


def test_one_that_was_killed(store, stored, again):
    """What one left that was killed before it put its bytes in place is removed by the next that mends the file."""
    flip_bit(stored)
    (store.root / ".manifest" / "incoming" / f"elsewhere_1-1-0-{stored.name}").write_bytes(b"a result")
    again()
    assert (store.verify().ok, left_over(store)) == (True, [])

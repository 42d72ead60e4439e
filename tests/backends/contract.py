"""What a Store does wherever it lies: the tests that each back end passes."""

from __future__ import annotations

import threading
import uuid
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from damage import md5

from asimov.storage import (
    AlreadyPresentException,
    HashError,
    Manifest,
    RecordExistsError,
    RecordNotFoundError,
    RetractedError,
    SourceChangedError,
    Store,
)
from asimov.storage._backends.base import Item, Source
from asimov.storage._bytes.progress import Meter
from asimov.storage._model.record import Record
from asimov.storage._operations.adding import Addition, Overtaken, PartialFile, add_contents

NAME = ("S1", "Prod0", "a")


class Place(ABC):
    """Where a Store of a back end lies, and what may happen to it there."""

    @abstractmethod
    def store(self) -> Store:
        """Open the Store, as another process would."""

    @abstractmethod
    def put(self, event: str, production: str, name: str, content: bytes) -> None:
        """Put a file there, in the place of what is called so, behind the Store's back."""

    @abstractmethod
    def remove(self, record: Record) -> None:
        """Remove the file of a record."""

    def damage(self, record: Record) -> None:
        """Replace the bytes of a record's file by as many others."""
        size = next(self.store().backend.stat([record])).size
        self.put(record.event, record.production, record.uuid, b"x" * size)


@pytest.fixture
def file(tmp_path):
    """Make files to add."""

    def make(name: str = "a", content: bytes = b"a result") -> Path:
        path = tmp_path / "sources" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return path

    return make


class BackendContract:
    """The tests. A class of a back end has a fixture `place` and, for a Store with SHA-256, `place_with_sha256`."""

    @pytest.fixture
    def store(self, place):
        """Open the empty Store."""
        return place.store()

    @pytest.fixture
    def stored(self, store, file):
        """Add one file."""
        store.add_file("S1", "Prod0", file())
        return store[NAME]

    # Adding.

    def test_add(self, place, store, file):
        """What was added is recorded, for another process too, and comes out as it went in."""
        added = store.add_file("S1", "Prod0", file(), "b")
        assert added == {
            "event": "S1",
            "production": "Prod0",
            "file": "b",
            "hash": md5(b"a result"),
            "uuid": added["uuid"],
        }
        assert [record.uuid for record in place.store()] == [added["uuid"]]
        assert place.store().fetch_file("S1", "Prod0", "b").read_bytes() == b"a result"

    def test_add_many(self, place, store, file):
        """Many files are added at once, and listed in order; what is given twice is recorded once."""
        given = [("S1", f"Prod{n % 3}", file(f"f{n}", b"%d" % n)) for n in range(100)]
        added = store.add_files([*given, given[0]], duplicate="link")
        assert (len(place.store()), added[0]) == (100, added[-1])
        assert [record.key for record in store] == sorted(record.key for record in store)
        assert store.verify().ok

    def test_all_or_none(self, place, store, file):
        """If one of many files can't be added, none is."""
        with pytest.raises(FileNotFoundError):
            store.add_files([("S1", "Prod0", file()), ("S1", "Prod0", file().with_name("none"))])
        assert len(place.store()) == 0
        store.add_file("S1", "Prod0", file())
        assert store.verify().untracked == ()

    def test_a_hash_that_is_expected(self, store, file):
        """A file that hasn't the MD5 that it must have is not stored."""
        with pytest.raises(HashError):
            store.add_file("S1", "Prod0", file(), hash="0" * 32)
        assert len(store) == 0

    def test_a_source_that_is_no_file(self, store, tmp_path):
        """What is no regular file is not stored."""
        with pytest.raises(OSError, match="directory"):
            store.add_file("S1", "Prod0", tmp_path)
        assert len(store) == 0

    @pytest.mark.parametrize("duplicate", ["raise", "link", "skip"])
    def test_other_bytes_under_a_name(self, store, stored, file, duplicate):
        """A name that is taken is refused for other bytes, and nothing changes."""
        with pytest.raises(RecordExistsError):
            store.add_file("S1", "Prod0", file("a", b"another"), duplicate=duplicate)
        assert [*store] == [stored]
        assert store.verify().ok

    def test_same_bytes_are_refused(self, store, stored, file):
        """The same bytes are refused, and the error says where they are."""
        with pytest.raises(AlreadyPresentException) as raised:
            store.add_file("S2", "Prod0", file("b"))
        assert (raised.value.record, len(store)) == (stored, 1)

    @pytest.mark.parametrize("duplicate", ["link", "skip"])
    def test_same_bytes_under_another_name(self, store, stored, file, duplicate):
        """The same bytes get a record of each name, and each has its file."""
        store.add_file("S2", "Prod0", file("b"), duplicate=duplicate)
        assert (len(store), store.verify().ok) == (2, True)
        assert store["S2", "Prod0", "b"].hash == stored.hash

    @pytest.mark.parametrize("harm", ["damage", "remove"])
    def test_same_bytes_as_a_file_that_is_damaged(self, place, store, stored, file, harm):
        """A record that would share the bytes of a damaged or missing file gets bytes of its own."""
        getattr(place, harm)(stored)
        store.add_file("S2", "Prod0", file("b"), duplicate="link")
        assert store.fetch_file("S2", "Prod0", "b").read_bytes() == b"a result"

    @pytest.mark.parametrize("duplicate", ["link", "skip"])
    @pytest.mark.parametrize("harm", ["damage", "remove"])
    def test_the_same_again_mends(self, place, store, stored, file, harm, duplicate):
        """The same file under its name is put in the place of what is damaged or missing; the record stays."""
        getattr(place, harm)(stored)
        added = store.add_file("S1", "Prod0", file(), duplicate=duplicate)
        assert (added["uuid"], [*store]) == (stored.uuid, [stored])
        assert store.verify().ok

    def test_empty_files_are_no_duplicates(self, store, file):
        """Empty files have records of their own."""
        store.add_files([("S1", "Prod0", file("a", b"")), ("S1", "Prod0", file("b", b""))])
        assert (len(store), store.verify().ok) == (2, True)

    def test_a_change_meanwhile(self, store, file):
        """A source that somebody writes to while it is read is refused, or all of what was read is stored."""
        path = file("large", bytes(3 << 20))

        def write(done, _total):
            if 0 < done < 3 << 20:
                with path.open("r+b") as opened:
                    opened.write(b"changed")

        try:
            store.add_file("S1", "Prod0", path, progress=write)
        except SourceChangedError:
            assert len(store) == 0
        assert store.verify().ok

    def test_progress_cancels(self, place, store, file):
        """What progress raises ends an add, and nothing is left of it."""

        def cancel(done, _total):
            if done:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            store.add_file("S1", "Prod0", file(), progress=cancel)
        assert len(place.store()) == 0
        store.add_file("S1", "Prod0", file("b"))
        assert store.verify().untracked == ()

    def test_progress(self, store, file):
        """Progress counts the bytes of all files to their end."""
        told = []
        store.add_files(
            [("S1", "Prod0", file("a", b"12345")), ("S1", "Prod0", file("b", b"678"))],
            progress=lambda done, total: told.append((done, total)),
        )
        assert (told[0], told[-1]) == ((0, 8), (8, 8))

    # New files.

    def test_new_file(self, store):
        """What is written, also out of order, is stored when the block ends."""
        with store.new_file("S1", "Prod0", "a") as new:
            new.write(b"A result")
            new.seek(0)
            new.write(b"a")
        assert store.fetch_file(*NAME).read_bytes() == b"a result"

    def test_new_file_that_fails(self, place, store):
        """Nothing is stored if the block raises, or the bytes haven't the MD5 that they must have."""
        with pytest.raises(ZeroDivisionError), store.new_file("S1", "Prod0", "a") as new:
            new.write(b"%d" % (1 // 0))
        with pytest.raises(HashError), store.new_file("S1", "Prod0", "a", hash="0" * 32) as new:
            new.write(b"a result")
        assert len(place.store()) == 0

    # In pieces.

    def test_pieces(self, place, store):
        """A file that arrives in pieces goes on in another process, has one writer, and is stored at its end."""
        first = PartialFile(store.backend, NAME, token="t")
        first.write(b"a re")
        first.close()
        second = PartialFile(place.store().backend, NAME, token="t")
        assert second.size == 4
        second.write(b"sult")
        added = second.commit(hash=md5(b"a result"))
        assert (added["hash"], store.verify().ok) == (md5(b"a result"), True)
        third = PartialFile(store.backend, NAME, token="t")
        assert third.size == 0
        third.discard()

    def test_pieces_that_are_refused(self, store):
        """What arrived with another MD5 than it must have is not stored."""
        arriving = PartialFile(store.backend, NAME, token="t")
        arriving.write(b"wrong")
        arriving.empty()
        arriving.write(b"a result!")
        assert arriving.md5() == md5(b"a result!")
        with pytest.raises(HashError):
            arriving.commit(hash=md5(b"a result"))
        assert len(store) == 0

    # Fetching.

    def test_fetch_to_a_folder(self, store, stored, tmp_path):
        """A copy gets the file's name; it is never written over what is there, and kept if it is the same."""
        path = store.fetch_file(*NAME, dest=tmp_path)
        assert (path, path.read_bytes()) == (tmp_path / "a", b"a result")
        assert store.fetch_file(*NAME, dest=tmp_path) == path
        path.write_bytes(b"mine")
        with pytest.raises(FileExistsError):
            store.fetch_file(*NAME, dest=tmp_path)
        assert path.read_bytes() == b"mine"

    def test_fetch_many(self, store, file, tmp_path):
        """Many files are fetched, all or none."""
        store.add_files([("S1", f"Prod{n}", file(f"f{n}", b"%d" % n)) for n in range(5)])
        assert [path.read_bytes() for path in store.fetch_files(store)] == [b"%d" % n for n in range(5)]
        paths = store.fetch_files(store, dest=tmp_path / "tree", tree=True)
        assert paths[4] == tmp_path / "tree" / "S1" / "Prod4" / "f4"
        (tmp_path / "flat").mkdir()
        (tmp_path / "flat" / "f4").write_bytes(b"mine")
        with pytest.raises(FileExistsError):
            store.fetch_files(store, dest=tmp_path / "flat")
        assert [path.name for path in (tmp_path / "flat").iterdir()] == ["f4"]

    @pytest.mark.parametrize("link", [False, True])
    @pytest.mark.parametrize("format", ["folder", "bag", "crate"])
    def test_export(self, place, store, file, tmp_path, link, format):
        """Files are exported, linked if that can be, all or none."""
        store.add_files([("S1", f"Prod{n}", file(f"f{n}", b"%d" % n)) for n in range(5)])
        exported = store.export(tmp_path / "out" / "exported", link=link, format=format)
        below = exported / "data" if format == "bag" else exported
        assert [(below / "S1" / f"Prod{n}" / f"f{n}").read_bytes() for n in range(5)] == [b"%d" % n for n in range(5)]
        place.damage(store["S1", "Prod4", "f4"])
        with pytest.raises(HashError):
            store.export(tmp_path / "out" / "other", link=link, format=format)
        assert list((tmp_path / "out").iterdir()) == [exported]

    def test_fetch_uuid(self, store, stored):
        """A file is found by its uuid, in any form."""
        assert store.fetch_uuid(uuid.UUID(stored.uuid)).read_bytes() == b"a result"
        with pytest.raises(RecordNotFoundError):
            store.fetch_uuid("0" * 32)

    def test_open(self, store, stored):
        """A file is opened for reading, and can be sought in."""
        with store.open_file(*NAME) as opened:
            assert (opened.read(2), opened.seek(-2, 2), opened.read()) == (b"a ", 6, b"lt")

    @pytest.mark.parametrize("way", ["fetch", "dest", "open", "uuid"])
    def test_nothing_damaged_comes_out(self, place, store, stored, tmp_path, way):
        """Damaged bytes are a HashError, and a missing file a FileNotFoundError, by each way out."""
        ways = {
            "fetch": lambda: store.fetch_file(*NAME),
            "dest": lambda: store.fetch_file(*NAME, dest=tmp_path),
            "open": lambda: store.open_file(*NAME),
            "uuid": lambda: store.fetch_uuid(stored.uuid),
        }
        place.damage(stored)
        with pytest.raises(HashError):
            ways[way]()
        place.remove(stored)
        with pytest.raises(FileNotFoundError):
            ways[way]()
        assert not (tmp_path / "a").exists()

    def test_a_hash_that_was_given(self, store, stored):
        """fetch_file refuses a record that hasn't the MD5 that was given."""
        assert store.fetch_file(*NAME, stored.hash.upper()).read_bytes() == b"a result"
        with pytest.raises(HashError):
            store.fetch_file(*NAME, "0" * 32)

    # Verifying.

    def test_verify(self, place, store, file):
        """Each file is found to be what it is: sound, damaged or missing."""
        store.add_files([("S1", "Prod0", file(name, name.encode())) for name in "abc"])
        records = [*store]
        place.damage(records[1])
        place.remove(records[2])
        told = []
        report = store.verify(progress=lambda done, total: told.append((done, total)))
        assert [check.status for check in report.results] == ["ok", "corrupt", "missing"]
        assert [check.size for check in report.results] == [1, 1, None]
        assert [str(check.path) for check in report.results] == [found.where for found in store.backend.stat(records)]
        assert (report.counts["ok"], told[-1]) == (1, (2, 2))

    def test_verify_a_part(self, store, file):
        """An event, a production, or a selection is verified alone; a budget leaves files for another time."""
        store.add_files([("S1", f"Prod{n}", file(f"f{n}", b"%d" % n)) for n in range(3)])
        assert len(store.verify("S1", "Prod1").results) == 1
        assert len(store.verify(selection=[*store][:2]).results) == 2
        report = store.verify(budget=1)
        assert (len(report.results), report.skipped) == (1, 2)

    def test_verify_on_an_executor(self, store, stored):
        """Threads that the caller gives do the work."""
        with ThreadPoolExecutor(2) as executor:
            assert store.verify(executor=executor).ok

    def test_untracked(self, place, store, stored):
        """What lies beside recorded files and is none of them is listed, and no failure."""
        place.put("S1", "Prod0", "stray", b"?")
        report = store.verify()
        assert report.ok
        assert [str(path).rpartition("/")[2] for path in report.untracked] == ["stray"]

    def test_forgery(self, place_with_sha256, file):
        """A Store with SHA-256 records and verifies it, with the size."""
        store = place_with_sha256.store()
        store.add_file("S1", "Prod0", file())
        record = place_with_sha256.store()[NAME]
        assert (len(record.sha256 or ""), record.size, store.verify().ok) == (64, 8, True)

    def test_restore(self, place, store, file, tmp_path):
        """A missing and a damaged file come back from a folder, or from another Store, under the same uuids."""
        store.add_files([(*NAME[:2], file(name, name.encode())) for name in "ab"])
        records = [*store]
        place.remove(records[0])
        place.damage(records[1])
        other = Store.create(tmp_path / "other", "Other Store")
        other.add_file("X", "Y", file("a", b"a"))
        planned = store.restore(other)
        assert ([*planned.restored], [*planned.not_found]) == (records[:1], records[1:])
        assert store.restore(other, dry_run=False).restored == planned.restored
        assert [check.key for check in store.verify().failures] == [records[1].key]
        file("copy", b"b")
        assert store.restore(tmp_path / "sources", dry_run=False).ok
        assert (store.verify().ok, [*place.store()]) == (True, records)

    def test_restore_from(self, place, store, file, tmp_path):
        """A Store of this back end has the copies for another one."""
        other = Store.create(tmp_path / "other", "Other Store")
        for one in (store, other):
            one.add_file(*NAME[:2], file())
        (path,) = (path for path in (other.root / NAME[0]).rglob("*") if path.is_file())
        path.unlink()
        assert other.restore(store, dry_run=False).ok
        assert other.verify().ok

    # Looking.

    def test_frame(self, place, store, file):
        """to_frame(stat=True) tells size, time and place of each file; nothing of a missing one."""
        store.add_files([("S1", "Prod0", file(name, name.encode() * 3)) for name in "ab"])
        place.remove(store["S1", "Prod0", "b"])
        frame = store.to_frame(stat=True)
        assert list(frame["file"]) == ["a", "b"]
        assert (frame["size"][0], list(frame["size"].isna())) == (3, [False, True])
        assert list(frame["added"].isna()) == [False, True]
        assert frame["path"][0].endswith(frame["uuid"][0])

    def test_text(self, store, stored):
        """Reprs name the Store and its place."""
        assert store.backend.location in repr(store)
        assert "1 file" in store._repr_html_()
        assert store.backend.location in repr(store.manifest)

    def test_names(self, store, stored):
        """Records are found by key and by uuid, and the Store is equal to itself opened again."""
        assert NAME in store
        assert stored in store
        assert stored.uuid in store
        with pytest.raises(RecordNotFoundError):
            store["S1", "Prod0", "b"]
        assert store.manifest.get_hash(stored.uuid) == stored.hash
        assert store.manifest.uuid_dict == {stored.uuid: str(store.backend.where(stored))}

    def test_two_openings(self, place, store, stored):
        """Openings of one Store are equal, and see what the others add."""
        other = place.store()
        assert (other, hash(other), [*other]) == (store, hash(store), [stored])

    def test_writable(self, store):
        """A Store that can be written says so, and a fold of nothing does nothing."""
        assert store.backend.writable() is None
        store.fold()

    def test_fingerprint(self, store, file, tmp_path):
        """The fingerprint is that of the same records on a disk."""
        disk = Store.create(tmp_path / "disk", store.name)
        store.add_files([("S1", "Prod0", file(name, name.encode())) for name in "ab"])
        for record in store:
            disk.manifest.add_record(*record.key, record.hash, record.uuid)
        disk.manifest.update()
        assert store.fingerprint() == disk.fingerprint()
        assert store.verify(fingerprint=store.fingerprint()).ok
        store.add_file("S1", "Prod0", file("c", b"c"))
        assert not store.verify(fingerprint=disk.fingerprint()).ok

    # By hand, as upstream has it.

    def test_add_record(self, place, store, stored):
        """add_record notes a record, and update() publishes it beside what others added."""
        place.put("S3", "Prod0", "1" * 32, b"by hand")
        manifest = Manifest(store)
        manifest.add_record("S3", "Prod0", "d", md5(b"by hand"), "1" * 32)
        assert (len(manifest), len(place.store())) == (2, 1)
        manifest.update()
        assert place.store().verify().ok
        with pytest.raises(RecordExistsError):
            manifest.add_record("S3", "Prod0", "d", "0" * 32, "2" * 32)

    def test_update_too_late(self, place, store, file):
        """update() refuses a name that another process recorded meanwhile."""
        store.manifest.add_record("S1", "Prod0", "a", "0" * 32, "1" * 32)
        place.store().add_file("S1", "Prod0", file())
        with pytest.raises(RecordExistsError):
            store.manifest.update()
        assert [record.hash for record in place.store()] == [md5(b"a result")]

    # Several at once.

    def race(self, place, contents, **more):
        """Add from several processes' Stores at once, each a file of its own; return what each was told."""
        stores, start = [place.store() for _ in contents], threading.Barrier(len(contents))

        def add(pair):
            store, path = pair
            start.wait()
            try:
                return store.add_file("S1", "Prod0", path, "a", **more)["uuid"]
            except (RecordExistsError, AlreadyPresentException) as error:
                return type(error)

        with ThreadPoolExecutor(len(contents)) as pool:
            return list(pool.map(add, zip(stores, contents, strict=True)))

    def test_a_race_for_a_name(self, place, file):
        """Of several adds of one name with other bytes each, one wins, and the others are refused."""
        told = self.race(place, [file(f"f{n}", b"%d" % n) for n in range(4)])
        assert told.count(RecordExistsError) == 3
        assert [record.uuid for record in place.store()] == [one for one in told if isinstance(one, str)]
        assert (place.store().verify().ok, place.store().verify().untracked) == (True, ())

    def test_a_race_with_the_same_bytes(self, place, file):
        """Of several adds of the same bytes one wins; with duplicate="skip" the others get its record."""
        assert self.race(place, [file() for _ in range(4)]).count(AlreadyPresentException) == 3
        assert len(set(self.race(place, [file() for _ in range(4)], duplicate="skip"))) == 1
        assert (len(place.store()), place.store().verify().untracked) == (1, ())

    def test_bytes_that_are_in_memory(self, place, store, file):
        """Files whose bytes are in memory go in together; one that is refused keeps no other out."""
        store.add_file(*NAME[:2], file("known", b"known"))
        contents = [b"new", b"known", b"", b"more"]
        named = [((*NAME[:2], f"in memory {n}"), memoryview(content)) for n, content in enumerate(contents)]
        told = add_contents(store.backend, named)
        assert isinstance(told[1], AlreadyPresentException)
        assert [told[n]["uuid"] for n in (0, 2, 3)] == [place.store()[named[n][0]].uuid for n in (0, 2, 3)]
        assert store.fetch_file(*named[3][0]).read_bytes() == b"more"
        assert (store.verify().ok, store.verify().untracked, len(store)) == (True, (), 4)

    def test_a_retraction(self, place, store, file):
        """What was retracted is so for every opening and for good, and takes nothing from what is added beside it."""
        store.add_files([(*NAME[:2], file(name, name.encode()), name, {"n": 1}) for name in ("bad", "good")])
        store.retract((*NAME[:2], "bad"), "glitch", superseded_by=(*NAME[:2], "good"))
        store.add_file(*NAME[:2], file("more", b"more"))
        for each in (store, place.store()):
            with pytest.raises(RetractedError, match="glitch") as caught:
                each.fetch_file(*NAME[:2], "bad")
            assert caught.value.superseded_by == each[(*NAME[:2], "good")]
            assert each.fetch_file(*NAME[:2], "bad", retracted=True).read_bytes() == b"bad"
            assert (each.verify().ok, each.verify().counts["retracted"], len(each)) == (True, 1, 3)
            assert each[(*NAME[:2], "bad")].meta == {"n": 1}
        with pytest.raises(RetractedError):
            place.store().retract((*NAME[:2], "bad"), "another reason")

    def test_a_record_that_came_between(self, place, store, file):
        """A record that others have made since its file would have been looked at is looked at before the answer."""
        backend, source = store.backend, Source(NAME, file(), None)
        with backend.receive([source], Meter(None, 0), sha256=False) as (data,):
            addition = Addition([Item(NAME, data)], "skip")
            addition.prepare(backend, backend.contents())
            place.store().add_file(*NAME[:2], source.path)
            place.damage(store[NAME])
            with pytest.raises(Overtaken):
                backend.commit(addition)
            addition.prepare(backend, backend.contents())
            backend.commit(addition)
        assert (store.verify().ok, len(store)) == (True, 1)

    def test_many_writers(self, place, file):
        """Nothing is lost of what several Stores add at once."""

        def add(number):
            store = place.store()
            for n in range(5):
                store.add_file("S1", f"Prod{number}", file(f"f{number}-{n}", b"%d %d" % (number, n)))

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(add, range(4)))
        assert (len(place.store()), place.store().verify().ok) == (20, True)

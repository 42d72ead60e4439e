"""A Store as a file system of fsspec, in the hands of those who read by URL."""

from __future__ import annotations

import glob
import hashlib
import io
import os
import pickle
import sys
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import dask.bytes
import dask.dataframe as dd
import fsspec
import h5py
import numpy as np
import pandas as pd
import pandas.testing as tm
import pytest
from backends import memory
from damage import flip_bit, md5, run_python
from fsspec.tests import abstract
from jupyter_storage_explorer import StorageExplorer
from jupyter_storage_explorer.testing import item_of

from asimov.storage import HashError, NotAStoreError, RetractedError, Store, StoreReadOnlyError
from asimov.storage import filesystem as module
from asimov.storage._backends.local import state
from asimov.storage.filesystem import StoreFileSystem

CSV = b"mass_1,mass_2\n36,29\n14,8\n"
FRAME = pd.read_csv(io.BytesIO(CSV))
PLACE = "GW150914/Prod0/samples.csv"
URL = f"asimov-store://{PLACE}"
ODD = ["a b", "ünï – 🌌", "what?", "a*b", "[x]", "#h", "100%", "%20", "a::b", "::", "memory::", ".hidden", "a&b=c;d,e"]
MANY = 100_000


@pytest.fixture(autouse=True)
def _registered():
    """The protocol, where the tests run without the entry point of an installed wheel."""
    fsspec.register_implementation("asimov-store", StoreFileSystem, clobber=True)
    yield
    StoreFileSystem.clear_instance_cache()


@pytest.fixture
def filled(store, source):
    """A Store of four files: three of GW150914, of two productions, and one of GW170817."""
    parquet = source("samples.parquet")
    FRAME.to_parquet(parquet)
    store.add_file("GW150914", "Prod0", source("samples.csv", CSV))
    store.add_file("GW150914", "Prod0", parquet)
    store.add_file("GW150914", "Prod1", source("psd.dat", b"20 1e-46\n"))
    store.add_file("GW170817", "Prod0", source("skymap.fits", b"SIMPLE"))
    return store


@pytest.fixture
def fs(filled):
    """The file system over that Store."""
    return StoreFileSystem(filled.root)


@pytest.fixture
def options(filled):
    """What pandas, dask and others hand on to the file system."""
    return {"root": str(filled.root)}


# Looking.


def test_events_and_productions_are_folders(fs):
    """The Store has its events, an event its productions, and a production its files."""
    assert fs.ls("", detail=False) == ["GW150914", "GW170817"]
    assert fs.ls("GW150914", detail=False) == ["GW150914/Prod0", "GW150914/Prod1"]
    assert fs.ls("asimov-store://GW150914/Prod0/", detail=False) == [PLACE, "GW150914/Prod0/samples.parquet"]
    assert fs.ls(PLACE, detail=False) == [PLACE]
    assert [fs.info(path)["type"] for path in ("", "GW150914", "GW150914/Prod0", PLACE)] == [*["directory"] * 3, "file"]
    assert {"name": "GW150914", "size": 0, "type": "directory"} == fs.info("GW150914") == fs.ls("/")[0]


def test_a_file_says_what_is_recorded(fs, filled):
    """The info of a file has its size, its MD5, its uuid and when it was added; `ls` says the same."""
    record = filled["GW150914", "Prod0", "samples.csv"]
    row = filled.to_frame(stat=True).iloc[0]
    added = row["added"].timestamp()
    assert fs.info(PLACE) == {
        "name": PLACE,
        "size": len(CSV),
        "type": "file",
        "md5": md5(CSV),
        "uuid": record.uuid,
        "created": pytest.approx(added),
        "mtime": pytest.approx(added),
    }
    assert fs.ls("GW150914/Prod0")[0] == fs.info(PLACE)
    assert fs.created(PLACE) == fs.modified(PLACE)
    assert abs(fs.created(PLACE) - row["added"]) < timedelta(milliseconds=1)


def test_what_is_recorded_is_not_looked_for(tmp_path, source):
    """SHA-256, size and stamp are told by the manifest, even of a file that is gone."""
    store = Store.create(tmp_path / "stamped", "S", sha256=True, stamp=True)
    store.add_file("E", "P", source("a", b"abc"))
    store.fetch_file("E", "P", "a").unlink()
    fs = StoreFileSystem(store)
    info = fs.info("E/P/a")
    assert (info["size"], info["sha256"]) == (3, hashlib.sha256(b"abc").hexdigest())
    stamp = datetime.fromisoformat(store["E", "P", "a"].meta["added"])
    assert (info["created"], info["mtime"], fs.modified("E/P/a")) == (stamp.timestamp(), stamp.timestamp(), stamp)
    assert fs.ukey("E/P/a") == info["sha256"]


@pytest.mark.parametrize(
    "stamp", ["2026-01-01T01:00:00+01:00", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00", "then", 5]
)
def test_stamps_of_any_kind(hand_written, stamp):
    """The time of a stamp is what the table of the Store has, whoever wrote it; what is no time is left out."""
    record = f"{{hash: {'a' * 32}, uuid: {'b' * 32}, size: 3, meta: {{added: {stamp!r}}}}}"
    store = Store(hand_written(f"name: S\nstamp: true\nevents: {{E: {{P: {{f: {record}}}}}}}\n"))
    added = store.to_frame(stat=True)["added"][0]
    assert StoreFileSystem(store).info("E/P/f").get("mtime") == (None if pd.isna(added) else added.timestamp())


def test_a_file_that_is_gone(fs, filled):
    """A recorded file that isn't on the disk has no size and no time; it is listed, and can't be opened."""
    filled.fetch_file("GW150914", "Prod0", "samples.csv").unlink()
    info = fs.info(PLACE)
    assert (info["size"], "mtime" in info) == (None, False)
    assert PLACE in fs.find("")
    assert fs.du("GW150914/Prod0") == fs.size("GW150914/Prod0/samples.parquet")
    for look in (fs.open, fs.modified):
        with pytest.raises(FileNotFoundError, match="recorded, but not on the disk"):
            look(PLACE)


def test_walk_find_glob_and_du(fs):
    """Fsspec's ways to look through folders work, and sizes are summed up."""
    files = [PLACE, "GW150914/Prod0/samples.parquet", "GW150914/Prod1/psd.dat", "GW170817/Prod0/skymap.fits"]
    assert fs.find("") == files
    assert fs.find("GW150914/Prod1", detail=True) == {files[2]: fs.info(files[2])}
    assert fs.find("GW150914", maxdepth=1, withdirs=True) == ["GW150914", "GW150914/Prod0", "GW150914/Prod1"]
    assert fs.glob("GW*/Prod0/*.[cf]*") == [files[0], files[3]]
    assert fs.glob("**/*.dat", detail=True) == {files[2]: fs.info(files[2])}
    assert fs.glob("nothing/*") == []
    assert next(fs.walk("GW150914")) == ("GW150914", ["Prod0", "Prod1"], [])
    assert next(fs.walk("GW150914/Prod1", detail=True))[2] == {"psd.dat": fs.info(files[2])}
    assert fs.du("") == sum(fs.sizes(files))
    assert fs.du("GW150914/Prod1", total=False) == {files[2]: 9}


def test_a_name_that_is_not_there(fs):
    """What isn't there is a FileNotFoundError that says which part is unknown and what is similar."""
    with pytest.raises(
        FileNotFoundError, match=r"no file 'sample.csv' in 'GW150914' / 'Prod0'. Did you mean 'samples.csv'"
    ):
        fs.info("GW150914/Prod0/sample.csv")
    with pytest.raises(FileNotFoundError, match="no production 'Prod3' in event 'GW150914'"):
        fs.ls("GW150914/Prod3")
    with pytest.raises(FileNotFoundError, match=r"no event 'GW15091'. Did you mean 'GW150914'"):
        fs.open("GW15091/Prod0/x")
    with pytest.raises(FileNotFoundError, match=r"a path in it is EVENT/PRODUCTION/FILE"):
        fs.info(f"{PLACE}/x")
    for path in ("GW15", "GW150914/Prod3", "GW150914/Prod0/x", f"{PLACE}/x", "GW150914/../x"):
        assert (fs.exists(path), fs.isdir(path), fs.isfile(path)) == (False, False, False)
    assert (fs.exists(PLACE), fs.isdir(PLACE), fs.isfile(PLACE)) == (True, False, True)
    assert (fs.exists("GW150914"), fs.isdir("GW150914/Prod0"), fs.isfile("GW150914/Prod0")) == (True, True, False)


def test_a_store_that_vanished_is_not_empty(fs, filled):
    """Whether something exists can't be said of a Store that isn't there any more: that is an error."""
    (filled.root / ".manifest").rename(filled.root / "elsewhere")
    for ask in (fs.exists, fs.isfile, fs.isdir, fs.ls):
        with pytest.raises(NotAStoreError, match="has vanished"):
            ask("")


def test_names_that_hold_nothing(hand_written):
    """Events and productions that hold no files, as upstream may leave them, are empty folders."""
    fs = StoreFileSystem(hand_written("name: S\nevents:\n  E1: {}\n  E2:\n    P: {}\n"))
    assert fs.ls("", detail=False) == ["E1", "E2"]
    assert (fs.ls("E1"), fs.ls("E2", detail=False), fs.ls("E2/P")) == ([], ["E2/P"], [])
    assert fs.find("", withdirs=True) == ["E1", "E2", "E2/P"]


class Counted:
    """Counts calls of functions while the block runs."""

    def __init__(self, *functions):
        self._codes = {function.__code__: function.__name__ for function in functions}
        self.calls = Counter()

    def __enter__(self):
        sys.setprofile(self._note)
        return self.calls

    def __exit__(self, *_error):
        sys.setprofile(None)

    def _note(self, frame, event, _argument):
        if event == "call" and frame.f_code in self._codes:
            self.calls[self._codes[frame.f_code]] += 1


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """The folder of a Store of 100,000 records, of 1,000 productions."""
    folder = tmp_path_factory.mktemp("many")
    lines = ["events:\n"]
    for number in range(MANY):
        event, production = divmod(number // 100, 20)
        lines += [f"  E{event:02}:\n"] if number % 2000 == 0 else []
        lines += [f"    P{production:02}:\n"] if number % 100 == 0 else []
        lines += [f"      f{number:06}:\n        hash: {number:032x}\n        uuid: {number:032x}\n"]
    (folder / ".manifest").mkdir()
    (folder / ".manifest" / "manifest.yaml").write_text("".join([*lines, "name: Many\n"]))
    return folder


def test_an_unchanged_store_is_read_once(many, source):
    """Of 100,000 records, a thousand looks at files and folders neither read the manifest nor index it again."""
    fs = StoreFileSystem(many)
    assert len(fs.ls("E49")) == 20
    with Counted(state._read_manifest, module.index_of) as calls:
        for number in range(0, MANY, 100):
            event, production = divmod(number // 100, 20)
            assert fs.info(f"E{event:02}/P{production:02}/f{number:06}")["uuid"] == f"{number:032x}"
            assert fs.info(f"E{event:02}/P{production:02}")["type"] == "directory"
            assert len(fs.ls(f"E{event:02}", detail=False)) == 20
    assert calls == {}
    add = "import sys; from asimov.storage import Store; Store(sys.argv[1]).add_file('E50', 'P0', sys.argv[2])"
    run_python(add, many, source("new")).check_returncode()
    with Counted(module.index_of) as calls:
        assert fs.ls("E50", detail=False) == ["E50/P0"]
        assert len(fs.ls("")) == 51
    assert calls == {"index_of": 1}


class Watched(memory.MemoryBackend):
    """Counts the files that are looked at."""

    looked = 0

    def stat(self, records):
        found = list(super().stat(records))
        self.looked += len(found)
        return iter(found)


@pytest.mark.parametrize("sha256", [False, True])
def test_files_are_looked_at_only_for_what_is_returned(tmp_path, source, sha256):
    """Sizes that aren't recorded are looked at, in one pass, where they are returned; and on any back end."""
    backend = Watched(memory.Place("S", tmp_path, sha256=sha256))
    store = Store._over(backend)
    store.add_files([("E", f"P{n}", source(f"{n}", b"%d" % n)) for n in range(10)])
    fs = StoreFileSystem(store)
    backend.looked = 0
    assert len(fs.find("")) == len(fs.glob("**/*")) - 11 == len(list(fs.walk("E"))) - 1 == 10
    assert fs.ls("E/P3", detail=False) == ["E/P3/3"]
    assert (fs.isfile("E/P3/3"), fs.isdir("E/P3"), fs.exists("E/P3/3"), fs.cat_file("E/P3/3")) == (True,) * 3 + (b"3",)
    assert backend.looked == 0
    assert [info["size"] for info in fs.find("", detail=True).values()] == [1] * 10
    assert backend.looked == (0 if sha256 else 10)


# Reading.


def test_what_is_read_is_what_was_stored(fs, tmp_path):
    """A file is read whole, in part, as text, and into another place."""
    assert fs.cat_file(PLACE) == fs.cat(PLACE) == fs.read_bytes(PLACE) == CSV
    assert fs.read_text(PLACE, encoding="ascii") == CSV.decode()
    assert (fs.head(PLACE, 5), fs.tail(PLACE, 5)) == (CSV[:5], CSV[-5:])
    assert fs.read_block(PLACE, 0, 4, delimiter=b"\n") == b"mass_1,mass_2\n"
    assert fs.cat("GW150914/*/*.[cd]*") == {PLACE: CSV, "GW150914/Prod1/psd.dat": b"20 1e-46\n"}
    fs.get("GW150914", str(tmp_path / "copy"), recursive=True)
    assert (tmp_path / "copy" / "Prod0" / "samples.csv").read_bytes() == CSV
    fs.get_file(PLACE, tmp_path / "one")
    assert (tmp_path / "one").read_bytes() == CSV


@pytest.mark.parametrize("start", [None, 0, 3, -4, 99])
@pytest.mark.parametrize("end", [None, 0, 2, 5, -3, 99, -99])
def test_parts_count_as_in_slices(fs, start, end):
    """The part of a file from `start` to `end` is what a slice of its bytes is."""
    assert fs.cat_file(PLACE, start, end) == CSV[start:end]
    assert fs.cat_ranges([PLACE], start, end) == [CSV[start:end]]


def test_an_open_file_is_an_ordinary_one(fs, filled):
    """It seeks, has a size, a name and a descriptor, with one buffer, reads lines, and can be read by numpy."""
    with fs.open(PLACE) as file:
        assert isinstance(file.raw, io.FileIO)
        assert (file.size, file.name, file.path, file.writable()) == (len(CSV), PLACE, PLACE, False)
        assert (file.seek(-5, 2), file.read(), file.seek(2), file.read(3)) == (len(CSV) - 5, CSV[-5:], 2, CSV[2:5])
        file.seek(0)
        assert file.readlines() == CSV.splitlines(keepends=True)
        assert os.fstat(file.fileno()).st_ino == filled.fetch_file("GW150914", "Prod0", "samples.csv").stat().st_ino
        file.seek(0)
        assert np.fromfile(file, "u1").tobytes() == CSV
    with fs.open(PLACE, "rt", encoding="utf-8") as text:
        assert text.readline() == "mass_1,mass_2\n"
    with fs.open(PLACE, compression=None) as file, pytest.raises(io.UnsupportedOperation):
        file.write(b"x")


class Opening(Store):
    """Counts the files that are opened."""

    opened = 0

    def open_file(self, *names, **more):
        self.opened += 1
        return super().open_file(*names, **more)


def test_each_opening_verifies_once(filled):
    """However much is read and sought, a file is verified once per opening; parts of it are read in one opening."""
    store = Opening(filled.root)
    fs = StoreFileSystem(store)
    with fs.open(PLACE) as file:
        for _ in range(5):
            file.seek(0)
            file.read()
    assert store.opened == 1
    parts = fs.cat_ranges([PLACE, "GW150914/Prod1/psd.dat", PLACE, PLACE], [0, 0, 5, -3], [2, 2, 8, None])
    assert parts == [CSV[:2], b"20", CSV[5:8], CSV[-3:]]
    assert store.opened == 3


def test_a_damaged_file_is_not_opened(fs, filled, tmp_path, options):
    """No byte of a damaged file is read: its opening is a HashError, for each way of reading it."""
    flip_bit(filled.fetch_file("GW150914", "Prod0", "samples.csv"))
    for read in (fs.open, fs.cat_file, fs.read_text, lambda path: fs.get_file(path, tmp_path / "copy")):
        with pytest.raises(HashError, match=r"'samples\.csv'"):
            read(PLACE)
    with pytest.raises(HashError):
        pd.read_csv(URL, storage_options=options)
    assert not (tmp_path / "copy").exists()
    found = fs.cat_ranges([PLACE, "GW150914/Prod1/psd.dat"], 0, 2)
    assert (type(found[0]), found[1]) == (HashError, b"20")
    with pytest.raises(HashError):
        fs.cat_ranges([PLACE], 0, 2, on_error="raise")


def test_what_was_retracted(fs, filled, options):
    """The info of a retracted file says why, and it is opened only by those who ask for it all the same."""
    filled.retract(("GW150914", "Prod0", "samples.csv"), "wrong prior")
    assert fs.info(PLACE)["retracted"] == fs.ls("GW150914/Prod0")[0]["retracted"] == "wrong prior"
    assert "retracted" not in fs.info("GW150914/Prod1/psd.dat")
    with pytest.raises(RetractedError, match="wrong prior"):
        fs.open(PLACE)
    with pytest.raises(RetractedError, match="wrong prior"):
        pd.read_csv(URL, storage_options=options)
    with fs.open(PLACE, retracted=True) as file:
        assert pickle.loads(pickle.dumps(file)).read() == file.read() == CSV
    tm.assert_frame_equal(pd.read_csv(URL, storage_options={**options, "retracted": True}), FRAME)


def test_folders_are_not_opened(fs):
    """An event or a production is no file."""
    for path in ("GW150914", "GW150914/Prod0"):
        for look in (fs.open, fs.ukey, fs.created):
            with pytest.raises(IsADirectoryError, match=r"no file; see what it holds with ls\(\)"):
                look(path)
    with pytest.raises(ValueError, match="mode='zb': files of a Store are opened with 'rb' or 'r'"):
        fs.open(PLACE, "zb")


def test_a_file_is_known_by_its_hash(fs):
    """Key and checksum of a file are its digest."""
    assert fs.ukey(PLACE) == md5(CSV)
    assert fs.checksum(PLACE) == int(md5(CSV), 16)


# Names.


@pytest.mark.parametrize("name", ODD)
def test_names_are_kept(store, source, name):
    """Whatever characters a name has, its path and its URL mean this very name."""
    store.add_file(name, f"P {name}", source(name, name.encode()), name)
    fs, path = StoreFileSystem(store), f"{name}/P {name}/{name}"
    assert fs._strip_protocol(path) == fs._strip_protocol(f"/{path}/") == path
    assert fs._strip_protocol(fs.unstrip_protocol(path)) == path
    assert fs.unstrip_protocol(path) == f"asimov-store://{path}"
    assert fs._strip_protocol([path, Path(path)]) == [path, path]
    assert fs._get_kwargs_from_urls(f"asimov-store://{path}") == {}
    assert (fs._parent(path), fs.ls(fs._parent(path), detail=False)) == (f"{name}/P {name}", [path])
    assert fs.cat_file(path) == name.encode()
    assert fs.glob(glob.escape(path)) == [path]
    with fs.open(path) as file:
        assert file.read() == name.encode()


@pytest.mark.parametrize("name", [name for name in ODD if "::" not in name])
def test_urls_with_odd_names(store, source, name):
    """`fsspec.open` takes a name in a URL as it is, but for '::'; pandas also an event's name, but for brackets."""
    store.add_file(f"E {name}", name, source(name, CSV), name)
    store.add_file("E", name, source(name, CSV), name, duplicate="link")
    with fsspec.open(f"asimov-store://E {name}/{name}/{name}", root=store.root) as file:
        assert file.read() == CSV
    event = "E" if "[" in name else f"E {name}"
    url = f"asimov-store://{event}/{name}/{name}"
    tm.assert_frame_equal(pd.read_csv(url, storage_options={"root": store.root}), FRAME)


def test_a_chain_in_a_name(store, source):
    """A URL with '::' is a chain to fsspec; the error says how to open such a name."""
    store.add_file("E", "P", source("x", CSV), "a::b")
    with pytest.raises(TypeError, match=r"open the file by its path: fsspec.filesystem\('asimov-store'"):
        fsspec.open("asimov-store://E/P/a::b", root=store.root)


# Writing.


@pytest.mark.parametrize(
    "write",
    [
        lambda fs: fs.mkdir("E"),
        lambda fs: fs.makedir("E"),
        lambda fs: fs.makedirs("E/P", exist_ok=True),
        lambda fs: fs.mkdirs("E/P", exist_ok=True),
        lambda fs: fs.rmdir("GW150914"),
        lambda fs: fs.rm(PLACE),
        lambda fs: fs.rm("GW150914", recursive=True),
        lambda fs: fs.rm("nothing/*"),
        lambda fs: fs.rm_file(PLACE),
        lambda fs: fs._rm(PLACE),
        lambda fs: fs.delete(PLACE),
        lambda fs: fs.mv(PLACE, "E/P/f"),
        lambda fs: fs.move(PLACE, "E/P/f"),
        lambda fs: fs.rename(PLACE, PLACE),
        lambda fs: fs.cp_file(PLACE, "E/P/f"),
        lambda fs: fs.copy(PLACE, "E/P/f"),
        lambda fs: fs.cp("nothing", "E/P/f"),
        lambda fs: fs.copy("GW150914", "E"),
        lambda fs: fs.put(__file__, "E/P/f"),
        lambda fs: fs.put(str(Path(__file__).parent), "E/P"),
        lambda fs: fs.put_file(__file__, "E/P/f"),
        lambda fs: fs.upload(__file__, "E/P/f"),
        lambda fs: fs.pipe("E/P/f", b""),
        lambda fs: fs.pipe({"E/P/f": b""}),
        lambda fs: fs.pipe_file(PLACE, b""),
        lambda fs: fs.write_bytes("E/P/f", b""),
        lambda fs: fs.write_text("E/P/f", ""),
        lambda fs: fs.touch("E/P/f"),
        lambda fs: fs.touch(PLACE, truncate=False),
        lambda fs: fs.get_mapper("E/P").update(f=b""),
        lambda fs: FRAME.to_csv("asimov-store://E/P/f", storage_options=fs.storage_options),
        lambda fs: FRAME.to_parquet(URL, storage_options=fs.storage_options),
        *[
            lambda fs, mode=mode: fs.open("E/P/f", mode)
            for mode in ("w", "wb", "a", "ab", "x", "xb", "r+", "r+b", "rb+")
        ],
    ],
)
def test_writing_is_refused(fs, filled, write):
    """Each way to write is refused with the line that adds a file, and nothing is changed."""
    before = filled.fingerprint()
    with pytest.raises(StoreReadOnlyError) as caught:
        write(fs)
    assert isinstance(caught.value, OSError)
    assert str(caught.value).endswith(
        f'Add a file with Store({str(filled.root)!r}).add_file("EVENT", "PRODUCTION", path).'
    )
    assert filled.fingerprint() == before
    assert filled.verify().ok


# Instances.


def test_instances_are_kept_and_never_stale(filled, source):
    """Fsspec hands out one instance for one Store; what another process adds to that is seen at once."""
    fs = fsspec.filesystem("asimov-store", root=filled.root)
    assert fsspec.filesystem("asimov-store", root=filled.root) is fs
    assert fsspec.url_to_fs(URL, root=filled.root) == (fs, PLACE)
    assert not fs.exists("E/P/new")
    add = "import sys; from asimov.storage import Store; Store(sys.argv[1]).add_file('E', 'P', sys.argv[2])"
    run_python(add, filled.root, source("new")).check_returncode()
    assert (fs.ls("E/P", detail=False), fs.cat_file("E/P/new")) == (["E/P/new"], b"a result")


def test_the_store_that_is_meant_now(filled, tmp_path, monkeypatch):
    """Where no Store is named, or by a relative path, an instance that is kept is not taken for another Store's."""
    other = Store.create(tmp_path / "other" / "store", "Other")
    for here in (filled.root.parent, tmp_path / "other"):
        monkeypatch.chdir(here)
        assert fsspec.filesystem("asimov-store", root="store").store.root == here / "store"
    for root in (filled.root, other.root):
        monkeypatch.setenv("LOCUTUS_STORE", str(root))
        assert fsspec.filesystem("asimov-store").store.root == root
    tm.assert_frame_equal(pd.read_csv(URL, storage_options={"root": filled.root}), FRAME)
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert fsspec.filesystem("asimov-store").store.root == other.root


def test_an_open_store_is_a_root(filled):
    """A Store that is open can be handed over, on any back end."""
    assert StoreFileSystem(filled).store is filled
    assert pd.read_csv(URL, storage_options={"root": filled}).shape == FRAME.shape


def test_options_are_checked(filled):
    """An option that is misspelled is refused, since another Store would be opened without it; fsspec's own are not."""
    with pytest.raises(TypeError, match=r"no option 'rot': its options are root and retracted"):
        fsspec.filesystem("asimov-store", rot=str(filled.root))
    assert StoreFileSystem(filled, use_listings_cache=False, skip_instance_cache=True).exists(PLACE)
    with pytest.raises(NotAStoreError, match="There is no Store at"):
        fsspec.filesystem("asimov-store", root=filled.root.parent / "nothing")


def test_pickles_open_the_same_store(fs, filled, monkeypatch):
    """A file system and an open file, pickled, are the same in a process with another working folder."""
    monkeypatch.chdir(filled.root.parent)
    named = fsspec.filesystem("asimov-store", root="store")
    assert named == fs == pickle.loads(pickle.dumps(named)) == fsspec.AbstractFileSystem.from_json(named.to_json())
    assert hash(named) == hash(fs) == hash(pickle.loads(pickle.dumps(named)))
    assert named != StoreFileSystem(filled, retracted=True)
    assert named.storage_options == {"root": str(filled.root)}
    with named.open(PLACE) as file:
        file.seek(6)
        sent = pickle.dumps((named, file))
    read = "import pickle, sys; fs, f = pickle.loads(bytes.fromhex(sys.argv[1])); print(len(fs.find('')), f.read())"
    run = run_python(read, sent.hex(), cwd="/")
    assert (run.stderr, run.stdout) == ("", f"4 {CSV[6:]}\n")


def test_repr(fs, filled):
    """A file system says of which Store it is."""
    assert repr(fs) == f"<StoreFileSystem of {filled!r}>"


def test_without_fsspec():
    """Without fsspec the import of this module says what to install, and the import of the package does not need it."""
    run = run_python(
        "import sys; sys.modules['fsspec'] = None; import asimov.storage; import asimov.storage.filesystem"
    )
    assert (
        "ImportError: asimov.storage.filesystem takes fsspec. Install it with: pip install 'asimov-storage[fsspec]'"
        in (run.stderr)
    )


# In the hands of others.


def test_pandas(options, filled):
    """Pandas reads CSV and Parquet by URL, columns of it too, and all files of a production."""
    tm.assert_frame_equal(pd.read_csv(URL, storage_options=options), FRAME)
    parquet = "asimov-store://GW150914/Prod0/samples.parquet"
    tm.assert_frame_equal(pd.read_parquet(parquet, storage_options=options), FRAME)
    tm.assert_frame_equal(pd.read_parquet(parquet, columns=["mass_2"], storage_options=options), FRAME[["mass_2"]])
    stored = filled.fetch_file("GW150914", "Prod0", "samples.parquet")
    filled.add_files([("GW150914", "Prod9", stored, f"{n}.parquet") for n in range(2)], duplicate="link")
    both = pd.read_parquet("asimov-store://GW150914/Prod9", storage_options=options)
    tm.assert_frame_equal(both, pd.concat([FRAME] * 2, ignore_index=True))


def test_pandas_without_options(filled, monkeypatch):
    """Without options, it is the Store of $LOCUTUS_STORE."""
    monkeypatch.setenv("LOCUTUS_STORE", str(filled.root))
    tm.assert_frame_equal(pd.read_csv(URL), FRAME)
    tm.assert_frame_equal(pd.read_parquet("asimov-store://GW150914/Prod0/samples.parquet"), FRAME)


def test_dask(options, filled, source):
    """Dask reads the files that fit a pattern, and blocks of them."""
    filled.add_file("GW170817", "Prod0", source("more.csv", CSV), "samples.csv", duplicate="link")
    frame = dd.read_csv("asimov-store://*/Prod0/*.csv", storage_options=options)
    tm.assert_frame_equal(
        frame.compute(scheduler="sync").reset_index(drop=True), pd.concat([FRAME] * 2, ignore_index=True)
    )
    parquet = dd.read_parquet("asimov-store://GW150914/Prod0/samples.parquet", storage_options=options)
    tm.assert_frame_equal(parquet.compute(scheduler="threads"), FRAME, check_dtype=False)
    _, blocks = dask.bytes.read_bytes(URL, blocksize=10, **options)
    assert b"".join(dask.compute(*blocks[0], scheduler="threads")) == CSV


def test_h5py(store, fs):
    """H5py reads from an open file, which seeks."""
    with store.new_file("GW150914", "Prod2", "samples.hdf5") as file, h5py.File(file, "w") as hdf5:
        hdf5["posterior/mass_1"] = np.arange(10_000.0)
    with fs.open("GW150914/Prod2/samples.hdf5") as file, h5py.File(file) as hdf5:
        assert hdf5["posterior/mass_1"][9_998:].tolist() == [9998, 9999]


def test_chained(options):
    """A chain of file systems may end on a Store."""
    with fsspec.open(f"simplecache::{URL}", **{"asimov-store": options}) as file:
        assert file.read() == CSV


def test_the_storage_explorer(fs, filled, options, tmp_path, monkeypatch):
    """Jupyter-storage-explorer lists a Store, opens a production by its URL, and reads a file."""
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "jupyter"))
    explorer = StorageExplorer("asimov-store://", **options)
    assert (explorer._listing["names"], explorer._listing["is_dir"]) == (["GW150914", "GW170817"], [1, 1])
    below = StorageExplorer(fs=fs, path="GW150914/Prod0")
    listing = below._listing
    assert (listing["names"], listing["sizes"][0]) == (["samples.csv", "samples.parquet"], len(CSV))
    assert listing["mtimes"][0] == int(fs.modified(PLACE).timestamp())
    assert [listing["formats"][index] for index in listing["format"]] == ["csv", "parquet"]
    assert (explorer._error, below._error, below.folder_url) == ("", "", "asimov-store://GW150914/Prod0")
    assert item_of(fs, PLACE).head(9) == CSV[:9]
    for one in (explorer, below):
        one.close()


class TestFsspecOwn(abstract.AbstractFixtures):
    """The one of fsspec's own tests that doesn't need to write, or to have files at any depth."""

    test_get = abstract.AbstractGetTests.test_get_with_source_and_destination_as_list

    @pytest.fixture
    def fs(self, store, source):
        """The file system, with the files that the test asks for."""
        names = [hashlib.md5(b"%d" % n, usedforsecurity=False).hexdigest() + ".txt" for n in range(10)]
        store.add_files([("E", "P", source(name, b"%d" % n)) for n, name in enumerate(names)])
        return StoreFileSystem(store)

    @pytest.fixture
    def fs_10_files_with_hashed_names(self):
        """The folder of these."""
        return "E/P"

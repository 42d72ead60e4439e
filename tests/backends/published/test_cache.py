"""The cache of what was fetched from the web: for many processes, killed ones too, and never trusted."""

from __future__ import annotations

import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from backends.published import servers
from damage import ONE, TWO, flip_bit

from asimov.storage import HashError, Store
from asimov.storage import cache as public
from asimov.storage._backends.published import cache as module

CONTENT = random.Random(3).randbytes((129 << 10) + 7)
PIECE = 8 << 20
KEY = ("E", "P", "large")
FETCH = "import sys; from asimov.storage import Store; print(Store(sys.argv[1]).fetch_file('E', 'P', 'large'))"


@pytest.fixture
def url(bad, www, tmp_path):
    """Publish a Store with a file; give its URL."""
    (tmp_path / "large").write_bytes(CONTENT)
    Store.create(www / "store", "Test Store").add_file("E", "P", tmp_path / "large")
    return f"{bad.url}/store"


@pytest.fixture
def large(www, tmp_path, url):
    """Put a file of three pieces into the place of the file; give its bytes."""
    content = random.Random(4).randbytes(2 * PIECE + 7)
    shutil.rmtree(www / "store")
    (tmp_path / "large").write_bytes(content)
    Store.create(www / "store", "Test Store").add_file("E", "P", tmp_path / "large")
    return content


@pytest.fixture
def uuid(url, www):
    """Give the uuid of the file."""
    return Store(www / "store")[KEY].uuid


def fetching(url: str) -> subprocess.Popen[str]:
    """Start a process that fetches the large file and prints the path."""
    source = str(Path(public.__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": source} if os.environ.get("PYTHONPATH") else None
    return subprocess.Popen([sys.executable, "-c", FETCH, url], stdout=subprocess.PIPE, text=True, env=environment)


def brought(bad: servers.Bad, uuid: str) -> list[str]:
    """List the ranges of the file that were asked for."""
    return [asked for path, asked in bad.asked if uuid in path]


def test_a_copy(url, cache, uuid):
    """What was fetched is a read-only file below the cache's folder, whose folders are the user's alone."""
    path = Store(url).fetch_file(*KEY)
    assert (path.parent.parent, path.name, path.read_bytes()) == (cache, uuid, CONTENT)
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_fetched_once(url, bad, uuid):
    """What is in the cache isn't fetched again, neither to a path, nor open, nor to a folder."""
    store = Store(url)
    store.fetch_file(*KEY)
    count = len(brought(bad, uuid))
    Store(url).fetch_file(*KEY)
    with store.open_file(*KEY) as file:
        assert file.read() == CONTENT
    assert len(brought(bad, uuid)) == count


def test_not_trusted(url, bad, uuid):
    """A copy is digested each time that it is taken; one that is damaged is fetched again."""
    path = Store(url).fetch_file(*KEY)
    path.chmod(0o644)
    flip_bit(path)
    assert Store(url).fetch_file(*KEY).read_bytes() == CONTENT
    path.chmod(0o644)
    flip_bit(path)
    with Store(url).open_file(*KEY) as file:
        assert file.read() == CONTENT


def test_to_a_folder(url, cache, tmp_path):
    """A copy in a folder isn't kept in the cache too; one that is there is used, unless it is damaged."""
    store = Store(url)
    store.fetch_file(*KEY, dest=tmp_path / "copy")
    assert list(cache.rglob("*")) == []
    path = store.fetch_file(*KEY)
    path.chmod(0o644)
    flip_bit(path)
    assert store.fetch_file(*KEY, dest=tmp_path / "another").read_bytes() == CONTENT


def test_eight_processes(large, url, bad, uuid):
    """Of eight processes that fetch a file at once, one brings it, and all have it."""
    processes = [fetching(url) for _ in range(8)]
    paths = {process.communicate()[0].strip() for process in processes}
    assert [Path(path).read_bytes() == large for path in paths] == [True]
    assert len(brought(bad, uuid)) == 3


def test_resumed_after_a_kill(large, url, bad, uuid, cache):
    """What a killed process had is kept, and the next one fetches the rest."""
    bad.tell(uuid, servers.give, *[servers.stall(bad, 100)] * 2)
    process = fetching(url)
    bad.reached.wait(30)
    (part,) = wait_for_bytes(cache)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert (part.name, part.stat().st_size) == (f"{uuid}.part", PIECE)
    bad.released.set()
    bad.asked.clear()
    assert Store(url).fetch_file(*KEY).read_bytes() == large
    assert min(int(asked[6:].partition("-")[0]) for asked in brought(bad, uuid)) == PIECE
    assert list(cache.rglob("*.part")) == []


def wait_for_bytes(cache: Path) -> list[Path]:
    """Wait until the first piece is written to a part; give the parts."""
    looked = threading.Event()
    while not (found := [part for part in cache.rglob("*.part") if part.stat().st_size == PIECE]):
        looked.wait(0.01)
    return found


@pytest.mark.parametrize("rest", [b"wrong", CONTENT + b"more", CONTENT, b""])
def test_another_part(url, uuid, cache, rest):
    """A part with other bytes, with too many, or with all costs at most a second fetch."""
    part = module.folder_of(url) / f"{uuid}.part"
    part.parent.mkdir(mode=0o700)
    part.write_bytes(rest)
    assert Store(url).fetch_file(*KEY).read_bytes() == CONTENT
    assert not part.exists()


def test_a_part_that_is_held(url, uuid, monkeypatch):
    """Where a process stands still with the lock in hand, another one brings the file by itself."""
    monkeypatch.setattr(module, "PATIENCE", 0.2)
    folder = module.folder_of(url)
    folder.mkdir(mode=0o700)
    with module._part(folder, uuid) as (_, part):
        assert Store(url).fetch_file(*KEY).read_bytes() == CONTENT
        assert part.exists()
        public.clear()
        assert list(folder.iterdir()) == [part]
    public.clear()
    assert list(folder.iterdir()) == []


def test_a_forger(bad, www, source):
    """Of two files with one MD5, that of another Store is never taken for this one's, though all names are equal."""
    good = Store.create(www / "good", "Good")
    good.add_file("E", "P", source("result", ONE))
    evil = Store(good.publish(www / "evil"))
    (record,) = evil
    (www / "evil" / "E" / "P" / record.uuid).write_bytes(TWO)
    assert Store(f"{bad.url}/evil").fetch_file("E", "P", "result").read_bytes() == TWO
    assert Store(f"{bad.url}/good").fetch_file("E", "P", "result").read_bytes() == ONE


def test_emptied_meanwhile(url, bad, uuid, cache):
    """Who empties the cache, by hand too, takes nothing but time."""
    store = Store(url)
    store.fetch_file(*KEY)
    for path in sorted(cache.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    assert store.fetch_file(*KEY).read_bytes() == CONTENT
    bad.tell(uuid, *[emptying(cache)] * 3)
    public.clear()
    assert store.fetch_file(*KEY).read_bytes() == CONTENT


def emptying(cache: Path):
    """Remove all files of the cache, then answer."""

    def behave(handler, path):
        for file in cache.rglob("*"):
            if file.is_file():
                file.unlink(missing_ok=True)
        servers.give(handler, path)

    return behave


def test_a_full_disk(url, small_disk, monkeypatch):
    """A full disk is an OSError that says which, and how to make room there; what was written is kept."""
    monkeypatch.setenv("LOCUTUS_CACHE", str(small_disk.root / "cache"))
    store = Store(url)
    small_disk.fill(leaving_pages=32)
    with pytest.raises(OSError, match=r"the disk of the cache: asimov.storage.cache.trim") as caught:
        store.fetch_file(*KEY)
    assert caught.value.errno in small_disk.refusals
    (part,) = (small_disk.root / "cache").rglob("*.part")
    assert 0 < part.stat().st_size < len(CONTENT)
    small_disk.empty()


def test_size_trim_clear(url, bad, www, tmp_path):
    """trim() removes what nobody has taken for longest."""
    store, opened = Store(www / "store"), Store(url)
    for name in ("a", "b", "c"):
        (tmp_path / name).write_bytes(name.encode() * 100)
        store.add_file("E", "P", tmp_path / name)
    opened = Store(url)
    paths = {name: opened.fetch_file("E", "P", name) for name in ("a", "b", "c")}
    opened.fetch_file("E", "P", "a")  # so that b waits longest
    assert (public.size(), public.trim(1000), public.size()) == (300, 0, 300)
    assert (public.trim(299), public.size()) == (100, 200)
    assert [path.exists() for path in paths.values()] == [True, False, True]
    assert (public.clear(), public.size()) == (200, 0)
    assert opened.fetch_file("E", "P", "b").read_bytes() == b"b" * 100


@pytest.mark.parametrize(("value", "error"), [(-1, ValueError), (1.5, TypeError), (True, TypeError), ("1", TypeError)])
def test_trim_takes_bytes(value, error):
    """trim() takes a number of bytes."""
    with pytest.raises(error):
        public.trim(value)


def test_where_it_is(monkeypatch, tmp_path):
    """The cache is where $LOCUTUS_CACHE says, else in the user's folder for caches."""
    monkeypatch.setenv("LOCUTUS_CACHE", str(tmp_path / "mine"))
    assert public.folder() == tmp_path / "mine"
    monkeypatch.delenv("LOCUTUS_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    by_default = tmp_path / "Library" / "Caches" if sys.platform == "darwin" else tmp_path / "xdg"
    assert public.folder() == by_default / "asimov-storage" / "v1"
    if sys.platform != "darwin":
        monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # which the specification says to pass over
        assert public.folder() == tmp_path / ".cache" / "asimov-storage" / "v1"
    assert (public.size(), public.clear()) == (0, 0)


def test_an_archive_without_ranges(www, tmp_path, caplog):
    """A server without ranges gives an archive whole, once, after its size was logged; a new one is fetched anew."""
    store = Store.create(tmp_path / "store", "Test Store")
    (tmp_path / "a").write_bytes(b"x" * 100_000)
    store.add_file("E", "P", tmp_path / "a")
    path = store.publish(www / "s.zip")
    caplog.set_level("INFO")
    with servers.python_server(www) as url:
        for _ in range(2):
            assert Store(f"{url}/s.zip").fetch_file("E", "P", "a").read_bytes() == b"x" * 100_000
        assert [record.getMessage().partition("whole: ")[2] for record in caplog.records] == ["98.1 KiB"]
        opened = Store(f"{url}/s.zip")
        public.clear()
        assert opened.verify().ok
        path.unlink()
        public.clear()
        with pytest.raises(FileNotFoundError):
            opened.fetch_file("E", "P", "a")


def test_many_wrong(url, bad, uuid, cache):
    """A file that is wrong again and again leaves nothing in the cache."""
    bad.tell(uuid, *[servers.lie(lambda content: bytes(len(content)))] * 6)
    with pytest.raises(HashError):
        Store(url).fetch_file(*KEY)
    assert [path for path in cache.rglob("*") if path.is_file()] == []

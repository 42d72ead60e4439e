"""Servers that cut, stall, are busy, redirect and lie: what comes out is right, or there is an error that says why."""

from __future__ import annotations

import random
import threading

import pytest
from backends.published import servers

from asimov.storage import HashError, ManifestError, NotAStoreError, Store
from asimov.storage._backends import transfers
from asimov.storage._backends.published import requests
from asimov.storage._backends.published.requests import BUSY, Patience, require_safe

LARGE = random.Random(2).randbytes((129 << 10) + 3)
KEY = ("E", "P", "large")
WHOLE_PIECE = transfers.PIECE
pytestmark = pytest.mark.usefixtures("small_pieces")


@pytest.fixture
def original(www, tmp_path):
    """Make a Store, with a large file, where the bad server has its files."""
    (tmp_path / "large").write_bytes(LARGE)
    store = Store.create(www / "store", "Test Store")
    store.add_file("E", "P", tmp_path / "large")
    return store


@pytest.fixture
def store(original, bad):
    """Open the Store by the web."""
    return Store(f"{bad.url}/store", options={"timeout": 1, "connect_timeout": 1})


@pytest.fixture
def uuid(original):
    """Give the uuid of the large file: behaviours are told for what is in a path."""
    return original[KEY].uuid


FAILURES = {
    "cut": servers.cut(1000),
    "cut at once": servers.cut(0),
    "reset": servers.reset,
    "another range": servers.another_range,
    "500": servers.refuse(500),
    "502": servers.refuse(502),
    "503": servers.refuse(503, Retry_After="0"),
    "429": servers.refuse(429, Retry_After="0"),
    "429 until a date": servers.refuse(429, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"),
    "another size": servers.lie(lambda content: content + b"!"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_once(store, bad, uuid, failure):
    """A request that fails once is made again, and only that one."""
    bad.tell(uuid, FAILURES[failure])
    if failure == "another size":  # which is what a file has that was replaced: it is read anew
        assert store.verify().counts["unreadable"] == 1
    assert store.fetch_file(*KEY).read_bytes() == LARGE
    asked = [asked for path, asked in bad.asked if uuid in path]
    assert len(asked) <= 5 + 3 * (failure == "another size")


@pytest.mark.parametrize("failure", ["cut", "reset", "500"])
def test_always(original, bad, uuid, tmp_path, failure):
    """A request that fails again and again is an OSError that names the URL, and nothing is left."""
    store = Store(f"{bad.url}/store", options={"retries": 2})
    bad.tell(uuid, *[FAILURES[failure]] * 100)
    with pytest.raises(OSError, match=r"server.*http://127.0.0.1.*" + uuid):
        store.fetch_file(*KEY, dest=tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    assert store.verify().counts["unreadable"] == 1


def test_a_stall(store, bad, uuid):
    """A server that falls silent is asked again after the time-out."""
    bad.tell(uuid, servers.stall(bad, 1000))
    assert store.fetch_file(*KEY).read_bytes() == LARGE
    assert bad.reached.is_set()


def test_a_lie(store, bad, uuid, tmp_path):
    """Wrong bytes are fetched once more; only twice wrong is a HashError, and nothing of them is kept."""
    wrong = servers.lie(lambda content: bytes(len(content)))
    bad.tell(uuid, wrong)
    assert store.fetch_file(*KEY).read_bytes() == LARGE
    store.fetch_file(*KEY).unlink()
    bad.tell(uuid, *[wrong] * 6)
    with pytest.raises(HashError, match=uuid):
        store.fetch_file(*KEY)
    bad.tell(uuid, wrong)
    assert store.fetch_file(*KEY, dest=tmp_path / "copy").read_bytes() == LARGE


def test_a_lie_to_a_verification(store, bad, uuid):
    """A file is damaged if it is so twice."""
    wrong = servers.lie(lambda content: content[:-1] + b"!")
    bad.tell(uuid, *[wrong] * 3)
    assert store.verify().ok
    bad.tell(uuid, *[wrong] * 6)
    assert store.verify().counts["corrupt"] == 1


def test_no_ranges(store, bad, uuid):
    """A server that ignores ranges is read as one stream, which goes on where it was cut."""

    def cut_stream(handler, path):
        del handler.headers["Range"]
        servers.give(handler, path, keep=80 << 10)

    bad.tell(uuid, servers.without_ranges, cut_stream, servers.without_ranges)
    assert store.fetch_file(*KEY).read_bytes() == LARGE
    assert [asked != "" for path, asked in bad.asked if uuid in path] == [True, False, False]


def test_in_pieces(store, bad, uuid):
    """A large file comes in pieces, which are of 8 MiB where no test makes them smaller."""
    assert store.fetch_file(*KEY).read_bytes() == LARGE
    asked = sorted(asked for path, asked in bad.asked if uuid in path)
    step = transfers.PIECE
    ends = [(0, step), (step, 2 * step), (2 * step, len(LARGE))]
    assert WHOLE_PIECE == 8 << 20
    assert asked == sorted(f"bytes={start}-{end - 1}" for start, end in ends)


def test_an_unchanged_store(store, bad, monkeypatch):
    """An opened Store that hasn't changed costs no manifest."""
    monkeypatch.setattr("asimov.storage._backends.published.backend.FRESH_FOR", 0)
    bad.asked.clear()
    assert len(store) == 1
    assert [path for path, _ in bad.asked] == ["/store/.manifest/manifest.yaml", "/store/.manifest/recent/2"]
    bad.asked.clear()
    monkeypatch.undo()
    assert (len(store), bad.asked) == (1, [])


def test_redirects(store, bad, www, uuid):
    """A redirect is followed, ranges and all."""
    place = next(www.rglob(uuid))
    (www / "elsewhere").write_bytes(place.read_bytes())
    bad.tell(uuid, *[servers.refuse(302, Location=f"{bad.url}/elsewhere")] * 3)
    assert store.fetch_file(*KEY).read_bytes() == LARGE
    assert sum(path == "/elsewhere" for path, _ in bad.asked) == 3
    bad.tell(uuid, servers.refuse(302, Location=f"{bad.url}/elsewhere"))
    assert list(store.to_frame(stat=True)["size"]) == [len(LARGE)]
    assert bad.methods[-2:] == ["HEAD", "HEAD"]


@pytest.mark.parametrize("place", ["file:///etc/hostname", "ftp://127.0.0.1/x", "/store/.manifest/none"])
def test_redirects_astray(store, bad, uuid, place):
    """A redirect to something that is no web server, or to nothing, is an error."""
    bad.tell(uuid, *[servers.refuse(302, Location=place)] * 20)
    with pytest.raises(OSError, match=uuid):
        store.fetch_file(*KEY)


def test_redirects_in_a_circle(store, bad, uuid):
    """A redirect to itself ends."""
    bad.tell(uuid, *[servers.refuse(302, Location=f"/store/{uuid}")] * 100)
    with pytest.raises(OSError, match="302"):
        store.fetch_file(*KEY)


def test_never_from_https_to_http():
    """A redirect from https to http is refused; the other way is none of the kind."""
    with pytest.raises(PermissionError, match=r"https://example\.org/a'"):
        require_safe("https://example.org/a?secret", "http://example.org/a")
    require_safe("https://example.org/a", "https://example.com/b")
    require_safe("http://example.org/a", "https://example.org/a")
    require_safe("http://example.org/a", "http://example.org/b")


@pytest.mark.parametrize("status", [401, 403])
def test_not_allowed(bad, original, status):
    """What may not be read is a PermissionError."""
    bad.tell("", *[servers.refuse(status)] * 2)
    with pytest.raises(PermissionError, match=str(status)):
        Store(f"{bad.url}/store")


def test_too_busy(bad, original, monkeypatch):
    """A server that asks for more patience than we have is an error at once, and names the status."""
    bad.tell("", servers.refuse(429, Retry_After="3600"))
    with pytest.raises(OSError, match=r"too busy \(status 429\)"):
        Store(f"{bad.url}/store")


class Clock:
    """Stands for an event that is waited for: notes for how long."""

    def __init__(self):
        self.waited = []

    def wait(self, seconds):
        self.waited.append(seconds)

    def is_set(self):
        return False


def test_patience_has_an_end():
    """A busy server is waited for as long as it asks for, and 120 s in all."""
    error = requests.urllib.error.HTTPError("http://h", 429, "", {"Retry-After": "50"}, None)
    clock = Clock()
    patience = Patience(6, clock)
    patience.spend(error, "http://h")
    patience.spend(error, "http://h")
    with pytest.raises(OSError, match="too busy"):
        patience.spend(error, "http://h")
    assert clock.waited == [50, 50]
    assert BUSY == 120


def test_patience_grows():
    """Pauses grow between repetitions, whose number is an option."""
    clock = Clock()
    patience = Patience(6, clock)
    for _ in range(6):
        patience.spend(ConnectionResetError("reset"), "http://h")
    with pytest.raises(OSError, match="broke off"):
        patience.spend(ConnectionResetError("reset"), "http://h")
    assert len(clock.waited) == 6
    assert all(0.05 * 2**n <= pause <= 0.1 * 2**n for n, pause in enumerate(clock.waited))


def test_an_encoding(store, bad, uuid):
    """Bytes that the server encodes, though it wasn't asked to, are an error that says so."""
    bad.tell(uuid, *[servers.refuse(200, Content_Encoding="gzip")] * 20)
    with pytest.raises(OSError, match="encoding gzip"):
        store.fetch_file(*KEY)


def test_a_server_that_answers_everything(bad):
    """Where a page is the answer to everything, there is no Store; where another text is, the manifest is bad."""

    def page(handler, _path, content=b"<!DOCTYPE html><title>Welcome</title>"):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    bad.tell("", page, page)
    with pytest.raises(NotAStoreError, match=bad.url):
        Store(f"{bad.url}/store")
    bad.tell("", lambda handler, path: page(handler, path, b"a: [b"))
    with pytest.raises(
        ManifestError, match=rf"{bad.url}/store/\.manifest/manifest\.yaml.*Only those who publish"
    ) as caught:
        Store(f"{bad.url}/store")
    assert "repair" not in str(caught.value)


def test_nobody_there():
    """A server that isn't there is an OSError."""
    with pytest.raises(OSError, match="can't be reached"):
        Store("http://127.0.0.1:1/store", options={"retries": 0})
    with pytest.raises(OSError, match="can't be reached"):
        Store("http://nowhere.invalid/store", options={"retries": 0})


def test_replaced_meanwhile(bad, www, tmp_path):
    """A manifest whose pieces are of two versions is an error, and never half of each."""
    store = Store.create(www / "store", "Test Store")
    manifest = store.root / ".manifest" / "manifest.yaml"
    old = manifest.read_bytes()
    large = b"# " + b"x" * (65 << 10) + b"\n"
    manifest.unlink()
    manifest.write_bytes(large + old)
    assert len(Store(f"{bad.url}/store")) == 0
    bad.tell("manifest.yaml", servers.give, servers.lie(lambda content: content + b"\n"))
    with pytest.raises(OSError, match="replaced while it was read"):
        Store(f"{bad.url}/store")


def test_several_at_once(bad, www, tmp_path):
    """Files are fetched four at a time and no more; the first error ends it, and no copy is left."""
    store = Store.create(www / "store", "Test Store")
    files = []
    for number in range(20):
        files.append(("E", "P", tmp_path / f"{number}"))
        files[-1][2].write_bytes(b"%d" % number)
    store.add_files(files)
    opened = Store(f"{bad.url}/store")
    together, most, lock, full = set(), [], threading.Lock(), threading.Event()

    def counted(handler, path):
        with lock:
            together.add(path)
            most.append(len(together))
            if len(together) == 4:
                full.set()
        full.wait(10)
        with lock:
            together.remove(path)
        servers.give(handler, path)

    bad.tell("/E/", *[counted] * 20)
    told = []
    paths = opened.fetch_files(opened, progress=lambda *moved: told.append((threading.get_ident(), *moved)))
    assert sorted(path.read_bytes() for path in paths) == sorted(b"%d" % number for number in range(20))
    assert max(most) == 4
    assert {thread for thread, *_ in told} == {threading.get_ident()}
    assert told[-1][1:] == (30, 30)
    (www / "store" / "E" / "P" / next(iter(opened)).uuid).unlink()
    for path in paths:
        path.unlink()
    bad.asked.clear()
    with pytest.raises(FileNotFoundError):
        opened.fetch_files(opened, dest=tmp_path / "copies")
    assert not (tmp_path / "copies").exists()
    assert len(bad.asked) < 20


def test_few_requests_at_once(bad, www, source, monkeypatch):
    """However many files and pieces are wanted, four requests are under way and no more."""
    monkeypatch.setattr(transfers, "PIECE", 100)
    store = Store.create(www / "store", "Test Store")
    store.add_files([("E", "P", source(f"{number}", b"%d" % number * 1000)) for number in range(8)])
    opened = Store(f"{bad.url}/store")
    together, most, lock, full = [], [], threading.Lock(), threading.Event()

    def counted(handler, path):
        with lock:
            together.append(path)
            most.append(len(together))
            if len(together) > 4:
                full.set()
        full.wait(0.01)  # gives a fifth one time to come
        with lock:
            together.remove(path)
        servers.give(handler, path)

    bad.tell("/E/", *[counted] * 80)
    assert [path.stat().st_size for path in opened.fetch_files(opened)] == [1000] * 8
    assert max(most) <= 4

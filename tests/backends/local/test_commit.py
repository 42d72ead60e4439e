"""How records get into a Store that others use at the same time; the long proofs are in tests/faults."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml
from damage import contents, keys, manifest_of, md5, records_text, run_python

from asimov.storage import AlreadyPresentException, RecordExistsError, Store
from asimov.storage._format import canonical_writer


def on_disk(store):
    """List what manifest.yaml alone says."""
    events = yaml.safe_load(manifest_of(store).read_bytes())["events"]
    return sorted((e, p, f) for e, ps in events.items() for p, fs in ps.items() for f in fs)


def test_manifest_is_complete_when_add_returns(store, source):
    """When an add has returned, manifest.yaml by itself holds its record."""
    for number in range(5):
        store.add_file("S1", "Prod0", source(content=b"%d" % number), f"f{number}")
        assert on_disk(store) == [("S1", "Prod0", f"f{n}") for n in range(number + 1)]


def test_manifest_is_replaced_not_edited(store, source):
    """Whoever has manifest.yaml open goes on reading the old one, whole: each add puts a new file in its place."""
    with manifest_of(store).open("rb") as before:
        whole = manifest_of(store).read_bytes()
        store.add_file("S1", "Prod0", source())
        assert os.fstat(before.fileno()).st_ino != manifest_of(store).stat().st_ino
        assert before.read() == whole


def test_a_folder_that_is_stale_after_the_commit(store, source, monkeypatch):
    """ESTALE, said of the folder of entries once the entry is there, is waited out: the add is done, and no error."""
    store.add_file("S1", "Prod0", source(content=b"a"), "a")
    real_link, real_open, left = os.link, os.open, []

    def link(old, new, **options):
        real_link(old, new, **options)
        if new == "2":
            left.extend(range(4))

    def open_(path, *rest, **options):
        if path == "recent" and left:
            left.pop()
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        return real_open(path, *rest, **options)

    monkeypatch.setattr(os, "link", link)
    monkeypatch.setattr(os, "open", open_)
    added = store.add_file("S1", "Prod0", source(content=b"b"), "b")
    assert left == []
    assert added["uuid"] == store["S1", "Prod0", "b"].uuid
    assert keys(store) == [("S1", "Prod0", "a"), ("S1", "Prod0", "b")]


def test_an_open_store_sees_what_others_add(store, source):
    """A Store object that was opened earlier sees, in all that it tells, what another has added."""
    early, late = Store(store.root), Store(store.root)
    assert len(early) == 0
    added = late.add_file("S1", "Prod0", source())
    assert len(early) == 1
    assert keys(early) == [("S1", "Prod0", "result.txt")]
    assert early["S1", "Prod0", "result.txt"].uuid == added["uuid"]
    assert early.fetch_file("S1", "Prod0", "result.txt").name == added["uuid"]
    assert early.fingerprint() == late.fingerprint()
    with pytest.raises(AlreadyPresentException):
        early.add_file("S2", "Prod0", source())
    with pytest.raises(RecordExistsError):
        early.add_file("S1", "Prod0", source(content=b"other"))


def test_an_open_store_sees_an_edit_by_hand(store, stored):
    """An edit of manifest.yaml by hand, of the same length, is seen by a Store that is open."""
    text = manifest_of(store).read_text("utf-8")
    store.fetch_file("S1", "Prod0", "result.txt")
    manifest_of(store).write_text(text.replace("result.txt", "RESULT.TXT"), encoding="utf-8")
    later = manifest_of(store).stat().st_mtime_ns + 1_000_000_000  # nobody edits within a tick of the clock
    os.utime(manifest_of(store), ns=(later, later))
    assert keys(store) == [("S1", "Prod0", "RESULT.TXT")]


def test_a_removed_record_is_gone(store, source):
    """A record that somebody took out of manifest.yaml by hand does not come back by the next add."""
    store.add_file("S1", "Prod0", source())
    data = yaml.safe_load(manifest_of(store).read_bytes())
    data["events"]["S1"] = {}
    manifest_of(store).write_text(yaml.safe_dump(data), encoding="utf-8")
    store.add_file("S2", "Prod0", source("b", b"b"))
    assert keys(Store(store.root)) == [("S2", "Prod0", "b")]


def test_threads_share_a_store(store, source):
    """Eight threads that add to one Store object lose nothing."""
    paths = [source(f"f{n}", b"%d" % n) for n in range(32)]
    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(lambda path: store.add_file("S1", "Prod0", path), paths))
    assert keys(Store(store.root)) == on_disk(store) == sorted(("S1", "Prod0", path.name) for path in paths)
    assert len({one["uuid"] for one in added}) == 32
    assert store.verify().ok
    assert store.verify().untracked == ()


def test_one_reading_is_written_by_two(store, source):
    """Two threads may bring one reading of a manifest into canonical text at the same time."""
    store.add_file("no", "Prod0", source())
    contents = Store(store.root).backend.contents()

    class Column(list):
        """A column: while it is gone through for the first time, another thread is done."""

        gone_through = False

        def __iter__(self):
            if not self.gone_through:
                self.gone_through = True
                canonical_writer.write(contents)
            return super().__iter__()

    contents.keys = Column(contents.keys)
    assert bytes(canonical_writer.write(contents)) == records_text(store)


def test_skipping_waits_until_what_is_there_is_durable(store, source, monkeypatch):
    """Who is told by duplicate="skip" that the bytes are there can rely on it: the other's commit is on the disk."""
    live = store.root / ".manifest" / "recent" / "elsewhere-1-0123456789abcdef"
    live.write_bytes(b"")  # another writer's, so that commits stay in recent/
    added = store.add_file("S1", "Prod0", source())
    synced, real = [], os.fsync

    def fsync(descriptor):
        synced.append(os.fstat(descriptor).st_ino)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    assert Store(store.root).add_file("S1", "Prod0", source(), duplicate="skip") == added
    home = store.root / ".manifest"
    assert home.stat().st_ino in synced  # for the manifest, which has it


def nothing(*_):
    """Do what a lock does on a file system that has none."""


def refuse(*_):
    """Do what a lock does on a file system that says so."""
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


@pytest.fixture(params=[None, nothing, refuse], ids=["locks", "no-op locks", "failing locks"])
def locks(request, monkeypatch):
    """Locks as they are, or as cluster file systems have them."""
    if request.param is not None:
        monkeypatch.setattr(fcntl, "flock", request.param)
        monkeypatch.setattr(fcntl, "lockf", request.param)


def race(count, action):
    """Run action(0), action(1) … at once; return what each returned or raised."""
    barrier = threading.Barrier(count)

    def run(number):
        barrier.wait()
        try:
            return action(number)
        except FileExistsError as refused:
            return refused

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_race_for_one_name(store, source, locks):
    """Of adds of one name at once exactly one wins; the others are told that the name is taken."""
    paths = [source(f"f{n}", b"%d" % n) for n in range(6)]
    results = race(6, lambda number: Store(store.root).add_file("S1", "Prod0", paths[number], "same"))
    winners = [result for result in results if isinstance(result, dict)]
    assert len(winners) == 1
    assert {type(result) for result in results if result is not winners[0]} == {RecordExistsError}
    assert [(r.file, r.uuid, r.hash) for r in store] == [("same", winners[0]["uuid"], winners[0]["hash"])]
    assert store.verify().untracked == ()


def test_race_for_one_content(store, source, locks):
    """Of adds of one content at once exactly one wins; the others are told where it is."""
    path = source()
    results = race(6, lambda number: Store(store.root).add_file("S1", f"Prod{number}", path))
    winners = [result for result in results if isinstance(result, dict)]
    losers = [result for result in results if isinstance(result, AlreadyPresentException)]
    assert (len(winners), len(losers)) == (1, 5)
    assert {loser.record.uuid for loser in losers} == {winners[0]["uuid"]} == {record.uuid for record in store}
    assert store.verify().untracked == ()


def test_race_of_many(store, source, locks):
    """Adds at once by several Store objects all get in, lock or no lock, and every reader sees them all."""
    paths = [[source(f"f{n}-{m}", b"%d-%d" % (n, m)) for m in range(6)] for n in range(4)]

    def add(number):
        mine = Store(store.root)
        return [mine.add_file("S1", f"Prod{number}", path)["uuid"] for path in paths[number]]

    added = {identity for identities in race(4, add) for identity in identities}
    assert len(added) == 24
    assert {record.uuid for record in store} == {record.uuid for record in Store(store.root)} == added
    assert (store.verify().ok, store.verify().untracked) == (True, ())


WRITER = """
import json, sys
from pathlib import Path
from asimov.storage import Store
root, me = Path(sys.argv[1]), sys.argv[2]
store = Store(root)
for number in range(15):
    path = root.parent / f"{me}-{number}"
    path.write_text(path.name)
    print(json.dumps(store.add_file("S1", me, path)), flush=True)
"""


def test_processes(store):
    """Four processes that add at once lose nothing, each add acknowledged is there, and no temporary file is left."""
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda name: run_python(WRITER, store.root, name), "ABCD"))
    assert [(one.returncode, one.stderr) for one in done] == [(0, "")] * 4
    acknowledged = {json.loads(line)["uuid"] for one in done for line in one.stdout.splitlines()}
    report = store.verify()
    assert {record.uuid for record in store} == acknowledged
    assert (len(acknowledged), report.ok, report.untracked) == (60, True, ())
    assert on_disk(store) == keys(store)
    left = [name for name in contents(store.root) if name.startswith((".manifest/recent/", ".manifest/incoming/"))]
    assert [name for name in left if not name.rpartition("/")[2].isdecimal()] == []


FORK = """
import os, sys
from pathlib import Path
from asimov.storage import Store
root = Path(sys.argv[1])
store = Store(root)
(root.parent / "a").write_text("a"), (root.parent / "b").write_text("b")
len(store)
child = os.fork()
if child == 0:
    store.add_file("S1", "Prod0", root.parent / "a")
    os._exit(0 if len(store) == 1 else 9)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0
store.add_file("S1", "Prod0", root.parent / "b")
assert [r.file for r in sorted(store, key=lambda r: r.key)] == ["a", "b"]
assert store.verify().ok
"""


def test_fork(store):
    """A Store that was open before a fork works in the child and in the parent, and each sees what the other added."""
    done = run_python(FORK, store.root)
    assert (done.returncode, done.stderr) == (0, "")


def test_pickled_to_a_process(store, source):
    """A Store crosses to another process as its root and little else."""
    store.add_file("S1", "Prod0", source())
    pickled = pickle.dumps(store)
    again = pickle.loads(pickled)
    code = "import pickle, sys; store = pickle.loads(bytes.fromhex(sys.argv[1])); print(store.root, len(store))"
    assert run_python(code, pickled.hex()).stdout.split() == [str(store.root), "1"]
    assert (again.root, keys(again)) == (store.root, keys(store))
    assert len(pickled) < 1000


def test_the_manifest_is_written_once_for_a_batch(store):
    """add_files puts one new manifest.yaml in place, however many files there are."""
    code = """
import sys
from pathlib import Path
from asimov.storage import Store
root = Path(sys.argv[1])
store, placed = Store(root), []
def watch(event, args):
    if event == "os.rename" and str(args[1]).endswith("manifest.yaml"):
        placed.append(args[1])
paths = []
for number in range(20):
    paths.append(root.parent / str(number))
    paths[-1].write_text(str(number))
sys.addaudithook(watch)
store.add_files([("S1", "Prod0", path) for path in paths])
print(len(placed))
"""
    done = run_python(code, store.root)
    assert (done.stdout, done.stderr) == ("1\n", "")
    assert len(store) == 20


def test_hash_of_what_was_delivered(store, source):
    """The record is of the bytes in the Store, whatever becomes of the source afterwards."""
    path = source()
    store.add_file("S1", "Prod0", path)
    path.write_bytes(b"changed afterwards")
    assert store["S1", "Prod0", "result.txt"].hash == md5(b"a result")
    assert store.fetch_file("S1", "Prod0", "result.txt").read_bytes() == b"a result"

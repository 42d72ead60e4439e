"""Processes with little: no thread is to be had, or few descriptors. Work is then done one by one, and all of it."""

from __future__ import annotations

import contextvars
import os
import resource
import sys
from pathlib import Path

import pytest
from damage import NOBODY, run_python

import asimov.storage
from asimov.storage import Store
from asimov.storage._bytes import threads

TESTS = Path(__file__).parents[1]
WITHOUT_THREADS = """
import os, resource, sys, threading
from pathlib import Path
from damage import NOBODY, load_what_is_loaded_late
load_what_is_loaded_late()
if os.geteuid() == 0:  # whom no limit on processes binds
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
try:
    threading.Thread(target=int).start()
except RuntimeError:
    pass
else:
    raise SystemExit("a thread could be had")
root = Path(sys.argv[1])
from asimov.storage import Store
store = Store(root / "store")
"""

needs_a_limit = pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts threads as processes")


@pytest.fixture
def without_threads(common_path):
    """A function that runs code, with a Store and with files of three sizes, where no thread is to be had."""
    Store.create(common_path / "store", "Test Store")
    sources = common_path / "sources"
    sources.mkdir()
    for number in range(20):
        (sources / f"small{number}").write_bytes(b"%d" % number)
    (sources / "large").write_bytes(os.urandom(1000) * 9000)
    for path in [common_path, *common_path.rglob("*")]:
        os.chown(path, NOBODY if os.geteuid() == 0 else -1, -1)

    def run(code, loaded=""):
        site = Path(asimov.storage.__file__).parents[2]
        environment = {"PYTHONPATH": os.pathsep.join(map(str, [site, TESTS / "widgets", TESTS]))}
        done = run_python(loaded + WITHOUT_THREADS + code, common_path, env=environment)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout

    return run


@needs_a_limit
def test_adding_without_threads(without_threads):
    """Small files, many files and large ones are added and fetched where no thread is to be had."""
    without_threads("""
files = sorted((root / "sources").iterdir())
store.add_files([("S1", "many", path) for path in files])
store.add_file("S1", "one", root / "sources" / "large", duplicate="link")
copies = store.fetch_files(store, dest=root / "copies", tree=True)
assert sorted(path.read_bytes() for path in copies) == sorted(path.read_bytes() for path in [*files, files[0]])
""")


@needs_a_limit
def test_a_failure_without_threads(without_threads):
    """Of a batch that can't be added, where no thread is to be had, nothing is."""
    without_threads("""
files = [("S1", "many", path) for path in sorted((root / "sources").iterdir())]
try:
    store.add_files([*files, ("S1", "many", root / "missing")])
except FileNotFoundError:
    assert (len(store), os.listdir(root / "store" / ".manifest" / "incoming")) == (0, [])
else:
    raise SystemExit("added")
""")


@needs_a_limit
def test_verifying_without_threads(without_threads):
    """Verification where no thread is to be had finds what there is to find, and tells its progress."""
    without_threads("""
store.add_files([("S1", "many", path) for path in sorted((root / "sources").iterdir())])
seen = []
report = store.verify(progress=lambda *told: seen.append(told))
assert report.ok and len(report.results) == 21
assert seen[0][0] == 0 and seen[-1] == (report.results[0].size + 30, report.results[0].size + 30)
assert len(store.verify(budget=1).results) == 1
damaged = store.fetch_file("S1", "many", "large")
damaged.chmod(0o600)
damaged.write_bytes(b"damaged")
assert [check.key for check in store.verify().failures] == [("S1", "many", "large")]
""")


@needs_a_limit
@pytest.mark.parametrize("error", ["ZeroDivisionError", "OSError", "KeyboardInterrupt"])
def test_verification_is_cancelled_without_threads(without_threads, error):
    """What progress raises ends a verification without threads, in the middle of a file, and is raised."""
    without_threads(f"""
store.add_file("S1", "one", root / "sources" / "large")
seen = []
def progress(done, total):
    seen.append(done)
    if done:
        raise {error}("cancelled")
try:
    store.verify(progress=progress)
except {error}:
    assert seen[-1] == 1 << 20, seen
else:
    raise SystemExit("not cancelled")
""")


@needs_a_limit
def test_widgets_without_threads(without_threads):
    """Widgets answer their pages, verify, upload and explore where no thread is to be had."""
    loaded = "from asimov.storage.widgets import Explorer, Uploader, Verifier\nfrom conftest import Page"
    code = """
uploader = Uploader(store, server_root=root / "sources")
page, place = Page(uploader), {"event": "S1", "production": "P"}
page.ask("server/add", **place, name="large", path="large", job=1)
begun = page.ask("upload/begin", **place, name="new", size=3, mtime=1).result
page.ask("upload/slice", [b"abc"], upload=begun["upload"], offset=0)
page.ask("upload/end", upload=begun["upload"], md5="900150983cd24fb0d6963f7d28e17f72", expected="")
uploader.close()
explorer = Explorer(store)
assert len(Page(explorer).ask("explore/page").result["rows"]) == 2
explorer.close()
verifier = Verifier(store)
assert verifier.wait().ok
verifier.start()
assert verifier.report.ok and verifier._verification._thread is None
verifier.close()
"""
    without_threads(code, loaded)


@needs_a_limit
def test_bars_without_threads(without_threads):
    """Bars of a terminal and of a cell are drawn without a word about the thread that they would have."""
    loaded = "from asimov.storage._bytes.threads import without_monitor\nfrom tqdm.auto import tqdm"
    code = """
with open(os.devnull, "w") as nowhere:
    for _ in range(2):
        with without_monitor(tqdm)(total=1, file=nowhere) as bar:
            bar.update(1)
"""
    without_threads(code, loaded)


def test_what_is_submitted_after_the_end_is_not_done():
    """A pool that was shut down does nothing any more."""
    pool, done = threads.Threads(1, "test"), []
    assert pool.submit(lambda: done.append("before")).result() is None
    pool.shutdown(wait=True)
    pool.submit(lambda: done.append("after"))
    assert done == ["before"]


# Few descriptors

WITH_FEW_DESCRIPTORS = """
import os, resource, sys
from pathlib import Path
from asimov.storage import Store
root = Path(sys.argv[1])
store = Store(root / "store")
os.sched_getaffinity = lambda _: range(64)  # as on a large machine, where more threads read at once
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
files = [(f"S{number % 50}", f"P{number % 7}", root / "sources" / str(number)) for number in range(500)]
"""


@pytest.fixture
def with_few_descriptors(tmp_path):
    """A function that runs code, with 500 files and a Store, where a process may have 64 descriptors."""
    Store.create(tmp_path / "store", "Test Store")
    (tmp_path / "sources").mkdir()
    for number in range(500):
        (tmp_path / "sources" / str(number)).write_bytes(b"%d" % number)

    def run(code):
        done = run_python(WITH_FEW_DESCRIPTORS + code, tmp_path)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr

    return run


def test_a_batch_with_few_descriptors(with_few_descriptors, tmp_path):
    """500 files are added at once, fetched, verified and tabulated by a process that may have 64 descriptors."""
    with_few_descriptors("""
store.add_files(files)
assert len(store.fetch_files(store)) == 500
assert len(store.fetch_files(store, dest=root / "copies")) == 500
report = store.verify()
assert (len(report.results), report.failures, report.untracked) == (500, (), ())
assert store.to_frame(stat=True)["size"].sum() == sum(path.stat().st_size for _, _, path in files)
""")
    assert Store(tmp_path / "store").verify().ok


def test_a_batch_with_hardly_any_descriptors(with_few_descriptors, tmp_path):
    """A batch is added by a process most of whose descriptors are taken."""
    with_few_descriptors("""
taken = [os.open(os.devnull, os.O_RDONLY) for _ in range(64 - 3 - 16)]
store.add_files(files)
""")
    assert Store(tmp_path / "store").verify().ok
    assert len(Store(tmp_path / "store")) == 500


@pytest.mark.parametrize(("limit", "count"), [(64, 8), (1024, 64), (resource.RLIM_INFINITY, 64), (4, 1)])
def test_threads_that_read(monkeypatch, limit, count):
    """As many threads read as there are cores, and as there are descriptors for."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(64), raising=False)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (limit, limit))
    assert threads.reading_threads() == count


def test_the_callers_context():
    """A thread works in the context of its caller: some front ends find their session by that."""
    session = contextvars.ContextVar("session")
    session.set("mine")
    found = []
    threads.started(lambda: found.append(session.get("none")), "test").join()
    pool = threads.Threads(1, "test")
    assert pool.submit(session.get, "none").result() == "mine"
    session.set("another")
    assert pool.submit(session.get, "none").result() == "another"
    pool.shutdown()
    assert found == ["mine"]

"""Orders of events that cost records if the protocol were a little simpler, each made to happen on purpose."""

from __future__ import annotations

import errno
import os
import signal
import threading

import pytest
from faults import children, tracing
from faults.operations import entry_numbers, is_folded, md5, prepare_store, temporaries
from faults.test_interleavings import age
from faults.test_model import upstream_add
from faults.writers import BEFORE_FOLD, Writers

from asimov.storage import Store
from asimov.storage._backends.local import fold
from asimov.storage._format.layout import KEPT


@pytest.fixture
def base(tmp_path):
    """A folder with a Store that holds one file."""
    prepare_store(tmp_path / "base")
    return tmp_path / "base"


@pytest.fixture
def writers(base, zygote):
    """Writers on a Store that holds one file."""
    return Writers(base, zygote)


@pytest.fixture(scope="module")
def impatient(tmp_path_factory):
    """A zygote whose package tries just once to replace the manifest."""
    folder = tmp_path_factory.mktemp("impatient")
    site = children.copy_package(folder / "site")
    children.edit(site, "_backends/local/fold", "_TRIES = 16", "_TRIES = 1")
    with children.start(folder, site) as started:
        yield started


def test_overtaken(base, impatient):
    """A writer that gives up replacing the manifest, others being quicker each time, leaves its entry for the next."""
    writers = Writers(base, impatient)
    other = writers.start("other", stop=BEFORE_FOLD)
    last = writers.start("last", stop=["open", "manifest.yaml"])
    while "last" not in writers.state():
        last.ended = writers.goes_on(last)
    assert (other.ended, last.ended) == (None, None)  # one before its rename, one before it looks whether it may rename
    assert writers.goes_on(other).done
    while last.ended is None:
        last.ended = writers.goes_on(last)
    assert last.ended.done
    assert set(writers.state()) == {"old", "other", "last"}


def test_one_number_is_taken_once(writers):
    """A writer that takes a number which another has taken, but not folded yet, doesn't cost that one its records."""
    first = writers.start("first", stop=["*", "2"])  # the link, before which there is nothing of that name
    second = writers.start("second", stop=BEFORE_FOLD)
    assert (first.ended, second.ended) == (None, None)
    assert writers.ends(first).done
    assert writers.ends(second).done
    assert set(writers.state()) == {"old", "first", "second"}


def test_replaced_before_it_cleans(writers):
    """A writer whose manifest was replaced by an older one removes no entry, though its process has read that one."""
    other = writers.start("other", stop=BEFORE_FOLD)
    new = writers.start("new", "add_while_reading", stop=["fsync", ".manifest"])  # after its own rename
    assert (other.ended, new.ended) == (None, None)
    assert writers.goes_on(other).done
    new.signal(signal.SIGUSR1)
    assert writers.goes_on(new).done
    assert set(writers.state()) == {"old", "other", "new"}


def test_older_manifest(writers):
    """A writer that was about to replace the manifest by an older one, and stood still for days, doesn't."""
    old = writers.start("old one", stop=BEFORE_FOLD)
    age(writers.root / ".manifest")
    assert writers.start("a").ended.done
    assert writers.start("b").ended.done
    assert old.ended is None
    old.ended = writers.goes_on(old)
    while old.ended is None:
        old.ended = writers.goes_on(old)
    assert old.ended.done
    assert set(writers.state()) == {"old", "old one", "a", "b"}


def test_older_manifest_at_once(writers):
    """An older manifest that replaces a newer one costs nothing: the entries stay as long as somebody may do that."""
    old = writers.start("old one", stop=BEFORE_FOLD)
    assert writers.start("a").ended.done
    assert writers.start("b").ended.done
    assert old.ended is None
    assert writers.goes_on(old).done
    assert set(writers.state()) == {"old", "old one", "a", "b"}


class Pile:
    """Entries that nobody removes, since a writer that has read an older state stands still; nor may it be removed."""

    def __init__(self, writers, source) -> None:
        self.store, self.source = Store(writers.root), source
        self.folder = writers.root / ".manifest"
        self.waiting = writers.start("taken", stop=["open", "manifest.yaml"])
        while not any(name.startswith("recent/") for name in temporaries(writers.root)):
            assert writers.goes_on(self.waiting) is None
        self.add("taken")
        for number in range(fold._PILE - 1 - len(self.names())):
            self.add(f"f{number}")

    def add(self, name):
        """Add another file."""
        self.source.write_text(name, encoding="utf-8")
        return self.store.add_file("E0", "P0", self.source, name)

    def names(self):
        """List the entries."""
        return set(entry_numbers(self.store.root))


@pytest.fixture
def pile(writers, base):
    """As many entries as may be there but one."""
    piled = Pile(writers, base / "sources" / "piled")
    assert len(piled.names()) == fold._PILE - 1
    return piled


def test_a_pile_of_entries_is_removed(writers, pile, monkeypatch):
    """Who makes the pile too high waits for who may still need it, and removes it as soon as that one has gone."""
    monkeypatch.setattr(fold, "_PILE_PATIENCE", 60)
    last = threading.Thread(target=pile.add, args=["last"])
    last.start()
    while len(pile.names()) < fold._PILE and last.is_alive():
        pass
    ended = writers.goes_on(pile.waiting)
    while ended is None:
        ended = writers.goes_on(pile.waiting)
    assert ended.error["error"] == "AlreadyPresentException"
    last.join()
    assert len(pile.names()) == KEPT
    assert len(writers.state()) == fold._PILE - 1  # entry 0 is empty


def test_a_pile_of_entries_waits_for_nobody_for_ever(writers, pile):
    """Who makes the pile too high goes on after a while, and leaves it to whoever comes when that one has gone."""
    pile.add("last")
    assert len(pile.names()) == fold._PILE
    pile.waiting.signal(signal.SIGKILL)
    pile.waiting.wait()
    pile.add("next")
    assert len(pile.names()) == KEPT
    assert len(writers.state()) == fold._PILE


@pytest.mark.parametrize("call", ["link", "rename"])
@pytest.mark.parametrize("error", ["EIO", "ENOENT", "EEXIST"])
def test_the_answer_was_lost(writers, call, error):
    """A link or rename that was made, though an error came back (NFS may do so), neither loses nor doubles anything."""
    name = "2" if call == "link" else "manifest.yaml"
    ended = writers.start("new", lie=[name, getattr(errno, error)]).ended
    assert ended.done
    assert writers.state() == {"old": md5(b"old\n"), "new": md5(b"new")}
    assert writers.start("next").ended.done
    assert set(writers.state()) == {"old", "new", "next"}
    report = Store(writers.root).verify()
    assert (report.failures, report.untracked) == ((), ())


def test_the_answer_was_lost_for_days(writers):
    """A commit whose answer was lost, and that others have folded and cleaned away meanwhile, is not taken back."""
    first = writers.start("new", lie=["2", errno.ENOENT], stop=["link", "2", "after"])
    assert first.ended is None
    age(writers.root / ".manifest")
    assert writers.start("a").ended.done
    assert writers.start("b").ended.done
    assert writers.goes_on(first).done
    assert set(writers.state()) == {"old", "new", "a", "b"}
    report = Store(writers.root).verify()
    assert (report.failures, report.untracked) == ((), ())


@pytest.mark.parametrize("prefix", [".nfs", ".fuse_hidden"])
def test_files_that_are_kept_while_open(prefix, writers):
    """What NFS or FUSE keeps of a removed file while it is open doesn't keep anybody from cleaning up."""
    names = {"old", *writers.adds("f", 40, silly=prefix)}
    assert is_folded(writers.root)
    assert set(writers.state()) == names


@pytest.mark.parametrize("point", ["link", "rename"])
def test_fenced_where_nfs_keeps_files(writers, point):
    """A writer that was fenced by another process of its own machine, on NFS, starts over and leaves nothing behind."""
    name = "2" if point == "link" else "manifest.yaml"
    first = writers.start("new", stop=[point, name], silly=".nfs")
    assert first.ended is None
    age(writers.root / ".manifest")
    assert writers.start("a", silly=".nfs").ended.done
    while first.ended is None:
        first.ended = writers.goes_on(first)
    assert first.ended.done
    assert set(writers.state()) == {"old", "new", "a"}
    report = Store(writers.root).verify()
    assert (report.failures, report.untracked) == ((), ())


# Cleaning.


@pytest.mark.parametrize("days", [-10, 10])
def test_a_clock_that_is_wrong(days, writers):
    """What a writer left whose clock was days behind, or ahead, is removed like anything that is abandoned."""
    left = "elsewhere-1234-0123456789abcdef"
    for folder in (writers.home, writers.home / "recent", writers.home / "incoming"):
        (folder / left).write_bytes(b"half of a ma")
        there = (folder / left).stat().st_mtime + days * 86_400
        os.utime(folder / left, (there, there))
    names = {"old", *writers.adds("f", 40)}
    assert temporaries(writers.root) == []
    assert is_folded(writers.root)
    assert set(writers.state()) == writers.alone() == names


def test_entries_leave_no_gap(writers):
    """Where one entry can't be removed those after it stay, so that what is there has no gap."""
    names = {"old", *writers.adds("f", 45, fail=["unlink", "*/recent/3", errno.EACCES, 10**6])}
    assert entry_numbers(writers.root) == list(range(3, 47))
    assert set(writers.state()) == names
    writers.adds("g", 1)
    assert entry_numbers(writers.root) == list(range(47 - KEPT + 1, 48))


@pytest.mark.parametrize("number", [1, 5, 9])
def test_killed_while_it_cleans(number, writers):
    """A writer that is killed between the removals of two entries leaves no gap either."""
    waiting = writers.start("waiting", stop=["link", "2"])  # nobody removes an entry meanwhile
    assert waiting.ended is None
    names = {"old", *writers.adds("f", 50)}
    waiting.signal(signal.SIGKILL)
    waiting.wait()
    cleaning = writers.start("last", stop=["unlink", str(number)])
    assert cleaning.ended is None
    cleaning.signal(signal.SIGKILL)
    cleaning.wait()
    numbers = entry_numbers(writers.root)
    assert numbers == list(range(number, 53))
    assert set(writers.state()) == names | {"last"}
    assert writers.start("next").ended.done
    assert is_folded(writers.root)


def test_what_is_folded_for_good(writers):
    """A fold that others may still replace by an older one doesn't say that its entries are folded for good.

    That counts once another program writes the manifest, without the last line that says it otherwise.
    """
    other = writers.start("other", stop=[*BEFORE_FOLD, "both"])
    assert other.ended is None
    assert writers.start("new").ended.done
    assert writers.goes_on(other) is None
    other.signal(signal.SIGKILL)
    other.wait()
    assert writers.alone() == {"old", "other"}  # it is the older manifest
    upstream_add(writers.root, ("E0", "P0", "theirs"), writers.base / "sources" / "third")
    assert set(writers.state()) == {"old", "other", "new", "theirs"}
    assert writers.start("next").ended.done
    assert set(writers.state()) == writers.alone() == {"old", "other", "new", "theirs", "next"}


def test_nothing_is_created_exclusively(writers):
    """No temporary file is created with O_EXCL: NFS then shows times that make it look years old for a moment."""
    child, log = writers.zygote.fork("add_files", writers.base), writers.base / "log"
    tracing.trace(child, log, ["openat", "?open"])
    made = [call for call in tracing.read(log) if call.changes and call.is_below(writers.home)]
    assert len(made) > 3
    assert [call.arguments for call in made if "O_EXCL" in call.arguments] == []

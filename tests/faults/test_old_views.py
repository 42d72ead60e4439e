"""Names that mean what they meant a while ago, as NFS shows them: that costs nothing, or it is noticed.

What a client of NFS may see is made here by hand, or by the shim. That the kernel's client really behaves so, and that
opening a folder by its name makes it ask, only a file server can show.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal

import pytest
from faults import children
from faults.operations import entry_numbers, folded, last_number, prepare_store, prepare_upstream
from faults.writers import Writers

from asimov.storage import Store
from asimov.storage._backends.local import state
from asimov.storage._format.layout import KEPT
from asimov.storage._model.errors import ManifestLostError, ManifestStaleError

COMMITS = 50


@pytest.fixture(scope="module")
def hasty(tmp_path_factory):
    """A zygote whose package gives up after 0.6 s, not 10 s."""
    folder = tmp_path_factory.mktemp("hasty")
    site = children.copy_package(folder / "site")
    children.make_hasty(site)
    with children.start(folder, site) as started:
        yield started


@pytest.fixture
def writers(tmp_path, hasty):
    """Writers on a Store that holds one file."""
    prepare_store(tmp_path / "base")
    return Writers(tmp_path / "base", hasty)


def tree(root) -> dict:
    """Read all that is there, but for the lock."""
    return {path: path.read_bytes() if path.is_file() else None for path in root.rglob("*") if path.name != "lock"}


def go_back(writers: Writers, commits: int, *, in_place: bool = False) -> set[str]:
    """Put the manifest of so many commits ago in place; return what had been added by now."""
    names = {"old", *writers.adds("f", COMMITS, keep=True)}
    there = writers.home / "manifest.yaml"
    old = writers.base / "past" / str(last_number(writers.root) - commits) / "manifest.yaml"
    if in_place:
        there.write_bytes(old.read_bytes())
    else:
        shutil.copy(old, writers.base / "copy")
        (writers.base / "copy").rename(there)
    return names


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("commits", [1, 9, KEPT])
def test_an_old_manifest_costs_nothing(commits, in_place, writers):
    """A manifest of up to 32 commits ago hides nothing, from readers or from writers, and the next add keeps all."""
    names = go_back(writers, commits, in_place=in_place)
    assert set(writers.state()) == names
    assert writers.start("next").ended.done
    assert set(writers.state()) == writers.alone() == names | {"next"}
    assert Store(writers.root).verify().untracked == ()


@pytest.mark.parametrize("commits", [KEPT + 1, 40])
def test_an_older_manifest_is_noticed(commits, writers, caplog):
    """With a manifest of more commits ago readers warn, and a repair mends it."""
    names = go_back(writers, commits)
    before = tree(writers.root)
    seen = set(writers.state())
    assert "later ones are missing" in caplog.text
    assert seen < names
    assert tree(writers.root) == before
    assert Store.repair(writers.root, dry_run=False).manifest == "damaged"
    assert set(writers.state()) == writers.alone() == names
    assert writers.start("next").ended.done
    assert set(writers.state()) == writers.alone() == names | {"next"}


@pytest.mark.parametrize("commits", [KEPT + 1, 40])
def test_an_older_manifest_is_refused(commits, writers):
    """To a manifest of more commits ago nothing is added, and nothing is changed."""
    go_back(writers, commits)
    before = tree(writers.root)
    ended = writers.start("next").ended
    assert (ended.done, ended.error and ended.error["error"]) == (False, "ManifestStaleError")
    assert str(writers.home / "manifest.yaml") in ended.error["text"]
    assert tree(writers.root) == before


def test_a_writer_that_is_open_notices_it_too(writers):
    """A process that has read the Store before refuses to add to an older manifest as well, by the same error."""
    store = Store(writers.root)
    go_back(writers, 40)
    assert len(store) > 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state, "_PATIENCE", 0.5)
        with pytest.raises(ManifestStaleError, match="later ones are missing"):
            store.add_file("E9", "P9", writers.base / "sources" / "new")


@pytest.mark.parametrize("commits", [9, 40])
def test_a_number_that_was_used_before(commits, writers):
    """A writer that sees the Store as it was notices that its number had been used, and that costs nobody anything."""
    names = {"old", *writers.adds("f", COMMITS, keep=True)}
    past = writers.base / "past" / str(last_number(writers.root) - commits)
    ended = writers.start("late", past=str(past)).ended
    assert ended.done, ended
    assert set(writers.state()) == writers.alone() == names | {"late"}
    numbers = entry_numbers(writers.root)
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    report = Store(writers.root).verify()
    assert (report.failures, report.untracked) == ((), ())


def test_the_number_before_is_there(writers):
    """No entry is linked unless the one before it is there, in a Store without any, too."""
    for path in (writers.home / "recent").iterdir():
        path.unlink()
    assert writers.start("a").ended.done
    assert entry_numbers(writers.root) == [1, 2]
    assert set(writers.state()) == {"old", "a"}


def test_a_reader_opens_folders_by_their_names(writers):
    """A reader that remembers what manifest.yaml meant 40 commits ago asks what it means now."""
    os.link(writers.home / "manifest.yaml", writers.base / "kept")  # so that what it remembers can still be opened
    reader = writers.start("", "look", stop=["open", "recent"], cached=True)
    assert reader.ended is None
    names = {"old", *writers.adds("f", 40)}
    assert writers.ends(reader).done, reader.ended
    assert {key[2] for key in reader.ended.result} == names


def test_a_writer_that_remembers_names(writers):
    """A writer that remembers an old manifest until it changes something there itself costs nobody anything."""
    os.link(writers.home / "manifest.yaml", writers.base / "kept")
    late = writers.start("late", stop=["open", "manifest.yaml"], cached=True)
    names = {"old", *writers.adds("f", 40), "late"}
    assert writers.ends(late).done
    assert set(writers.state()) == writers.alone() == names


# What a file server says of a file that it has forgotten.

STALE = [
    *(("open", name) for name in ("manifest.yaml", "recent/[0-9]", "last-fold")),
    *(("fstat", name) for name in ("manifest.yaml", "recent/[0-9]", "recent/*-*-*")),
    *(("link", name) for name in ("recent/2", ".manifest/[!.]*-*-*")),
    *(("rename", name) for name in ("manifest.yaml", "manifest.yaml.bak")),
]


@pytest.mark.parametrize(("call", "name"), STALE)
@pytest.mark.parametrize("times", [1, 3])
def test_stale_for_a_moment(call, name, times, writers):
    """ESTALE for a moment is no news: the add is done, and nothing is left behind."""
    (writers.home / "last-fold").write_bytes(b"")
    ended = writers.start("a", fail=[call, f"*/{name}", errno.ESTALE, times]).ended
    assert ended.told[-1]["fails_left"] < times
    assert ended.done, ended
    assert writers.start("next").ended.done
    assert set(writers.state()) == writers.alone() == {"old", "a", "next"}
    report = Store(writers.root).verify()
    assert (report.failures, report.untracked) == ((), ())


@pytest.mark.parametrize("error", [errno.ESTALE, errno.EBADF], ids=["ESTALE", "EBADF"])
@pytest.mark.parametrize("operation", ["read", "add_file"])
def test_a_name_that_is_stuck(operation, error, writers):
    """A manifest that this computer can't open any more is read from the back-up, and writers go on."""
    names = {"old", *writers.adds("f", 3)}
    ended = writers.start("", operation, fail=["open", "*/manifest.yaml", error, 10**6]).ended
    assert ended.done, ended
    if operation == "read":
        assert {key[2] for key in ended.result} == names
    else:
        assert set(writers.state()) == writers.alone() == names | {"new"}


def test_a_name_that_is_stuck_for_good(writers):
    """Where the back-up can't be read either, the error says which file is stale, and nothing is changed."""
    (writers.home / "manifest.yaml.bak").unlink(missing_ok=True)
    before = tree(writers.root)
    ended = writers.start("a", fail=["open", "*/manifest.yaml", errno.ESTALE, 10**6]).ended
    assert ended.error["error"] == "ManifestStaleError"
    assert str(writers.home / "manifest.yaml") in ended.error["text"]
    assert tree(writers.root) == before


# A name that is replaced in two steps.


def test_killed_between_the_two_steps_of_a_rename(writers):
    """A writer that was killed while the manifest had no name leaves that to the next one, who gives it one again."""
    names = {"old", *writers.adds("f", 3)}
    killed = writers.start("killed", two_steps=True, stop=["between", "manifest.yaml"])
    assert killed.ended is None
    killed.signal(signal.SIGKILL)
    killed.wait()
    assert not (writers.home / "manifest.yaml").exists()
    before = tree(writers.root)
    assert set(writers.state()) == names | {"killed"}
    assert tree(writers.root) == before
    assert writers.start("next").ended.done
    assert set(writers.state()) == writers.alone() == names | {"killed", "next"}


def test_a_manifest_that_was_deleted(writers):
    """A manifest that somebody deleted, and whose back-up is older, is lost until a repair: nobody guesses."""
    names = {"old", *writers.adds("f", 3)}
    (writers.home / "manifest.yaml").unlink()
    before = tree(writers.root)
    with pytest.raises(ManifestLostError):
        Store(writers.root)
    ended = writers.start("next").ended
    assert (ended.done, ended.error and ended.error["error"]) == (False, "ManifestLostError")
    assert tree(writers.root) == before
    Store.repair(writers.root, dry_run=False)
    assert set(writers.state()) == names


def begun_by_upstream(folder, zygote):
    """Make a Store of upstream's with one file and add another, so that the back-up is upstream's."""
    prepare_upstream(folder / "base")
    writers = Writers(folder / "base", zygote)
    assert writers.start("ours").ended.done
    assert folded(writers.root) == 1
    return writers


@pytest.fixture
def upstreams(tmp_path, hasty):
    """Writers on such a Store."""
    return begun_by_upstream(tmp_path, hasty)


def test_upstreams_back_up_when_the_manifest_is_deleted(upstreams):
    """A back-up that doesn't say which entries it includes isn't taken for the manifest that somebody deleted."""
    (upstreams.home / "manifest.yaml").unlink()
    assert upstreams.start("next").ended.error["error"] == "ManifestLostError"
    Store.repair(upstreams.root, dry_run=False)
    assert set(upstreams.state()) == {"old", "ours"}


def test_upstreams_back_up_when_the_manifest_is_stuck(upstreams):
    """Where the manifest can't be opened, such a back-up is read together with the entries that it lacks."""
    ended = upstreams.start("next", fail=["open", "*/manifest.yaml", errno.ESTALE, 10**6]).ended
    assert ended.done, ended
    assert set(upstreams.state()) == upstreams.alone() == {"old", "ours", "next"}


def test_readers_wait_for_the_second_step(writers):
    """A reader that comes between the two steps sees all that was there."""
    writer = writers.start("a", two_steps=True, stop=["between", "manifest.yaml"])
    assert writer.ended is None
    reader = writers.start("", "read", stop=["open", "manifest.yaml"])
    while not (writers.home / "manifest.yaml").exists():
        assert reader.ended is None
        reader.ended = writers.goes_on(reader)  # it doesn't find it, and looks again
        writer.ended = writers.goes_on(writer)
    assert {key[2] for key in writers.ends(reader).result} >= {"old"}
    assert writers.ends(writer).done
    assert set(writers.state()) == {"old", "a"}


def test_edited_before_the_fold(writers):
    """What somebody writes into the manifest while a writer is about to replace it is not replaced."""
    path = writers.home / "manifest.yaml"
    writer = writers.start("a", stop=["open", "manifest.yaml"])
    while not any(b"entries folded: 2" in file.read_bytes() for file in (writers.home / "recent").glob("*-*")):
        writer.ended = writers.goes_on(writer)
        assert writer.ended is None
    path.write_bytes(path.read_bytes() + b"note: by hand\n")
    assert writers.ends(writer).done
    assert set(writers.state()) == writers.alone() == {"old", "a"}
    assert b"note: by hand\n" in path.read_bytes()

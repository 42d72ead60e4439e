"""Many writers at once, with locks that work, do nothing or fail, stopped, aged and killed, and readers that check."""

from __future__ import annotations

import errno
import os
import random
import select
import shutil
import signal
import time
from pathlib import Path

import pytest
from damage import AS_ROOT
from faults.children import told_by
from faults.operations import prepare_store, temporaries
from faults.profile import choose, note
from faults.shim import NOTHING, WORKING
from faults.test_interleavings import age

from asimov.storage import Store

LOCKS = {"working": WORKING, "no-ops": NOTHING, "ENOLCK": errno.ENOLCK, "ENOSYS": errno.ENOSYS}


class Crowd:
    """Writers and readers on one Store, and whoever troubles them."""

    def __init__(self, base: Path, zygote, locks: int) -> None:
        self.base, self.zygote, self.locks = base, zygote, locks
        self.root = base / "store"
        self.before = len(Store(self.root))
        os.mkfifo(base / "bell")
        (base / "bell").chmod(0o666)
        self.bell = os.open(base / "bell", os.O_RDWR)
        self.writers: dict[int, object] = {}
        self.stopped: set[int] = set()
        self.readers, self.kills, self.stops, self.count = [], 0, 0, 0

    def write(self, adds: int, operation: str = "add_loop", **how) -> None:
        """Begin a writer with a name of its own."""
        self.count += 1
        arguments = {"name": f"w{self.count}", "count": adds}
        if operation == "add_threads":
            arguments |= {"threads": 4, "count": adds // 4}
        child = self.zygote.fork(operation, self.base, arguments, locks=self.locks, **how)
        self.writers[child.pid] = child
        child.go()

    def read(self, **how) -> None:
        """Begin a reader that verifies all that it sees until it is over."""
        self.readers.append(self.zygote.fork("read_loop", self.base, {"until": "over"}, locks=self.locks, **how))
        self.readers[-1].go()

    def rang(self, patience: float) -> bool:
        """Wait until somebody reports something; False if nobody does."""
        ready, _, _ = select.select([self.bell], [], [], patience)
        return bool(ready) and bool(os.read(self.bell, 1))

    def working(self) -> list[int]:
        """List the writers that have not reported their end."""
        ended = {line["pid"] for line in told_by(self.base) if not {"done", "error", "crash"}.isdisjoint(line)}
        return [pid for pid in self.writers if pid not in ended]

    def stop(self, pid: int) -> None:
        """Stop a writer, and make all that it has under way look ten days old."""
        self.writers[pid].signal(signal.SIGSTOP)
        self.stopped.add(pid)
        self.stops += 1
        age(self.root / ".manifest")

    def go_on(self, pid: int) -> None:
        """Continue a writer."""
        self.writers[pid].signal(signal.SIGCONT)
        self.stopped.discard(pid)

    def kill(self, pid: int, adds: int) -> None:
        """Kill a writer, and begin another; unless it had come to its end already."""
        child = self.writers.pop(pid)
        child.signal(signal.SIGKILL)
        self.stopped.discard(pid)
        ended = child.wait()
        if ended.done and not ended.killed:
            return
        assert ended.killed, ended
        self.kills += 1
        self.write(adds)

    def trouble(self, chance: random.Random, adds: int) -> None:
        """Stop, age, continue and kill writers until all have done what they should."""
        while working := self.working():
            if not self.rang(0.5) or not set(working) - self.stopped:
                for pid in list(self.stopped):
                    self.go_on(pid)
                continue
            pid, what = chance.choice(working), chance.random()
            if pid in self.stopped:
                self.go_on(pid)
            elif what < 0.12:
                self.stop(pid)
            elif what < 0.15 and self.kills < 3 * len(self.writers):
                self.kill(pid, adds)
        for pid in list(self.stopped):  # who was stopped between its report and its end
            self.go_on(pid)

    def over(self) -> list[dict]:
        """Let all end; nothing that was acknowledged is missing or damaged, nor was it for a reader. Give the acks."""
        for child in self.writers.values():
            ended = child.wait()
            assert (ended.code, ended.error) == (0, None), ended.error
        (self.base / "over").touch()
        for reader in self.readers:
            ended = reader.wait()
            assert ended.error is None, ended.error
            assert ended.result["rounds"] > 1
        os.close(self.bell)
        acks = [line for line in told_by(self.base) if "ack" in line]
        records = {record.uuid: record for record in Store(self.root)}
        recorded = {uuid: [*record.key, record.hash] for uuid, record in records.items()}
        assert {ack["uuid"]: recorded.get(ack["uuid"]) for ack in acks} == {
            ack["uuid"]: [*ack["ack"], ack["hash"]] for ack in acks
        }
        assert len(records) - len(acks) - self.before in range(
            self.kills + 1
        )  # a kill may come between commit and report
        report = Store(self.root).verify()
        assert report.failures == ()
        assert len(report.untracked) <= self.kills
        return acks


@pytest.fixture
def base(tmp_path):
    """A folder with a Store that holds one file."""
    prepare_store(tmp_path / "base")
    return tmp_path / "base"


WRITERS, ADDS, READERS = 8, 50, 2


@pytest.mark.parametrize("locks", LOCKS)
def test_many_writers(base, zygote, locks):
    """Many writers at once lose nothing, whether locks work, do nothing or fail, and no reader sees anything amiss."""
    crowd = Crowd(base, zygote, LOCKS[locks])
    for _ in range(WRITERS):
        crowd.write(ADDS)
    for _ in range(READERS):
        crowd.read()
    acks = crowd.over()
    note("writers", locks=locks, writers=WRITERS, readers=READERS, acknowledged=len(acks))
    assert len(acks) == WRITERS * ADDS
    assert Store(base / "store").verify().untracked == ()


@pytest.mark.parametrize("system", [{"cached": True}, {"two_steps": True}], ids=lambda system: next(iter(system)))
def test_many_writers_where_names_are_odd(base, zygote, system):
    """The same without locks where a name means what it meant for a while, or is replaced in two steps."""
    crowd = Crowd(base, zygote, NOTHING)
    for _ in range(WRITERS // 2):
        crowd.write(ADDS, **system)
    for _ in range(READERS):
        crowd.read(**system)
    crowd.trouble(random.Random(0), ADDS)
    acks = crowd.over()
    note("writers", system=next(iter(system)), kills=crowd.kills, stops=crowd.stops, acknowledged=len(acks))
    assert len(acks) >= WRITERS // 2 * ADDS


def test_many_threads(base, zygote):
    """The same for threads that share a Store, several such processes, and no locks."""
    crowd = Crowd(base, zygote, NOTHING)
    for _ in range(2):
        crowd.write(ADDS, "add_threads")
    crowd.read()
    acks = crowd.over()
    assert len(acks) == 2 * (ADDS // 4) * 4


@pytest.mark.parametrize("locks", ["working", "no-ops"])
@pytest.mark.parametrize("seed", range(choose(1, 4)))
def test_stopped_aged_killed(base, zygote, locks, seed):
    """Writers that are stopped for days, go on, or are killed cost nobody, themselves included, an acknowledged add."""
    writers, adds, readers = choose((5, 20, 1), (WRITERS, ADDS, READERS))
    crowd = Crowd(base, zygote, LOCKS[locks])
    for _ in range(writers):
        crowd.write(adds)
    for _ in range(readers):
        crowd.read()
    crowd.trouble(random.Random(seed), adds)
    acks = crowd.over()
    figures = {"stops": crowd.stops, "kills": crowd.kills, "acknowledged": len(acks)}
    note("stopped", locks=locks, writers=writers, readers=readers, **figures)
    assert len(acks) >= writers * adds


def test_stopped_with_the_lock(base, zygote):
    """Who stands still with the lock in hand keeps nobody from adding."""
    first = zygote.fork("add_any", base, {"key": ("E1", "P1", "first"), "content": "first"}, stop=["link", "2"])
    first.go()
    assert first.wait_for_stop() is None
    others = zygote.run("add_loop", base, {"name": "other", "count": 3})
    assert others.done
    first.signal(signal.SIGCONT)
    assert first.wait().done
    assert {record.file for record in Store(base / "store")} == {"old", "first", "other-0", "other-1", "other-2"}


def test_killed_at_random(base, zygote):
    """A writer that is killed at any moment has lost nothing of what it acknowledged."""
    chance, kills, seen = random.Random(1), choose(50, 1000), 0
    crowd = Crowd(base, zygote, WORKING)
    for number in range(kills):
        child = zygote.fork("add_loop", base, {"name": f"k{number}"})
        child.go()
        for _ in range(chance.randrange(1, 4)):
            assert crowd.rang(60)
        time.sleep(chance.random() * 0.02)  # a moment of its own, in or between calls
        child.signal(signal.SIGKILL)
        child.wait()
        acks = [line["uuid"] for line in told_by(base) if "ack" in line]
        store = Store(base / "store")
        recorded = {record.uuid: record for record in store}
        assert set(acks) <= set(recorded)
        assert store.verify(selection=[recorded[uuid] for uuid in acks[seen:]]).ok
        seen = len(acks)
    assert Store(base / "store").verify().failures == ()
    assert len([name for name in temporaries(base / "store") if not name.startswith("incoming")]) < 10
    note("killed at random", kills=kills, acknowledged=seen)


@pytest.mark.parametrize("kind", ["name", "content"])
def test_races(base, zygote, kind):
    """Of adds of one name, or of one content, at once and without locks exactly one wins; the others are told so."""
    won, rounds, racers = 0, choose(8, 50), 4
    for number in range(rounds):
        children = []
        for racer in range(racers):
            same, own = f"{number}", f"{number}-{racer}"
            key, content = (("E0", "P0", same), own) if kind == "name" else (("E0", f"P{racer}", own), same)
            children.append(zygote.fork("add_any", base, {"key": key, "content": content}, locks=NOTHING))
        for child in children:
            child.go()
        ended = [child.wait() for child in children]
        won += sum(one.done for one in ended)
        refused = {one.error["error"] for one in ended if one.error}
        assert refused == {"RecordExistsError" if kind == "name" else "AlreadyPresentException"}
        assert won == number + 1
    note("races", kind=kind, races=rounds, racers=racers)
    assert len(Store(base / "store")) == rounds + 1
    report = Store(base / "store").verify()
    assert (report.failures, report.untracked) == ((), ())


# The Store goes away, or is taken away.


def test_removed(base, zygote):
    """A writer whose Store is removed under it, before any of its calls, fails, and puts nothing there."""
    for point in range(30, 250, choose(8, 1)):
        prepare_store(base / str(point))
        child = zygote.fork("add_file", base / str(point), locks=NOTHING, stop_at=point)
        child.go()
        if child.wait_for_stop() is not None:
            break  # that was its last call
        shutil.rmtree(base / str(point) / "store")
        child.signal(signal.SIGCONT)
        ended = child.wait()
        assert ended.code == 0
        assert ended.done or ended.error["error"] in {"NotAStoreError", "FileNotFoundError"}, ended
        assert not (base / str(point) / "store").exists()


@pytest.mark.skipif(not AS_ROOT, reason="takes the superuser, who alone can be another user")
def test_made_read_only(common_path, zygote):
    """A writer whose Store is made read-only before any of its calls fails and changes nothing, or has added."""
    for point in range(30, 250, choose(8, 1)):
        base = common_path / str(point)
        prepare_store(base)
        for path in [base, *base.rglob("*")]:
            os.chown(path, 65534, 65534)
        child = zygote.fork("add_file", base, locks=NOTHING, stop_at=point, user=65534, group=65534)
        child.go()
        if child.wait_for_stop() is not None:
            break  # that was its last call
        folders = [base / "store", *(path for path in (base / "store").rglob("*") if path.is_dir())]
        for folder in folders:
            folder.chmod(0o555)
        child.signal(signal.SIGCONT)
        ended = child.wait()
        for folder in folders:
            folder.chmod(0o755)
        assert ended.done or ended.error["errno"] == errno.EACCES, ended
        assert len(Store(base / "store")) == (2 if ended.done else 1)
        assert Store(base / "store").verify().failures == ()
        again = zygote.run("add_file", base, user=65534, group=65534)
        assert again.done is not ended.done


@pytest.mark.skipif(not AS_ROOT, reason="takes the superuser, who alone can be two other users")
@pytest.mark.parametrize("locks", [WORKING, NOTHING])
def test_two_users(common_path, zygote, locks):
    """Two users of one group, one with umask 077 and one with 022, add to and verify one Store at once."""
    base, group = common_path / "base", 54321
    prepare_store(base)
    shutil.rmtree(base / "store")
    base.joinpath("sources").chmod(0o777)
    (base / "store").mkdir()
    os.chown(base / "store", 54001, group)
    (base / "store").chmod(0o2770)
    one, two = {"user": 54001, "group": group, "mask": 0o077}, {"user": 54002, "group": group, "mask": 0o022}
    assert zygote.run("create_here", base, **one).done
    (base / "old").chmod(0o644)
    assert zygote.run("add_any", base, {"key": ("E0", "P0", "old"), "content": "old\n"}, **two).done
    crowd = Crowd(base, zygote, locks)
    for who in (one, two):
        crowd.write(ADDS, **who)
        crowd.read(**who)
    crowd.over()
    for path in (base / "store").rglob("*"):
        found = path.stat()
        assert (path, found.st_gid) == (path, group)
        wanted = 0o2770 if path.is_dir() else 0o660 if ".manifest" in path.parts else 0o440
        assert (path, oct(found.st_mode & 0o7777)) == (path, oct(wanted))

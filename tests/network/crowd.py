"""Writers through several mounts on one Store, readers that check, and what came of it: crowd.py [options] PLACE...

Each PLACE is one way to the same folder: a mount for each client, or one local folder. Writers and readers of one place
count as on a machine of its own, as far as the machine lets us say so. What must come out: nothing that was
acknowledged is lost or damaged, seen from each place; nothing that a reader has seen is missing for it later; no add
ends with an error. How late a new process sees what was acknowledged before it began is measured.

It prints one line of JSON (`Figures`), and the first troubles on stderr.
"""

from __future__ import annotations

import argparse
import ctypes
import fcntl
import itertools
import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from asimov.storage import StorageError, Store

_NEW_HOST = 0x04000000  # unshare(2): a host name of one's own
_PATIENCE, _APPEARS = 120.0, 65.0
#: Seconds before each of the last looks: caches of names are believed for a minute at the most.
_WAITS = (0, 25, 45)
#: What must be 0.
FLAWS = ("lost", "damaged", "errors", "reader_troubles")
_EVENTS = 3
_READER_PAUSE, _VERIFIED_EVERY, _CHECKED = 0.1, 20, 10


@dataclass
class Figures:
    """What came of it.

    Attributes
    ----------
    acknowledged, lost, damaged : int
        Files that an add has returned for; those of them that some place lacks a minute later; those whose bytes are
        wrong.
    errors, reader_troubles : int
        Adds, and last looks, that ended with an error; readers that met one, or to which something was missing again.
    lag : float
        Seconds after an acknowledgement that a new process did not see the file yet, at the most (the last one too).
    slowest, seconds : float
        What the longest add, and all of it, took.
    """

    what: str
    clients: int
    writers: int
    batch: int
    locks: bool
    preloaded: int
    acknowledged: int = 0
    lost: int = 0
    damaged: int = 0
    errors: int = 0
    reader_troubles: int = 0
    looks: int = 0
    lag: float = 0.0
    kills: int = 0
    stops: int = 0
    slowest: float = 0.0
    seconds: float = 0.0
    untracked: int = 0
    entries: int = 0
    temporaries: int = 0
    texts: list[str] = field(default_factory=list)

    def error(self, text: str) -> None:
        """Count an error."""
        self.errors += 1
        self.texts.append(f"error: {text}")

    def trouble(self, text: str) -> None:
        """Count a reader's trouble."""
        self.reader_troubles += 1
        self.texts.append(f"reader: {text}")


class Reports:
    """What the processes of the crowd report, one JSON object a line; a line is written in one piece."""

    def __init__(self) -> None:
        self.read_end, self.write_end = os.pipe()
        self._rest = b""

    def send(self, kind: str, **values: object) -> None:
        """Report something, from any process."""
        line = json.dumps({"kind": kind, "at": time.monotonic(), **values})
        assert len(line) < select.PIPE_BUF, line
        os.write(self.write_end, line.encode() + b"\n")

    def take(self, patience: float) -> list[dict]:
        """Wait for reports."""
        if not select.select([self.read_end], [], [], patience)[0]:
            return []
        *lines, self._rest = (self._rest + os.read(self.read_end, 1 << 16)).split(b"\n")
        return [json.loads(line) for line in lines]


def described(error: BaseException) -> str:
    """Say in a line what went wrong and where."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    where = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__}: {error} ({where})"[:1000]


def be_on_a_host(name: str) -> None:
    """Take a host name of one's own, where that may be had."""
    if ctypes.CDLL(None).unshare(_NEW_HOST) == 0:
        socket.sethostname(name)


class Crowd:
    """All of them, seen from the process that starts, troubles and counts them; it uses no Store itself."""

    def __init__(self, plan: argparse.Namespace, scratch: Path) -> None:
        self.plan, self.scratch = plan, scratch
        self.places = [Path(place, f"crowd-{os.getpid()}") for place in plan.places]
        self.views = [*self.places, *([Path(plan.server, self.places[0].name)] if plan.server else [])]
        self.reports, self.chance = Reports(), random.Random(plan.seed)
        self.figures = Figures(plan.what, len(self.places), plan.writers, plan.batch, not plan.no_locks, plan.preload)
        self.acked: dict[str, dict] = {}
        self.writers: dict[int, Writer] = {}
        self.stopped: dict[int, float] = {}
        self.others: set[int] = set()
        self.looks: list[dict] = []
        self.begun = self.next_look = time.monotonic()

    def run(self) -> Figures:
        """Let it happen."""
        self.wait(self.fork(lambda: prepare(self.views[-1], self.plan)))
        if not self.figures.errors:
            self.wait(*(self.fork(lambda place=place: appear(place)) for place in self.places))
        if self.figures.errors:
            return self.figures
        self.begun = self.next_look = time.monotonic()
        (self.scratch / "reading").touch()
        (self.scratch / "going-on").touch()
        for number in range(self.plan.writers):
            self.start_writer(Writer(f"w{number}", number % len(self.places), self.plan.adds))
        for client in range(len(self.places)):
            for _ in range(self.plan.readers):
                self.others.add(self.fork(lambda client=client: self.read(client)))
        self.conduct()
        self.finish()
        return self.figures

    # Processes.

    def fork(self, task: Callable[[], None]) -> int:
        """Do something in a process of its own."""
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            self.chance.seed(os.getpid())
            task()
            code = 0
        except BaseException as error:  # noqa: BLE001 - what is no commit is raised again
            self.reports.send("error", text=described(error))
        finally:
            os._exit(code)

    def wait(self, *pids: int) -> None:
        """Wait for processes; say if one failed."""
        for pid in pids:
            _, status = os.waitpid(pid, 0)
            if status:
                self.figures.error(f"a process ended with {os.waitstatus_to_exitcode(status)}")
                self.hear(0)

    def start_writer(self, writer: Writer) -> None:
        """Start a writer, or one that takes over from one that was killed."""
        self.writers[self.fork(lambda: self.write(writer))] = writer

    # What goes on while there are writers.

    def conduct(self) -> None:
        """Listen, trouble and look until the writers have ended."""
        troubles = self.plan.kills + self.plan.stops
        expected = self.plan.writers * self.plan.adds
        due = [expected * (number + 1) // (2 * troubles + 1) for number in range(troubles)]
        deadline = self.begun + self.plan.limit + self.plan.stops * self.plan.stopped_for + _PATIENCE
        while self.writers:
            self.hear(0.1)
            if due and self.figures.acknowledged >= due[0] * self.plan.batch and self.trouble():
                due.pop(0)
            self.wake(time.monotonic())
            if not due and not self.stopped:
                (self.scratch / "going-on").unlink(missing_ok=True)
            if time.monotonic() > self.next_look:
                self.look()
            self.reap()
            if time.monotonic() > deadline:
                self.give_up()
        (self.scratch / "reading").unlink()

    def trouble(self) -> bool:
        """Kill a writer or stop one, at a moment of its own; False if that can't be now."""
        running = [pid for pid in self.writers if pid not in self.stopped]
        if len(running) < 2:
            return False
        pid, kills = self.chance.choice(running), self.plan.kills - self.figures.kills
        stops = self.plan.stops - self.figures.stops
        self.hear(self.chance.random() * 0.3)
        time.sleep(self.chance.random() * 0.05)
        if self.chance.random() * (kills + stops) < kills:
            os.kill(pid, signal.SIGKILL)
            self.figures.kills += 1
        else:
            os.kill(pid, signal.SIGSTOP)
            self.stopped[pid] = time.monotonic() + self.plan.stopped_for
            self.figures.stops += 1
        return True

    def wake(self, now: float) -> None:
        """Continue those that were stopped for long enough."""
        for pid in [pid for pid, until in self.stopped.items() if until < now]:
            os.kill(pid, signal.SIGCONT)
            del self.stopped[pid]

    def look(self) -> None:
        """Let a new process look."""
        self.next_look = time.monotonic() + self.plan.look_every
        client, number = self.chance.randrange(len(self.places)), len(self.looks)
        self.looks.append({"client": client, "begun": time.monotonic(), "ended": None, "seen": set()})
        self.others.add(self.fork(lambda: self.look_once(client, number)))

    def reap(self) -> None:
        """See who has ended; another takes over from a writer that was killed."""
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG) if self.writers or self.others else (0, 0)
            if not pid:
                return
            self.others.discard(pid)
            self.stopped.pop(pid, None)
            writer = self.writers.pop(pid, None)
            if writer is None or not status:
                continue
            if os.waitstatus_to_exitcode(status) == -signal.SIGKILL:
                self.hear(0)
                self.start_writer(Writer(f"{writer.name}k", writer.client, writer.adds - writer.done))
            else:
                self.figures.error(f"writer {writer.name} ended with {os.waitstatus_to_exitcode(status)}")

    def give_up(self) -> None:
        """End writers that never come to an end."""
        for pid, writer in self.writers.items():
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            self.figures.error(f"writer {writer.name} was still at it after {time.monotonic() - self.begun:.0f} s")
        self.writers.clear()

    # What is reported.

    def hear(self, patience: float) -> None:
        """Take note of what was reported."""
        while reports := self.reports.take(patience):
            patience = 0
            for report in reports:
                getattr(self, f"hear_{report['kind']}")(report)

    def hear_ack(self, report: dict) -> None:
        self.acked[report["file"]] = report
        self.figures.acknowledged += 1
        self.figures.slowest = max(self.figures.slowest, report["took"])

    def hear_added(self, report: dict) -> None:
        for writer in self.writers.values():
            if writer.name == report["writer"]:
                writer.done += 1

    def hear_error(self, report: dict) -> None:
        self.figures.error(report["text"])

    def hear_trouble(self, report: dict) -> None:
        self.figures.trouble(report["text"])

    def hear_seen(self, report: dict) -> None:
        """See whether a new process saw all that was acknowledged, and that others had seen, before it began."""
        look = self.looks[report["number"]]
        look["ended"], look["seen"] = (
            report["at"],
            set(json.loads((self.scratch / f"look-{report['number']}").read_text())),
        )
        late = [look["begun"] - ack["at"] for file, ack in self.acked.items() if file not in look["seen"]]
        self.figures.lag = max([self.figures.lag, *late])
        self.figures.looks += 1
        before = [
            other["seen"]
            for other in self.looks
            if other["client"] == look["client"] and other["ended"] and other["ended"] < look["begun"]
        ]
        if gone := set().union(*before) - look["seen"]:
            self.figures.trouble(f"a new process on client {look['client'] + 1}: {len(gone)} gone again")

    # What the processes do.

    def write(self, writer: Writer) -> None:
        """Add files, one by one or in batches, until all are added and nobody stands still any more."""
        be_on_a_host(f"client{writer.client + 1}")
        if self.plan.no_locks:
            fcntl.flock = lambda *_: None
        store, more = Store(self.places[writer.client]), (self.scratch / "going-on")
        for number in itertools.count():
            if number >= writer.adds:
                if not more.exists():
                    return
                time.sleep(0.5)
            if time.monotonic() > self.begun + self.plan.limit + self.plan.stops * self.plan.stopped_for:
                return
            self.add(store, writer, number)

    def add(self, store: Store, writer: Writer, number: int) -> None:
        """Add once, and report it."""
        files = [self.source(f"{writer.name}-{number}-{part}") for part in range(self.plan.batch)]
        event, begun = f"E{self.chance.randrange(_EVENTS)}", time.monotonic()
        try:
            if self.plan.batch > 1:
                added = store.add_files([(event, "P", file) for file in files])
            else:
                added = [store.add_file(event, "P", files[0])]
        except Exception as error:  # noqa: BLE001 - whatever it is, the add has happened
            self.reports.send("error", text=f"{files[0].name} on client {writer.client + 1}: {described(error)}")
            return
        took = time.monotonic() - begun
        for result in added:
            self.reports.send("ack", file=result["file"], uuid=result["uuid"], hash=result["hash"], took=took)
        self.reports.send("added", writer=writer.name)
        for file in files:
            file.unlink()

    def source(self, name: str) -> Path:
        path = self.scratch / name
        path.write_bytes(os.urandom(40))
        return path

    def read(self, client: int) -> None:
        """Read on and on: what was seen stays, and is whole."""
        be_on_a_host(f"client{client + 1}")
        store, seen, going_on = Store(self.places[client]), {}, self.scratch / "reading"
        for number in itertools.count(1):
            if not going_on.exists():
                return
            try:
                now = {record.file: record for record in store}
                if gone := seen.keys() - now.keys():
                    self.reports.send("trouble", text=f"a reader on client {client + 1}: {len(gone)} gone again")
                seen.update(now)
                if number % _VERIFIED_EVERY:
                    continue
                some = self.chance.sample(list(now.values()), min(_CHECKED, len(now)))
                if failures := store.verify(selection=some).failures:
                    self.reports.send("trouble", text=f"a reader on client {client + 1}: {failures[0]}"[:1000])
            except Exception as error:  # noqa: BLE001 - reported
                self.reports.send("trouble", text=f"a reader on client {client + 1}: {described(error)}")
            finally:
                time.sleep(_READER_PAUSE)

    def look_once(self, client: int, number: int) -> None:
        """Look as a new process does."""
        be_on_a_host(f"client{client + 1}")
        try:
            seen = [record.file for record in Store(self.places[client])]
        except Exception as error:  # noqa: BLE001 - whatever it is, the add has happened
            self.reports.send("trouble", text=f"a new process on client {client + 1}: {described(error)}")
            return
        (self.scratch / f"look-{number}").write_text(json.dumps(seen))
        self.reports.send("seen", number=number)

    # The end.

    def finish(self) -> None:
        """Look from everywhere, in new processes, at once; what is missing may come within the time of caches."""
        self.wait(*self.others)
        self.hear(0)
        self.figures.seconds = round(time.monotonic() - self.begun, 1)
        for wait in _WAITS:
            time.sleep(wait)
            lost, damaged = self.audit_all()
            if not lost:
                break
        self.figures.lost, self.figures.damaged = len(lost), len(damaged)
        names = left_in(self.views[-1])
        self.figures.entries = sum(map(str.isdigit, names))
        self.figures.temporaries = sum(name.count("-") > 1 for name in names)
        self.figures.lag, self.figures.slowest = round(self.figures.lag, 1), round(self.figures.slowest, 1)

    def audit_all(self) -> tuple[set[str], set[str]]:
        """Look from everywhere; return the files that somewhere are lost, and that are damaged."""
        lost, damaged, prints = set(), set(), set()
        for number, place in enumerate(self.views):
            report, begun = self.scratch / f"audit-{number}", time.monotonic()
            report.unlink(missing_ok=True)
            self.wait(self.fork(lambda place=place, report=report: audit(place, report)))
            if not report.exists():
                continue
            found = json.loads(report.read_text())
            gone = {
                ack["file"]
                for ack in self.acked.values()
                if found["records"].get(ack["file"]) != [ack["uuid"], ack["hash"]]
            }
            self.figures.lag = max([self.figures.lag, *(begun - self.acked[file]["at"] for file in gone)])
            lost |= gone
            damaged |= set(found["damaged"])
            prints.add(found["fingerprint"])
            self.figures.untracked = max(self.figures.untracked, found["untracked"])
        self.hear(0)
        if len(prints) > 1 and not lost:
            self.figures.error(f"{len(prints)} fingerprints from {len(self.views)} places")
        return lost, damaged


@dataclass
class Writer:
    """A process that adds: its name, which place it writes to, how many adds it is to do, and has done."""

    name: str
    client: int
    adds: int
    done: int = 0


def prepare(root: Path, plan: argparse.Namespace) -> None:
    """Create the Store, with records in it if asked for."""
    store = Store.create(root, "crowd", sha256=plan.sha256)
    with tempfile.TemporaryDirectory() as name:
        for begin in range(0, plan.preload, 1000):
            files = []
            for number in range(begin, min(begin + 1000, plan.preload)):
                path = Path(name, f"old-{number}")
                path.write_text(f"old {number}")
                files.append((f"E{number % _EVENTS}", f"P{number % 10}", path))
            store.add_files(files)


def appear(root: Path) -> None:
    """Wait until a client sees the new Store."""
    deadline = time.monotonic() + _APPEARS
    while time.monotonic() < deadline:
        try:
            Store(root)
        except (StorageError, OSError):
            time.sleep(0.2)
        else:
            return
    Store(root)


def audit(root: Path, report: Path) -> None:
    """Look at all that is there, and write what was found."""
    store = Store(root)
    verified = store.verify()
    found = {
        "records": {record.file: [record.uuid, record.hash] for record in store},
        "damaged": [check.file for check in verified.failures],
        "untracked": len(verified.untracked),
        "fingerprint": store.fingerprint(),
    }
    report.write_text(json.dumps(found))


def left_in(root: Path) -> list[str]:
    """List the names of what bookkeeping has left: entries, and temporaries (HOST-PID-RANDOM)."""
    home = root / ".manifest"
    return [path.name for folder in (home, home / "recent") for path in folder.iterdir() if path.is_file()]


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", nargs="+", help="the ways to one folder: a mount for each client")
    parser.add_argument("--server", help="one more way to it, which nobody writes through")
    parser.add_argument("--what", default="", help="a name for the figures")
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--readers", type=int, default=1, help="lasting ones, each place")
    parser.add_argument("--adds", type=int, default=25, help="each writer")
    parser.add_argument("--batch", type=int, default=1, help="files an add")
    parser.add_argument("--kills", type=int, default=0, help="writers to kill; another takes over")
    parser.add_argument("--stops", type=int, default=0, help="writers to stop for a while; the others go on meanwhile")
    parser.add_argument("--stopped-for", type=float, default=90, help="seconds; the fence comes after 60")
    parser.add_argument("--no-locks", action="store_true", help="locks of writers do nothing")
    parser.add_argument("--preload", type=int, default=0, help="records that the Store has at the beginning")
    parser.add_argument("--sha256", action="store_true", help="a Store with SHA-256")
    parser.add_argument("--limit", type=float, default=120, help="seconds after which no add is begun (and the stops)")
    parser.add_argument("--look-every", type=float, default=1, help="seconds between new processes that look")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def command(places: Sequence[object], *options: object, server: object = None) -> list[str]:
    """Return what to run for a crowd in `places`, with this Python."""
    view = ["--server", str(server)] if server else []
    return [sys.executable, str(Path(__file__)), *map(str, options), *view, *map(str, places)]


def run(places: Sequence[object], *options: object) -> dict:
    """Run a crowd and return its figures."""
    ended = subprocess.run(command(places, *options), capture_output=True, text=True, check=False)
    assert ended.stdout, ended.stderr
    return json.loads(ended.stdout)


def flaws(figures: dict) -> dict:
    """Return those of a crowd's figures that must be 0 and are not, with the first texts."""
    wrong = {name: figures[name] for name in (*FLAWS, "lag") if figures[name]}
    return wrong and {**wrong, "texts": figures["texts"]}


def main() -> int:
    """Run a crowd and print its figures."""
    scratch = Path(tempfile.mkdtemp(prefix="crowd-"))
    try:
        figures = Crowd(arguments(), scratch).run()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    sys.stderr.writelines(f"{text}\n" for text in figures.texts[:20])
    figures.texts = figures.texts[:5]
    sys.stdout.write(json.dumps(asdict(figures)) + "\n")
    return int(any(getattr(figures, name) for name in FLAWS))


if __name__ == "__main__":
    sys.exit(main())

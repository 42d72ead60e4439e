"""The rows of the table: what is measured, beside what, and what is to be reached."""

from __future__ import annotations

import itertools
import shutil
import statistics
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from . import inputs
from .environments import CORE, OURS, Contestant
from .trials import Race, VoidError, expect, race

MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much of everything; who is expected to need more than `patience` seconds isn't asked."""

    large: int
    adds: int
    records: tuple[int, ...]
    small: int
    big: int
    growth: int
    burst: tuple[int, ...]
    noted: tuple[int, ...]
    rounds: int
    further: int
    patience: float


FULL = Sizes(
    large=512 * MIB,
    adds=1000,
    records=(100, 1000, 10_000, 100_000, 1_000_000),
    small=2000,
    big=256 * MIB,
    growth=10_000,
    burst=(1000, 100_000, 1_000_000),
    noted=(100_000, 1_000_000),
    rounds=3,
    further=8,
    patience=100,
)
QUICK = Sizes(
    large=64 * MIB,
    adds=100,
    records=(100, 1000, 10_000),
    small=200,
    big=32 * MIB,
    growth=1000,
    burst=(1000, 10_000),
    noted=(10_000,),
    rounds=2,
    further=0,
    patience=10,
)


@dataclass(kw_only=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    what, beside : str
        What was measured, and beside what.
    limit, value : float
        What is to be reached at most, and what was; of the same `unit`.
    seconds : dict
        Median seconds of all that took part.
    spread : list of float
        The value of each round.
    void : dict
        Whose figures don't count, and why.
    """

    what: str
    beside: str
    limit: float
    value: float
    unit: str = "x"
    spread: list[float] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    void: dict[str, str] = field(default_factory=dict)
    note: str = ""

    @property
    def met(self) -> bool:
        """Whether it was reached."""
        return self.value <= self.limit

    def plain(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self) | {"met": self.met}


@dataclass(kw_only=True)
class Bench:
    """The contestants, the folder to work in, and how much to do."""

    peers: dict[str, Contestant]
    work: Path
    sizes: Sizes
    _numbers: Iterator[int] = field(default_factory=itertools.count, init=False)

    def fresh(self, name: str) -> Path:
        """Return the path of a folder that wasn't there before, below the one to work in.

        Many small files that a trial leaves had better stay there until the end: where ext4 has no journal, to make a
        file takes the longer the more files were removed in the last minutes.
        """
        return self.work / f"{name}-{next(self._numbers)}"

    def adding(
        self, names: list[str], operation: str, hashes: list[str], **arguments: Any
    ) -> dict[str, Callable[[int], Any]]:
        """Return trials that add into a new folder, which is looked at."""

        def trial(name: str) -> Callable[[int], Any]:
            def run(_: int) -> dict[str, Any]:
                root = self.fresh("add")
                done = self.peers[name].run(operation, root=root, **arguments)
                expect(done, hashes)
                if len(hashes) == 1:
                    shutil.rmtree(root)
                return done

            return run

        return {name: trial(name) for name in names}


def row(found: Race, what: str, limit: float, beside: tuple[str, ...], called: str) -> Row:
    """Make a row of a race: the median, over the rounds, of our seconds over those of the slowest of `beside`."""
    ratios = found.ratios(OURS, *beside)
    value = statistics.median(ratios) if ratios else float("nan")
    return Row(
        what=what,
        beside=called,
        limit=limit,
        value=value,
        spread=ratios,
        seconds=found.medians(),
        void=found.void,
    )


def size_of(count: int) -> str:
    """Spell a number of bytes."""
    return f"{count // MIB} MiB" if count >= MIB else f"{count // 1024} KiB"


def large(bench: Bench) -> Iterator[Row]:
    """Add one large file, and look at the memory that it takes."""
    size = bench.sizes.large
    path = inputs.make_file(bench.work / "large", size, 1)
    digest = inputs.md5(path)
    names = [OURS, "asimov 0.8.0", "disk-objectstore", "dvc-data", "bagit"]
    limits = bench.peers[CORE]

    def write(_: int) -> dict[str, Any]:
        target = bench.work / "written"
        target.unlink(missing_ok=True)
        done = limits.run("write", path=path, destination=target)
        target.unlink()
        expect(done | {"hashes": [done["hash"]]}, [digest])
        return done

    trials = {
        "MD5 alone": lambda _: limits.run("digest", path=path),
        "write + fsync alone": write,
        **bench.adding(names, "add_large", [digest], path=path),
    }
    beside = ("MD5 alone", "write + fsync alone")
    found = race(trials, bench.sizes.rounds, compared=(OURS, *beside), further=bench.sizes.further)
    yield row(
        found,
        f"add one {size_of(size)} file, durable",
        1.15,
        beside,
        "the slower of MD5 alone and write + fsync alone",
    )
    memory = {name: found.median(name, "memory") for name in names}
    yield Row(
        what=f"memory of adding a {size_of(size)} file",
        beside="above an idle import",
        limit=64,
        unit="MiB",
        value=(memory[OURS] or float("nan")) / MIB,
        seconds={name: value / MIB for name, value in memory.items() if value},
    )
    path.unlink()


def many(bench: Bench) -> Iterator[Row]:
    """Add small files, one by one and at once."""
    count, rounds = bench.sizes.adds, bench.sizes.rounds
    folder = inputs.make_files(bench.work / "many", count, 4096)
    hashes = [inputs.md5(path) for path in sorted(folder.iterdir())]
    names = [OURS, "asimov 0.8.0", "disk-objectstore", "dvc-data"]
    found = race(
        bench.adding(names, "add_each", hashes, folder=folder),
        rounds,
        once=frozenset({"asimov 0.8.0"}),
        compared=(OURS, "disk-objectstore"),
        further=bench.sizes.further,
    )
    what = f"{count:,} adds of 4 KiB, one by one, durable, each in manifest.yaml when it returns"
    yield row(found, what, 3, ("disk-objectstore",), "disk-objectstore, loose, fsynced, one by one")

    def copied(sync: str) -> Callable[[int], Any]:
        def run(_: int) -> dict[str, Any]:
            target = bench.fresh("copied")
            done = bench.peers[CORE].run("copy_and_sum", folder=folder, destination=target, sync=sync)
            expect(done, hashes)
            return done

        return run

    each, whole = "cp, md5sum, sync FOLDER and files", "cp, md5sum, sync -f FOLDER"
    trials = bench.adding([OURS, "disk-objectstore", "dvc-data", "bagit"], "add_batch", hashes, folder=folder)
    trials |= {each: copied("each"), whole: copied("-f")}
    found = race(trials, rounds, compared=(OURS, each), further=bench.sizes.further)
    result = row(
        found,
        f"the same {count:,} as one add_files",
        1,
        (each,),
        "`cp` of all, `md5sum` of all, `sync` of the folder and its files",
    )
    other = statistics.median(found.ratios(OURS, whole) or [float("nan")])
    result.note = f"{other:.2f} x beside `sync -f` (one syncfs of the whole file system, others' data too)"
    yield result


def tabulate(bench: Bench) -> Iterator[Row]:
    """Make a frame of all records."""
    count = min(100_000, bench.sizes.records[-1])
    root = bench.fresh("tabulate")
    inputs.make_store(root, count, inputs.make_file(bench.work / "one", 4096, 7))
    found = race({OURS: lambda _: bench.peers[OURS].run("tabulate", root=root, times=5)}, min(3, bench.sizes.rounds))
    ratios = found.values(OURS, "ratio")
    seconds = {
        OURS: found.median(OURS),
        "pandas.DataFrame": found.median(OURS, "beside"),
        "first call": found.median(OURS, "first"),
    }
    yield Row(
        what=f"to_frame(stat=False), {count:,} records, in process",
        beside="pandas.DataFrame of ready tuples",
        limit=2,
        value=statistics.median(ratios) if ratios else float("nan"),
        spread=ratios,
        void=found.void,
        seconds={name: value for name, value in seconds.items() if value is not None},
    )
    shutil.rmtree(root)


def verify(bench: Bench) -> Iterator[Row]:
    """Verify many small files and a few big ones, all of them warm."""
    for count, size, batch in ((bench.sizes.small, 256 * 1024, 64), (4, bench.sizes.big, 1)):
        folder = inputs.make_files(bench.work / "verify", count, size)
        yield _verify(bench, folder, count, size, batch)
        for root in bench.work.glob("verify*"):
            shutil.rmtree(root) if root.is_dir() else root.unlink()


def _verify(bench: Bench, folder: Path, count: int, size: int, batch: int) -> Row:
    digests = {path: inputs.md5(path) for path in sorted(folder.iterdir())}
    folder.with_name("verify.md5").write_text("".join(f"{digest}  {path}\n" for path, digest in digests.items()))
    registry = folder.with_name("verify.registry")
    registry.write_text("".join(f"{path.name} md5:{digest}\n" for path, digest in digests.items()))
    beside = "xargs -P2 md5sum"

    def md5sum(_: int) -> dict[str, Any]:
        return bench.peers[CORE].run("verify", folder=folder, batch=batch)

    trials = {name: _verifying(bench, name, folder, size) for name in (OURS, *_FILLED_BY, "pooch")}
    trials[beside] = _noticing(md5sum, folder, size)
    found = race(trials, bench.sizes.rounds, compared=(OURS, beside), further=bench.sizes.further)
    return row(found, f"verify {count:,} x {size_of(size)}, warm", 1.1, (beside,), f"`xargs -P2 -n{batch} md5sum`")


_FILLED_BY = {
    OURS: "add_batch",
    "asimov 0.8.0": "add_each",
    "disk-objectstore": "add_each",
    "dvc-data": "add_batch",
    "bagit": "add_batch",
}


def _verifying(bench: Bench, name: str, folder: Path, size: int) -> Callable[[int], Any]:
    peer = bench.peers[name]
    root = bench.fresh(f"verify-{name.split(maxsplit=1)[0]}") if name in _FILLED_BY else folder
    verifying = _noticing(lambda _: peer.run("verify", root=root), root, size)

    def run(number: int) -> dict[str, Any]:
        if not root.exists():
            peer.run(_FILLED_BY[name], root=root, folder=folder)
        return verifying(number)

    return run


def _noticing(trial: Callable[[int], Any], folder: Path, size: int) -> Callable[[int], Any]:
    """Void a verification that finds fault with sound files of this size, or none with a flipped bit in one of them."""

    def run(number: int) -> dict[str, Any]:
        done: dict[str, Any] = trial(number)
        if not done["ok"]:
            raise VoidError("it finds fault with sound files")
        if number == 0:
            victim = next(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size == size)
            inputs.flip(victim)
            noticed = not trial(number)["ok"]
            inputs.flip(victim)
            if not noticed:
                raise VoidError("it doesn't notice a flipped bit")
        return done

    return run


def starting(bench: Bench) -> Iterator[Row]:
    """Start: import the package, and ask the command for its version."""
    ours = bench.peers[OURS]
    commands = {
        "empty interpreter": ["-c", "pass"],
        "import asimov.storage": ["-c", "import asimov.storage"],
        "locutus --version": ["-m", "asimov.storage", "--version"],
    }
    locutus = shutil.which("locutus", path=str(ours.python.parent))

    def timed(name: str) -> Callable[[int], Any]:
        command = [str(ours.python), *commands[name]]
        if name.startswith("locutus") and locutus:
            command = [locutus, "--version"]
        return lambda _: {"seconds": ours.seconds(command)[0]}

    found = race({name: timed(name) for name in commands}, 7 * bench.sizes.rounds)
    for name, limit in (("import asimov.storage", 5.0), ("locutus --version", 8.0)):
        ratios = found.ratios(name, "empty interpreter")
        yield Row(
            what=f"`{name}`",
            beside="an empty interpreter",
            limit=limit,
            spread=ratios,
            seconds=found.medians(),
            value=statistics.median(ratios) if ratios else float("nan"),
            void=found.void,
        )


def growth(bench: Bench) -> Iterator[Row]:
    """Add many files one by one into an empty Store, and compare the last adds with the first."""
    count, step = bench.sizes.growth, bench.sizes.growth // 10

    def trial(_: int) -> dict[str, Any]:
        return bench.peers[OURS].run("grow", root=bench.fresh("grow"), count=count, step=step)

    found = race({OURS: trial}, min(3, bench.sizes.rounds))
    own = {
        name: [done[name]["seconds"] - done[name]["beside"] for done in found.results[OURS]]
        for name in ("first", "last")
    }
    ratios = [last / first for first, last in zip(own["first"], own["last"], strict=True)]
    yield Row(
        what=f"{count:,} adds into an empty Store, one by one: the last {step:,}",
        beside=f"the first {step:,} of another, in turns; a durable write of the manifest's bytes subtracted from both",
        limit=2,
        spread=ratios,
        seconds={name: statistics.median(values) for name, values in own.items() if values},
        void=found.void,
        value=statistics.median(ratios) if ratios else float("nan"),
    )


def bursts(bench: Bench) -> Iterator[Row]:
    """Add in quick succession, from one process and from eight, to Stores of few records and of many."""
    source = inputs.make_file(bench.work / "burst", 64, 9)
    roots = {f"{count:,} records": bench.fresh("burst") for count in bench.sizes.burst}
    for root, count in zip(roots.values(), bench.sizes.burst, strict=True):
        inputs.make_store(root, count, source)
    small, *large = roots
    jobs = (
        ("bursts", "one of {0} adds in a burst", {"adds": 300}, large, (2, 3)),
        ("crowd", "8 processes x {0} adds at once", {"adds": 50, "processes": 8}, large[:1], (5,)),
    )
    for operation, called, more, compared, limits in jobs:

        def trial(number: int, operation: str = operation, more: dict[str, int] = more) -> dict[str, Any]:
            names = list(roots) if operation == "bursts" else [small, large[0]]
            turned = names[number % len(names) :] + names[: number % len(names)]
            chosen = {name: str(roots[name]) for name in turned}
            return bench.peers[OURS].run(operation, roots=chosen, **more)

        found = race({OURS: trial}, bench.sizes.rounds)
        for name, limit in zip(compared, limits, strict=False):
            ratios = [done["seconds"][name] / done["seconds"][small] for done in found.results[OURS]]
            yield Row(
                what=f"{called.format(more['adds'])}, at {name}",
                beside=f"at {small}, in turns",
                limit=limit,
                spread=ratios,
                seconds={n: statistics.median(d["seconds"][n] for d in found.results[OURS]) for n in (small, name)},
                void=found.void,
                value=statistics.median(ratios) if ratios else float("nan"),
            )
    for root in roots.values():
        shutil.rmtree(root)


def notes(bench: Bench) -> Iterator[Row]:
    """Open, grow and go through Stores of many records, of which none, a tenth or all have a further key."""
    source = inputs.make_file(bench.work / "noted", 64, 10)
    variants = {"none": 0, "a tenth": 10, "all": 1}
    for count in bench.sizes.noted:
        roots = {name: bench.fresh("noted") for name in variants}
        for name, noted in variants.items():
            inputs.make_store(roots[name], count, source, noted)
        yield from _noted(bench, count, roots, source, "as another program wrote it", ("open_noted", "list_noted"))
        for root in roots.values():
            bench.peers[OURS].run("add_last", root=root, path=source)
        yield from _noted(bench, count, roots, source, "as we wrote it", ("open_noted", "add_noted", "list_noted"))
        for root in roots.values():
            shutil.rmtree(root)


def _noted(
    bench: Bench, count: int, roots: dict[str, Path], source: Path, how: str, operations: tuple[str, ...]
) -> Iterator[Row]:
    called = {
        "open_noted": "opening, and one look-up",
        "add_noted": "opening, and one add",
        "list_noted": "all records",
    }
    for operation in operations:
        more = {"path": source} if operation == "add_noted" else {}

        def trial(number: int, operation: str = operation, more: dict[str, Path] = more) -> dict[str, Any]:
            turned = [*roots][number % len(roots) :] + [*roots][: number % len(roots)]
            done = {name: bench.peers[OURS].run(operation, root=roots[name], **more) for name in turned}
            return {"seconds": {name: each["seconds"] for name, each in done.items()}}

        found = race({OURS: trial}, 3 * bench.sizes.rounds)
        for name, limit in (("a tenth", 1.3), ("all", 2)):
            ratios = [done["seconds"][name] / done["seconds"]["none"] for done in found.results[OURS]]
            yield Row(
                what=f"{called[operation]}, at {count:,} records, {how}, {name} with a further key",
                beside="without any, in turns",
                limit=limit,
                spread=ratios,
                seconds={n: statistics.median(d["seconds"][n] for d in found.results[OURS]) for n in ("none", name)},
                void=found.void,
                value=statistics.median(ratios) if ratios else float("nan"),
            )

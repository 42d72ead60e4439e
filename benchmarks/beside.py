"""``python -m benchmarks.beside COMMIT``: the rows that an earlier commit has too, both versions in turns."""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import inputs
from .curves import _CODE, OURS
from .environments import JobError
from .table import MIB, size_of
from .trials import Race, VoidError, race

ROOT = Path(__file__).parents[1]
NOW = "now"


@dataclass(frozen=True, kw_only=True)
class Version:
    """A checkout: its package and its own job script, in this interpreter."""

    tree: Path

    def environment(self) -> dict[str, str]:
        """Return the variables with which this version is imported."""
        return os.environ | {"PYTHONPATH": str(self.tree / "src"), "PYTHONDONTWRITEBYTECODE": ""}

    def command(self, *arguments: str) -> float:
        """Return the wall time of one Python process, in seconds."""
        measured = "import subprocess, sys, time; a = time.perf_counter(); subprocess.run(sys.argv[1:], check=True, "
        measured += "stdout=subprocess.DEVNULL); print(time.perf_counter() - a)"
        return float(self._output(sys.executable, "-c", measured, sys.executable, *arguments))

    def run(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """Run one operation of the version's job script, and return what that printed."""
        script = self.tree / "benchmarks" / "jobs" / "ours.py"
        text = self._output(sys.executable, str(script), operation, json.dumps(arguments, default=str))
        result: dict[str, Any] = json.loads(text.splitlines()[-1])
        return result

    def _output(self, *command: str) -> str:
        done = subprocess.run(command, capture_output=True, text=True, env=self.environment(), check=False)
        if done.returncode:
            raise JobError(f"{self.tree}: {done.stderr.strip().splitlines()[-1:]}")
        return done.stdout


class Pair:
    """Two versions, and a folder to work in."""

    def __init__(self, versions: dict[str, Version], work: Path, rounds: int) -> None:
        self.versions, self.work, self.rounds = versions, work, rounds

    def race(self, trial: Callable[[Version, Path], float], rounds: int | None = None) -> Race:
        """Race the versions; `trial` is called with one of them and the name of a folder that isn't there yet."""
        numbers = iter(range(10_000))

        def run(version: Version) -> dict[str, Any]:
            folder = self.work / f"trial-{next(numbers)}"
            seconds = trial(version, folder)
            if folder.exists():
                shutil.rmtree(folder)
            return {"seconds": seconds}

        trials = {name: lambda _, version=version: run(version) for name, version in self.versions.items()}
        return race(trials, rounds or self.rounds)


def starting(pair: Pair) -> Iterator[tuple[str, Race]]:
    """Import the package; ask the command for its version."""
    for called, arguments in (
        ("import asimov.storage", ("-c", "import asimov.storage")),
        ("locutus --version", ("-m", "asimov.storage", "--version")),
    ):
        yield called, pair.race(lambda version, _, arguments=arguments: version.command(*arguments), 8 * pair.rounds)


def adding(pair: Pair) -> Iterator[tuple[str, Race]]:
    """Add one large file, and many small ones."""
    large = inputs.make_file(pair.work / "large", 512 * MIB, 1)
    yield (
        "add one 512 MiB file",
        pair.race(lambda version, root: _seconds(version.run("add_large", root=root, path=large))),
    )
    large.unlink()
    folder = inputs.make_files(pair.work / "many", 1000, 4096)
    for called, operation in (
        ("1,000 adds of 4 KiB, one by one", "add_each"),
        ("1,000 of 4 KiB, one add_files", "add_batch"),
    ):
        trial = _operation(operation, folder=folder)
        yield called, pair.race(trial)


def records(pair: Pair) -> Iterator[tuple[str, Race]]:
    """Add to Stores of many records, and fetch from them in a new process."""
    source = inputs.make_file(pair.work / "one", 4096, 7)
    for count in (100_000, 1_000_000):
        yield from _of_many(pair, count, source)


def _of_many(pair: Pair, count: int, source: Path) -> Iterator[tuple[str, Race]]:
    roots = {version: pair.work / f"records-{name}" for name, version in pair.versions.items()}
    for version, root in roots.items():
        inputs.make_store(root, count, source)
        version.run("add_last", root=root, path=source)
    yield (
        f"one add, in manifest.yaml, at {count:,} records",
        pair.race(lambda version, _: version.run("add_one", root=roots[version], path=source, times=8)["seconds"]),
    )
    yield (
        f"a fetch by a new process, at {count:,} records",
        pair.race(lambda version, _: version.command("-c", _CODE[OURS], str(roots[version])), 3 * pair.rounds),
    )
    for root in roots.values():
        shutil.rmtree(root)


def frames(pair: Pair) -> Iterator[tuple[str, Race]]:
    """Make a frame of 100,000 records."""
    root = pair.work / "tabulate"
    inputs.make_store(root, 100_000, inputs.make_file(pair.work / "two", 4096, 7))
    yield (
        "to_frame(stat=False), 100,000 records",
        pair.race(lambda version, _: _seconds(version.run("tabulate", root=root, times=5))),
    )
    shutil.rmtree(root)


def growing(pair: Pair) -> Iterator[tuple[str, Race]]:
    """Add 3,000 files, one by one, into an empty Store: the last tenth."""
    yield (
        "3,000 adds, one by one: the last 300",
        pair.race(lambda version, root: version.run("grow", root=root, count=3000, step=300)["last"]["seconds"]),
    )


def verifying(pair: Pair) -> Iterator[tuple[str, Race]]:
    """Verify many small files and a few large ones."""
    for count, size in ((2000, 256 * 1024), (4, 256 * MIB)):
        folder, root = inputs.make_files(pair.work / "files", count, size), pair.work / "verify"
        pair.versions[NOW].run("add_batch", root=root, folder=folder)
        shutil.rmtree(folder)
        yield (
            f"verify {count:,} x {size_of(size)}, warm",
            pair.race(lambda version, _, root=root: _verified(version.run("verify", root=root)), 2 * pair.rounds),
        )
        shutil.rmtree(root)


def _operation(operation: str, **arguments: Any) -> Callable[[Version, Path], float]:
    return lambda version, root: _seconds(version.run(operation, root=root, **arguments))


def _verified(done: dict[str, Any]) -> float:
    if not done["ok"]:
        raise VoidError("it finds fault with sound files")
    return _seconds(done)


def _seconds(done: dict[str, Any]) -> float:
    return float(done["seconds"])


PARTS = {
    "start": starting,
    "add": adding,
    "records": records,
    "frame": frames,
    "growth": growing,
    "verify": verifying,
}


def main(arguments: list[str] | None = None) -> int:
    """Print a table: both versions' median seconds, and the median of the rounds' ratios."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.beside", description=__doc__)
    parser.add_argument("commit", help="the commit to measure beside")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", type=Path, default=None, help="a folder on the disk to measure")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=options.work) as work:
        tree = _checkout(options.commit, Path(work) / "then")
        versions = {NOW: Version(tree=ROOT), options.commit: Version(tree=tree)}
        pair = Pair(versions, Path(work), options.rounds)
        print(f"| what | now, s | {options.commit}, s | ratio | rounds |\n| --- | ---: | ---: | ---: | --- |")
        for part in options.only:
            for called, found in PARTS[part](pair):
                print(_line(called, found, options.commit), flush=True)
    return 0


def _checkout(commit: str, folder: Path) -> Path:
    archive = subprocess.run(
        ["git", "archive", commit, "src", "benchmarks"], cwd=ROOT, capture_output=True, check=True
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    return folder


def _line(called: str, found: Race, commit: str) -> str:
    if found.void:
        return f"| {called} | void: {found.void} |"
    ratios = found.ratios(NOW, commit)
    rounds = f"{min(ratios):.2f}-{max(ratios):.2f}"
    now, then = found.median(NOW), found.median(commit)
    return f"| {called} | {now:.4f} | {then:.4f} | {statistics.median(ratios):.2f} x | {rounds} |"


if __name__ == "__main__":
    sys.exit(main())

"""Time against the number of records: one add into an open Store, and a fetch by a new process."""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from . import inputs
from .environments import CORE, OURS, Contestant, JobError
from .table import Bench, Row
from .trials import Race, VoidError, race

CHECKED = 1000
"""Up to so many records each fetch must show that it notices a flipped bit; with more it does the same."""
INDEXED = 100_000
"""Up to so many records the peers with an SQLite index take part: filling one takes minutes."""

SHORT = 5.0
"""Seconds: who needs longer for one trial has one."""

_OURS = """
import sys
from asimov.storage import Store
print(Store(sys.argv[1]).fetch_file("bench", "one", "file"))
"""
_DVC = """
import sys
from dvc_data.hashfile.db.local import LocalHashFileDB
from dvc_data.hashfile.hash import hash_file
from dvc_data.index import DataIndex
from dvc_objects.fs.local import localfs
entry = DataIndex.open(sys.argv[1] + "/index.db")["bench", "one", "file"]
path = LocalHashFileDB(localfs, sys.argv[1] + "/objects").oid_to_path(entry.hash_info.value)
if hash_file(path, localfs, "md5")[1] != entry.hash_info:
    sys.exit("corrupt")
print(path)
"""
_OBJECTSTORE = """
import hashlib, sys
from disk_objectstore import Container
with Container(sys.argv[1]).get_object_stream(sys.argv[2]) as stream:
    content = stream.read()
if hashlib.sha256(content).hexdigest() != sys.argv[2]:
    sys.exit("corrupt")
"""
_POOCH = """
import sys
import pooch
kept = pooch.create(path=sys.argv[1], base_url="https://example.invalid/", allow_updates=False)
kept.load_registry(sys.argv[1] + ".registry")
print(kept.fetch("data/one"))
"""
_BAGIT = """
import hashlib, sys
import bagit
path = sys.argv[1] + "/data/one"
with open(path, "rb") as file:
    digest = hashlib.file_digest(file, "md5").hexdigest()
if digest != bagit.Bag(sys.argv[1]).entries["data/one"]["md5"]:
    sys.exit("corrupt")
print(path)
"""
_CORE = 'cd "$1" && grep -F "  data/one" manifest-md5.txt | md5sum -c --quiet - && echo "$1/data/one"'
_CODE = {
    OURS: _OURS,
    "asimov 0.8.0": _OURS,
    "dvc-data": _DVC,
    "disk-objectstore": _OBJECTSTORE,
    "pooch": _POOCH,
    "bagit": _BAGIT,
}


class Filled:
    """Every contestant's store of `count` records, made once."""

    def __init__(self, bench: Bench, count: int, left: set[str]) -> None:
        self.bench, self.count = bench, count
        self.source = bench.work / "one"
        if not self.source.exists():
            inputs.make_file(self.source, 4096, 7)
        self.roots = {name: bench.fresh(f"filled-{name.split(maxsplit=1)[0]}") for name in left}
        self.victims: dict[str, Path] = {}
        self.key = ""
        for name, root in self.roots.items():
            self._fill(name, root)

    def _fill(self, name: str, root: Path) -> None:
        if name in {OURS, "asimov 0.8.0"}:
            by_uuid = inputs.make_store(root, self.count, self.source)
            self.victims[name] = by_uuid if name == OURS else by_uuid.with_name("file")
            if name == OURS:
                # As in any Store that was filled by adding, the manifest is left by an add, with its seal.
                self.bench.peers[name].run("add_last", root=root, path=self.source)
        elif name in {"pooch", "bagit", CORE}:
            self.victims[name] = inputs.make_sums(root, self.count, self.source)
        else:
            done = self.bench.peers[name].run("fill", root=root, count=self.count, path=self.source)
            self.key = done.get("key", self.key)
            wanted, objects = self.source.read_bytes(), (path for path in root.rglob("*") if path.is_file())
            self.victims[name] = next(path for path in objects if path.read_bytes() == wanted)

    def command(self, name: str) -> list[str]:
        """Return the whole process that fetches the one file."""
        if name == CORE:
            return ["sh", "-c", _CORE, "sh", str(self.roots[name])]
        return [str(self.bench.peers[name].python), "-c", _CODE[name], str(self.roots[name]), self.key]

    def remove(self) -> None:
        """Remove all of them."""
        for root in self.roots.values():
            shutil.rmtree(root)


def measure(bench: Bench) -> tuple[list[Row], dict[str, Any]]:
    """Return the rows, and for the plots ``{"add" | "fetch": {contestant: {records: seconds}}}``."""
    adders = {OURS, "asimov 0.8.0", "disk-objectstore", "dvc-data", CORE}
    left = {*_CODE, CORE}
    rows: list[Row] = []
    curves: dict[str, dict[str, dict[int, float]]] = {"add": {}, "fetch": {}}
    for count in bench.sizes.records:
        if count > INDEXED:
            left -= {"disk-objectstore", "dvc-data"}
        filled = Filled(bench, count, left)
        fetched = _fetch(filled, _slow(curves["fetch"]))
        added = _add(filled, adders & left, _slow(curves["add"]))
        filled.remove()
        for kind, found in (("add", added), ("fetch", fetched)):
            for name, seconds in found.medians().items():
                curves[kind].setdefault(name, {})[count] = seconds
                if seconds * 10 > bench.sizes.patience:
                    left.discard(name)
        rows += _rows(count, fetched, added, curves["fetch"].get(OURS, {}))
    return rows, curves


def _slow(lines: dict[str, dict[int, float]]) -> frozenset[str]:
    """Name those whose next trial, with ten times as many records, may take long: one is enough."""
    return frozenset(name for name, line in lines.items() if name != OURS and list(line.values())[-1] > SHORT / 10)


def _fetch(filled: Filled, slow: frozenset[str]) -> Race:
    def trial(name: str) -> Callable[[int], Any]:
        return lambda number: _above_empty(filled, name, number)

    rounds = 2 * filled.bench.sizes.rounds - 1
    return race({name: trial(name) for name in sorted(filled.roots)}, rounds, once=slow)


def _above_empty(filled: Filled, name: str, number: int) -> dict[str, Any]:
    """Time the whole process, less an empty one of the same environment that ran just before."""
    peer = filled.bench.peers[name]
    empty = 0.0 if name == CORE else peer.seconds([str(peer.python), "-c", "pass"])[0]
    seconds, printed = peer.seconds(filled.command(name))
    if printed.strip() and Path(printed.strip()).read_bytes() != filled.source.read_bytes():
        raise VoidError("it gave another file")
    if number == 0 and filled.count <= CHECKED:
        _must_notice(peer, filled, name)
    return {"seconds": seconds - empty}


def _must_notice(peer: Contestant, filled: Filled, name: str) -> None:
    victim = filled.victims[name]
    inputs.flip(victim)
    try:
        peer.seconds(filled.command(name))
    except JobError:
        return
    finally:
        inputs.flip(victim)
    raise VoidError("it doesn't notice a flipped bit")


def _add(filled: Filled, names: set[str], slow: frozenset[str]) -> Race:
    def trial(name: str) -> Callable[[int], Any]:
        def run(_: int) -> dict[str, Any]:
            times = 1 if name == "asimov 0.8.0" else 5
            return filled.bench.peers[name].run("add_one", root=filled.roots[name], path=filled.source, times=times)

        return run

    return race({name: trial(name) for name in sorted(names)}, filled.bench.sizes.rounds, once=slow)


def _rows(count: int, fetched: Race, added: Race, ours: dict[int, float]) -> Iterator[Row]:
    limits = {100_000: 0.060, 1_000_000: 0.6}
    if count in limits:
        yield from _add_rows(count, added, limits[count])
    if count == 100_000:
        ratios = fetched.ratios(OURS, "dvc-data")
        yield Row(
            what=f"a new process to a verified path, {count:,} records, above an empty interpreter",
            limit=1,
            beside="dvc-data's equivalent",
            value=statistics.median(ratios),
            spread=ratios,
            seconds=fetched.medians(),
            void=fetched.void,
        )
    if count == 1_000_000:
        yield Row(
            what=f"the same at {count:,}",
            beside="ours at 100,000",
            limit=6,
            value=ours[count] / ours[100_000],
            seconds=fetched.medians(),
            void=fetched.void,
        )


def _add_rows(count: int, added: Race, limit: float) -> Iterator[Row]:
    own, ratios = added.values(OURS, "own"), added.values(OURS, "ratio")
    bare = added.median(OURS, "beside") or float("nan")
    seconds = added.medians() | {
        "write, fsync, rename": bare,
        "first add of a process": added.median(OURS, "first") or bare,
    }
    what = f"one add into an open Store of {count:,} records"
    note = f"processor time {1e3 * (added.median(OURS, 'processor') or 0):.0f} ms"
    yield Row(
        what=f"{what}: our own work",
        beside="on this class of machine",
        limit=limit * 1e3,
        unit="ms",
        value=1e3 * statistics.median(own),
        spread=[1e3 * each for each in own],
        seconds=seconds,
        void=added.void,
        note=note,
    )
    yield Row(
        what=what,
        beside="writing, fsyncing and renaming that many bytes",
        limit=4,
        value=statistics.median(ratios),
        spread=ratios,
        seconds=seconds,
        void=added.void,
    )

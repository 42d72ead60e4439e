"""``python -m benchmarks``: set up the peers, run all of them and ours in turn, write the table and the plots."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from . import curves, plots, report, table
from .environments import contestants

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".nox" / "bench-peers"
PARTS: dict[str, Callable[[table.Bench], Iterable[table.Row]]] = {
    "start": table.starting,
    "large": table.large,
    "many": table.many,
    "frame": table.tabulate,
    "bursts": table.bursts,
    "notes": table.notes,
    "growth": table.growth,  # before what removes many files: see Bench.fresh
    "verify": table.verify,
}


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmarks."""
    options = _options(arguments)
    peers = contestants(options.cache)
    options.work.mkdir(parents=True, exist_ok=True)
    sizes = table.QUICK if options.quick else table.FULL
    rows: list[table.Row] = []
    lines: dict[str, dict[str, dict[int, float]]] = {"add": {}, "fetch": {}}
    with tempfile.TemporaryDirectory(dir=options.work) as work:
        bench = table.Bench(peers=peers, work=Path(work), sizes=sizes)
        wanted = [part for part in (*PARTS, "records") if part in options.only]
        for number, part in enumerate(wanted, start=1):
            if part == "records":
                found, lines = _announced(part, lambda: curves.measure(bench))
            else:
                found = _announced(part, lambda part=part: list(PARTS[part](bench)))
            rows += found
            # What a run that is broken off has found is written, too.
            _write(options.output, rows, lines, quick=options.quick, missing=wanted[number:])
    missed = [row.what for row in rows if not row.met]
    print(f"{len(rows) - len(missed)} of {len(rows)} rows met; {options.output / 'index.md'}")
    return 0


def _write(
    output: Path,
    rows: list[table.Row],
    lines: dict[str, dict[str, dict[int, float]]],
    *,
    quick: bool,
    missing: list[str],
) -> None:
    report.write(output, rows, lines, quick=quick, missing=missing)
    plots.records(output / "records.svg", lines)
    plots.throughput(output / "throughput.svg", rows)


def _announced(part: str, measure: Callable[[], Any]) -> Any:
    start = time.perf_counter()
    print(f"{part} ...", file=sys.stderr, flush=True)
    found = measure()
    for row in found[0] if isinstance(found, tuple) else found:
        print(f"  {row.what}: {row.value:.3g} {row.unit}, to reach {row.limit:g}", file=sys.stderr)
    print(f"  ({time.perf_counter() - start:.0f} s)", file=sys.stderr, flush=True)
    return found


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, few rounds: two minutes")
    parser.add_argument("--only", nargs="+", choices=[*PARTS, "records"], default=[*PARTS, "records"])
    parser.add_argument("--output", type=Path, help="docs/benchmarks, or build/benchmarks if not whole")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where the peers' environments are kept")
    parser.add_argument("--work", type=Path, default=CACHE / "work", help="a folder on the disk to measure")
    options = parser.parse_args(arguments)
    whole = not options.quick and len(options.only) == len(PARTS) + 1
    options.output = options.output or ROOT / ("docs/benchmarks" if whole else "build/benchmarks")
    return options


if __name__ == "__main__":
    sys.exit(main())

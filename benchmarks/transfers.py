"""What `uploads` and `downloads` share: a page and a kernel to measure in, rounds, and their table."""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "browser"))
from harness import CHROMIUM_OPTIONS, Notebook, Server, chromium, opening

__all__ = [
    "BROWSER",
    "LONG",
    "MIB",
    "Figures",
    "Notebook",
    "Server",
    "in_turns",
    "measured",
    "notebook",
    "opening",
    "page_of_lab",
    "ratio",
    "run",
    "table",
]

MIB = 2**20
LONG = 600_000  # ms
BROWSER = "JupyterLab's file browser"
_MEMORY = "[int(line.split()[1]) for line in open('/proc/self/status') if line.startswith('{}')][0] * 1024"
_RESET = "open('/proc/self/clear_refs', 'w').write('5')"


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one run took: MB/s, and MiB of the kernel's memory above what it held before."""

    rate: float
    memory: float


@contextmanager
def page_of_lab(work: Path, *options: str) -> Iterator[tuple[Server, Any]]:
    """Start one JupyterLab and one Chromium below `work`; give the server and a page."""
    with sync_playwright() as playwright:
        server = Server(work / "jupyter", *options)
        try:
            # A profile on the disk, as a user's is: without one, what a page stores is in memory, and little of it.
            context = playwright.chromium.launch_persistent_context(
                work / "profile",
                executable_path=chromium(),
                args=CHROMIUM_OPTIONS,
                downloads_path=work / "downloads",
            )
            yield server, context.new_page()
        finally:
            server.close()


@contextmanager
def notebook(server: Server, page: Any, code: str) -> Iterator[Notebook]:
    """Open a notebook of one cell, and run that."""
    book = Notebook(server, page, server.write((code,)), "lab")
    book.page.set_default_timeout(LONG)
    book.run()
    yield book
    book.close()


def measured(book: Notebook, size: int, transfer: Callable[[], None]) -> Figures:
    """Measure a transfer of `size` bytes, which has ended when `transfer` returns."""
    book.value(_RESET)
    before = book.value(_MEMORY.format("VmRSS"))
    start = time.perf_counter()
    transfer()
    seconds = time.perf_counter() - start
    memory = book.value(_MEMORY.format("VmHWM")) - before
    return Figures(rate=size / seconds / 1e6, memory=memory / MIB)


def in_turns(runs: Mapping[str, Callable[[], Figures]], rounds: int) -> dict[str, list[Figures]]:
    """Let the contestants take turns, each round beginning with another one."""
    found: dict[str, list[Figures]] = {name: [] for name in runs}
    for number in range(rounds):
        names = list(runs)
        first = number % len(names)
        for name in names[first:] + names[:first]:
            figures = runs[name]()
            found[name].append(figures)
            print(f"{name}: {figures.rate:.1f} MB/s, {figures.memory:.0f} MiB", file=sys.stderr, flush=True)
    return found


def ratio(found: Mapping[str, list[Figures]], one: str, other: str) -> float:
    """Compare two rates within each round, and take the median."""
    return statistics.median(a.rate / b.rate for a, b in zip(found[one], found[other], strict=True))


def table(what: str, found: Mapping[str, list[Figures]], *remarks: str) -> str:
    """Write the medians of the rates and the peaks of the memory."""
    rounds = max(map(len, found.values()))
    lines = [
        f"{what}, median of {rounds} rounds (least and most in brackets)",
        "",
        "| through | MB/s | kernel's memory at its peak, above before |",
        "| --- | --- | --- |",
    ]
    for name, runs in found.items():
        rates, memory = sorted(run.rate for run in runs), max(run.memory for run in runs)
        spread = f"{statistics.median(rates):.1f} ({rates[0]:.1f}-{rates[-1]:.1f})"
        lines.append(f"| {name} | {spread} | {memory:.0f} MiB |")
    return "\n".join([*lines, "", *remarks])


def run(name: str, about: str | None, measure: Callable[[Path, int, int], str]) -> int:
    """Read the command's options, call `measure` with a folder, the file's size and the rounds, and print its table."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=(about or "").splitlines()[0])
    parser.add_argument("--size", type=int, default=500, help="of the file, in MiB (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(default: %(default)s)")
    parser.add_argument("--work", type=Path, help="where to put the files: a disk, not memory")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.work) as work:
        print(measure(Path(work), options.size * MIB, options.rounds))
    return 0

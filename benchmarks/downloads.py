"""``python -m benchmarks.downloads``: a file through the Fetcher's Download, beside JupyterLab's file browser.

Both in one JupyterLab and one Chromium (tests/browser/harness.py), in turns. From the click until the browser has saved
the whole file: verified in the kernel, digested again in the page and kept in the browser's private storage on the way
(ours), or streamed by the server as it lies on its disk (the file browser, which verifies nothing). Each has the
kernel's peak memory measured above what it held before.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from asimov.storage import Store

from . import inputs

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "browser"))
from harness import CHROMIUM_OPTIONS, Notebook, Server, chromium, opening

MIB = 2**20
LONG = 600_000  # ms
LEAST = 15  # MB/s

OURS = "Fetcher"
BROWSER = "JupyterLab's file browser"
_FETCHER = """
from asimov.storage.widgets import Fetcher
f = Fetcher(store, "GW150914", "Prod0", "download.bin")
f
"""
_MEMORY = "[int(line.split()[1]) for line in open('/proc/self/status') if line.startswith('{}')][0] * 1024"
_RESET = "open('/proc/self/clear_refs', 'w').write('5')"


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one run took: MB/s, and MiB of the kernel's memory above what it held before."""

    rate: float
    memory: float


class Trial:
    """One page, and the file that comes down: in a Store, and in the server's folder."""

    def __init__(self, server: Server, page: Any, store: Store, path: Path) -> None:
        self.server, self.page, self.store = server, page, store
        self.size, self.md5 = path.stat().st_size, inputs.md5(path)
        store.add_file("GW150914", "Prod0", path)
        self.copy = store.fetch_file("GW150914", "Prod0", path.name, dest=server.root)

    def fetcher(self) -> Figures:
        """Download it with the widget."""
        book = self._notebook(opening(self.store) + _FETCHER)
        widget = book.widget()
        widget.get_by_role("button", name="Fetch", exact=True).click()
        button = widget.get_by_role("button", name="Download", exact=True)
        button.wait_for(timeout=LONG)
        found = self._measured(book, button.click)
        widget.get_by_text("✓ Downloaded").wait_for()
        book.close()
        return found

    def file_browser(self) -> Figures:
        """Download it from the file browser."""
        book = self._notebook("1")
        item = book.page.locator(".jp-DirListing-item", has_text=self.copy.name)
        item.click(button="right")
        entry = book.page.locator(".lm-Menu-itemLabel", has_text="Download").first
        found = self._measured(book, entry.click)
        book.close()
        return found

    def _notebook(self, code: str) -> Notebook:
        book = Notebook(self.server, self.page, self.server.write((code,)), "lab")
        book.page.set_default_timeout(LONG)
        book.run()
        return book

    def _measured(self, book: Notebook, click: Callable[[], None]) -> Figures:
        book.value(_RESET)
        before = book.value(_MEMORY.format("VmRSS"))
        start = time.perf_counter()
        with book.page.expect_download(timeout=LONG) as download:
            click()
        saved = download.value.path()
        seconds = time.perf_counter() - start
        memory = book.value(_MEMORY.format("VmHWM")) - before
        assert inputs.md5(saved) == self.md5
        download.value.delete()
        return Figures(rate=self.size / seconds / 1e6, memory=memory / MIB)


def main() -> int:
    """Measure, and print a table."""
    options = _options()
    with tempfile.TemporaryDirectory(dir=options.work) as work, sync_playwright() as playwright:
        path = inputs.make_file(Path(work) / "download.bin", options.size * MIB, 1)
        store = Store.create(Path(work) / "store", "Benchmark")
        server = Server(Path(work) / "jupyter")
        try:
            browser = playwright.chromium.launch(
                executable_path=chromium(), args=CHROMIUM_OPTIONS, downloads_path=Path(work) / "downloads"
            )
            found = _rounds(Trial(server, browser.new_context().new_page(), store, path), options.rounds)
        finally:
            server.close()
    print(_table(found, options.size))
    return 0


def _rounds(trial: Trial, rounds: int) -> dict[str, list[Figures]]:
    """Let the two take turns, each round beginning with the other one."""
    runs = {OURS: trial.fetcher, BROWSER: trial.file_browser}
    found: dict[str, list[Figures]] = {name: [] for name in runs}
    for number in range(rounds):
        for name in sorted(runs, reverse=bool(number % 2)):
            figures = runs[name]()
            found[name].append(figures)
            print(f"{name}: {figures.rate:.1f} MB/s, {figures.memory:.0f} MiB", file=sys.stderr, flush=True)
    return found


def _table(found: dict[str, list[Figures]], size: int) -> str:
    lines = [
        f"{size} MiB down, median of {len(found[OURS])} rounds (least and most in brackets)",
        "",
        "| through | MB/s | kernel's memory at its peak, above before |",
        "| --- | --- | --- |",
    ]
    for name, runs in found.items():
        rates, memory = sorted(run.rate for run in runs), max(run.memory for run in runs)
        spread = f"{statistics.median(rates):.1f} ({rates[0]:.1f}-{rates[-1]:.1f})"
        lines.append(f"| {name} | {spread} | {memory:.0f} MiB |")
    return "\n".join([*lines, "", f"{OURS}: to reach {LEAST} MB/s."])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.downloads", description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=500, help="of the file, in MiB (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(default: %(default)s)")
    parser.add_argument("--work", type=Path, help="where to put the files: a disk, not memory")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""``python -m benchmarks.explorer``: the Explorer beside ipydatagrid and itables, over 100,000 records.

In one JupyterLab and one Chromium (tests/browser/harness.py), in turns, each in a notebook whose first cell has opened
the Store (and for the others made the DataFrame). First paint is from the start of the cell that shows the table until
a row is in the page: for the first time in a browser's context, which has to fetch the scripts that JupyterLab loads
for widgets, and again in another notebook of that context. The bytes are those of the websocket until then. A keystroke
is measured for the Explorer alone: the others search in the page or not at all; once with nothing else on the line,
once while an upload runs.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import sys
import tempfile
import time
import uuid
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from asimov.storage import Store

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "browser"))
from harness import CHROMIUM_OPTIONS, Notebook, Server, chromium, opening

OURS = "Explorer"
SHOWN = {
    OURS: ("", "w = store.explore()\nw", "table.asimov-storage-records tbody tr"),
    "ipydatagrid": (
        "import ipydatagrid\nframe = store.to_frame()",
        "ipydatagrid.DataGrid(frame)",
        ".lm-DataGrid-viewport canvas, .p-DataGrid canvas",
    ),
    "itables, all rows": (
        "import itables\nitables.init_notebook_mode(all_interactive=False, connected=False)\nframe = store.to_frame()",
        "itables.show(frame, maxBytes=0)",
        "table.dataTable tbody tr",
    ),
}
_UPLOADER = "from asimov.storage.widgets import Uploader\nUploader(store, 'GW999999', 'Prod0')"
_TYPED = "posterior-0012"
_TYPE = """([text]) => {
    // One character; the time from the event until the page that answers it is painted.
    const root = document.querySelector('.asimov-storage-panel');
    const box = root.querySelector('input[type=search]');
    const body = root.querySelector('tbody');
    return new Promise((resolve) => {
        const start = performance.now();
        const seen = new MutationObserver(() => {
            seen.disconnect();
            requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start)));
        });
        seen.observe(body, { childList: true });
        box.value = text;
        box.dispatchEvent(new Event('input', { bubbles: true }));
    });
}"""
_KERNEL = """
import statistics as _s, time as _t
from asimov.storage.widgets._table import Table as _T, View as _V
def _timed(action):
    start = _t.perf_counter(); action(); return (_t.perf_counter() - start) * 1000
_table = _T(store._contents()); _table.prepare()
_keys = [_timed(lambda n=n: _table.page(_V(search='posterior-0012'[:n]))) for n in range(1, 15)]
_orders = [(c, d) for c in ('production', 'file', 'hash') for d in (True, False)]
_sorts = [_timed(lambda c=c, d=d: _table.page(_V(sort=c, descending=d))) for c, d in _orders]
"""


def make_store(root: Path, records: int) -> Store:
    """Make a Store whose manifest has so many records, without their files: the table never looks at more than 50."""
    store = Store.create(root, "Benchmark")
    lines = ["events:\n"]
    for event in range(100):
        lines.append(f"  GW15{event:04}_{event:06}:\n")
        for production in range(10):
            lines.append(f"    Prod{production}:\n")
            for number in range(event * 10 + production, records, 1000):
                digest = hashlib.md5(b"%d" % number, usedforsecurity=False).hexdigest()
                lines.append(
                    f"      posterior-{number:07}.h5:\n        hash: {digest}\n        uuid: {uuid.uuid4().hex}\n"
                )
    (root / ".manifest" / "manifest.yaml").write_text("".join([*lines, "name: Benchmark\n"]))
    assert len(store) == records
    return store


class Wire:
    """Counts the bytes that websockets bring to a page."""

    def __init__(self, page: Any) -> None:
        self.bytes = 0
        page.on("websocket", lambda socket: socket.on("framereceived", self._count))

    def _count(self, payload: Any) -> None:
        self.bytes += len(payload)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What it took to show a table: seconds for the first time in a browser's context, and again; MB of the first."""

    first: float
    again: float
    megabytes: float


def show(server: Server, browser: Any, store: Store, name: str) -> Shown:
    """Show a table twice in a new context of the browser."""
    context = browser.new_context()
    (first, megabytes), (again, _) = (first_paint(server, context, store, name) for _ in range(2))
    context.close()
    print(f"{name}: {first:.2f} s, {again:.2f} s, {megabytes:.3f} MB", file=sys.stderr, flush=True)
    return Shown(first=first, again=again, megabytes=megabytes)


def first_paint(server: Server, context: Any, store: Store, name: str) -> tuple[float, float]:
    """Measure seconds until the first row is there, and the MB that came until then."""
    prepare, show, row = SHOWN[name]
    page = context.new_page()
    wire = Wire(page)
    book = Notebook(server, page, server.write((opening(store) + prepare, show)), "lab")
    page.set_default_timeout(300_000)
    book.command("notebook:run-cell-and-select-next")
    before = wire.bytes
    start = time.perf_counter()
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-cell'); }")
    page.locator(row).first.wait_for()
    seconds = time.perf_counter() - start
    received = wire.bytes - before
    book.close()
    page.close()
    return seconds, received / 1e6


def keystrokes(server: Server, context: Any, store: Store, big: Path) -> dict[str, float]:
    """Measure, in ms, what a keystroke and a sort cost in the kernel, and a keystroke until it is painted."""
    page = context.new_page()
    book = Notebook(server, page, server.write((opening(store) + SHOWN[OURS][1], _KERNEL, _UPLOADER)), "lab")
    book.run()
    book.widget().locator("tbody tr").first.wait_for()
    book.value("_sorts")  # the threads that prepare are done by then
    found = {
        "keystroke in the kernel": book.value("_s.median(_keys)"),
        "sort in the kernel": book.value("_s.median(_sorts)"),
        "keystroke painted": type_all(page),
        "keystroke painted while an upload runs": type_while_uploading(book, big),
    }
    book.close()
    page.close()
    return found


def type_all(page: Any) -> float:
    """Type a word; give the median of what its letters take until they are painted, in ms."""
    return statistics.median(page.evaluate(_TYPE, [_TYPED[: length + 1]]) for length in range(len(_TYPED)))


def type_while_uploading(book: Notebook, big: Path) -> float:
    """Type the word anew while a file goes up; it must still be on its way at the end."""
    book.page.evaluate(_TYPE, [""])
    uploader = book.widget(1)
    uploader.get_by_label("File", exact=True).set_input_files([big])
    uploader.get_by_role("button", name="Upload", exact=True).click()
    bar = uploader.get_by_role("progressbar").first
    bar.wait_for()
    book.page.wait_for_function("(bar) => bar.value > 0.02", arg=bar.element_handle())
    found = type_all(book.page)
    assert bar.count() == 1, "the upload had ended"
    uploader.get_by_role("button", name="Cancel", exact=True).click()
    uploader.get_by_text("Cancelled. Nothing was stored.").wait_for()
    return found


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only-ours", action="store_true", help="leave the peers out")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work, sync_playwright() as playwright:
        store = make_store(Path(work) / "store", options.records)
        server = Server(Path(work) / "jupyter")
        try:
            browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_OPTIONS)
            names = [OURS] if options.only_ours else list(SHOWN)
            runs: dict[str, list[Shown]] = {name: [] for name in names}
            for number in range(options.rounds):
                first = number % len(names)
                for name in names[first:] + names[:first]:
                    runs[name].append(show(server, browser, store, name))
            big = Path(work) / "big.bin"
            with big.open("wb") as file:
                file.truncate(2 << 30)
            typed = keystrokes(server, browser.new_context(), store, big)
        finally:
            server.close()
    print(f"{options.records:,} records, medians of {options.rounds} rounds\n")
    print("| table | first paint | the same again in that browser | over the websocket |\n| --- | --- | --- | --- |")
    for name, measured in runs.items():
        first, again, megabytes = map(statistics.median, zip(*map(astuple, measured), strict=True))
        print(f"| {name} | {first:.2f} s | {again:.2f} s | {megabytes:.2f} MB |")
    print("\n" + "\n".join(f"- {what}: {milliseconds:.0f} ms" for what, milliseconds in typed.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

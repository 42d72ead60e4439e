"""``python -m benchmarks.explorer``: the Explorer beside other tables, over 100,000 records and a million.

In one JupyterLab and one Chromium (tests/browser/harness.py), in turns, for several rounds; it prints the medians as a
Markdown table for docs/benchmarks/widgets.md. Each is shown in a notebook whose first cell has opened the Store (and
for the others made the DataFrame). First paint is from the start of the cell that shows the table until a row is in the
page: for the first time in a browser's context, which has to fetch the scripts that JupyterLab loads for widgets, and
again in another notebook of that context. The bytes are those of the websocket until then, and later for one page. A
keystroke is a letter more of a word, a sort another column or direction: the median until it is painted, and for the
Explorer of its part in the kernel; that also while 2 GiB go up beside it. itables searches and sorts all rows in the
page; ipydatagrid draws on a canvas, where nothing tells when it has sorted, and has no search; DataExplorer, of
jupyter-storage-explorer, has a search for each column.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from asimov.storage import Store

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "browser"))
from harness import CHROMIUM_OPTIONS, Notebook, Server, chromium, opening

PEERS_UP_TO = 100_000  # records: of ten times as many they send more than 100 MB
PAGES = 5
NEXT = ".asimov-storage-panel button[aria-label=Next]"
TYPED = "posterior-0012"
UPLOADER = "from asimov.storage.widgets import Uploader\nUploader(store, 'GW999999', 'Prod0')"

Figures = dict[str, float]
ROWS = {
    "first": ("first paint", "{:.2f} s", 1),
    "again": ("the same again in that browser", "{:.2f} s", 1),
    "bytes": ("over the websocket until then", "{:,.0f} kB", 1e3),
    "page": ("a page of 50 rows", "{:.1f} kB", 1e3),
    "key": ("a letter of a search, painted", "{:.0f} ms", 1),
    "key in the kernel": ("its part in the kernel", "{:.2f} ms", 1),
    "key uploading": ("the same, painted, while 2 GiB go up", "{:.0f} ms", 1),
    "sort": ("a sort, painted", "{:.0f} ms", 1),
    "sort in the kernel": ("its part in the kernel", "{:.2f} ms", 1),
    "made": ("made by the kernel in", "{:.2f} s", 1),
    "ready": ("ready to search and sort after", "{:.2f} s", 1),
    "resident": ("the kernel's memory then", "{:,.0f} MiB", 2**20),
}
"""What is measured: its words in the table, how the figure is written, and what it is divided by."""


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """One way to show a table: its cells, and where things are in the page.

    Attributes
    ----------
    name, package : str
    prepare, show : str
        What the first cell has beside the opened Store, and the second cell.
    row, body : str
        Selectors of its first row and of what holds the rows.
    search : str or None
        Selector of its search box.
    sorts : tuple of str
        Selectors of what sorts when it is clicked.
    instead : dict
        What the table says where there is no figure.
    """

    name: str
    package: str
    prepare: str
    show: str
    row: str
    body: str = ""
    search: str | None = None
    sorts: tuple[str, ...] = ()
    instead: dict[str, str] = field(default_factory=dict)


OURS = Contestant(
    name="Explorer",
    package="asimov-storage",
    prepare="",
    show="w = store.explore()\nw",
    row=".asimov-storage-records tbody tr",
    body=".asimov-storage-records tbody",
    search=".asimov-storage-panel input[type=search]",
    sorts=tuple(f".asimov-storage-records th.asimov-storage-of-{name} button" for name in ("file", "event")),
)
_ALL = "all rows came at once"
PEERS = [
    Contestant(
        name="ipydatagrid",
        package="ipydatagrid",
        prepare="import ipydatagrid\nframe = store.to_frame()",
        show="ipydatagrid.DataGrid(frame)",
        row=".lm-DataGrid-viewport canvas, .p-DataGrid canvas",
        instead={"page": _ALL, "key": "no search", "sort": "in the page, not observed"},
    ),
    Contestant(
        name="DataExplorer",
        package="jupyter-storage-explorer",
        prepare="import jupyter_storage_explorer\nframe = store.to_frame()",
        show="jupyter_storage_explorer.DataExplorer(frame)",
        row="table.jse-data tbody tr",
        instead={"page": "not measured", "key": "a dialog for each column", "sort": "not measured"},
    ),
    Contestant(
        name="itables",
        package="itables",
        prepare="import itables\nitables.init_notebook_mode(all_interactive=False, connected=False)\n"
        "frame = store.to_frame()",
        show="itables.show(frame, maxBytes=0)",
        row="table.dataTable tbody tr",
        body="table.dataTable tbody",
        search=".dt-container input[type=search]",
        sorts=tuple(f"table.dataTable thead th:nth-child({place}) .dt-column-order" for place in (2, 3, 4)),
        instead={"page": _ALL, "key in the kernel": "in the page", "sort in the kernel": "in the page"},
    ),
]

_PAINTED = """([selector, text, rows]) => new Promise((resolve, reject) => {
    // Types (or clicks, without a text); gives the ms from the event until rows have changed and are painted.
    setTimeout(() => reject(new Error(`nothing was painted for ${selector} ${text}`)), 60000);
    const seen = new MutationObserver(() => {
        seen.disconnect();
        requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start)));
    });
    seen.observe(document.querySelector(rows), { childList: true });
    const element = document.querySelector(selector);
    const start = performance.now();
    if (text === null) element.click();
    else {
        element.value = text;
        element.dispatchEvent(new Event('input', { bubbles: true }));
    }
})"""
_MAKING = """
import statistics as _s, time as _t
from asimov.storage.widgets._exploring.view import RECORDED as _C, View as _V
def _timed(action):
    start = _t.perf_counter(); action(); return (_t.perf_counter() - start) * 1000
_start = _t.perf_counter()
w = store.explore()
_made = _t.perf_counter() - _start
_table = w._browsing._reading.table
while _table._made is None or len(_table._orders) < len(_C): _t.sleep(0.01)
_ready = _t.perf_counter() - _start
_keys = [_timed(lambda n=n: _table.page(_V(search=TYPED[:n]))) for n in range(1, len(TYPED) + 1)]
_orders = [(column, down) for column in ('production', 'file', 'hash') for down in (True, False)]
_sorts = [_timed(lambda c=c, d=d: _table.page(_V(sort=c, descending=d))) for c, d in _orders]
_resident = [int(line.split()[1]) for line in open('/proc/self/status') if line.startswith('VmRSS')][0] * 1024
""".replace("TYPED", repr(TYPED))


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

    def _count(self, payload: str | bytes) -> None:
        self.bytes += len(payload.encode() if isinstance(payload, str) else payload)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Where it is measured: the server, the browser, the Store, and a big file to upload meanwhile."""

    server: Server
    browser: Any
    store: Store
    big: Path


def measure(trial: Trial, contestant: Contestant) -> Figures:
    """Measure all that one contestant has, in a new context of the browser."""
    context = trial.browser.new_context()
    with shown(trial, context, contestant) as (_, _, found):
        pass
    with shown(trial, context, contestant) as (book, wire, again):
        found["again"] = again["first"]
        if contestant.search is not None:
            found["key"] = type_all(book.page, contestant)
            found["sort"] = statistics.median(painted(book.page, contestant, sort) for sort in contestant.sorts * 2)
        if contestant is OURS:
            found["page"] = bytes_a_page(book, wire)
            found["key uploading"] = type_while_uploading(book, trial.big)
    if contestant is OURS:
        found |= in_the_kernel(trial, context)
    context.close()
    print(f"{contestant.name}: {found}", file=sys.stderr, flush=True)
    return found


@contextmanager
def shown(trial: Trial, context: Any, contestant: Contestant) -> Iterator[tuple[Notebook, Wire, Figures]]:
    """Show a table in a notebook of its own; give that, and the seconds and bytes until its first row was there."""
    page = context.new_page()
    wire = Wire(page)
    cells = opening(trial.store) + contestant.prepare, contestant.show, UPLOADER
    book = Notebook(trial.server, page, trial.server.write(cells), "lab")
    page.set_default_timeout(300_000)
    book.command("notebook:run-cell-and-select-next")
    before = wire.bytes
    start = time.perf_counter()
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-cell-and-select-next'); }")
    page.locator(contestant.row).first.wait_for()
    yield book, wire, {"first": time.perf_counter() - start, "bytes": wire.bytes - before}
    book.close()
    page.close()


def painted(page: Any, contestant: Contestant, selector: str, text: str | None = None) -> float:
    """Give the ms from a click, or from typing `text`, until the rows that answer it are painted."""
    return page.evaluate(_PAINTED, [selector, text, contestant.body])


def type_all(page: Any, contestant: Contestant) -> float:
    """Type a word, then empty the box; give the median of what its letters take until they are painted, in ms."""
    texts = [TYPED[:length] for length in range(1, len(TYPED) + 1)]
    found = statistics.median(painted(page, contestant, contestant.search, text) for text in texts)
    painted(page, contestant, contestant.search, "")
    return found


def bytes_a_page(book: Notebook, wire: Wire) -> float:
    """Turn pages; give the bytes that came for one."""
    book.value("1")  # what the kernel had to say is said
    before = wire.bytes
    for _ in range(PAGES):
        painted(book.page, OURS, NEXT)
    return (wire.bytes - before) / PAGES


def type_while_uploading(book: Notebook, big: Path) -> float:
    """Type the word anew while a file goes up; it must still be on its way at the end."""
    book.command("notebook:run-cell")
    uploader = book.widget(1)
    uploader.get_by_label("File", exact=True).set_input_files([big])
    uploader.get_by_role("button", name="Upload", exact=True).click()
    bar = uploader.get_by_role("progressbar").first
    bar.wait_for()
    book.page.wait_for_function("(bar) => bar.value > 0.02", arg=bar.element_handle())
    found = type_all(book.page, OURS)
    assert bar.count() == 1, "the upload had ended"
    uploader.get_by_role("button", name="Cancel", exact=True).click()
    uploader.get_by_text("Cancelled. Nothing was stored.").wait_for()
    return found


def in_the_kernel(trial: Trial, context: Any) -> Figures:
    """Make an Explorer in a kernel of its own; give what that took, and what keystrokes and sorts do."""
    page = context.new_page()
    book = Notebook(trial.server, page, trial.server.write((opening(trial.store) + _MAKING,)), "lab")
    page.set_default_timeout(300_000)
    book.run()
    names = {"made": "_made", "ready": "_ready", "resident": "_resident"}
    names |= {"key in the kernel": "_s.median(_keys)", "sort in the kernel": "_s.median(_sorts)"}
    found = {name: book.value(expression) for name, expression in names.items()}
    book.close()
    page.close()
    return found


def in_rounds(trial: Trial, contestants: list[Contestant], rounds: int) -> dict[str, Figures]:
    """Measure all in turns, each round beginning with another; give the medians."""
    runs: dict[str, list[Figures]] = {contestant.name: [] for contestant in contestants}
    for number in range(rounds):
        first = number % len(contestants)
        for contestant in contestants[first:] + contestants[:first]:
            runs[contestant.name].append(measure(trial, contestant))
    return {
        name: {what: statistics.median(run[what] for run in found) for what in found[0]} for name, found in runs.items()
    }


def table(contestants: list[Contestant], medians: dict[str, Figures]) -> str:
    """Give the medians as a Markdown table."""
    heads = [OURS.name if one is OURS else f"{one.name} {version(one.package)}" for one in contestants]
    lines = ["", *heads], ["---"] * (len(heads) + 1)
    rows = [
        [words, *(_cell(one, medians[one.name], what, how, unit) for one in contestants)]
        for what, (words, how, unit) in ROWS.items()
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [*lines, *rows])


def _cell(contestant: Contestant, medians: Figures, what: str, how: str, unit: float) -> str:
    return how.format(medians[what] / unit) if what in medians else contestant.instead.get(what, "")


def main() -> int:
    """Measure, and print a table for each number of records."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only-ours", action="store_true", help="leave the peers out")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work, sync_playwright() as playwright:
        big = Path(work) / "big.bin"
        with big.open("wb") as file:
            file.truncate(2 << 30)
        server = Server(Path(work) / "jupyter")
        try:
            browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_OPTIONS)
            for records in options.records:
                store = make_store(Path(work) / f"store-{records}", records)
                trial = Trial(server=server, browser=browser, store=store, big=big)
                contestants = [OURS] if options.only_ours or records > PEERS_UP_TO else [OURS, *PEERS]
                medians = in_rounds(trial, contestants, options.rounds)
                print(f"## A table of {records:,} records\n\nMedians of {options.rounds} rounds.\n")
                print(table(contestants, medians), end="\n\n", flush=True)
        finally:
            server.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

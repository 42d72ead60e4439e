"""``python -m benchmarks.downloads``: a file through the Fetcher's Download, beside JupyterLab's file browser.

Both in one JupyterLab and one Chromium (tests/browser/harness.py), in turns. From the click until the browser has saved
the whole file: verified in the kernel, digested again in the page and kept in the browser's private storage on the way
(ours), or streamed by the server as it lies on its disk (the file browser, which verifies nothing). Each has the
kernel's peak memory measured above what it held before.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from asimov.storage import Store

from . import inputs
from .transfers import (
    BROWSER,
    LONG,
    MIB,
    Figures,
    Notebook,
    Server,
    in_turns,
    measured,
    notebook,
    opening,
    page_of_lab,
    run,
    table,
)

LEAST = 15  # MB/s

OURS = "Fetcher"
_FETCHER = """
from asimov.storage.widgets import Fetcher
f = Fetcher(store, "GW150914", "Prod0", "download.bin")
f
"""


class Trial:
    """One page, and the file that comes down: in a Store, and in the server's folder."""

    def __init__(self, server: Server, page: Any, store: Store, path: Path) -> None:
        self.server, self.page, self.store = server, page, store
        self.size, self.md5 = path.stat().st_size, inputs.md5(path)
        store.add_file("GW150914", "Prod0", path)
        self.copy = store.fetch_file("GW150914", "Prod0", path.name, dest=server.root)

    def fetcher(self) -> Figures:
        """Download it with the widget."""
        with notebook(self.server, self.page, opening(self.store) + _FETCHER) as book:
            widget = book.widget()
            widget.get_by_role("button", name="Fetch", exact=True).click()
            button = widget.get_by_role("button", name="Download", exact=True)
            button.wait_for(timeout=LONG)
            found = self._measured(book, button.click)
            widget.get_by_text("✓ Downloaded").wait_for()
        return found

    def file_browser(self) -> Figures:
        """Download it from the file browser."""
        with notebook(self.server, self.page, "1") as book:
            book.page.locator(".jp-DirListing-item", has_text=self.copy.name).click(button="right")
            return self._measured(book, book.page.locator(".lm-Menu-itemLabel", has_text="Download").first.click)

    def _measured(self, book: Notebook, click: Callable[[], None]) -> Figures:
        downloads: list[Any] = []

        def download() -> None:
            with book.page.expect_download(timeout=LONG) as begun:
                click()
            downloads.append(begun.value)
            begun.value.path()  # waits for its end

        found = measured(book, self.size, download)
        assert inputs.md5(downloads[0].path()) == self.md5
        downloads[0].delete()
        return found


def measure(work: Path, size: int, rounds: int) -> str:
    """Measure, and give the table."""
    path = inputs.make_file(work / "download.bin", size, 1)
    store = Store.create(work / "store", "Benchmark")
    with page_of_lab(work) as (server, page):
        trial = Trial(server, page, store, path)
        found = in_turns({OURS: trial.fetcher, BROWSER: trial.file_browser}, rounds)
    return table(f"{size // MIB} MiB down", found, f"{OURS}: to reach {LEAST} MB/s.")


if __name__ == "__main__":
    sys.exit(run("downloads", __doc__, measure))

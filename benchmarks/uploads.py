"""``python -m benchmarks.uploads``: a file through the Uploader, beside JupyterLab's file browser and FileUpload.

All in one JupyterLab and one Chromium (tests/browser/harness.py), in turns. From the click that begins the transfer
until the file is there: stored (ours, which digests it twice and syncs it), of full size on the server's disk (the file
browser), in `.value` (FileUpload, with the server's limit on a message raised, and at most 64 MiB: it sends all in one
message, and what drives the browser can't report a much larger one). Each has the kernel's peak memory measured above
what it held before. What the digest costs is measured against an Uploader whose page digests nothing.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
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
ONE_MESSAGE = 64 * MIB
LIMIT_RAISED = "--ServerApp.tornado_settings={'websocket_max_message_size': 2147483648}"

OURS = "Uploader"
UNDIGESTED = "Uploader, its page digesting nothing"
BROWSER = "JupyterLab's file browser"
FILE_UPLOAD = "ipywidgets.FileUpload, limit raised"
_UPLOADER = """
from asimov.storage.widgets import Uploader
w = Uploader(store, "GW150914", "Prod0")
w
"""
# The page's digest is of nothing, and the kernel doesn't compare.
_UNDIGESTED = """
from asimov.storage.widgets import Uploader, _panel, _upload
text = _panel.source("md5", "work", "combobox", "uploads", "uploader")
changed = text.replace("md5.update(new Uint8Array(data))", "0")
assert changed != text
class Undigested(Uploader):
    _esm = _panel.packed(changed)
_upload.Upload._require = lambda *_: None
w = Undigested(store, "GW150914", "Prod0")
w
"""
_FILE_UPLOAD = """
import ipywidgets
w = ipywidgets.FileUpload()
w
"""
_MEMORY = "[int(line.split()[1]) for line in open('/proc/self/status') if line.startswith('{}')][0] * 1024"
_RESET = "open('/proc/self/clear_refs', 'w').write('5')"


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one run took: MB/s, and MiB of the kernel's memory above what it held before."""

    rate: float
    memory: float


class Trial:
    """One page, and the file that goes up."""

    def __init__(self, server: Server, page: Any, path: Path) -> None:
        self.server, self.page, self.path = server, page, path
        self.size, self.md5 = path.stat().st_size, inputs.md5(path)
        self.message = inputs.make_file(path.with_name("message.bin"), min(self.size, ONE_MESSAGE), 2)

    def uploader(self, code: str = _UPLOADER) -> Figures:
        """Send the file through an Uploader."""
        with tempfile.TemporaryDirectory(dir=self.server.root.parent) as root:
            store = Store.create(Path(root) / "store", "Benchmark")
            with self._notebook(opening(store) + code) as book:
                book.widget().get_by_label("File", exact=True).set_input_files(self.path)
                found = self._measured(book, lambda: self._press_upload(book))
            assert store["GW150914", "Prod0", self.path.name].hash == self.md5
            assert store.verify().ok
        return found

    def undigested(self) -> Figures:
        """Send it through an Uploader whose page doesn't digest."""
        return self.uploader(_UNDIGESTED)

    def file_upload(self) -> Figures:
        """Send it through ipywidgets' FileUpload, in one message."""
        with self._notebook(_FILE_UPLOAD) as book:
            button = book.page.locator("button.jupyter-widget-upload, .widget-upload")
            button.wait_for()

            def send() -> None:
                with book.page.expect_file_chooser() as chooser:
                    button.click()
                chooser.value.set_files(self.message)
                book.page.locator("button", has_text="Upload (1)").wait_for(timeout=LONG)
                while not book.value("len(w.value)"):
                    pass

            found = self._measured(book, send, self.message.stat().st_size)
            arrived = book.value("__import__('hashlib').md5(w.value[0].content).hexdigest()")
            assert arrived == inputs.md5(self.message)
        return found

    def file_browser(self) -> Figures:
        """Send it through JupyterLab's file browser, which doesn't verify anything."""
        target = self.server.root / self.path.name
        with self._notebook("1") as book:

            def send() -> None:
                with book.page.expect_file_chooser() as chooser:
                    book.page.locator(
                        "jp-button[data-command='filebrowser:upload'], [title^='Upload Files']"
                    ).first.click()
                chooser.value.set_files(self.path)
                large = book.page.locator(".jp-Dialog button", has_text="Upload")
                large.click()
                while not target.exists() or target.stat().st_size < self.size:
                    time.sleep(0.02)  # there is no event of another process to wait for

            found = self._measured(book, send)
            book.page.wait_for_function(
                "() => !document.querySelector('.jp-FileUploadStatus, [class*=uploadProgress]')"
            )
        assert inputs.md5(target) == self.md5
        target.unlink()
        return found

    @contextmanager
    def _notebook(self, code: str) -> Any:
        book = Notebook(self.server, self.page, self.server.write((code,)), "lab")
        book.page.set_default_timeout(LONG)
        book.run()
        yield book
        book.close()

    def _press_upload(self, book: Notebook) -> None:
        book.widget().get_by_role("button", name="Upload", exact=True).click()
        book.widget().get_by_text("✔ Stored").wait_for(timeout=LONG)

    def _measured(self, book: Notebook, send: Callable[[], None], size: int | None = None) -> Figures:
        book.value(_RESET)
        before = book.value(_MEMORY.format("VmRSS"))
        start = time.perf_counter()
        send()
        seconds = time.perf_counter() - start
        memory = book.value(_MEMORY.format("VmHWM")) - before
        return Figures(rate=(size or self.size) / seconds / 1e6, memory=memory / MIB)


def main() -> int:
    """Measure, and print a table."""
    options = _options()
    with tempfile.TemporaryDirectory(dir=options.work) as work, sync_playwright() as playwright:
        path = inputs.make_file(Path(work) / "upload.bin", options.size * MIB, 1)
        server = Server(Path(work) / "jupyter", LIMIT_RAISED)
        try:
            browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_OPTIONS)
            found = _rounds(Trial(server, browser.new_context().new_page(), path), options.rounds)
        finally:
            server.close()
    print(_table(found, options.size))
    return 0


def _rounds(trial: Trial, rounds: int) -> dict[str, list[Figures]]:
    """Let the contestants take turns, each round beginning with another one."""
    runs = {
        OURS: trial.uploader,
        UNDIGESTED: trial.undigested,
        BROWSER: trial.file_browser,
        FILE_UPLOAD: trial.file_upload,
    }
    found: dict[str, list[Figures]] = {name: [] for name in runs}
    for number in range(rounds):
        names = list(runs)
        first = number % len(names)
        for name in names[first:] + names[:first]:
            figures = runs[name]()
            found[name].append(figures)
            print(f"{name}: {figures.rate:.1f} MB/s, {figures.memory:.0f} MiB", file=sys.stderr, flush=True)
    return found


def _table(found: dict[str, list[Figures]], size: int) -> str:
    lines = [
        f"{size} MiB up (FileUpload: at most 64), median of {len(found[OURS])} rounds (least and most in brackets)",
        "",
        "| through | MB/s | kernel's memory at its peak, above before |",
        "| --- | --- | --- |",
    ]
    for name, runs in found.items():
        rates, memory = sorted(run.rate for run in runs), max(run.memory for run in runs)
        spread = f"{statistics.median(rates):.1f} ({rates[0]:.1f}-{rates[-1]:.1f})"
        lines.append(f"| {name} | {spread} | {memory:.0f} MiB |")
    faster, digest = _ratio(found, OURS, BROWSER), _ratio(found, OURS, UNDIGESTED)
    lines += [
        "",
        f"{OURS} / {BROWSER}: {faster:.2f}, to reach 1.2. ",
        f"The page's digest costs {100 * (1 - digest):.0f} %, at most 10.",
    ]
    return "\n".join(lines)


def _ratio(found: dict[str, list[Figures]], one: str, other: str) -> float:
    """Compare within each round, and take the median."""
    return statistics.median(a.rate / b.rate for a, b in zip(found[one], found[other], strict=True))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.uploads", description="Measure uploads in a browser.")
    parser.add_argument("--size", type=int, default=500, help="of the file, in MiB (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(default: %(default)s)")
    parser.add_argument("--work", type=Path, help="where to put the files: a disk, not memory")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

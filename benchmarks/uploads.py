"""``python -m benchmarks.uploads``: files through the Uploader, beside JupyterLab's file browser and FileUpload.

All in one JupyterLab and one Chromium (tests/browser/harness.py), in turns. From the click that begins the transfer
until the file is there: stored (ours, which digests it twice and syncs it), of full size on the server's disk (the file
browser), in `.value` (FileUpload, with the server's limit on a message raised, and at most 64 MiB: it sends all in one
message, and what drives the browser can't report a much larger one). Each has the kernel's peak memory measured above
what it held before. What the digest costs is measured against an Uploader whose page digests nothing.

Then 300 files of 2 KiB, beside one `Store.add_files` of them in the kernel.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
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
    ratio,
    run,
    table,
)

SMALL, SMALL_FILES = 2048, 300
ONE_MESSAGE = 64 * MIB
LIMIT_RAISED = "--ServerApp.tornado_settings={'websocket_max_message_size': 2147483648}"

OURS = "Uploader"
UNDIGESTED = "Uploader, its page digesting nothing"
FILE_UPLOAD = "ipywidgets.FileUpload, limit raised"
_UPLOADER = """
from asimov.storage.widgets import Uploader
w = Uploader(store, "GW150914", "Prod0")
w
"""
# The page's digest is of nothing, and the kernel doesn't compare.
_UNDIGESTED = """
from asimov.storage.widgets import Uploader
from asimov.storage.widgets._link import module
from asimov.storage.widgets._uploading import upload
text = module.source("Uploader")
changed = text.replace("md5.update(new Uint8Array(data))", "0")
assert changed != text
class Undigested(Uploader):
    _esm = module.packed(changed)
upload.Upload._require = lambda *_: None
w = Undigested(store, "GW150914", "Prod0")
w
"""
_FILE_UPLOAD = """
import ipywidgets
w = ipywidgets.FileUpload()
w
"""


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
            with notebook(self.server, self.page, opening(store) + code) as book:
                book.widget().get_by_label("File", exact=True).set_input_files(self.path)
                found = measured(book, self.size, lambda: self._press_upload(book))
            assert store["GW150914", "Prod0", self.path.name].hash == self.md5
            assert store.verify().ok
        return found

    def undigested(self) -> Figures:
        """Send it through an Uploader whose page doesn't digest."""
        return self.uploader(_UNDIGESTED)

    def file_upload(self) -> Figures:
        """Send it through ipywidgets' FileUpload, in one message."""
        with notebook(self.server, self.page, _FILE_UPLOAD) as book:
            button = book.page.locator("button.jupyter-widget-upload, .widget-upload")
            button.wait_for()

            def send() -> None:
                with book.page.expect_file_chooser() as chooser:
                    button.click()
                chooser.value.set_files(self.message)
                book.page.locator("button", has_text="Upload (1)").wait_for(timeout=LONG)
                while not book.value("len(w.value)"):
                    pass

            found = measured(book, self.message.stat().st_size, send)
            arrived = book.value("__import__('hashlib').md5(w.value[0].content).hexdigest()")
            assert arrived == inputs.md5(self.message)
        return found

    def file_browser(self) -> Figures:
        """Send it through JupyterLab's file browser, which doesn't verify anything."""
        target = self.server.root / self.path.name
        with notebook(self.server, self.page, "1") as book:

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

            found = measured(book, self.size, send)
            book.page.wait_for_function(
                "() => !document.querySelector('.jp-FileUploadStatus, [class*=uploadProgress]')"
            )
        assert inputs.md5(target) == self.md5
        target.unlink()
        return found

    def _press_upload(self, book: Notebook) -> None:
        book.widget().get_by_role("button", name="Upload", exact=True).click()
        book.widget().get_by_text("✔ Stored").wait_for(timeout=LONG)


class SmallFiles:
    """Many small files, and what takes them in."""

    def __init__(self, server: Server, page: Any, folder: Path) -> None:
        self.server, self.page = server, page
        folder.mkdir()
        self.paths = [inputs.make_file(folder / f"{n}.bin", SMALL, n + 10) for n in range(SMALL_FILES)]

    def seconds(self) -> tuple[float, float]:
        """Measure one `add_files` in a kernel, and one Upload of the same files in its page."""
        with tempfile.TemporaryDirectory(dir=self.server.root.parent) as root:
            store, other = (Store.create(Path(root) / name, "Benchmark") for name in ("store", "other"))
            with notebook(self.server, self.page, opening(store) + _UPLOADER) as book:
                adding = float(str(book.value(self._add_files(other))))
                widget = book.widget()
                widget.get_by_label("File", exact=True).set_input_files(self.paths)
                widget.get_by_text(f"{SMALL_FILES} to upload").wait_for(timeout=LONG)
                begun = time.perf_counter()
                widget.get_by_role("button", name="Upload", exact=True).click()
                widget.get_by_text(f"{SMALL_FILES} stored.").wait_for(timeout=LONG)
                uploading = time.perf_counter() - begun
            assert len(store) == len(other) == SMALL_FILES
            assert store.verify().ok
        return adding, uploading

    def _add_files(self, store: Store) -> str:
        files = [("E", "P", str(path)) for path in self.paths]
        return (
            "(lambda clock, other: (begun := clock(), other.add_files("
            f"{files!r}), clock() - begun)[-1])(__import__('time').perf_counter, Store({str(store.root)!r}))"
        )

    def table(self, rounds: int) -> str:
        """Measure, and write the table."""
        runs = [self.seconds() for _ in range(rounds)]
        lines = [
            f"{SMALL_FILES} files of {SMALL // 1024} KiB, median of {rounds} rounds (least and most in brackets)",
            "",
            "| through | seconds |",
            "| --- | --- |",
        ]
        for name, found in zip(("one add_files in the kernel", OURS), zip(*runs, strict=True), strict=True):
            lines.append(f"| {name} | {statistics.median(found):.2f} ({min(found):.2f}-{max(found):.2f}) |")
        most = max(uploading - 3 * adding for adding, uploading in runs)
        return "\n".join([*lines, "", f"{OURS} less 3 times add_files: {most:.2f} s at most, to stay below 2."])


def measure(work: Path, size: int, rounds: int) -> str:
    """Measure, and give the table."""
    path = inputs.make_file(work / "upload.bin", size, 1)
    with page_of_lab(work, LIMIT_RAISED) as (server, page):
        trial = Trial(server, page, path)
        runs = {
            OURS: trial.uploader,
            UNDIGESTED: trial.undigested,
            BROWSER: trial.file_browser,
            FILE_UPLOAD: trial.file_upload,
        }
        found = in_turns(runs, rounds)
        small = SmallFiles(server, page, work / "small").table(rounds)
    large = table(
        f"{size // MIB} MiB up (FileUpload: at most {ONE_MESSAGE // MIB})",
        found,
        f"{OURS} / {BROWSER}: {ratio(found, OURS, BROWSER):.2f}, to reach 1.2.",
        f"The page's digest costs {100 * (1 - ratio(found, OURS, UNDIGESTED)):.0f} %, at most 10.",
    )
    return f"{large}\n\n{small}"


if __name__ == "__main__":
    sys.exit(run("uploads", __doc__, measure))

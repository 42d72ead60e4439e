"""The widgets in Firefox: what a page there has to do without Chromium's own interfaces."""

from __future__ import annotations

import hashlib
import random

import pytest
from firefox import Firefox
from harness import Notebook, opening

from asimov.storage import Store

SIZE = 64 << 20
ROWS = "() => [...document.querySelectorAll('.asimov-storage-records tbody tr')].map((row) => row.innerText)"
COUNT_IS = "(count) => document.querySelectorAll('.asimov-storage-records tbody tr').length === count"
STYLED = "() => getComputedStyle(document.querySelector('.asimov-storage-panel')).maxHeight === '480px'"
TEXT_HAS = "(text) => document.querySelector('.asimov-storage-panel')?.innerText.includes(text)"


@pytest.fixture(scope="module")
def firefox(tmp_path_factory):
    """Start Firefox once."""
    browser = Firefox(tmp_path_factory.mktemp("firefox"))
    yield browser
    browser.close()


@pytest.fixture
def book(server, firefox, tmp_path):
    """Open a notebook of the given cells in JupyterLab, and run it."""
    opened = []

    def open_notebook(*cells: str) -> Notebook:
        book = Notebook(server, firefox, server.write(cells), "lab")
        opened.append(book)
        firefox.listen()
        book.run()
        return book

    yield open_notebook
    errors = firefox.errors()
    firefox.screenshot(tmp_path / "end.png")
    for each in opened:
        each.close()
    assert errors == []


@pytest.fixture
def large(tmp_path):
    """Write a file of 64 MiB."""
    path = tmp_path / "posterior.h5"
    path.write_bytes(random.Random(5).randbytes(SIZE))
    return path


def md5(path) -> str:
    """Digest a file."""
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def test_the_explorer_paints_and_finds(firefox, book, store, tmp_path):
    """The Explorer shows a page of records, and as one types, those that match."""
    for number in range(30):
        file = tmp_path / f"posterior-{number:02}.txt"
        file.write_text(f"{number}\n")
        store.add_file(f"GW15091{number % 3}", "Prod0", file)
    book(opening(store) + "store.explore()")
    firefox.wait_until(TEXT_HAS, "posterior-00.txt")
    firefox.wait_until(COUNT_IS, 30)
    assert firefox.evaluate(STYLED)
    firefox.type("//input[@type = 'search']", "posterior-2")
    firefox.wait_until(COUNT_IS, 10)
    assert all("posterior-2" in row for row in firefox.evaluate(ROWS))


def test_upload_64_mib(firefox, book, store, large):
    """A file of 64 MiB that is chosen in the page is stored, byte for byte."""
    book(opening(store) + "from asimov.storage.widgets import Uploader\nUploader(store, 'GW150914', 'Prod0')")
    firefox.wait_until(TEXT_HAS, "Choose files")
    firefox.type("//input[@type = 'file']", str(large))
    firefox.wait_until(TEXT_HAS, "1 to upload")
    firefox.press("Upload")
    firefox.wait_until(TEXT_HAS, "1 stored")
    record = Store(store.root)["GW150914", "Prod0", "posterior.h5"]
    assert record.hash == md5(large) == md5(Store(store.root).fetch_file(*record.key))


def test_download_64_mib(firefox, book, store, large):
    """A file of 64 MiB that is downloaded from the Explorer arrives byte for byte."""
    store.add_file("GW150914", "Prod0", large)
    book(opening(store) + "store.explore()")
    firefox.wait_until(TEXT_HAS, "posterior.h5")
    firefox.press("posterior.h5")
    firefox.wait_until(TEXT_HAS, "Download")
    firefox.press("Download")
    assert md5(firefox.finished_download("posterior.h5")) == md5(large)

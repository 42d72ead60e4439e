"""The kernel's half of a download, without kernel and browser."""

from __future__ import annotations

import contextlib
import os
import random
import sys
from pathlib import Path

import pytest
from damage import flip_bit, md5

from asimov.storage import HashError, RecordNotFoundError, RetractedError, StorageError, Store
from asimov.storage.widgets import Fetcher
from asimov.storage.widgets._fetching.downloads import OPEN, SLICE, Downloads
from asimov.storage.widgets._link.jobs import REMEMBERED
from asimov.storage.widgets._link.messages import Message, RefusedError
from asimov.storage.widgets._link.progress import Cancelled

TOKEN = "0123456789abcdef"
CONTENT = random.Random(5).randbytes(2 * SLICE + 1000)


@pytest.fixture
def big(store, source):
    """The path in the Store of S1/Prod0/big.bin, of two slices and a bit."""
    store.add_file("S1", "Prod0", source("big.bin", CONTENT))
    return store.fetch_file("S1", "Prod0", "big.bin")


class _Page:
    """Calls the handlers as a page does, in this thread."""

    def __init__(self, store, view="view0000"):
        self.heard = []
        self.downloads = Downloads(store, lambda view, event, **content: self.heard.append((view, event, content)))
        self.view = view

    def begin(self, file="big.bin", **content):
        return self.downloads._begin(self._asked(event="S1", production="Prod0", file=file, **content))

    def slice(self, index, **content):
        return self.downloads._slice(self._asked(index=index, **content)).buffers[0]

    def end(self, **content):
        return self.downloads._end(self._asked(**content))

    def _asked(self, download=TOKEN, view=None, **content):
        return Message(kind="download", view=view or self.view, request=1, content={"download": download, **content})


@pytest.fixture
def page(store, big):
    """A page over the Store with the big file."""
    page = _Page(store)
    yield page
    page.downloads.close()


def _open_files(path):
    """Count the descriptors of this process that are open on `path`."""
    return sum(link.resolve() == path for link in Path("/proc/self/fd").iterdir())


linux_only = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")


def test_the_slices_are_the_file(page):
    """A download tells size and digest, and its slices, asked for in any order, are the file's bytes."""
    assert page.begin() == {"size": len(CONTENT), "hash": md5(CONTENT), "slice": SLICE}
    slices = {index: page.slice(index) for index in (2, 0, 1)}
    assert b"".join(slices[index] for index in range(3)) == CONTENT


def test_the_verification_before_a_download_is_told(page):
    """While the file is verified, the page that asked is told how far it is, in bytes, and of which download."""
    page.begin()
    assert {(view, event) for view, event, _ in page.heard} == {("view0000", "download/verifying")}
    assert {content["download"] for _, _, content in page.heard} == {TOKEN}
    assert page.heard[-1][2]["total"] == len(CONTENT)


def test_a_corrupt_file_is_not_sent(page, big):
    """A file whose digest differs from the record raises HashError, and nothing of it can be asked for."""
    flip_bit(big)
    with pytest.raises(HashError) as caught:
        page.begin()
    assert caught.value.expected == md5(CONTENT)
    with pytest.raises(StorageError, match="ended"):
        page.slice(0)


def test_what_is_sent_is_what_was_verified(page, big):
    """A file put in the place of the verified one while it is downloaded is never sent."""
    page.begin()
    big.unlink()
    big.write_bytes(b"x" * len(CONTENT))
    assert page.slice(0) + page.slice(1) + page.slice(2) == CONTENT


def test_a_file_that_becomes_shorter_is_an_error(page, big):
    """Where the file is truncated while it is downloaded, the slice is refused, and not sent short."""
    page.begin()
    big.chmod(0o600)
    os.truncate(big, SLICE)
    assert page.slice(0) == CONTENT[:SLICE]
    with pytest.raises(StorageError, match=r"S1/Prod0/big\.bin became shorter"):
        page.slice(1)


def test_an_empty_file_has_no_slices(page, store, source):
    """An empty file is a download of no slices."""
    store.add_file("S1", "Prod0", source("empty", b""))
    assert page.begin("empty")["size"] == 0
    with pytest.raises(RefusedError, match="no slice 0"):
        page.slice(0)


def test_an_unknown_file_is_an_error(page):
    """A file that isn't recorded raises RecordNotFoundError."""
    with pytest.raises(RecordNotFoundError):
        page.begin("nonsense")


@pytest.mark.parametrize("index", [3, 2**40, -1, 1.0, True, "0", None])
def test_slices_that_are_not_there_are_refused(page, index):
    """A negative, giant or malformed index is refused, and the download goes on."""
    page.begin()
    with pytest.raises(RefusedError):
        page.slice(index)
    assert page.slice(2) == CONTENT[2 * SLICE :]


@pytest.mark.parametrize("token", [None, 7, "", "short", "../../etc/passwd", "A" * 16, "0" * 65])
def test_malformed_tokens_are_refused(page, token):
    """A download is named by 8 to 64 of 0-9 and a-z, and by nothing else."""
    with pytest.raises(RefusedError):
        page.begin(download=token)
    with pytest.raises(RefusedError):
        page.slice(0, download=token)


def test_a_download_belongs_to_its_view(page):
    """A view can't read another's download."""
    page.begin()
    with pytest.raises(StorageError, match="ended"):
        page.slice(0, view="view9999")


def test_a_download_begins_once(page):
    """A second beginning under one token is refused and leaves the first."""
    page.begin()
    with pytest.raises(RefusedError, match="begun already"):
        page.begin()
    assert page.slice(0) == CONTENT[:SLICE]


@linux_only
def test_an_ended_download_closes_its_file(page, big):
    """Ending a download closes its file; what is asked for afterwards is refused; ending it twice is nothing."""
    page.begin()
    assert _open_files(big) == 1
    page.end()
    page.end()
    assert _open_files(big) == 0
    with pytest.raises(StorageError, match="Press Download"):
        page.slice(0)


def test_cancel_ends_the_verification(store, big):
    """A download that is ended while its file is verified raises, and keeps nothing."""
    page = _Page(store)

    def tell(*_args, **_content):
        page.end()

    page.downloads._tell = tell
    with pytest.raises(StorageError, match="was ended") as caught:
        page.begin()
    assert isinstance(caught.value.__context__, Cancelled)
    assert page.downloads._open == {}


@linux_only
def test_an_end_before_the_beginning_counts(page, big):
    """A download that is ended before the thread that begins it has run is not begun: nothing is read or kept open."""
    page.end()
    with pytest.raises(StorageError, match="was ended"):
        page.begin()
    assert (page.heard, _open_files(big)) == ([], 0)
    page.begin(download="f" * 16)
    assert page.slice(2, download="f" * 16) == CONTENT[2 * SLICE :]


class _EndedMeanwhile(Store):
    """A Store whose page ends a download at the moment that its file is verified and open."""

    page: _Page

    def open_file(self, *key, retracted=False, progress=None):
        opened = super().open_file(*key, retracted=retracted, progress=progress)
        self.page.end()
        return opened


@linux_only
def test_an_end_while_the_file_is_being_opened_counts(store, big):
    """A download that is ended after the verification's last step keeps nothing open either."""
    store = _EndedMeanwhile(store.root)
    store.page = _Page(store)
    with pytest.raises(StorageError, match="was ended"):
        store.page.begin()
    assert (_open_files(big), store.page.downloads._open) == (0, {})


@linux_only
def test_a_cancel_right_after_the_click_is_not_lost(store, big, page_of):
    """Where a page's beginning and end reach the kernel together, no file stays open, however often that happens."""
    fetcher = Fetcher(store)
    view = page_of(fetcher)
    for number in range(20):
        token = f"{number:016}"
        begun = view.send("download/begin", event="S1", production="Prod0", file="big.bin", download=token)
        view.ask("download/end", download=token)
        with contextlib.suppress(Exception):  # it had begun, or is told that it was ended
            view.reply(begun)
    assert _open_files(big) == 0
    fetcher.close()


def test_what_is_remembered_of_ended_downloads_is_bounded(page):
    """A page that ends what never began, again and again, takes no more memory for it."""
    for number in range(2 * REMEMBERED):
        page.end(download=f"{number:016}")
    assert len(page.downloads._jobs._cancelled) == REMEMBERED


@linux_only
def test_abandoned_downloads_are_closed(page, big):
    """A page that begins and never ends, as one does that is reloaded, holds no more than so many files open."""
    for number in range(OPEN + 3):
        page.begin(download=f"{number:016}")
    assert _open_files(big) == OPEN
    with pytest.raises(StorageError, match="ended"):
        page.slice(0, download=f"{0:016}")
    assert page.slice(0, download=f"{OPEN + 2:016}") == CONTENT[:SLICE]


def test_the_one_idle_for_longest_is_closed_first(page):
    """A download that is being used outlives one that is not, whichever began first."""
    for number in range(OPEN):
        page.begin(download=f"{number:016}")
    page.slice(0, download=f"{0:016}")
    page.begin(download=f"{OPEN:016}")
    assert page.slice(0, download=f"{0:016}") == CONTENT[:SLICE]
    with pytest.raises(StorageError, match="ended"):
        page.slice(0, download=f"{1:016}")


@linux_only
def test_closing_ends_all(page, big):
    """Closing the widget closes the files of all downloads, and no other begins."""
    page.begin()
    page.downloads.close()
    assert _open_files(big) == 0
    with pytest.raises(StorageError, match="was ended"):
        page.begin(download="f" * 16)


def test_a_retracted_file(store, big):
    """A retracted file is downloaded only where that is wanted."""
    store.retract(("S1", "Prod0", "big.bin"), "glitch")
    page = _Page(Store(store.root))
    with pytest.raises(RetractedError, match="glitch"):
        page.begin()
    page.begin(retracted=True)
    assert page.slice(0) == CONTENT[:SLICE]
    page.end()

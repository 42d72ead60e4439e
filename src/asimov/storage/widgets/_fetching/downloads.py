"""Downloads: verified files that are kept open and sent to a page in slices.

The page begins a download with a token that it has made, asks for several slices at once, and ends the download. It
digests the slices and compares the digest with the one on record. The file stays open after it was verified, so
another file that takes its place is never sent.
"""

from __future__ import annotations

import re
import threading
from itertools import count
from typing import TYPE_CHECKING, BinaryIO

from asimov.storage._model.errors import StorageError
from asimov.storage.widgets._link.jobs import Job, Jobs
from asimov.storage.widgets._link.messages import MAX_INTEGER, Message, RefusedError, Reply, State, request
from asimov.storage.widgets._link.progress import Cancelled, Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from asimov.storage._model.record import Record
    from asimov.storage.widgets._served import Served

SLICE = 4 << 20
"""Bytes per message."""
OPEN = 8
"""The largest number of open downloads.

One more ends the download that was idle for longest. A page that is reloaded leaves its download behind.
"""

_BEGUN = "The message was refused: this download has begun already. Start the download again."
_uses = count(1)
_is_token = re.compile(r"[0-9a-z]{8,64}").fullmatch


class Download:
    """One verified file that is being downloaded.

    Attributes
    ----------
    record : Record
        The record of the file.
    size : int
        The size of the file, in bytes.
    used : int
        The order of last use: a higher number means that a slice was asked for later.
    """

    def __init__(self, record: Record, file: BinaryIO) -> None:
        self.record, self._file = record, file
        self.size = file.seek(0, 2)
        self.used = next(_uses)
        self._lock = threading.Lock()

    def slice(self, index: int) -> bytes:
        """Return `SLICE` bytes from ``index * SLICE`` on, or fewer at the end of the file."""
        start = index * SLICE
        if not start < self.size:
            msg = f"The message was refused: the file has no slice {index}. Start the download again."
            raise RefusedError(msg)
        wanted = min(SLICE, self.size - start)
        with self._lock:
            self.used = next(_uses)
            if self._file.closed:
                raise _ended()
            self._file.seek(start)
            data = self._file.read(wanted)
        if len(data) != wanted:
            msg = f"{'/'.join(self.record.key)} became shorter while it was downloaded. Verify the Store."
            raise StorageError(msg)
        return data

    def close(self) -> None:
        """Close the file, once no slice is being read."""
        with self._lock:
            self._file.close()


class Downloads:
    """Serves the downloads of a widget's pages.

    Parameters
    ----------
    store : Store
    tell : callable
        ``tell(view, event, **content)`` sends ``download/verifying`` (download: its token; done, total: bytes) to a
        view while the file is verified before its download.
    """

    def __init__(self, store: Served, tell: Callable[..., None]) -> None:
        self._store, self._tell = store, tell
        self._jobs = Jobs(busy=_BEGUN)  # the verifications; a page may end one before its thread has started
        self._lock = threading.Lock()
        self._open: dict[Job, Download] = {}

    @request("download/begin", background=True)
    def _begin(self, message: Message) -> State:
        record = self._store[message.text("event"), message.text("production"), message.text("file")]
        view, token, retracted = message.view, _token(message), message.flag("retracted", default=False)

        def tell() -> None:
            self._tell(view, "download/verifying", download=token, done=progress.done, total=progress.total)

        progress = Progress(tell)
        try:
            with self._jobs.under_way((view, token), progress):
                download = self._opened((view, token), record, progress, retracted=retracted)
        except Cancelled:
            raise _ended() from None
        return {"size": download.size, "hash": record.hash, "slice": SLICE}

    @request("download/slice", background=True)
    def _slice(self, message: Message) -> Reply:
        index = message.integer("index", high=MAX_INTEGER // SLICE)
        with self._lock:
            download = self._open.get((message.view, _token(message)))
        if download is None:
            raise _ended()
        return Reply(buffers=[download.slice(index)])

    @request("download/end")
    def _end(self, message: Message) -> None:
        self._leave((message.view, _token(message)))

    def close(self) -> None:
        """End all downloads."""
        self._jobs.close()
        with self._lock:
            keys = list(self._open)
        for key in keys:
            self._leave(key)

    def _opened(self, key: Job, record: Record, progress: Progress, *, retracted: bool) -> Download:
        """Verify and open a file, and keep it open, unless the page ends the download meanwhile."""
        with self._lock:
            if key in self._open:
                raise RefusedError(_BEGUN)
        file = self._store.open_file(*record.key, retracted=retracted, progress=progress)
        download = Download(record, file)
        with self._lock:
            ended = progress.cancelled
            if not ended:
                self._open[key] = download
            by_use = sorted(self._open, key=lambda one: self._open[one].used)
        if ended:
            download.close()
            raise Cancelled
        for idle in by_use[:-OPEN]:
            self._leave(idle)
        return download

    def _leave(self, key: Job) -> None:
        with self._lock:  # without it, a download that is just being opened would be missed
            ended = self._open.pop(key, None)
            if ended is None:
                self._jobs.cancel(key)
        if ended is not None:
            ended.close()


def _token(message: Message) -> str:
    token = message.text("download", limit=64)
    if not _is_token(token):
        msg = "The message was refused: 'download' must be 8 to 64 of 0-9 a-z. Reload the page and try again."
        raise RefusedError(msg)
    return token


def _ended() -> StorageError:
    return StorageError("This download was ended. Press Download to start it again.")

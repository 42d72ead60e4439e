"""The kernel's half of a download: a file that was verified is kept open and read out in slices.

The page begins with a token that it has drawn, asks for slice after slice, several at once, and ends; it digests what
it gets, and compares. What is sent comes from the very file that was verified: it stays open, so that another file in
its place is never sent.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from itertools import count
from typing import TYPE_CHECKING, BinaryIO

from asimov.storage._model.errors import StorageError

from ._messages import MAX_INTEGER, Message, RefusedError, Reply, request
from ._progress import Cancelled, Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from asimov.storage._model.record import Record
    from asimov.storage._store import Store

SLICE = 4 << 20
"""Bytes that go in one message."""
OPEN = 8
"""Downloads at a time; one more ends that which was idle for longest, as a page that was reloaded leaves one behind."""
ENDED = 256
"""Downloads remembered that were ended before they began: the end is handled at once, the beginning in a thread."""

_uses = count(1)
_is_token = re.compile(r"[0-9a-z]{8,64}").fullmatch


class Download:
    """One verified file that is being read out.

    Attributes
    ----------
    record : Record
        Of the file.
    size : int
        Bytes.
    used : int
        The later a slice was asked for, the higher.
    """

    def __init__(self, record: Record, file: BinaryIO) -> None:
        self.record, self._file = record, file
        self.size = file.seek(0, 2)
        self.used = next(_uses)
        self._lock = threading.Lock()

    def slice(self, index: int) -> bytes:
        """Return the `SLICE` bytes from ``index * SLICE`` on, fewer at the end."""
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
        """Close the file; once a slice that is being read is there."""
        with self._lock:
            self._file.close()


class Downloads:
    """Serves the downloads of a widget's pages.

    Parameters
    ----------
    store : Store
    tell : callable
        ``tell(view, event, **content)`` sends something to a view: the progress of the verification before a
        download, which it names by its token.
    """

    def __init__(self, store: Store, tell: Callable[..., None]) -> None:
        self._store, self._tell = store, tell
        self._lock = threading.Lock()
        self._open: dict[tuple[str, str], Download | Progress] = {}
        self._ended: deque[tuple[str, str]] = deque(maxlen=ENDED)
        self._closed = False

    @request("download/begin", background=True)
    def _begin(self, message: Message) -> dict[str, object]:
        record = self._store[message.text("event"), message.text("production"), message.text("file")]
        key = view, token = message.view, _token(message)

        def tell() -> None:
            self._tell(view, "download/verifying", download=token, done=progress.done, total=progress.total)

        progress = Progress(tell)
        self._enter(key, progress)
        try:
            download = Download(record, self._store.open_file(*record.key, progress=progress))
        except Cancelled:
            raise _ended() from None
        except BaseException:
            self._leave(key)
            raise
        self._keep(key, download)
        return {"size": download.size, "hash": record.hash, "slice": SLICE}

    @request("download/slice", background=True)
    def _slice(self, message: Message) -> Reply:
        index = message.integer("index", high=MAX_INTEGER // SLICE)
        with self._lock:
            download = self._open.get((message.view, _token(message)))
        if not isinstance(download, Download):
            raise _ended()
        return Reply(buffers=[download.slice(index)])

    @request("download/end")
    def _end(self, message: Message) -> None:
        self._leave((message.view, _token(message)))

    def close(self) -> None:
        """End all downloads."""
        with self._lock:
            self._closed = True
            keys = list(self._open)
        for key in keys:
            self._leave(key)

    def _enter(self, key: tuple[str, str], progress: Progress) -> None:
        with self._lock:
            if self._closed or key in self._open:
                msg = "The message was refused: this download has begun already. Start the download again."
                raise RefusedError(msg)
            if key in self._ended:
                raise _ended()
            self._open[key] = progress

    def _keep(self, key: tuple[str, str], download: Download) -> None:
        """Put the open file in place of the verification; not if it was ended meanwhile."""
        with self._lock:
            wanted = key in self._open
            if wanted:
                self._open[key] = download
            idle = sorted((k for k, d in self._open.items() if isinstance(d, Download)), key=self._when)
        if not wanted:
            download.close()
            raise _ended()
        for oldest in idle[:-OPEN]:
            self._leave(oldest)

    def _when(self, key: tuple[str, str]) -> int:
        download = self._open[key]
        return download.used if isinstance(download, Download) else 0

    def _leave(self, key: tuple[str, str]) -> None:
        with self._lock:
            ended = self._open.pop(key, None)
            if ended is None and key not in self._ended:
                self._ended.append(key)
        if isinstance(ended, Progress):
            ended.cancel()
        elif ended is not None:
            ended.close()


def _token(message: Message) -> str:
    token = message.text("download", limit=64)
    if not _is_token(token):
        msg = "The message was refused: 'download' must be 8 to 64 of 0-9 a-z. Reload the page and try again."
        raise RefusedError(msg)
    return token


def _ended() -> StorageError:
    return StorageError("This download was ended. Press Download to start it again.")

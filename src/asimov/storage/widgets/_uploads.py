"""Files on their way from a browser into a Store, in slices, digested at both ends.

::

    page   upload/begin    event, production, name, size, mtime     ->   upload, offset, md5
           The kernel opens the partial file of exactly this file, new or from an earlier try, cut to whole slices.
           `job`: the page's number for this, to cancel it by. `again`: the upload of before. `sent`: the MD5 of all of
           it, if all of it was sent before: then it may be stored, and that is the answer.
    kernel upload/progress/JOB   done, total               while it digests what is there from an earlier try
    page   upload/restart  upload                              what the page has up to `offset` has another MD5
    page   upload/slice    upload, offset, one buffer     ->   size; several are under way at once, in order
    page   upload/end      upload, md5, expected          ->   hash, uuid; the page's MD5 must be the kernel's
    page   upload/abandon  job                                 a begin is not to be; what is there is removed
    page   upload/cancel   upload                              the partial file is removed
    page   upload/leave    upload                              its partial file is kept, for a day; none named: the
                                                               view goes, with all of its uploads

An upload belongs to the view that began it. A view that says nothing for a while (a page that was reloaded says no
good-bye) loses its uploads: their files are closed and kept, so that it, or the next one, can go on.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
import threading
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from asimov.storage._bytes.threads import started
from asimov.storage._operations.adding import PartialFile

from . import _upload_names
from ._jobs import Jobs, job_of
from ._messages import Message, RefusedError, request
from ._progress import Cancelled, Progress
from ._upload import BusyUploadError, Order, Upload, lost

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from asimov.storage._model.record import Record
    from asimov.storage._store import Store

    Stored = Callable[[Record], object]
    Tell = Callable[..., None]

SLICE = 4 * 2**20
"""Bytes: the most that one message carries, and what a partial file is cut to a multiple of."""
SILENT = 3.5
"""Seconds without a message after which another view may go on with an upload; a living one speaks every second."""
PARKED = 15.0
"""Seconds without a message after which an upload is closed and kept."""

OPEN_PER_VIEW = 16
OPEN = 64
"""How many uploads may be under way; a page of ours has three."""

NAMES = 10_000
"""How many names one message may have checked."""

_logger = logging.getLogger(__name__)


class Uploads:
    """Serves the uploads of a widget.

    Parameters
    ----------
    store : Store
        Where they go.
    stored : callable
        ``stored(record)``, for each file that has arrived and is stored. From any thread.
    tell : callable, optional
        ``tell(view, event, **content)`` says something to a page unasked.
    """

    def __init__(self, store: Store, stored: Stored, tell: Tell | None = None) -> None:
        self._store, self._stored, self._tell = store, stored, tell
        self._jobs = Jobs()
        self._open: dict[str, Upload] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._watcher: threading.Thread | None = None

    def heard(self, view: str) -> None:
        """Take down that a view is alive."""
        now = time.monotonic()
        with self._lock:
            for upload in self._open.values():
                if upload.view == view:
                    upload.heard = now

    def close(self) -> None:
        """End all uploads, but those that are being stored, and remove what is here of them."""
        self._closed.set()
        self._jobs.close()
        for upload in self._pop(lambda _: True):
            with suppress(RefusedError):
                upload.discard()

    @request("upload/check", background=True)
    def _check(self, message: Message) -> dict[str, object]:
        """Say what is wrong with event, production and the names of files, as they are typed; null where nothing is."""
        place, names = (message.text("event"), message.text("production")), message.texts("names", most=NAMES)
        return _upload_names.problems(self._store, *place, names)

    @request("upload/begin", background=True)
    def _begin(self, message: Message) -> dict[str, object]:
        order = Order.of(message)
        if (record := _upload_names.find(self._store, order.key)) is not None:
            if record.hash != message.text("sent", "", limit=32):
                raise _upload_names.taken(record)
            return {"stored": {"hash": record.hash, "uuid": record.uuid}}
        self._park_left()  # also where no thread could be had that does
        self._require_few(message.view)
        self._make_way(order, message)
        try:
            upload = self._opened(order, message)
        except Cancelled:
            self._remove(order)
            return {"cancelled": "by its page"}
        with upload.at_work() as data:
            reply = {"upload": upload.number, "offset": data.size, "md5": data.md5()}
        self._add(upload)
        return reply

    @request("upload/abandon")
    def _abandon(self, message: Message) -> None:
        self._jobs.cancel((message.view, message.integer("job")))

    @request("upload/restart", background=True)
    def _restart(self, message: Message) -> None:
        with self._mine(message).at_work() as data:
            data.empty()

    @request("upload/slice")
    def _slice(self, message: Message) -> dict[str, int]:
        upload = self._mine(message)
        try:
            return {"size": upload.take(message.integer("offset"), message.buffer(limit=SLICE))}
        finally:
            self._forget(upload)

    @request("upload/end", background=True)
    def _end(self, message: Message) -> dict[str, str]:
        upload = self._mine(message)
        expected = message.text("expected", "", limit=1000).strip() or None
        try:
            record = upload.commit(self._store, message.text("md5", limit=32), expected)
        finally:
            self._forget(upload)
        self._stored(record)
        return {"hash": record.hash, "uuid": record.uuid}

    @request("upload/cancel", background=True)
    def _cancel(self, message: Message) -> None:
        upload = self._mine(message)
        upload.discard()
        self._forget(upload)

    @request("upload/leave")
    def _leave(self, message: Message) -> None:
        named = message.text("upload", "", limit=64)
        for upload in self._pop(lambda one: one.view == message.view and named in {"", one.number}):
            upload.park()

    def _mine(self, message: Message) -> Upload:
        with self._lock:
            upload = self._open.get(message.text("upload", limit=64))
        if upload is None or upload.view != message.view:
            raise lost()
        return upload

    def _pop(self, which: Callable[[Upload], bool]) -> list[Upload]:
        with self._lock:
            found = [upload for upload in self._open.values() if which(upload)]
            for upload in found:
                del self._open[upload.number]
        return found

    def _forget(self, upload: Upload) -> None:
        """Take an upload that has ended off the list."""
        if upload.ended:
            with self._lock:
                self._open.pop(upload.number, None)

    def _add(self, upload: Upload) -> None:
        with self._lock:
            if not self._closed.is_set():
                self._open[upload.number] = upload
                if self._watcher is None:
                    self._watcher = started(self._watch, "Uploads watch")
                return
        upload.discard()

    def _require_few(self, view: str) -> None:
        """Refuse what would hold a file open for each of any number of messages."""
        with self._lock:
            of_view = sum(upload.view == view for upload in self._open.values())
            if of_view >= OPEN_PER_VIEW or len(self._open) >= OPEN:
                msg = f"{len(self._open)} files are on their way already. Wait until some of them are done."
                raise RefusedError(msg)

    def _make_way(self, order: Order, message: Message) -> None:
        """Close the same file's upload of a view that is gone, or of this one if it begins again."""
        again, now = message.text("again", "", limit=64), time.monotonic()
        with self._lock:
            same = [upload for upload in self._open.values() if upload.order == order]
        for upload in same:
            if now - upload.heard < SILENT and not (upload.view == message.view and upload.number == again):
                raise _busy(order.name)
            upload.park()
            self._forget(upload)

    def _opened(self, order: Order, message: Message) -> Upload:
        """Open what is here of a file; Cancelled if that, which may take long, is not to be."""
        job = job_of(message)
        progress = Progress(lambda: self._tell_of(job, progress))
        with self._jobs.under_way(job, progress):
            data = self._data(order, progress)
        try:
            _require_space(self._store.root, order.size - data.size, order.name)
        except BaseException:
            (data.close if data.size > 0 else data.discard)()
            raise
        return Upload(message.view, order, data)

    def _tell_of(self, job: tuple[str, int], progress: Progress) -> None:
        if self._tell is not None and progress.total > 0:
            self._tell(job[0], f"upload/progress/{job[1]}", done=progress.done, total=progress.total)

    def _data(
        self, order: Order, progress: Progress | None = None, keep: Callable[[int], int] | None = None
    ) -> PartialFile:
        try:
            keep = keep or partial(_whole, size=order.size)
            return PartialFile(self._store.backend, order.key, token=order.token, keep=keep, progress=progress)
        except BlockingIOError as exc:
            raise _busy(order.name) from exc

    def _remove(self, order: Order) -> None:
        """Remove what is here of a file."""
        with suppress(BusyUploadError):
            self._data(order, keep=lambda _: 0).discard()

    def _watch(self) -> None:
        """Close, once a second, the uploads of views that are gone; end when there are none."""
        while not self._closed.wait(1):
            self._park_left()
            with self._lock:
                if not self._open:
                    self._watcher = None
                    return

    def _park_left(self) -> None:
        """Close the uploads of views that are gone."""
        now = time.monotonic()
        for upload in self._pop(lambda one: now - one.heard > PARKED):
            _logger.info("an upload of %s was left by its page", upload.order.name)
            upload.park()


def _whole(found: int, size: int) -> int:
    """Give how much to keep of what is here from an earlier try: whole slices; nothing if that was another file."""
    return found if found == size else found // SLICE * SLICE if found < size else 0


def _require_space(root: Path, needed: int, name: str) -> None:
    """Say before a long upload, not in the middle, that the disk is too small; a quota shows only then."""
    free = shutil.disk_usage(root).free
    if needed > free:
        told = f"{name} needs {needed:,} bytes, and the disk of the Store has {free:,}. Make room, then try again."
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), told)


def _busy(name: str) -> BusyUploadError:
    return BusyUploadError(
        f"{name} is on its way to this place already, from another view or another notebook. Wait for that one, or "
        "cancel it there."
    )

"""Uploads: files that arrive from a browser in slices, and are digested at both ends.

::

    page   upload/begin    event, production, name, size, mtime     ->   upload, offset, md5
           The kernel opens the partial file of exactly this file, a new one or that of an earlier attempt, cut to
           whole slices. `job`: the page's number for this request, to cancel it. `again`: the page's upload of this
           file that it begins again. `sent`: the MD5 of the whole file, if the page has sent all of it before. Then
           the file may be stored already, and its record is the answer.
    kernel upload/progress/JOB   done, total               while it digests the bytes of an earlier attempt
    page   upload/restart  upload                              the page's bytes up to `offset` have another MD5
    page   upload/slice    upload, offset, one buffer     ->   size; several are under way at once, in order
    page   upload/end      upload, md5, expected, meta    ->   hash, uuid; the page's MD5 must equal the kernel's
    page   upload/abandon  job                                 cancel a begin; the partial file is removed
    page   upload/cancel   upload                              the partial file is removed
    page   upload/leave    upload                              the partial file is kept for a day; without `upload`,
                                                               the view ends, with all of its uploads

An upload belongs to the view that began it. A page that is reloaded may send no last message. So a view that sends
nothing for a while loses its uploads: their partial files are closed and kept, and any view can resume them.
"""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from asimov.storage.widgets._link.jobs import Job, Jobs, job_of
from asimov.storage.widgets._link.messages import Message, State, request
from asimov.storage.widgets._link.progress import Cancelled, Progress
from asimov.storage.widgets._link.records import identity
from asimov.storage.widgets._served import incoming

from . import names
from .notes import notes_of
from .open_uploads import OpenUploads, busy
from .upload import BusyUploadError, Order, Upload

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from asimov.storage._model.record import Record
    from asimov.storage.widgets._served import Arriving, Served

    Stored = Callable[[Record], object]
    Tell = Callable[..., None]

SLICE = 4 * 2**20
"""The largest number of bytes in one message. A partial file is cut to a multiple of it."""

NAMES = 10_000
"""The largest number of names that one message may have checked."""


class Uploads:
    """Serves the uploads of a widget.

    Parameters
    ----------
    store : Store
        The Store to add the files to.
    stored : callable
        ``stored(record)`` is called for each file that is stored, from any thread.
    tell : callable, optional
        ``tell(view, event, **content)`` sends an event to a page.
    """

    def __init__(self, store: Served, stored: Stored, tell: Tell | None = None) -> None:
        self._store, self._stored, self._tell = store, stored, tell
        self._jobs = Jobs(busy="That file is on its way already. Wait until it is done.")
        self._open = OpenUploads()

    def heard(self, view: str) -> None:
        """Note that a view is alive."""
        self._open.heard(view)

    def close(self) -> None:
        """End all uploads and remove their partial files, except those that are being stored."""
        self._jobs.close()
        self._open.close()

    @request("upload/check", background=True)
    def _check(self, message: Message) -> State:
        """Return the problems with event, production and file names while they are typed. Null means no problem."""
        place, files = (message.text("event"), message.text("production")), message.texts("names", most=NAMES)
        return names.problems(self._store, *place, files)

    @request("upload/begin", background=True)
    def _begin(self, message: Message) -> State:
        order = Order.of(message)
        if (record := names.find(self._store, order.key)) is not None:
            if record.hash != message.text("sent", "", limit=32):
                raise names.taken(record)
            return {"stored": identity(record)}
        self._open.park_left()  # here too, as there may be no thread that does it
        self._open.require_few(message.view)
        self._open.make_way(order, message)
        try:
            upload = self._opened(order, message)
        except Cancelled:
            self._remove(order)
            return {"cancelled": "by its page"}
        with upload.at_work() as data:
            reply = {"upload": upload.number, "offset": data.size, "md5": data.md5()}
        self._open.add(upload)
        return reply

    @request("upload/abandon")
    def _abandon(self, message: Message) -> None:
        self._jobs.cancel((message.view, message.integer("job")))

    @request("upload/restart", background=True)
    def _restart(self, message: Message) -> None:
        with self._open.of(message).at_work() as data:
            data.empty()

    @request("upload/slice")
    def _slice(self, message: Message) -> dict[str, int]:
        upload = self._open.of(message)
        try:
            return {"size": upload.take(message.integer("offset"), message.buffer(limit=SLICE))}
        finally:
            self._open.forget(upload)

    @request("upload/end", background=True)
    def _end(self, message: Message) -> dict[str, str]:
        upload = self._open.of(message)
        expected = message.text("expected", "", limit=1000).strip() or None
        meta = notes_of(message)
        try:
            record = upload.commit(self._store, message.text("md5", limit=32), expected, meta)
        finally:
            self._open.forget(upload)
        self._stored(record)
        return identity(record)

    @request("upload/cancel", background=True)
    def _cancel(self, message: Message) -> None:
        upload = self._open.of(message)
        upload.discard()
        self._open.forget(upload)

    @request("upload/leave")
    def _leave(self, message: Message) -> None:
        number = message.text("upload", "", limit=64)
        for upload in self._open.pop(lambda one: one.view == message.view and number in {"", one.number}):
            upload.park()

    def _opened(self, order: Order, message: Message) -> Upload:
        """Open the partial file, which may take long, or raise Cancelled."""
        job = job_of(message)
        progress = Progress(lambda: self._tell_of(job, progress))
        with self._jobs.under_way(job, progress):
            data = self._data(order, partial(_whole, size=order.size), progress)
        try:
            _require_space(self._store.backend.root, order.size - data.size, order.name)
        except BaseException:
            (data.close if data.size > 0 else data.discard)()
            raise
        return Upload(message.view, order, data)

    def _tell_of(self, job: Job, progress: Progress) -> None:
        if self._tell is not None and progress.total > 0:
            self._tell(job[0], f"upload/progress/{job[1]}", done=progress.done, total=progress.total)

    def _data(self, order: Order, keep: Callable[[int], int], progress: Progress | None = None) -> Arriving:
        try:
            return incoming(self._store, order.key, order.token, keep, progress)
        except BlockingIOError as exc:
            raise busy(order.name) from exc

    def _remove(self, order: Order) -> None:
        """Remove the partial file."""
        with suppress(BusyUploadError):
            self._data(order, lambda _: 0).discard()


def _whole(found: int, size: int) -> int:
    """Return the number of bytes to keep of an earlier attempt: whole slices, or 0 if it had more than `size`."""
    return found if found == size else found // SLICE * SLICE if found < size else 0


def _require_space(root: Path | None, needed: int, name: str) -> None:
    """Raise OSError before a long upload if the disk is too small. A quota is noticed only during the upload."""
    if root is None:
        return
    free = shutil.disk_usage(root).free
    if needed > free:
        told = f"{name} needs {needed:,} bytes, and the disk of the Store has {free:,}. Make room, then try again."
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), told)

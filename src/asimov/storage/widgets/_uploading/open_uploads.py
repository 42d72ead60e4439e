"""The uploads under way, each with the view that sends it. Uploads whose view is gone are closed and kept."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from asimov.storage._bytes.threads import started
from asimov.storage.widgets._link.messages import Message, RefusedError

from .upload import BusyUploadError, lost

if TYPE_CHECKING:
    from collections.abc import Callable

    from .upload import Order, Upload

SILENT = 3.5
"""Seconds without a message after which another view may resume an upload. An open view sends one every second."""
PARKED = 15.0
"""Seconds without a message after which an upload is closed and kept."""

OPEN_PER_VIEW = 16
OPEN = 64
"""The largest number of uploads under way. Our page has three at a time."""

_logger = logging.getLogger(__name__)


class OpenUploads:
    """The uploads under way, of all views of a widget."""

    def __init__(self) -> None:
        self._open: dict[str, Upload] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._watcher: threading.Thread | None = None

    def heard(self, view: str) -> None:
        """Note that a view is alive."""
        now = time.monotonic()
        with self._lock:
            for upload in self._open.values():
                if upload.view == view:
                    upload.heard = now

    def close(self) -> None:
        """End all uploads and remove their partial files, except those that are being stored."""
        self._closed.set()
        for upload in self.pop(lambda _: True):
            with suppress(RefusedError):
                upload.discard()

    def add(self, upload: Upload) -> None:
        """Add an upload that has begun."""
        with self._lock:
            if not self._closed.is_set():
                self._open[upload.number] = upload
                if self._watcher is None:
                    self._watcher = started(self._watch, "Uploads watch")
                return
        upload.discard()

    def of(self, message: Message) -> Upload:
        """Return the upload that a message names, or raise LostUploadError if its view has no such upload."""
        with self._lock:
            upload = self._open.get(message.text("upload", limit=64))
        if upload is None or upload.view != message.view:
            raise lost()
        return upload

    def pop(self, which: Callable[[Upload], bool]) -> list[Upload]:
        """Remove some uploads from the list, and return them."""
        with self._lock:
            found = [upload for upload in self._open.values() if which(upload)]
            for upload in found:
                del self._open[upload.number]
        return found

    def forget(self, upload: Upload) -> None:
        """Remove an upload from the list, if it has ended."""
        if upload.ended:
            with self._lock:
                self._open.pop(upload.number, None)

    def require_few(self, view: str) -> None:
        """Raise RefusedError if there are many uploads already, since each holds a file open."""
        with self._lock:
            of_view = sum(upload.view == view for upload in self._open.values())
            if of_view >= OPEN_PER_VIEW or len(self._open) >= OPEN:
                msg = f"{len(self._open)} files are on their way already. Wait until some of them are done."
                raise RefusedError(msg)

    def make_way(self, order: Order, message: Message) -> None:
        """Close an earlier upload of the same file, if its view is gone, or if this view begins it again.

        Raises
        ------
        BusyUploadError
            Another view is still sending the file.
        """
        again, now = message.text("again", "", limit=64), time.monotonic()
        with self._lock:
            same = [upload for upload in self._open.values() if upload.order == order]
        for upload in same:
            if now - upload.heard < SILENT and not (upload.view == message.view and upload.number == again):
                raise busy(order.name)
            upload.park()
            self.forget(upload)

    def park_left(self) -> None:
        """Close the uploads of views that are gone."""
        now = time.monotonic()
        for upload in self.pop(lambda one: now - one.heard > PARKED):
            _logger.info("an upload of %s was left by its page", upload.order.name)
            upload.park()

    def _watch(self) -> None:
        """Close the uploads of views that are gone, once a second. End when there are no uploads."""
        while not self._closed.wait(1):
            self.park_left()
            with self._lock:
                if not self._open:
                    self._watcher = None
                    return


def busy(name: str) -> BusyUploadError:
    """Return the error for a file that another view or notebook is sending to the same place."""
    return BusyUploadError(
        f"{name} is on its way to this place already, from another view or another notebook. Wait for that one, or "
        "cancel it there."
    )

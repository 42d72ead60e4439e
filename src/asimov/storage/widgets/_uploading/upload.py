"""Upload: one file that arrives from a browser and is stored."""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asimov.storage._model.errors import HashError
from asimov.storage._model.names import valid_name
from asimov.storage.widgets._link.messages import MAX_INTEGER, Message, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asimov.storage._model.names import Key
    from asimov.storage._model.record import Record
    from asimov.storage.widgets._served import Arriving, Served

    from .notes import Meta

PATIENCE = 5.0
"""Seconds to wait for another thread that works on an upload. Its work is short, unless it stores the file."""


class LostUploadError(RefusedError):
    """There is no such upload any more. The page begins it again, and continues from the bytes that were kept."""


class BusyUploadError(RefusedError):
    """Another view, or another notebook, is sending the same file to the same place."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """The order of a page to store a file.

    Attributes
    ----------
    event, production, name : str
        The key of the new record.
    size : int
        The size of the file, in bytes.
    mtime : int
        The time of the file's last change, in ms. It helps to recognise the file of an earlier attempt.
    """

    event: str
    production: str
    name: str
    size: int
    mtime: int

    @classmethod
    def of(cls, message: Message) -> Order:
        """Read the order from a message, and check it."""
        return cls(
            event=valid_name("event", message.text("event")),
            production=valid_name("production", message.text("production")),
            name=valid_name("file", message.text("name")),
            size=message.integer("size"),
            mtime=message.integer("mtime", low=-MAX_INTEGER),
        )

    @property
    def key(self) -> Key:
        """Event, production and name."""
        return self.event, self.production, self.name

    @property
    def token(self) -> str:
        """The name of the partial file. It is the same whenever the same file is sent to the same place."""
        told = json.dumps([*self.key, self.size, self.mtime])
        return hashlib.sha256(told.encode()).hexdigest()


class Upload:
    """One file that is being uploaded.

    Parameters
    ----------
    view : str
        The view that sends the file.
    order : Order
        The names, size and time of the file.
    data : Arriving
        The bytes that have arrived. They are used only within `at_work`.
    """

    def __init__(self, view: str, order: Order, data: Arriving) -> None:
        self.number, self.view, self.order = secrets.token_hex(8), view, order
        self.heard = time.monotonic()
        self.storing = False
        self._data: Arriving | None = data
        self._lock = threading.Lock()

    @property
    def ended(self) -> bool:
        """Whether the upload has ended: its data was stored, kept for later, or removed."""
        return self._data is None

    @contextmanager
    def at_work(self, patience: float = PATIENCE) -> Iterator[Arriving]:
        """Yield the data to one thread at a time.

        Raises
        ------
        RefusedError
            Another thread has used the data for more than `patience` seconds, so it must be storing the file.
        LostUploadError
            The upload has ended.
        """
        if not self._lock.acquire(timeout=patience):
            msg = f"{self.order.name} is being stored at this moment. Wait until that is done."
            raise RefusedError(msg)
        try:
            if self._data is None:
                raise lost()
            yield self._data
        finally:
            self._lock.release()

    def take(self, offset: int, content: memoryview) -> int:
        """Append a slice, and return the number of bytes that have arrived."""
        with self.at_work() as data:
            if offset != data.size:
                msg = f"A slice came out of order: it starts at {offset}, and {data.size} bytes are here. Begin again."
                raise LostUploadError(msg)
            if offset + content.nbytes > self.order.size:
                msg = f"A slice reaches beyond the {self.order.size} bytes of {self.order.name}. Choose the file again."
                raise RefusedError(msg)
            try:
                data.write(content)
            except OSError as exc:
                self._end(keep=False)
                raise no_room(exc, self.order.name) from exc
            return data.size

    def commit(self, store: Served, md5: str, expected: str | None, meta: Meta | None) -> Record:
        """Store the file with notes, if it has arrived completely, and browser and kernel have computed the same MD5.

        Raises
        ------
        LostUploadError
            Bytes are missing. Those that have arrived are kept.
        HashError, RecordExistsError, AlreadyPresentException, OSError
            As from `Store.add_file`. Nothing is kept then.
        """
        with self.at_work() as data:
            if data.size != self.order.size:
                msg = f"{data.size} of {self.order.size} bytes of {self.order.name} are here. Begin again."
                raise LostUploadError(msg)
            self.storing = True
            try:
                self._require(data.md5(), md5, "the browser read {}")
                self._require(data.md5(), expected, "{} was expected")
                data.commit(hash=expected, meta=meta)
            finally:
                self._end(keep=False)
            return store[self.order.key]

    def park(self) -> None:
        """Close the data and keep it, unless it is being stored."""
        with suppress(RefusedError):
            self._give_up(keep=True)

    def discard(self) -> None:
        """Remove the data, or raise RefusedError if it is being stored."""
        self._give_up(keep=False)

    def _give_up(self, *, keep: bool) -> None:
        # This waits while a slice is being written, but not for a long fsync.
        with self.at_work(patience=0 if self.storing else PATIENCE):
            self._end(keep=keep)

    def _end(self, *, keep: bool) -> None:
        """End the upload, and keep or remove the data. Call it within `at_work`."""
        data, self._data = self._data, None
        if data is not None and keep:
            data.close()
        elif data is not None:
            data.discard()

    def _require(self, actual: str, expected: str | None, words: str) -> None:
        require_md5(self.order.name, actual, expected, words)


def require_md5(name: str, actual: str, expected: str | None, words: str) -> None:
    """Raise HashError if the bytes that arrived don't have the MD5 `expected`. `words` say where that MD5 is from."""
    if expected is None or expected.lower() == actual:
        return
    told = words.format(f"{expected!a:.80}")
    msg = (
        f"{name}: what arrived has the MD5 {actual}, and {told}. It is another file, or was damaged on its way; "
        "nothing was stored."
    )
    raise HashError(msg, path=Path(name), expected=expected, actual=actual)


def no_room(error: OSError, what: str) -> OSError:
    """Return the error for bytes that couldn't be written to the Store's disk."""
    told = f"nothing of {what} was stored. Make room on the disk of the Store, and try again."
    return OSError(error.errno, error.strerror, told)


def lost() -> LostUploadError:
    """Return the error for an upload that doesn't exist any more."""
    return LostUploadError("There is no such upload any more. Choose the file again: it goes on from where it stopped.")

"""One file on its way from a browser into a Store."""

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

PATIENCE = 5.0
"""Seconds to wait for others that are at an upload. What they do is short, unless they store it."""


class LostUploadError(RefusedError):
    """There is no such upload here any more. The page begins again, and goes on from what is kept."""


class BusyUploadError(RefusedError):
    """Another view, or another notebook, is sending the same file to the same place."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What a page wants to store, and where.

    Attributes
    ----------
    event, production, name : str
        Where it goes, and what it is to be called.
    size : int
        Bytes.
    mtime : int
        When it was last changed, in milliseconds: one more sign that it is the file of an earlier try.
    """

    event: str
    production: str
    name: str
    size: int
    mtime: int

    @classmethod
    def of(cls, message: Message) -> Order:
        """Read and check what a page asks for."""
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
        """A name for the partial file: the same for the same file to the same place."""
        told = json.dumps([*self.key, self.size, self.mtime])
        return hashlib.sha256(told.encode()).hexdigest()


class Upload:
    """One file on its way.

    Parameters
    ----------
    view : str
        The view that sends it.
    order : Order
        What it is.
    data : Arriving
        The bytes so far. Touched only in `at_work`.
    """

    def __init__(self, view: str, order: Order, data: Arriving) -> None:
        self.number, self.view, self.order = secrets.token_hex(8), view, order
        self.heard = time.monotonic()
        self.storing = False
        self._data: Arriving | None = data
        self._lock = threading.Lock()

    @property
    def ended(self) -> bool:
        """Whether its data is given up: stored, kept or removed."""
        return self._data is None

    @contextmanager
    def at_work(self, patience: float = PATIENCE) -> Iterator[Arriving]:
        """Yield the data, for one thread alone.

        Raises
        ------
        RefusedError
            Another thread has had it for more than `patience` seconds: it is being stored.
        LostUploadError
            It is closed.
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
        """Append a slice, and return how many bytes are here then."""
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

    def commit(self, store: Served, md5: str, expected: str | None) -> Record:
        """Store the file if all of it is here and both ends agree about its bytes.

        Raises
        ------
        LostUploadError
            Bytes are missing; those that are here are kept.
        HashError, RecordExistsError, AlreadyPresentException, OSError
            As from `Store.add_file`; nothing is kept then.
        """
        with self.at_work() as data:
            if data.size != self.order.size:
                msg = f"{data.size} of {self.order.size} bytes of {self.order.name} are here. Begin again."
                raise LostUploadError(msg)
            self.storing = True
            try:
                self._require(data.md5(), md5, "the browser read {}")
                self._require(data.md5(), expected, "{} was expected")
                data.commit(hash=expected)
            finally:
                self._end(keep=False)
            return store[self.order.key]

    def park(self) -> None:
        """Close the data and keep it, unless it is being stored."""
        with suppress(RefusedError):
            self._give_up(keep=True)

    def discard(self) -> None:
        """Remove the data; RefusedError if it is being stored."""
        self._give_up(keep=False)

    def _give_up(self, *, keep: bool) -> None:
        # A slice that is being written is waited for, but not a long fsync.
        with self.at_work(patience=0 if self.storing else PATIENCE):
            self._end(keep=keep)

    def _end(self, *, keep: bool) -> None:
        """Discard the data; within `at_work`."""
        data, self._data = self._data, None
        if data is not None and keep:
            data.close()
        elif data is not None:
            data.discard()

    def _require(self, actual: str, expected: str | None, words: str) -> None:
        require_md5(self.order.name, actual, expected, words)


def require_md5(name: str, actual: str, expected: str | None, words: str) -> None:
    """Raise HashError if what arrived of a file has another MD5 than it must have; `words` say of whom that is."""
    if expected is None or expected.lower() == actual:
        return
    told = words.format(f"{expected!a:.80}")
    msg = (
        f"{name}: what arrived has the MD5 {actual}, and {told}. It is another file, or was damaged on its way; "
        "nothing was stored."
    )
    raise HashError(msg, path=Path(name), expected=expected, actual=actual)


def no_room(error: OSError, what: str) -> OSError:
    """Return the error for bytes that the Store's disk didn't take."""
    told = f"nothing of {what} was stored. Make room on the disk of the Store, and try again."
    return OSError(error.errno, error.strerror, told)


def lost() -> LostUploadError:
    """Return the error for an upload that isn't there."""
    return LostUploadError("There is no such upload any more. Choose the file again: it goes on from where it stopped.")

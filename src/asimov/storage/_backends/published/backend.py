"""A published Store: what is read of it, and that nothing can be written."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from weakref import WeakSet

from asimov.storage._backends.base import Found
from asimov.storage._bytes.descriptors import chunks, write_all
from asimov.storage._bytes.digests import Digest, Named, counted
from asimov.storage._bytes.progress import Meter
from asimov.storage._model.check import Status
from asimov.storage._model.errors import HashError
from asimov.storage._model.matching import require_match
from asimov.storage._model.record import Record
from asimov.storage._model.snapshot import Contents

from .cache import Cache, Copy
from .options import Options
from .reading import Reader
from .refusing import Refusing
from .web import Web

if TYPE_CHECKING:
    from asimov.storage._model.check import Check

FRESH_FOR = 2.0
"""For how many seconds what was read counts as the current state: many calls in a row need not each ask the server."""
_opened: WeakSet[PublishedBackend] = WeakSet()


class PublishedBackend(Refusing):
    """The Store at a URL.

    Parameters
    ----------
    location : str
        The URL, as `urls.location_of` returns it.
    options : Options
        How to talk to the server.
    """

    def __init__(self, location: str, options: Options) -> None:
        self._location, self._options = location, options
        self._cache = Cache(location)
        self._reader = Reader(Web(location, options), self._cache)
        self._changing = threading.RLock()
        self._read_at = -FRESH_FOR
        _opened.add(self)

    def renew_locks(self) -> None:
        """Forget locks that other threads may have held at a fork."""
        self._changing = threading.RLock()
        self._reader.renew_lock()

    @property
    def location(self) -> str:
        """The URL."""
        return self._location

    @property
    def options(self) -> dict[str, object]:
        return self._options.given

    @property
    def together(self) -> int:
        return self._options.concurrency

    @property
    def root(self) -> None:
        """There is no folder."""
        return

    @property
    def changing(self) -> threading.RLock:
        """A lock of its own."""
        return self._changing

    # Records.

    def contents(self) -> Contents:
        seen, now = self._reader.seen, time.monotonic()
        if seen is None or now - self._read_at >= FRESH_FOR:
            seen, self._read_at = self._reader.contents(), now
        return seen

    @property
    def seen(self) -> Contents:
        """The contents that were read last."""
        return self._reader.seen or self.contents()

    # Bytes out of the Store.

    def where(self, record: Record) -> str:
        return self._reader.layout.where(record)

    def pieces(self, record: Record, offset: int = 0) -> Iterator[bytes]:
        return self._reader.layout.pieces(record, offset)

    def _copy(self, record: Record, meter: Meter | None) -> Copy:
        return self._cache.copy(record, self.where(record), lambda offset: self.pieces(record, offset), meter)

    def path(self, record: Record, meter: Meter | None = None) -> Path:
        copy = self._copy(record, meter)
        os.close(copy.descriptor)
        return copy.path

    def open(self, record: Record, meter: Meter | None = None) -> BinaryIO:
        return os.fdopen(self._copy(record, meter).descriptor, "rb")

    def copy(self, record: Record, target: int, meter: Meter | None, writing: Named) -> None:
        """Copy a file from the cache, if it is there, or else from the server: not by way of the cache."""
        cached = self._cache.taken(record)
        if cached is not None:
            try:
                self._write(record, chunks(cached.descriptor), target, meter, writing)
            finally:
                os.close(cached.descriptor)
            return
        try:
            self._write(record, self.pieces(record), target, meter, writing)
        except HashError:  # once more, since bytes may be damaged on their way
            with writing:
                os.ftruncate(target, 0)
                os.lseek(target, 0, os.SEEK_SET)
            self._write(record, self.pieces(record), target, meter, writing)

    def _write(self, record: Record, pieces: Iterator[bytes], target: int, meter: Meter | None, writing: Named) -> None:
        found = Digest(sha256=record.sha256 is not None)
        for piece in counted(pieces, found, meter):
            with writing:
                write_all(target, piece)
        require_match(record, found, self.where(record))

    def stat(self, records: Iterable[Record]) -> Iterator[Found]:
        return self._reader.layout.look(records)

    def sizes(self, records: Iterable[Record]) -> Iterator[int]:
        return (record.size or 0 for record in records)

    def tag(self, record: Record) -> str:
        return self._reader.layout.tag(record)

    def check(self, records: Sequence[Record], meter: Meter | None = None) -> list[Check]:
        """Verify what the server has, not what the cache has; look twice before a file is said to be damaged."""
        checks = super().check(records, meter)
        wrong = {check.uuid: record for check, record in zip(checks, records, strict=True) if _is_wrong(check)}
        again = dict(zip(wrong, super().check(list(wrong.values())), strict=True))
        return [again.get(check.uuid, check) for check in checks]


def _is_wrong(check: Check) -> bool:
    return check.status == Status.CORRUPT


def _after_fork() -> None:
    for backend in _opened:
        backend.renew_locks()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

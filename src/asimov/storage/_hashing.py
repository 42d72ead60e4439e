"""Digests of streams, and copies that are digested on the way: one pass over the data, constant memory.

MD5 is the digest of the on-disk format (RFC 1321). It detects accidents; SHA-256 (FIPS 180-4), in Stores that ask for
it, also detects forgery.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeAlias

from ._threads import started

Progress: TypeAlias = Callable[[int, int], object]

CHUNK = 1 << 20
"""Bytes that are read at once."""
_THREADED_FROM = 4 * CHUNK
_QUEUED = 24
_FLUSH_EVERY = 32 * CHUNK
_INTERVAL = 0.1

EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e"


class Digest:
    """The digests of the bytes seen so far.

    Parameters
    ----------
    sha256 : bool
        Compute SHA-256 beside MD5.
    """

    def __init__(self, *, sha256: bool = False) -> None:
        import hashlib  # loads OpenSSL, which takes a tenth of the whole import

        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256() if sha256 else None
        self.size = 0

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Take `data` in."""
        self._md5.update(data)
        if self._sha256 is not None:
            self._sha256.update(data)
        self.size += len(data)

    @property
    def md5(self) -> str:
        """The MD5 so far: 32 lower-case hexadecimal digits."""
        return self._md5.hexdigest()

    @property
    def sha256(self) -> str | None:
        """The SHA-256 so far: 64 lower-case hexadecimal digits, or None if it wasn't asked for."""
        return None if self._sha256 is None else self._sha256.hexdigest()


class Meter:
    """Counts bytes and tells `progress(done, total)` of them: at the start, at most ten times a second, and at the end.

    What `progress` raises passes through: that is how work is cancelled.
    """

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0
        if progress is not None:
            progress(0, total)
        self._told = (0, 0.0)

    def advance(self, count: int) -> None:
        """Count `count` bytes more."""
        self._done += count
        if self._progress is None:
            return
        now = time.monotonic()
        if now - self._told[1] >= _INTERVAL:
            self._tell(now)

    def finish(self) -> None:
        """Tell the end, if it hasn't been told."""
        if self._progress is not None and self._told[0] != self._done:
            self._tell(time.monotonic())

    def _tell(self, now: float) -> None:
        self._told = (self._done, now)
        if self._progress is not None:
            self._progress(self._done, max(self._total, self._done))


def chunks(descriptor: int) -> Iterator[bytes]:
    """Read `descriptor` from where it stands to its end, a chunk at a time."""
    while chunk := os.read(descriptor, CHUNK):
        yield chunk


_kept = threading.local()


def _taken_buffer() -> memoryview:
    """Take this thread's buffer of `CHUNK` bytes, to be put back: to make one takes as long as to digest many a file.

    A signal's handler may use a Store too, while one is being used, and then makes one of its own.
    """
    buffer: memoryview | None = _kept.__dict__.pop("buffer", None)
    return memoryview(bytearray(CHUNK)) if buffer is None else buffer


def digest(descriptor: int, *, sha256: bool = False, meter: Meter | None = None) -> Digest:
    """Digest an open file from where it stands to its end."""
    result = Digest(sha256=sha256)
    buffer = _taken_buffer()
    while count := _read_into(descriptor, buffer):
        result.update(buffer[:count])
        if meter is not None:
            meter.advance(count)
    _kept.buffer = buffer
    return result


def _read_into(descriptor: int, buffer: memoryview) -> int:
    """Read on into `buffer`; without a file object, which takes longer to make than to read a small file."""
    if hasattr(os, "readv"):
        return os.readv(descriptor, [buffer])
    data = os.read(descriptor, len(buffer))  # pragma: no cover - Windows
    buffer[: len(data)] = data  # pragma: no cover
    return len(data)  # pragma: no cover


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write all of `data`; `os.write` may write less than it was given."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def copy(source: int, target: int, *, sha256: bool = False, meter: Meter | None = None) -> Digest:
    """Copy an open file into another, from where they stand, and digest it on the way.

    Of a large file the digest is computed in a second thread, and what was written is sent to the disk meanwhile, so
    that the `fsync` that follows finds little to do.

    Returns
    -------
    Digest
        Of exactly the bytes that were written.
    """
    size = os.fstat(source).st_size
    if size < _THREADED_FROM:
        return _copy_plainly(source, target, Digest(sha256=sha256), meter)
    return _copy_in_two_threads(source, target, Digest(sha256=sha256), meter)


def _copy_plainly(source: int, target: int, result: Digest, meter: Meter | None) -> Digest:
    buffer = _taken_buffer()
    while count := _read_into(source, buffer):
        result.update(buffer[:count])
        write_all(target, buffer[:count])
        if meter is not None:
            meter.advance(count)
    _kept.buffer = buffer
    return result


def _copy_in_two_threads(source: int, target: int, result: Digest, meter: Meter | None) -> Digest:
    from queue import Queue

    queue: Queue[bytes | None] = Queue(_QUEUED)

    def work() -> None:
        while (chunk := queue.get()) is not None:
            result.update(chunk)

    worker = started(work, "asimov-storage digest")
    if worker is None:
        return _copy_plainly(source, target, result, meter)
    unflushed = 0
    try:
        for chunk in chunks(source):
            queue.put(chunk)
            write_all(target, chunk)
            unflushed += len(chunk)
            if unflushed >= _FLUSH_EVERY:
                flush_data(target)
                unflushed = 0
            if meter is not None:
                meter.advance(len(chunk))
    finally:
        queue.put(None)
        worker.join()
    return result


flush_data: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)
"""Send a file's data to the disk."""

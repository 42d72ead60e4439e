"""Digests of streams, and copies that are digested as they are written: one pass over the data, constant memory.

MD5 is the digest of the on-disk format (RFC 1321). It detects accidents; SHA-256 (FIPS 180-4), in Stores that ask for
it, also detects forgery.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import groupby
from typing import TypeAlias

from .descriptors import CHUNK, flush_data, write_all
from .progress import Meter
from .threads import started

_THREADED_FROM = 4 * CHUNK
_QUEUED = 24
_FLUSH_EVERY = 32 * CHUNK

_BLOCK = 4096
"""The size of the smallest hole, in bytes."""
_ZEROS = bytes(_BLOCK)
Named: TypeAlias = AbstractContextManager[object]
"""A context that makes errors name a file (`folder.Reporting`), around calls that only have its descriptor."""
_NAMELESS: Named = nullcontext()

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
        """Add `data` to the digests."""
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
        """The SHA-256 so far: 64 lower-case hexadecimal digits, or None if it isn't computed."""
        return None if self._sha256 is None else self._sha256.hexdigest()


_kept = threading.local()


def _taken_buffer() -> memoryview:
    """Return this thread's buffer of `CHUNK` bytes, which the caller puts back after use.

    It is kept because making one takes as long as digesting a small file. A signal's handler that uses a Store while
    the buffer is in use gets a buffer of its own.
    """
    buffer: memoryview | None = _kept.__dict__.pop("buffer", None)
    return memoryview(bytearray(CHUNK)) if buffer is None else buffer


def digest(descriptor: int, *, sha256: bool = False, meter: Meter | None = None, reading: Named = _NAMELESS) -> Digest:
    """Return the digest of an open file, from its current position to its end; `reading` names it in errors."""
    result = Digest(sha256=sha256)
    buffer = _taken_buffer()
    while count := _read_into(descriptor, buffer, reading):
        result.update(buffer[:count])
        if meter is not None:
            meter.advance(count)
    _kept.buffer = buffer
    return result


def _read_into(descriptor: int, buffer: memoryview, reading: Named) -> int:
    """Read the next bytes into `buffer`. There is no file object, since making one takes longer than a small read."""
    with reading:
        if hasattr(os, "readv"):
            return os.readv(descriptor, [buffer])
        data = os.read(descriptor, len(buffer))  # pragma: no cover - Windows
        buffer[: len(data)] = data  # pragma: no cover
        return len(data)  # pragma: no cover


class _Sink:
    """The open file that a copy writes to. It gets holes if the source has some.

    A source with fewer blocks than bytes has holes, or is compressed. For such a source, blocks of nothing but zeros
    are not written. They are read all the same: in 2023, ZFS reported wrong holes (SEEK_HOLE) for files that had just
    been written, and `cp`, which relied on that, lost data.
    """

    def __init__(self, descriptor: int, source: os.stat_result, writing: Named) -> None:
        self.descriptor, self._writing = descriptor, writing
        self._sparse = getattr(source, "st_blocks", source.st_size) * 512 < source.st_size > _BLOCK
        self._ends_in_a_hole = False

    def write(self, data: bytes | memoryview) -> int:
        """Write at the end; return how many bytes have to go to the disk."""
        with self._writing:
            if self._sparse:
                return self._write_around_holes(bytes(data))
            write_all(self.descriptor, data)
            return len(data)

    def _write_around_holes(self, data: bytes) -> int:
        written = 0
        for is_hole, run in _runs(data):
            self._ends_in_a_hole = is_hole
            if is_hole:
                os.lseek(self.descriptor, len(run), os.SEEK_CUR)
            else:
                write_all(self.descriptor, run)
                written += len(run)
        return written

    def flush(self) -> None:
        """Send what was written to the disk."""
        with self._writing:
            flush_data(self.descriptor)

    def finish(self) -> None:
        """Set the size of the file if it ends in a hole."""
        if self._ends_in_a_hole:
            with self._writing:
                os.ftruncate(self.descriptor, os.lseek(self.descriptor, 0, os.SEEK_CUR))


def _runs(data: bytes) -> Iterator[tuple[bool, bytes]]:
    """Split `data` into runs of blocks that are all zeros, and runs of other blocks."""
    blocks = range(0, len(data), _BLOCK)
    for is_hole, run in groupby(blocks, key=lambda start: _ZEROS.startswith(data[start : start + _BLOCK])):
        starts = list(run)
        yield is_hole, data[starts[0] : starts[-1] + _BLOCK]


def copy(
    source: int,
    target: int,
    *,
    sha256: bool = False,
    meter: Meter | None = None,
    reading: Named = _NAMELESS,
    writing: Named = _NAMELESS,
) -> Digest:
    """Copy an open file to another, from their current positions, and digest it meanwhile. Holes stay holes.

    The digest of a large file is computed in a second thread. Meanwhile what was written is sent to the disk, so that
    the `fsync` at the end finds little to do.

    Parameters
    ----------
    reading, writing : context managers
        Contexts that name the two files in errors.

    Returns
    -------
    Digest
        The digest of exactly the bytes that were written.
    """
    with reading:
        found = os.fstat(source)
    result, sink = Digest(sha256=sha256), _Sink(target, found, writing)
    worker = _Worker(result) if found.st_size >= _THREADED_FROM else None
    if worker is None or worker.thread is None:
        _copy_plainly(source, sink, result, meter, reading)
    else:
        _copy_in_two_threads(source, sink, worker, meter, reading)
    sink.finish()
    return result


def _copy_plainly(source: int, sink: _Sink, result: Digest, meter: Meter | None, reading: Named) -> None:
    buffer = _taken_buffer()
    while count := _read_into(source, buffer, reading):
        result.update(buffer[:count])
        sink.write(buffer[:count])
        if meter is not None:
            meter.advance(count)
    _kept.buffer = buffer


class _Worker:
    """A thread that digests chunks; `thread` is None if no thread could be started."""

    def __init__(self, result: Digest) -> None:
        from queue import Queue

        self._result, self._queue = result, Queue[bytes | None](_QUEUED)
        self.thread = started(self._work, "asimov-storage digest")

    def _work(self) -> None:
        while (chunk := self._queue.get()) is not None:
            self._result.update(chunk)

    def update(self, chunk: bytes) -> None:
        """Put `chunk` into the queue, to be digested soon."""
        self._queue.put(chunk)

    def finish(self) -> None:
        """Wait until all chunks are digested."""
        self._queue.put(None)
        if self.thread is not None:
            self.thread.join()


def _copy_in_two_threads(source: int, sink: _Sink, worker: _Worker, meter: Meter | None, reading: Named) -> None:
    unflushed = 0
    try:
        while chunk := _read(source, reading):
            worker.update(chunk)
            unflushed += sink.write(chunk)
            if unflushed >= _FLUSH_EVERY:
                sink.flush()
                unflushed = 0
            if meter is not None:
                meter.advance(len(chunk))
    finally:
        worker.finish()


def _read(descriptor: int, reading: Named) -> bytes:
    with reading:
        return os.read(descriptor, CHUNK)


def counted(pieces: Iterator[bytes], found: Digest, meter: Meter | None) -> Iterator[bytes]:
    """Yield the bytes of a file, while digesting and counting them."""
    for piece in pieces:
        found.update(piece)
        if meter is not None:
            meter.advance(len(piece))
        yield piece

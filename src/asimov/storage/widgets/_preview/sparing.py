"""Sparing: a file object with a limit on how much is read, to pass to libraries that read as much as they like."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class SpentError(Exception):
    """A preview has read as many bytes as it may."""


class Sparing(io.RawIOBase):
    """A file object that reads at most `budget` bytes, and then raises SpentError.

    With `strict`, it raises EOFError instead of returning fewer bytes than were asked for. h5py doesn't notice a short
    read, and would use the bytes that its buffer held before.
    """

    def __init__(self, source: BinaryIO, budget: int, *, strict: bool = False) -> None:
        self._source, self._left, self._strict = source, budget, strict

    @property
    def spent(self) -> bool:
        """Whether no more bytes may be read."""
        return self._left == 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._source.seek(offset, whence)

    def tell(self) -> int:
        return self._source.tell()

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        if view.nbytes > self._left and self._strict:
            raise SpentError
        data = read_up_to(self._source, min(view.nbytes, self._left))
        if not data and view.nbytes and not self._left:
            raise SpentError
        if len(data) < view.nbytes and self._strict:
            raise EOFError
        self._left -= len(data)
        view[: len(data)] = data
        return len(data)


def read_up_to(source: BinaryIO, count: int) -> bytes:
    """Return `count` bytes, or fewer only at the end of the file. A file without a buffer may need several reads."""
    parts = []
    while count and (part := source.read(count)):
        parts.append(part)
        count -= len(part)
    return b"".join(parts)

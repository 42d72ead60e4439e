"""Transfers: objects of any size in pieces, several of them on their way at a time, in order."""

from __future__ import annotations

import errno
import threading
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

from asimov.storage._bytes.threads import Threads

from .objects import NoRanges, Objects, Part

if TYPE_CHECKING:
    from concurrent.futures import Future

PIECE = 8 << 20
"""How many bytes a request asks for: a time-out is for one piece, and only that is repeated."""
_IN_FLIGHT = 4


def pieces(objects: Objects, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """Yield the bytes of an object from `start` on, up to `end` or its own end.

    Raises
    ------
    FileNotFoundError, OSError
        There is no such object; it can't be read; or it was replaced meanwhile by one of another size.
    """
    wanted = PIECE if end is None else min(PIECE, end - start)
    if wanted <= 0:
        return
    try:
        first = _read(objects, key, start, wanted)
    except NoRanges:
        yield from _cut(objects.stream(key), start, end)
        return
    if first.content:
        yield first.content
    stop = first.size if end is None else min(first.size, end)
    yield from _rest(objects, key, first.size, range(start + wanted, stop, PIECE), stop)


def whole(objects: Objects, key: str, unless: str = "") -> Part | None:
    """Return an object in one piece; None if it still has the tag `unless`. All of it has one tag."""
    try:
        first = objects.read(key, 0, PIECE, unless=unless)
    except NoRanges:
        content = b"".join(objects.stream(key))
        return Part(content, len(content), "")
    if first is None or first.size == len(first.content):
        return first
    parts = [first.content]
    for start in range(PIECE, first.size, PIECE):
        part = _read(objects, key, start, PIECE)
        if (part.size, part.tag) != (first.size, first.tag):
            raise _replaced(objects, key)
        parts.append(part.content)
    return first._replace(content=b"".join(parts))


def _read(objects: Objects, key: str, start: int, length: int, stop: threading.Event | None = None) -> Part:
    part = objects.read(key, start, length, stop=stop)
    if part is None:
        raise AssertionError  # there was no tag
    return part


def _rest(objects: Objects, key: str, size: int, starts: range, end: int) -> Iterator[bytes]:
    """Yield the pieces that begin at `starts`, while others are on their way."""
    if not starts:
        return
    threads, stop = Threads(_IN_FLIGHT, "asimov-storage read"), threading.Event()
    pending: deque[Future[Part]] = deque()
    waiting = iter(starts)
    try:
        while True:
            while len(pending) < _IN_FLIGHT and (at := next(waiting, None)) is not None:
                pending.append(threads.submit(_read, objects, key, at, min(PIECE, end - at), stop))
            if not pending:
                return
            part = pending.popleft().result()
            if part.size != size:
                raise _replaced(objects, key)
            yield part.content
    finally:
        stop.set()
        threads.shutdown()


def _cut(stream: Iterator[bytes], start: int, end: int | None) -> Iterator[bytes]:
    """Yield the bytes of a stream between `start` and `end`."""
    at = 0
    for piece in stream:
        part = piece[max(0, start - at) : None if end is None else max(0, end - at)]
        if part:
            yield part
        at += len(piece)
        if end is not None and at >= end:
            return


def _replaced(objects: Objects, key: str) -> OSError:
    return OSError(errno.ESTALE, "it was replaced while it was read; try again", objects.where(key))

"""Open files, as the numbers that the system knows them by: read by the chunk, written whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

CHUNK = 1 << 20
"""Bytes that are read at once."""


def chunks(descriptor: int) -> Iterator[bytes]:
    """Read an open file from where it stands to its end, a chunk at a time."""
    while chunk := os.read(descriptor, CHUNK):
        yield chunk


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write all of `data`; `os.write` may write less than it was given."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


flush_data: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)
"""Send a file's data to the disk."""

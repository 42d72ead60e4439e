"""Open files, by the numbers that the system gives them: read in chunks, written completely."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

CHUNK = 1 << 20
"""How many bytes are read at once."""


def chunks(descriptor: int) -> Iterator[bytes]:
    """Read an open file from its current position to its end, one chunk at a time."""
    while chunk := os.read(descriptor, CHUNK):
        yield chunk


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write all of `data`, since `os.write` may write only a part."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


flush_data: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)
"""Send a file's data to the disk."""

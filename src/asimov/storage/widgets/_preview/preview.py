"""What is in a file, at a glance: from its first megabyte to a description that a page shows as text, table or image.

Pure functions of the bytes. Nothing here runs, renders or unpickles what it reads, and no more than `LIMIT` bytes are
read, whatever the file's size.
"""

from __future__ import annotations

import io
from pathlib import PurePath
from typing import BinaryIO

from .binaries import binary
from .description import LIMIT, Preview
from .hdf5 import is_hdf5, read_up_to, tree
from .images import image
from .json_text import indented
from .tables import table
from .text import decode, plain

_HEAD = 4_096
"""Bytes that tell an HDF5 file."""


def preview(source: BinaryIO, name: str) -> Preview:
    """Describe what `source` holds.

    Parameters
    ----------
    source : binary file object
        Readable and seekable; at most `LIMIT` bytes of it are read. Best without a buffer, which is filled anew at
        each of the many seeks in an HDF5 file.
    name : str
        The name of the file. Its suffix helps where the bytes alone don't tell.

    Returns
    -------
    Preview
    """
    size = source.seek(0, io.SEEK_END)
    source.seek(0)
    if not size:
        return Preview(kind="empty", type="empty file", size=0)
    head = read_up_to(source, _HEAD)
    if is_hdf5(head):
        return tree(source, size, LIMIT - _HEAD)
    data = head + read_up_to(source, LIMIT - len(head))
    return image(data, size) or binary(data, size) or _text(data, size, PurePath(name).suffix.lower())


def _text(data: bytes, size: int, suffix: str) -> Preview:
    whole = len(data) == size
    decoded, note = decode(data, whole=whole)
    if decoded is None:
        return Preview(kind="other", type="binary file", size=size)
    text = decoded.replace("\r\n", "\n").replace("\r", "\n")
    if suffix in {".csv", ".tsv"}:
        found = table(text, size, whole=whole, tabs=suffix == ".tsv")
        if found is not None:
            return found
    if suffix == ".json" or text.lstrip()[:1] in {"{", "["}:
        found = indented(text, size, whole=whole)
        if found is not None:
            return found
    return plain(text, size, suffix, note, whole=whole)

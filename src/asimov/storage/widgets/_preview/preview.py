"""The preview of a file: a description that a page shows as text, table, tree or image.

These are pure functions of the bytes. They read at most `LIMIT` bytes, whatever the size of the file. They never run,
render or unpickle what they read.
"""

from __future__ import annotations

import io
from pathlib import PurePath
from typing import BinaryIO

from . import fits, numpy_arrays, parquet
from .archives import tar_members, zip_members
from .binaries import binary, in_hex
from .description import LIMIT, Preview
from .hdf5 import is_hdf5, tree
from .images import image
from .json_text import indented
from .sparing import read_up_to
from .tables import table, with_more
from .text import decode, plain

_HEAD = 4_096
"""Bytes that are enough to recognise an HDF5 file."""


def preview(source: BinaryIO, name: str) -> Preview:
    """Return the preview of a file.

    Parameters
    ----------
    source : binary file object
        A readable and seekable file, of which at most `LIMIT` bytes are read. A file without a buffer is best: an
        HDF5 file takes many seeks, and each would fill the buffer again.
    name : str
        The name of the file. Its suffix decides where the bytes alone don't tell the type.

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
    suffix = PurePath(name).suffix.lower()
    if (found := _with_seeks(source, head, size, suffix)) is not None:
        return found
    source.seek(len(head))
    data = head + read_up_to(source, LIMIT - len(head))
    return image(data, size) or binary(data, size) or _text(data, size, suffix)


def _with_seeks(source: BinaryIO, head: bytes, size: int, suffix: str) -> Preview | None:
    """Describe a file of a kind that is read at several places. Return None for all other kinds."""
    if head.startswith(b"PK\x03\x04"):
        return zip_members(source, size, arrays=suffix == ".npz")
    if head.startswith(fits.MAGIC):
        return fits.headers(source, size)
    if head.startswith(parquet.MAGIC):
        return parquet.table(source, size)
    if head.startswith(numpy_arrays.MAGIC):
        source.seek(0)
        return numpy_arrays.array(read_up_to(source, numpy_arrays.HEADER), size)
    if head[257:262] == b"ustar":
        return tar_members(source, size, gzipped=False)
    return tar_members(source, size, gzipped=True) if head.startswith(b"\x1f\x8b") else None


def _text(data: bytes, size: int, suffix: str) -> Preview:
    whole = len(data) == size
    decoded, note = decode(data, whole=whole)
    if decoded is None:
        return in_hex(data, size)
    text = decoded.replace("\r\n", "\n").replace("\r", "\n")
    if suffix in {".csv", ".tsv"}:
        found = table(text, size, whole=whole, tabs=suffix == ".tsv")
        if found is not None:
            return found if note else with_more(found, data, text)
    if suffix == ".json" or text.lstrip()[:1] in {"{", "["}:
        found = indented(text, size, whole=whole)
        if found is not None:
            return found
    return plain(text, size, suffix, note, whole=whole)

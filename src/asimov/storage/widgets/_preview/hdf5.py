"""The groups and datasets of an HDF5 file, without their data, where h5py is installed."""

from __future__ import annotations

import importlib
import io
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

from .description import Node, Preview

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    import h5py
    import numpy as np
    from _typeshed import WriteableBuffer

NODES = 500
DEPTH = 20
FIELDS = 8

_SIGNATURE = b"\x89HDF\r\n\x1a\n"


class _Spent(Exception):
    """A preview has read as much as it may."""


class _Sparing(io.RawIOBase):
    """A file object that reads no more than `budget` bytes."""

    def __init__(self, source: BinaryIO, budget: int) -> None:
        self._source, self._left = source, budget

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
        if view.nbytes > self._left:
            raise _Spent
        data = read_up_to(self._source, view.nbytes)
        if len(data) < view.nbytes:
            # h5py doesn't notice a short read: it would go on with what the buffer held before.
            raise EOFError
        self._left -= len(data)
        view[:] = data
        return len(data)


def read_up_to(source: BinaryIO, count: int) -> bytes:
    """Return `count` bytes, fewer only at the file's end: without a buffer, one read may return less."""
    parts = []
    while count and (part := source.read(count)):
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def is_hdf5(head: bytes) -> bool:
    """Return whether a file that begins with `head` is HDF5; a user block of 512, 1024, ... bytes may come first."""
    return any(head.startswith(_SIGNATURE, place) for place in (0, 512, 1024, 2048))


def tree(source: BinaryIO, size: int, budget: int) -> Preview:
    """Describe an HDF5 file by its tree, as far as `budget` bytes of reading go."""
    nodes, note = _read_tree(source, budget)
    return Preview(kind="tree" if nodes else "other", type="HDF5 file", size=size, note=note, tree=nodes)


def _read_tree(source: BinaryIO, budget: int) -> tuple[tuple[Node, ...], str]:
    """Return the tree, as far as `budget` bytes of reading go, and a note on what is left out."""
    try:
        hdf5 = importlib.import_module("h5py")
    except ImportError:
        return (), "Its tree is shown where h5py is installed."
    nodes: list[Node] = []
    note = ""
    try:
        with hdf5.File(_Sparing(source, budget), "r") as file:
            for node in islice(_walk(hdf5, file, 0, set()), NODES + 1):
                nodes.append(node)  # noqa: PERF402 - what was found before an error is kept
    except _Spent:
        note = "The tree may go on: a preview reads at most 1 MB."
    except Exception as error:  # noqa: BLE001 - h5py raises whatever its C library meets in a damaged file
        note = f"h5py can't read {'on' if nodes else 'it'}: {error}"
    if len(nodes) > NODES:
        note = f"Only the first {NODES} groups and datasets are shown."
    return tuple(nodes[:NODES]), note


def _walk(hdf5: ModuleType, group: h5py.Group, depth: int, seen: set[int]) -> Iterator[Node]:
    """Yield the members of `group`. Links to elsewhere are named, not followed, and a loop is walked once."""
    seen.add(hdf5.h5o.get_info(group.id).addr)
    for name in group:
        link = group.get(name, getlink=True)
        if not isinstance(link, hdf5.HardLink):
            yield Node(depth=depth, name=name, detail=_link_words(link))
            continue
        member = group[name]
        yield Node(depth=depth, name=name, detail=_words(hdf5, member))
        if isinstance(member, hdf5.Group) and depth < DEPTH and hdf5.h5o.get_info(member.id).addr not in seen:
            yield from _walk(hdf5, member, depth + 1, seen)


def _link_words(link: h5py.SoftLink | h5py.ExternalLink) -> str:
    file = getattr(link, "filename", None)
    return f"link to {link.path}" + (f" in {file}, not opened" if file else "")


def _words(hdf5: ModuleType, member: h5py.HLObject) -> str:
    if isinstance(member, hdf5.Group):
        return f"group of {len(member):,}"
    if not isinstance(member, hdf5.Dataset):
        return "named type"
    shape = "no data" if member.shape is None else " × ".join(f"{length:,}" for length in member.shape) or "scalar"
    return f"{shape}, {_type_words(member.dtype)}"


def _type_words(dtype: np.dtype[np.void]) -> str:
    if dtype.names is None:
        return "text or objects" if dtype.kind == "O" else str(dtype)
    more = len(dtype.names) - FIELDS
    return f"fields {', '.join(dtype.names[:FIELDS])}" + (f" and {more:,} more" if more > 0 else "")

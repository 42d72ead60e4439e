"""The groups, datasets and attributes of an HDF5 file, with the first values, if h5py is installed."""

from __future__ import annotations

import importlib
from itertools import islice
from math import prod
from typing import TYPE_CHECKING, BinaryIO

from .description import Node, Preview
from .numpy_arrays import VALUES, first_values, type_words
from .sparing import Sparing, SpentError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    import h5py

NODES = 500
DEPTH = 20
ATTRIBUTES = 20
_CHUNK = 1 << 18
"""The largest size of chunks, in bytes. No value is read of a dataset with larger chunks."""

_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def is_hdf5(head: bytes) -> bool:
    """Return whether a file that begins with `head` is HDF5. It may begin with a user block of 512, 1024, ... bytes."""
    return any(head.startswith(_SIGNATURE, place) for place in (0, 512, 1024, 2048))


def tree(source: BinaryIO, size: int, budget: int) -> Preview:
    """Describe an HDF5 file by the part of its tree that is found in `budget` bytes of reading."""
    nodes, note = _read_tree(source, budget)
    return Preview(kind="tree" if nodes else "other", type="HDF5 file", size=size, note=note, tree=nodes)


def _read_tree(source: BinaryIO, budget: int) -> tuple[tuple[Node, ...], str]:
    """Return the part of the tree that is found in `budget` bytes of reading, and a note on what is left out."""
    try:
        hdf5 = importlib.import_module("h5py")
    except ImportError:
        return (), "Its tree is shown where h5py is installed."
    nodes: list[Node] = []
    note = ""
    try:
        with hdf5.File(Sparing(source, budget, strict=True), "r") as file:
            for node in islice(_walk(hdf5, file, 0, set()), NODES + 1):
                nodes.append(node)  # noqa: PERF402 - keeps those before an error
    except SpentError:
        note = "The tree may go on: a preview reads at most 1 MB."
    except Exception as error:  # noqa: BLE001 - h5py may raise any error for a damaged file
        note = f"h5py can't read {'on' if nodes else 'it'}: {error}"
    if len(nodes) > NODES:
        note = f"Only the first {NODES} groups, datasets and attributes are shown."
    return tuple(nodes[:NODES]), note


def _walk(hdf5: ModuleType, group: h5py.Group, depth: int, seen: set[int]) -> Iterator[Node]:
    """Yield the members of `group`. Soft and external links are named, but not followed. A loop is walked only once."""
    seen.add(hdf5.h5o.get_info(group.id).addr)
    yield from _attributes(group, depth)
    for name in group:
        link = group.get(name, getlink=True)
        if not isinstance(link, hdf5.HardLink):
            yield Node(depth=depth, name=name, detail=_link_words(link))
            continue
        member = group[name]
        yield Node(depth=depth, name=name, detail=_words(hdf5, member))
        if isinstance(member, hdf5.Dataset):
            yield from _attributes(member, depth + 1)
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
    return f"{shape}, {type_words(member.dtype)}{_first_values(member)}"


def _first_values(dataset: h5py.Dataset) -> str:
    """Return the first values of a dataset.

    Return none of objects, such as text of variable length, of large values or chunks, or of data in other files.
    """
    if not dataset.size or dataset.dtype.hasobject or dataset.external or dataset.is_virtual:
        return ""
    if dataset.chunks is not None and prod(dataset.chunks) * dataset.dtype.itemsize > _CHUNK:
        return ""
    if dataset.dtype.itemsize * VALUES > _CHUNK:
        return ""
    first = (*(0 for _ in dataset.shape[:-1]), slice(VALUES)) if dataset.shape else ()
    return first_values(dataset[first].reshape(-1) if dataset.shape else dataset[()].reshape(-1), dataset.size)


def _attributes(member: h5py.HLObject, depth: int) -> Iterator[Node]:
    """Yield the attributes of a member, with their values."""
    for name in islice(member.attrs, ATTRIBUTES):
        held = member.attrs.get_id(name)
        if held.get_storage_size() > _CHUNK:
            yield Node(depth=depth, name=f"@{name}", detail="a large value")
        else:
            yield Node(depth=depth, name=f"@{name}", detail=" ".join(str(member.attrs[name]).split())[:200])

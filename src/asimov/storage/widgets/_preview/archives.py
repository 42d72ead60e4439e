"""Archives: names, sizes and dates of their members, without unpacking them. ``.npz`` files are zip archives too."""

from __future__ import annotations

import io
import tarfile
import zipfile
import zlib
from datetime import UTC, datetime
from itertools import islice
from typing import BinaryIO

from .description import LIMIT, Node, Preview
from .numpy_arrays import HEADER, array_words
from .sparing import Sparing, SpentError, read_up_to

MEMBERS = 500
_UNPACKED = 4 * LIMIT
"""The largest number of bytes that are unpacked of a compressed tar archive."""
_SPENT = "There may be more: a preview reads at most 1 MB."


def zip_members(source: BinaryIO, size: int, *, arrays: bool) -> Preview:
    """Describe a zip archive. With `arrays`, describe its members as NumPy arrays."""
    kind = "NumPy arrays" if arrays else "zip archive"
    nodes: list[Node] = []
    note = ""
    file = Sparing(source, LIMIT)
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            for member in members[:MEMBERS]:
                node = _array(archive, member) if arrays else _node(member.filename, member.file_size, _day(member))
                nodes.append(node)  # one by one, to keep what was found before an error
        if len(members) > MEMBERS:
            note = f"Only the first {MEMBERS} of {len(members):,} members are shown."
    except SpentError:
        note = _SPENT
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        note = _SPENT if file.spent else f"It can't be read {'on' if nodes else 'as an archive'}: {error}"
    return Preview(kind="tree" if nodes else "other", type=kind, size=size, note=note, tree=tuple(nodes))


def tar_members(source: BinaryIO, size: int, *, gzipped: bool) -> Preview | None:
    """Describe a tar archive. Return None if a compressed file doesn't hold one."""
    nodes: list[Node] = []
    note = ""
    source.seek(0)
    file: io.RawIOBase | io.BytesIO = Sparing(source, LIMIT)
    if gzipped:
        unpacked = _unpacked(read_up_to(source, LIMIT))
        if unpacked[257:262] != b"ustar":
            return None
        file = io.BytesIO(unpacked)
    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            for member in islice(archive, MEMBERS + 1):
                nodes.append(_node(member.name, member.size, _date(member.mtime)))  # noqa: PERF401 - keeps those before an error
    except SpentError:
        note = _SPENT
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        note = _SPENT if gzipped else f"It can't be read on: {error}"
    if len(nodes) > MEMBERS:
        note = f"Only the first {MEMBERS} members are shown."
    name = "gzipped tar archive" if gzipped else "tar archive"
    return Preview(kind="tree" if nodes else "other", type=name, size=size, note=note, tree=tuple(nodes[:MEMBERS]))


def _unpacked(data: bytes) -> bytes:
    """Return the beginning of the data that gzip has compressed."""
    try:
        return zlib.decompressobj(wbits=31).decompress(data, _UNPACKED)
    except zlib.error:
        return b""


def _node(name: str, size: int, day: str) -> Node:
    return Node(depth=0, name=name[:200], detail=f"{size:,} B{day and f', {day}'}")


def _day(member: zipfile.ZipInfo) -> str:
    year, month, day, *_ = member.date_time
    return f"{year}-{month:02}-{day:02}"


def _date(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).date().isoformat()
    except (OverflowError, ValueError, OSError):
        return ""


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Node:
    with archive.open(member) as file:
        return Node(depth=0, name=member.filename[:200].removesuffix(".npy"), detail=array_words(file.read(HEADER)))

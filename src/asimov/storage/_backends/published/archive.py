"""An archive: the members of a zip file that is read by ranges, one request for most of them."""

from __future__ import annotations

import errno
import io
import struct
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from asimov.storage._backends import transfers
from asimov.storage._backends.objects import Objects, Part

if TYPE_CHECKING:
    from zipfile import ZipInfo

    from typing_extensions import Buffer

TAIL = 64 << 10
"""How many bytes at the end are read at first: they hold the directory of some hundred members, and where it begins."""
_BLOCK = 256 << 10
_HEADER = struct.Struct("<4s22xHH")
"""The header before a member's bytes: its signature, and the lengths of the name and the extra field that follow."""
_SLACK = 64
"""By so many bytes the extra field before a member's bytes may be longer than in the directory."""
_STORED, _DEFLATED, _ENCRYPTED = 0, 8, 1
_GROWN = 1 << 20


class Member(NamedTuple):
    """A file in an archive.

    Attributes
    ----------
    size : int
        Its size in bytes.
    modified : int
        When it was written, in ns since 1970, if the archive's times are UTC.
    info : zipfile.ZipInfo
        What the directory says of it.
    """

    size: int
    modified: int
    info: ZipInfo


class Archive:
    """The archive that an object is.

    Parameters
    ----------
    objects : Objects
        The place of the object, whose key is empty.
    tail : Part
        Its last bytes.

    Raises
    ------
    FileNotFoundError
        It is no zip archive.
    """

    def __init__(self, objects: Objects, tail: Part) -> None:
        from zipfile import BadZipFile, ZipFile

        self._objects, self.tag, self._size = objects, tail.tag, tail.size
        try:
            with ZipFile(io.BufferedReader(_Ranges(objects, tail))) as opened:
                self.members = {info.filename: _member(info) for info in opened.infolist() if not info.is_dir()}
        except BadZipFile as error:
            raise FileNotFoundError(errno.ENOENT, f"it is no zip archive ({error})", objects.where("")) from error
        self._begins: dict[str, int] = {}

    def pieces(self, name: str, offset: int = 0) -> Iterator[bytes]:
        """Yield the bytes of a member from `offset` on."""
        info = self.members[name].info
        if info.flag_bits & _ENCRYPTED or info.compress_type not in {_STORED, _DEFLATED}:
            msg = "its archive has it encrypted, or compressed in another way than by deflation; unpack the archive"
            raise OSError(errno.ENOTSUP, msg, self._objects.where(name))
        if info.compress_type == _STORED:
            return self._raw(info, offset)
        return _inflated(self._raw(info, 0), offset, info.file_size)

    def _raw(self, info: ZipInfo, offset: int) -> Iterator[bytes]:
        """Yield the bytes of a member as they are in the archive."""
        begin = self._begins.get(info.filename)
        if begin is None and offset:
            head = self._objects.read("", info.header_offset, _HEADER.size)
            begin = self._begin(info, head.content if head else b"")
        if begin is not None:
            yield from transfers.pieces(self._objects, "", begin + offset, begin + info.compress_size)
            return
        yield from self._with_header(info)

    def _with_header(self, info: ZipInfo) -> Iterator[bytes]:
        """Yield all bytes of a member; the header before them comes by the same request."""
        start, left = info.header_offset, info.compress_size
        around = _HEADER.size + len(info.orig_filename.encode()) + len(info.extra) + _SLACK
        begin: int | None = None
        for piece in transfers.pieces(self._objects, "", start, min(self._size, start + around + left)):
            data = piece
            if begin is None:
                begin = self._begin(info, piece)
                data = piece[begin - start :]
            if left and data:
                yield data[:left]
            left -= min(left, len(data))
        if left and begin is not None:
            end = begin + info.compress_size
            yield from transfers.pieces(self._objects, "", end - left, end)

    def _begin(self, info: ZipInfo, header: bytes) -> int:
        """Return where the bytes of a member begin."""
        signature, name, extra = _HEADER.unpack_from(header.ljust(_HEADER.size, b"\0"))
        if signature != b"PK\x03\x04":
            msg = "its archive is damaged, or was replaced while it was read; open the Store anew"
            raise OSError(errno.EIO, msg, self._objects.where(info.filename))
        begin: int = info.header_offset + _HEADER.size + name + extra
        self._begins[info.filename] = begin
        return begin


def _member(info: ZipInfo) -> Member:
    from datetime import UTC, datetime

    try:
        moment = datetime(*info.date_time, tzinfo=UTC).timestamp()
    except ValueError:
        moment = 0.0
    return Member(info.file_size, int(moment) * 1_000_000_000, info)


def _inflated(pieces: Iterator[bytes], offset: int, size: int) -> Iterator[bytes]:
    """Inflate bytes, and yield those from `offset` on; no more than there should be, whatever the archive does."""
    inflater, done = zlib.decompressobj(-zlib.MAX_WBITS), 0
    for piece in pieces:
        data = piece
        while data and done <= size:
            grown = inflater.decompress(data, _GROWN)
            data = inflater.unconsumed_tail
            if done + len(grown) > offset:
                yield grown[max(0, offset - done) :]
            done += len(grown)
    if (rest := inflater.flush()) and done <= size:
        yield rest[max(0, offset - done) :]


class _Ranges(io.RawIOBase):
    """An object as a file, whose end is known already."""

    def __init__(self, objects: Objects, tail: Part) -> None:
        self._objects, self._size, self._at = objects, tail.size, 0
        self._start, self._block = tail.size - len(tail.content), tail.content

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Buffer) -> int:
        into = memoryview(buffer)
        if not self._start <= self._at < self._start + len(self._block):
            self._load(min(max(_BLOCK, len(into)), self._size - self._at))
        data = self._block[self._at - self._start :][: len(into)]
        into[: len(data)] = data
        self._at += len(data)
        return len(data)

    def _load(self, length: int) -> None:
        self._start = self._at
        pieces = transfers.pieces(self._objects, "", self._at, self._at + length) if length > 0 else ()
        self._block = b"".join(pieces)

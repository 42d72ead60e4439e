"""A new file of a Store, as its writer sees it: a file object that digests bytes as they are written in order."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from asimov.storage._bytes.descriptors import write_all
from asimov.storage._disk.folder import Folder
from asimov.storage._model.matching import require_expected
from asimov.storage._model.names import Key

from .incoming import Incoming

if TYPE_CHECKING:
    from typing_extensions import Buffer


class Writing:
    """A new file, until it is committed.

    Parameters
    ----------
    key : (event, production, file)
        The names that it will have.
    incoming : Incoming
        Its bytes.
    raw : WritableFile
        The file object that writes them.
    root : Path
        The Store's folder.
    """

    def __init__(self, key: Key, incoming: Incoming, raw: WritableFile, root: Path) -> None:
        self._key, self._incoming, self._raw, self._root = key, incoming, raw, root
        self.file = cast("BinaryIO", NewFile(raw))

    def finish(self, hash: str | None) -> Incoming:
        """Return the written file, read-only and durable, if it has the MD5 `hash`."""
        self.file.close()  # from now on nobody writes to it: the stored bytes are those that are digested now
        self._raw.settle()
        require_expected(self._key, self._incoming.digest, hash, Path(self._key[2]))
        with Folder.open(self._root) as root:
            self._incoming.seal(root)
        return self._incoming


class NewFile(io.BufferedRandom):
    """The file that `Store.new_file` yields. It can be written, and also read and searched, as some writers need.

    Parameters
    ----------
    raw : WritableFile
        The raw file below the buffer.
    """

    def fileno(self) -> int:
        """Flush the buffer and return the descriptor; bytes that are written to the descriptor are stored too."""
        self.flush()
        return super().fileno()


class WritableFile(io.RawIOBase):
    """An incoming file, as the raw file below a buffer.

    Once its descriptor was asked for, any code may write to it. From then on its position is the kernel's, and its
    digest is computed at the end.

    Parameters
    ----------
    incoming : Incoming
        The file.
    path : Path
        The path that its names make up. No file has that path, now or later, so nobody can mistake another file for it.
    """

    mode = "wb+"

    def __init__(self, incoming: Incoming, path: Path) -> None:
        self.name = str(path)
        self._incoming, self._position, self._in_order, self._is_shared = incoming, 0, True, False

    def fileno(self) -> int:
        """Return the descriptor, at the current position."""
        if self.closed:
            msg = "I/O operation on closed file"
            raise ValueError(msg)
        if not self._is_shared:
            os.lseek(self._incoming.descriptor, self._position, os.SEEK_SET)
            self._is_shared, self._in_order = True, False
        return self._incoming.descriptor

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def write(self, data: Buffer, /) -> int:
        """Write at the current position; bytes that come in order are digested at once."""
        view = memoryview(data).cast("B")
        if self._is_shared:
            with self._incoming.named:
                return os.write(self._incoming.descriptor, view)
        count, in_order = len(view), self._in_order and self._position == self._incoming.digest.size
        self._in_order = False  # after an error or Ctrl-C below, the buffer writes the same bytes again
        with self._incoming.named:
            os.lseek(self._incoming.descriptor, self._position, os.SEEK_SET)
            write_all(self._incoming.descriptor, view)
        if in_order:
            self._incoming.digest.update(view)
            self._in_order = True
        self._position += count
        return count

    def readinto(self, buffer: Buffer, /) -> int:
        """Read at the current position."""
        view = memoryview(buffer).cast("B")
        with self._incoming.named:
            if self._is_shared:
                data = os.read(self._incoming.descriptor, len(view))
            else:
                data = os.pread(self._incoming.descriptor, len(view), self._position)
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move the position."""
        if self._is_shared:
            return os.lseek(self._incoming.descriptor, offset, whence)
        size = os.fstat(self._incoming.descriptor).st_size
        position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: size}[whence]
        if position < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        self._position = position
        return position

    def truncate(self, size: int | None = None, /) -> int:
        """Cut the file, or lengthen it with zeros."""
        size = self.tell() if size is None else size
        with self._incoming.named:
            os.ftruncate(self._incoming.descriptor, size)
        self._in_order = self._in_order and size == self._incoming.digest.size
        return size

    def settle(self) -> None:
        """Bring the digest up to date, after the last write."""
        if self._is_shared:
            self._incoming.reclaim(Path(self.name))
        elif not self._in_order:
            self._incoming.redigest()

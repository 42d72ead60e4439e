"""A new file of a Store, as whoever writes it sees it: a file object that digests what is written in order."""

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
        What it is to be called.
    incoming : Incoming
        Its bytes.
    raw : WritableFile
        What writes them.
    root : Path
        The Store's folder.
    """

    def __init__(self, key: Key, incoming: Incoming, raw: WritableFile, root: Path) -> None:
        self._key, self._incoming, self._raw, self._root = key, incoming, raw, root
        self.file = cast("BinaryIO", NewFile(raw))

    def finish(self, hash: str | None) -> Incoming:
        """Return what was written, read-only and durable, if it has the MD5 `hash`."""
        self.file.close()  # whoever still has it writes no more: what is stored is what is digested now
        self._raw.settle()
        require_expected(self._key, self._incoming.digest, hash, Path(self._key[2]))
        with Folder.open(self._root) as root:
            self._incoming.seal(root)
        return self._incoming


class NewFile(io.BufferedRandom):
    """What `Store.new_file` gives: a file to write, and to seek in and read, as some writers do.

    Parameters
    ----------
    raw : WritableFile
        What is below the buffer.
    """

    def fileno(self) -> int:
        """Write out what is buffered and return the descriptor; what is written to that is stored too."""
        self.flush()
        return super().fileno()


class WritableFile(io.RawIOBase):
    """An incoming file, as the raw file below a buffer.

    Once its descriptor was asked for, anybody may write to it: from then on its position is the kernel's, and its
    digest is made at the end.

    Parameters
    ----------
    incoming : Incoming
        The file.
    path : Path
        Where it belongs, by its name: there is no file of that name, then or later, so that nobody takes it for one.
    """

    mode = "wb+"

    def __init__(self, incoming: Incoming, path: Path) -> None:
        self.name = str(path)
        self._incoming, self._position, self._in_order, self._is_shared = incoming, 0, True, False

    def fileno(self) -> int:
        """Return the descriptor, which stands at the present position."""
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
        """Write at the present position; what comes in order is digested at once."""
        view = memoryview(data).cast("B")
        if self._is_shared:
            with self._incoming.named:
                return os.write(self._incoming.descriptor, view)
        count, in_order = len(view), self._in_order and self._position == self._incoming.digest.size
        self._in_order = False  # an error, or Ctrl-C, in what follows: the buffer above writes the same again
        with self._incoming.named:
            os.lseek(self._incoming.descriptor, self._position, os.SEEK_SET)
            write_all(self._incoming.descriptor, view)
        if in_order:
            self._incoming.digest.update(view)
            self._in_order = True
        self._position += count
        return count

    def readinto(self, buffer: Buffer, /) -> int:
        """Read at the present position."""
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

"""Files that arrive in pieces, from a browser for example, and can be resumed after an interruption.

A file is found again by its name, which is made of a token and of this machine's name. Another process may have the
file open, so a process locks it before it resumes it. Such a lock holds among the processes of one machine, and only
these use the name. Where there are no locks, each file is a new one and nothing is resumed. Before a file is placed in
the Store, it gets a second name that only its writer knows, and this name is checked to mean the digested file.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from asimov.storage._bytes.progress import Meter, Progress
from asimov.storage._disk import locks, temporary
from asimov.storage._disk.folder import Folder
from asimov.storage._model.matching import require_expected
from asimov.storage._model.names import Key

from .incoming import Incoming

if TYPE_CHECKING:
    from typing_extensions import Buffer

_TOKEN = re.compile(r"[0-9a-z]{1,64}").fullmatch
_TRIES = 8


class Partial(Incoming):
    """An incoming file that others can find by its name after its writer has closed it."""

    known: str | None = None
    """The name by which others find it, once it has a second name."""

    @property
    def present(self) -> bool:
        """Whether its name is still there and still belongs to this file."""
        found = self.folder.status(self.name)
        return found is not None and os.path.samestat(found, os.fstat(self.descriptor))

    def claim(self) -> None:
        """Link the file to a name that nobody else knows, since the first name may be another file's by now."""
        if os.fstat(self.descriptor).st_size != self.digest.size:
            msg = "somebody else wrote to it on its way in, and nothing was stored; send it again"
            raise OSError(errno.EIO, msg, str(self.folder.path / self.name))
        own = temporary.owner_name()
        with contextlib.suppress(FileNotFoundError):  # it was swept
            self.folder.link(self.name, self.folder, own)
        if self.present:
            self.known = self.name
        self.name = own
        if not self.present:
            self.folder.remove(own)
            self._revive()

    def discard(self) -> None:
        """Remove those names of the file that are still its own."""
        own, self.name = self.name, self.known or self.name
        if self.descriptor >= 0 and self.present:
            self.folder.remove(self.name)
        if own != self.name:
            self.folder.remove(own)
        self.close()


def resumed(
    folder: Folder, token: str, keep: Callable[[int], int], *, sha256: bool, progress: Progress | None = None
) -> Incoming:
    """Resume the file of `token`, or begin it.

    Parameters
    ----------
    keep : callable
        ``keep(size)`` returns how many of the `size` bytes that have arrived to keep.
    progress : callable, optional
        ``progress(done, total)`` is called while these are digested. An error that it raises ends that; the file is
        kept.

    Raises
    ------
    BlockingIOError
        Another writer is using this token.
    """
    if not _TOKEN(token):
        msg = f"{token!a} is no token: it takes up to 64 of the characters 0-9 and a-z."
        raise ValueError(msg)
    data = _taken(folder, f"partial-{token}.{temporary.host()}", sha256=sha256)
    if data is None:
        return Incoming.new(folder, sha256=sha256)
    try:
        size = os.fstat(data.descriptor).st_size
        kept = keep(size)
        if kept != size:
            os.ftruncate(data.descriptor, kept)
        data.redigest(Meter(progress, kept))
    except BaseException:
        data.close()
        raise
    return data


def _taken(folder: Folder, name: str, *, sha256: bool) -> Partial | None:
    """Open, or make, the file with that name for this process alone; None if that isn't possible."""
    for _ in range(_TRIES):
        try:
            data = Partial(folder, name, _opened(folder, name), sha256=sha256)
        except FileNotFoundError:  # it was there just now
            continue
        except PermissionError:  # another user's file, or one whose writer was killed while it was stored
            return None
        try:
            locked = locks.lock_now(data.descriptor, folder.path / name)
            # Between opening and locking, others may have stored the file, or swept it and begun a new one.
            if locked and data.present and os.fstat(data.descriptor).st_nlink == 1:
                return data
            if data.present:
                folder.remove(name)
        except BaseException:
            data.close()
            raise
        data.close()
        if not locked:
            return None
    return None


def _opened(folder: Folder, name: str) -> int:
    try:
        return folder.open_file(name, os.O_RDWR)
    except FileNotFoundError:
        return folder.create(name, unique=True)  # others may make it now too: all open the same file, and then lock it


class Resumable:
    """A file that arrives in pieces, as `Backend.arriving` returns it.

    Parameters
    ----------
    incoming : Incoming
        The file. Its folder is closed with it.
    root : Path
        The Store's folder.
    """

    def __init__(self, incoming: Incoming, root: Path) -> None:
        self._data, self._root = incoming, root

    @property
    def size(self) -> int:
        """How many bytes have arrived."""
        return self._data.digest.size

    def md5(self) -> str:
        """Return the MD5 of those bytes: 32 lower-case hexadecimal digits."""
        return self._data.digest.md5

    def write(self, data: Buffer) -> None:
        """Append `data`."""
        self._data.append(data)

    def empty(self) -> None:
        """Remove all bytes, and begin again."""
        os.ftruncate(self._data.descriptor, 0)
        self._data.redigest()

    def finish(self, key: Key, hash: str | None) -> Incoming:
        """Return the arrived file, read-only and durable, if it has the MD5 `hash`."""
        if isinstance(self._data, Partial):
            self._data.claim()
        require_expected(key, self._data.digest, hash, Path(key[2]))
        with Folder.open(self._root) as root:
            self._data.seal(root)
        return self._data

    def discard(self) -> None:
        """Remove what has arrived."""
        if self._data.descriptor >= 0:
            self._data.discard()
        self._data.folder.close()

    def close(self) -> None:
        """Keep the bytes for a day, so that others can resume; remove them if others couldn't find them."""
        if isinstance(self._data, Partial):
            self._data.close()
        self.discard()

"""Files that arrive in pieces, from a browser for example, and may go on after an interruption.

Each is found again under a name made of a token and of this machine's name. To go on with one is to write into a file
that another process may have open, so it takes a lock that is known to hold among the processes of this machine, which
are the only ones that use the name. Where there are no locks, each file is one of its own and nothing goes on. A file
is placed in the Store by a name that only its writer knows, once that is known to mean the file that was digested.
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
    """A file on its way in that others can find by its name, when its writer has closed it."""

    known: str | None = None
    """The name that others find it by, once it has another."""

    @property
    def present(self) -> bool:
        """Whether its name is still there and means this file."""
        found = self.folder.status(self.name)
        return found is not None and os.path.samestat(found, os.fstat(self.descriptor))

    def claim(self) -> None:
        """Link the file to a name that nobody else knows, to place it by: its first may be another file's by now."""
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
        """Remove its names, as far as they are its own."""
        own, self.name = self.name, self.known or self.name
        if self.descriptor >= 0 and self.present:
            self.folder.remove(self.name)
        if own != self.name:
            self.folder.remove(own)
        self.close()


def resumed(
    folder: Folder, token: str, keep: Callable[[int], int], *, sha256: bool, progress: Progress | None = None
) -> Incoming:
    """Go on with the file of `token`, or begin it.

    Parameters
    ----------
    keep : callable
        ``keep(size)`` gives how many bytes to keep of so many that are there.
    progress : callable, optional
        ``progress(done, total)``, while these are digested; what it raises ends that, and the file is kept.

    Raises
    ------
    BlockingIOError
        Somebody else is at it.
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
    """Open the file of that name, made if need be, for this process alone; None where that can't be had."""
    for _ in range(_TRIES):
        try:
            data = Partial(folder, name, _opened(folder, name), sha256=sha256)
        except FileNotFoundError:  # it was there just now
            continue
        except PermissionError:  # another user's, or one whose writer was killed as it stored it
            return None
        try:
            locked = locks.lock_now(data.descriptor, folder.path / name)
            # Between opening and locking it may have been stored, or swept and begun anew by somebody else.
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
        return folder.create(name, unique=True)  # others that make it now open the same file, and then lock it


class Resumable:
    """A file that arrives in pieces, as `Backend.arriving` promises it.

    Parameters
    ----------
    incoming : Incoming
        It. Its folder is closed with it.
    root : Path
        The Store's folder.
    """

    def __init__(self, incoming: Incoming, root: Path) -> None:
        self._data, self._root = incoming, root

    @property
    def size(self) -> int:
        """How many bytes are here."""
        return self._data.digest.size

    def md5(self) -> str:
        """Return the MD5 of those bytes: 32 lower-case hexadecimal digits."""
        return self._data.digest.md5

    def write(self, data: Buffer) -> None:
        """Append `data`."""
        self._data.append(data)

    def empty(self) -> None:
        """Begin anew."""
        os.ftruncate(self._data.descriptor, 0)
        self._data.redigest()

    def finish(self, key: Key, hash: str | None) -> Incoming:
        """Return what has arrived, read-only and durable, if it has the MD5 `hash`."""
        if isinstance(self._data, Partial):
            self._data.claim()
        require_expected(key, self._data.digest, hash, Path(key[2]))
        with Folder.open(self._root) as root:
            self._data.seal(root)
        return self._data

    def discard(self) -> None:
        """Remove what is here."""
        if self._data.descriptor >= 0:
            self._data.discard()
        self._data.folder.close()

    def close(self) -> None:
        """Keep what is here, for a day, and let others open it; remove it if they couldn't find it."""
        if isinstance(self._data, Partial):
            self._data.close()
        self.discard()

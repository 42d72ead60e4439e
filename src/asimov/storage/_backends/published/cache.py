"""The cache: verified copies of files on this machine, in a folder for each Store, and the downloads under way.

A copy is digested each time that it is taken. A file is brought into ``UUID.part``, under a lock; another process that
wants it waits while it grows. A process that was killed leaves its part, and the next one goes on there. Nothing is
removed by itself: programs may be using a path that was returned.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from asimov.storage._bytes import digests
from asimov.storage._bytes.descriptors import write_all
from asimov.storage._bytes.digests import Digest
from asimov.storage._bytes.progress import Meter
from asimov.storage._disk.folder import Reporting
from asimov.storage._disk.locks import lock_now
from asimov.storage._disk.temporary import owner_name
from asimov.storage._model.matching import mismatch, require_match
from asimov.storage._model.record import Record

VARIABLE = "LOCUTUS_CACHE"
PART = ".part"
SIDE = "the disk of the cache: asimov.storage.cache.trim() makes room there"
PATIENCE = 10.0
"""How many seconds to wait for another process whose part doesn't grow."""
_PAUSE = 0.05
_SAFE = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
_NEW = os.O_RDWR | os.O_CREAT | _SAFE

Source = Callable[[int], Iterator[bytes]]
"""``source(offset)`` yields the bytes of a file from `offset` on."""


def root() -> Path:
    """Return the folder of all copies: ``$LOCUTUS_CACHE``, else one in the user's folder of caches."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).expanduser().absolute()
    return _of_user() / "asimov-storage" / "v1"


def _of_user() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    named = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME", "")
    return Path(named) if Path(named).is_absolute() else Path.home() / ".cache"


def folder_of(location: str) -> Path:
    """Return the folder of one Store's copies. Each has its own: a forged MD5 in one must not poison another's."""
    return root() / hashlib.sha256(location.encode()).hexdigest()[:16]


class _RemovedError(Exception):
    """Somebody has emptied the cache meanwhile: begin again."""


class Copy(NamedTuple):
    """A verified copy: its descriptor, at the start of the file, and its path."""

    descriptor: int
    path: Path


class Cache:
    """The copies of one Store.

    Parameters
    ----------
    location : str
        The URL of the Store.
    """

    def __init__(self, location: str) -> None:
        self._location = location

    def copy(self, record: Record, where: str, source: Source, meter: Meter | None = None) -> Copy:
        """Open a verified copy; bring it first, if it isn't there.

        Raises
        ------
        HashError
            What the source gives, twice, are not the bytes that were recorded.
        OSError
            They can't be read, or not be written here. What has been written by then stays, for the next time.
        """
        while True:
            found = self.taken(record, meter)
            if found is not None:
                return found
            folder = self._made_folder()
            with contextlib.suppress(_RemovedError), _part(folder, record.uuid) as (descriptor, part):
                if (folder / record.uuid).exists() or not _is_at(descriptor, part):
                    continue  # another process has just brought it
                _fill(record, descriptor, part, where, source, meter)
                return _finished(descriptor, part, folder / record.uuid)

    def taken(self, record: Record, meter: Meter | None = None) -> Copy | None:
        """Open the copy that is there; remove one that is damaged, and return None."""
        path = folder_of(self._location) / record.uuid
        try:
            descriptor = os.open(path, os.O_RDONLY | _SAFE)
        except OSError:
            return None
        try:
            found = digests.digest(descriptor, sha256=record.sha256 is not None, meter=meter, reading=_at(path))
            if mismatch(record, found) is None:
                _note_use(descriptor)
                os.lseek(descriptor, 0, os.SEEK_SET)
                return Copy(descriptor, path)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        path.unlink(missing_ok=True)
        return None

    def whole(self, name: str, source: Callable[[], Iterator[bytes]]) -> Path:
        """Return the path of a file that nothing is recorded of; bring it first, if it isn't there."""
        folder = self._made_folder()
        while not (folder / name).exists():
            self._made_folder()
            with contextlib.suppress(_RemovedError), _part(folder, name) as (descriptor, part):
                if (folder / name).exists() or not _is_at(descriptor, part):
                    continue
                with _at(part):
                    os.ftruncate(descriptor, 0)
                for piece in source():
                    with _at(part):
                        write_all(descriptor, piece)
                os.close(_finished(descriptor, part, folder / name).descriptor)
        return folder / name

    def _made_folder(self) -> Path:
        folder = folder_of(self._location)
        with _at(folder):
            folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
        return folder


def _at(path: Path) -> Reporting:
    return Reporting(path, side=SIDE)


def _note_use(descriptor: int) -> None:
    """Note when a copy was last taken; many file systems don't."""
    with contextlib.suppress(OSError):
        os.utime(descriptor, ns=(time.time_ns(), os.fstat(descriptor).st_mtime_ns))


# Bringing a file.


@contextlib.contextmanager
def _part(folder: Path, uuid: str) -> Iterator[tuple[int, Path]]:
    """Open and lock the part of a file; one of a private name, if another process holds it and doesn't get on."""
    part = folder / f"{uuid}{PART}"
    with _at(part):
        descriptor = os.open(part, _NEW, 0o600)
    try:
        if not _locked(descriptor, part):
            os.close(descriptor)
            part = folder / f"{uuid}-{owner_name()}{PART}"
            with _at(part):
                descriptor = os.open(part, _NEW, 0o600)
            _locked(descriptor, part)
        yield descriptor, part
    finally:
        os.close(descriptor)


def _locked(descriptor: int, part: Path) -> bool:
    """Lock a part; wait for another process as long as it gets on. Where there are no locks, return False."""
    end, size = time.monotonic() + PATIENCE, -1
    while time.monotonic() < end:
        with contextlib.suppress(BlockingIOError):
            return lock_now(descriptor, part)
        now = os.fstat(descriptor).st_size
        if now != size:
            end, size = time.monotonic() + PATIENCE, now
        time.sleep(_PAUSE)
    return False


def _is_at(descriptor: int, path: Path) -> bool:
    """Return whether an open file still has its name."""
    with contextlib.suppress(OSError):
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    return False


def _fill(record: Record, descriptor: int, part: Path, where: str, source: Source, meter: Meter | None) -> None:
    """Bring what is missing of a part; if the bytes are wrong, bring all of them, once more."""
    for _ in range(2):
        found = _filled(record, descriptor, part, source, meter)
        if mismatch(record, found) is None:
            return
        os.ftruncate(descriptor, 0)
    part.unlink(missing_ok=True)
    require_match(record, found, where)


def _filled(record: Record, descriptor: int, part: Path, source: Source, meter: Meter | None) -> Digest:
    os.lseek(descriptor, 0, os.SEEK_SET)
    found = digests.digest(descriptor, sha256=record.sha256 is not None, meter=meter, reading=_at(part))
    for piece in digests.counted(source(found.size), found, meter):
        with _at(part):
            write_all(descriptor, piece)
    return found


def _finished(descriptor: int, part: Path, path: Path) -> Copy:
    """Give a whole part its name, read-only, and open it. Another process may have brought the same bytes meanwhile."""
    with _at(part):
        os.fsync(descriptor)
        os.fchmod(descriptor, 0o444)
        try:
            part.rename(path)
            return Copy(os.open(path, os.O_RDONLY | _SAFE), path)
        except FileNotFoundError as error:
            raise _RemovedError from error


# All Stores'.


def size() -> int:
    """Return how many bytes the cache has, of all Stores."""
    return sum(found.st_size for _, found in _all())


def trim(limit: int) -> int:
    """Remove copies, those first that nobody has taken for longest, until at most `limit` bytes are left.

    What is being brought at this moment stays. Return how many bytes were removed.
    """
    files = sorted(_all(), key=lambda pair: pair[1].st_atime_ns)
    left, removed = sum(found.st_size for _, found in files), 0
    for path, found in files:
        if left - removed <= limit and limit:
            break
        if _removed(path):
            removed += found.st_size
    return removed


def _all() -> Iterator[tuple[Path, os.stat_result]]:
    for path in root().glob("*/*"):
        with contextlib.suppress(OSError):
            yield path, path.lstat()


def _removed(path: Path) -> bool:
    """Remove a file of the cache, unless a process is writing it; return whether it is gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | _SAFE)
    except FileNotFoundError:
        return True
    try:
        if path.name.endswith(PART):
            lock_now(descriptor, path)
        path.unlink(missing_ok=True)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True

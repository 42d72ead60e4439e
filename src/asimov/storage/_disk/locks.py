"""Locks (flock). They only save work: nothing depends on them, since many clusters' file systems have none."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path

from .folder import Folder

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    fcntl = None  # type: ignore[assignment]


@contextlib.contextmanager
def locked(folder: Folder, name: str, patience: float) -> Iterator[bool]:
    """Hold the lock file `name`, if it can be had within `patience` seconds; yield whether it is held.

    The lock only saves work: if it fails, or if another process holds it for ever, the work goes on without it.
    """
    descriptor = _lock_file(folder, name)
    try:
        yield descriptor is not None and _lock(descriptor, patience)
    finally:
        if descriptor is not None:
            with contextlib.suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)


def lock_now(descriptor: int, path: Path) -> bool:
    """Lock an open file for as long as it is open; return whether it is locked: False where locks don't work.

    Raises
    ------
    BlockingIOError
        Another process holds the lock.
    """
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        msg = "somebody else is writing it at this moment; wait until they are done"
        raise BlockingIOError(errno.EAGAIN, msg, str(path)) from None
    except OSError:
        return False
    return True


def _lock_file(folder: Folder, name: str) -> int | None:
    if fcntl is None:
        return None
    with contextlib.suppress(OSError):
        return folder.open_file(name, os.O_RDWR)
    with contextlib.suppress(OSError):
        return folder.create(name)
    with contextlib.suppress(OSError):
        return folder.open_file(name, os.O_RDWR)
    return None


def _lock(descriptor: int, patience: float) -> bool:
    deadline, pause = time.monotonic() + patience, 0.0005
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in {errno.EAGAIN, errno.EACCES, errno.EINTR}:
                return False
        else:
            return True
        if time.monotonic() + pause > deadline:
            return False
        time.sleep(pause)
        pause = min(pause * 1.5, 0.02)

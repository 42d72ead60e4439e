"""Files: opened, read, written and protected, on a disk that other processes write to as well."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from asimov.storage._bytes.descriptors import CHUNK, write_all
from asimov.storage._model.errors import SourceChangedError
from asimov.storage._model.names import spelled

from .folder import STALE, STORE, Folder, Reporting, Stamp, require_regular

LAST = 128
"""How many bytes at the end of a file are looked at alone."""
_TRIES = 8
_ACL = "system.posix_acl_access"


def take_acl(model: int, own: int) -> bool:
    """Copy the access-control list of an open file to another; return whether that changed anything.

    The lists are those of POSIX, as Linux keeps them. If there are none, or if they can't be set, nothing happens.
    """
    wanted = _acl(model)
    if wanted == _acl(own):
        return False
    with contextlib.suppress(OSError):
        if wanted is None:
            os.removexattr(own, _ACL)
        else:
            os.setxattr(own, _ACL, wanted)
    return True


def _acl(descriptor: int) -> bytes | None:
    if hasattr(os, "getxattr"):
        with contextlib.suppress(OSError):
            return os.getxattr(descriptor, _ACL)
    return None


def absolute(path: str | os.PathLike[str]) -> Path:
    """Return the absolute path, without following symbolic links: a root may be one."""
    return Path(os.path.abspath(spelled(os.fspath(path))))  # noqa: PTH100 - resolve() would follow them


def open_source(path: Path) -> int:
    """Open any file for reading; a FIFO is refused rather than waited for."""
    with Reporting(path):
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        require_regular(descriptor, path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def make_root(path: Path, side: str = STORE) -> list[Path]:
    """Make a folder, and the folders above it as needed, durably; return those that were made, the lowest first."""
    missing = []
    above = path
    while not above.exists():
        missing.append(above)
        above = above.parent
    made: list[Path] = []
    try:
        for folder in reversed(missing):
            with contextlib.suppress(FileExistsError), Reporting(folder, side=side):
                folder.mkdir()
                made.insert(0, folder)
            with Folder.open(folder.parent, side) as parent:
                parent.sync()
    except BaseException:
        remove_folders(made)
        raise
    return made


def remove_folders(folders: Iterable[Path]) -> None:
    """Remove those of `folders` that are empty, one after the other."""
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()


def require_unchanged(source: int, before: Stamp, path: Path) -> None:
    """Raise SourceChangedError if the file at `path`, open as `source`, has changed since its stamp was taken.

    The stamps are what the kernel knows about the open file, so on NFS another machine's writes may be seen too late.
    The access time is left out, since reading changes it.
    """
    with Reporting(path):
        try:
            same = os.path.samestat(os.stat(path), os.fstat(source))  # noqa: PTH116 - a Path's takes twice as long
        except FileNotFoundError:
            same = False
        if not same or Stamp.of(source) != before:
            raise SourceChangedError(path)


def other_file_system(folder: Folder, root: Path) -> OSError:
    """Return the error for a `folder` that is on another file system than the rest of the Store at `root`."""
    msg = (
        f"it is on another file system than the Store at {root}, and a Store is one file system. Move the whole Store "
        "to that file system, or unmount this folder and put what is in it back into the Store"
    )
    return OSError(errno.EXDEV, msg, str(folder.path))


@contextlib.contextmanager
def opened(folder: Folder, name: str) -> Iterator[int]:
    """Open a file of `folder` for reading, for the length of a ``with`` block."""
    descriptor = folder.open_file(name)
    try:
        with Reporting(folder, name):
            yield descriptor
    finally:
        os.close(descriptor)


def read_all(descriptor: int, left_out: int = 0) -> bytes:
    """Read an open file from its start; with `left_out`, without so many bytes at its end."""
    parts, offset = [], 0
    size, further = os.fstat(descriptor).st_size - left_out, 0 if left_out else CHUNK
    while part := os.pread(descriptor, size - offset if offset < size else further, offset):
        parts.append(part)
        offset += len(part)
    return b"".join(parts)


def read_last(folder: Folder, name: str) -> bytes:
    """Read the last bytes of a file, at most `LAST` of them; no bytes if it can't be read."""
    with contextlib.suppress(OSError), opened(folder, name) as descriptor:
        return _last(descriptor)
    return b""


def _last(descriptor: int) -> bytes:
    return os.pread(descriptor, LAST, max(os.fstat(descriptor).st_size - LAST, 0))


def read_steadily(
    folder: Folder, name: str, left_out: Callable[[bytes], int] | None = None
) -> tuple[int, Stamp, bytes]:
    """Open and read a file that others may replace or rewrite meanwhile, again and again until it didn't change.

    Parameters
    ----------
    folder, name
        The file.
    left_out : callable, optional
        Called with the last bytes of the file, at most `LAST` of them, before the others are read; returns how many of
        them not to read with the others. To cut them off afterwards would copy the whole text.

    Returns
    -------
    descriptor, stamp, text
        The caller closes the descriptor.
    """
    for attempt in range(_TRIES):
        descriptor = folder.open_file(name)
        try:
            with Reporting(folder, name):
                before = Stamp.of(descriptor)
                text = read_all(descriptor, left_out(_last(descriptor)) if left_out else 0)
            if before == Stamp.of(descriptor) or attempt == _TRIES - 1:
                return descriptor, before, text
        except OSError as error:
            os.close(descriptor)
            if error.errno not in STALE or attempt == _TRIES - 1:
                raise
            continue
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
    raise AssertionError  # the last attempt returned or raised


def protect(descriptor: int, root: Folder) -> None:
    """Remove all write permissions from a file; everyone who may read the root may read it."""
    readable = os.fstat(root.descriptor).st_mode & 0o444
    os.fchmod(descriptor, readable or 0o400)


def write_over(folder: Folder, name: str, text: bytes) -> None:
    """Write over a file in place. A power failure may leave it torn, so this is for files that may be torn.

    It costs less than a new file, which has to be created while the old one is removed.
    """
    descriptor = folder.open_file(name, os.O_RDWR)
    try:
        with Reporting(folder, name):
            write_all(descriptor, text)
            os.ftruncate(descriptor, len(text))
    finally:
        os.close(descriptor)


def flush_to_server(descriptor: int) -> None:
    """Send what was written to the NFS server, where its other clients see it.

    A close does that, and it costs nothing on other file systems.
    """
    os.close(os.dup(descriptor))

"""A probe of a file system: whether it has what a commit relies on (see `commit`), hard links and true renames."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from asimov.storage._disk import files, temporary
from asimov.storage._disk.folder import NO_LINK, Folder, Reporting
from asimov.storage._disk.temporary import OUR_PREFIX, Temporary
from asimov.storage._model.errors import FileSystemError

_TROUBLE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO, errno.ESTALE}
"""Errors that say nothing about the kind of file system."""
_TRIES = 3
_BEFORE, _AFTER = b"one", b"two"


def require_links(folder: Folder, what: str) -> None:
    """Raise FileSystemError if names in `folder` can't be linked and renamed as a commit needs it.

    Three files with names of ours are made there for a moment. `what` is the sentence for the message that says what
    was not done.
    """
    temporary.sweep(folder)
    for _ in range(_TRIES):
        lack, undisturbed = _probe(folder)
        if undisturbed:
            break
    if lack is not None:
        msg = (
            f"The file system of {folder.path} {lack}, which a Store needs to be written without loss. {what} "
            "Stores that are there can be read, verified and fetched from."
        )
        raise FileSystemError(msg)


def _probe(folder: Folder) -> tuple[str | None, bool]:
    """Return what the file system lacks, and whether the files are still there: others may sweep them as abandoned."""
    first, second = (OUR_PREFIX + temporary.owner_name() for _ in range(2))
    with Temporary(folder, OUR_PREFIX + temporary.owner_name()) as file:
        try:
            return _lack(folder, file, first, second), file.present
        except FileNotFoundError:
            return "loses files", file.present
        finally:
            folder.remove(first)
            folder.remove(second)


def _lack(folder: Folder, file: Temporary, first: str, second: str) -> str | None:
    """Return what the file system lacks; None if it lacks nothing."""
    file.write(_BEFORE)
    if _link(folder, file, first) is not None:
        return "has no hard links"
    if not _are_one(folder, file, first):
        return "makes copies instead of hard links"
    again = _link(folder, file, first)
    if again is None:
        return "has hard links that replace files"
    if again.errno not in {errno.EEXIST, *NO_LINK}:  # sshfs returns EPERM
        return "has hard links that can't be relied on"
    with Reporting(folder, first):
        os.unlink(first, dir_fd=folder.descriptor)
    try:
        folder.rename(first, folder, second)
    except FileNotFoundError:
        return None
    return "renames files that are not there"


def _link(folder: Folder, file: Temporary, name: str) -> OSError | None:
    """Link the file to a second name; return the error if the file system can't do that."""
    here = {"src_dir_fd": folder.descriptor, "dst_dir_fd": folder.descriptor}
    with Reporting(folder, name):
        try:
            os.link(file.name, name, **here, follow_symlinks=False)
        except OSError as error:
            if error.errno in _TROUBLE:
                raise
            return error
    return None


def _are_one(folder: Folder, file: Temporary, name: str) -> bool:
    """Return whether `name` is a second name of an open file, rather than of a copy.

    Inode numbers are not enough, since on sshfs each name has its own. So bytes are written by one name and read by the
    other. They are as many as before, since the size may be cached.
    """
    found = os.stat(name, dir_fd=folder.descriptor, follow_symlinks=False)
    if os.path.samestat(os.fstat(file.descriptor), found):
        return True
    os.pwrite(file.descriptor, _AFTER, 0)
    file.sync()
    with files.opened(folder, name) as second:
        return os.read(second, len(_AFTER)) == _AFTER


def nearest(path: Path) -> Path:
    """Return the lowest existing folder among `path` and those above it."""
    return next(folder for folder in (path, *path.parents) if folder.is_dir())

"""Finding out whether a file system can do what a commit rests on (see `_commit`): hard links, and true renames."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from . import _files, _temporary
from ._errors import FileSystemError
from ._files import Folder
from ._temporary import OUR_PREFIX, Temporary

_BEFORE, _AFTER = b"one", b"two"


def require_links(folder: Folder, what: str) -> None:
    """Raise FileSystemError if names in `folder` can't be linked and renamed as a commit needs it.

    Three files are made there for a moment, under names of ours. `what` says what can't be done therefore.
    """
    first, second = (OUR_PREFIX + _temporary.owner_name() for _ in range(2))
    with Temporary(folder, OUR_PREFIX + _temporary.owner_name()) as file:
        try:
            lack = _lack(folder, file, first, second)
        finally:
            folder.remove(first)
            folder.remove(second)
    if lack is not None:
        msg = (
            f"The file system of {folder.path} {lack}, which a Store needs to be written without loss. {what} "
            "Stores that are there can be read, verified and fetched from."
        )
        raise FileSystemError(msg)


def _lack(folder: Folder, file: Temporary, first: str, second: str) -> str | None:
    """Return what the file system lacks, None if nothing."""
    file.write(_BEFORE)
    file.sync()
    here = {"src_dir_fd": folder.descriptor, "dst_dir_fd": folder.descriptor}
    try:
        os.link(file.name, first, **here, follow_symlinks=False)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO, errno.ESTALE}:
            raise
        return "has no hard links"
    if not _are_one(folder, file, first):
        return "makes copies instead of hard links"
    try:
        os.link(file.name, first, **here, follow_symlinks=False)
    except OSError as error:
        if error.errno not in {errno.EEXIST, *_files.NO_LINK}:  # sshfs says EPERM
            return "has hard links that can't be relied on"
    else:
        return "has hard links that replace files"
    folder.remove(first)
    try:
        folder.rename(first, folder, second)
    except FileNotFoundError:
        return None
    return "renames files that are not there"


def _are_one(folder: Folder, file: Temporary, name: str) -> bool:
    """Return whether `name` is a second name of an open file, and not of a copy.

    What is written through the one is read through the other: on sshfs each name has an inode number of its own. What
    is written is as long as what was there, for a size may be one that was cached.
    """
    os.pwrite(file.descriptor, _AFTER, 0)
    file.sync()
    with _files.opened(folder, name) as second:
        return os.read(second, len(_AFTER)) == _AFTER


def nearest(path: Path) -> Path:
    """Return the lowest folder that exists of `path` and those above it."""
    return next(folder for folder in (path, *path.parents) if folder.is_dir())

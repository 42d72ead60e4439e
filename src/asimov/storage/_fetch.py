"""Verified bytes out of a Store: a path, an open file, or a copy somewhere else."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import _files, _hashing, _temporary
from ._errors import HashError
from ._files import Folder
from ._hashing import Meter
from ._records import Record
from ._verify import open_stored, require_match

_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK}


def require_hash(record: Record, hash: str, path: Path) -> None:
    """Raise the HashError that fits if `hash`, in any case, is not the record's."""
    if str(hash).lower() != record.hash:
        msg = (
            f"{path}, which holds {record.file!a}: the hash that was given, {hash!a}, is not the MD5 that the manifest "
            f"records, {record.hash}. "
            "Either it is the hash of another file, or the record was changed; nothing was returned."
        )
        raise HashError(msg, path=path, expected=str(hash), actual=record.hash)


def open_verified(root: Path, record: Record, meter: Meter | None = None) -> tuple[int, Path]:
    """Open the file of a record, digest it, and give it open at its start.

    Raises
    ------
    HashError
        Its bytes are not those that were recorded.
    OSError
        It can't be read; also if it is missing, or not a regular file.
    """
    descriptor, path = open_stored(root, record)
    try:
        found = _hashing.digest(descriptor, sha256=record.sha256 is not None, meter=meter)
        require_match(record, found, path)
        os.lseek(descriptor, 0, os.SEEK_SET)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, path


def verified_path(root: Path, record: Record, meter: Meter | None = None) -> Path:
    """Give the path of the file of a record, after it was verified."""
    descriptor, path = open_verified(root, record, meter)
    os.close(descriptor)
    return path


def deliver(root: Path, record: Record, target: Path, meter: Meter | None = None) -> Path:
    """Copy the file of a record to `target`, which must not be there yet; what is delivered is what was verified."""
    descriptor, path = open_stored(root, record)
    try:
        with Folder.open(target.parent) as folder:
            if folder.status(target.name) is not None:
                raise _in_the_way(target)
            name = _temporary.OUR_PREFIX + _temporary.owner_name()
            copy = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666, dir_fd=folder.descriptor)
            try:
                found = _hashing.copy(descriptor, copy, sha256=record.sha256 is not None, meter=meter)
                require_match(record, found, path)
                os.fsync(copy)
                _publish(folder, name, target)
            finally:
                os.close(copy)
                folder.remove(name)
    finally:
        os.close(descriptor)
    return target


def _publish(folder: Folder, name: str, target: Path) -> None:
    try:
        folder.link(name, folder, target.name)
    except FileExistsError:
        raise _in_the_way(target) from None
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if folder.status(target.name) is not None:  # no hard links here: the next best thing
            raise _in_the_way(target) from error
        folder.rename(name, folder, target.name)
    try:
        folder.sync()
    except BaseException:
        folder.remove(target.name)
        raise


def _in_the_way(target: Path) -> FileExistsError:
    msg = "it exists already, and a fetch writes over nothing; move it away, or give another dest"
    return FileExistsError(errno.EEXIST, msg, str(target))


def target_of(dest: str | os.PathLike[str], file: str) -> Path:
    """Give the path that `dest`, a folder or the name of a file, means for a record's file."""
    path = _files.absolute(dest)
    is_folder = path.is_dir() or os.fspath(dest).endswith(os.sep)
    target = path / file if is_folder else path
    if not target.parent.is_dir():
        msg = "there is no such folder; make it first"
        raise FileNotFoundError(errno.ENOENT, msg, str(target.parent))
    return target


def targets_of(dest: str | os.PathLike[str], records: Sequence[Record]) -> list[Path]:
    """Give a path below the folder `dest` for each record: its name, or EVENT/PRODUCTION/NAME if two share one."""
    folder = _files.absolute(dest)
    distinct = len({record.file for record in records}) == len(records)
    return [folder.joinpath(*(record.key[2:] if distinct else record.key)) for record in records]


@contextlib.contextmanager
def all_or_none(targets: Sequence[Path]) -> Iterator[list[Path]]:
    """Make the folders of `targets`; give a list for what is delivered, and take all back if not everything can be."""
    delivered: list[Path] = []
    made: list[Path] = []
    try:
        for folder in dict.fromkeys(target.parent for target in targets):
            made = _files.make_root(folder) + made
            with Folder.open(folder) as opened:
                _temporary.sweep(opened)
        yield delivered
    except BaseException:
        for path in delivered:
            path.unlink(missing_ok=True)
        _files.remove_folders(made)
        raise

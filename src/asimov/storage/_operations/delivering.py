"""Delivering: verified copies of a Store's files in folders outside the Store, all or none."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from asimov.storage._backends.base import Backend
from asimov.storage._bytes import digests
from asimov.storage._bytes.progress import Meter
from asimov.storage._disk import files, temporary
from asimov.storage._disk.folder import DESTINATION, Folder, Reporting
from asimov.storage._model.matching import mismatch
from asimov.storage._model.names import from_disk, on_disk
from asimov.storage._model.record import Record


def deliver(backend: Backend, record: Record, target: Path, meter: Meter | None = None) -> bool:
    """Copy the file of a record to `target`, never over another file. The copied bytes are those that were verified.

    Returns
    -------
    bool
        False if the same bytes were there already, which is just as good.

    Raises
    ------
    FileExistsError
        Something else is there.
    """
    with Folder.open(target.parent, DESTINATION) as folder:
        if _is_delivered(folder, record, target, meter):
            return False
        writing, name = Reporting(target, side=DESTINATION), temporary.OUR_PREFIX + temporary.owner_name()
        with writing:
            copy = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666, dir_fd=folder.descriptor)
        try:
            backend.copy(record, copy, meter, writing)
            with writing:
                os.fsync(copy)
            return _publish(folder, name, record, target)
        finally:
            os.close(copy)
            folder.remove(name)


def _is_delivered(folder: Folder, record: Record, target: Path, meter: Meter | None = None) -> bool:
    """Return whether a file with the record's bytes is at `target`; raise FileExistsError if anything else is there."""
    name = from_disk(target.name)
    if folder.status(name) is None:
        return False
    try:
        descriptor = folder.open_file(name)
    except OSError as error:
        raise _in_the_way(target) from error
    try:
        found = digests.digest(descriptor, sha256=record.sha256 is not None, meter=meter)
    finally:
        os.close(descriptor)
    if mismatch(record, found) is not None:
        raise _in_the_way(target)
    return True


def _publish(folder: Folder, name: str, record: Record, target: Path) -> bool:
    """Link the copy to its name; return False if another process has delivered the same bytes meanwhile."""
    new = from_disk(target.name)
    try:
        give_name(folder, name, new)
    except FileExistsError:
        if _is_delivered(folder, record, target):
            return False
        raise _in_the_way(target) from None
    try:
        folder.sync()
    except BaseException:
        folder.remove(new)
        raise
    return True


def give_name(folder: Folder, name: str, target: str) -> None:
    """Link or rename the file `name` to `target`, never over another file."""
    try:
        folder.link(name, folder, target)
    except (FileExistsError, FileNotFoundError):
        raise
    except OSError:  # no hard links here, and file systems have many ways to say so
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        mine = os.open(on_disk(target), flags, 0o666, dir_fd=folder.descriptor)
        os.close(mine)  # the name is ours now, so that the rename replaces nobody's file
        try:
            folder.rename(name, folder, target)
        except BaseException:
            folder.remove(target)
            raise


def _in_the_way(target: Path) -> FileExistsError:
    msg = "something else is there already, and a fetch never replaces a file; move it away, or give another dest"
    return FileExistsError(errno.EEXIST, msg, str(target))


def target_of(dest: str | os.PathLike[str], file: str) -> Path:
    """Return the path that `dest`, a folder or the name of a file, means for a record's file."""
    path = files.absolute(dest)
    is_folder = path.is_dir() or os.fspath(dest).endswith(os.sep)
    target = path / on_disk(file) if is_folder else path
    if not target.parent.is_dir():
        msg = "there is no such folder; make it first"
        raise FileNotFoundError(errno.ENOENT, msg, str(target.parent))
    return target


def targets_of(dest: str | os.PathLike[str], records: Sequence[Record], *, tree: bool) -> list[Path]:
    """Return a path below the folder `dest` for each record: its name, or EVENT/PRODUCTION/NAME in a `tree`.

    Raises
    ------
    ValueError
        Two files have the same name, and `tree` isn't set.
    """
    folder = files.absolute(dest)
    if tree:
        return [folder.joinpath(*map(on_disk, record.key)) for record in records]
    named: dict[str, Record] = {}
    for record in records:
        other = named.setdefault(record.file, record)
        if other.key != record.key:
            both = " and ".join(f"{one.event!a} / {one.production!a}" for one in (other, record))
            msg = (
                f"Two of the selected files are called {record.file!a}, in {both}: one folder can't hold both, and "
                "nothing was copied. Give tree=True, which copies each to EVENT/PRODUCTION/FILE below dest."
            )
            raise ValueError(msg)
    return [folder / on_disk(record.file) for record in records]


@contextlib.contextmanager
def all_or_none(targets: Sequence[Path]) -> Iterator[list[Path]]:
    """Make the folders of `targets` and yield a list for new files; on an error, remove these files and folders."""
    delivered: list[Path] = []
    made: list[Path] = []
    try:
        for folder in dict.fromkeys(target.parent for target in targets):
            made = files.make_root(folder, DESTINATION) + made
            with Folder.open(folder, DESTINATION) as opened:
                temporary.sweep(opened)
        yield delivered
    except BaseException:
        for path in delivered:
            path.unlink(missing_ok=True)
        files.remove_folders(made)
        raise

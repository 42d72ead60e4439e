"""Stored files: the name of a record's file is its uuid or, if upstream asimov stored it, the recorded name."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from pathlib import Path

from asimov.storage._backends.base import Found
from asimov.storage._bytes import digests
from asimov.storage._bytes.descriptors import CHUNK
from asimov.storage._bytes.digests import Named
from asimov.storage._bytes.progress import Meter
from asimov.storage._disk import temporary
from asimov.storage._disk.folder import STORE, Folder, Reporting
from asimov.storage._model.matching import require_match
from asimov.storage._model.names import from_disk, on_disk
from asimov.storage._model.record import Record
from asimov.storage._model.snapshot import Contents

_IGNORED = (".ipynb_checkpoints", ".DS_Store")


names_of: Callable[[Record], tuple[str, str]] = attrgetter("uuid", "file")
"""Return the names that a record's file may have, in the order in which they are tried."""


def find_in(folder: Folder, names: Iterable[str]) -> tuple[str, os.stat_result] | None:
    """Return the first of `names` that exists in `folder`, and its status; None if none exists."""
    for name in names:
        found = folder.status(name)
        if found is not None:
            return name, found
    return None


def folder_of(root: str | Path, record: Record) -> Path:
    """Return the path of the folder that a record's file is in."""
    return Path(root, on_disk(record.event), on_disk(record.production))


# Without reading.


def stat_files(root: Path, records: Iterable[Record]) -> Iterator[Found]:
    """Yield size and time of each record's file, by its path as text: many files take a tenth of the time so."""
    top = str(root)
    for record in records:
        folder = f"{top}/{on_disk(record.event)}/{on_disk(record.production)}"
        for name in names_of(record):
            path = f"{folder}/{on_disk(name)}"
            try:
                found = os.lstat(path)
            except OSError:  # a context manager would take as long as the call
                continue
            yield Found(path, found.st_size, found.st_mtime_ns)
            break
        else:
            yield Found(f"{folder}/{record.uuid}", None, None)


def untracked(root: Path, contents: Contents, groups: Iterable[tuple[str, str]]) -> list[Path]:
    """Return all that is in the folders of `groups`, (event, production) pairs, and is no record's file."""
    found: list[Path] = []
    with Folder.open(root) as top:
        for event, production in groups:
            with contextlib.suppress(OSError), top.folder(event) as above, above.folder(production) as folder:
                found += [folder.at(name) for name in sorted(_strangers(folder, contents, event, production))]
    return found


def _strangers(folder: Folder, contents: Contents, event: str, production: str) -> set[str]:
    names = set(folder.names())
    for index in contents.span(event, production):
        if contents.uuids[index] in names:
            names.discard(contents.uuids[index])
        else:
            names.discard(contents.keys[index][2])
    return {name for name in names if name not in _IGNORED and not name.startswith(temporary.KEPT_WHILE_OPEN)}


# Open files.


def open_stored(root: Path, record: Record) -> tuple[int, Path]:
    """Open the file of a record, and return the descriptor and the path.

    Raises
    ------
    FileNotFoundError, OSError
        There is no file; it is not a regular one; or it, or a folder above it, is a symbolic link.
    """
    with Folder.open(root) as folder, folder.folder(record.event) as event, event.folder(record.production) as below:
        return open_in(below, record)


def open_in(folder: Folder, record: Record) -> tuple[int, Path]:
    """Open the file of a record in its production's folder, as `open_stored` does."""
    for name in names_of(record):
        with contextlib.suppress(FileNotFoundError):
            return folder.open_file(name), folder.at(name)
    msg = "it is recorded, but not on the disk; restore it from a copy"
    raise FileNotFoundError(errno.ENOENT, msg, str(folder.at(record.uuid)))


def open_verified(root: Path, record: Record, meter: Meter | None = None) -> tuple[int, Path]:
    """Open the file of a record, digest it, and return it open at its start.

    Raises
    ------
    HashError
        Its bytes are not those that were recorded.
    OSError
        The file can't be read, is missing, or is not a regular file.
    """
    descriptor, path = open_stored(root, record)
    try:
        reading = Reporting(path, side=STORE)
        found = digests.digest(descriptor, sha256=record.sha256 is not None, meter=meter, reading=reading)
        require_match(record, found, path)
        os.lseek(descriptor, 0, os.SEEK_SET)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, path


def pieces(root: Path, record: Record, offset: int = 0) -> Iterator[bytes]:
    """Yield the bytes of a record's file, from `offset` on; nothing is verified."""
    descriptor, path = open_stored(root, record)
    try:
        with Reporting(path, side=STORE):
            while piece := os.pread(descriptor, CHUNK, offset):
                yield piece
                offset += len(piece)
    finally:
        os.close(descriptor)


def copy(root: Path, record: Record, target: int, meter: Meter | None, writing: Named) -> None:
    """Copy a record's file to an open one, and verify the bytes meanwhile; holes stay holes."""
    descriptor, path = open_stored(root, record)
    try:
        reading, with_sha256 = Reporting(path, side=STORE), record.sha256 is not None
        found = digests.copy(descriptor, target, sha256=with_sha256, meter=meter, reading=reading, writing=writing)
        require_match(record, found, path)
    finally:
        os.close(descriptor)


def link(root: Path, record: Record, target: Folder, name: str, meter: Meter | None) -> bool:
    """Link a record's file to `name` in `target`, and verify what was linked; return False if that can't be done."""
    with Folder.open(root) as top, top.folder(record.event) as event, event.folder(record.production) as folder:
        descriptor, path = open_in(folder, record)
        try:
            if not _linked(folder, from_disk(path.name), target, name, descriptor):
                return False
            reading, with_sha256 = Reporting(path, side=STORE), record.sha256 is not None
            require_match(record, digests.digest(descriptor, sha256=with_sha256, meter=meter, reading=reading), path)
        finally:
            os.close(descriptor)
    return True


def _linked(folder: Folder, name: str, target: Folder, new: str, descriptor: int) -> bool:
    """Link the file that is open; return False if there are no links here, or if another file has its name now."""
    try:
        folder.link(name, target, new)
    except FileExistsError:
        raise
    except OSError:  # another file system, or one without links, or too many: there are many ways to say so
        return False
    found = target.status(new)
    if found is not None and os.path.samestat(found, os.fstat(descriptor)):
        return True
    target.remove(new)
    return False

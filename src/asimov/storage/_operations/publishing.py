"""Publishing: a copy of a Store for a web server: its manifest and its files, verified, and nothing else."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, TypeAlias
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from asimov.storage._backends.base import Backend, Found
from asimov.storage._bytes.digests import Digest, counted
from asimov.storage._bytes.progress import Meter, Progress
from asimov.storage._disk import files, temporary
from asimov.storage._disk.folder import DESTINATION, Folder, Reporting
from asimov.storage._display.text import count
from asimov.storage._format import canonical_reader, canonical_writer
from asimov.storage._format.layout import HOME, MANIFEST
from asimov.storage._model.matching import require_match
from asimov.storage._model.names import from_disk
from asimov.storage._model.record import Record
from asimov.storage._model.snapshot import Contents

from . import arguments
from .delivering import give_name
from .exporting.tree import new_tree, require_nothing

Pair: TypeAlias = tuple[Record, Found]

MOST_FLAT = 99
"""The most files of a flat copy: an archive such as Zenodo takes 100 in one deposit, and the manifest is one."""
_LARGE = 1 << 31
"""From this size on, a member needs the longer fields of zip64."""
_EARLIEST, _LATEST = 1980, 2107
"""The years that a zip archive has."""


def publish(
    backend: Backend,
    contents: Contents,
    dest: str | os.PathLike[str],
    *,
    flat: object,
    progress: Progress | bool | None,
) -> Path:
    """Write a copy of the Store to `dest`, a new folder or a new zip archive; return its path."""
    target, is_flat = files.absolute(arguments.path("dest", dest)), arguments.flag("flat", flat)
    if is_flat:
        _require_few(contents, target)
    records = list(contents)
    write = _to_archive if target.suffix.lower() == ".zip" else _to_folder
    with arguments.reporting(progress, "publish") as reported:
        found = list(backend.stat(records))
        meter = Meter(reported, sum(one.size or 0 for one in found))
        write(backend, contents, list(zip(records, found, strict=True)), target, meter, is_flat=is_flat)
        meter.finish()
    return target


def _require_few(contents: Contents, target: Path) -> None:
    if target.suffix.lower() == ".zip":
        msg = "flat=True is for a folder: in a zip archive, files have their folders. Leave flat out."
        raise ValueError(msg)
    if len(contents) > MOST_FLAT:
        msg = f"flat=True is for at most {MOST_FLAT} files, since archives take few in one deposit, "
        msg += (
            f"and this Store has {count(len(contents), 'file')}. Publish it as one file: give a dest that ends in .zip."
        )
        raise ValueError(msg)


def _manifest(contents: Contents) -> bytes:
    """Return the text of the manifest, which says that no commits follow it."""
    return b"".join([*canonical_writer.write(contents), canonical_reader.folded_line(0)])


# A folder.


def _to_folder(
    backend: Backend, contents: Contents, pairs: list[Pair], target: Path, meter: Meter, *, is_flat: bool
) -> None:
    with new_tree(target) as tree:
        for record, found in pairs:
            tree.fill(_path(record, is_flat=is_flat), _copying(backend, record, found, meter))
        tree.write(MANIFEST if is_flat else f"{HOME}/{MANIFEST}", _manifest(contents))


def _path(record: Record, *, is_flat: bool) -> str:
    return record.uuid if is_flat else f"{record.event}/{record.production}/{record.uuid}"


def _copying(backend: Backend, record: Record, found: Found, meter: Meter) -> Callable[[int, Reporting], None]:
    """Return what copies one file and keeps its time: web servers and readers show when it was added."""

    def copy(descriptor: int, writing: Reporting) -> None:
        backend.copy(record, descriptor, meter, writing)
        if found.modified is not None:
            with writing:
                os.utime(descriptor, ns=(found.modified, found.modified))

    return copy


# An archive.


def _to_archive(
    backend: Backend,
    contents: Contents,
    pairs: list[Pair],
    target: Path,
    meter: Meter,
    *,
    is_flat: bool,  # noqa: ARG001
) -> None:
    require_nothing(target)
    made = files.make_root(target.parent, DESTINATION)
    try:
        with Folder.open(target.parent, DESTINATION) as above, _new_file(above, target) as (file, name):
            _write(file, backend, contents, pairs, meter)
            file.flush()
            os.fsync(file.fileno())
            _give_name(above, name, target)
    except BaseException:
        files.remove_folders(made)
        raise


@contextlib.contextmanager
def _new_file(above: Folder, target: Path) -> Iterator[tuple[BinaryIO, str]]:
    """Open a new file under a temporary name, which is gone at the end; what killed processes left goes, too."""
    temporary.sweep(above)
    name = temporary.OUR_PREFIX + temporary.owner_name()
    with Reporting(target, side=DESTINATION):
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666, dir_fd=above.descriptor)
    try:
        with Reporting(target, side=DESTINATION), os.fdopen(descriptor, "w+b") as file:
            yield file, name
    finally:
        above.remove(name)


def _give_name(above: Folder, name: str, target: Path) -> None:
    try:
        give_name(above, name, from_disk(target.name))
    except FileExistsError:
        require_nothing(target)
        raise
    above.sync()


def _write(file: BinaryIO, backend: Backend, contents: Contents, pairs: list[Pair], meter: Meter) -> None:
    """Write all files, as they are: ranges of them can be read and resumed; then the manifest."""
    with ZipFile(file, "w", ZIP_STORED) as archive:
        for record, found in pairs:
            digest = Digest(sha256=record.sha256 is not None)
            info = _info(_path(record, is_flat=False), found.modified)
            with archive.open(info, "w", force_zip64=(found.size or 0) >= _LARGE) as member:
                for piece in counted(backend.pieces(record), digest, meter):
                    member.write(piece)
            require_match(record, digest, found.where)
        archive.writestr(_info(f"{HOME}/{MANIFEST}", time.time_ns()), _manifest(contents))


def _info(path: str, modified: int | None) -> ZipInfo:
    """Return what an archive says of a file: its time in UTC, and that everyone may read it."""
    moment = datetime.fromtimestamp((modified or 0) / 1e9, UTC)
    year = min(max(moment.year, _EARLIEST), _LATEST)
    info = ZipInfo(path, (year, moment.month, moment.day, moment.hour, moment.minute, moment.second))
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    return info

"""Restoring: missing and damaged files are replaced by the same bytes from a folder, or from another Store."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeAlias, cast

from asimov.storage._backends.base import Backend, Source
from asimov.storage._bytes import digests
from asimov.storage._bytes.digests import Digest
from asimov.storage._bytes.progress import Meter, Progress
from asimov.storage._disk.files import open_source
from asimov.storage._disk.folder import Reporting
from asimov.storage._display.text import shown
from asimov.storage._model.errors import HashError, SourceChangedError
from asimov.storage._model.matching import Where, mismatch
from asimov.storage._model.names import Key
from asimov.storage._model.record import Record
from asimov.storage._model.reports import RestoreReport
from asimov.storage._model.snapshot import Contents

from . import arguments, verifying
from .rotation import Rotation


class Copy(Protocol):
    """A file that may have the bytes of a record."""

    @property
    def where(self) -> Where:
        """Where it is."""

    def digest(self, meter: Meter, *, sha256: bool) -> Digest:
        """Return the digest of its bytes."""

    def path(self) -> Path:
        """Return the path of its bytes on this machine."""


class Copies(Protocol):
    """A place in which copies are looked for."""

    def of(self, wanted: Sequence[Record]) -> Iterator[tuple[Copy, Sequence[Record]]]:
        """Yield copies, each with the records whose bytes it may have; the likely ones first."""


Found: TypeAlias = dict[Key, Copy]
"""The copy that has the bytes of a record, by its names."""


def restore(
    backend: Backend,
    contents: Contents,
    records: list[Record],
    source: object,
    *,
    dry_run: bool,
    progress: Progress | bool | None,
) -> RestoreReport:
    """Verify the files of `records`; put back those that are missing or damaged, as far as their bytes are found."""
    copies = copies_in(source)
    with arguments.reporting(progress, "restore") as reported:
        failures = verifying.verify(backend, contents, records, Rotation(), progress=reported).failures
        wanted = [record for check in failures if (record := contents.get(check.key)) is not None]
        search = _Search(wanted, Meter(reported, 0))
        search.through(copies)
        found = [record for record in wanted if record.key in search.found]
        if not dry_run:
            for record in found:
                _put_back(backend, contents, record, search.found[record.key], search.meter)
        search.meter.finish()
    return RestoreReport(
        root=cast("Path", backend.root or backend.location),
        restored=tuple(found),
        sources=tuple(search.found[record.key].where for record in found),
        not_found=tuple(record for record in wanted if record.key not in search.found),
        unread=tuple(search.unread),
        dry_run=dry_run,
    )


def _put_back(backend: Backend, contents: Contents, record: Record, copy: Copy, meter: Meter) -> None:
    """Receive the bytes anew, digested in the same pass, and put them in the place of the file.

    Raises
    ------
    SourceChangedError
        The copy was written to since it was found.
    """
    given = [Source(record.key, copy.path(), None)]
    with backend.receive(given, meter, sha256=record.sha256 is not None) as (data,):
        if mismatch(record, data.digest) is not None:
            raise SourceChangedError(given[0].path)
        backend.mend([(record, data)], contents, meter)


# The search.


class _Search:
    """The search for the bytes of the records `wanted`; it ends when all are found."""

    def __init__(self, wanted: Sequence[Record], meter: Meter) -> None:
        self.wanted, self.meter = wanted, meter
        self.found: Found = {}
        self.unread: list[Where] = []
        """The copies that can't be read."""

    def through(self, copies: Copies) -> None:
        """Digest copies, each once at most."""
        for copy, records in copies.of(self.wanted) if self.wanted else ():
            if missing := [record for record in records if record.key not in self.found]:
                self._look_at(copy, missing)
            if len(self.found) == len(self.wanted):
                return

    def _look_at(self, copy: Copy, records: Sequence[Record]) -> None:
        try:
            digest = copy.digest(self.meter, sha256=any(record.sha256 is not None for record in records))
        except OSError:
            self.unread.append(copy.where)
            return
        for record in records:
            if mismatch(record, digest) is None:
                self.found[record.key] = copy


def copies_in(source: Any) -> Copies:
    """Return the copies in a folder, or in a Store.

    Raises
    ------
    TypeError
        It is neither.
    NotADirectoryError, FileNotFoundError
        There is no such folder.
    """
    backend = getattr(source, "backend", None)
    if isinstance(backend, Backend):
        return _OfStore(backend)
    if not isinstance(source, (str, os.PathLike)):
        msg = f"source={shown(source)}: it takes the path of a folder, or a Store."
        raise TypeError(msg)
    folder = Path(arguments.path("source", source))
    with Reporting(folder), os.scandir(folder):
        return _OfFolder(folder)


class _File(NamedTuple):
    """A file in a folder."""

    where: Path

    def digest(self, meter: Meter, *, sha256: bool) -> Digest:
        descriptor = open_source(self.where)
        try:
            return digests.digest(descriptor, sha256=sha256, meter=meter, reading=Reporting(self.where))
        finally:
            os.close(descriptor)

    def path(self) -> Path:
        return self.where


class _OfFolder:
    """The files of a folder and of the folders in it, whatever their names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def of(self, wanted: Sequence[Record]) -> Iterator[tuple[Copy, Sequence[Record]]]:
        """Yield the files, those first that have a record's name or uuid; a size that is recorded has to fit."""
        names = {name for record in wanted for name in (record.file, record.uuid)}
        files = sorted(_files_below(self.folder), key=lambda found: (found[0].name not in names, found[0]))
        for path, size in files:
            if fitting := [record for record in wanted if record.size is None or record.size == size]:
                yield _File(path), fitting


def _files_below(folder: Path) -> Iterator[tuple[Path, int]]:
    """Yield path and size of each file. A symbolic link to a file is one, and one to a folder isn't followed."""
    with Reporting(folder), os.scandir(folder) as entries:
        found = list(entries)
    for entry in found:
        path = folder / entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from _files_below(path)
            continue
        try:
            status = entry.stat()
        except FileNotFoundError:  # a dangling link
            continue
        if stat.S_ISREG(status.st_mode):
            yield path, status.st_size


class _Stored(NamedTuple):
    """A file of another Store."""

    backend: Backend
    record: Record

    @property
    def where(self) -> Where:
        return self.backend.where(self.record)

    def digest(self, meter: Meter, *, sha256: bool) -> Digest:
        found = Digest(sha256=sha256)
        for piece in self.backend.pieces(self.record):
            found.update(piece)
            meter.advance(len(piece))
        return found

    def path(self) -> Path:
        try:
            return self.backend.path(self.record)
        except HashError as error:
            raise SourceChangedError(Path(error.path)) from error


class _OfStore:
    """The files of another Store whose records have the MD5 of a record."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    def of(self, wanted: Sequence[Record]) -> Iterator[tuple[Copy, Sequence[Record]]]:
        """Yield the files whose records have one of the MD5s."""
        of_md5: dict[str, list[Record]] = {}
        for record in wanted:
            of_md5.setdefault(record.hash, []).append(record)
        contents = self.backend.contents()
        for index, md5 in enumerate(contents.hashes):
            if md5 in of_md5:
                yield _Stored(self.backend, contents.record(index)), of_md5[md5]

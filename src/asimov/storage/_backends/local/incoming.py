"""Incoming files: copied or written into ``.manifest/incoming/``, digested in the same pass, then placed."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from asimov.storage._bytes import digests
from asimov.storage._bytes.descriptors import write_all
from asimov.storage._bytes.digests import Digest, Named
from asimov.storage._bytes.progress import Meter
from asimov.storage._bytes.threads import started
from asimov.storage._disk import files, temporary
from asimov.storage._disk.folder import GONE, NO_LINK, Folder, Reporting, Stamp
from asimov.storage._model.errors import SourceChangedError

if TYPE_CHECKING:
    from typing_extensions import Buffer

_FLUSHERS = 4


class Incoming:
    """One incoming file.

    Parameters
    ----------
    folder : Folder
        ``.manifest/incoming``; the caller closes it.
    name : str
        The file's temporary name there.
    descriptor : int
        The file, open for reading and writing; this object closes it.
    sha256 : bool
        Compute SHA-256 too.
    """

    def __init__(self, folder: Folder, name: str, descriptor: int, *, sha256: bool) -> None:
        self.folder, self.name, self.descriptor = folder, name, descriptor
        self.digest = Digest(sha256=sha256)
        self._is_moved = False
        """Whether `place` has renamed the file, since there are no links between folders."""

    @classmethod
    def new(cls, folder: Folder, *, sha256: bool) -> Incoming:
        """Begin a new file."""
        name = temporary.owner_name()
        descriptor = folder.create(name, unique=True)
        try:
            return cls(folder, name, descriptor, sha256=sha256)
        except BaseException:  # a process's first digest loads OpenSSL, which takes long enough for a signal to come
            os.close(descriptor)
            folder.remove(name)
            raise

    @classmethod
    def of_file(
        cls,
        path: Path,
        folder: Folder,
        meter: Meter | None = None,
        *,
        sha256: bool,
        opened: Callable[[Path], int] = files.open_source,
    ) -> Incoming:
        """Copy the file at `path`, which `opened` opens.

        Raises
        ------
        SourceChangedError
            The file was written to meanwhile.
        """
        source = opened(path)
        try:
            before = Stamp.of(source)
            data = cls.new(folder, sha256=sha256)
            try:
                data.copy_from(source, meter, reading=Reporting(path))
                files.require_unchanged(source, before, path)
            except BaseException:
                data.discard()
                raise
        finally:
            os.close(source)
        return data

    @classmethod
    def of_content(cls, content: Buffer, folder: Folder, meter: Meter, *, sha256: bool) -> Incoming:
        """Write bytes that are in memory."""
        data = cls.new(folder, sha256=sha256)
        try:
            data.append(content)
            meter.advance(data.digest.size)
        except BaseException:
            data.discard()
            raise
        return data

    @property
    def named(self) -> Reporting:
        """A context that names the file in errors."""
        return Reporting(self.folder, self.name)

    def copy_from(self, source: int, meter: Meter | None = None, *, reading: Named | None = None) -> None:
        """Copy an open file to its end; `reading` names it in errors, if it isn't this one."""
        self.digest = digests.copy(
            source,
            self.descriptor,
            sha256=self.digest.sha256 is not None,
            meter=meter,
            reading=reading or self.named,
            writing=self.named,
        )

    def append(self, data: Buffer) -> None:
        """Append `data`."""
        view = memoryview(data).cast("B")
        with self.named:
            os.lseek(self.descriptor, self.digest.size, os.SEEK_SET)  # over the remains of a failed write
            write_all(self.descriptor, view)
        self.digest.update(view)

    def redigest(self, meter: Meter | None = None) -> None:
        """Digest the whole file anew, and leave the position at its end."""
        os.lseek(self.descriptor, 0, os.SEEK_SET)
        with_sha256 = self.digest.sha256 is not None
        self.digest = digests.digest(self.descriptor, sha256=with_sha256, meter=meter, reading=self.named)

    def seal(self, root: Folder) -> None:
        """Make the file read-only and durable."""
        with self.named:
            files.protect(self.descriptor, root)
            os.fsync(self.descriptor)

    def place(self, target: Folder, uuid: str) -> None:
        """Link the file to its name in the Store, never over another file."""
        try:
            self._move(target, uuid)
        except OSError as error:
            if error.errno not in GONE or self.folder.status(self.name) is not None:
                raise
            if self.descriptor < 0:
                msg = "this copy was swept away, since nothing of its batch was written for a day; add the batch again"
                raise FileNotFoundError(errno.ENOENT, msg, str(self.folder.path / self.name)) from None
            self._revive()
            self._move(target, uuid)

    def _move(self, target: Folder, uuid: str) -> None:
        """Move the file to its name in the Store by a link, or by a rename if there are no links between folders.

        A uuid is never given twice, so the rename never replaces a file.
        """
        try:
            self.folder.link(self.name, target, uuid)
        except OSError as error:
            if error.errno not in NO_LINK:
                raise
            self.folder.rename(self.name, target, uuid)
            self._is_moved = True

    def take_back(self, target: Folder, uuid: str) -> None:
        """Remove the file's name in the Store, which `place` made; the incoming file stays."""
        if self._is_moved:
            self._is_moved = False
            with contextlib.suppress(OSError):
                target.rename(uuid, self.folder, self.name)
        target.remove(uuid)

    def _revive(self) -> None:
        """Copy the file from its open descriptor: its name was swept as abandoned while this process was stopped."""
        os.lseek(self.descriptor, 0, os.SEEK_SET)
        again = Incoming.new(self.folder, sha256=False)
        again.copy_from(self.descriptor)
        if again.digest.md5 != self.digest.md5:
            again.discard()
            msg = "somebody else wrote to it on its way in, and nothing was stored; add it again"
            raise OSError(errno.EIO, msg, str(self.folder.path / self.name))
        os.fchmod(again.descriptor, os.fstat(self.descriptor).st_mode & 0o777)
        os.fsync(again.descriptor)
        self.close()
        self.name, self.descriptor = again.name, again.descriptor

    def reclaim(self, path: Path) -> None:
        """Digest the file after others had its descriptor; copy it first if any of them may still write to it.

        Raises
        ------
        SourceChangedError
            One of them did so; the error calls the file `path`.
        """
        if self._is_open_only_here():
            self.redigest()
            return
        before = Stamp.of(self.descriptor)
        os.lseek(self.descriptor, 0, os.SEEK_SET)
        again = Incoming.new(self.folder, sha256=self.digest.sha256 is not None)
        try:
            again.copy_from(self.descriptor, reading=self.named)
        except BaseException:
            again.discard()
            raise
        if Stamp.of(self.descriptor) != before:
            again.discard()
            raise SourceChangedError(path)
        self.discard()
        self.name, self.descriptor, self.digest = again.name, again.descriptor, again.digest

    def _is_open_only_here(self) -> bool:
        """Open the file anew for reading; return whether nobody has it open for writing (by a lease, on Linux)."""
        reader = self.folder.open_file(self.name)
        self.close()
        self.descriptor = reader
        try:
            import fcntl

            fcntl.fcntl(reader, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            fcntl.fcntl(reader, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        except (ImportError, AttributeError, OSError):
            return False
        return True

    def discard(self) -> None:
        """Remove the temporary name, since the file is placed or isn't wanted."""
        self.folder.remove(self.name)
        self.close()

    def close(self) -> None:
        """Close the file and keep it."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def seal_all(files: Sequence[Incoming], root: Folder) -> None:
    """Seal many files, several at a time: a disk flushes them together."""
    if len(files) == 1:
        files[0].seal(root)
        return
    failures: list[BaseException] = []

    def seal(part: Sequence[Incoming]) -> None:
        try:
            for file in part:
                if not failures:
                    file.seal(root)
        except BaseException as error:  # noqa: BLE001 - raised again below
            failures.append(error)

    parts = [files[start::_FLUSHERS] for start in range(_FLUSHERS)]  # handing over one file takes as long as sealing it
    threads = [started(partial(seal, part), "asimov-storage flush") for part in parts[1:]]
    try:
        for part, thread in zip(parts, [None, *threads], strict=True):
            if thread is None:
                seal(part)
    finally:
        for thread in filter(None, threads):
            thread.join()
    if failures:
        raise failures[0]

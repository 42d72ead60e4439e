"""Mending: a recorded file that is missing or damaged is replaced by the right bytes.

Several processes may mend one file at once, and each may be stopped at any point and go on days later. Even so, a sound
file is never removed, and a damaged file is never lost:

a. Give the right bytes, which are read-only and durable, a further name in ``incoming/`` that ends in the record's
   uuid.
b. Check the recorded file, after a. If it is sound, nothing is left to do.
c. If it is damaged, give it a second name in ``quarantine/EVENT/PRODUCTION/``, durably, never over another file.
d. Rename the name of step a to the place of the file. ENOENT: another process has mended it since a; begin again.
e. Remove the names that others gave in their step a. They checked the file before d, so their renames must fail from
   now on: none may replace the file later.

A process that is killed leaves the damaged file or the right one, and at most a name in ``incoming/``, which later
writers sweep.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterable
from typing import NamedTuple

from asimov.storage._bytes import digests
from asimov.storage._bytes.progress import Meter
from asimov.storage._disk import files
from asimov.storage._disk.folder import GONE, NO_LINK, Folder
from asimov.storage._disk.temporary import owner_name
from asimov.storage._format.layout import HOME
from asimov.storage._model.errors import RecordExistsError
from asimov.storage._model.matching import mismatch
from asimov.storage._model.record import Record

from .incoming import Incoming
from .quarantine import QUARANTINE, durable_folder
from .stored import find_in, names_of

_TRIES = 8
_NO_FILE = {errno.ELOOP, errno.EISDIR, errno.EINVAL, errno.ENXIO}
"""Errors of opening a symbolic link, a folder, a pipe or device, and a socket."""


class _Look(NamedTuple):
    """What was found in the place of a recorded file."""

    name: str
    """Its name there, or the name that it will have."""
    found: os.stat_result | None
    sound: bool


class Mending:
    """The mending of one record's file by the bytes of `data`.

    Parameters
    ----------
    root : Folder
        The Store's folder.
    record : Record
        The record of the file.
    data : Incoming
        The right bytes, sealed.
    by_name : bool
        Whether the file may have its own name, as upstream asimov stores it. False if that name is another's uuid.
    meter : Meter, optional
        It is advanced by zero now and then, so that it can cancel.
    """

    def __init__(
        self, root: Folder, record: Record, data: Incoming, *, by_name: bool = True, meter: Meter | None = None
    ) -> None:
        self.root, self.record, self.data = root, record, data
        self.names = names_of(record)[: 2 if by_name else 1]
        self.meter = Watching(meter)

    def mend(self) -> None:
        """Check the recorded file, and replace it by the right bytes if it is missing or damaged.

        Raises
        ------
        RecordExistsError
            The data has the record's MD5, but other bytes.
        OSError
            The file can't be read, or the Store can't be written.
        """
        if self._is_sound():
            return
        try:
            for attempt in range(_TRIES):
                if self._tried(last=attempt == _TRIES - 1):
                    return
        except BaseException:
            self._remove_empty_folders()
            raise

    def _tried(self, *, last: bool) -> bool:
        """Mend the file; return False if another process is mending it."""
        try:
            self._replace()
        except OSError as error:
            if error.errno not in GONE or last:
                raise
            return False
        return True

    def _is_sound(self) -> bool:
        with (
            contextlib.suppress(FileNotFoundError),
            self.root.folder(self.record.event) as above,
            above.folder(self.record.production) as folder,
        ):
            return self._look(folder).sound
        return False

    def _folder_made(self) -> Folder:
        with contextlib.suppress(FileNotFoundError), self.root.folder(self.record.event) as above:
            return above.folder(self.record.production)
        with durable_folder(self.root, self.record.event) as above:
            return durable_folder(above, self.record.production)

    def _remove_empty_folders(self) -> None:
        with contextlib.suppress(OSError), self.root.folder(self.record.event) as above:
            above.remove_folder(self.record.production)
        self.root.remove_folder(self.record.event)

    def _look(self, folder: Folder) -> _Look:
        there = find_in(folder, self.names)
        if there is None:
            return _Look(self.record.uuid, None, sound=False)
        name, found = there
        return _Look(name, found, self._holds_a_file(folder, name) and self._agrees(folder, name))

    @staticmethod
    def _holds_a_file(folder: Folder, name: str) -> bool:
        try:
            with files.opened(folder, name):
                return True
        except OSError as error:
            if error.errno not in _NO_FILE:
                raise
            return False

    def _agrees(self, folder: Folder, name: str) -> bool:
        with files.opened(folder, name) as descriptor:
            found = digests.digest(descriptor, sha256=self.record.sha256 is not None, meter=self.meter)
        return mismatch(self.record, found) is None

    def _replace(self) -> None:
        """Follow the steps a to e. FileNotFoundError means that another process is mending the file."""
        incoming, right = self.data.folder, f"{owner_name()}-{self.record.uuid}"
        try:
            self.data.place(incoming, right)
            self._require_right(right)
            with self._folder_made() as folder:  # opened after the link, so that NFS shows what is there now
                look = self._look(folder)
                if look.sound:
                    return
                if look.found is not None:
                    self._quarantine(folder, look.name, look.found)
                incoming.rename(right, folder, look.name)
        finally:
            incoming.remove(right)
        for name in incoming.names():
            if name.endswith(f"-{self.record.uuid}"):
                incoming.remove(name)

    def _require_right(self, name: str) -> None:
        """Raise RecordExistsError if the bytes to place aren't those of the record, by all of its digests."""
        if not self._agrees(self.data.folder, name):
            msg = (
                f"{' / '.join(map(ascii, self.record.key))} is recorded already with other bytes, and a Store never "
                "changes a file. Store it under another name, or as a new production."
            )
            raise RecordExistsError(msg)

    # The damaged file.

    def _quarantine(self, folder: Folder, name: str, found: os.stat_result) -> None:
        """Put what was found into quarantine: give a file a second name there, move a folder there."""
        with contextlib.ExitStack() as stack:
            kept = stack.enter_context(self.root.folder(HOME))
            for part in (QUARANTINE, self.record.event, self.record.production):
                kept = stack.enter_context(durable_folder(kept, part))
            numbers = range(2, len(kept.names()) + _TRIES)
            targets = [name, *(f"{self.record.uuid}.{number}" for number in numbers)]
            if not any(self._keep(folder, name, found, kept, target) for target in targets):
                raise self._overtaken(folder, name)
            kept.sync()

    def _keep(self, folder: Folder, name: str, found: os.stat_result, kept: Folder, target: str) -> bool:
        """Keep what was found as `target`; return False if that name is taken."""
        self._require_same(folder, name, found)
        if stat.S_ISDIR(found.st_mode):
            return kept.status(target) is None and self._move(folder, name, kept, target)
        try:
            folder.link(name, kept, target)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in NO_LINK:  # Linux' protected_hardlinks refuses, for another user's file
                raise
            return self._copy(folder, name, kept, target)
        self._require_same(kept, target, found)
        return True

    def _move(self, folder: Folder, name: str, kept: Folder, target: str) -> bool:
        try:
            folder.rename(f"{name}/", kept, target)  # with the slash, nothing but a folder is moved
        except NotADirectoryError:
            raise self._overtaken(folder, name) from None
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                raise
            return False
        return True

    def _require_same(self, folder: Folder, name: str, found: os.stat_result) -> None:
        status = folder.status(name)
        if status is None or not os.path.samestat(status, found):
            raise self._overtaken(folder, name)

    @staticmethod
    def _overtaken(folder: Folder, name: str) -> FileNotFoundError:
        msg = "others change it at this moment; add the file again"
        return FileNotFoundError(errno.ENOENT, msg, str(folder.at(name)))

    def _copy(self, folder: Folder, name: str, kept: Folder, target: str) -> bool:
        """Keep a copy, for a file that can't have a second name; return False if the name is taken."""
        try:
            copy = kept.create(target)
        except FileExistsError:
            return False
        try:
            with files.opened(folder, name) as source:
                digests.copy(source, copy, meter=self.meter)
            files.protect(copy, self.root)
            os.fsync(copy)
        except BaseException:
            kept.remove(target)
            raise
        finally:
            os.close(copy)
        return True


class Watching(Meter):
    """Counts nothing, but lets another meter cancel: for reading bytes that are not counted."""

    def __init__(self, meter: Meter | None) -> None:
        super().__init__(None, 0)
        self._meter = meter

    def advance(self, count: int) -> None:
        """Advance the other meter by zero, so that it can cancel."""
        del count
        if self._meter is not None:
            self._meter.advance(0)


def sync(root: Folder, groups: Iterable[tuple[str, str]]) -> None:
    """Make durable what was mended just now, by any process, in the folders of `groups`: (event, production) pairs."""
    for event, production in groups:
        with root.folder(event) as above, above.folder(production) as folder:
            folder.sync()

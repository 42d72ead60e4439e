"""Layouts: where the manifest and the files of a published Store are."""

from __future__ import annotations

import errno
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from asimov.storage._backends import transfers
from asimov.storage._backends.base import Found
from asimov.storage._backends.objects import Listed, NoRanges, Objects, Part
from asimov.storage._bytes.threads import Threads
from asimov.storage._format.layout import HOME, MANIFEST, RECENT
from asimov.storage._model.record import Record

from .archive import TAIL, Archive
from .cache import Cache
from .whole_file import WholeFile

if TYPE_CHECKING:
    from concurrent.futures import Future

_LOOKED_AT = 4
"""How many files are looked at at a time."""
_AHEAD = 64
"""How many files are looked at before those that were asked for."""


class Layout(ABC):
    """One way in which a Store is published."""

    place: str
    """The URL of the manifest."""

    @abstractmethod
    def manifest(self, unless: str) -> Part | None:
        """Return the manifest; None if it has the tag `unless`; FileNotFoundError if there is none in this layout."""

    @abstractmethod
    def entry(self, number: int) -> bytes | None:
        """Return the entry with a number; None if there is none."""

    @abstractmethod
    def where(self, record: Record) -> str:
        """Return the URL of a record's file."""

    @abstractmethod
    def pieces(self, record: Record, offset: int) -> Iterator[bytes]:
        """Yield the bytes of a record's file from `offset` on."""

    @abstractmethod
    def look(self, records: Iterable[Record]) -> Iterator[Found]:
        """Yield size and time of each record's file."""

    def tag(self, record: Record) -> str:  # noqa: ARG002 - optional
        """Return what the server says of the file's bytes, if it says anything without sending them."""
        return ""


class _Files(Layout):
    """Files of their own on a web server."""

    KEY: str
    """The key of the manifest."""

    def __init__(self, objects: Objects) -> None:
        self.objects, self.place = objects, objects.where(self.KEY)
        self._looked: dict[str, Listed | None] = {}
        self._lock = threading.Lock()

    def manifest(self, unless: str) -> Part | None:
        return transfers.whole(self.objects, self.KEY, unless)

    def keys(self, record: Record) -> Sequence[str]:
        """Return the keys that a record's file may have, in the order in which they are tried."""
        raise NotImplementedError

    def where(self, record: Record) -> str:
        return self.objects.where(self.keys(record)[0])

    def pieces(self, record: Record, offset: int) -> Iterator[bytes]:
        keys = self.keys(record)
        for key in keys:
            try:
                yield from transfers.pieces(self.objects, key, offset)
            except FileNotFoundError:
                if key == keys[-1]:
                    raise FileNotFoundError(
                        errno.ENOENT, "it is recorded, but not on the server", self.where(record)
                    ) from None
            else:
                return

    def look(self, records: Iterable[Record]) -> Iterator[Found]:
        """Ask for each file once, a few at a time, and ahead of what is taken: a web server can't list them."""
        waiting = iter(records)
        ahead: deque[tuple[Record, Future[Listed | None]]] = deque()
        threads = Threads(_LOOKED_AT, "asimov-storage look")
        try:
            while True:
                while len(ahead) < _AHEAD and (record := next(waiting, None)) is not None:
                    ahead.append((record, threads.submit(self._of, record)))
                if not ahead:
                    return
                record, answer = ahead.popleft()
                yield self._found(record, answer.result())
        finally:
            threads.shutdown()

    def _found(self, record: Record, listed: Listed | None) -> Found:
        if listed is None:
            return Found(self.where(record), None, None)
        return Found(self.objects.where(listed.key), listed.size, listed.modified)

    def _of(self, record: Record) -> Listed | None:
        """Return what the server says of a file; it is asked once for each that is there."""
        known = self._looked.get(record.uuid)
        if known is not None:
            return known
        for key in self.keys(record):
            try:
                self._looked[record.uuid] = found = self.objects.look(key)
            except FileNotFoundError:
                continue
            return found
        return None

    def tag(self, record: Record) -> str:
        listed = self._of(record)
        return "" if listed is None else listed.tag


class Folder(_Files):
    """The folder of a Store, as it is on a disk."""

    KEY = f"{HOME}/{MANIFEST}"

    def entry(self, number: int) -> bytes | None:
        try:
            found = transfers.whole(self.objects, f"{HOME}/{RECENT}/{number}")
        except (FileNotFoundError, PermissionError):  # some servers hide what isn't there
            return None
        return None if found is None else found.content

    def keys(self, record: Record) -> Sequence[str]:
        names = (record.uuid, record.file)  # the second as upstream asimov stored it
        return [f"{record.event}/{record.production}/{name}" for name in names]


class Flat(_Files):
    """All files side by side under their uuids, for archives that have no folders."""

    KEY = MANIFEST

    def entry(self, number: int) -> bytes | None:  # noqa: ARG002 - there are none
        return None

    def keys(self, record: Record) -> Sequence[str]:
        return [record.uuid]


class Zip(Layout):
    """A Store in a zip archive, at its top or in a folder."""

    def __init__(self, web: Objects, cache: Cache) -> None:
        self._web, self._cache = web, cache
        self.place = web.where("")
        self._objects = web
        self._archive: Archive | None = None
        self._prefix, self._is_flat = "", False

    def manifest(self, unless: str) -> Part | None:
        try:
            tail = self._objects.read("", -TAIL, 0, unless=unless)
        except NoRanges:
            self._objects = WholeFile(self._web, self._cache)
            tail = self._objects.read("", -TAIL, 0)
        if tail is None:
            return None
        archive = Archive(self._objects, tail)
        found = self._found(archive)
        self._archive, self.place = archive, self._web.where(found)
        content = b"".join(archive.pieces(found))
        return Part(content, len(content), tail.tag)

    def _found(self, archive: Archive) -> str:
        """Return the name of the manifest, the one nearest to the top, and note where it is."""
        for self._is_flat, end in ((False, f"{HOME}/{MANIFEST}"), (True, MANIFEST)):
            names = [name for name in archive.members if f"/{name}".endswith(f"/{end}")]
            if names:
                found = min(names, key=len)
                self._prefix = found.removesuffix(end)
                return found
        raise FileNotFoundError(errno.ENOENT, f"the archive has no {MANIFEST}", self._web.where(""))

    def entry(self, number: int) -> bytes | None:
        archive, name = self._read(), f"{self._prefix}{HOME}/{RECENT}/{number}"
        return b"".join(archive.pieces(name)) if name in archive.members else None

    def _read(self) -> Archive:
        if self._archive is None:
            self.manifest("")
        if self._archive is None:
            raise AssertionError  # it was read, or there was an error
        return self._archive

    def _name(self, record: Record) -> str:
        """Return the name of the member that a record's file is, or should be."""
        folder = "" if self._is_flat else f"{record.event}/{record.production}/"
        names = [f"{self._prefix}{folder}{name}" for name in (record.uuid, record.file)]
        members = self._read().members
        return next((name for name in names[: 1 if self._is_flat else 2] if name in members), names[0])

    def where(self, record: Record) -> str:
        return self._web.where(self._name(record))

    def pieces(self, record: Record, offset: int) -> Iterator[bytes]:
        name = self._name(record)
        if name not in self._read().members:
            raise FileNotFoundError(errno.ENOENT, "it is recorded, but not in the archive", self._web.where(name))
        return self._read().pieces(name, offset)

    def look(self, records: Iterable[Record]) -> Iterator[Found]:
        for record in records:
            name = self._name(record)
            member = self._read().members.get(name)
            size, modified = (None, None) if member is None else (member.size, member.modified)
            yield Found(self._web.where(name), size, modified)

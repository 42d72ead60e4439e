"""Reading a Store's state: its manifest and the recent entries, by the rules of `_commit`."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from . import _entries, _files, _seal, _yaml
from ._contents import Contents
from ._errors import ManifestLostError, NotAStoreError
from ._files import Folder, Stamp
from ._names import Key
from ._records import Record

HOME = ".manifest"
MANIFEST = "manifest.yaml"
BACKUP = "manifest.yaml.bak"
FOLDED = "manifest.yaml.new"
"""The entries that `MANIFEST` holds and `BACKUP` does not: with these two it is rebuilt. Then its seal (`_seal`)."""
RECENT, TEMPORARY, INCOMING = "recent", "tmp", "incoming"
_LOOKED_UP_SINGLY = 8


class State(NamedTuple):
    """One reading of a Store.

    Attributes
    ----------
    contents : Contents
        Every record.
    highest : int
        The highest number of an entry, 0 if there is none.
    whole : frozenset of int
        The numbers of the entries that `contents` includes.
    filled : frozenset of int
        Those of them that hold records.
    stamp : Stamp
        Of the manifest.
    """

    contents: Contents
    highest: int
    whole: frozenset[int]
    filled: frozenset[int]
    stamp: Stamp


class StateReader:
    """Reads the state of the Store at `root`, and keeps what has not changed. Usable from threads and after a fork."""

    def __init__(self, root: Path) -> None:
        self.root, self.path = root, root / HOME / MANIFEST
        self._descriptor, self._stamp, self._folded = -1, Stamp(0, 0, 0, 0, 0), Contents(name="")
        self._merged: tuple[Contents, tuple[str, ...], Contents] | None = None
        self._reading = threading.RLock()

    def __del__(self) -> None:
        old, self._descriptor = getattr(self, "_descriptor", -1), -1
        if old >= 0:
            os.close(old)

    def renew_lock(self) -> None:
        """Forget a lock that another thread may have held at a fork."""
        self._reading = threading.RLock()

    @contextlib.contextmanager
    def home(self) -> Iterator[Folder]:
        """Open ``.manifest``.

        Raises
        ------
        NotAStoreError
            There is none.
        """
        try:
            root = Folder.open(self.root)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotAStoreError(_no_store(self.root)) from error
        with root:
            try:
                home = root.folder(HOME)
            except (FileNotFoundError, NotADirectoryError) as error:
                raise NotAStoreError(_no_store(self.root)) from error
        with home:
            yield home

    def read(self, home: Folder) -> State:
        """Read the state: the entries first, then the manifest."""
        with self._reading:
            entries = self._read_entries(home)
            contents = self._read_manifest(home)
            whole = {number: records for number, records in entries.items() if records is not None}
            return State(
                contents=self._merge(contents, [record for records in whole.values() for record in records]),
                highest=max(entries, default=0),
                whole=frozenset(whole),
                filled=frozenset(number for number, records in whole.items() if records),
                stamp=self._stamp,
            )

    def keep(self, descriptor: int, stamp: Stamp, contents: Contents) -> None:
        """Keep what the manifest says, and the file open: while it is, no other file can get its inode number."""
        with self._reading:
            old, self._descriptor = self._descriptor, descriptor  # never known here once it may be another's
            self._stamp, self._folded = stamp, contents
            if old >= 0:
                os.close(old)

    @property
    def kept(self) -> Stamp:
        """The stamp of the manifest whose contents are kept."""
        return self._stamp

    def stamp(self, home: Folder) -> Stamp:
        """Take the stamp of the manifest that is there now, by opening it: NFS caches what stat says."""
        with _files.opened(home, MANIFEST) as descriptor:
            return Stamp.of(descriptor)

    def _read_entries(self, home: Folder) -> dict[int, list[Record] | None]:
        """Read the entries by their numbers, in order; None for those that are not whole."""
        try:
            recent = home.folder(RECENT)
        except FileNotFoundError:
            return {}
        with recent:
            numbers = sorted(int(name) for name in recent.names() if name.isdecimal())
            return {number: _read_entry(recent, str(number)) for number in numbers}

    def _read_manifest(self, home: Folder) -> Contents:
        try:
            unchanged = self.stamp(home) == self._stamp
        except FileNotFoundError as error:
            if home.status(BACKUP) or self._read_entries(home):
                raise ManifestLostError("it is gone, though there was one", self.path) from error
            raise NotAStoreError(_no_store(self.root)) from error
        if not unchanged:
            descriptor, stamp, text = _files.read_steadily(home, MANIFEST)
            try:
                sealed = _seal.read(text, home, FOLDED, self.path)
                contents = _yaml.parse(text, self.path) if sealed is None else sealed
            except BaseException:
                os.close(descriptor)
                raise
            self.keep(descriptor, stamp, contents)
        return self._folded

    def _merge(self, contents: Contents, records: list[Record]) -> Contents:
        uuids = tuple(record.uuid for record in records)
        if self._merged is None or self._merged[0] is not contents or self._merged[1] != uuids:
            self._merged = (contents, uuids, contents.with_records(_unknown(records, contents)))
        return self._merged[2]


def warn(text: str, *arguments: object) -> None:
    """Log a warning of what needs no other answer."""
    import logging  # takes milliseconds, and there is hardly ever anything to log

    logging.getLogger(__package__).warning(text, *arguments)


def _read_entry(recent: Folder, name: str) -> list[Record] | None:
    try:
        descriptor, _, text = _files.read_steadily(recent, name)
    except FileNotFoundError:
        return []  # it has been folded meanwhile
    os.close(descriptor)
    records = _entries.read(text)
    if records is None:
        warn("%s is not whole, as a power cut may leave it, and records nothing", recent.path / name)
    return records


def _unknown(records: list[Record], contents: Contents) -> list[Record]:
    """Keep the records that `contents` does not hold, by name or (somebody has renamed them by hand) by uuid."""
    if not records:
        return []
    new: dict[Key, Record] = {}
    for record in records:
        if contents.find(record.key) is None:
            new.setdefault(record.key, record)
    known = set(contents.uuids) if len(new) > _LOOKED_UP_SINGLY else contents.uuids
    return [record for record in new.values() if record.uuid not in known]


def _no_store(root: Path) -> str:
    return f"There is no Store at {root}: it has no {HOME}/{MANIFEST}. Make one with Store.create() or `locutus init`."

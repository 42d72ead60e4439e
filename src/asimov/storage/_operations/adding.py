"""Adding files: the change that a commit carries out, with what is decided about names and duplicates."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
from collections.abc import Sequence
from pathlib import Path

from asimov.storage._backends.local.incoming import Incoming
from asimov.storage._bytes import digests
from asimov.storage._bytes.digests import Digest
from asimov.storage._bytes.progress import Meter
from asimov.storage._disk.files import other_file_system
from asimov.storage._disk.folder import Folder, Stamp
from asimov.storage._disk.temporary import Temporary
from asimov.storage._format.further import of_values
from asimov.storage._model.errors import AlreadyPresentException, HashError, RecordExistsError
from asimov.storage._model.names import Key
from asimov.storage._model.record import Duplicate, Record, as_dict
from asimov.storage._model.snapshot import Contents

from .fetching import open_verified

_LOOKED_UP_SINGLY = 32
_TRIES = 8
_SAME = (
    "Nothing is left to do, if that file is sound: duplicate='skip' (in a shell, --duplicate skip) looks at it, and "
    "mends it if it isn't."
)
_OTHERS = (
    "Nothing was stored; duplicate='link' records them under the new name too (in a shell, --duplicate link does)."
)
_PLACED_BETWEEN_SIGNS = 100
"""How many files are placed before the next sign of life."""


def _new_uuid() -> str:
    from uuid import uuid4  # takes milliseconds, which who only reads needn't pay

    return uuid4().hex


class Item:
    """One file to add.

    Parameters
    ----------
    key : (event, production, file)
        What it is to be called.
    data : Incoming
        Its bytes, sealed.
    """

    def __init__(self, key: Key, data: Incoming) -> None:
        self.key, self.data, self.digest = key, data, data.digest
        self.uuid = _new_uuid()
        self.shared: Record | None = None
        """The record whose bytes this one shares, if it does."""
        self.present: Record | None = None
        """The record that has this very name and these bytes already, if there is one."""
        self.placed = False

    def record(self) -> Record:
        """Make the record that is to be added."""
        further: dict[str, object] = {}
        if self.digest.sha256 is not None:
            further = {"sha256": self.digest.sha256, "size": self.digest.size}
        return Record.of(self.key, self.digest.md5, self.uuid, of_values(further))

    def result(self, record: Record) -> dict[str, str]:
        """Make what `Store.add_file` returns."""
        return as_dict(record)


def require_expected(key: Key, data: Incoming, expected: str | None, source: Path) -> None:
    """Raise the HashError that fits if what came in hasn't the MD5 `expected`, in any case."""
    if expected is None or str(expected).lower() == data.digest.md5:
        return
    msg = (
        f"{source}: its MD5 is {data.digest.md5}, and {expected!a} was expected for {' / '.join(map(ascii, key))}. "
        "It is another file, or was damaged on its way; nothing was stored."
    )
    raise HashError(msg, path=source, expected=str(expected), actual=data.digest.md5)


class Overtaken(Exception):
    """Another writer has recorded one of the names, with the same bytes, since `Addition.prepare`."""


class Addition:
    """The change (see `commit.Change`) that adds `items`, all or none."""

    def __init__(self, items: Sequence[Item], duplicate: Duplicate, root: Path) -> None:
        self.items, self.duplicate, self.root = items, duplicate, root
        self.results: list[dict[str, str]] = []
        self.sound: dict[str, Stamp] = {}
        """What files were when they were verified, by their records' uuids. While they are, one may link to them."""
        self.mended: set[str] = set()
        """Uuids of records whose files were looked at, and mended if need be: they are what they should be."""
        self.made: list[tuple[str, str | None]] = []

    # Deciding.

    def resolve(self, contents: Contents) -> Sequence[Record]:
        """Decide about each item; the results are in `results`.

        Raises
        ------
        Overtaken
            The file of a record that is there already hasn't been looked at: `prepare` again.
        """
        records = self._decide(contents)
        if any(item.present is not None and item.present.uuid not in self.mended for item in self.items):
            raise Overtaken
        return records

    def _decide(self, contents: Contents) -> list[Record]:
        hashes = _Hashes(contents, len(self.items))
        new: dict[Key, Record] = {}
        self.results = []
        for item in self.items:
            present = self._present(item, contents, hashes, new)
            again = present is not None and present.key == item.key
            item.present = present if item.key not in new and again else None
            item.shared = None if again else present
            if present is None or not again:
                present = new[item.key] = item.record()
                hashes.add(present)
            self.results.append(item.result(present))
        self._keep_placed({record.uuid for record in new.values()})
        return list(new.values())

    def _present(self, item: Item, contents: Contents, hashes: _Hashes, new: dict[Key, Record]) -> Record | None:
        """Find the record that has these bytes already; raise if that, or one of this name, is in the way."""
        named = contents.get(item.key) or new.get(item.key)
        if named is not None and not _has_bytes(named, item.digest):
            by_md5 = (f"MD5 {named.hash}", item.digest.md5)
            recorded, found = (
                by_md5 if named.hash != item.digest.md5 else (f"SHA-256 {named.sha256}", item.digest.sha256)
            )
            msg = (
                f"{_at(item.key)} is recorded already with other bytes ({recorded}, not {found}), and "
                "a Store never changes a file. Store it under another name, or as a new production."
            )
            raise RecordExistsError(msg)
        same = named
        if same is None and item.digest.md5 != digests.EMPTY_MD5:
            same = hashes.find(item.digest)
        if same is not None and self.duplicate == "raise":
            msg = f"These bytes (MD5 {same.hash}) are recorded already, as {_at(same.key)}. " + (
                _SAME if same.key == item.key else _OTHERS
            )
            raise AlreadyPresentException(msg, same)
        return same

    def _keep_placed(self, wanted: set[str]) -> None:
        for item in self.items:
            if item.placed and item.uuid not in wanted:
                with contextlib.suppress(OSError), Folder.open(self.root) as root:
                    self._remove(root, item)

    def prepare(self, contents: Contents, meter: Meter | None = None) -> None:
        """Look, before the commit, at the recorded files that this rests on, and mend them: it may take long.

        Raises
        ------
        RecordExistsError, AlreadyPresentException
            As from `resolve`, before anything is done.
        OSError
            A file can't be read, or can't be mended.
        """
        own = {record.uuid for record in self._decide(contents)}
        self._mend(contents, meter)
        for item in self.items:
            if item.shared is not None and item.shared.uuid not in own:
                self._find_sound(item.shared, meter)

    def _mend(self, contents: Contents, meter: Meter | None) -> None:
        from asimov.storage._backends.local import mending

        present = {item.present.uuid: (item.present, item.data) for item in self.items if item.present is not None}
        with Folder.open(self.root) as root:
            for record, data in present.values():
                is_another = len(record.file) == len(record.uuid) and record.file in contents.uuids
                mending.Mending(root, record, data, by_name=not is_another, meter=meter).mend()
            mending.sync(root, dict.fromkeys(record.key[:2] for record, _ in present.values()))
        self.mended |= set(present)

    def _find_sound(self, record: Record, meter: Meter | None) -> None:
        from asimov.storage._backends.local.mending import Watching

        if record.uuid not in self.sound:
            with contextlib.suppress(OSError, HashError):
                descriptor, _ = open_verified(self.root, record, Watching(meter))
                try:
                    self.sound[record.uuid] = Stamp.of(descriptor)
                finally:
                    os.close(descriptor)

    # Placing.

    def place(self, root: Folder, contents: Contents, alive: Temporary) -> None:
        """Link every item's data to its place and make that durable."""
        placed = {result["uuid"] for result in self.results}
        wanted = sorted((i for i in self.items if i.uuid in placed and not i.placed), key=lambda item: item.key)
        new: dict[str, None] = {}
        for group, members in itertools.groupby(wanted, key=lambda item: item.key[:2]):
            if not self._place_group(root, group, list(members), contents, alive):
                new[group[0]] = None
        for event in new:
            with root.folder(event) as above:
                above.sync()
        if new:
            root.sync()

    def _place_group(
        self, root: Folder, group: tuple[str, str], items: list[Item], contents: Contents, alive: Temporary
    ) -> bool:
        """Place the items of one production; give whether its folder is known to be durable."""
        for attempt in range(_TRIES):
            try:
                with self._production(root, *group) as folder:
                    for number, item in enumerate(items):
                        if number % _PLACED_BETWEEN_SIGNS == 0:
                            alive.touch()
                        self._place_item(root, folder, item)
                    folder.sync()
                    return _holds_a_recorded_file(folder, contents, group)
            except FileNotFoundError:  # another writer took back a folder that it had made
                if attempt == _TRIES - 1:
                    raise
        raise AssertionError  # the last attempt returned or raised

    def _place_item(self, root: Folder, folder: Folder, item: Item) -> None:
        item.placed = True  # before it is, so that whatever interrupts this is taken back
        try:
            if not self._link_shared(root, folder, item):
                item.data.place(folder, item.uuid)
        except FileExistsError:  # somebody else's
            item.placed = False
            raise
        except OSError as error:
            if error.errno == errno.EXDEV:
                raise other_file_system(folder, self.root) from error
            raise

    def _production(self, root: Folder, event: str, production: str) -> Folder:
        """Open a production's folder, making it and its event's if need be."""
        with contextlib.suppress(FileNotFoundError), root.folder_to_fill(event) as above:
            return above.folder_to_fill(production)
        self._make(root, event, (event, None))
        with root.folder(event) as above:
            self._make(above, production, (event, production))
            return above.folder(production)

    def _make(self, above: Folder, name: str, what: tuple[str, str | None]) -> None:
        self.made.append(what)  # before it is
        if not above.make_folder(name):
            self.made.pop()

    def _link_shared(self, root: Folder, folder: Folder, item: Item) -> bool:
        """Share the bytes of a sound file by a hard link, if that can be done."""
        if item.shared is None:
            return False
        twin = next((other for other in self.items if other.uuid == item.shared.uuid and other.placed), None)
        if item.shared.uuid not in self.sound and twin is None:
            return False
        shared = item.shared
        with contextlib.suppress(OSError), root.folder(shared.event) as event, event.folder(shared.production) as there:
            name = shared.uuid if there.status(shared.uuid) is not None else shared.file
            found = there.status(name)
            if found is not None and not found.st_mode & 0o222:  # else who edits one would edit both
                there.link(name, folder, item.uuid)
                if shared.uuid not in self.sound or self.sound[shared.uuid].fits(folder.status(item.uuid)):
                    return True
                folder.remove(item.uuid)  # somebody has written to it meanwhile
        return False

    # Taking back.

    def withdraw(self, root: Folder) -> None:
        """Take back all that was placed, and the folders that were made for it."""
        for item in self.items:
            if item.placed:
                self._remove(root, item)
        for event, production in reversed(self.made):
            if production is None:
                root.remove_folder(event)
            else:
                with contextlib.suppress(OSError), root.folder(event) as above:
                    above.remove_folder(production)
        self.made = []

    def _remove(self, root: Folder, item: Item) -> None:
        event, production, _ = item.key
        with contextlib.suppress(OSError), root.folder(event) as above, above.folder(production) as folder:
            item.data.take_back(folder, item.uuid)
        item.placed = False

    def renew(self) -> None:
        """Give every item another uuid."""
        for item in self.items:
            item.uuid, item.placed = _new_uuid(), False


class _Hashes:
    """Finds records by what their bytes digest to: a few by looking through them, many by a dict."""

    def __init__(self, contents: Contents, many: int) -> None:
        self._contents, self._new = contents, dict[tuple[str, str | None], Record]()
        self._known: dict[str, int] | None = None
        if many > _LOOKED_UP_SINGLY:
            self._known = dict(zip(reversed(contents.hashes), range(len(contents) - 1, -1, -1), strict=True))

    def find(self, digest: Digest) -> Record | None:
        """Find a record of those bytes, among the present and the added ones."""
        record = self._recorded(digest.md5)
        if record is None:
            return self._new.get((digest.md5, digest.sha256))
        return record if _has_bytes(record, digest) else self._find_forged(digest)

    def _recorded(self, md5: str) -> Record | None:
        if self._known is None:
            return self._contents.by_hash(md5)
        index = self._known.get(md5)
        return None if index is None else self._contents.record(index)

    def _find_forged(self, digest: Digest) -> Record | None:
        """Find it where records of other bytes have the same MD5, which only forgery brings about."""
        same = (i for i, md5 in enumerate(self._contents.hashes) if md5 == digest.md5)
        records = [self._contents.record(i) for i in same]
        found = next((record for record in records if _has_bytes(record, digest)), None)
        return found or self._new.get((digest.md5, digest.sha256))

    def add(self, record: Record) -> None:
        """Take a record in."""
        self._new.setdefault((record.hash, record.sha256), record)


def _has_bytes(record: Record, digest: Digest) -> bool:
    """Whether a record is of bytes with that digest: by SHA-256 too, where both have it."""
    known = record.sha256 is not None and digest.sha256 is not None
    return record.hash == digest.md5 and (not known or record.sha256 == digest.sha256)


def _holds_a_recorded_file(folder: Folder, contents: Contents, group: tuple[str, str]) -> bool:
    """Whether the file of a record is there: who committed that had made the folders durable before."""
    first = contents.first(*group)
    return first is not None and any(folder.status(name) is not None for name in (first.uuid, first.file))


def _at(key: Key) -> str:
    return " / ".join(map(ascii, key))

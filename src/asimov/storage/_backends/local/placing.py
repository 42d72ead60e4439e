"""Placing: the files of a commit get their names in the Store, durably; if the commit fails, these are removed."""

from __future__ import annotations

import contextlib
import errno
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from asimov.storage._backends.base import Change, Item
from asimov.storage._disk.files import other_file_system
from asimov.storage._disk.folder import Folder, Stamp
from asimov.storage._disk.temporary import Temporary
from asimov.storage._format.retractions import Line
from asimov.storage._model.snapshot import Contents

from .incoming import Incoming
from .stored import find_in, names_of

_TRIES = 8
_BETWEEN_SIGNS = 100
"""A writer shows that it is alive once for this many files that it places."""


class Placing:
    """A change, and the files that its commit has placed.

    `resolve`, `place` and `withdraw` are called in this order, and from the start again if another commit comes first.
    """

    def __init__(self, change: Change, root: Path) -> None:
        self.change, self.root = change, root
        self.wanted: set[str] = set()
        """Uuids of the records to add."""
        self.placed: set[str] = set()
        """Uuids of the files that were placed, or were about to be."""
        self.made: list[tuple[str, str | None]] = []
        """The folders that were made: each is an event, or an event and a production in it."""

    def resolve(self, contents: Contents) -> Sequence[Line]:
        """Return what the change adds; remove files that were placed for other records."""
        records = self.change.resolve(contents)
        self.wanted = {record.uuid for record in records}
        unwanted = self.placed - self.wanted
        for item in self.change.items if unwanted else ():
            if item.uuid in unwanted:
                with contextlib.suppress(OSError), Folder.open(self.root) as root:
                    self._remove(root, item)
        return records

    def renew(self) -> None:
        """Start over with new uuids."""
        self.change.renew()
        self.placed = set()

    def place(self, root: Folder, contents: Contents, alive: Temporary) -> None:
        """Link the data of every item to its place, durably; touch the file `alive` now and then."""
        missing = self.wanted - self.placed
        wanted = sorted((item for item in self.change.items if item.uuid in missing), key=lambda item: item.key)
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
        """Place the items of one production; return whether its folder is known to be durable."""
        for attempt in range(_TRIES):
            try:
                with self._production(root, *group) as folder:
                    for number, item in enumerate(items):
                        if number % _BETWEEN_SIGNS == 0:
                            alive.touch()
                        self._place_item(root, folder, item)
                    folder.sync()
                    return _holds_a_recorded_file(folder, contents, group)
            except FileNotFoundError:  # another writer removed a folder that it had made
                if attempt == _TRIES - 1:
                    raise
        raise AssertionError  # the last attempt returned or raised

    def _place_item(self, root: Folder, folder: Folder, item: Item) -> None:
        self.placed.add(item.uuid)  # before the link, so that it is removed whatever interrupts this
        try:
            if not self._link_shared(root, folder, item):
                _incoming(item).place(folder, item.uuid)
        except FileExistsError:  # another writer's file
            self.placed.discard(item.uuid)
            raise
        except OSError as error:
            if error.errno == errno.EXDEV:
                raise other_file_system(folder, self.root) from error
            raise

    def _production(self, root: Folder, event: str, production: str) -> Folder:
        """Open a production's folder; make it and its event's folder if necessary."""
        with contextlib.suppress(FileNotFoundError), root.folder_to_fill(event) as above:
            return above.folder_to_fill(production)
        self._make(root, event, (event, None))
        with root.folder(event) as above:
            self._make(above, production, (event, production))
            return above.folder(production)

    def _make(self, above: Folder, name: str, what: tuple[str, str | None]) -> None:
        self.made.append(what)  # before it is made, so that it is removed whatever interrupts this
        if not above.make_folder(name):
            self.made.pop()

    def _link_shared(self, root: Folder, folder: Folder, item: Item) -> bool:
        """Share the bytes of a sound file by a hard link; return whether that was possible."""
        shared = item.shared
        if shared is None or not (shared.uuid in self.change.sound or shared.uuid in self.placed):
            return False
        stamp = cast("Stamp | None", self.change.sound.get(shared.uuid))
        with contextlib.suppress(OSError), root.folder(shared.event) as event, event.folder(shared.production) as there:
            found = find_in(there, names_of(shared))
            if found is not None and not found[1].st_mode & 0o222:  # else an edit of one would change both
                there.link(found[0], folder, item.uuid)
                if stamp is None or stamp.fits(folder.status(item.uuid)):
                    return True
                folder.remove(item.uuid)  # it was written to meanwhile
        return False

    # Taking back.

    def withdraw(self, root: Folder) -> None:
        """Remove all files that were placed, and the folders that were made for them."""
        for item in self.change.items:
            if item.uuid in self.placed:
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
            _incoming(item).take_back(folder, item.uuid)
        self.placed.discard(item.uuid)


def _incoming(item: Item) -> Incoming:
    """Return an item's data, which `LocalBackend` has received."""
    return cast("Incoming", item.data)


def _holds_a_recorded_file(folder: Folder, contents: Contents, group: tuple[str, str]) -> bool:
    """Return whether the folder holds a recorded file: the writer of that record made the folder durable before."""
    first = contents.first(*group)
    return first is not None and find_in(folder, names_of(first)) is not None

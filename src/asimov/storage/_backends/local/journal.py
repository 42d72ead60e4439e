"""The journal of a Store on a disk: its records are read, added and folded. The protocol is in `commit`."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from asimov.storage._disk import locks, temporary
from asimov.storage._disk.folder import Folder
from asimov.storage._disk.temporary import Temporary
from asimov.storage._format.layout import INCOMING, RECENT
from asimov.storage._model.errors import NotAStoreError
from asimov.storage._model.snapshot import Contents

from .deferred import Deferred
from .recent import warn
from .state import StateReader, require_understood

if TYPE_CHECKING:
    from .placing import Placing

LOCK_PATIENCE = 10.0
"""How many seconds a writer waits for the lock before it goes on without it."""


class Journal:
    """The journal of the records of the Store at `root`. It works in threads and after a fork."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._reader = StateReader(root)
        self.writing = threading.RLock()
        """The lock of the thread that changes something."""
        self._patience = LOCK_PATIENCE
        self._has_links = False
        self._deferred = Deferred(self._fold_deferred)
        _journals.add(self)

    def contents(self) -> Contents:
        """Read the current state; what has not changed is not read again."""
        with self._reader.home() as home:
            return self._reader.read(home).contents

    def unknown(self) -> str:
        """Return what the Store holds that this version doesn't understand, in words; empty if there is nothing."""
        with self._reader.home() as home:
            return self._reader.read(home).unknown

    @contextlib.contextmanager
    def incoming(self) -> Iterator[Folder]:
        """Open the folder of incoming data; make it if necessary."""
        with self._home_to_write() as home, home.folder_made(INCOMING) as incoming:
            yield incoming

    def commit(self, placing: Placing) -> None:
        """Add the records that `placing` resolves to, and return once they would survive a power cut.

        Raises
        ------
        FileSystemError
            The file system lacks what a commit needs.
        Exception
            What `placing` raises to refuse, or an OSError; the Store is then as it was before.
        """
        from .commit import LOOKS, Commit, Fenced  # loaded only to write, like those below

        with self._home_to_write() as home, self._alone(home):
            for attempt in itertools.count(1):
                try:
                    Commit(self._reader, self._deferred, home, placing).run()
                except Fenced:
                    placing.renew()
                except OSError as error:  # fenced too, though NFS still shows its cached state of our file
                    if error.errno != errno.ESTALE or attempt == LOOKS:
                        raise
                    placing.renew()
                else:
                    return

    def fold(self) -> None:
        """Write into the manifest the records that were committed and are not there yet."""
        from .fold import Fold

        with self._reader.home() as home:
            if self._is_folded(home):
                return
            with (
                self._alone(home),
                home.folder_made(RECENT) as recent,
                Temporary(recent, temporary.owner_name()) as file,  # before any state is read
            ):
                state = self._reader.read(home, to_write=True)
                require_understood(self.root, state.unknown)
                if state.folded < state.highest:
                    Fold(self._reader, home, recent, file).run(state)

    def renew_locks(self) -> None:
        """Forget locks that other threads may have held at a fork."""
        self._reader.renew_lock()
        self._deferred.renew_lock()
        self.writing = threading.RLock()

    def _fold_deferred(self, number: int) -> int | None:
        """Fold the entries up to `number`, unless another did; return the last folded number; None if that failed."""
        try:
            with self._reader.home() as home:
                state = self._reader.read(home)
            if state.folded >= number:
                return state.folded
            self.fold()
        except NotAStoreError:  # the Store has been removed
            return None
        except Exception as error:  # noqa: BLE001 - whatever fails here, the add has succeeded
            warn("%s: its last records were not put into the manifest yet: %r", self.root, error)
            return None
        return state.highest

    def _is_folded(self, home: Folder) -> bool:
        state = self._reader.read(home)
        return state.folded >= state.highest

    @contextlib.contextmanager
    def _home_to_write(self) -> Iterator[Folder]:
        with self._reader.home() as home:
            if self._reader.unknown:  # else an hour of copying might be in vain
                require_understood(self.root, self._reader.read(home).unknown)
            if not self._has_links:
                from . import probe

                probe.require_links(home, "Nothing was stored.")
                self._has_links = True
            yield home

    @contextlib.contextmanager
    def _alone(self, home: Folder) -> Iterator[None]:
        """Keep out other threads of this process, and other processes as far as locks work."""
        with self.writing, locks.locked(home, "lock", self._patience) as alone:
            self._patience = LOCK_PATIENCE if alone else 0.1  # a process that holds it that long may hold it for ever
            yield


_journals: weakref.WeakSet[Journal] = weakref.WeakSet()


def _after_fork() -> None:
    for journal in _journals:
        journal.renew_locks()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

"""The commit protocol: how records get into a Store, and why none is lost.

Locks are no-ops on many cluster file systems, clocks differ, and a process may be stopped at any instruction and go on
days later. So the protocol rests on what every POSIX file system and NFS do atomically: ``link`` makes a name unless
it exists, ``rename`` replaces a name, and both fail once their source has been unlinked.

The files, all under ``.manifest/``:

``manifest.yaml``
    All records but the most recent ones. Replaced, never edited.
``recent/NUMBER``
    An *entry*: the records of one commit and an end mark (`_entries`), or nothing once they are in ``manifest.yaml``.
``tmp/HOST-PID-RANDOM``
    The temporary file of a commit or of a fold, there for as long as its owner may still use what it has read.
``incoming/``
    Data that is being copied in.
``lock``
    Saves work by making writers take turns. Nothing depends on it; it is waited for 10 s at the most.

*State* is the records of ``manifest.yaml`` and of all entries. To read it, read ``recent/`` first and then
``manifest.yaml``: an entry that is gone by the time one looks was in ``manifest.yaml`` before it went. Readers take
no lock and write nothing.

To add records:

a. Copy and digest the data into ``incoming/``, take the write permission away, ``fsync``. This may take hours, and
   nothing else waits for it.
b. Make two files in ``tmp/``, for the entry and for the fold, BEFORE reading any state. As long as they are there,
   nobody removes an entry that we might not have read.
c. Read the state. Check names and contents. ``link`` the data to ``EVENT/PRODUCTION/UUID``, never over anything, and
   ``fsync`` those folders. Write the records and the end mark to the entry's temporary file, and close a descriptor of
   it: that sends them to an NFS server, whose other clients may read the entry as soon as it has its name.
d. ``link`` that to ``recent/N``, N being one more than the highest number read. THIS IS THE COMMIT. ``EEXIST``: another
   committed first; read the state again, check again, take the next number. ``ENOENT``: we were fenced (see f); take
   back what was placed and start over under new uuids. After any error, look before taking back: NFS repeats a request
   whose answer was lost, and then reports an error for what it has done.
e. Fold: write all records that we know of to the fold's temporary file, ``fsync``, keep the old manifest as
   ``manifest.yaml.bak``, ``rename`` onto ``manifest.yaml``, ``fsync`` the folder. A fold by a writer whose reading is
   old may replace a newer manifest; nothing is lost, for the entries are still there while its file is in ``tmp/`` (f).
f. Clean: list ``tmp/``. Unlink other writers' files that are older than 60 s, or whose process is known to be gone:
   that is the *fence*, after which a stopped owner's ``link`` or ``rename`` fails and it starts over. A misjudged age
   thus costs a retry, never data. If another's file remains, leave the entries: its owner may be about to replace the
   manifest by an older one. Otherwise, if ``manifest.yaml`` is still the very file that we renamed, remove the entries
   that it holds; the highest is emptied instead, for it carries the number. (Files called ``.nfs...`` don't count: they
   are removed already, and only open.) Before that, what they say is written into ``manifest.yaml.new``, over what it
   held, or behind that if the back-up is still an older one: with the back-up it makes a lost manifest whole again
   (`_repair`). Who is stopped while he writes it has left the entries themselves. The new manifest's seal (`_seal`)
   goes there too.
g. If the entries could not be cleaned, ``fsync`` the entry and ``recent/`` before the add is acknowledged: they, not
   the manifest, are then what a power cut must leave behind.

If folding fails (a full disk), the add has happened all the same, and the next writer folds it.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from . import _canonical, _entries, _files, _locks, _seal, _temporary
from ._contents import Contents
from ._files import Folder, Stamp
from ._records import Record
from ._state import BACKUP, FOLDED, INCOMING, MANIFEST, RECENT, TEMPORARY, State, StateReader, warn
from ._temporary import Temporary

LOCK_PATIENCE = 10.0
"""Seconds that a writer waits for the lock before it goes on without."""
FENCE_AGE = 60.0
"""Seconds after which another writer's temporary file is taken for abandoned."""
INCOMING_AGE = 86_400.0
"""Seconds after which data that is being copied in is taken for abandoned."""
_PILE, _PILE_PATIENCE = 128, 0.5
_TRIES = 16


class Change(Protocol):
    """What a commit is to record. The methods are called in this order, again from the top when another was first."""

    def resolve(self, contents: Contents) -> Sequence[Record]:
        """Check against the state and give the records to add; raise to refuse. With none, nothing happens."""

    def place(self, root: Folder, contents: Contents, alive: Temporary) -> None:
        """Put the data of those records where it belongs, durably; `alive.touch()` now and then if it takes long."""

    def withdraw(self, root: Folder) -> None:
        """Take back all that was placed."""

    def renew(self) -> None:
        """Forget the uuids that were given out: the commit starts over."""


class _Fenced(Exception):
    """Another writer took this one for dead."""


class Journal:
    """The records of the Store at `root`: read them, add to them. Usable from threads and after a fork."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._reader = StateReader(root)
        self.writing = threading.RLock()
        """Held by the thread that changes something."""
        self._patience = LOCK_PATIENCE
        _journals.add(self)

    def contents(self) -> Contents:
        """Read the present state; what has not changed is not read again."""
        with self._home() as home:
            return self._reader.read(home).contents

    @contextlib.contextmanager
    def incoming(self) -> Iterator[Folder]:
        """Open the folder that data is copied into, making it if need be."""
        with self._home() as home, home.folder_made(INCOMING) as incoming:
            yield incoming

    def commit(self, change: Change) -> None:
        """Add what `change` gives, and return once that would survive a power cut.

        Raises
        ------
        Exception
            What `change` raises to refuse, or an OSError; the Store is then as it was before.
        """
        with (
            self._home() as home,
            Folder.open(self.root) as root,
            self.writing,
            _locks.locked(home, "lock", self._patience) as alone,
        ):
            self._patience = LOCK_PATIENCE if alone else 0.1  # who holds it so long may hold it for ever
            while True:
                try:
                    return _Commit(self._reader, home, root, change).run()
                except _Fenced:
                    change.renew()

    def renew_locks(self) -> None:
        """Forget locks that other threads may have held at a fork."""
        self._reader.renew_lock()
        self.writing = threading.RLock()

    def _home(self) -> contextlib.AbstractContextManager[Folder]:
        return self._reader.home()


_journals: weakref.WeakSet[Journal] = weakref.WeakSet()


def _after_fork() -> None:
    for journal in _journals:
        journal.renew_locks()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class _Commit:
    """One attempt, from b to g."""

    def __init__(self, reader: StateReader, home: Folder, root: Folder, change: Change) -> None:
        self.reader, self.home, self.root, self.change = reader, home, root, change
        self.number = 0
        """The number under which the entry was to be linked, once that was tried."""
        self.text = b""
        """The entry's."""
        self.seal = b""
        """Of the manifest that was written."""
        self.backed_up = False
        """Whether the manifest that was replaced is the back-up now."""

    def run(self) -> None:
        with (
            self.home.folder_made(TEMPORARY) as self.tmp,
            self.home.folder_made(RECENT) as self.recent,
            Temporary(self.tmp, _temporary.owner_name()) as self.entry,
            Temporary(self.tmp, _temporary.owner_name()) as fold,  # both before any state is read
        ):
            committed = self.publish()
            if committed is not None:
                state, records = committed
                self.settle(state, records, fold)

    # c, d: check, place, commit.

    def publish(self) -> tuple[State, Sequence[Record]] | None:
        state = self.reader.read(self.home)
        records: Sequence[Record] = ()
        try:
            while True:
                records = self.change.resolve(state.contents)
                if not records:
                    self.change.withdraw(self.root)
                    self.sync_others(state)
                    return None
                self.change.place(self.root, state.contents, self.entry)
                self.write_entry(records)
                if self.link_entry(state.highest + 1):
                    return state, records
                state = self.reader.read(self.home)
        except BaseException as error:
            if not self.happened(records):
                self.change.withdraw(self.root)
            elif isinstance(error, (OSError, _Fenced)):
                return state, records  # the link was made, though its answer was an error
            raise

    def sync_others(self, state: State) -> None:
        """Make durable what others have committed and not folded: who is told that a file is there may rely on it."""
        for number in state.filled:
            with contextlib.suppress(FileNotFoundError), _files.opened(self.recent, str(number)) as entry:
                os.fsync(entry)
        if state.filled:
            self.recent.sync()

    def write_entry(self, records: Sequence[Record]) -> None:
        self.text = _entries.write(records)
        self.entry.write(self.text)
        _files.hand_over(self.entry.descriptor)
        self.now = self.entry.modified

    def link_entry(self, number: int) -> bool:
        """Commit; False if another commit has that number."""
        if number == 1:
            self.home.sync()  # recent/ may be new
        self.number = number
        try:
            self.tmp.link(self.entry.name, self.recent, str(number))
        except FileExistsError:
            return False
        except FileNotFoundError:
            if self.entry.present:
                raise
            raise _Fenced from None
        return True

    def happened(self, records: Sequence[Record]) -> bool:
        """Whether the commit was made, after an error that may hide it; others may have folded it meanwhile."""
        if not self.number:
            return False
        there = self.recent.status(str(self.number))
        if there is not None and os.path.samestat(there, os.fstat(self.entry.descriptor)):
            return True
        return self.reader.read(self.home).contents.find_uuid(records[0].uuid) is not None

    # e, f, g: fold, clean, or make the entry durable.

    def settle(self, state: State, records: Sequence[Record], fold: Temporary) -> None:
        try:
            self.entry.remove()
            stamp = self.fold(state, records, fold)
            if stamp is not None and self.clean(stamp, state):
                return
        except Exception as error:  # noqa: BLE001 - whatever it is, the add has happened
            warn("%s: %r. The records are safe in %s", self.home.path / MANIFEST, error, self.recent.path)
        os.fsync(self.entry.descriptor)
        self.recent.sync()

    def fold(self, state: State, records: Sequence[Record], fold: Temporary) -> Stamp | None:
        """Replace the manifest by one with `records`; give its stamp, or None if others were quicker each time."""
        contents = state.contents.with_records(records)
        for _ in range(_TRIES):
            try:
                stamp = self.replace_manifest(contents, state.stamp, fold)
                if stamp is not None:
                    return stamp
            except FileNotFoundError:
                if fold.present:
                    raise
                fold.renew()  # fenced: again, from a temporary file that is there before the reading
            state = self.reader.read(self.home)
            contents = state.contents
        return None

    def replace_manifest(self, contents: Contents, expected: Stamp, fold: Temporary) -> Stamp | None:
        """Replace the manifest and give the stamp of the new one; None if it isn't the one any more that was read."""
        text = _canonical.write(contents)
        fold.write(*text)
        fold.sync()
        with _files.opened(self.home, MANIFEST) as old:
            if Stamp.of(old) != expected:
                return None
            fold.take_permissions(old)
            self.backed_up = self.back_up(old)
        fold.rename(self.home, MANIFEST)
        stamp = Stamp.of(fold.descriptor)
        self.seal = _seal.seal(contents, text)
        self.reader.keep(os.dup(fold.descriptor), stamp, contents)
        self.home.sync()
        return stamp

    def back_up(self, manifest: int) -> bool:
        """Keep the old manifest as a second name of it, or as a copy where that's refused; give whether it is kept."""
        name = _temporary.owner_name()
        try:
            try:
                self.home.link(MANIFEST, self.tmp, name)
            except PermissionError:
                with Temporary(self.tmp, name) as copy:
                    copy.write(_files.read_all(manifest))
                    copy.rename(self.home, BACKUP)
            else:
                self.tmp.rename(name, self.home, BACKUP)
        except OSError as error:
            warn("%s could not be kept: %s", self.home.path / BACKUP, error)
            return False
        finally:
            self.tmp.remove(name)  # a rename between two names of one file leaves both
        return True

    def clean(self, stamp: Stamp, before: State) -> bool:
        """Remove our entry and those `before` it, if the manifest is still the one with `stamp`; False: they stay."""
        others = fence(self.tmp, {self.entry.name}, self.now)
        if others and (len(before.whole) + 1 < _PILE or not self.have_gone(others)):
            return False
        if self.reader.stamp(self.home) != stamp:
            return False
        self.keep_folded(before.filled)
        for old in sorted(before.whole):
            self.recent.remove(str(old))
        os.ftruncate(self.entry.descriptor, 0)
        self.sweep()
        return True

    def keep_folded(self, others: frozenset[int]) -> None:
        """Keep what the manifest has beyond its back-up, for a repair: our entry, and those with these numbers."""
        text = b"" if self.backed_up else self.kept_before()
        for number in sorted(others):
            with contextlib.suppress(FileNotFoundError), _files.opened(self.recent, str(number)) as entry:
                text += _files.read_all(entry)
        text += self.text + self.seal
        try:
            _files.write_over(self.home, FOLDED, text)
        except (FileNotFoundError, PermissionError):  # there is none yet, or it is another user's
            with Temporary(self.tmp, _temporary.owner_name()) as kept:
                kept.write(text)
                kept.rename(self.home, FOLDED)

    def kept_before(self) -> bytes:
        """Read what was kept for the back-up that is still the one: it is still beyond that."""
        with contextlib.suppress(FileNotFoundError), _files.opened(self.home, FOLDED) as kept:
            return _seal.without(_files.read_all(kept))
        return b""

    def have_gone(self, others: set[str]) -> bool:
        """Wait a little for those temporary files to go. Who comes later reads what we have written."""
        deadline = time.monotonic() + _PILE_PATIENCE
        while time.monotonic() < deadline:
            time.sleep(0.005)
            if not others & set(self.tmp.names()):
                return True
        return False

    def sweep(self) -> None:
        """Remove data that somebody began to copy in and abandoned: nothing of theirs has changed for a day."""
        with self.home.folder(INCOMING) as incoming:
            found = {name: incoming.status(name) for name in incoming.names()}
            ages = {name: self.now - status.st_mtime for name, status in found.items() if status is not None}
            busy = {_temporary.owner(name) for name, age in ages.items() if age <= INCOMING_AGE}
            for name in ages:
                if _temporary.owner(name) not in busy:
                    incoming.remove(name)


def fence(tmp: Folder, own: set[str], now: float) -> set[str]:
    """Fence the writers that seem to be dead; list the temporary files of the others, but for our `own`."""
    live = set()
    for name in set(tmp.names()) - own:
        status = tmp.status(name)
        if status is None or name.startswith(_temporary.KEPT_BY_NFS):
            continue
        if now - status.st_mtime > FENCE_AGE or _temporary.owner_is_dead(name):
            tmp.remove(name)
        if tmp.status(name) is not None:
            live.add(name)
    return live

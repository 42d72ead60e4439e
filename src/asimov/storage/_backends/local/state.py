"""Reading a Store's state: its manifest and the entries after it, by the rules of `commit`."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from asimov.storage._disk import files, temporary
from asimov.storage._disk.folder import STALE, Folder, Stamp
from asimov.storage._display.text import shown
from asimov.storage._format import canonical_reader, lookup, reader
from asimov.storage._format.growth import grown
from asimov.storage._format.layout import BACKUP, FOLDED, HOME, KEPT, MANIFEST, RECENT
from asimov.storage._model.errors import (
    ManifestError,
    ManifestLostError,
    ManifestStaleError,
    NotAStoreError,
    StoreReadOnlyError,
)
from asimov.storage._model.snapshot import Contents

from . import last_fold
from .recent import (
    REMOVED,
    entries_of,
    has_entries,
    identity_of,
    included_in,
    open_entries,
    unknown_in,
    warn,
)

UNKNOWN = Stamp(0, 0, 0, 0, 0)
"""The stamp of a manifest that could not be read, so that its back-up was read instead."""
_PAUSES = (0.0, 0.002, 0.01, 0.05, 0.2)
"""How many seconds to wait before each further look at a state that doesn't fit together; the last one is repeated."""
_LOOKS = 5
"""How often a reader looks before it accepts a state with a gap, and any process before it reads the back-up."""
LOST_PATIENCE = 1.0
"""How many seconds a manifest may be absent: some file systems replace a name in two steps."""
_PATIENCE = 10.0
"""How many seconds pass before a writer gives up."""


class State(NamedTuple):
    """One reading of a Store.

    Attributes
    ----------
    contents : Contents
        Every record.
    folded : int
        The number of the last entry that the manifest includes.
    highest : int
        The number of the last entry ever, 0 if there was none.
    present : frozenset of int
        The numbers of the entries that are there.
    stamp : Stamp
        The stamp of the manifest.
    lineage : str
        See `last_fold`; empty if it is not known.
    last : tuple
        The identity of the last entry, to tell it from another entry with its number; empty if it isn't there.
    unknown : str
        What this version doesn't understand, in words; empty if it understands all. Otherwise it must not write.
    """

    contents: Contents
    folded: int
    highest: int
    present: frozenset[int]
    stamp: Stamp
    lineage: str
    last: tuple[int, ...]
    unknown: str


class _Misfit(NamedTuple):
    """A reading that doesn't fit together: the error, and the state that was read in spite of it."""

    error: OSError | ManifestError
    state: State | None = None


class StateReader:
    """Reads the state of the Store at `root`, and keeps what has not changed. It works in threads and after a fork."""

    def __init__(self, root: Path) -> None:
        self.root, self.path = root, root / HOME / MANIFEST
        self._known: State | None = None
        self.synced = 0
        """This process has made the entries durable up to this number."""
        self.next_sweep = 0.0
        """When this process looks for the files of killed writers again, by the monotonic clock."""
        self._warned_of = ""
        self._reading = threading.RLock()

    @property
    def unknown(self) -> str:
        """What this version didn't understand at the last reading, in words."""
        return "" if self._known is None else self._known.unknown

    def renew_lock(self) -> None:
        """Forget a lock that another thread may have held at a fork."""
        self._reading = threading.RLock()

    def _no_store(self) -> str:
        if self._known is None:
            missing = f"it has no {HOME}/{MANIFEST}"
            return f"There is no Store at {self.root}: {missing}. Make one with Store.create() or `locutus init`."
        gone = _gone(self.root / HOME / MANIFEST)
        return (
            f"The Store at {self.root} has vanished: {gone} is not there any more. If its file system was unmounted, "
            "mount it again; if the folder was moved, open the Store where it is now."
        )

    @contextlib.contextmanager
    def home(self) -> Iterator[Folder]:
        """Open ``.manifest``, and the root above it.

        Raises
        ------
        NotAStoreError
            There is no such folder.
        """
        try:
            root = Folder.open(self.root)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotAStoreError(self._no_store()) from error
        with root:
            try:
                home = root.folder(HOME)
            except (FileNotFoundError, NotADirectoryError) as error:
                raise NotAStoreError(self._no_store()) from error
            with home:
                yield home

    def read(self, home: Folder, *, to_write: bool = False) -> State:
        """Read the state. If it doesn't fit together, read it again: others are writing, or NFS shows an old state.

        With `to_write`, NFS is made to ask its server between readings, and a state with a gap is never returned.

        Raises
        ------
        ManifestStaleError
            There is a gap, and it stays; or NFS can't open the manifest.
        ManifestLostError
            There is no manifest, though there was one.
        NotAStoreError
            There never was a manifest.
        """
        with self._reading:
            start, pauses = time.monotonic(), _pauses()
            for look in itertools.count(1):
                seen = self._attempt(home)
                if isinstance(seen, State):
                    self._warn_of_unknown(seen)
                    return seen
                end = self._end(home, seen, look, time.monotonic() - start, to_write=to_write)
                if end is not None:
                    return end
                time.sleep(next(pauses))
                with contextlib.suppress(OSError):
                    home.status(MANIFEST)  # this, unlike an open, makes NFS look up a stale name again
                if to_write:
                    self.stir(home)
        raise AssertionError  # `_end` ends the loop in time

    def _warn_of_unknown(self, state: State) -> None:
        if state.unknown not in {"", self._warned_of}:
            self._warned_of = state.unknown
            warn(
                "%s holds %s, which only a later version of asimov-storage knows; the rest is read",
                self.root,
                state.unknown,
            )

    def gap(self, home: Folder) -> str | None:
        """Return what is missing between the manifest and the entries; None if nothing is."""
        with self._reading:
            seen = self._attempt(home)
            return seen.error.problem if isinstance(seen, _Misfit) and isinstance(seen.error, ManifestError) else None

    def keep(self, state: State) -> None:
        """Keep a state that fits together, for the next reading."""
        with self._reading:
            self._known = state

    def stamp(self, home: Folder) -> Stamp:
        """Return the stamp of the current manifest: opening folder and file makes NFS ask its server."""
        home.refresh()
        with files.opened(home, MANIFEST) as descriptor:
            return Stamp.of(descriptor)

    def stir(self, home: Folder) -> None:
        """Make NFS forget its cached names in the folders of a reading, by changes to these folders."""
        home.stir(temporary.owner_name())
        with contextlib.suppress(OSError), home.folder(RECENT) as recent:  # the reading reports what is wrong
            recent.stir(temporary.owner_name())

    # One look.

    def _attempt(self, home: Folder) -> State | _Misfit:
        """Read the state once."""
        try:
            state, gap = self._look(home)
        except ManifestLostError as error:
            return _Misfit(error)
        except FileNotFoundError:
            return _Misfit(ManifestLostError("it was there just now, and is gone", self.path))
        except OSError as error:
            if error.errno not in STALE:
                raise
            return _Misfit(error)
        return state if gap is None else _Misfit(ManifestStaleError(gap, self.path), state)

    def _end(self, home: Folder, seen: _Misfit, look: int, seconds: float, *, to_write: bool) -> State | None:
        """Return the state, or raise the error, that ends the search; return None to look again."""
        problem = seen.error
        if isinstance(problem, ManifestLostError):
            return self._without_name(home, problem, to_write=to_write) if seconds >= LOST_PATIENCE else None
        if seen.state is not None and not to_write and (look >= _LOOKS or seconds >= _PATIENCE):
            warn("%s", problem)
            return seen.state
        if isinstance(problem, OSError) and look >= _LOOKS:
            with contextlib.suppress(OSError, ManifestError):
                state, gap = self._look_at_backup(home)
                if gap is None:
                    return state
        if seconds < _PATIENCE:
            return None
        if isinstance(problem, OSError):
            msg = f"the file server says that it is stale ({problem.strerror})"
            raise ManifestStaleError(msg, self.path) from problem
        raise problem

    def _look(self, home: Folder) -> tuple[State, str | None]:
        with contextlib.ExitStack() as stack:
            recent, numbers = open_entries(home, stack)
            home.refresh()
            manifest = stack.enter_context(self._manifest(home))
            state = self._continued(home, recent, numbers, Stamp.of(manifest))
            if state is not None:
                self._known = state
                return state, None
            stamp, text, folded = _read_manifest(home, MANIFEST)
            sealed = lookup.read(text, lambda: _kept(home), self.path)
            contents = reader.parse(text, self.path) if sealed is None else sealed
            last = last_fold.read(home)
            lineage = last.lineage if last is not None and last.wrote(stamp) else ""
            state, gap = self._with_entries(home, contents, folded, recent, numbers, stamp, lineage)
        if gap is None:
            self._known = state
        return state, gap

    def _look_at_backup(self, home: Folder) -> tuple[State, str | None]:
        """Read the state from the back-up and the entries that it doesn't include."""
        with contextlib.ExitStack() as stack:
            recent, numbers = open_entries(home, stack)
            home.refresh()
            _, text, folded = _read_manifest(home, BACKUP)
            contents = reader.parse(text, self.path.with_name(BACKUP))
            if folded is None:  # the lines of `lookup` are about the manifest, not about its back-up
                folded = included_in(contents, entries_of(recent, numbers))
            return self._with_entries(home, contents, folded, recent, numbers, UNKNOWN, "")

    def _without_name(self, home: Folder, problem: ManifestLostError, *, to_write: bool) -> State | None:
        """Read the manifest if only its name is lost, else raise `problem`; a writer gives it its name again.

        An NFS client that is killed while it renames over a file may leave that file without its name. Then the
        back-up, which was made just before, is the manifest: no later one was ever finished.
        """
        with contextlib.suppress(OSError, ManifestError):
            state, gap = self._look_at_backup(home)
            if gap is None and state.folded >= lookup.folded(_kept(home)):
                if not to_write:
                    return state
                home.link(BACKUP, home, MANIFEST)
                home.sync()
        if home.status(MANIFEST) is None:
            raise problem
        return None

    @contextlib.contextmanager
    def _manifest(self, home: Folder) -> Iterator[int]:
        try:
            descriptor = home.open_file(MANIFEST)
        except FileNotFoundError as error:
            if home.status(BACKUP) or has_entries(home):
                raise ManifestLostError("it is gone, though there was one", self.path) from error
            raise NotAStoreError(self._no_store()) from error
        try:
            yield descriptor
        finally:
            os.close(descriptor)  # NFS moves an open file away before another is renamed over it

    def _continued(self, home: Folder, recent: Folder | None, numbers: list[int], stamp: Stamp) -> State | None:
        """Read only the entries after the known state; None if that isn't enough."""
        known = self._known
        if known is None:
            return None
        folded = self._folded_since(home, known, stamp)
        if folded is None:
            return None
        highest = max([folded, *numbers[-1:]])
        is_there = known.last and identity_of(recent, known.highest) == known.last
        if not is_there and (known.highest != folded or highest > folded + KEPT):
            return None
        further = range(known.highest + 1, highest + 1)
        present = frozenset(numbers)
        if known.highest > highest or not present.issuperset(further):
            return None
        entries = entries_of(recent, further)
        if any(entry is REMOVED for entry in entries.values()):
            return None
        unknown = known.unknown or unknown_in(entries)
        if unknown and stamp != known.stamp:  # a later version may have folded what this one has never read
            return None
        return State(
            contents=grown(known.contents, entries.values(), trusted=True),
            folded=folded,
            highest=highest,
            present=present,
            stamp=stamp,
            lineage=known.lineage,
            last=identity_of(recent, highest),
            unknown=unknown,
        )

    @staticmethod
    def _folded_since(home: Folder, known: State, stamp: Stamp) -> int | None:
        """Return the number of the last folded entry; None if more than folds may have changed the manifest."""
        if stamp == known.stamp:
            return known.folded
        last = last_fold.read(home)
        return last.number if last is not None and last.wrote(stamp) and last.lineage == known.lineage else None

    def _with_entries(
        self,
        home: Folder,
        contents: Contents,
        said: int | None,
        recent: Folder | None,
        numbers: list[int],
        stamp: Stamp,
        lineage: str,
    ) -> tuple[State, str | None]:
        """Return the state of a manifest and the entries after it, and what is missing, or None."""
        folded = self._folded(home, contents, recent, numbers) if said is None else said
        later = [number for number in numbers if number > folded]
        entries = entries_of(recent, later)
        gone = {number for number, entry in entries.items() if entry is REMOVED}
        highest = max([folded, *numbers])
        trusted = isinstance(contents, lookup.Sealed)
        state = State(
            contents=grown(contents, entries.values(), trusted=trusted),
            folded=folded,
            highest=highest,
            present=frozenset(numbers) - gone,
            stamp=stamp,
            lineage=lineage,
            last=identity_of(recent, highest),
            unknown=required(contents) or unknown_in(entries),
        )
        dense = not gone and later == list(range(folded + 1, highest + 1))
        # With so many entries after it, a removed entry may have been linked again by mistake.
        if dense and (said is None or folded in state.present or highest <= folded + KEPT):
            return state, None
        return state, (
            f"it includes the commits up to number {folded}, and later ones are missing in {RECENT}/. It is "
            "an older manifest that somebody put there, or this computer sees an older one"
        )

    def _folded(self, home: Folder, contents: Contents, recent: Folder | None, numbers: list[int]) -> int:
        """Return the number of the last entry that a manifest of another program includes, which doesn't say so."""
        return max(lookup.folded(_kept(home)), included_in(contents, entries_of(recent, numbers)))


def require_understood(root: Path, unknown: str) -> None:
    """Raise StoreReadOnlyError if a Store holds anything that this version doesn't understand."""
    if unknown:
        msg = (
            f"{root} holds {unknown}, which this version of asimov-storage doesn't know. A later version has written "
            "it, and this one can only read here. Nothing was changed: install that version to write."
        )
        raise StoreReadOnlyError(msg)


def _pauses() -> Iterator[float]:
    yield from _PAUSES
    while True:
        yield _PAUSES[-1]


def _read_manifest(home: Folder, name: str) -> tuple[Stamp, bytes, int | None]:
    """Read a manifest; return its stamp, its text without the last line, and the number in that line."""
    folded: int | None = None

    def line(last: bytes) -> int:
        nonlocal folded
        end, folded = canonical_reader.split_folded(last)
        return len(last) - end

    descriptor, stamp, text = files.read_steadily(home, name, line)
    os.close(descriptor)
    return stamp, text, folded


def _kept(home: Folder) -> bytes:
    """Read the end of the file that is kept beside the back-up: the lines that `lookup` writes."""
    return files.read_last(home, FOLDED)


def required(contents: Contents) -> str:
    """Return what a manifest requires its readers to understand, in words; empty if there is nothing."""
    return f"a manifest that requires {shown(contents.requires)}" if contents.requires else ""


def _gone(path: Path) -> Path:
    """Return the first part of a path that doesn't exist."""
    return next((part for part in [*reversed(path.parents), path] if not _is_there(part)), path)


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except OSError:
        return False
    return True

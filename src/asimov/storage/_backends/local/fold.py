"""Folding: entries are put into the manifest, and removed once nobody can need them; steps e and f of `commit`."""

from __future__ import annotations

import contextlib
import errno
import time

from asimov.storage._disk import files, temporary
from asimov.storage._disk.folder import GONE, Folder, Stamp
from asimov.storage._disk.temporary import Temporary
from asimov.storage._format import canonical_reader, canonical_writer, lookup
from asimov.storage._format.layout import BACKUP, FOLDED, INCOMING, KEPT, MANIFEST, TEMPORARY

from . import last_fold
from .last_fold import LastFold
from .recent import warn
from .state import UNKNOWN, State, StateReader

FENCE_AGE = 60.0
"""If the time of another writer's temporary file is off by more than this many seconds, it counts as abandoned."""
INCOMING_AGE = 86_400.0
"""After this many seconds without a change, incoming data counts as abandoned."""
SWEEP_INTERVAL = 1.0
"""A process looks for the files of killed writers after its first fold, and then once in so many seconds."""
_PILE, _PILE_PATIENCE = 128, 0.5
_TRIES = 16
_BUSY = {errno.EBUSY, errno.ETXTBSY}
"""Errors of NFS when two processes of one computer rename onto one name."""


class Fold:
    """One fold.

    Parameters
    ----------
    reader : StateReader
        Reads the state again if others were quicker.
    home, recent : Folder
        ``.manifest`` and its folder of entries.
    file : Temporary
        A file in `recent`, made before the state to fold was read.
    """

    def __init__(self, reader: StateReader, home: Folder, recent: Folder, file: Temporary) -> None:
        self.reader, self.home, self.recent, self.file = reader, home, recent, file
        self.backed_up = False
        """Whether the replaced manifest is the back-up now."""
        self.seal = b""
        """The seal of the manifest that was written."""
        self.own = file.name
        self.included = 0
        """The number of the last entry that the replaced manifest included."""

    def run(self, state: State) -> bool:
        """Fold `state`, or a later one, and clean up; return False if entries had to stay for other writers."""
        start = time.monotonic()
        folded = self.fold(state)
        if folded is None:
            return False
        cleaned = self.clean(folded)
        if folded.stamp.size >= last_fold.WORTHWHILE:
            seconds = time.monotonic() - start
            last_fold.write(self.home, LastFold.of(folded.lineage, folded.folded, folded.stamp, seconds))
        return cleaned

    def fold(self, state: State) -> State | None:
        """Replace the manifest; return the state that it holds now; None if others have folded meanwhile."""
        for _ in range(_TRIES):
            if state.folded >= state.highest or state.unknown:
                return None
            try:
                folded = self.replace_manifest(state)
                if folded is not None:
                    return folded
            except OSError as error:
                if error.errno not in GONE | _BUSY:
                    raise
                if error.errno == errno.ENOENT and self.file.present:
                    raise
                if error.errno in GONE:
                    self.file.renew()  # fenced: try again with a file made before the reading
                    self.own = self.file.name
            state = self.reader.read(self.home, to_write=True)
        return None

    def replace_manifest(self, state: State) -> State | None:
        """Replace the manifest by one with all of `state`; return None if it isn't the one that was read any more."""
        text = canonical_writer.write(state.contents)
        self.file.write(*text, canonical_reader.folded_line(state.highest))
        self.file.sync()
        self.now = self.file.modified
        if not self.has_old(state):
            return None
        self.file.rename(self.home, MANIFEST)
        stamp = Stamp.of(self.file.descriptor)  # ESTALE, if another has replaced it by now
        self.seal = lookup.seal(state.contents, text)
        folded = state._replace(folded=state.highest, stamp=stamp, lineage=state.lineage or last_fold.new_lineage())
        self.reader.keep(folded)
        self.included = state.folded
        self.home.sync()
        return folded

    def has_old(self, state: State) -> bool:
        """Copy the old manifest's permissions, and back it up; return False if it was replaced meanwhile."""
        lost = state.stamp == UNKNOWN  # NFS can't open it; a rename over it mends that
        self.home.refresh()
        try:
            with files.opened(self.home, BACKUP if lost else MANIFEST) as old:
                if not lost and Stamp.of(old) != state.stamp:
                    return False
                self.file.take_permissions(old)
                self.backed_up = not lost and back_up(self.home, old)
        except OSError as error:
            if error.errno not in GONE:
                raise
            return False  # another is just replacing it, which some file systems do in two steps
        return True

    # Cleaning.

    def clean(self, state: State) -> bool:
        """Remove folded entries except the last ones, if the manifest is still ours; return False if all stay.

        They are removed in order, the lowest first. So the numbers of those that stay were never used twice.
        """
        self.recent.refresh()
        others = fence(self.recent, {self.own}, self.now)
        if others and (len(state.present) < _PILE or not self.have_gone(others)):
            return False
        if not self.is_ours(state):
            return False
        self.keep_folded(state)
        for number in sorted(state.present):
            if number > state.highest - KEPT or not self.recent.remove(str(number)):
                break
        if start_sweep(self.reader):
            self.sweep()
        return True

    def is_ours(self, state: State) -> bool:
        """Return whether the manifest is still the one that was renamed."""
        try:
            return self.reader.stamp(self.home) == state.stamp
        except OSError as error:
            if error.errno not in GONE:
                raise
            return False

    def keep_folded(self, state: State) -> None:
        """Write, for a repair, the entries that the back-up lacks, and the number of the last folded entry."""
        text = b"" if self.backed_up else self.kept_before()
        for number in range(self.included + 1, state.highest + 1):
            with contextlib.suppress(FileNotFoundError), files.opened(self.recent, str(number)) as entry:
                text += files.read_all(entry)
        temporary.write_over(self.home, FOLDED, text + lookup.folded_line(state.highest) + self.seal)

    def kept_before(self) -> bytes:
        """Read the entries that were kept beside the present back-up, which still lacks them."""
        with contextlib.suppress(FileNotFoundError), files.opened(self.home, FOLDED) as kept:
            return lookup.without(files.read_all(kept))
        return b""

    def have_gone(self, others: set[str]) -> bool:
        """Wait a little until these temporary files are gone. A later writer will read the manifest that we wrote."""
        deadline = time.monotonic() + _PILE_PATIENCE
        while time.monotonic() < deadline:
            time.sleep(0.005)
            self.recent.refresh()
            if not others & set(self.recent.names()):
                return True
        return False

    def sweep(self) -> None:
        """Remove what killed writers left: temporary files, and the incoming data of processes known to be gone.

        That can't be known of another computer's process. Its data goes when none of it has changed for a day.
        """
        self.sweep_temporary(self.home)
        with contextlib.suppress(FileNotFoundError), self.home.folder(TEMPORARY) as tmp:
            self.sweep_temporary(tmp)
        with contextlib.suppress(FileNotFoundError), self.home.folder(INCOMING) as incoming:
            found = {name: incoming.status(name) for name in incoming.names()}
            ages = {name: abs(self.now - status.st_mtime) for name, status in found.items() if status is not None}
            busy = {temporary.owner(name) for name, age in ages.items() if age <= INCOMING_AGE}
            for name in ages:
                if temporary.owner(name) not in busy or temporary.owner_is_dead(name):
                    incoming.remove(name)

    def sweep_temporary(self, folder: Folder) -> None:
        for name in filter(temporary.is_temporary, folder.names()):
            _remove_abandoned(folder, name, self.now)


def start_sweep(reader: StateReader) -> bool:
    """Return whether it is time for this process to sweep, and note that it does so now."""
    now = time.monotonic()
    if now < reader.next_sweep:
        return False
    reader.next_sweep = now + SWEEP_INTERVAL
    return True


def back_up(home: Folder, manifest: int) -> bool:
    """Keep the open manifest as its back-up, by a second name or by a copy; return whether it is kept."""
    name = temporary.owner_name()
    try:
        try:
            home.link(MANIFEST, home, name)
        except PermissionError:
            with Temporary(home, name) as copy:
                copy.write(files.read_all(manifest))
                copy.rename(home, BACKUP)
        else:
            home.rename(name, home, BACKUP)
    except OSError as error:
        if error.errno in GONE:
            raise
        warn("%s could not be kept: %s", home.path / BACKUP, error)
        return False
    finally:
        home.remove(name)  # a rename between two names of one file leaves both
    return True


def fence(recent: Folder, own: set[str], now: float) -> set[str]:
    """Fence the writers that seem to be dead; return the temporary files of the others, without our `own`.

    A time in the future is as wrong as one in the past: it comes from a clock that is ahead.
    """
    names = {name for name in recent.names() if temporary.is_temporary(name)} - own
    return {name for name in names if not _remove_abandoned(recent, name, now)}


def _remove_abandoned(folder: Folder, name: str, now: float) -> bool:
    """Remove a temporary file whose owner seems to be dead; return whether it is gone."""
    status = folder.status(name)
    if status is not None and (abs(now - status.st_mtime) > FENCE_AGE or temporary.owner_is_dead(name)):
        folder.remove(name)
        status = folder.status(name)
    return status is None

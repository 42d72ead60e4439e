"""The commit protocol: how records get into a Store, and why none is lost.

Locks do nothing on many cluster file systems. Clocks differ. NFS may show names as they were a minute ago. A process
may be stopped at any instruction and go on days later. So the protocol relies only on what every POSIX file system and
NFS do atomically: ``link`` makes a name unless it exists, ``rename`` replaces a name, both fail once their source has
been unlinked, and a client that has just changed a folder lists it as it is on the server.

The files, all under ``.manifest/``:

``manifest.yaml``
    All records except the most recent ones. Its last line, ``# entries folded: N``, says that it includes the entries
    up to number N. It is replaced, never edited.
``recent/NUMBER``
    An *entry*: the records of one commit and an end mark (`entries`). It never changes. The manifest includes the
    entries up to N, so these are not needed any more. The last `layout.KEPT` of them stay. The others are removed in
    order, the lowest first.
``recent/HOST-PID-RANDOM``
    The temporary file of a commit or of a fold. It is there as long as its owner may still use what it has read.
``tmp/HOST-PID-RANDOM``
    A file that is about to be renamed to one of the other files. Nobody waits for these.
``incoming/``
    Data that is being copied in.
``lock``
    Saves work by making writers take turns. Nothing depends on it, and nobody waits for it longer than 10 s.
``last-fold``, ``manifest.yaml.bak``, ``manifest.yaml.new``
    The first saves reading (`last_fold`). From the others, a lost manifest is rebuilt (`repair`). Nothing depends on
    them.

*State* is the records of ``manifest.yaml`` and of the entries after N. To read it (`state`), open and list
``recent/``, open ``.manifest`` by its name, read the manifest, then those entries. Opening a folder by its name makes
NFS ask the server, but the protocol doesn't rely on that. It relies on numbers without a gap: if a number is missing
between N and the highest, the manifest or the listing is an old one, and everything is read again. An old manifest
whose later entries are all there costs nothing. A writer never goes on with a gap: it changes both folders, so that NFS
has to ask the server, and gives up after 10 s. Readers take no lock and write nothing. A process that knows a state
only reads the entries after it, as long as nothing but folds has changed the manifest.

To add records:

a. Copy and digest the data into ``incoming/``, take the write permission away, ``fsync``. This may take hours, and
   nothing else waits for it.
b. Make a file in ``recent/`` for the entry, and one for the fold if this add will fold, BEFORE reading any state. As
   long as one is there, nobody removes an entry that we might not have read. They are not created exclusively: NFS
   marks an exclusive creation by the file's time, and others would take the new file for an old one.
c. Read the state. Check names and contents. ``link`` the data to ``EVENT/PRODUCTION/UUID``, never over another file (or
   ``rename`` it, if there are no links between folders), and ``fsync`` those folders (`placing`). Write the records and
   the end mark to the entry's file, and close a descriptor of it: that sends them to an NFS server, whose other clients
   may read the entry as soon as it has its name.
d. ``link`` that file to ``recent/K``. K is one more than the highest number of the state. Entry K - 1 must have been
   listed (if there is no entry at all, an empty one is linked first). THIS IS THE COMMIT.
   ``EEXIST``: another writer committed first. Read the state again, check again, take the next number.
   ``ENOENT`` or ``ESTALE``: we were fenced (see f). Remove what was placed and start over with new uuids.
   Then READ THE STATE AGAIN. The commit counts if our records are in it, and if entry K - 1 is listed, or the manifest
   includes K, or fewer than 32 entries came after K. Since entries are removed in order and the last 32 folded ones
   stay, K was then never used before. Otherwise the state that we had read was old, and K had been folded and removed.
   An entry with a number up to N counts for nobody, so remove it, remove what was placed, and start over. After an
   error, too, read the state before removing anything: NFS repeats a request whose answer was lost, and then reports
   an error though the request has succeeded.
e. Fold the state that was read after the link: write all its records, and the number of its last entry, to the fold's
   file, ``fsync``, keep the old manifest as ``manifest.yaml.bak``, ``rename`` onto ``manifest.yaml``, ``fsync`` the
   folder. No descriptor of the manifest stays open: NFS renames an open file away before another is renamed over it. A
   writer that has read an old state may replace a newer manifest by its fold. Nothing is lost: the entries are still
   there while its file is in ``recent/`` (f).
f. Clean: list ``recent/``; this listing is true, since our own rename came before it. Unlink other writers' files whose
   time is off by 60 s, in either direction, or whose process is known to be gone. That is the *fence*: after it, a
   stopped owner's ``link`` or ``rename`` fails, and it starts over. So a misjudged age costs a retry, never data. If
   another writer's file remains, leave the entries: its owner may be about to replace the manifest by an older one.
   Otherwise, if ``manifest.yaml`` is still the file that we renamed, remove the entries up to N - 32, in order, and
   stop at the first that can't be removed. (Names like ``.nfs...`` and ``.fuse_hidden...`` don't count: those files are
   removed already, and only open.) Before that, write the new entries into ``manifest.yaml.new``: over its old
   content, or after it if the back-up is still an older one. With the back-up, that file is enough to rebuild a lost
   manifest. It also gets N, in case another program writes the manifest without its last line, and the seal (`lookup`).
g. If the entries could not be cleaned, ``fsync`` the entry and ``recent/`` before the add is acknowledged: it is the
   entry, not the manifest, that then has to survive a power cut.

The larger the Store, the more a fold costs. So an add doesn't fold (it goes from d to g) if the last fold, by any
process, took over 10 ms and ended less than ten times its own duration ago. The remaining entries are folded by the
next add, within a second (`deferred`), when the process ends, or by `Store.fold`. Such a fold makes its file in
``recent/``, then reads the state, and goes on at e. If folding fails (a full disk), the add has still succeeded.

Why nothing is lost:
*Numbers are unique and dense*, by d.
*A fold includes all entries up to its number.* Its state is some manifest, however old, and all entries after it,
without a gap. By induction that manifest includes all entries before.
*No fold takes anything back for good.* The entries after an older manifest are removed only when a true listing, after
the newer manifest was in place, showed no file of its writer. Whatever that writer reads after making its file shows
the entries, or a gap.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from asimov.storage._disk import files, temporary
from asimov.storage._disk.folder import GONE, Folder
from asimov.storage._disk.temporary import Temporary
from asimov.storage._format import entries
from asimov.storage._format.layout import KEPT, RECENT
from asimov.storage._format.retractions import Line, holds
from asimov.storage._model.errors import ManifestStaleError

from . import last_fold
from .deferred import Deferred
from .fold import Fold
from .recent import warn
from .state import State, StateReader, require_understood

if TYPE_CHECKING:
    from .placing import Placing

LOOKS = 8


class Fenced(Exception):
    """Another writer took this one for dead, or the state that this one had read was too old."""


class Commit:
    """One attempt to commit, from b to g."""

    def __init__(self, reader: StateReader, deferred: Deferred, home: Folder, placing: Placing) -> None:
        self.reader, self.deferred, self.home, self.root, self.placing = reader, deferred, home, home.above, placing
        self.number = 0
        """The number that the entry was to be linked to, once that was tried."""

    def run(self) -> None:
        with (
            self.home.folder_made(RECENT) as self.recent,
            contextlib.ExitStack() as stack,
        ):
            self.entry = stack.enter_context(Temporary(self.recent, temporary.owner_name()))
            last = last_fold.read(self.home)
            file = None
            if last is None or not last.is_too_near(self.entry.modified):
                file = stack.enter_context(Temporary(self.recent, temporary.owner_name()))
            state = self.publish()  # both files exist before any state is read
            if state is not None:
                self.settle(state, file)

    # c, d: check, place, commit.

    def publish(self) -> State | None:
        """Commit, and return the state that has the commit; None if there was nothing to commit."""
        records: Sequence[Line] = ()
        try:
            state = self.read()
            while True:
                require_understood(self.reader.root, state.unknown)
                records = self.placing.resolve(state.contents)
                if not records:
                    self.placing.withdraw(self.root)
                    self.sync_others(state)
                    return None
                self.placing.place(self.root, state.contents, self.entry)
                self.write_entry(records)
                if self.has_predecessor(state) and self.link_entry(state.highest + 1):
                    return self.require_counted(records)
                state = self.read_beyond(state)
        except BaseException as error:  # noqa: BLE001 - what is no commit is raised again
            return self.after_error(error, records)

    def read(self) -> State:
        return self.reader.read(self.home, to_write=True)

    def read_beyond(self, before: State) -> State:
        """Read the state, which has changed; make NFS ask its server if it shows no change."""
        state = self.read()
        if state.highest <= before.highest and state.present == before.present:
            self.reader.stir(self.home)
            state = self.read()
        return state

    def after_error(self, error: BaseException, records: Sequence[Line]) -> State:
        """Return the state if the commit succeeded in spite of the error; else remove what was placed, and raise."""
        committed = self.counted(records) if self.number else None
        if committed is None:
            self.placing.withdraw(self.root)
            if isinstance(error, OSError) and error.errno in GONE and not self.entry.present:
                raise Fenced from None
        elif isinstance(error, OSError | Fenced):
            return committed
        raise error

    def sync_others(self, state: State) -> None:
        """Make others' commits durable: a caller may rely on the answer that a file is recorded."""
        for number in range(max(state.folded, self.reader.synced) + 1, state.highest + 1):
            with contextlib.suppress(FileNotFoundError), files.opened(self.recent, str(number)) as entry:
                os.fsync(entry)
        if state.folded < state.highest:
            self.recent.sync()
        self.home.sync()  # the manifest may have been replaced just now
        self.reader.synced = state.highest

    def write_entry(self, records: Sequence[Line]) -> None:
        self.entry.write(entries.write(records))
        files.flush_to_server(self.entry.descriptor)

    def has_predecessor(self, state: State) -> bool:
        """Return whether the last entry is still there; if it isn't, link an empty one for the next try."""
        if state.highest in state.present:
            return True
        with Temporary(self.recent, temporary.owner_name()) as empty:
            try:
                self.recent.link(empty.name, self.recent, str(state.highest))
            except FileExistsError:  # another writer has just put it there, or our listing was old
                self.reader.stir(self.home)
        return False

    def link_entry(self, number: int) -> bool:
        """Link the entry to its number, which is the commit; return False if another commit has that number."""
        if number == 1:
            self.home.sync()  # recent/ may be new
        self.number = number
        try:
            self.recent.link(self.entry.name, self.recent, str(number))
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in GONE or self.entry.present:
                raise
            raise Fenced from None
        return True

    def require_counted(self, records: Sequence[Line]) -> State:
        committed = self.counted(records)
        if committed is None:
            raise Fenced
        return committed

    def counted(self, records: Sequence[Line]) -> State | None:
        """Return the state if it has our entry under a number never used before; else remove the entry, return None."""
        state = self.certain()
        if holds(state.contents, records[0]):
            return state
        with contextlib.suppress(OSError):  # ESTALE: it has no name at all
            there = self.recent.status(str(self.number))
            if there is not None and os.path.samestat(there, os.fstat(self.entry.descriptor)):
                self.recent.remove(str(self.number))
        return None

    def certain(self) -> State:
        """Read a state that shows whether our number was used before."""
        for _ in range(LOOKS):
            state = self.read()
            if self.number - 1 in state.present or self.number <= state.folded or state.highest < self.number + KEPT:
                return state
            self.reader.stir(self.home)
        msg = "it is older than the files beside it, so it is unknown whether the records were added"
        raise ManifestStaleError(msg, self.reader.path)

    # e, f, g: fold, or make the entry durable.

    def settle(self, state: State, file: Temporary | None) -> None:
        self.entry.remove()
        if file is None and self.deferred.add(state.highest):
            with contextlib.suppress(OSError):  # if it fails, a manifest with the records can still be made durable
                self.sync_entry()
                return
        try:
            with contextlib.ExitStack() as stack:
                if file is None:  # the fold can't be put off after all
                    file = stack.enter_context(Temporary(self.recent, temporary.owner_name()))
                    state = self.read()
                if Fold(self.reader, self.home, self.recent, file).run(state):
                    return
        except Exception as error:  # noqa: BLE001 - whatever fails here, the add has succeeded
            warn("%s: %r. The records are safe in %s", self.reader.path, error, self.recent.path)
        self.sync_entry()

    def sync_entry(self) -> None:
        os.fsync(self.entry.descriptor)
        self.recent.sync()

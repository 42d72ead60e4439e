"""The commit protocol: how records get into a Store, and why none is lost.

Locks are no-ops on many cluster file systems, clocks differ, NFS shows names as they were a minute ago, and a process
may be stopped at any instruction and go on days later. So the protocol rests on what every POSIX file system and NFS do
atomically: ``link`` makes a name unless it exists, ``rename`` replaces a name, both fail once their source has been
unlinked, and a client that has just changed a folder lists it as the server has it.

The files, all under ``.manifest/``:

``manifest.yaml``
    The records, but for the most recent ones. Its last line, ``# entries folded: N``, says that it includes the entries
    up to number N. Replaced, never edited.
``recent/NUMBER``
    An *entry*: the records of one commit and an end mark (`entries`). It never changes. The entries up to N mean
    nothing any more; the last `layout.KEPT` of them stay, the others are removed in order, the lowest first.
``recent/HOST-PID-RANDOM``
    The temporary file of a commit or of a fold, there for as long as its owner may still use what it has read.
``tmp/HOST-PID-RANDOM``
    What is about to be renamed to one of the other files. Nobody waits for these.
``incoming/``
    Data that is being copied in.
``lock``
    Saves work by making writers take turns. Nothing depends on it; it is waited for 10 s at the most.
``last-fold``, ``manifest.yaml.bak``, ``manifest.yaml.new``
    What saves reading (`last_fold`), and what a lost manifest is rebuilt from (`repair`). Nothing depends on them.

*State* is the records of ``manifest.yaml`` and of the entries after N. To read it (`state`), open and list
``recent/``, open ``.manifest`` by its name, read the manifest, then those entries. Opening a folder by its name makes
NFS ask the server, but that is not relied on. What is relied on is that numbers leave no gap: if one is missing between
N and the highest, the manifest is an old one, or the listing, and all is read again. An old manifest whose later
entries are all there costs nothing. A writer never goes on with a gap: it changes both folders, so that NFS has to
look, and gives up after 10 s. Readers take no lock and write nothing. A process that knows a state reads on from there
by the entries alone, as long as nothing but folds has changed the manifest.

To add records:

a. Copy and digest the data into ``incoming/``, take the write permission away, ``fsync``. This may take hours, and
   nothing else waits for it.
b. Make a file in ``recent/`` for the entry, and one for the fold if this add will fold, BEFORE reading any state. As
   long as one is there, nobody removes an entry that we might not have read. They are not created exclusively: NFS
   keeps what it knows an exclusive creation by in the file's time, and others would take the new file for an old one.
c. Read the state. Check names and contents. ``link`` the data to ``EVENT/PRODUCTION/UUID``, never over anything (or
   ``rename`` it, where there are no links between folders), and ``fsync`` those folders. Write the records and the end
   mark to the entry's file, and close a descriptor of it: that sends them to an NFS server, whose other clients may
   read the entry as soon as it has its name.
d. ``link`` that to ``recent/K``, K being one more than the highest number of the state. Entry K - 1 must have been
   listed (where there is none at all, an empty one is linked first). THIS IS THE COMMIT. ``EEXIST``: another committed
   first; read the state again, check again, take the next number. ``ENOENT`` or ``ESTALE``: we were fenced (see f);
   take back what was placed and start over under new uuids. Then READ THE STATE AGAIN: the commit counts if our records
   are in it, and entry K - 1 is listed, or the manifest includes K, or fewer than 32 came after K. Since entries go in
   order and the last 32 folded ones stay, K was then never used before. Else what we had read was old, and K had been
   folded and removed: an entry with a number up to N counts for nobody, so remove it, take back what was placed, and
   start over. After an error, too, look before taking back: NFS repeats a request whose answer was lost, and then
   reports an error for what it has done.
e. Fold the state that was read after the link: write all its records, and the number of its last entry, to the fold's
   file, ``fsync``, keep the old manifest as ``manifest.yaml.bak``, ``rename`` onto ``manifest.yaml``, ``fsync`` the
   folder. No descriptor of the manifest stays open: NFS renames a file that is open away before it renames over it. A
   fold by a writer whose reading is old may replace a newer manifest; nothing is lost, for the entries are still there
   while its file is in ``recent/`` (f).
f. Clean: list ``recent/``, whose listing our own rename has made true. Unlink other writers' files whose time is off by
   60 s, in either direction, or whose process is known to be gone: that is the *fence*, after which a stopped owner's
   ``link`` or ``rename`` fails and it starts over. A misjudged age thus costs a retry, never data. If another's file
   remains, leave the entries: its owner may be about to replace the manifest by an older one. Otherwise, if
   ``manifest.yaml`` is still the very file that we renamed, remove the entries up to N - 32, in order, and end at the
   first that can't be removed. (Names like ``.nfs...`` and ``.fuse_hidden...`` don't count: those files are removed
   already, and only open.) Before that, what the new entries say is written into ``manifest.yaml.new``, over what it
   held, or behind that if the back-up is still an older one: with the back-up it makes a lost manifest whole again. N
   goes there too, for when another program writes the manifest without its last line, and the seal (`lookup`).
g. If the entries could not be cleaned, ``fsync`` the entry and ``recent/`` before the add is acknowledged: they, not
   the manifest, are then what a power cut must leave behind.

A fold costs as much as the Store is large. So an add doesn't fold (it goes from d to g) if the last fold, by anybody,
took over 10 ms and ended less than ten times its own duration ago. What is left is folded by the next add, within a
second (`deferred`), when the process ends, or by `Store.fold`. Such a fold makes its file in ``recent/``, then reads
the state, and goes on at e. If folding fails (a full disk), the add has happened all the same.

Why nothing is lost. *Numbers are unique and dense*: by d. *A fold includes all up to its number*: its state is some
manifest, however old, and all entries after that, without a gap; by induction the manifest includes those before. *No
fold takes anything back for good*: the entries after an older manifest go only when a true listing, after the newer one
was in place, showed no file of its writer; what that writer reads after making its file shows them, or a gap.
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
from asimov.storage._model.errors import ManifestStaleError
from asimov.storage._model.record import Record

from . import last_fold
from .deferred import Deferred
from .fold import Fold
from .recent import warn
from .state import State, StateReader, require_understood

if TYPE_CHECKING:
    from .placing import Placing

LOOKS = 8


class Fenced(Exception):
    """Another writer took this one for dead, or what this one had read was too old."""


class Commit:
    """One attempt, from b to g."""

    def __init__(self, reader: StateReader, deferred: Deferred, home: Folder, root: Folder, placing: Placing) -> None:
        self.reader, self.deferred, self.home, self.root, self.placing = reader, deferred, home, root, placing
        self.number = 0
        """The number under which the entry was to be linked, once that was tried."""

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
            state = self.publish()  # both files are there before any state is read
            if state is not None:
                self.settle(state, file)

    # c, d: check, place, commit.

    def publish(self) -> State | None:
        """Commit, and return the state that has it; None if there was nothing to commit."""
        records: Sequence[Record] = ()
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
        """Read the state, which has changed; make NFS look where it doesn't show that."""
        state = self.read()
        if state.highest <= before.highest and state.present == before.present:
            self.reader.stir(self.home)
            state = self.read()
        return state

    def after_error(self, error: BaseException, records: Sequence[Record]) -> State:
        """Return the state if the commit was made, though its answer was an error; else take back, and raise."""
        committed = self.counted(records) if self.number else None
        if committed is None:
            self.placing.withdraw(self.root)
            if isinstance(error, OSError) and error.errno in GONE and not self.entry.present:
                raise Fenced from None
        elif isinstance(error, OSError | Fenced):
            return committed
        raise error

    def sync_others(self, state: State) -> None:
        """Make durable what others have committed: a caller may rely on an answer that a file is there."""
        for number in range(max(state.folded, self.reader.synced) + 1, state.highest + 1):
            with contextlib.suppress(FileNotFoundError), files.opened(self.recent, str(number)) as entry:
                os.fsync(entry)
        if state.folded < state.highest:
            self.recent.sync()
        self.home.sync()  # the manifest may have been replaced just now
        self.reader.synced = state.highest

    def write_entry(self, records: Sequence[Record]) -> None:
        self.entry.write(entries.write(records))
        files.flush_to_server(self.entry.descriptor)

    def has_predecessor(self, state: State) -> bool:
        """Return whether the last entry is still there; put an empty one where there is none, for the next try."""
        if state.highest in state.present:
            return True
        with Temporary(self.recent, temporary.owner_name()) as empty:
            try:
                self.recent.link(empty.name, self.recent, str(state.highest))
            except FileExistsError:  # another has just put it there, or we see what was
                self.reader.stir(self.home)
        return False

    def link_entry(self, number: int) -> bool:
        """Commit; return False if another commit has that number."""
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

    def require_counted(self, records: Sequence[Record]) -> State:
        committed = self.counted(records)
        if committed is None:
            raise Fenced
        return committed

    def counted(self, records: Sequence[Record]) -> State | None:
        """Return the state if it has our entry under a number that was never used before; else None, and no entry."""
        state = self.certain()
        found = state.contents.get(records[0].key)
        if found is not None and found.uuid == records[0].uuid:
            return state
        with contextlib.suppress(OSError):  # ESTALE: it has no name at all
            there = self.recent.status(str(self.number))
            if there is not None and os.path.samestat(there, os.fstat(self.entry.descriptor)):
                self.recent.remove(str(self.number))
        return None

    def certain(self) -> State:
        """Read a state that tells whether our number was used before."""
        for _ in range(LOOKS):
            state = self.read()
            if self.number - 1 in state.present or self.number <= state.folded or state.highest < self.number + KEPT:
                return state
            self.reader.stir(self.home)
        msg = "it is older than what this commit has found beside it, and whether the commit counts can't be told"
        raise ManifestStaleError(msg, self.reader.path)

    # e, f, g: fold, or make the entry durable.

    def settle(self, state: State, file: Temporary | None) -> None:
        self.entry.remove()
        if file is None and self.deferred.add(state.highest):
            with contextlib.suppress(OSError):  # then a manifest that has the records can be made durable
                self.sync_entry()
                return
        try:
            with contextlib.ExitStack() as stack:
                if file is None:  # it can't be put off after all
                    file = stack.enter_context(Temporary(self.recent, temporary.owner_name()))
                    state = self.read()
                if Fold(self.reader, self.home, self.recent, file).run(state):
                    return
        except Exception as error:  # noqa: BLE001 - whatever it is, the add has happened
            warn("%s: %r. The records are safe in %s", self.reader.path, error, self.recent.path)
        self.sync_entry()

    def sync_entry(self) -> None:
        os.fsync(self.entry.descriptor)
        self.recent.sync()

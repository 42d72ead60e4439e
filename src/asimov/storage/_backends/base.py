"""The seam: what a Store needs of the place where it lies, and what an addition hands to that place.

`Store`, `Manifest` and all of `_operations` work on a `Backend` and never ask which one it is. The seam lies at
`commit`: how records get in without loss, by links and renames or by conditional requests, is a back end's own affair.
So are its temporary names, locks and retries.

A back end that overrides nothing but the abstract methods is whole: what is not abstract is done by those.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol

from asimov.storage._bytes.descriptors import write_all
from asimov.storage._bytes.digests import Digest, Named
from asimov.storage._bytes.progress import Meter, Progress
from asimov.storage._format.further import of_values
from asimov.storage._model.check import Check, Status
from asimov.storage._model.matching import Where, mismatch, require_match
from asimov.storage._model.names import Key
from asimov.storage._model.record import Record
from asimov.storage._model.snapshot import Contents

if TYPE_CHECKING:
    import threading

    from typing_extensions import Buffer


class Source(NamedTuple):
    """One file to add.

    Attributes
    ----------
    key : (event, production, file)
        What it is to be called.
    path : Path
        Where it is; only for messages, if its bytes are given.
    hash : str or None
        The MD5 that it must have, if one was given.
    content : bytes-like or None
        Its bytes, if they are in memory.
    """

    key: Key
    path: Path
    hash: str | None
    content: Buffer | None = None


class Received(Protocol):
    """Bytes that have come in and are durable, but have no name in the Store yet. Gone if no commit places them."""

    digest: Digest


class Writing(Protocol):
    """A file that is written straight into the Store."""

    file: BinaryIO

    def finish(self, hash: str | None) -> Received:
        """Return what was written, as durable as `Backend.receive` leaves it; the file is closed.

        Raises
        ------
        HashError
            It hasn't the MD5 `hash`.
        """


class Arriving(Protocol):
    """A file that arrives in pieces, and may go on in another process after an interruption."""

    @property
    def size(self) -> int:
        """How many bytes are here."""

    def md5(self) -> str:
        """Return the MD5 of those bytes: 32 lower-case hexadecimal digits."""

    def write(self, data: Buffer) -> None:
        """Append `data`."""

    def empty(self) -> None:
        """Begin anew."""

    def finish(self, key: Key, hash: str | None) -> Received:
        """Return what has arrived, ready to be committed as `key`; others can't go on with it any more.

        Raises
        ------
        HashError
            It hasn't the MD5 `hash`.
        """

    def discard(self) -> None:
        """Remove what is here; what was committed stays."""

    def close(self) -> None:
        """Keep what is here, for a day, and let others go on with it; remove it if they couldn't find it."""


class Item:
    """One file to add.

    Parameters
    ----------
    key : (event, production, file)
        What it is to be called.
    data : Received
        Its bytes.
    """

    def __init__(self, key: Key, data: Received) -> None:
        self.key, self.data, self.digest = key, data, data.digest
        self.uuid = new_uuid()
        self.shared: Record | None = None
        """The record whose bytes this one shares, if it does."""
        self.present: Record | None = None
        """The record that has this very name and these bytes already, if there is one."""

    def record(self) -> Record:
        """Make the record that is to be added."""
        further: dict[str, object] = {}
        if self.digest.sha256 is not None:
            further = {"sha256": self.digest.sha256, "size": self.digest.size}
        return Record.of(self.key, self.digest.md5, self.uuid, of_values(further))


def new_uuid() -> str:
    """Return a uuid that was never given: 32 hexadecimal digits."""
    from uuid import uuid4  # takes milliseconds, which a reader needn't pay

    return uuid4().hex


class Change(Protocol):
    """What a commit is to record. When another commit was first, `resolve` is called again."""

    @property
    def items(self) -> Sequence[Item]:
        """The files to place, of those that `resolve` returned the records of."""

    @property
    def sound(self) -> Mapping[str, object]:
        """What `Backend.proof` returned of files whose bytes may be shared, by the uuids of their records."""

    def resolve(self, contents: Contents) -> Sequence[Record]:
        """Check against the state and return the records to add; raise to refuse. With none, nothing happens."""

    def renew(self) -> None:
        """Forget the uuids that were given out: the commit starts over."""


class Found(NamedTuple):
    """What a look at a record's file, without reading it, has found.

    Attributes
    ----------
    where : str
        Where the file is, or should be: an absolute path, or a URL.
    size : int or None
        Bytes; None if there is no file.
    modified : int or None
        When it was added, in ns since 1970; None if there is no file.
    """

    where: str
    size: int | None
    modified: int | None


class Backend(ABC):
    """The place where one Store lies.

    Methods may be called from several threads, and in a process that was forked. Errors of the place are OSErrors, and
    name it by `location`.
    """

    @property
    @abstractmethod
    def location(self) -> str:
        """The place as text, for messages and to open it again by; never holds a secret."""

    @property
    @abstractmethod
    def root(self) -> Path | None:
        """The Store's folder, absolute; None if it lies in none."""

    @property
    @abstractmethod
    def changing(self) -> threading.RLock:
        """The lock that a thread holds as it changes something; free again after a fork."""

    # Records.

    @abstractmethod
    def contents(self) -> Contents:
        """Return the present state. What has not changed is not read again, and nothing is written.

        Raises
        ------
        NotAStoreError, ManifestError, OSError
            There is none, or it can't be read.
        """

    @property
    @abstractmethod
    def seen(self) -> Contents:
        """What `contents` returned last: for what never changes, and for what must not read."""

    @abstractmethod
    def commit(self, change: Change) -> None:
        """Record what `change` resolves to, its files placed, and return once that would survive a power cut.

        Raises
        ------
        Exception
            What `change` raises to refuse, or an OSError; the Store is then as it was before.
        """

    @abstractmethod
    def fold(self) -> None:
        """Write into manifest.yaml what was committed and isn't there yet; do nothing if all is."""

    @abstractmethod
    def writable(self) -> str | None:
        """Return None, or in words why nothing can be added here. Finding out changes nothing."""

    # Bytes on their way in.

    @abstractmethod
    def receive(
        self,
        sources: Sequence[Source],
        meter: Meter,
        *,
        sha256: bool,
        opened: Callable[[Path], int] | None = None,
    ) -> AbstractContextManager[Sequence[Received]]:
        """Take files in, digested in the same pass; at the end of the ``with`` block goes what was not committed.

        Parameters
        ----------
        opened : callable, optional
            ``opened(path)`` opens a source and returns its descriptor; otherwise sources are opened by their paths.

        Raises
        ------
        HashError
            A source hasn't the MD5 that it must have.
        SourceChangedError
            Somebody wrote to one meanwhile.
        """

    @abstractmethod
    def new_file(self, key: Key, *, sha256: bool) -> AbstractContextManager[Writing]:
        """Begin a file to be written; at the end of the ``with`` block it goes, unless it was committed."""

    @abstractmethod
    def arriving(
        self, token: str, keep: Callable[[int], int], *, sha256: bool, progress: Progress | None = None
    ) -> Arriving:
        """Begin a file that arrives in pieces, or go on with what came before under this token.

        Parameters
        ----------
        keep : callable
            ``keep(size)`` returns how many bytes to keep of so many that are here.
        progress : callable, optional
            ``progress(done, total)``, while these are digested; what it raises ends that, and the file is kept.

        Raises
        ------
        BlockingIOError
            Somebody else is at it.
        """

    @abstractmethod
    def mend(self, files: Sequence[tuple[Record, Received]], contents: Contents, meter: Meter | None) -> None:
        """Look at recorded files, and put the right bytes in the place of those that are missing or damaged.

        Raises
        ------
        RecordExistsError
            The data has a record's MD5, but other bytes.
        """

    @abstractmethod
    def proof(self, record: Record, meter: Meter | None) -> object | None:
        """Verify a file whose bytes may be shared; return what tells it from a later one, None if it isn't sound."""

    # Bytes on their way out.

    @abstractmethod
    def where(self, record: Record) -> Where:
        """Return where a record's file is, or should be; nothing is verified."""

    @abstractmethod
    def pieces(self, record: Record, offset: int = 0) -> Iterator[bytes]:
        """Yield the bytes of a record's file, from `offset` on; nothing is verified.

        Raises
        ------
        FileNotFoundError, OSError
            There is none, or it can't be read.
        """

    @abstractmethod
    def path(self, record: Record, meter: Meter | None = None) -> Path:
        """Return the path of a record's file, or of a copy on this machine, after verifying it.

        Raises
        ------
        HashError
            Its bytes are not those that were recorded.
        """

    @abstractmethod
    def open(self, record: Record, meter: Meter | None = None) -> BinaryIO:
        """Open a record's file, verified: what is read is what was verified. Raises as `path`."""

    @abstractmethod
    def stat(self, records: Iterable[Record]) -> Iterator[Found]:
        """Look at the files of many records, in one pass and in their order, without reading them."""

    @abstractmethod
    def untracked(self, contents: Contents, groups: Iterable[tuple[str, str]]) -> Iterable[Where]:
        """List what lies in the folders of `groups`, (event, production) pairs, and is no record's file."""

    def copy(self, record: Record, target: int, meter: Meter | None, writing: Named) -> None:
        """Copy a record's file into an open one, verified on the way; `writing` names the open one in errors.

        Raises
        ------
        HashError
            Its bytes are not those that were recorded. Some have been written.
        """
        found = Digest(sha256=record.sha256 is not None)
        for piece in self._counted(record, found, meter):
            with writing:
                write_all(target, piece)
        require_match(record, found, self.where(record))

    def check(self, records: Sequence[Record], meter: Meter | None = None) -> list[Check]:
        """Verify files, sorted by key, and return what was found of each; an error of one file is a Check, too."""
        return [self._check(record, meter) for record in records]

    def _check(self, record: Record, meter: Meter | None) -> Check:
        found = Digest(sha256=record.sha256 is not None)
        try:
            for _ in self._counted(record, found, meter):
                pass
        except FileNotFoundError:
            return failed(record, self.where(record), Status.MISSING, "there is no such file")
        except OSError as error:
            return failed(record, self.where(record), Status.UNREADABLE, error.strerror or str(error))
        return checked(record, self.where(record), found)

    def _counted(self, record: Record, found: Digest, meter: Meter | None) -> Iterator[bytes]:
        """Yield the bytes of a record's file, digested and counted."""
        for piece in self.pieces(record):
            found.update(piece)
            if meter is not None:
                meter.advance(len(piece))
            yield piece

    # When files were last verified, where that can be kept.

    def times_verified(self) -> Mapping[str, int]:
        """Return when files were last found to be sound: seconds since 1970, by uuid."""
        return {uuid: seconds for uuid, seconds in self.last_verified().items() if seconds > 0}

    def last_verified(self) -> Mapping[str, int]:
        """Return when files were last verified: seconds since 1970, by uuid; negative where they were not sound."""
        return {}

    def note_verified(self, checks: Sequence[Check], recorded: Sequence[str], *, rotating: bool) -> None:  # noqa: B027 - a place for that is no duty
        """Keep when files were found to be sound, of those whose uuids are `recorded`; a failure is no error.

        Unless it is `rotating`, only where that adds nothing to what another program has made.
        """


def checked(record: Record, where: Where, found: Digest) -> Check:
    """Return the Check of a file that was read, by what its bytes digest to."""
    wrong = mismatch(record, found)
    return Check(
        event=record.event,
        production=record.production,
        file=record.file,
        uuid=record.uuid,
        hash=record.hash,
        status=Status.OK if wrong is None else Status.CORRUPT,
        actual=found.md5,
        path=where,
        size=found.size,
        reason=wrong,
    )


def failed(record: Record, where: Where, status: Status, reason: str) -> Check:
    """Return the Check of a file that could not be read."""
    return Check(
        event=record.event,
        production=record.production,
        file=record.file,
        uuid=record.uuid,
        hash=record.hash,
        status=status,
        actual=None,
        path=where,
        size=None,
        reason=reason,
    )

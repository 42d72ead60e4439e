"""The protocol of back ends: what a Store needs of the place where it is, and what an addition hands to that place.

`Store`, `Manifest` and all of `_operations` work on a `Backend` and never ask which one it is. The dividing line is
`commit`: how records are added without loss, by links and renames or by conditional requests, is up to each back end.
So are its temporary names, locks and retries.

A back end only has to override the abstract methods. All others are built on these.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol

from asimov.storage._bytes import digests
from asimov.storage._bytes.descriptors import write_all
from asimov.storage._bytes.digests import Digest, Named
from asimov.storage._bytes.progress import Meter, Progress
from asimov.storage._format.further import of_values
from asimov.storage._format.retractions import Line
from asimov.storage._model.matching import Where, require_match
from asimov.storage._model.names import Key
from asimov.storage._model.record import Record
from asimov.storage._model.snapshot import Contents

if TYPE_CHECKING:
    import threading

    from typing_extensions import Buffer

    from asimov.storage._disk.folder import Folder
    from asimov.storage._model.check import Check


class Source(NamedTuple):
    """One file to add.

    Attributes
    ----------
    key : (event, production, file)
        The names that it will have.
    path : Path
        Where it is; only for messages, if its bytes are given.
    hash : str or None
        The MD5 that it must have, if one was given.
    content : bytes-like or None
        Its bytes, if they are in memory.
    meta : dict or None
        The notes on its record, checked.
    """

    key: Key
    path: Path
    hash: str | None
    content: Buffer | None = None
    meta: Mapping[str, object] | None = None


class Received(Protocol):
    """Bytes that were received and are durable, but have no name in the Store yet. They go if no commit places them."""

    digest: Digest


class Writing(Protocol):
    """A file that is written straight into the Store."""

    file: BinaryIO

    def finish(self, hash: str | None) -> Received:
        """Close the file, and return what was written, as durable as after `Backend.receive`.

        Raises
        ------
        HashError
            The file doesn't have the MD5 `hash`.
        """


class Arriving(Protocol):
    """A file that arrives in pieces, and that another process can resume after an interruption."""

    @property
    def size(self) -> int:
        """How many bytes have arrived."""

    def md5(self) -> str:
        """Return the MD5 of those bytes: 32 lower-case hexadecimal digits."""

    def write(self, data: Buffer) -> None:
        """Append `data`."""

    def empty(self) -> None:
        """Remove all bytes, and begin again."""

    def finish(self, key: Key, hash: str | None) -> Received:
        """Return what has arrived, ready to be committed as `key`; others can't resume it any more.

        Raises
        ------
        HashError
            The file doesn't have the MD5 `hash`.
        """

    def discard(self) -> None:
        """Remove what has arrived; what was committed stays."""

    def close(self) -> None:
        """Keep the bytes for a day, so that others can resume; remove them if others couldn't find them."""


class Item:
    """One file to add.

    Parameters
    ----------
    key : (event, production, file)
        The names that it will have.
    data : Received
        Its bytes.
    meta : mapping, optional
        The notes on its record, checked.
    """

    def __init__(self, key: Key, data: Received, meta: Mapping[str, object] | None = None) -> None:
        self.key, self.data, self.digest, self.meta = key, data, data.digest, meta
        self.uuid = new_uuid()
        self.shared: Record | None = None
        """The record whose bytes this file shares, if it shares any."""
        self.present: Record | None = None
        """The record that already has this name and these bytes, if there is one."""

    def record(self) -> Record:
        """Return the record to add."""
        further: dict[str, object] = {}
        if self.digest.sha256 is not None:
            further = {"sha256": self.digest.sha256, "size": self.digest.size}
        if self.meta:
            further["meta"] = self.meta
        return Record.of(self.key, self.digest.md5, self.uuid, of_values(further))


def new_uuid() -> str:
    """Return a new uuid: 32 hexadecimal digits."""
    from uuid import uuid4  # takes milliseconds to load, and readers don't need it

    return uuid4().hex


class Change(Protocol):
    """The records that a commit adds. If another commit comes first, `resolve` is called again."""

    @property
    def items(self) -> Sequence[Item]:
        """The files to place, if `resolve` returns their records."""

    @property
    def sound(self) -> Mapping[str, object]:
        """What `Backend.proof` returned for files whose bytes may be shared, by the uuids of their records."""

    def resolve(self, contents: Contents) -> Sequence[Line]:
        """Return the records and retractions to add to these contents, or raise an error to refuse.

        If there are none, nothing is committed.
        """

    def renew(self) -> None:
        """Replace the uuids that were given: the commit starts over."""


class Found(NamedTuple):
    """What is known about a record's file without reading it.

    Attributes
    ----------
    where : str
        Where the file is, or should be: an absolute path, or a URL.
    size : int or None
        Its size in bytes; None if there is no file.
    modified : int or None
        When it was added, in ns since 1970; None if there is no file.
    """

    where: str
    size: int | None
    modified: int | None


class Backend(ABC):
    """The place where one Store is.

    Methods may be called from several threads, and in a process that was forked. Errors of the place are OSErrors that
    name it by its `location`.
    """

    @property
    @abstractmethod
    def location(self) -> str:
        """The place as text, for messages and for opening it again; it never holds a secret."""

    @property
    def options(self) -> Mapping[str, object]:
        """What its opening needs beside the location; it never holds a secret."""
        return {}

    @property
    def together(self) -> int:
        """How many files are best fetched at a time."""
        return 1

    @property
    @abstractmethod
    def root(self) -> Path | None:
        """The Store's folder, absolute; None if the Store is not in a folder."""

    @property
    @abstractmethod
    def changing(self) -> threading.RLock:
        """The lock that a thread holds while it changes something; it is free again after a fork."""

    # Records.

    @abstractmethod
    def contents(self) -> Contents:
        """Return the current state. What has not changed is not read again, and nothing is written.

        Raises
        ------
        NotAStoreError, ManifestError, OSError
            There is no Store, or it can't be read.
        """

    @property
    @abstractmethod
    def seen(self) -> Contents:
        """What `contents` returned last: for values that never change, and for callers that must not read."""

    @abstractmethod
    def commit(self, change: Change) -> None:
        """Place the files of `change` and add its records; return once these would survive a power cut.

        Raises
        ------
        Exception
            What `change` raises to refuse, or an OSError; the Store is then as it was before.
        """

    @abstractmethod
    def fold(self) -> None:
        """Write into manifest.yaml the records that were committed and are not there yet."""

    @abstractmethod
    def writable(self) -> str | None:
        """Return why nothing can be added here, in words; None if files can be added. Nothing is changed."""

    # Bytes into the Store.

    @abstractmethod
    def receive(
        self,
        sources: Sequence[Source],
        meter: Meter,
        *,
        sha256: bool,
        opened: Callable[[Path], int] | None = None,
    ) -> AbstractContextManager[Sequence[Received]]:
        """Receive files, digested in the same pass; remove what was not committed at the end of the ``with`` block.

        Parameters
        ----------
        opened : callable, optional
            ``opened(path)`` opens a source and returns its descriptor; otherwise sources are opened by their paths.

        Raises
        ------
        HashError
            A source doesn't have the MD5 that it must have.
        SourceChangedError
            A source was written to meanwhile.
        """

    @abstractmethod
    def new_file(self, key: Key, *, sha256: bool) -> AbstractContextManager[Writing]:
        """Begin a file to write; remove it at the end of the ``with`` block, unless it was committed."""

    @abstractmethod
    def arriving(
        self, token: str, keep: Callable[[int], int], *, sha256: bool, progress: Progress | None = None
    ) -> Arriving:
        """Begin a file that arrives in pieces, or resume the one that began under this token.

        Parameters
        ----------
        keep : callable
            ``keep(size)`` returns how many of the `size` bytes that have arrived to keep.
        progress : callable, optional
            ``progress(done, total)`` is called while these are digested. An error that it raises ends that; the file
            is kept.

        Raises
        ------
        BlockingIOError
            Another writer is using this token.
        """

    @abstractmethod
    def mend(self, files: Sequence[tuple[Record, Received]], contents: Contents, meter: Meter | None) -> None:
        """Check recorded files, and replace those that are missing or damaged by the right bytes.

        Raises
        ------
        RecordExistsError
            The data has a record's MD5, but other bytes.
        """

    @abstractmethod
    def proof(self, record: Record, meter: Meter | None) -> object | None:
        """Verify a file whose bytes may be shared; return proof of its present state, None if it isn't sound."""

    # Bytes out of the Store.

    @abstractmethod
    def where(self, record: Record) -> Where:
        """Return where a record's file is, or should be; nothing is verified."""

    @abstractmethod
    def pieces(self, record: Record, offset: int = 0) -> Iterator[bytes]:
        """Yield the bytes of a record's file, from `offset` on; nothing is verified.

        Raises
        ------
        FileNotFoundError, OSError
            There is no such file, or it can't be read.
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
        """Verify a record's file and open it: the bytes read are those verified. Errors are those of `path`."""

    @abstractmethod
    def stat(self, records: Iterable[Record]) -> Iterator[Found]:
        """Yield size and time of the files of many records, in one pass and in their order, without reading them."""

    def sizes(self, records: Iterable[Record]) -> Iterator[int]:
        """Yield the size of each file, 0 if it isn't known here: to share out work, without asking for each file."""
        return (found.size or 0 for found in self.stat(records))

    @abstractmethod
    def untracked(self, contents: Contents, groups: Iterable[tuple[str, str]]) -> Iterable[Where]:
        """Return all that is in the folders of `groups`, (event, production) pairs, and is no record's file."""

    def copy(self, record: Record, target: int, meter: Meter | None, writing: Named) -> None:
        """Copy a record's file to an open one, and verify the bytes meanwhile; `writing` names the copy in errors.

        Raises
        ------
        HashError
            Its bytes are not those that were recorded. Some of them have been written.
        """
        found = Digest(sha256=record.sha256 is not None)
        for piece in digests.counted(self.pieces(record), found, meter):
            with writing:
                write_all(target, piece)
        require_match(record, found, self.where(record))

    def link(self, record: Record, folder: Folder, name: str, meter: Meter | None) -> bool:  # noqa: ARG002 - optional
        """Give a record's file, verified, a second name in `folder`; return False if it can't have one there.

        Raises
        ------
        HashError
            Its bytes are not those that were recorded. It may have the name by then.
        """
        return False

    def tag(self, record: Record) -> str:  # noqa: ARG002 - optional
        """Return what the place says of a file's bytes without reading them, such as an ETag; empty if nothing."""
        return ""

    def check(self, records: Sequence[Record], meter: Meter | None = None) -> list[Check]:
        """Verify files, sorted by key, and return a Check of each, even of one that can't be read."""
        from . import checking

        return [checking.check(record, self.where(record), self.pieces, meter) for record in records]

    # When files were last verified, if the back end can keep that.

    def times_verified(self) -> Mapping[str, int]:
        """Return when files were last found to be sound: seconds since 1970, by uuid."""
        return {uuid: seconds for uuid, seconds in self.last_verified().items() if seconds > 0}

    def last_verified(self) -> Mapping[str, int]:
        """Return when files were last verified: seconds since 1970, by uuid; negative if they were not sound."""
        return {}

    def note_verified(self, checks: Sequence[Check], recorded: Sequence[str], *, rotating: bool) -> None:  # noqa: B027 - optional
        """Keep when files were verified, for the uuids that are `recorded`; a failure is no error.

        Without `rotating`, nothing is kept in a Store that only another program has written.
        """

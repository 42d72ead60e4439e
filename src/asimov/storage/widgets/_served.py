"""Served: the part of a Store that the widgets use. No module of the widgets imports the class Store itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from asimov.storage._display.text import shown
from asimov.storage._model.errors import StorageError
from asimov.storage._operations import adding

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from typing_extensions import Buffer

    from asimov.storage._backends.base import Backend, Source
    from asimov.storage._bytes.progress import Progress
    from asimov.storage._model.check import Check
    from asimov.storage._model.matching import Where
    from asimov.storage._model.names import Key
    from asimov.storage._model.record import Record
    from asimov.storage._model.reports import RestoreReport, VerificationReport
    from asimov.storage._model.snapshot import Contents
    from asimov.storage._operations.adding import Added

    Found = tuple[Where, int | None, int | None]
    """Path, size in bytes and time of the last change in ns. Size and time are None if there is no file."""


class Served(Protocol):
    """The members of a Store that the widgets use."""

    backend: Backend

    @property
    def name(self) -> str:
        """The name of the Store."""

    def __getitem__(self, key: Key, /) -> Record:
        """Return the record of `key`, or raise RecordNotFoundError."""

    def fetch_file(
        self,
        event: object,
        production: object,
        file: str,
        hash: str | None = None,
        *,
        dest: str | os.PathLike[str] | None = None,
        retracted: bool = False,
        progress: Progress | None = None,
    ) -> Path:
        """Verify a file, and return its path, or that of its copy in `dest`."""

    def fetch_files(
        self,
        selection: object,
        *,
        dest: str | os.PathLike[str] | None = None,
        tree: bool = False,
        progress: Progress | None = None,
    ) -> list[Path]:
        """Verify many files, and return their paths, or those of their copies in `dest`."""

    def open_file(
        self,
        event: object,
        production: object,
        file: str,
        *,
        retracted: bool = False,
        progress: Progress | None = None,
    ) -> BinaryIO:
        """Verify a file and open it. The bytes that are read are the bytes that were verified."""

    def verify(
        self,
        *,
        selection: object = None,
        progress: Progress | None = None,
        _on_check: Callable[[Check], object] | None = None,
    ) -> VerificationReport:
        """Verify files, and call `_on_check` with each result."""

    def restore(
        self, source: Any, selection: object = None, *, dry_run: bool = True, progress: Progress | None = None
    ) -> RestoreReport:
        """Put back missing and damaged files from copies in a folder or another Store, or only report on them."""


class Arriving(Protocol):
    """A file that arrives in pieces."""

    @property
    def size(self) -> int:
        """The number of bytes that have arrived."""

    def md5(self) -> str:
        """Return the MD5 of the bytes that have arrived."""

    def write(self, data: Buffer, /) -> None:
        """Append `data`."""

    def empty(self) -> None:
        """Remove all bytes that have arrived, so that the file starts again."""

    def commit(self, *, hash: str | None, meta: Mapping[str, object] | None = None) -> object:
        """Store the file, with notes. The partial file is gone afterwards, whether that succeeds or fails."""

    def discard(self) -> None:
        """Remove the partial file."""

    def close(self) -> None:
        """Keep the partial file for a day, so that it can be resumed."""


_METHODS = [name for name, member in vars(Served).items() if callable(member) and not name.startswith("_")]


def require_store(widget: object, store: object) -> None:
    """Raise TypeError if the argument of a widget is not a Store."""
    if not all(hasattr(type(store), name) for name in _METHODS):  # type(): or the class Store itself would pass
        name = type(widget).__name__
        msg = f"{shown(store)} is no Store: {name} takes one, as in {name}(Store('results'))."
        raise TypeError(msg)


# Only the functions below use more of a Store than its public methods.


def contents(store: Served) -> Contents:
    """Read the current contents of a Store."""
    return store.backend.contents()


def refusal(store: Served) -> str | None:
    """Return a message that says why nothing can be added to a Store; None if files can be added."""
    reason = store.backend.writable()
    return None if reason is None else f"Nothing can be added to this Store: {reason}."


def store_in(store: Served, folder: Path) -> object:
    """Return the Store in `folder`, or the folder itself if there is no Store that can be read."""
    opened: Callable[[Path], object] = type(store)
    try:
        return opened(folder)
    except (StorageError, OSError):
        return folder


def html(store: Served) -> str:
    """Return the HTML of a Store, for readers without a kernel."""
    picture: str = store._repr_html_()  # type: ignore[attr-defined]
    return picture


def why_retracted(store: Served, record: Record) -> str | None:
    """Return the reason why a record was retracted, as of the last reading of the Store; None if it was not."""
    retraction = store.backend.seen.retracted.get(record.uuid)
    return None if retraction is None else retraction.reason


def stat(store: Served, record: Record) -> Found:
    """Return the path of a record's file, its size in bytes and the time of its last change in ns.

    Size and time are None if the file is missing.
    """
    return next(iter(store.backend.stat([record])))


def stat_all(store: Served, records: Iterable[Record]) -> Iterator[Found]:
    """Yield the same as `stat` for each of many records."""
    return store.backend.stat(records)


def times_verified(store: Served) -> Mapping[str, int]:
    """Return when each file was last verified, by uuid: seconds since 1970, negative if the file was not sound."""
    return store.backend.last_verified()


def add(store: Served, source: Source, opened: Callable[[Path], int], progress: Progress) -> None:
    """Add one file. `opened` opens it."""
    adding.add(store.backend, [source], progress=progress, opened=opened)


def add_contents(
    store: Served, contents: Sequence[tuple[Key, Buffer]], meta: Mapping[str, object] | None, progress: Progress
) -> list[Added]:
    """Add small files that are in memory, each by itself, with notes. Return the result of each once it is durable."""
    return adding.add_contents(store.backend, contents, meta=meta, progress=progress)


def incoming(
    store: Served, key: Key, token: str, keep: Callable[[int], int], progress: Progress | None = None
) -> Arriving:
    """Start a file that arrives in pieces, or resume the one that arrived earlier under the same token.

    `keep` is called with the number of bytes that are there already. It returns how many of them to keep.

    Raises
    ------
    BlockingIOError
        Another process is writing the file of this token.
    """
    return adding.PartialFile(store.backend, key, token=token, keep=keep, progress=progress)

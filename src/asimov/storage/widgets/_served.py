"""Served: what a widget asks of the Store that it was made for. No module of the widgets imports the Store itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from asimov.storage._display.text import shown
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
    from asimov.storage._model.reports import VerificationReport
    from asimov.storage._model.snapshot import Contents
    from asimov.storage._operations.adding import Added

    Found = tuple[Where, int | None, int | None]
    """Path, size in bytes and time of the last change in ns; None where there is no file."""


class Served(Protocol):
    """A Store, as far as the widgets know it."""

    backend: Backend

    @property
    def root(self) -> Path:
        """Its folder."""

    @property
    def name(self) -> str:
        """What it is called."""

    def __getitem__(self, key: Key, /) -> Record:
        """Return a record, or raise RecordNotFoundError."""

    def fetch_file(
        self,
        event: object,
        production: object,
        file: str,
        hash: str | None = None,
        *,
        dest: str | os.PathLike[str] | None = None,
        progress: Progress | None = None,
    ) -> Path:
        """Return the path of a file that was verified, or of its copy."""

    def fetch_files(
        self,
        selection: object,
        *,
        dest: str | os.PathLike[str] | None = None,
        tree: bool = False,
        progress: Progress | None = None,
    ) -> list[Path]:
        """Return the paths of many such files."""

    def open_file(self, event: object, production: object, file: str, *, progress: Progress | None = None) -> BinaryIO:
        """Open a file that was verified: what is read is what was verified."""

    def verify(
        self,
        *,
        selection: object = None,
        progress: Progress | None = None,
        _on_check: Callable[[Check], object] | None = None,
    ) -> VerificationReport:
        """Verify files, and call `_on_check` with each result."""


class Arriving(Protocol):
    """A file that arrives in pieces."""

    @property
    def size(self) -> int:
        """How many bytes are here."""

    def md5(self) -> str:
        """Return the MD5 of these bytes."""

    def write(self, data: Buffer, /) -> None:
        """Append `data`."""

    def empty(self) -> None:
        """Begin anew."""

    def commit(self, *, hash: str | None) -> object:
        """Store the file. Nothing of it is left here, whether that succeeds or fails."""

    def discard(self) -> None:
        """Remove what is here."""

    def close(self) -> None:
        """Keep what is here, for a day, so that the file can go on."""


_METHODS = [name for name, member in vars(Served).items() if callable(member) and not name.startswith("_")]


def require_store(widget: object, store: object) -> None:
    """Raise TypeError if what a widget was given is no Store."""
    if not all(hasattr(type(store), name) for name in _METHODS):  # of its class: else the class Store would pass
        name = type(widget).__name__
        msg = f"{shown(store)} is no Store: {name} takes one, as in {name}(Store('results'))."
        raise TypeError(msg)


# What widgets need of a Store besides its public methods stands here, and nowhere else.


def contents(store: Served) -> Contents:
    """Read what a Store holds now."""
    return store.backend.contents()


def refusal(store: Served) -> str | None:
    """Return in words why nothing can be added to a Store; None where it can."""
    reason = store.backend.writable()
    return None if reason is None else f"Nothing can be added to this Store: {reason}."


def html(store: Served) -> str:
    """Return what a Store looks like to readers without a kernel."""
    picture: str = store._repr_html_()  # type: ignore[attr-defined]
    return picture


def stat(store: Served, record: Record) -> Found:
    """Return path, size in bytes and time of the last change in ns of a record's file; None where it is missing."""
    return next(iter(store.backend.stat([record])))


def stat_all(store: Served, records: Iterable[Record]) -> Iterator[Found]:
    """Return the same of many records, one after the other."""
    return store.backend.stat(records)


def times_verified(store: Served) -> Mapping[str, int]:
    """Return when files were last verified: seconds since 1970, by uuid; negative where they were not sound then."""
    return store.backend.last_verified()


def add(store: Served, source: Source, opened: Callable[[Path], int], progress: Progress) -> None:
    """Add one file, which `opened` opens."""
    adding.add(store.backend, [source], progress=progress, opened=opened)


def add_contents(store: Served, contents: Sequence[tuple[Key, Buffer]], progress: Progress) -> list[Added]:
    """Add small files that are in memory, each by itself; return what became of each, once that is durable."""
    return adding.add_contents(store.backend, contents, progress=progress)


def incoming(
    store: Served, key: Key, token: str, keep: Callable[[int], int], progress: Progress | None = None
) -> Arriving:
    """Begin a file that arrives in pieces, or go on with what came before under its token, as far as `keep` says.

    Raises
    ------
    BlockingIOError
        Another process writes to this token now.
    """
    return adding.PartialFile(store.backend, key, token=token, keep=keep, progress=progress)

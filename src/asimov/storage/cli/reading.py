"""What the commands read of a Store beside what its methods return: whole columns, or only what they need."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asimov.storage._model.matching import Where
    from asimov.storage._model.record import Record
    from asimov.storage._store import Store


def columns(store: Store) -> tuple[Sequence[str], Sequence[str], Sequence[str], Sequence[str], Sequence[str]]:
    """Return events, productions, files, hashes and uuids of all records, sorted."""
    return store.manifest.columns()


def records(store: Store, event: str | None, production: str | None) -> list[Record]:
    """Return the records of all events, of `event`, or of its `production`.

    Raises
    ------
    RecordNotFoundError
        There is no such event or production.
    """
    from asimov.storage._model.selection import within

    contents = store.backend.contents()
    return [contents.record(index) for index in within(contents, event, production)]


def sizes(store: Store, records: Iterable[Record] | None = None) -> list[int | None]:
    """Return the size in bytes of each record's file, None if it is missing; of all records if none are given."""
    return [size for _, size, _ in store.backend.stat(store if records is None else records)]


def path(store: Store, record: Record) -> Where:
    """Return where the file of a record is; nothing is verified."""
    return store.backend.where(record)

"""Growth: the contents of a manifest together with the entries after it."""

from __future__ import annotations

from collections.abc import Iterable

from asimov.storage._model.names import Key
from asimov.storage._model.record import Record
from asimov.storage._model.snapshot import Contents

from .entries import Entry
from .retractions import with_retractions


def grown(contents: Contents, entries: Iterable[Entry | None], *, trusted: bool) -> Contents:
    """Return contents that also have what the entries add. None stands for an entry that isn't whole.

    `trusted` says that the manifest is as this package wrote it.
    """
    whole = [entry for entry in entries if entry is not None]
    records = [record for entry in whole for record in entry.records]
    more = contents.with_records(_unknown(records, contents, trusted=trusted))
    return with_retractions(more, [retraction for entry in whole for retraction in entry.retractions])


def _unknown(records: list[Record], contents: Contents, *, trusted: bool) -> list[Record]:
    """Return the records that `contents` does not hold, by name or by uuid: they may have been renamed by hand.

    With `trusted`, that can't have happened.
    """
    new: dict[Key, Record] = {}
    for record in records:
        if contents.get(record.key) is None:
            new.setdefault(record.key, record)
    return [record for record in new.values() if trusted or contents.by_uuid(record.uuid) is None]

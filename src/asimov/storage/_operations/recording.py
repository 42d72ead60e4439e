"""Recording files that the caller takes care of: the change that adds their records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from asimov.storage._backends.base import Item
from asimov.storage._model.errors import RecordExistsError
from asimov.storage._model.names import Key
from asimov.storage._model.record import Record
from asimov.storage._model.snapshot import Contents


def require_new(contents: Contents, key: Key, uuid: str) -> None:
    """Raise RecordExistsError if there is a record with that name or that uuid."""
    if contents.get(key) is not None or contents.by_uuid(uuid) is not None:
        msg = f"{' / '.join(map(ascii, key))}, or its uuid, is recorded already, and records are never changed."
        raise RecordExistsError(msg)


class Recording:
    """The change (see `base.Change`) that adds `records` with the uuids given. Their files may exist or not."""

    items: Sequence[Item] = ()
    sound: Mapping[str, object] = {}

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = records

    def resolve(self, contents: Contents) -> Sequence[Record]:
        """Return the records.

        Raises
        ------
        RecordExistsError
            One of them has been recorded meanwhile.
        """
        for record in self.records:
            if contents.get(record.key) is not None or contents.by_uuid(record.uuid) is not None:
                msg = (
                    f"{' / '.join(map(ascii, record.key))}, or its uuid, has been recorded meanwhile. "
                    "Nothing was published of what was noted; note the others again."
                )
                raise RecordExistsError(msg)
        return self.records

    def renew(self) -> None:
        """Keep the uuids: the caller gave them."""

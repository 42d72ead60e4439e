"""Retracting: what should not be used any more is said to be so, beside its record, and refused by every fetch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from asimov.storage._backends.base import Backend, Item
from asimov.storage._display.text import shown
from asimov.storage._format.retractions import is_strange
from asimov.storage._model.errors import RetractedError
from asimov.storage._model.record import Record
from asimov.storage._model.retraction import Retraction, in_words
from asimov.storage._model.selection import select

from .meta import LARGEST, now, user

if TYPE_CHECKING:
    from asimov.storage._model.snapshot import Contents


def retract(
    backend: Backend, contents: Contents, selection: object, reason: object, superseded_by: object
) -> list[Record]:
    """Retract the selected records, all or none; return them."""
    records = list(dict.fromkeys(select(contents, selection)))
    values = {"reason": _reason(reason), "at": now(), "by": user()}
    successor = None if superseded_by is None else _successor(contents, records, superseded_by)
    if successor is not None:
        values["superseded_by"] = successor.uuid
    if records:
        backend.commit(Retracting(records, values))
    return records


def require_current(contents: Contents, records: Iterable[Record]) -> None:
    """Raise RetractedError if one of the records was retracted."""
    retracted = contents.retracted
    for record in records if retracted else ():
        if record.uuid in retracted:
            raise retracted_error(contents, record)


def retracted_error(contents: Contents, record: Record) -> RetractedError:
    """Return the error about a record that was retracted."""
    retraction = contents.retracted[record.uuid]
    successor = None if retraction.superseded_by is None else contents.by_uuid(retraction.superseded_by)
    msg = f"{in_words(record, retraction, successor)} retracted=True fetches it all the same."
    return RetractedError(msg, record=record, reason=retraction.reason, superseded_by=successor)


class Retracting:
    """The change (see `base.Change`) that retracts `records`."""

    items: Sequence[Item] = ()
    sound: Mapping[str, object] = {}

    def __init__(self, records: Sequence[Record], values: Mapping[str, object]) -> None:
        self.records, self.values = records, values

    def resolve(self, contents: Contents) -> Sequence[Retraction]:
        """Return the retractions that aren't there yet.

        Raises
        ------
        RetractedError
            One of the records was retracted already, for another reason or another successor.
        ValueError
            Another program has written the key of the retractions.
        """
        if is_strange(contents):
            msg = "The manifest has a key 'retracted' that is no mapping: another program has written it, and it would "
            msg += "be lost. Nothing was retracted: give that key another name in manifest.yaml first."
            raise ValueError(msg)
        new = []
        for record in self.records:
            known = contents.retracted.get(record.uuid)
            if known is None:
                new.append(Retraction(record.uuid, self.values))
            elif (known.reason, known.superseded_by) != (self.values["reason"], self.values.get("superseded_by")):
                error = retracted_error(contents, record)
                error.add_note("A retraction is never changed, and nothing was retracted now.")
                raise error
        return new

    def renew(self) -> None:
        """Keep the uuids: they are those of the records."""


def _reason(reason: object) -> str:
    if not isinstance(reason, str):
        msg = f"reason={shown(reason)}: it takes a str that says why, for those who come later."
        raise TypeError(msg)
    if not reason.strip():
        msg = "reason='' says nothing: say why, for those who come later."
        raise ValueError(msg)
    try:
        size = len(reason.encode())
    except UnicodeEncodeError:
        msg = "reason holds a lone surrogate, which YAML can't hold."
        raise ValueError(msg) from None
    if size > LARGEST:
        msg = f"reason has {size:,} bytes, and at most {LARGEST:,} are for it."
        raise ValueError(msg)
    return reason


def _successor(contents: Contents, records: Sequence[Record], superseded_by: object) -> Record:
    found = select(contents, [superseded_by])
    successor = next(iter(found))
    if successor in records:
        msg = f"superseded_by={shown(superseded_by)}: a record can't be its own successor."
        raise ValueError(msg)
    require_current(contents, [successor])
    return successor

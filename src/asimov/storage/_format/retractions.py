"""Retractions in the text of a manifest: a mapping at the top, under the key ``retracted``, by uuid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from asimov.storage._model.further import values
from asimov.storage._model.record import Record
from asimov.storage._model.retraction import RETRACTED, Retraction
from asimov.storage._model.snapshot import Contents

from . import further

Line: TypeAlias = "Record | Retraction"
"""What a line of an entry adds to a Store."""


def with_retractions(contents: Contents, retractions: Iterable[Retraction]) -> Contents:
    """Return contents that also have these retractions; of two of one record, the first counts."""
    new: dict[str, Retraction] = {}
    for retraction in retractions:
        if retraction.uuid not in contents.retracted:
            new.setdefault(retraction.uuid, retraction)
    if not new:
        return contents
    outer = dict(further.items(contents.top, 0))
    there = "" if is_strange(contents) else outer.get(RETRACTED, "")
    lines = dict(further.items(there.partition("\n")[2], 2))
    lines |= {uuid: further.of_values({uuid: retraction.values}, 2) for uuid, retraction in new.items()}
    outer[RETRACTED] = f"{RETRACTED}:\n" + "".join(lines[uuid] for uuid in sorted(lines))
    return contents.with_top("".join(outer[key] for key in sorted(outer)))


def is_strange(contents: Contents) -> bool:
    """Return whether the key of the retractions has a value that is no mapping: something else has written it."""
    return f"\n{RETRACTED}:" in f"\n{contents.top}" and not isinstance(values(contents.top).get(RETRACTED), Mapping)


def holds(contents: Contents, line: Line) -> bool:
    """Return whether the contents have this very record, or this very retraction."""
    if isinstance(line, Retraction):
        return contents.retracted.get(line.uuid) == line
    found = contents.get(line.key)
    return found is not None and found.uuid == line.uuid


def records_in(lines: Iterable[Line]) -> list[Record]:
    """Return those lines that are records."""
    return [line for line in lines if isinstance(line, Record)]


def retractions_in(lines: Iterable[Line]) -> list[Retraction]:
    """Return those lines that are retractions."""
    return [line for line in lines if isinstance(line, Retraction)]

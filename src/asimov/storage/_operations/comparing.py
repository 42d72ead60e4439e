"""Comparing: what two sets of records, of Stores or of tables, don't have in common."""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

from asimov.storage._display.text import shown
from asimov.storage._model.identity import plain_md5
from asimov.storage._model.names import Key
from asimov.storage._model.record import Record
from asimov.storage._model.snapshot import Contents
from asimov.storage._model.tables import columns_of

Difference: TypeAlias = tuple[Key, str | None, str | None, str]
"""The names, the MD5 here, the MD5 there, and what differs."""

ONLY_HERE, ONLY_THERE, OTHER_BYTES = "only here", "only there", "other bytes"
_COLUMNS = ("event", "production", "file", "hash")


class Side(NamedTuple):
    """One of the two that are compared.

    Attributes
    ----------
    hashes : dict
        The MD5 of each file, by its names.
    further : dict
        The lines that the manifest has beside it, by the same names; empty if no record has any, and for a table.
    """

    hashes: dict[Key, str]
    further: dict[Key, str]


def side_of(other: Any) -> Side:
    """Return what is compared of a Store, of its manifest, or of a table.

    Raises
    ------
    TypeError
        It is none of these, or the table lacks a column or a value.
    ValueError
        The table names a file twice, or has a hash that is no MD5.
    """
    snapshot = getattr(getattr(other, "manifest", other), "snapshot", None)
    if callable(snapshot) and isinstance(contents := snapshot(), Contents):
        return side_of_contents(contents)
    columns = columns_of(other, _COLUMNS)
    if columns is None:
        msg = f"{shown(other)}: it takes a Store, or a DataFrame that Store.to_frame() returned."
        raise TypeError(msg)
    return Side(_hashes(columns), {})


def side_of_contents(contents: Contents) -> Side:
    """Return what is compared of a Store's records."""
    further = dict(zip(contents.keys, contents.further, strict=True)) if contents.further else {}
    return Side(dict(zip(contents.keys, contents.hashes, strict=True)), further)


def _hashes(columns: dict[str, list[Any]]) -> dict[Key, str]:
    missing = [name for name in _COLUMNS if name not in columns]
    if missing:
        msg = f"The table has no column {', '.join(missing)}: it needs event, production, file and hash."
        raise TypeError(msg)
    for name in _COLUMNS:
        for wrong in (value for value in columns[name] if not isinstance(value, str)):
            msg = f"The column {name} of the table holds {shown(wrong)}, which is no text."
            raise TypeError(msg)
    events, productions, names, digests = (columns[name] for name in _COLUMNS)
    found = dict(zip(zip(events, productions, names, strict=True), map(_md5, digests), strict=True))
    if len(found) < len(digests):
        msg = "The table has several rows of one event, production and file. Leave one of them."
        raise ValueError(msg)
    return found


def _md5(value: str) -> str:
    digits = plain_md5(value)
    if digits is None:
        msg = f"The column hash of the table holds {value!a}, which is no MD5: 32 hexadecimal digits."
        raise ValueError(msg)
    return digits


def differences(here: Side, there: Side) -> list[Difference]:
    """Return what is only here, only there, or named alike with other bytes, sorted by event, production and file.

    Where both sides have the SHA-256 of a file, that counts too: forged bytes may have the same MD5.
    """
    mine, theirs = here.hashes, there.hashes  # in their order, which is sorted nearly always: then sorting costs little
    found: list[Difference] = [(key, md5, None, ONLY_HERE) for key, md5 in mine.items() if key not in theirs]
    found += [(key, None, md5, ONLY_THERE) for key, md5 in theirs.items() if key not in mine]
    other = {*_unlike(mine, theirs), *_forged(here, there)}
    found += [(key, mine[key], theirs[key], OTHER_BYTES) for key in other]
    return sorted(found, key=itemgetter(0))


def _unlike(here: dict[Key, str], there: dict[Key, str]) -> Iterator[Key]:
    """Yield the names that both have, with another value."""
    return (key for key, value in here.items() if there.get(key, value) != value)


def _forged(here: Side, there: Side) -> Iterator[Key]:
    """Yield the names of the files whose SHA-256 is known on both sides, and isn't the same."""
    for key in _unlike(here.further, there.further):
        digests = {Record.of(key, "", "", side.further[key]).sha256 for side in (here, there)}
        if None not in digests and len(digests) > 1:
            yield key

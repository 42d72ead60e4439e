"""The folder ``recent/``: its entries, listed by their numbers and read."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence

from asimov.storage._disk import files
from asimov.storage._disk.folder import GONE, Folder
from asimov.storage._format.entries import Entry, read
from asimov.storage._format.layout import RECENT
from asimov.storage._model.record import Record
from asimov.storage._model.snapshot import Contents

REMOVED = Entry()
"""The placeholder of an entry that was removed before it could be read."""


def warn(text: str, *arguments: object) -> None:
    """Log a warning about a fault that doesn't stop the work."""
    import logging  # takes milliseconds to load, and is rarely needed

    logging.getLogger(__package__).warning(text, *arguments)


def open_entries(home: Folder, stack: contextlib.ExitStack) -> tuple[Folder | None, list[int]]:
    """Open the folder of entries by its name; return it and their numbers, sorted."""
    try:
        recent = stack.enter_context(home.folder(RECENT))
    except FileNotFoundError:
        return None, []
    return recent, numbers_in(recent)


def numbers_in(recent: Folder) -> list[int]:
    """Return the numbers of the entries, sorted."""
    return sorted([int(name) for name in recent.names() if _is_number(name)])


def _is_number(name: str) -> bool:
    return name.isdecimal() and name.isascii() and (name[0] != "0" or name == "0")


def has_entries(home: Folder) -> bool:
    """Return whether there are any entries."""
    with contextlib.ExitStack() as stack:
        return bool(open_entries(home, stack)[1])


def identity_of(recent: Folder | None, number: int) -> tuple[int, ...]:
    """Return values that tell an entry from another with its number; an empty tuple if it isn't there."""
    found = None if recent is None else recent.status(str(number))
    return () if found is None else (found.st_ino, found.st_mtime_ns)


def entries_of(recent: Folder | None, numbers: Sequence[int]) -> dict[int, Entry | None]:
    """Read entries by their numbers; return `REMOVED` for one that is gone, and None for one that isn't whole."""
    return {} if recent is None else {number: _read_entry(recent, str(number)) for number in numbers}


def _read_entry(recent: Folder, name: str) -> Entry | None:
    try:
        descriptor, _, text = files.read_steadily(recent, name)
    except OSError as error:
        if error.errno not in GONE:
            raise
        return REMOVED
    os.close(descriptor)
    entry = read(text)
    if entry is None:
        warn("%s is not whole, as a power cut may leave it, and records nothing", recent.path / name)
    return entry


def records_of(entries: dict[int, Entry | None]) -> list[Record]:
    """Return the records of entries, in the order of the entries."""
    return [record for entry in entries.values() if entry is not None for record in entry.records]


def unknown_in(entries: dict[int, Entry | None]) -> str:
    """Return what the entries hold that this version doesn't understand, in words; empty if there is nothing."""
    return next((entry.unknown for entry in entries.values() if entry is not None and entry.unknown), "")


def included_in(contents: Contents, entries: dict[int, Entry | None]) -> int:
    """Return the number of the last entry that a manifest of another program includes, which doesn't say so.

    That is the last entry that is empty, or whose records the manifest has all. If it has only some of an entry's
    records, it includes the entries before that one.
    """
    uuids = set(contents.uuids) if records_of(entries) else set()
    included = 0
    for number, entry in sorted(entries.items()):
        if entry is None or entry is REMOVED or (entry.unknown and not entry.lines):
            continue
        known = [record.uuid in uuids for record in entry.records]
        known += [retraction.uuid in contents.retracted for retraction in entry.retractions]
        if all(known):
            included = number
        elif any(known):
            included = number - 1
    return included

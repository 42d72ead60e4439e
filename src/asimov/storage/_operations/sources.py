"""Sources: the files to add, and their names, from tuples, rows with names, or a table."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from asimov.storage._backends.base import Source
from asimov.storage._display.text import shown
from asimov.storage._model.identity import is_given
from asimov.storage._model.names import key_of, meant, spelled
from asimov.storage._model.record import Record
from asimov.storage._model.tables import Row, columns_of, is_row, require_names, row_of

from .arguments import digest
from .meta import checked

_PLACE = ("event", "production")
_NAMES = (*_PLACE, "file", "path", "new_name", "hash", "meta")
_TAKEN = (
    "(event, production, path), perhaps with a new_name and meta as fourth and fifth parts, or a row with these names"
)


def source(
    event: object,
    production: object,
    file: object,
    new_name: object = None,
    meta: object = None,
    *,
    hash: object = None,
) -> Source:
    """Check what was given for one file to add.

    Raises
    ------
    TypeError
        The file is no path.
    InvalidNameError
        A name isn't valid.
    HashError
        The hash is no MD5.
    ValueError
        The notes are no notes; a TypeError, if they are no mapping.
    """
    if not isinstance(file, (str, bytes, os.PathLike)):
        msg = f"{shown(file)} is no path of a file: give a str or a Path. What is in memory goes in by new_file()."
        raise TypeError(msg)
    path = Path(spelled(os.fsdecode(file)))
    name = meant(path.name) if new_name is None else new_name
    return Source(key_of(event, production, name), path, digest(hash, path), meta=checked(meta))


def sources(files: object) -> list[Source]:
    """Check what was given for many files to add.

    Parameters
    ----------
    files : (event, production, path[, new_name[, meta]]), row, or an iterable of these, or a table
        Rows and tables are read by their names: event, production, and path or file, and also new_name, hash and meta
        if there are any. If a row has both a path and a file, the file is the name that it gets.

    Raises
    ------
    TypeError
        It is none of these.
    InvalidNameError, HashError
        As from `source`.
    """
    return [_source(item) for item in _items(files)]


def _items(files: Any) -> Iterable[Any]:
    columns = columns_of(files, _NAMES)
    if columns is not None:
        require_names(columns, _PLACE, files)
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if is_row(files, _NAMES) or _is_one(files):
        return [files]
    if isinstance(files, (str, bytes)) or not hasattr(files, "__iter__"):
        msg = f"{shown(files)} is nothing to add: it takes an iterable of {_TAKEN}, or a DataFrame."
        raise TypeError(msg)
    items: Iterable[Any] = files
    return items


def _is_one(files: object) -> bool:
    """Return whether a tuple is one file: a list of files holds no path."""
    return isinstance(files, tuple) and len(files) in {3, 4, 5} and isinstance(files[2], (str, bytes, os.PathLike))


def _source(item: Any) -> Source:
    if isinstance(item, Record):
        msg = f"{shown(item)} doesn't say where its file is: rows of to_frame(stat=True) do."
        raise TypeError(msg)
    row = row_of(item, _NAMES)
    if row is not None:
        return _named_source(row, item)
    parts = item.tolist() if hasattr(item, "tolist") else item
    if not isinstance(parts, (tuple, list)) or len(parts) not in {3, 4, 5}:
        msg = f"{shown(item)} is no file to add: it takes {_TAKEN}."
        raise TypeError(msg)
    return source(*parts)


def _named_source(row: Row, item: object) -> Source:
    require_names(row, _PLACE, item)
    given = {name: value for name, value in row.items() if is_given(value)}
    if "path" not in given and "file" not in given:
        msg = f"{shown(item)} names no file to add: it needs a path, or a file."
        raise TypeError(msg)
    path = given.get("path", given.get("file"))
    new_name = given.get("new_name", given.get("file") if "path" in given else None)
    meta = given.get("meta")
    return source(row["event"], row["production"], path, new_name, meta, hash=given.get("hash"))

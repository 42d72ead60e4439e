"""The pandas view: a Store, records and a VerificationReport as DataFrames.

Strings have pandas' default dtype (``str`` on pandas 3, ``object`` on 2.2), even in an empty frame, so that frames of
several Stores concatenate without surprises. The functions take columns and values: they know no Store.
"""

from __future__ import annotations

from collections import Counter
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
import pandas as pd

from asimov.storage._display.text import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

RECORD_COLUMNS = ("event", "production", "file", "hash", "uuid")
Given = TypeVar("Given")
CHECK_COLUMNS = ("event", "production", "file", "uuid", "hash", "status", "actual", "path", "size", "reason")

DIFFERENCE_COLUMNS = ("event", "production", "file", "hash", "other_hash", "difference")
TREE_COLUMNS = ("event", "production", "file", "path", "size", "action", "reason")


class Tabulated(Protocol):
    """An object that returns a table of itself, as a Store does."""

    def to_frame(self, stat: bool = ..., *, meta: bool = ...) -> pd.DataFrame:  # noqa: FBT001 - as Store.to_frame is called
        """Return the table."""


class Retracted(Protocol):
    """What is said of a record that was retracted."""

    @property
    def reason(self) -> str:
        """Why."""

    @property
    def superseded_by(self) -> str | None:
        """The uuid of the record to use instead."""


class Results(Protocol):
    """A report with a result for each record, such as a VerificationReport."""

    @property
    def results(self) -> Sequence[object]:
        """The results, each with the attributes `CHECK_COLUMNS`."""


def store_to_frame(store: Tabulated, *, stat: bool = False, meta: bool = False) -> pd.DataFrame:
    """Return the records of a Store as a table, one row for each record.

    Parameters
    ----------
    store : Store
        The Store, which is read once.
    stat : bool
        Add columns about each file on disk.
    meta : bool
        Add a column for each key of the records' notes.

    Returns
    -------
    pandas.DataFrame
        The table of `Store.to_frame`, which lists the columns; with a RangeIndex.

    Examples
    --------
    >>> from asimov.storage import Store
    >>> store = Store.create(folder / "frame", "Test Store")
    >>> list(store.to_frame().columns)
    ['event', 'production', 'file', 'hash', 'uuid']
    """
    return _require(store, "to_frame", "a Store").to_frame(stat, meta=meta)


def columns_to_frame(
    keys: Sequence[tuple[str, str, str]],
    hashes: Sequence[str],
    uuids: Sequence[str],
    *,
    files: Iterable[tuple[Path | str, int | None, int | None]] | None = None,
    verified: Iterable[int | None] = (),
    notes: Sequence[Mapping[str, object]] = (),
    stamps: Sequence[object] | None = None,
    retracted: Mapping[str, Retracted] | None = None,
) -> pd.DataFrame:
    """Return the columns of a manifest, and what is known about the files, as a table.

    Parameters
    ----------
    keys : sequence of (event, production, file)
        One for each row.
    hashes, uuids : sequence of str
        One for each row.
    files : iterable of (path, size, time), optional
        One for each row: size in bytes and modification time in nanoseconds since 1970, None if the file is missing.
    verified : iterable of (int or None)
        With `files`, one for each row: when it was last found to be sound, in seconds since 1970, or None.
    notes : sequence of mapping
        One for each row, or none at all: each key becomes a column.
    stamps : sequence, optional
        With `files`, one for each row: when it was added, as text (ISO 8601), or None.
    retracted : mapping, optional
        The retractions by uuid, which become two columns.

    Returns
    -------
    pandas.DataFrame
        The columns of `Store.to_frame`, with or without `stat` and `meta`, with a RangeIndex.
    """
    places = (map(itemgetter(position), keys) for position in range(3))
    series = _texts(len(keys), *places, hashes, uuids)
    if files is not None:
        series |= _stat_columns(files)
        series["verified"] = _instants(verified, "s")
        if stamps is not None:
            series["added"] = _stamped(stamps, series["added"])
    series |= {name: of for name, of in _noted(notes).items() if name not in series}
    if retracted is not None:
        found = [retracted.get(uuid) for uuid in uuids]
        series["retracted"] = _text((None if one is None else one.reason for one in found), len(found))
        series["superseded_by"] = _text((None if one is None else one.superseded_by for one in found), len(found))
    return pd.DataFrame(series, copy=False)


def overview_frame(keys: Sequence[tuple[str, str, str]]) -> pd.DataFrame:
    """Return the number of files of each production of each event.

    Parameters
    ----------
    keys : sequence of (event, production, file)
        One for each file, sorted.

    Returns
    -------
    pandas.DataFrame
        Events (index) by productions (columns), both sorted; int64.
    """
    counts = Counter((event, production) for event, production, _ in keys)
    names = [sorted({pair[part] for pair in counts}) for part in range(2)]
    rows, columns = ({name: number for number, name in enumerate(of)} for of in names)
    values = np.zeros((len(rows), len(columns)), "int64")
    for (event, production), count in counts.items():
        values[rows[event], columns[production]] = count
    index, head = (pd.Index(of, name=name) for of, name in zip(names, ("event", "production"), strict=True))
    return pd.DataFrame(values, index=index, columns=head)


def records_to_frame(records: Iterable[object]) -> pd.DataFrame:
    """Return records as a table, in the order given, with the columns of ``Store.to_frame()``.

    Parameters
    ----------
    records : iterable of Record
        All records of one Store, or some.

    Returns
    -------
    pandas.DataFrame
        The columns of `Store.to_frame` without `stat`, with a RangeIndex.
    """
    rows = [_require(record, "uuid", "Records") for record in records]
    return pd.DataFrame(_texts(len(rows), *(map(attrgetter(name), rows) for name in RECORD_COLUMNS)))


def report_to_frame(report: Results) -> pd.DataFrame:
    """Return the results of a verification as a table, one row for each Check.

    Parameters
    ----------
    report : VerificationReport
        What ``Store.verify()`` returned.

    Returns
    -------
    pandas.DataFrame
        A row for each Check in the report's order, with a RangeIndex and the columns event, production, file, uuid,
        hash, status, actual, path and reason (str; NA where a Check has None) and size (Int64, bytes).
    """
    checks = _require(report, "results", "a VerificationReport").results
    columns = {name: [getattr(check, name) for check in checks] for name in CHECK_COLUMNS}
    columns["status"] = [status.value for status in columns["status"]]
    columns["path"] = list(map(str, columns["path"]))
    series = {name: _sizes(of) if name == "size" else _text(of, len(checks)) for name, of in columns.items()}
    return pd.DataFrame(series)


def differences_frame(found: Sequence[tuple[tuple[str, str, str], str | None, str | None, str]]) -> pd.DataFrame:
    """Return the differences of two Stores as a table, in the order given.

    Parameters
    ----------
    found : sequence of ((event, production, file), hash, other_hash, difference)
        One for each row; a hash is None where there is no such file.

    Returns
    -------
    pandas.DataFrame
        The columns of `Store.diff`, with a RangeIndex.
    """
    parts = [map(itemgetter(position), map(itemgetter(0), found)) for position in range(3)]
    values = [map(itemgetter(position), found) for position in range(1, 4)]
    columns = zip(DIFFERENCE_COLUMNS, [*parts, *values], strict=True)
    return pd.DataFrame({name: _text(of, len(found)) for name, of in columns})


def tree_frame(
    rows: Sequence[tuple[str | None, str | None, str | None, str, int | None, str, str | None]],
) -> pd.DataFrame:
    """Return what is in a folder as a table, in the order given.

    Parameters
    ----------
    rows : sequence of (event, production, file, path, size, action, reason)
        One for each row; None where something isn't known.

    Returns
    -------
    pandas.DataFrame
        The columns of `Store.add_tree`, with a RangeIndex.
    """
    columns = {name: [row[position] for row in rows] for position, name in enumerate(TREE_COLUMNS)}
    return pd.DataFrame(
        {name: _sizes(of) if name == "size" else _text(of, len(rows)) for name, of in columns.items()}  # type: ignore[arg-type]
    )


def _require(value: Given, attribute: str, kind: str) -> Given:
    """Return `value`; raise TypeError if it lacks the attribute that shows its kind."""
    if not hasattr(value, attribute):
        msg = f"{shown(value)}: the function takes {kind}."
        raise TypeError(msg)
    return value


def _stat_columns(found: Iterable[tuple[object, int | None, int | None]]) -> dict[str, pd.Series]:
    paths, sizes, times = [], [], []
    for path, size, time in found:
        paths.append(str(path))
        sizes.append(size)
        times.append(time)
    return {"size": _sizes(sizes), "added": _instants(times, "ns"), "path": _text(paths, len(paths))}


def _stamped(stamps: Sequence[object], added: pd.Series[pd.Timestamp]) -> pd.Series[pd.Timestamp]:
    """Return when files were added, by their stamps where these are times, and else as the files say."""
    texts = pd.Series([stamp if isinstance(stamp, str) else None for stamp in stamps], dtype=object)
    found = pd.to_datetime(texts, utc=True, errors="coerce", format="ISO8601").dt.as_unit("ns")
    return found.fillna(added)


def _noted(notes: Sequence[Mapping[str, object]]) -> dict[str, pd.Series]:
    columns: dict[str, pd.Series] = {}
    for name in sorted({name for note in notes for name in note}):
        values = [note.get(name) for note in notes]
        texts = [value for value in values if value is None or isinstance(value, str)]
        columns[name] = _text(texts, len(texts)) if len(texts) == len(values) else pd.Series(values, dtype=object)
    return columns


def _instants(times: Iterable[int | None], unit: str) -> pd.Series[pd.Timestamp]:
    """Return a column of times in UTC from whole units since 1970."""
    known = np.array(["NaT" if time is None else time for time in times], dtype=f"datetime64[{unit}]")
    return pd.Series(known.astype("datetime64[ns]")).dt.tz_localize("UTC")


def _texts(count: int, *columns: Iterable[str]) -> dict[str, pd.Series]:
    return {name: _text(values, count) for name, values in zip(RECORD_COLUMNS, columns, strict=True)}


def _text(values: Iterable[str | None], count: int) -> pd.Series:
    objects = np.fromiter(values, dtype=object, count=count)
    dtype = pd.Series(["as pandas would have it"]).dtype
    try:
        return pd.Series(objects, dtype=dtype)
    except UnicodeEncodeError:  # a path that is not UTF-8, which Arrow's strings can't hold
        return pd.Series(objects, dtype=object)


def _sizes(values: Sequence[int | None]) -> pd.Series[int]:
    return pd.Series(pd.array(values, dtype="Int64"))

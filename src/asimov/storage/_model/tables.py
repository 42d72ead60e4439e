"""Rows and tables of other libraries, read by the names of their columns.

A row may be a dict, a named tuple, a Series, a record of numpy or an object with attributes. A table may be a DataFrame
of pandas or polars, or a Table of pyarrow or astropy. None of these libraries is imported here: anything that has
``columns`` is a table, and anything that has names is a row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeAlias

from asimov.storage._display.text import shown

Row: TypeAlias = "dict[str, Any]"
"""The values of a row under the names that were asked for, as far as it has them."""

_READERS = ("tolist", "to_pylist", "to_list")


def columns_of(table: Any, wanted: Collection[str]) -> dict[str, list[Any]] | None:
    """Read the `wanted` columns of a table, and the levels of its index with these names; None if it is no table.

    Raises
    ------
    TypeError
        A column occurs twice, or the table is of a kind that can't be read here.
    """
    names = _column_names(table)
    if names is None:
        return None
    columns = {name: _cells(table, _column(table, name)) for name in _wanted(names, wanted)}
    index = getattr(table, "index", None)
    for name in _wanted(getattr(index, "names", ()), wanted):
        if name not in columns:
            columns[name] = _cells(table, index.get_level_values(name))  # type: ignore[union-attr]
    return columns


def _column_names(table: Any) -> Iterable[object] | None:
    if hasattr(table, "columns"):
        names: Iterable[object] = getattr(table, "column_names", table.columns)  # pyarrow's `columns` are the values
        return names
    if hasattr(table, "__dataframe__"):
        raise _unread(table)
    return None if getattr(table, "shape", ()) == () else _fields(table)


def _fields(item: Any) -> Iterable[object] | None:
    """Return the names of the fields of numpy's structured array, or of a record of one; None if it is neither."""
    names: Iterable[object] | None = getattr(getattr(item, "dtype", None), "names", None)
    return names


def _column(table: Any, name: str) -> Any:
    try:
        return table[name]
    except TypeError as error:  # polars' LazyFrame has names, and no values yet
        raise _unread(table) from error


def _cells(table: Any, column: Any) -> list[Any]:
    read = next((getattr(column, name) for name in _READERS if hasattr(column, name)), None)
    if read is None:
        raise _unread(table)
    return list(read())


def _unread(table: object) -> TypeError:
    kind = type(table).__name__
    return TypeError(f"A {kind} can't be read as a table here. Turn it into a pandas DataFrame first.")


def _wanted(names: Iterable[object], wanted: Collection[str]) -> list[str]:
    """Return those of `names` that are wanted; raise TypeError if one of them occurs twice."""
    found = [name for name in names if isinstance(name, str) and name in wanted]
    twice = next((name for name in found if found.count(name) > 1), None)
    if twice is not None:
        msg = f"There are several columns {twice!a}. Leave one of them."
        raise TypeError(msg)
    return found


def row_of(item: Any, wanted: Collection[str]) -> Row | None:
    """Read the values of a named row under the `wanted` names; None if `item` is no named row.

    A pair of an index and a row, as from ``iterrows()`` and ``enumerate()``, counts as the row.

    Raises
    ------
    TypeError
        A name occurs twice.
    """
    if isinstance(item, (str, bytes)):
        return None
    if isinstance(item, tuple) and hasattr(item, "_fields"):
        return {name: getattr(item, name) for name in item._fields if name in wanted}
    if isinstance(item, tuple):
        is_pair = len(item) == 2 and not isinstance(item[1], tuple) and row_of(item[0], wanted) is None
        return row_of(item[1], wanted) if is_pair else None
    keys = _keys(item)
    if keys is not None:
        return {name: item[name] for name in _wanted(keys, wanted)}
    if all(hasattr(item, name) for name in ("event", "production")):
        return {name: getattr(item, name) for name in wanted if hasattr(item, name)}
    return None


def _keys(item: Any) -> Iterable[object] | None:
    """Return the names in a mapping, a Series or a record of numpy; None if it is none of them."""
    if isinstance(item, Mapping):
        return item
    if getattr(item, "shape", None) == ():  # one record; a whole array is a table
        return _fields(item)
    if callable(getattr(item, "keys", None)):
        keys: Iterable[object] = item.keys()
        return keys
    return None


def is_row(item: object, wanted: Collection[str]) -> bool:
    """Return whether `item` is one row with at least one of the `wanted` names, rather than several rows."""
    if isinstance(item, tuple) and item and isinstance(item[0], tuple):
        return False  # two items, a key and a row, rather than an index and its row
    return bool(row_of(item, wanted))


def require_names(row: Row, needed: Collection[str], item: object) -> None:
    """Raise TypeError if a row lacks one of the names `needed`."""
    missing = [name for name in needed if name not in row]
    if missing:
        msg = f"{shown(item)} has no {' and no '.join(missing)}: it needs {', '.join(needed)}."
        raise TypeError(msg)

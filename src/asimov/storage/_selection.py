"""Selections: which records are meant by Records, tuples, or rows of a DataFrame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ._contents import Contents
from ._errors import RecordNotFoundError
from ._names import Key, named
from ._records import Record

_KINDS = ("event", "production", "file")


def keys_of(selection: object) -> list[Key]:
    """Give the keys that `selection` means.

    Parameters
    ----------
    selection : Record, or iterable of Record or of (event, production, file), or DataFrame
        A DataFrame, or its rows as ``itertuples`` and ``iterrows`` give them, has columns event, production and file.

    Raises
    ------
    TypeError
        It is none of these.
    """
    return [_key_of(item) for item in _items(selection)]


def _items(selection: Any) -> Iterable[Any]:
    if isinstance(selection, Record):
        return [selection]
    if hasattr(selection, "columns"):
        missing = [kind for kind in _KINDS if kind not in selection.columns]
        if missing:
            msg = f"The DataFrame has no column {', '.join(missing)}: a selection needs event, production and file."
            raise TypeError(msg)
        return list(zip(*(selection[kind] for kind in _KINDS), strict=True))
    if isinstance(selection, str) or not hasattr(selection, "__iter__"):
        msg = f"{selection!a} is no selection: give Records, (event, production, file) tuples, or rows of to_frame()."
        raise TypeError(msg)
    if all(hasattr(selection, kind) for kind in _KINDS) or _is_plain_key(selection):
        return [selection]
    return list(selection)


def _is_plain_key(selection: object) -> bool:
    return isinstance(selection, tuple) and len(selection) == 3 and all(isinstance(part, str) for part in selection)


def _key_of(item: Any) -> Key:
    if all(hasattr(item, kind) for kind in _KINDS):
        parts = [getattr(item, kind) for kind in _KINDS]
    elif isinstance(item, dict):
        parts = [item.get(kind) for kind in _KINDS]
    else:
        parts = _tuple(item)
    event, production, file = (named(kind, part) for kind, part in zip(_KINDS, parts, strict=True))
    return event, production, file


def _tuple(item: Any) -> list[Any]:
    parts = list(item) if isinstance(item, Iterable) and not isinstance(item, str) else []
    if len(parts) != 3:
        msg = (
            f"{item!a} selects nothing: it takes a Record, an (event, production, file) tuple, or a row of to_frame()."
        )
        raise TypeError(msg)
    return parts


def select(contents: Contents, selection: object) -> list[Record]:
    """Find the records that `selection` means, in its order.

    Raises
    ------
    RecordNotFoundError
        The Store does not have one of them.
    """
    items = list(_items(selection)) if not hasattr(selection, "columns") else None
    records = [find(contents, key) for key in keys_of(selection if items is None else items)]
    for item, record in zip(items or (), records, strict=False):
        if isinstance(item, Record) and item.uuid != record.uuid:
            msg = (
                f"{' / '.join(map(ascii, item.key))} has another uuid than the record that was selected: another file."
            )
            raise RecordNotFoundError(msg)
    return records


def find(contents: Contents, key: Key) -> Record:
    """Find the record with `key`.

    Raises
    ------
    RecordNotFoundError
        There is none; the message says which part is unknown, and what comes near.
    """
    record = contents.get(key)
    if record is not None:
        return record
    raise RecordNotFoundError(_why_not(contents, *key))


def within(contents: Contents, event: str | None, production: str | None) -> range:
    """Give the indices of an event's records, or a production's, or all.

    Raises
    ------
    RecordNotFoundError
        There is no such event or production.
    """
    if event is None:
        if production is not None:
            msg = "A production was given without its event; give both."
            raise TypeError(msg)
        return contents.span()
    names = [named("event", event)] + ([] if production is None else [named("production", production)])
    if not contents.has(*names):
        raise RecordNotFoundError(_why_not(contents, *names))
    return contents.span(*names)


def _why_not(contents: Contents, event: str, production: str | None = None, file: str | None = None) -> str:
    if not contents.has(event):
        return _unknown("event", event, "", (key[0] for key in contents.keys))
    if production is None or not contents.has(event, production):
        names = (contents.keys[i][1] for i in contents.span(event))
        return _unknown("production", str(production), f" in event {event!a}", names)
    names = (contents.keys[i][2] for i in contents.span(event, production))
    return _unknown("file", str(file), f" in {event!a} / {production!a}", names)


def _unknown(kind: str, name: str, where: str, names: Iterator[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, list(dict.fromkeys(names))[:5000], n=3)
    hint = (
        f" Did you mean {' or '.join(map(ascii, near))}?"
        if near
        else " See what there is with to_frame() or `locutus list`."
    )
    return f"The Store has no {kind} {name!a}{where}.{hint}"

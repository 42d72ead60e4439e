"""Selections: the records that a caller means by Records, tuples, rows with names, or a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from asimov.storage._display.text import shown

from .errors import InvalidNameError, RecordNotFoundError
from .identity import IDENTITY, is_given, plain_md5, plain_sha256, plain_uuid, searched_uuid
from .names import Key, valid_name
from .record import Record
from .snapshot import Contents
from .tables import Row, columns_of, is_row, require_names, row_of

_KINDS = ("event", "production", "file")
_NAMES = (*_KINDS, *IDENTITY)
_TAKEN = "a Record, an (event, production, file) tuple, or a row with these names"


class Chosen(NamedTuple):
    """One selected file: its key, and as much of its identity as was given."""

    event: str
    production: str
    file: str
    uuid: object = None
    hash: object = None
    sha256: object = None

    @property
    def key(self) -> Key:
        """Event, production and file."""
        return self.event, self.production, self.file


def chosen(selection: object) -> list[Chosen]:
    """Return the files that `selection` means, one by one.

    Parameters
    ----------
    selection : Record, (event, production, file), row, or an iterable of these, or a table
        A row is a dict, a named tuple, a Series, or an object with attributes. Its names event, production and file are
        read, and also uuid, hash and sha256 if it has them. A table has columns, or levels of its index, of these
        names.

    Raises
    ------
    TypeError
        It is none of these.
    InvalidNameError
        A name in it isn't valid.
    """
    columns = columns_of(selection, _NAMES)
    if columns is not None:
        return _of_columns(columns)
    if isinstance(selection, str) or not (hasattr(selection, "__iter__") or is_row(selection, _NAMES)):
        msg = f"{shown(selection)} is no selection: it takes {_TAKEN}, an iterable of these, or a DataFrame."
        raise TypeError(msg)
    if _is_plain_key(selection) or is_row(selection, _NAMES):
        return [_chosen(selection)]
    return [_chosen(item) for item in selection]  # type: ignore[attr-defined]


def _of_columns(columns: dict[str, list[Any]]) -> list[Chosen]:
    missing = [kind for kind in _KINDS if kind not in columns]
    if missing:
        msg = f"The table has no column {', '.join(missing)}: a selection needs event, production and file."
        raise TypeError(msg)
    nothing = [None] * len(columns["event"])
    rows = zip(*(columns.get(name, nothing) for name in _NAMES), strict=True)
    return [Chosen(*_key(row[:3]), *row[3:]) for row in rows]


def _is_plain_key(selection: object) -> bool:
    return isinstance(selection, tuple) and len(selection) == 3 and all(isinstance(part, str) for part in selection)


def _chosen(item: Any) -> Chosen:
    if isinstance(item, Record):
        return Chosen(*item.key, item.uuid, item.hash, item.sha256)
    row = row_of(item, _NAMES)
    if row is None:
        return Chosen(*_key(_parts(item)))
    require_names(row, _KINDS, item)
    return Chosen(*_key([row[kind] for kind in _KINDS]), *_identity(row))


def _identity(row: Row) -> list[object]:
    return [row.get(name) for name in IDENTITY]


def _key(parts: Sequence[object]) -> Key:
    event, production, file = (valid_name(kind, part) for kind, part in zip(_KINDS, parts, strict=True))
    return event, production, file


def _parts(item: Any) -> Sequence[object]:
    """Return the three parts of a row without names: a tuple, a list, or an array."""
    parts = item.tolist() if hasattr(item, "tolist") else item
    if not isinstance(parts, (tuple, list)) or len(parts) != 3:
        msg = f"{shown(item)} selects nothing: it takes {_TAKEN}."
        raise TypeError(msg)
    return parts


def select(contents: Contents, selection: object) -> list[Record]:
    """Find the records that `selection` means, in its order.

    Raises
    ------
    RecordNotFoundError
        The Store does not have one of them, or has another file under its name.
    """
    return [_found(contents, item) for item in chosen(selection)]


def _found(contents: Contents, item: Chosen) -> Record:
    record = find(contents, item.key)
    kind = _difference(record, item)
    if kind is not None:
        at, recorded = " / ".join(map(ascii, record.key)), getattr(record, kind)
        msg = (
            f"{at} has another {kind} in the Store ({recorded}) than in the selection ({shown(getattr(item, kind))}). "
        )
        msg += "It is another file, perhaps another Store's; select it anew from this Store."
        raise RecordNotFoundError(msg)
    return record


def _difference(record: Record, item: Chosen) -> str | None:
    """Return the name of the first given part of the identity that differs from the record's; None if none differs."""
    if is_given(item.uuid) and item.uuid != record.uuid and plain_uuid(item.uuid) != record.uuid:
        return "uuid"
    if is_given(item.hash) and item.hash != record.hash and plain_md5(item.hash) != record.hash:
        return "hash"
    if is_given(item.sha256) and (record.sha256 is None or plain_sha256(item.sha256) != record.sha256):
        return "sha256"
    return None


def is_recorded(contents: Contents, item: object) -> bool:
    """Return whether the Store has what `item` means: a record with the same identity, a key, or a uuid.

    Anything else is not in the Store.
    """
    if isinstance(item, str) or type(item).__name__ == "UUID":
        digits = plain_uuid(item)
        return digits is not None and contents.by_uuid(digits) is not None
    try:
        one = _chosen(item)
    except (TypeError, InvalidNameError):
        return False
    record = contents.get(one.key)
    return record is not None and _difference(record, one) is None


def find(contents: Contents, key: Key) -> Record:
    """Return the record with `key`.

    Raises
    ------
    RecordNotFoundError
        There is none; the message says which part is unknown, and which names are similar.
    """
    record = contents.get(key)
    if record is not None:
        return record
    raise unknown(contents, *key)


def unknown(contents: Contents, *names: str) -> RecordNotFoundError:
    """Return the error about names, one to three, that are not in a Store: it says which part, and what is similar."""
    return RecordNotFoundError(_why_not(contents, *names))


def find_uuid(contents: Contents, uuid: object) -> Record:
    """Return the record with a uuid, in any of its forms.

    Raises
    ------
    RecordNotFoundError
        There is none.
    """
    digits = searched_uuid(uuid)
    record = None if digits is None else contents.by_uuid(digits)
    if record is None:
        msg = f"The Store has no record with the uuid {str(uuid)!a}."
        raise RecordNotFoundError(msg)
    return record


def within(contents: Contents, event: str | None, production: str | None) -> range:
    """Return the indices of the records of an event, of a production, or of all.

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
    names = [valid_name("event", event)] + ([] if production is None else [valid_name("production", production)])
    if not contents.has(*names):
        raise unknown(contents, *names)
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

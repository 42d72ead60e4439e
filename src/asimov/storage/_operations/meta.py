"""Notes on a record, written with it: what a mapping given as ``meta`` may hold, and the stamp of a Store."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from asimov.storage._display.text import shown
from asimov.storage._format import further

if TYPE_CHECKING:
    from asimov.storage._model.snapshot import Contents

LARGEST = 16 * 1024
"""The most bytes that the notes of one record may take in the manifest."""
DEEPEST = 20
"""How many lists and mappings may be in each other."""
_NUMBERS = (
    (int, re.compile(r"[-+]?[0-9]{1,300}")),
    (float, re.compile(r"[-+]?([0-9]+\.[0-9]*|\.?[0-9]+)([eE][-+]?[0-9]+)?")),
)
"""How numbers are typed."""
STAMPED = ("added", "by")
"""The keys that a Store with a stamp writes."""
RESERVED = frozenset(
    (
        *("event", "production", "file", "hash", "uuid", "sha256", "size", "path", "verified", "meta"),
        *("retracted", "superseded_by", *STAMPED),
    )
)
"""The keys that are names of columns of `Store.to_frame`, or may be in a later version."""


def checked(meta: object) -> dict[str, Any] | None:
    """Return a plain copy of what was given as ``meta``; None for no notes.

    Numbers of numpy become Python's, tuples become lists, and dates and times become text (ISO 8601).

    Raises
    ------
    TypeError
        It is no mapping of texts to YAML's scalars, lists and mappings.
    ValueError
        A key is empty or reserved, or the notes are too large or too deep.
    """
    if meta is None:
        return None
    if not isinstance(meta, Mapping):
        msg = f"meta={shown(meta)}: it takes a mapping of texts to texts, numbers, lists and mappings."
        raise TypeError(msg)
    notes: dict[str, Any] = _plain(meta, "meta", 0)
    reserved = sorted(RESERVED.intersection(notes))
    if reserved:
        msg = f"meta: {', '.join(map(ascii, reserved))} can't be a key: a record, or to_frame, has that itself."
        raise ValueError(msg)
    return _fitting(notes) or None


def typed(text: str) -> object:
    """Return the value of a note that a user has typed: a number, or the text itself."""
    for kind, pattern in _NUMBERS:
        if pattern.fullmatch(text):
            return kind(text)
    return text


def note(notes: dict[str, object], key: str, value: object) -> None:
    """Add a note, or raise ValueError if the key is there already."""
    if key in notes:
        msg = f"the key {key!a} is given twice."
        raise ValueError(msg)
    notes[key] = value


def stamped(notes: Mapping[str, Any] | None, contents: Contents) -> dict[str, Any] | None:
    """Return the notes of a record to add now, with time and user if the Store was created with ``stamp=True``."""
    if not contents.with_stamp:
        return dict(notes) if notes else None
    return {**(notes or {}), "added": now(), "by": user()}


def _fitting(notes: dict[str, Any]) -> dict[str, Any]:
    size = len(further.of_values({"meta": notes}).encode())
    if size > LARGEST:
        msg = f"meta takes {size:,} bytes in the manifest, and at most {LARGEST:,} are for the notes of one record. "
        msg += "Nothing was stored: put the rest into a file of its own."
        raise ValueError(msg)
    return notes


def _plain(value: Any, where: str, depth: int) -> Any:
    """Return a value as JSON has it; `where` names it in errors."""
    if depth > DEEPEST:
        msg = f"{where[:100]}: more than {DEEPEST} lists and mappings are in each other."
        raise ValueError(msg)
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        value = value.item()
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return _integer(int(value), where)
    if isinstance(value, str):
        return _text(str(value), where)
    if hasattr(value, "isoformat"):
        return _text(value.isoformat(), where)
    if isinstance(value, Mapping):
        return {_key(key, where): _plain(one, f"{where}[{key!a}]", depth + 1) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one, f"{where}[{number}]", depth + 1) for number, one in enumerate(value)]
    hint = " Give array.tolist()." if hasattr(value, "tolist") else ""
    msg = f"{where}={shown(value)}: it takes texts, numbers, truth values, None, dates, lists and mappings.{hint}"
    raise TypeError(msg)


def _key(key: object, where: str) -> str:
    if not isinstance(key, str):
        msg = f"{where} has the key {shown(key)}: keys are texts."
        raise TypeError(msg)
    if not key:
        msg = f"{where} has an empty key."
        raise ValueError(msg)
    return _text(str(key), where)


def _text(text: str, where: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        msg = f"{where}: {shown(text)} holds a lone surrogate, which YAML can't hold."
        raise ValueError(msg) from None
    return text


def _integer(number: int, where: str) -> int:
    if math.log2(abs(number) + 1) > 1024:
        msg = f"{where} is an integer of more than 1024 bits."
        raise ValueError(msg)
    return number


def now() -> str:
    """Return the time: UTC, ISO 8601."""
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def user() -> str:
    """Return USER@HOST, as far as they are known."""
    import getpass
    import platform

    try:
        name = getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user has no name
        import os

        name = str(os.getuid())
    return f"{name}@{platform.node() or 'localhost'}".encode(errors="replace").decode()

"""The names that events, productions and files may have, and how they are spelled on a disk: in UTF-8."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from typing import TypeAlias

from asimov.storage._display.text import shown

from .errors import InvalidNameError

Key: TypeAlias = tuple[str, str, str]

MAX_BYTES = 255
_ORDINARY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+=@,-]{0,254}").fullmatch


if sys.getfilesystemencoding() == "utf-8":  # nearly always, and then these cost nothing

    def on_disk(name: str) -> str:
        """Return what Python has to be given so that the operating system gets `name` in UTF-8, whatever the locale."""
        return name

    def from_disk(text: str) -> str:
        """Return the name that `text`, part of a path as Python gives it, is in UTF-8: the way back from `on_disk`."""
        return text

    def spelled(path: str) -> str:
        """Return a path that a caller gave as Python can hand it on: in UTF-8 where the locale can't spell it."""
        return path

else:

    def on_disk(name: str) -> str:
        """Return what Python has to be given so that the operating system gets `name` in UTF-8, whatever the locale."""
        return name if name.isascii() else os.fsdecode(name.encode(errors="surrogateescape"))

    def from_disk(text: str) -> str:
        """Return the name that `text`, part of a path as Python gives it, is in UTF-8: the way back from `on_disk`."""
        return text if text.isascii() else os.fsencode(spelled(text)).decode(errors="surrogateescape")

    def spelled(path: str) -> str:
        """Return a path that a caller gave as Python can hand it on: in UTF-8 where the locale can't spell it."""
        try:
            os.fsencode(path)
        except UnicodeEncodeError:
            return on_disk(path)
        return path


def meant(text: str) -> str:
    """Return the name that typed text, or a file's name, means: decoded by the locale if possible, else as UTF-8."""
    return text if problem("file", text) is None else from_disk(text)


def problem(kind: str, name: object) -> str | None:
    """Return what is wrong with the name of a `kind` ("event", "production" or "file"); None if it is valid."""
    if not isinstance(name, str):
        return f"it is a {type(name).__name__}, not a str"
    if _ORDINARY(name):
        return None
    return _character_problem(name) or _meaning_problem(kind, name)


def _character_problem(name: str) -> str | None:
    if not name:
        return "it is empty"
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return "it holds a lone surrogate, which is no character"
    if size > MAX_BYTES:
        return f"it is {size} bytes long in UTF-8, and {MAX_BYTES} is the limit"
    for character in name:
        if character in "/\\":
            return f"it holds {character!r}, and a name is one component of a path"
        if unicodedata.category(character) == "Cc":
            return f"it holds the control character {character!r}"
    return None


def _meaning_problem(kind: str, name: str) -> str | None:
    if name in {".", ".."}:
        return "it means a folder, not a name"
    if kind == "event" and name.lower().startswith(".manifest"):
        return "'.manifest' is where a Store keeps its own files"
    return None


_NOT_PLAIN = ("__fspath__", "__iter__", "__len__", "__array__")
"""Attributes of paths, open files, arrays, columns and tables, whose `name` is the name of something else."""


def name_of(value: object) -> object:
    """Return the name that `value` gives: for a plain object its `name`, as upstream's events and productions have."""
    if isinstance(value, (str, type)) or any(hasattr(value, attribute) for attribute in _NOT_PLAIN):
        return value
    return getattr(value, "name", value)


def valid_name(kind: str, value: object) -> str:
    """Return the name that `value` gives: a str itself, or the `name` of a plain object.

    Raises
    ------
    InvalidNameError
        A Store can't hold this name; the message says why.
    """
    name = value if isinstance(value, str) else name_of(value)
    wrong = problem(kind, name)
    if wrong is not None:
        advice = "Give it another name." if isinstance(name, str) else "Give a str, or an object with a name."
        article = "an" if kind == "event" else "a"
        msg = f"{shown(name)} can't be the name of {article} {kind}: {wrong}. {advice}"
        raise InvalidNameError(msg)
    return str(name)


def key_of(event: object, production: object, file: object) -> Key:
    """Return the key of an event, a production and a file's name. Errors are those of `valid_name`."""
    return valid_name("event", event), valid_name("production", production), valid_name("file", file)

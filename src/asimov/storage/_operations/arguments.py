"""Checks of arguments: a value that makes no sense is a TypeError or a ValueError, before anything is done."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from asimov.storage._bytes.progress import Progress
from asimov.storage._display.text import shown
from asimov.storage._model.errors import HashError
from asimov.storage._model.identity import plain_md5

if TYPE_CHECKING:
    from concurrent.futures import Executor


def flag(name: str, value: object, hint: str = "") -> bool:
    """Return True or False, numpy's too; raise TypeError for anything else."""
    plain = value.item() if getattr(value, "shape", None) == () and hasattr(value, "item") else value
    if isinstance(plain, bool):
        return plain
    msg = f"{name}={shown(value)}: it takes True or False.{hint}"
    raise TypeError(msg)


def path(name: str, value: object) -> str | os.PathLike[str]:
    """Return the path of a folder or file; raise TypeError if it is no path, and ValueError if it is empty."""
    if not isinstance(value, (str, os.PathLike)):
        msg = f"{name}={shown(value)}: it takes a path, a str or a Path."
        raise TypeError(msg)
    if value == "":
        msg = f"{name}='' is no path. The current folder is '.'."
        raise ValueError(msg)
    return value


def digest(value: object, where: Path, actual: str = "") -> str | None:
    """Return the digits of the MD5 that was given for the file at `where`; None if none was given.

    Raises
    ------
    TypeError
        The value is no text.
    HashError
        The value is no MD5, so that no file can have it.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        msg = f"hash={shown(value)}: it takes a str, the 32 hexadecimal digits of an MD5."
        raise TypeError(msg)
    digits = plain_md5(value)
    if digits is None:
        msg = f"{where}: the hash that was given, {value!a}, is no MD5, which has 32 hexadecimal digits. "
        msg += "Nothing was stored or returned; give the digest of the file, or none."
        raise HashError(msg, path=where, expected=value, actual=actual)
    return digits


def executor(value: object) -> Executor | None:
    """Return an executor, or None; raise TypeError for an object that can't do the work."""
    if value is None:
        return None
    advice = "a concurrent.futures.Executor, such as ProcessPoolExecutor(4), or None: threads, one per usable core"
    if hasattr(value, "get_executor"):
        advice = "an Executor; a dask client has one: executor=client.get_executor()"
    elif not isinstance(value, type) and all(callable(getattr(value, name, None)) for name in ("submit", "map")):
        return cast("Executor", value)  # any object with these methods will do
    msg = f"executor={shown(value)}: it takes {advice}."
    raise TypeError(msg)


def fingerprint(value: object) -> str | None:
    """Return a fingerprint; None if none was given; raise TypeError or ValueError if the value is no fingerprint."""
    if value is None:
        return None
    if not isinstance(value, str):
        msg = f"fingerprint={shown(value)}: it takes a str, which Store.fingerprint() returns."
        raise TypeError(msg)
    text = value.strip().lower()
    if not re.fullmatch("[0-9a-f]{64}", text):
        msg = f"fingerprint={value!a}: it takes 64 hexadecimal digits, which Store.fingerprint() returns."
        raise ValueError(msg)
    return text


@contextlib.contextmanager
def reporting(progress: object, label: str) -> Iterator[Progress | None]:
    """Open, for the time of the work, what `progress` means: its callback, that of a bar for True, or None."""
    callback = _callback(progress)
    if callback is not True:
        yield callback
        return
    from asimov.storage._display.bar import bar

    with bar(label) as moved:
        yield moved


def _callback(progress: object) -> Progress | Literal[True] | None:
    if progress is None or progress is False:
        return None
    if progress is True:
        return True
    if callable(progress) and not isinstance(progress, type):
        found: Callable[[int, int], object] = progress
        return found
    msg = f"progress={shown(progress)}: it takes a function of (done, total), in bytes, or True for a bar."
    raise TypeError(msg)

"""NumPy's ``.npy``: the header and the first values. Objects are never unpickled, so they have no values here.

The format is described at https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import ast
import importlib
from math import prod
from typing import TYPE_CHECKING, Any

from .description import Preview

if TYPE_CHECKING:
    import numpy as np

HEADER = 16_384
"""Bytes of a file that are read: the header, and some values."""
VALUES = 8
MAGIC = b"\x93NUMPY"


def array(data: bytes, size: int) -> Preview:
    """Describe a NumPy array by the beginning of its file."""
    return Preview(kind="text", type="NumPy array", size=size, text=array_words(data))


def array_words(data: bytes) -> str:
    """Return shape, type and first values of an array, in words."""
    try:
        header, start = _header(data)
        shape = tuple(map(int, header["shape"]))
        words = " × ".join(f"{length:,}" for length in shape) or "scalar"
        return f"{words}, {_type_and_values(header['descr'], shape, data[start:])}"
    except (ValueError, SyntaxError, KeyError, TypeError, IndexError, MemoryError, RecursionError, UnicodeDecodeError):
        return "not a NumPy array"


def _header(data: bytes) -> tuple[dict[str, Any], int]:
    """Return the header, and the offset where the values begin."""
    if not data.startswith(MAGIC):
        msg = "no array"
        raise ValueError(msg)
    digits = 2 if data[6] == 1 else 4
    start = 8 + digits
    length = int.from_bytes(data[8:start], "little")
    if start + length > len(data):
        msg = "no whole header"
        raise ValueError(msg)
    header = ast.literal_eval(data[start : start + length].decode("utf-8" if data[6] > 2 else "latin-1").strip())
    if not isinstance(header, dict):
        msg = "no header"
        raise TypeError(msg)
    return header, start + length


def _type_and_values(descr: object, shape: tuple[int, ...], data: bytes) -> str:
    try:
        numpy = importlib.import_module("numpy")
    except ImportError:
        return str(descr)[:200]
    dtype: np.dtype[Any] = numpy.dtype([tuple(field) for field in descr] if isinstance(descr, list) else descr)
    if dtype.hasobject:
        return "objects, which are not unpickled"
    return f"{type_words(dtype)}{first_values(numpy.frombuffer(data, dtype, _count(dtype, shape, data)), prod(shape))}"


def _count(dtype: np.dtype[Any], shape: tuple[int, ...], data: bytes) -> int:
    return min(VALUES, prod(shape), len(data) // dtype.itemsize if dtype.itemsize else 0)


def type_words(dtype: np.dtype[Any], fields: int = 8) -> str:
    """Return a type in words. A structured type is described by its fields."""
    if dtype.names is None:
        return "text or objects" if dtype.kind == "O" else str(dtype)
    more = len(dtype.names) - fields
    return f"fields {', '.join(dtype.names[:fields])}" + (f" and {more:,} more" if more > 0 else "")


def first_values(values: np.ndarray[Any, np.dtype[Any]], total: int) -> str:
    """Return the first values, after a colon, or an empty text if there are none."""
    if not len(values):
        return ""
    shown = " ".join(_short(value) for value in values[:VALUES])
    return f": {shown}{' …' if total > len(values[:VALUES]) else ''}"


def _short(value: object) -> str:
    """Return a value as text. A number with many digits is rounded to six."""
    text = str(value)
    return f"{value:.6g}" if isinstance(value, float) and len(text) > 8 else text[:40]

"""The cache of files that were fetched from Stores on the web.

It is in ``$LOCUTUS_CACHE``, or else in ``asimov-storage`` of the user's folder for caches. Each Store has a folder
there. Nothing is removed by itself, since programs may be using a path that `Store.fetch_file` returned.
"""

from __future__ import annotations

from pathlib import Path

from asimov.storage._backends.published import cache as _cache
from asimov.storage._display.text import shown as _shown

__all__ = ["clear", "folder", "size", "trim"]


def folder() -> Path:
    """Return the folder of the cache, which need not exist."""
    return _cache.root()


def size() -> int:
    """Return how many bytes the cache has, of all Stores.

    Examples
    --------
    >>> from asimov.storage import cache
    >>> cache.size() >= 0
    True
    """
    return _cache.size()


def trim(bytes: int) -> int:
    """Remove files until the cache has at most so many bytes: those first that nobody has fetched for longest.

    Files that are being fetched at this moment stay.

    Parameters
    ----------
    bytes : int
        How many bytes may stay.

    Returns
    -------
    int
        How many bytes were removed.

    Raises
    ------
    TypeError, ValueError
        It is no number of bytes.
    OSError
        A file can't be removed.
    """
    if isinstance(bytes, bool) or not isinstance(bytes, int):
        msg = f"bytes={_shown(bytes)}: it takes a whole number of bytes."
        raise TypeError(msg)
    if bytes < 0:
        msg = f"bytes={bytes}: there is nothing below 0."
        raise ValueError(msg)
    return _cache.trim(bytes)


def clear() -> int:
    """Remove all files that are not being fetched at this moment; return how many bytes were removed.

    Raises
    ------
    OSError
        A file can't be removed.
    """
    return _cache.trim(0)

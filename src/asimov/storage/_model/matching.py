"""Matching: whether digested bytes are those that a record, or a caller, expects."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

from asimov.storage._bytes.digests import Digest

from .errors import HashError
from .names import Key
from .record import Record

Where: TypeAlias = Any
"""Where a file is: its Path, or the text of a URL if the Store is not in a folder."""


def has_bytes(record: Record, found: Digest) -> bool:
    """Return whether a record has the same digest as the bytes: MD5, and also SHA-256 if both have it."""
    known = record.sha256 is not None and found.sha256 is not None
    return record.hash == found.md5 and (not known or record.sha256 == found.sha256)


def mismatch(record: Record, found: Digest) -> str | None:
    """Return a description of how the digested bytes differ from the record; None if they don't."""
    if found.md5 != record.hash:
        return f"its MD5 is {found.md5}, and {record.hash} was recorded"
    if record.sha256 is not None and found.sha256 != record.sha256:
        return f"its MD5 is as recorded, but its SHA-256 is {found.sha256}, not {record.sha256}: it was forged"
    if record.size is not None and found.size != record.size:
        return f"its size is {found.size} bytes, and {record.size} was recorded"
    return None


def require_match(record: Record, found: Digest, path: Where) -> None:
    """Raise HashError if the digested bytes are not those of the record."""
    wrong = mismatch(record, found)
    if wrong is None:
        return
    forged = found.md5 == record.hash and record.sha256 is not None
    expected, actual = (record.sha256 or "", found.sha256 or "") if forged else (record.hash, found.md5)
    msg = f"{path}, which holds {record.file!a}: {wrong}. "
    msg += "The file was changed after it was stored; don't use it, restore it from a copy."
    raise HashError(msg, path=path, expected=expected, actual=actual)


def require_expected(key: Key, found: Digest, expected: str | None, source: Path) -> None:
    """Raise HashError if the received bytes don't have the MD5 `expected`, in upper or lower case."""
    if expected is None or str(expected).lower() == found.md5:
        return
    msg = (
        f"{source}: its MD5 is {found.md5}, and {expected!a} was expected for {' / '.join(map(ascii, key))}. "
        "It is another file, or was damaged on its way; nothing was stored."
    )
    raise HashError(msg, path=source, expected=str(expected), actual=found.md5)


def require_recorded(record: Record, hash: str, path: Where) -> None:
    """Raise HashError if `hash`, in upper or lower case, is not the record's."""
    if str(hash).lower() != record.hash:
        msg = (
            f"{path}, which holds {record.file!a}: the hash that was given, {hash!a}, is not the MD5 that the manifest "
            f"records, {record.hash}. "
            "Either it is the hash of another file, or the record was changed; nothing was returned."
        )
        raise HashError(msg, path=path, expected=str(hash), actual=record.hash)

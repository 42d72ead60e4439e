"""Quick verification: by what a place says of its files without sending their bytes."""

from __future__ import annotations

from collections.abc import Sequence

from asimov.storage._backends.base import Backend, Found
from asimov.storage._backends.checking import judged
from asimov.storage._model.check import Check, Status
from asimov.storage._model.record import Record


def quickly(backend: Backend, records: Sequence[Record]) -> tuple[list[Check], list[Record]]:
    """Return checks of those files whose size, or whose tag, decides, and the records of the others."""
    checks, others = [], []
    for record, found in zip(records, backend.stat(records), strict=True):
        check = _judged(backend, record, found)
        if check is None:
            others.append(record)
        else:
            checks.append(check)
    return checks, others


def _judged(backend: Backend, record: Record, found: Found) -> Check | None:
    """Return the Check of a file by its size or its tag; None if neither decides.

    An object storage's ETag often is the MD5 of the bytes; one that isn't this MD5 may be something else.
    """
    if found.size is None:
        return None  # reading it says what is wrong
    if record.size is not None and record.size != found.size:
        reason = f"its size is {found.size} bytes, and {record.size} was recorded"
        return judged(record, found.where, Status.CORRUPT, found.size, reason)
    if record.size is None and backend.tag(record).strip('"').lower() != record.hash:
        return None
    return judged(record, found.where, Status.OK, found.size, None)

"""Checking the files of any back end: what each is found to be, by the digest of its bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from asimov.storage._bytes.digests import Digest, counted
from asimov.storage._model.check import Check, Status
from asimov.storage._model.matching import Where, mismatch

if TYPE_CHECKING:
    from asimov.storage._bytes.progress import Meter
    from asimov.storage._model.record import Record


def check(record: Record, where: Where, pieces: Callable[[Record], Iterator[bytes]], meter: Meter | None) -> Check:
    """Verify the file of a record, as `pieces` yields it; return a Check even of one that can't be read."""
    found = Digest(sha256=record.sha256 is not None)
    try:
        for _ in counted(pieces(record), found, meter):
            pass
    except FileNotFoundError:
        return failed(record, where, Status.MISSING, "there is no such file")
    except OSError as error:
        return failed(record, where, Status.UNREADABLE, error.strerror or str(error))
    return checked(record, where, found)


def checked(record: Record, where: Where, found: Digest) -> Check:
    """Return the Check of a file that was read, by the digest of its bytes."""
    wrong = mismatch(record, found)
    return Check(
        event=record.event,
        production=record.production,
        file=record.file,
        uuid=record.uuid,
        hash=record.hash,
        status=Status.OK if wrong is None else Status.CORRUPT,
        actual=found.md5,
        path=where,
        size=found.size,
        reason=wrong,
    )


def failed(record: Record, where: Where, status: Status, reason: str) -> Check:
    """Return the Check of a file that could not be read."""
    return judged(record, where, status, None, reason)


def judged(record: Record, where: Where, status: Status, size: int | None, reason: str | None) -> Check:
    """Return the Check of a file that was not read."""
    return Check(
        event=record.event,
        production=record.production,
        file=record.file,
        uuid=record.uuid,
        hash=record.hash,
        status=status,
        actual=None,
        path=where,
        size=size,
        reason=reason,
    )

"""Check: what verification found about one record."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from .names import Key


class Status(StrEnum):
    """What verification found about one file."""

    OK = "ok"
    CORRUPT = "corrupt"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    RETRACTED = "retracted"


GOOD = frozenset((Status.OK, Status.RETRACTED))
"""The statuses of files that need no care."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """What verification found about one record.

    Attributes
    ----------
    event, production, file, uuid, hash : str
        As recorded.
    status : Status
        ``ok``, ``corrupt`` (other bytes), ``missing`` (no file) or ``unreadable`` (no verdict: `reason` says why);
        ``retracted`` if its record was retracted, and then nobody has looked at the file.
    actual : str or None
        The MD5 that was found, if the file could be read.
    path : pathlib.Path
        Where the file is, or should be; absolute. The URL, as a str, if the Store is on the web.
    size : int or None
        The size in bytes, if the file could be read.
    reason : str or None
        Why the status is not ``ok``, in words; None if it is.
    """

    event: str
    production: str
    file: str
    uuid: str
    hash: str
    status: Status
    actual: str | None
    path: Path
    size: int | None
    reason: str | None = None

    @property
    def key(self) -> Key:
        """Event, production and file."""
        return self.event, self.production, self.file

"""Reports: what verification, repair and restoring found, as values."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from .errors import HashError

if TYPE_CHECKING:
    import pandas as pd

from .check import GOOD, Check, Status
from .record import Record


@dataclass(frozen=True, kw_only=True, slots=True)
class VerificationReport:
    """What a verification found.

    Attributes
    ----------
    root : pathlib.Path
        The Store's folder.
    results : tuple of Check
        One for each record that was verified, sorted by event, production and file.
    untracked : tuple of pathlib.Path
        Files beside the recorded ones that no record names. They don't make `ok` False.
    problems : tuple of str
        What is wrong with the Store as a whole, in words: for example, its fingerprint is not the expected one.
    skipped : int
        How many records were left for another time (``since``, ``budget``).
    fingerprint, expected_fingerprint : str or None
        The fingerprint of the manifest, and the one that was expected. Both are None if none was given.
    quick : bool
        Whether files were judged by their size, or by an ETag that is their MD5, where that decides.
    """

    root: Path
    results: tuple[Check, ...]
    untracked: tuple[Path, ...] = ()
    problems: tuple[str, ...] = ()
    skipped: int = 0
    fingerprint: str | None = None
    expected_fingerprint: str | None = None
    quick: bool = False
    _failures: tuple[Check, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_failures", tuple(c for c in self.results if c.status not in GOOD))

    @property
    def ok(self) -> bool:
        """Whether every verified file is as it was stored, and nothing is wrong with the Store as a whole."""
        return not self._failures and not self.problems

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks whose status is neither ``ok`` nor ``retracted``."""
        return self._failures

    @property
    def counts(self) -> dict[str, int]:
        """How many checks have each status; all statuses are keys."""
        found = Counter(str(check.status) for check in self.results)
        return {status.value: found[status.value] for status in Status}

    def raise_for_failures(self) -> None:
        """Raise an error unless `ok` is True.

        Raises
        ------
        HashError
            `ok` is False. The error is about the first failure, and its message counts all of them.
        """
        if self.ok:
            return
        many = len(self._failures)
        if not many:
            expected, actual = self.expected_fingerprint or "", self.fingerprint or ""
            raise HashError("; ".join(self.problems), path=self.root, expected=expected, actual=actual)
        first = self._failures[0]
        msg = f"{many} of {len(self.results)} files failed verification; the first: "
        msg += f"{first.path}, which should hold {first.file!a}, is {first.status.value}"
        msg += f" ({first.reason}). " if first.reason else ". "
        msg += "Restore the named files from a copy, then verify again."
        raise HashError(msg, path=first.path, expected=first.hash, actual=first.actual or "")

    def to_frame(self) -> pd.DataFrame:
        """Return the results as a table: one row for each Check, with its attributes as columns.

        Returns
        -------
        pandas.DataFrame
            Columns event, production, file, uuid, hash, status, actual, path, reason (str) and size (Int64, bytes).
        """
        from asimov.storage.frame import report_to_frame

        return report_to_frame(self)

    def _repr_html_(self) -> str:
        from asimov.storage._display.pages import report_html

        return report_html(self)

    def __repr__(self) -> str:
        from asimov.storage._display.pages import report_line

        return report_line(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class RepairReport:
    """What `Store.repair` found, and what it did, or would do in a dry run.

    Attributes
    ----------
    root : pathlib.Path
        The Store's folder.
    dry_run : bool
        Whether nothing was touched.
    manifest : {"sound", "damaged", "missing"}
        The state in which ``manifest.yaml`` was found.
    problem : str or None
        What was wrong with it, in words.
    sources : tuple of str
        What the records were taken from.
    records : tuple of Record
        All records of the manifest afterwards.
    quarantined : tuple of pathlib.Path
        Files that no record can be made for; they are moved to ``.manifest/quarantine/``.
    """

    root: Path
    dry_run: bool
    manifest: Literal["sound", "damaged", "missing"]
    problem: str | None
    sources: tuple[str, ...]
    records: tuple[Record, ...]
    quarantined: tuple[Path, ...]

    def __repr__(self) -> str:
        did = "would keep" if self.dry_run else "kept"
        what = f"manifest {self.manifest}, {did} {len(self.records):,} records, {len(self.quarantined):,} quarantined"
        return f"<RepairReport: {what}>"


@dataclass(frozen=True, kw_only=True, slots=True)
class RestoreReport:
    """What `Store.restore` put back, or would put back in a dry run, and what it didn't find.

    Attributes
    ----------
    root : pathlib.Path
        The Store's folder.
    dry_run : bool
        Whether nothing was touched.
    restored : tuple of Record
        The files that were put back, or would be, sorted by event, production and file.
    sources : tuple of pathlib.Path
        Where the bytes of each of them were found, in the same order.
    not_found : tuple of Record
        The missing or damaged files whose bytes were not found.
    unread : tuple of pathlib.Path
        Files of the source that could not be read.
    """

    root: Path
    dry_run: bool
    restored: tuple[Record, ...]
    sources: tuple[Path, ...]
    not_found: tuple[Record, ...]
    unread: tuple[Path, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the bytes of every missing or damaged file were found."""
        return not self.not_found

    def _repr_html_(self) -> str:
        from asimov.storage._display.pages import MAX_ROWS, restored_html

        missing = [(*record.key, None) for record in self.not_found]
        pairs = zip(self.restored, self.sources, strict=True)
        rows = [*missing, *((*record.key, str(where)) for record, where in pairs)]
        return restored_html(repr(self), self.root, rows[:MAX_ROWS], len(rows))

    def __repr__(self) -> str:
        did = "would restore" if self.dry_run else "restored"
        unread = f", {len(self.unread):,} of the source unreadable" if self.unread else ""
        return f"<RestoreReport: {did} {len(self.restored):,}, {len(self.not_found):,} not found{unread}>"

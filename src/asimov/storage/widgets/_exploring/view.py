"""What a view of the Explorer's table shows, and what it is answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE = 50
"""Rows of a page."""
RECORDED = ("event", "production", "file", "hash", "uuid")
"""Columns that the manifest has."""
FOUND = ("size", "added", "verified")
"""Columns that take a look at the disk."""
COLUMNS = ("event", "production", "file", *FOUND, "hash", "uuid")
DEFAULT_COLUMNS = ("event", "production", "file", *FOUND)


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """What one view of the table shows.

    Attributes
    ----------
    search : str
        Words that must all occur in a row, in any letter case.
    event, production : str or None
        Only these.
    suffix : str or None
        Only files with this one, in lower case, such as ``.hdf5``; an empty str means those without one.
    added_from, added_to : int or None
        Only files that were added then or later, and before then: ms since 1970.
    larger_than : int or None
        Only files of more bytes.
    not_verified_since : int or None
        Only files that were last found to be sound before then (ms since 1970), or never.
    failed : bool
        Only files that failed their last verification.
    sort : str
        The column to sort by; rows that are equal in it stay in the order of the Store.
    descending : bool
    page : int
        Counted from 0; a number beyond the last page means the last page.
    """

    search: str = ""
    event: str | None = None
    production: str | None = None
    suffix: str | None = None
    added_from: int | None = None
    added_to: int | None = None
    larger_than: int | None = None
    not_verified_since: int | None = None
    failed: bool = False
    sort: str = "event"
    descending: bool = False
    page: int = 0

    @property
    def asks_for_files(self) -> bool:
        """Whether sizes or times of all files are needed."""
        return self.sort in {"size", "added"} or any(
            limit is not None for limit in (self.added_from, self.added_to, self.larger_than)
        )

    @property
    def asks_for_verifications(self) -> bool:
        """Whether it is needed when each file was last verified."""
        return self.sort == "verified" or self.not_verified_since is not None or self.failed


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """What a filter offers: the names with the most records, sorted, each with its count; and the number of names."""

    most: list[tuple[str, int]]
    total: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One page: the indices of its rows, its number, and how many rows and pages match in all."""

    rows: Sequence[int]
    number: int
    pages: int
    total: int

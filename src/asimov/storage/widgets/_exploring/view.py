"""View, Choices and Page: what a view of the Explorer's table asks for, and what it is answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE = 50
"""Rows per page."""
RECORDED = ("event", "production", "file", "hash", "uuid")
"""The columns that come from the manifest."""
FOUND = ("size", "added", "verified")
"""The columns that need a look at the disk."""
COLUMNS = ("event", "production", "file", *FOUND, "hash", "uuid")
DEFAULT_COLUMNS = ("event", "production", "file", *FOUND)


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """The search, filters, order and page that one view of the table asks for.

    Attributes
    ----------
    search : str
        Words that must all occur in a row, in any letter case.
    event, production : str or None
        Show only this event or production.
    suffix : str or None
        Show only files with this suffix, in lower case, such as ``.hdf5``. An empty str shows files without a suffix.
    added_from, added_to : int or None
        Show only files that were added at `added_from` or later, and before `added_to`, in ms since 1970.
    larger_than : int or None
        Show only files of more than this number of bytes.
    not_verified_since : int or None
        Show only files that have not been found to be sound since this time, in ms since 1970.
    failed : bool
        Show only files that failed their last verification.
    retracted : bool
        Show only records that were retracted.
    notes : tuple of str
        The keys of notes whose values are shown.
    sort : str
        The column to sort by, or a key of the notes. Rows with equal values stay in the order of the Store.
    descending : bool
        Whether to sort in descending order.
    page : int
        The number of the page, counted from 0. A number beyond the last page means the last page.
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
    retracted: bool = False
    notes: tuple[str, ...] = ()
    sort: str = "event"
    descending: bool = False
    page: int = 0

    @property
    def asks_for_files(self) -> bool:
        """Whether the view needs the sizes or times of all files."""
        return self.sort in {"size", "added"} or any(
            limit is not None for limit in (self.added_from, self.added_to, self.larger_than)
        )

    @property
    def asks_for_verifications(self) -> bool:
        """Whether the view needs the times when files were last verified."""
        return self.sort == "verified" or self.not_verified_since is not None or self.failed


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """The choices of a filter: the names with the most records, sorted, each with its count; and how many there are."""

    most: list[tuple[str, int]]
    total: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One page: the indices of its rows, its number, and the numbers of all matching pages and rows."""

    rows: Sequence[int]
    number: int
    pages: int
    total: int

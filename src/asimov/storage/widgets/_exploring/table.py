"""The records of one reading of a Store: searched, filtered, sorted and paged at the speed of typing.

Plain Python lists: the search is ``word in row`` over lower-cased rows, the order of each column is sorted once.
"""

from __future__ import annotations

import threading
import unicodedata
from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asimov.storage._model.snapshot import Contents

COLUMNS = ("event", "production", "file", "hash", "uuid")
PAGE = 50
"""Rows of a page."""
CHOICES = 200
"""Events or productions that a filter offers at most: those with the most records."""

Column = Literal["event", "production", "file", "hash", "uuid"]


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """What one view of the table shows.

    Attributes
    ----------
    search : str
        Words that must all occur in a row, in any letter case.
    event, production : str or None
        Only these.
    sort : str
        The column to sort by; rows that are equal in it stay in the order of the Store.
    descending : bool
    page : int
        Counted from 0; a number beyond the last page means the last page.
    """

    search: str = ""
    event: str | None = None
    production: str | None = None
    sort: Column = "event"
    descending: bool = False
    page: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """What a filter offers: the names with the most records, sorted, each with its count; and the number of names."""

    most: list[tuple[str, int]]
    total: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One page: the indices of its rows, its number, and how many rows and pages match in all."""

    rows: list[int]
    number: int
    pages: int
    total: int


class Table:
    """The records of `contents`. What searching and sorting need is computed when first asked for, or by `prepare`."""

    def __init__(self, contents: Contents) -> None:
        self.contents = contents
        columns = map(list, zip(*contents.keys, strict=True)) if contents.keys else ([], [], [])
        events, productions, files = cast("Iterable[list[str]]", columns)
        self._columns = (events, productions, files, contents.hashes, contents.uuids)
        self._making = threading.RLock()
        self._joined: list[str] | None = None
        self._orders: dict[tuple[str, bool], Sequence[int]] = {("event", False): range(len(contents))}
        self._choices: dict[str, Choices] = {}
        self._last_event: tuple[str | None, Choices | None] = None, None
        self._last: tuple[tuple[str | None, str | None], list[str], Sequence[int]] | None = None

    def __len__(self) -> int:
        return len(self.contents)

    def row(self, index: int) -> list[str]:
        """Return event, production, file, hash and uuid of a row."""
        return [column[index] for column in self._columns]

    def prepare(self) -> None:
        """Compute what searching and sorting need, so that nobody waits for it later."""
        self._rows()
        for column in COLUMNS:
            for descending in (False, True):
                self._order(column, descending=descending)

    def page(self, view: View) -> Page:
        """Return the rows of a page."""
        rows = self.matching(view)
        pages = max(1, -(-len(rows) // PAGE))
        number = min(view.page, pages - 1)
        return Page(rows=list(rows[number * PAGE : (number + 1) * PAGE]), number=number, pages=pages, total=len(rows))

    def matching(self, view: View) -> Sequence[int]:
        """Return all rows that a view shows, in its order."""
        found = self._found(view)
        order = self._order(view.sort, descending=view.descending)
        if len(found) == len(self):
            return order
        if isinstance(order, range):
            return found
        wanted = bytearray(len(self))
        for index in found:
            wanted[index] = 1
        return [index for index in order if wanted[index]]

    def event_choices(self) -> Choices:
        """Return the events with the number of their records."""
        return self._all_choices("event")

    def production_choices(self, event: str | None) -> Choices:
        """Return the productions, of one event or of all, with the number of their records."""
        if event is None:
            return self._all_choices("production")
        last, choices = self._last_event
        if choices is None or last != event:
            productions = self._columns[1]
            choices = _most(productions[index] for index in self._span(event))
            self._last_event = event, choices
        return choices

    def _all_choices(self, column: str) -> Choices:
        if column not in self._choices:
            self._choices[column] = _most(self._columns[COLUMNS.index(column)])
        return self._choices[column]

    def _span(self, event: str) -> range:
        events = self._columns[0]
        return range(bisect_left(events, event), bisect_right(events, event))

    def _found(self, view: View) -> Sequence[int]:
        """Return what filters and search let pass, in the order of the Store."""
        words = _searchable(view.search).split()
        filters = view.event, view.production
        found = self._narrowed(filters, words)
        if found is None:
            found = range(len(self)) if view.event is None else self._span(view.event)
            if view.production is not None:
                productions = self._columns[1]
                found = [index for index in found if productions[index] == view.production]
        if words:
            found = self._search(words, found)
        self._last = filters, words, found
        return found

    def _narrowed(self, filters: tuple[str | None, str | None], words: list[str]) -> Sequence[int] | None:
        """Return what was found last, if all that is looked for now must be among it, as when a user goes on typing."""
        if self._last is None:
            return None
        before, words_before, found = self._last
        narrower = bool(words_before) and all(any(old in new for new in words) for old in words_before)
        return found if before == filters and narrower else None

    def _search(self, words: list[str], among: Sequence[int]) -> Sequence[int]:
        rows = self._rows()
        for word in words:
            if len(among) == len(rows):
                among = [index for index, row in enumerate(rows) if word in row]
            else:
                among = [index for index in among if word in rows[index]]
        return among

    def _rows(self) -> list[str]:
        with self._making:
            if self._joined is None:
                self._joined = [_searchable("\n".join(row)) for row in zip(*self._columns, strict=True)]
            return self._joined

    def _order(self, column: str, *, descending: bool) -> Sequence[int]:
        with self._making:
            order = self._orders.get((column, descending))
            if order is None:
                values = self._columns[COLUMNS.index(column)]
                before = self._order(column, descending=False) if descending else range(len(values))
                order = sorted(before, key=values.__getitem__, reverse=descending)  # equal ones stay as they were
                self._orders[column, descending] = order
            return order


def _searchable(text: str) -> str:
    """Return a text that is the same for all texts that differ only in the case of letters or in composition."""
    folded = text.casefold()
    return folded if folded.isascii() else unicodedata.normalize("NFC", folded)


def _most(names: Iterable[str]) -> Choices:
    counted = Counter(names)
    return Choices(most=sorted(counted.most_common(CHOICES)), total=len(counted))

"""The records of one reading of a Store, searched, filtered, sorted and paged through at the speed of typing.

Plain Python lists: the search is ``word in row`` over lower-cased rows, the order of each column is sorted once.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asimov.storage._contents import Contents

COLUMNS = ("event", "production", "file", "hash", "uuid")
PAGE = 50
"""Rows of a page."""
CHOICES = 200
"""Events or productions that a filter offers at most, the ones with the most records."""

Column = Literal["event", "production", "file", "hash", "uuid"]


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """What one view of the table shows.

    Attributes
    ----------
    search : str
        Words that must all occur in a row, whatever their case.
    event, production : str or None
        Only these.
    sort : str
        The column to sort by; rows that are equal there stay in the order of the Store.
    descending : bool
    page : int
        Counted from 0; beyond the last one, the last one.
    """

    search: str = ""
    event: str | None = None
    production: str | None = None
    sort: Column = "event"
    descending: bool = False
    page: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One page: the indices of its rows, its number, and how many rows and pages match in all."""

    rows: list[int]
    number: int
    pages: int
    total: int


class Table:
    """The records of `contents`. What is computed once is computed when first asked for, or by `prepare`."""

    def __init__(self, contents: Contents) -> None:
        self.contents = contents
        columns = map(list, zip(*contents.keys, strict=True)) if contents.keys else ([], [], [])
        events, productions, files = cast("Iterable[list[str]]", columns)
        self._columns = (events, productions, files, contents.hashes, contents.uuids)
        self._joined: list[str] | None = None
        self._orders: dict[str, Sequence[int]] = {"event": range(len(contents))}
        self._choices: dict[str | None, list[tuple[str, int]]] = {}
        self._event_choices: list[tuple[str, int]] | None = None
        self._last: tuple[tuple[str | None, str | None], list[str], Sequence[int]] | None = None

    def __len__(self) -> int:
        return len(self.contents)

    def row(self, index: int) -> list[str]:
        """Give event, production, file, hash and uuid of a row."""
        return [column[index] for column in self._columns]

    def prepare(self) -> None:
        """Compute what searching and sorting need, so that nobody waits for it later."""
        self._rows()
        for column in COLUMNS:
            self._order(column)

    def page(self, view: View) -> Page:
        """Find the rows of a page."""
        rows = self.matching(view)
        pages = max(1, -(-len(rows) // PAGE))
        number = min(view.page, pages - 1)
        return Page(rows=list(rows[number * PAGE : (number + 1) * PAGE]), number=number, pages=pages, total=len(rows))

    def matching(self, view: View) -> Sequence[int]:
        """Find all rows that a view shows, in its order."""
        found = self._found(view)
        order = self._order(view.sort)
        if view.descending:
            order = order[::-1]
        if len(found) == len(self):
            return order
        if isinstance(order, range):
            return found[::-1] if view.descending else found
        wanted = bytearray(len(self))
        for index in found:
            wanted[index] = 1
        return [index for index in order if wanted[index]]

    def event_choices(self) -> list[tuple[str, int]]:
        """Count the records of each event."""
        if self._event_choices is None:
            self._event_choices = _most(self._columns[0])
        return self._event_choices

    def production_choices(self, event: str | None) -> list[tuple[str, int]]:
        """Count the records of each production, of one event or of all."""
        if event not in self._choices:
            productions = self._columns[1]
            self._choices[event] = _most(productions if event is None else [productions[i] for i in self._span(event)])
        return self._choices[event]

    def _span(self, event: str) -> range:
        events = self._columns[0]
        return range(bisect_left(events, event), bisect_right(events, event))

    def _found(self, view: View) -> Sequence[int]:
        """Find what filters and search let pass, in the order of the Store."""
        words = view.search.casefold().split()
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
        """Give what was found last if what is looked for now can only be among it, as when one goes on typing."""
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
        if self._joined is None:
            self._joined = ["\n".join(row).casefold() for row in zip(*self._columns, strict=True)]
        return self._joined

    def _order(self, column: str) -> Sequence[int]:
        order = self._orders.get(column)
        if order is None:
            values = self._columns[COLUMNS.index(column)]
            order = self._orders[column] = sorted(range(len(values)), key=values.__getitem__)
        return order


def _most(names: Iterable[str]) -> list[tuple[str, int]]:
    return sorted(Counter(names).most_common(CHOICES))

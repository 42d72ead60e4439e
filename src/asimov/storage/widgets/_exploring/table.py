"""The records of one reading of a Store. They are searched, filtered, sorted and paged as fast as a user types.

This is plain Python: a search is ``word in name`` over casefolded names, and each column is sorted only once.
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from itertools import compress
from typing import TYPE_CHECKING, cast

from .notes import Notes
from .view import COLUMNS, FOUND, PAGE, RECORDED, Choices, Page, View
from .words import Names, beginning, is_digest, narrower, searchable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asimov.storage._model.snapshot import Contents

    from .facts import Facts

_RECORDED_FILTERS = ("event", "production", "suffix", "retracted")
CHOICES = 200
"""The largest number of names that a filter offers. Those with the most records are offered."""


class Table:
    """The records of `contents`.

    `prepare` computes what searching and sorting need. Otherwise it is computed when it is first needed.

    Parameters
    ----------
    contents : Contents
    facts : Facts, optional
        Sizes, times and verifications of the files.
    """

    def __init__(self, contents: Contents, facts: Facts | None = None) -> None:
        self.contents, self.facts = contents, facts
        self.notes = Notes(contents)
        columns = map(list, zip(*contents.keys, strict=True)) if contents.keys else ([], [], [])
        events, productions, files = cast("Iterable[list[str]]", columns)
        self._columns = (events, productions, files, contents.hashes, contents.uuids)
        self._making = threading.RLock()
        self._made: Names | None = None
        self._orders: dict[str, Sequence[int]] = {"event": range(len(contents))}
        self._choices: dict[str, Choices] = {}
        self._last_event: tuple[str | None, Choices | None] = None, None
        self._last: tuple[View, list[str], Sequence[int]] | None = None
        self._last_matching: tuple[View, object, Sequence[int]] | None = None

    def __len__(self) -> int:
        return len(self.contents)

    def row(self, index: int) -> list[str]:
        """Return event, production, file, hash and uuid of a row."""
        return [column[index] for column in self._columns]

    def prepare(self) -> None:
        """Compute what searching and sorting need, so that users don't wait for it later."""
        self._names()
        self.notes.searchable()
        for column in RECORDED:
            self._order(column)

    def page(self, view: View) -> Page:
        """Return the rows of a page."""
        rows = self.matching(view)
        pages = max(1, -(-len(rows) // PAGE))
        number = min(view.page, pages - 1)
        return Page(rows=list(rows[number * PAGE : (number + 1) * PAGE]), number=number, pages=pages, total=len(rows))

    def matching(self, view: View) -> Sequence[int]:
        """Return all rows that match a view, in its order.

        Filters and orders are ignored as long as the facts that they need aren't known.
        """
        state = self.facts and self.facts.state
        if self._last_matching is not None:
            last, known, rows = self._last_matching
            if known == state and _same_but_page(last, view):
                return rows  # another page of the same view
        rows = self._sorted(self._found(view), view)
        self._last_matching = view, state, rows
        return rows

    def event_choices(self) -> Choices:
        """Return the events, each with its number of records."""
        return self._all_choices("event")

    def production_choices(self, event: str | None) -> Choices:
        """Return the productions of one event, or of all, each with its number of records."""
        if event is None:
            return self._all_choices("production")
        last, choices = self._last_event
        if choices is None or last != event:
            productions = self._columns[1]
            choices = _most(productions[index] for index in self._span(event))
            self._last_event = event, choices
        return choices

    def suffix_choices(self) -> Choices:
        """Return the suffixes of the files, in lower case, each with its number of records."""
        if "suffix" not in self._choices:
            self._choices["suffix"] = _most(map(suffix_of, self._columns[2]))
        return self._choices["suffix"]

    def _all_choices(self, column: str) -> Choices:
        if column not in self._choices:
            self._choices[column] = _most(self._columns[RECORDED.index(column)])
        return self._choices[column]

    # Filters and search.

    def _span(self, event: str) -> range:
        events = self._columns[0]
        return range(bisect_left(events, event), bisect_right(events, event))

    def _found(self, view: View) -> Sequence[int]:
        """Return the rows that match filters and search, in the order of the Store."""
        words = searchable(view.search).split()
        found = self._narrowed(view, words)
        if found is None:
            found = range(len(self)) if view.event is None else self._span(view.event)
            if view.production is not None:
                productions = self._columns[1]
                found = [row for row in found if productions[row] == view.production]
            if view.suffix is not None:
                files = self._columns[2]
                found = [row for row in found if suffix_of(files[row]) == view.suffix]
            if view.retracted:
                uuids, retracted = self._columns[4], self.contents.retracted
                found = [row for row in found if uuids[row] in retracted]
        for word in words:
            found = self._names().having(word, found, self._digests(word), self.notes.searchable())
        self._last = view, words, found
        return found if self.facts is None else self.facts.filtered(found, view)

    def _narrowed(self, view: View, words: list[str]) -> Sequence[int] | None:
        """Return the rows of the last search, if they must contain all rows of this one; else None."""
        if self._last is None:
            return None
        last, before, found = self._last
        same = all(getattr(last, name) == getattr(view, name) for name in _RECORDED_FILTERS)
        return found if same and narrower(words, before) else None

    def _digests(self, word: str) -> frozenset[int]:
        """Return the rows whose hash or uuid begins with `word`."""
        if not is_digest(word):
            return frozenset()
        hashes, uuids = self._columns[3:]
        return frozenset([*beginning(word, hashes, self._order("hash")), *beginning(word, uuids, self._order("uuid"))])

    def _names(self) -> Names:
        with self._making:
            if self._made is None:
                self._made = Names(*self._columns[:3])
            return self._made

    # Orders.

    def _sorted(self, found: Sequence[int], view: View) -> Sequence[int]:
        if view.sort not in COLUMNS:
            return self.notes.sorted(found, view.sort, descending=view.descending)
        if view.sort in FOUND:
            return found if self.facts is None else self.facts.sorted(found, view.sort, descending=view.descending)
        order = self._order(view.sort)
        if len(found) < len(self):
            found = self._picked(order, found)
        else:
            found = order
        return self._backwards(found, view.sort) if view.descending else found

    def _picked(self, order: Sequence[int], found: Sequence[int]) -> Sequence[int]:
        """Return the rows of `order` that are in `found`."""
        if isinstance(order, range):
            return found
        wanted = bytearray(len(self))
        for row in found:
            wanted[row] = 1
        return list(compress(order, map(wanted.__getitem__, order)))

    def _backwards(self, rows: Sequence[int], column: str) -> Sequence[int]:
        """Return rows sorted from the last value to the first. Rows with equal values keep their order."""
        values = self._columns[RECORDED.index(column)]
        return sorted(rows, key=values.__getitem__, reverse=True)  # fast: one comparison per row, as they are sorted

    def _order(self, column: str) -> Sequence[int]:
        with self._making:
            if column not in self._orders:
                values = self._columns[RECORDED.index(column)]
                self._orders[column] = array("I", sorted(range(len(values)), key=values.__getitem__))
            return self._orders[column]


def suffix_of(file: str) -> str:
    """Return the suffix of a file's name, in lower case, or an empty str if it has none."""
    stem, dot, suffix = file.rpartition(".")
    return f".{suffix.lower()}" if dot and stem and suffix else ""


def _same_but_page(one: View, other: View) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in View.__slots__ if name != "page")


def _most(names: Iterable[str]) -> Choices:
    counted = Counter(names)
    return Choices(most=sorted(counted.most_common(CHOICES)), total=len(counted))

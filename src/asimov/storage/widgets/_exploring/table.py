"""The records of one reading of a Store: searched, filtered, sorted and paged at the speed of typing.

Plain Python: a search is ``word in name`` over lower-cased names, the order of each column is sorted once.
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from itertools import compress
from typing import TYPE_CHECKING, cast

from .view import FOUND, PAGE, RECORDED, Choices, Page, View
from .words import Names, beginning, is_digest, narrower, searchable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asimov.storage._model.snapshot import Contents

    from .facts import Facts

CHOICES = 200
"""Names that a filter offers at most: those with the most records."""


class Table:
    """The records of `contents`. What searching and sorting need is computed when first asked for, or by `prepare`.

    Parameters
    ----------
    contents : Contents
    facts : Facts, optional
        What is known of the files themselves.
    """

    def __init__(self, contents: Contents, facts: Facts | None = None) -> None:
        self.contents, self.facts = contents, facts
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
        """Compute what searching and sorting need, so that nobody waits for it later."""
        self._names()
        for column in RECORDED:
            self._order(column)

    def page(self, view: View) -> Page:
        """Return the rows of a page."""
        rows = self.matching(view)
        pages = max(1, -(-len(rows) // PAGE))
        number = min(view.page, pages - 1)
        return Page(rows=list(rows[number * PAGE : (number + 1) * PAGE]), number=number, pages=pages, total=len(rows))

    def matching(self, view: View) -> Sequence[int]:
        """Return all rows that a view shows, in its order. What isn't known yet of files neither filters nor sorts."""
        state = self.facts and self.facts.state
        if self._last_matching is not None:
            last, known, rows = self._last_matching
            if known == state and _same_but_page(last, view):
                return rows  # the next page of the same
        rows = self._sorted(self._found(view), view)
        self._last_matching = view, state, rows
        return rows

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

    def suffix_choices(self) -> Choices:
        """Return the suffixes of the files, in lower case, with the number of their records."""
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
        """Return what filters and search let pass, in the order of the Store."""
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
        for word in words:
            found = self._names().having(word, found, self._digests(word))
        self._last = view, words, found
        return found if self.facts is None else self.facts.filtered(found, view)

    def _narrowed(self, view: View, words: list[str]) -> Sequence[int] | None:
        """Return what was found last, if all that is looked for now must be among it."""
        if self._last is None:
            return None
        last, before, found = self._last
        same = (last.event, last.production, last.suffix) == (view.event, view.production, view.suffix)
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
        if view.sort in FOUND:
            return found if self.facts is None else self.facts.sorted(found, view.sort, descending=view.descending)
        order = self._order(view.sort)
        if len(found) < len(self):
            found = self._picked(order, found)
        else:
            found = order
        return self._backwards(found, view.sort) if view.descending else found

    def _picked(self, order: Sequence[int], found: Sequence[int]) -> Sequence[int]:
        """Return those of `order` that were found."""
        if isinstance(order, range):
            return found
        wanted = bytearray(len(self))
        for row in found:
            wanted[row] = 1
        return list(compress(order, map(wanted.__getitem__, order)))

    def _backwards(self, rows: Sequence[int], column: str) -> Sequence[int]:
        """Return rows from the last value to the first; equal ones stay as they were."""
        values = self._columns[RECORDED.index(column)]
        return sorted(rows, key=values.__getitem__, reverse=True)  # they are sorted, so it costs a comparison each

    def _order(self, column: str) -> Sequence[int]:
        with self._making:
            if column not in self._orders:
                values = self._columns[RECORDED.index(column)]
                self._orders[column] = array("I", sorted(range(len(values)), key=values.__getitem__))
            return self._orders[column]


def suffix_of(file: str) -> str:
    """Return the suffix of a file's name, in lower case; an empty str where there is none."""
    stem, dot, suffix = file.rpartition(".")
    return f".{suffix.lower()}" if dot and stem and suffix else ""


def _same_but_page(one: View, other: View) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in View.__slots__ if name != "page")


def _most(names: Iterable[str]) -> Choices:
    counted = Counter(names)
    return Choices(most=sorted(counted.most_common(CHOICES)), total=len(counted))

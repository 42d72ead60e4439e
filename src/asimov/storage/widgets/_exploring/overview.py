"""Overview: a grid of the Store's events by productions, one page of events at a time.

A cell has the number of its files and the worst state of verification among them, as a letter of `STATES`. Sizes and
times are known once the files have been looked at.
"""

from __future__ import annotations

import time
from collections import Counter
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, TypeVar

from asimov.storage.widgets._link.messages import Message, State, request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .facts import Facts
    from .looking import Looking
    from .reading import Reading
    from .table import Table

Row = TypeVar("Row", list[int], str)
EVENTS = 50
"""Events per page."""
PRODUCTIONS = 24
"""The largest number of productions on a page. Those with the most records are shown."""
BINS = 40
"""The largest number of spans in the time line."""
STATES = "fnoml"
"""The states, worst first: failed, never verified, verified over 90 days ago, over 30 days ago, more recently."""
UNKNOWN, EMPTY = "?", "."
_DAY = 86_400
_OLD, _MIDDLING = 90 * _DAY, 30 * _DAY
_DAY_IN_MS = 1000 * _DAY


class Overview:
    """Answers the requests of a page that paints the overview.

    Parameters
    ----------
    reading : Reading
    looking : Looking
        Looks at the files, for sizes and times.
    """

    def __init__(self, reading: Reading, looking: Looking) -> None:
        self._reading, self._looking = reading, looking
        self._groups: tuple[Table | None, list[Event]] = None, []
        self._line: tuple[object, State | None] = None, None

    @request("explore/overview", background=True)
    def _answer(self, message: Message) -> State:
        """Return one page of the overview, and the time line of the whole Store."""
        table = self._reading.table
        events = self._events(table)
        pages = max(1, -(-len(events) // EVENTS))
        page = min(message.integer("page", 0), pages - 1)
        shown = events[page * EVENTS : (page + 1) * EVENTS]
        self._looking.offer()
        facts = table.facts
        return {
            "page": page,
            "pages": pages,
            "total": len(events),
            **_cells(shown, facts),
            "sizes": None if facts is None or not facts.complete else [_size(event, facts) for event in shown],
            "line": self._time_line(table),
        }

    def _events(self, table: Table) -> list[Event]:
        of, events = self._groups
        if of is not table:
            events = list(_grouped(table))
            self._groups = table, events
        return events

    def _time_line(self, table: Table) -> State | None:
        facts = table.facts
        if facts is None or not facts.complete:
            return None
        key = id(table), facts.state
        if self._line[0] != key:
            self._line = key, time_line(facts.added)
        return self._line[1]


class Event:
    """An event, and the rows of each of its productions."""

    def __init__(self, name: str, productions: dict[str, range]) -> None:
        self.name, self.productions = name, productions


def _grouped(table: Table) -> list[Event]:
    events: dict[str, dict[str, range]] = {}
    start = 0
    for (event, production), keys in groupby(table.contents.keys, key=itemgetter(0, 1)):
        stop = start + sum(1 for _ in keys)
        events.setdefault(event, {})[production] = range(start, stop)
        start = stop
    return [Event(name, productions) for name, productions in events.items()]


def _cells(events: Sequence[Event], facts: Facts | None) -> State:
    counted: Counter[str] = Counter()
    for event in events:
        counted.update({production: len(rows) for production, rows in event.productions.items()})
    productions = sorted(name for name, _ in counted.most_common(PRODUCTIONS))
    now = time.time()
    return {
        "events": [event.name for event in events],
        "productions": productions,
        "hidden": len(counted) - len(productions),
        "counts": [_short([len(event.productions.get(name, ())) for name in productions]) for event in events],
        "states": [
            _short("".join(_state(event.productions.get(name), facts, now) for name in productions)) for event in events
        ],
    }


def _short(row: Row) -> Row:
    """Return only the first cell of a row whose cells are all the same.

    Most rows are like that, and a page of them takes less than 2 kB.
    """
    return row[:1] if len(set(row)) == 1 else row


def _state(rows: range | None, facts: Facts | None, now: float) -> str:
    """Return the letter of the worst state among rows."""
    if rows is None:
        return EMPTY
    verified = None if facts is None else facts.verified
    return UNKNOWN if verified is None else state_of(min(verified[rows.start : rows.stop]), now)


def state_of(seconds: int, now: float) -> str:
    """Return the letter for the time when a file was last verified. 0 means never, a negative time that it failed."""
    if seconds <= 0:
        return "f" if seconds < 0 else "n"
    age = now - seconds
    return "o" if age > _OLD else "m" if age > _MIDDLING else "l"


def _size(event: Event, facts: Facts) -> int:
    return sum(size for rows in event.productions.values() for size in facts.sizes[rows.start : rows.stop] if size > 0)


def time_line(added: Sequence[int]) -> State | None:
    """Return the number of files that were added in each span of time. All spans have the same number of whole days.

    Parameters
    ----------
    added : sequence of int
        Times in ms since 1970. Negative values are ignored.
    """
    times = [moment for moment in added if moment >= 0]
    if not times:
        return None
    first, last = min(times) // _DAY_IN_MS, max(times) // _DAY_IN_MS
    days = -(-(last - first + 1) // BINS)
    counted = Counter((moment // _DAY_IN_MS - first) // days for moment in times)
    spans = (last - first) // days + 1
    return {
        "from": first * _DAY_IN_MS,
        "span": days * _DAY_IN_MS,
        "counts": [counted[number] for number in range(spans)],
    }

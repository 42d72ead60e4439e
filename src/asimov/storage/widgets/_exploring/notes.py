"""Notes: what the records' ``meta`` says, for the search, the columns and the orders of the table."""

from __future__ import annotations

import math
import threading
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from asimov.storage._format.notes import texts

from .view import COLUMNS, Choices
from .words import searchable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asimov.storage._model.snapshot import Contents

KEYS = 50
"""The largest number of keys that are offered as columns. Those that the most records have are offered."""
LONGEST = 255
"""The most characters of a key that can be a column, and of a text that a cell shows."""


Value: TypeAlias = tuple[int, float, str]


class Notes:
    """The notes of the records of one reading.

    Parameters
    ----------
    contents : Contents
    """

    def __init__(self, contents: Contents) -> None:
        self._lines = contents.further
        self._making = threading.Lock()
        self._read: tuple[list[str], Counter[str]] | None = None
        self._last: tuple[str, list[Value | None]] = "", []

    def of(self, row: int) -> dict[str, str]:
        """Return the notes of a row as texts, by key."""
        return texts(self._lines[row]) if self._lines else {}

    def searchable(self) -> Sequence[str]:
        """Return what is searched in each row's notes; nothing at all if no record has notes."""
        return self._all()[0]

    def keys(self) -> Choices:
        """Return the keys, each with the number of records that have it."""
        counted = Counter({key: count for key, count in self._all()[1].items() if len(key) <= LONGEST})
        return Choices(most=sorted(counted.most_common(KEYS)), total=len(counted))

    def has(self, key: object) -> bool:
        """Return whether a record has a note with this key."""
        return key in self._all()[1]

    def found(self, row: int, words: Sequence[str], names: str) -> tuple[str, str] | None:
        """Return the first note in which a word occurs that isn't in the names of a row; None if there is none."""
        missing = [word for word in words if word not in names]
        for key, text in self.of(row).items() if missing else ():
            if any(word in searchable(text) for word in missing):
                return key, text
        return None

    def added(self, row: int) -> int | None:
        """Return when a record was added, in ms since 1970, if its Store has noted that."""
        noted = self.of(row).get("added") if self._lines and "added:" in self._lines[row] else None
        try:
            return None if noted is None else int(datetime.fromisoformat(noted).timestamp() * 1000)
        except (ValueError, OverflowError, OSError):
            return None

    def sorted(self, rows: Sequence[int], key: str, *, descending: bool) -> list[int]:
        """Return rows sorted by a note: numbers, then texts, and those without this note at the end."""
        values = self._values(key) if self._lines else []
        if not values:
            return list(rows)
        noted = [row for row in rows if values[row] is not None]
        noted.sort(key=values.__getitem__, reverse=descending)  # type: ignore[arg-type]
        return noted + [row for row in rows if values[row] is None]

    def _values(self, key: str) -> list[Value | None]:
        """Return what each row is sorted by; those of the last key are kept, since a user turns pages and orders."""
        last, values = self._last
        if last != key:
            texts_of_key = (self.of(row).get(key, "") for row in range(len(self._lines or ())))
            values = [_value(text) if text else None for text in texts_of_key]
            self._last = key, values
        return values

    def _all(self) -> tuple[list[str], Counter[str]]:
        with self._making:
            if self._read is None:
                self._read = self._made()
            return self._read

    def _made(self) -> tuple[list[str], Counter[str]]:
        known: dict[str, str] = {}
        counted: Counter[str] = Counter()
        found = []
        for row in range(len(self._lines or ())):
            noted = self.of(row)
            counted.update(key for key in noted if key not in COLUMNS)
            text = searchable("\n".join(text for key, text in noted.items() if key not in COLUMNS))
            found.append(known.setdefault(text, text))
        return (found if counted else []), counted


def _value(text: str) -> Value:
    """Return what a text is sorted by."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    return (1, 0.0, searchable(text)) if math.isnan(number) else (0, number, "")

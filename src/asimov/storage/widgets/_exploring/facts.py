"""Facts: the sizes, times and verifications of the files of a table, which the manifest doesn't have.

A Store may be on a slow file system, so sizes and times are looked up only when a view asks to sort or filter by them.
The times of the last verifications are all in one small file, which is read at once.
"""

from __future__ import annotations

import threading
from array import array
from itertools import compress
from typing import TYPE_CHECKING

from asimov.storage.widgets._served import stat_all, times_verified

from .notes import Notes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from asimov.storage._model.snapshot import Contents
    from asimov.storage.widgets._link.progress import Progress
    from asimov.storage.widgets._served import Served

    from .view import View

MISSING, UNKNOWN = -1, -2
"""The values for a file that isn't there, and for one that hasn't been looked at."""
_NS_IN_MS = 1_000_000
_NEVER = 0
_STEP = 256
"""Files between two checks of whether to continue."""


class Facts:
    """Sizes, times and verifications of the files of one reading.

    Attributes
    ----------
    sizes : array
        The size of each file, in bytes; ``MISSING`` if there is no file.
    added : array
        When each file was added, in ms since 1970: as its notes say if the Store has a stamp, else the time of its last
        change; ``MISSING`` if neither is known.
    verified : array or None
        When each file was last verified, in seconds since 1970: 0 if never, negative if it failed. None until these
        times have been read.
    """

    def __init__(self, store: Served, contents: Contents) -> None:
        self._store, self._contents = store, contents
        self._notes = Notes(contents)
        count = len(contents)
        self.sizes, self.added = array("q", [UNKNOWN]) * count, array("q", [UNKNOWN]) * count
        self.verified: array[int] | None = None
        self.complete = False
        """Whether all files have been looked at."""
        self._looks = 0
        self._looking = threading.Lock()

    @property
    def state(self) -> tuple[bool, int]:
        """Return a value that changes whenever more is known."""
        return self.complete, self._looks

    def take(self, before: Facts) -> None:
        """Copy what is known of the files that were also in an earlier reading."""
        if not before.complete:
            return
        index_of, uuids = before._contents.index_of, before._contents.uuids
        for row, (key, uuid) in enumerate(zip(self._contents.keys, self._contents.uuids, strict=True)):
            old = index_of(key)
            if old is not None and uuids[old] == uuid:
                self.sizes[row], self.added[row] = before.sizes[old], before.added[old]

    def read_verifications(self) -> None:
        """Read when each file was last verified."""
        times = times_verified(self._store)
        self.verified = array("q", (times.get(uuid, _NEVER) for uuid in self._contents.uuids))
        self._looks += 1

    def look(self, progress: Progress) -> None:
        """Look up sizes and times of all files that have not been looked at yet.

        Raises
        ------
        Cancelled
            The user has cancelled. What was found so far is kept.
        """
        with self._looking:
            rows = [row for row, size in enumerate(self.sizes) if size == UNKNOWN]
            for done, (row, found) in enumerate(zip(rows, self._stats(rows), strict=True)):
                self.note(row, *found[1:])
                if done % _STEP == 0:
                    progress(len(self.sizes) - len(rows) + done, len(self.sizes))
            self.complete = True
            self._looks += 1

    def note(self, row: int, size: int | None, changed: int | None) -> None:
        """Note the size of a file in bytes and the time of its last change in ns since 1970."""
        self.sizes[row] = MISSING if size is None else size
        noted = self._notes.added(row)
        self.added[row] = noted if noted is not None else MISSING if changed is None else changed // _NS_IN_MS

    def _stats(self, rows: Iterable[int]) -> Iterable[tuple[object, int | None, int | None]]:
        return stat_all(self._store, map(self._contents.record, rows))

    # Filters and orders.

    def filtered(self, rows: Sequence[int], view: View) -> Sequence[int]:
        """Return the rows that pass the filters of a view. Filters whose facts aren't known yet let all rows pass."""
        if self.complete:
            rows = _at_least(rows, self.added, view.added_from)
            if view.added_to is not None:
                rows = _that(rows, lambda row: 0 <= self.added[row] < view.added_to)  # type: ignore[operator]
            rows = _at_least(rows, self.sizes, None if view.larger_than is None else view.larger_than + 1)
        if self.verified is not None:
            verified = self.verified
            if view.failed:
                rows = _that(rows, lambda row: verified[row] < _NEVER)
            if view.not_verified_since is not None:
                limit = view.not_verified_since / 1000
                rows = _that(rows, lambda row: verified[row] <= _NEVER or verified[row] < limit)
        return rows

    def sorted(self, rows: Sequence[int], column: str, *, descending: bool) -> Sequence[int]:
        """Return rows sorted by size, added or verified. Leave their order if the values aren't known yet."""
        values = {"size": self.sizes, "added": self.added, "verified": self.verified}[column]
        if values is None or (column != "verified" and not self.complete):
            return rows
        return sorted(rows, key=values.__getitem__, reverse=descending)


def _at_least(rows: Sequence[int], values: Sequence[int], limit: int | None) -> Sequence[int]:
    return rows if limit is None else _that(rows, lambda row: values[row] >= limit)


def _that(rows: Sequence[int], passes: Callable[[int], bool]) -> Sequence[int]:
    return list(compress(rows, map(passes, rows)))

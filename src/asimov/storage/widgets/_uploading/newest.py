"""The files that were stored with a widget, as its pages show them: the number of files, and the newest ones."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from asimov.storage.widgets._link.messages import State
from asimov.storage.widgets._link.pace import Paced
from asimov.storage.widgets._link.records import described

if TYPE_CHECKING:
    from collections.abc import Callable

    from asimov.storage._model.record import Record

SHOWN = 100
"""The largest number of files that a page lists."""


class Stored:
    """Keeps the records of all stored files, and shows the newest at a pace that a page can follow.

    Parameters
    ----------
    show : callable
        ``show(state)`` is called with a new dict of JSON values: ``count``, and ``last``, the newest records.
    tell : callable, optional
        ``tell(records)`` is called whenever there are more records. It gets a new list of all records, in the order in
        which they were stored.
    """

    def __init__(
        self, show: Callable[[State], object], tell: Callable[[list[Record]], object] = lambda _records: None
    ) -> None:
        self._records: list[Record] = []
        self._lock, self._telling = threading.Lock(), threading.RLock()
        self._show, self._tell = show, tell
        self._paced = Paced(self._show_now)

    def take(self, *records: Record) -> None:
        """Add the records of files that have just been stored. This can be called from any thread."""
        with self._telling:  # without the lock, an older and shorter list might be told last
            with self._lock:
                self._records += records
                stored = list(self._records)
            self._tell(stored)
        self._paced()

    def close(self) -> None:
        """Stop: nothing is shown any more."""
        self._paced.close()

    def _show_now(self) -> None:
        with self._lock:
            count, last = len(self._records), self._records[-SHOWN:]
        self._show({"count": count, "last": [described(record) for record in last]})

"""The files that were stored with a widget, as its pages list them: how many, and the newest."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from asimov.storage.widgets._link.messages import State
from asimov.storage.widgets._link.pace import Paced
from asimov.storage.widgets._link.records import identity, place

if TYPE_CHECKING:
    from collections.abc import Callable

    from asimov.storage._model.record import Record

SHOWN = 100
"""Files that a page lists at most."""


class Stored:
    """Keeps the records of what was stored, and shows the newest at a pace that a page can follow.

    Parameters
    ----------
    show : callable
        ``show(state)`` is given a new dict of JSON values: ``count``, and ``last``, the newest records.
    """

    def __init__(self, show: Callable[[State], object]) -> None:
        self._records: list[Record] = []
        self._last: deque[State] = deque(maxlen=SHOWN)
        self._lock = threading.Lock()
        self._show = show
        self._paced = Paced(self._show_now)

    @property
    def records(self) -> list[Record]:
        """The records of what was stored, in order."""
        with self._lock:
            return list(self._records)

    def take(self, *records: Record) -> None:
        """Add records of what has just been stored; from any thread."""
        with self._lock:
            self._records += records
            self._last += [{**place(record.key), **identity(record)} for record in records]
        self._paced()

    def close(self) -> None:
        """Show nothing any more."""
        self._paced.close()

    def _show_now(self) -> None:
        with self._lock:
            state: State = {"count": len(self._records), "last": list(self._last)}
        self._show(state)

"""What was stored with a widget, as its pages list it: how many files, and the newest of them."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from ._messages import plain
from ._pace import Paced

if TYPE_CHECKING:
    from collections.abc import Callable

    from asimov.storage._model.record import Record

SHOWN = 100
"""How many of the files that were stored a page lists, the newest of them."""


class Stored:
    """Keeps the records that come in, and shows them at a pace that a page can follow.

    Parameters
    ----------
    show : callable
        ``show(state)`` is given a new dict of JSON values: ``count``, and ``last``, the newest records.
    """

    def __init__(self, show: Callable[[dict[str, object]], object]) -> None:
        self._records: list[Record] = []
        self._last: deque[object] = deque(maxlen=SHOWN)
        self._lock = threading.Lock()
        self._show = show
        self._paced = Paced(self._show_now)

    @property
    def records(self) -> list[Record]:
        """What was stored, in order."""
        with self._lock:
            return list(self._records)

    def take(self, record: Record) -> None:
        """Take in what has just been stored; from any thread."""
        shown = {name: getattr(record, name) for name in ("event", "production", "file", "hash", "uuid")}
        with self._lock:
            self._records.append(record)
            self._last.append(plain(shown))
        self._paced()

    def close(self) -> None:
        """Show nothing any more."""
        self._paced.close()

    def _show_now(self) -> None:
        with self._lock:
            state: dict[str, object] = {"count": len(self._records), "last": list(self._last)}
        self._show(state)

"""The progress of one piece of work: told to a page at a pace that it can follow, and the way to end the work early."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from .pace import Pace

if TYPE_CHECKING:
    from collections.abc import Callable


class Cancelled(Exception):
    """Somebody pressed Cancel."""


class Progress:
    """What the core calls as ``progress(done, total)``; it calls `tell` in turn, but not too often.

    Parameters
    ----------
    tell : callable
        Called without arguments when it is time for an update; `done` and `total` are up to date then.

    Attributes
    ----------
    done, total : int
        Bytes.
    """

    def __init__(self, tell: Callable[[], object]) -> None:
        self.done = self.total = 0
        self._tell = tell
        self._pace = Pace()
        self._cancelled = threading.Event()

    @property
    def cancelled(self) -> bool:
        """Whether somebody has called `cancel`."""
        return self._cancelled.is_set()

    def __call__(self, done: int, total: int) -> None:
        """Set how far the work is.

        Raises
        ------
        Cancelled
            Somebody has called `cancel`; it ends the work that calls this.
        """
        self.done, self.total = done, total
        self.tick()

    def tick(self) -> None:
        """Tell, if it is time to; raise `Cancelled`, if somebody has cancelled."""
        if self.cancelled:
            raise Cancelled
        if self._pace.left() <= 0:
            self._pace.begin()
            self._tell()

    def cancel(self) -> None:
        """End the work at its next step; from any thread."""
        self._cancelled.set()

"""The progress of one piece of work: told to a page at a pace that it can follow, and the way to end the work early."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

EVERY = 0.2
"""Seconds between two updates: at most five a second."""


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
        self._told = -EVERY
        self._cancelled = threading.Event()

    def __call__(self, done: int, total: int) -> None:
        """Take down how far the work is.

        Raises
        ------
        Cancelled
            Somebody has called `cancel`; it ends the work that calls this.
        """
        self.done, self.total = done, total
        self.tick()

    def tick(self) -> None:
        """Tell, if it is time to; raise `Cancelled`, if somebody has cancelled."""
        if self._cancelled.is_set():
            raise Cancelled
        now = time.monotonic()
        if now - self._told >= EVERY:
            self._told = now
            self._tell()

    def cancel(self) -> None:
        """End the work at its next step; from any thread."""
        self._cancelled.set()

"""The progress of one piece of work: it is told to a page at a pace that it can follow, and can cancel the work."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from .pace import Pace

if TYPE_CHECKING:
    from collections.abc import Callable


class Cancelled(Exception):
    """The user has cancelled the work."""


class Progress:
    """A callback that the core calls as ``progress(done, total)``. It calls `tell` in turn, but not too often.

    Parameters
    ----------
    tell : callable
        Called without arguments when it is time for an update. `done` and `total` are up to date then.

    Attributes
    ----------
    done, total : int
        The bytes that are done, and all bytes.
    """

    def __init__(self, tell: Callable[[], object]) -> None:
        self.done = self.total = 0
        self._tell = tell
        self._pace = Pace()
        self._cancelled = threading.Event()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` has been called."""
        return self._cancelled.is_set()

    def __call__(self, done: int, total: int) -> None:
        """Set the progress of the work.

        Raises
        ------
        Cancelled
            `cancel` has been called. The exception ends the work that calls this.
        """
        self.done, self.total = done, total
        self.tick()

    def tick(self) -> None:
        """Call `tell` if an update is due. Raise `Cancelled` if the work was cancelled."""
        if self.cancelled:
            raise Cancelled
        if self._pace.left() <= 0:
            self._pace.begin()
            self._tell()

    def cancel(self) -> None:
        """End the work at its next step. This can be called from any thread."""
        self._cancelled.set()

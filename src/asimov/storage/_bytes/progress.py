"""Progress: callbacks that get the number of bytes done, at most ten times a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[int, int], object]
_INTERVAL = 0.1


class Meter:
    """Counts bytes and calls `progress(done, total)`: at the start, at most ten times a second, and at the end.

    An error that `progress` raises passes through: that is how work is cancelled.
    """

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0
        if progress is not None:
            progress(0, total)
        self._told = (0, 0.0)

    def advance(self, count: int) -> None:
        """Count `count` more bytes."""
        self._done += count
        if self._progress is None:
            return
        now = time.monotonic()
        if now - self._told[1] >= _INTERVAL:
            self._tell(now)

    def finish(self) -> None:
        """Report the end, unless it was reported already."""
        if self._progress is not None and self._told[0] != self._done:
            self._tell(time.monotonic())

    def _tell(self, now: float) -> None:
        self._told = (self._done, now)
        if self._progress is not None:
            self._progress(self._done, max(self._total, self._done))

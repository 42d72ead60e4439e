"""The pace of updates: a value that changes often is sent to a page five times a second, which a page can follow."""

from __future__ import annotations

import threading
import time
from contextvars import copy_context
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

EVERY = 0.2
"""Seconds between two updates."""


class Pace:
    """Tells when it is time for the next update. It is not thread-safe."""

    def __init__(self) -> None:
        self._last = -EVERY

    def left(self) -> float:
        """Return the seconds until the next update is due; 0 or less if it is due now."""
        return self._last + EVERY - time.monotonic()

    def begin(self) -> None:
        """Count the time from now on."""
        self._last = time.monotonic()


class Paced:
    """Calls `action` when it is called itself, but at most five times a second.

    It can be called from any thread. After the last call, `action` is always called once more.
    """

    def __init__(self, action: Callable[[], object]) -> None:
        self._action = action
        self._pace = Pace()
        self._later: threading.Timer | None = None
        self._closed = False
        self._lock = threading.Lock()

    def __call__(self) -> None:
        """Call the action now, or a little later."""
        with self._lock:
            if self._closed or self._later is not None:
                return
            wait = self._pace.left()
            if wait > 0 and self._called_after(wait):
                return
            self._pace.begin()
        self._action()

    def close(self) -> None:
        """Stop: the action is not called any more."""
        with self._lock:
            self._closed = True
            if self._later is not None:
                self._later.cancel()

    def _called_after(self, seconds: float) -> bool:
        """Call the action later. Return False if no thread can be started for that."""
        timer = threading.Timer(seconds, copy_context().run, (self._call,))
        timer.name, timer.daemon = "asimov-storage pace", True
        try:
            timer.start()
        except RuntimeError:
            return False
        self._later = timer
        return True

    def _call(self) -> None:
        with self._lock:
            self._later = None
            self._pace.begin()
            if self._closed:
                return
        self._action()

"""How often a page is told of what changes often: five times a second, which a page can follow."""

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
    """Tells when it is time for the next update. Not for several threads at once."""

    def __init__(self) -> None:
        self._last = -EVERY

    def left(self) -> float:
        """Return the seconds until it is time; 0 or less if it is."""
        return self._last + EVERY - time.monotonic()

    def begin(self) -> None:
        """Count from now on."""
        self._last = time.monotonic()


class Paced:
    """Calls `action` when it is called, from any thread, at most five times a second; the last call is never lost."""

    def __init__(self, action: Callable[[], object]) -> None:
        self._action = action
        self._pace = Pace()
        self._later: threading.Timer | None = None
        self._closed = False
        self._lock = threading.Lock()

    def __call__(self) -> None:
        """Call the action now, or soon."""
        with self._lock:
            if self._closed or self._later is not None:
                return
            wait = self._pace.left()
            if wait > 0 and self._called_after(wait):
                return
            self._pace.begin()
        self._action()

    def close(self) -> None:
        """Call nothing any more."""
        with self._lock:
            self._closed = True
            if self._later is not None:
                self._later.cancel()

    def _called_after(self, seconds: float) -> bool:
        """Call the action later; return False where no thread can be had for that."""
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

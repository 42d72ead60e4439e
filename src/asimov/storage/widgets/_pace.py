"""Saying what changes often at a pace that a page, and who listens to it, can follow."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from ._progress import EVERY

if TYPE_CHECKING:
    from collections.abc import Callable


class Paced:
    """Calls `action` when it is called, from any thread, at most five times a second; the last call is never lost."""

    def __init__(self, action: Callable[[], object]) -> None:
        self._action = action
        self._called = -EVERY
        self._later: threading.Timer | None = None
        self._closed = False
        self._lock = threading.Lock()

    def __call__(self) -> None:
        """Call the action now, or soon."""
        with self._lock:
            if self._closed or self._later is not None:
                return
            wait = self._called + EVERY - time.monotonic()
            if wait > 0:
                self._later = threading.Timer(wait, self._call)
                self._later.name, self._later.daemon = "asimov-storage pace", True
                try:
                    self._later.start()
                except RuntimeError:  # no thread is to be had: now, then
                    self._later = None
                else:
                    return
            self._called = time.monotonic()
        self._action()

    def _call(self) -> None:
        with self._lock:
            self._later, self._called = None, time.monotonic()
            if self._closed:
                return
        self._action()

    def close(self) -> None:
        """Call nothing any more."""
        with self._lock:
            self._closed = True
            if self._later is not None:
                self._later.cancel()

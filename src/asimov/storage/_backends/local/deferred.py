"""Committed entries whose fold was put off: they are folded within a second, or when the process ends.

A process that is killed leaves them to the next writer, and nothing is lost.
"""

from __future__ import annotations

import atexit
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable

LIMIT = 1.0
"""How many seconds an entry may wait while its process runs."""


class Deferred:
    """The entries of one Store that this process has committed and that may not be folded yet.

    Parameters
    ----------
    fold : callable
        ``fold(number)`` folds all entries up to `number`, unless that was done, and returns the number of the last
        folded entry. None means that it failed, so that the next writer has to fold them.
    """

    def __init__(self, fold: Callable[[int], int | None]) -> None:
        self._fold = fold
        self._lock = threading.Lock()
        self._waiting: deque[tuple[int, float]] = deque()
        self._timer: threading.Timer | None = None
        _all.add(self)

    def renew_lock(self) -> None:
        """Forget, in a forked process, the entries that are its parent's business."""
        self._lock = threading.Lock()
        self._waiting.clear()
        self._timer = None

    def add(self, number: int) -> bool:
        """Plan to fold the entry with this number in time; return False if that isn't possible."""
        with self._lock:
            if _ending or not self._start(LIMIT):
                return False
            self._waiting.append((number, time.monotonic() + LIMIT))
        return True

    def finish(self) -> None:
        """Fold the remaining entries now."""
        with self._lock:
            last = max((number for number, _ in self._waiting), default=0)
        if last:
            self._folded_up_to(self._fold(last))

    def _start(self, seconds: float) -> bool:
        if self._timer is None:
            timer = threading.Timer(seconds, self._fire)
            timer.daemon, timer.name = True, "asimov-storage fold"
            try:
                timer.start()
            except RuntimeError:  # no thread can be started
                return False
            self._timer = timer
            _finish_in_child()
        return True

    def _fire(self) -> None:
        with self._lock:
            first = self._waiting[0][0] if self._waiting else 0
        folded = self._fold(first) if first else 0
        self._folded_up_to(folded, fired=True)

    def _folded_up_to(self, folded: int | None, *, fired: bool = False) -> None:
        """Forget the entries up to `folded`, or all if the fold failed; then wait for the next one."""
        with self._lock:
            if fired:
                self._timer = None
            while self._waiting and (folded is None or self._waiting[0][0] <= folded):
                self._waiting.popleft()
            if self._waiting and not self._start(max(self._waiting[0][1] - time.monotonic(), 0.0)):
                self._waiting.clear()  # the next writer folds them


_all: weakref.WeakSet[Deferred] = weakref.WeakSet()
_ending = False


@atexit.register
def _finish_all() -> None:
    global _ending  # noqa: PLW0603 - the process ends once
    _ending = True
    for deferred in list(_all):
        deferred.finish()


_registered: set[int] = set()


def _finish_in_child() -> None:
    """Plan to fold the remaining entries at the end of a process of `multiprocessing`, which doesn't call `atexit`."""
    import os

    util = sys.modules.get("multiprocessing.util")
    process = sys.modules.get("multiprocessing.process")
    if util is None or process is None or process.parent_process() is None or os.getpid() in _registered:
        return
    _registered.add(os.getpid())
    util.Finalize(None, _finish_all, exitpriority=0)

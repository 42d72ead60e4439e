"""What a page has under way in the kernel and may cancel, by a number that the page gives it.

Work is done in threads, and a Cancel may be heard before the thread of its work has begun. So what is cancelled and not
under way is remembered, and ends as soon as it begins.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ._messages import Message, RefusedError
from ._progress import Cancelled, Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

_REMEMBERED = 1000


class Jobs:
    """The jobs of all views of a widget."""

    def __init__(self) -> None:
        self._running: dict[tuple[str, int], Progress] = {}
        self._cancelled: deque[tuple[str, int]] = deque(maxlen=_REMEMBERED)
        self._closed = False
        self._lock = threading.Lock()

    @contextmanager
    def under_way(self, job: tuple[str, int], progress: Progress) -> Iterator[None]:
        """Let `job` be cancelled for the length of a ``with`` block, which `progress` is called in.

        Raises
        ------
        Cancelled
            It is cancelled already.
        RefusedError
            There is one of that number.
        """
        with self._lock:
            if self._closed or job in self._cancelled:
                raise Cancelled
            if job in self._running:
                msg = "That file is on its way already. Wait until it is done."
                raise RefusedError(msg)
            self._running[job] = progress
        try:
            yield
        finally:
            with self._lock:
                del self._running[job]

    def cancel(self, job: tuple[str, int]) -> None:
        """End a job at its next step, or when it begins."""
        with self._lock:
            if job in self._running:
                self._running[job].cancel()
            else:
                self._cancelled.append(job)

    def close(self) -> None:
        """End all jobs, and those that are to come."""
        with self._lock:
            self._closed = True
            for progress in self._running.values():
                progress.cancel()


def job_of(message: Message) -> tuple[str, int]:
    """Give what a job is known by; the page may leave its number away."""
    return message.view, message.integer("job", message.request)

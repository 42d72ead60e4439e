"""Jobs: what a page has under way in the kernel and may cancel, several at a time, each by a number of the page's.

Jobs are done in threads, and a Cancel may be heard before the thread of its job has begun. So a job that is cancelled
and not under way is remembered, and ends as soon as it begins.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from .messages import Message, RefusedError
from .progress import Cancelled, Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

Job: TypeAlias = tuple[str, int | str]
"""A view, and the number or token that it gave the job."""

REMEMBERED = 1000
"""Jobs that are remembered as cancelled before they began."""


class Jobs:
    """The jobs of all views of a widget.

    Parameters
    ----------
    busy : str
        What a job is refused with whose number is that of a job under way.
    """

    def __init__(self, busy: str) -> None:
        self._busy = busy
        self._running: dict[Job, Progress] = {}
        self._cancelled: deque[Job] = deque(maxlen=REMEMBERED)
        self._closed = False
        self._lock = threading.Lock()

    @contextmanager
    def under_way(self, job: Job, progress: Progress) -> Iterator[None]:
        """Allow `job` to be cancelled during a ``with`` block in which `progress` is called.

        Raises
        ------
        Cancelled
            It is cancelled already.
        RefusedError
            A job of that number is under way.
        """
        with self._lock:
            if self._closed or job in self._cancelled:
                raise Cancelled
            if job in self._running:
                raise RefusedError(self._busy)
            self._running[job] = progress
        try:
            yield
        finally:
            with self._lock:
                del self._running[job]

    def cancel(self, job: Job) -> None:
        """End a job at its next step, or when it begins."""
        with self._lock:
            if job in self._running:
                self._running[job].cancel()
            elif job not in self._cancelled:
                self._cancelled.append(job)

    def close(self) -> None:
        """End all jobs, also those that are yet to begin."""
        with self._lock:
            self._closed = True
            for progress in self._running.values():
                progress.cancel()


def job_of(message: Message) -> tuple[str, int]:
    """Return the view and the number of a job; the page may leave the number away."""
    return message.view, message.integer("job", message.request)

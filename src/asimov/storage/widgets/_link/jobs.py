"""Jobs: work of a page in the kernel that the page may cancel. It may have several jobs, and gives each a number.

Jobs run in threads. A Cancel may arrive before the thread of its job has started. So a job that is cancelled while it
isn't running is remembered, and ends as soon as it starts.
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
"""The largest number of jobs that are remembered as cancelled before they began."""


class Jobs:
    """The jobs of all views of a widget.

    Parameters
    ----------
    busy : str
        The message that refuses a job whose number is in use by a job under way.
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
            The job was cancelled already.
        RefusedError
            A job with that number is under way.
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
        """End a job at its next step, or as soon as it begins."""
        with self._lock:
            if job in self._running:
                self._running[job].cancel()
            elif job not in self._cancelled:
                self._cancelled.append(job)

    def close(self) -> None:
        """End all jobs, including those that have not begun yet."""
        with self._lock:
            self._closed = True
            for progress in self._running.values():
                progress.cancel()


def job_of(message: Message) -> tuple[str, int]:
    """Return the view and the number of a job. The number is that of the request if the page leaves it out."""
    return message.view, message.integer("job", message.request)

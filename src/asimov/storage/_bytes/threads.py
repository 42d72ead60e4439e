"""Threads, as many as the system allows. If it allows no more, the caller does the work itself."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

Result = TypeVar("Result")

_PER_THREAD = 8
"""How many descriptors this process must be allowed per reading thread. Half of them are for everything else."""


def started(work: Callable[[], object], name: str) -> threading.Thread | None:
    """Start a thread that ends with the process; return None if the system allows none, or the process is ending.

    The thread works in the caller's context, by which some front ends find their session.
    """
    thread = threading.Thread(target=copy_context().run, args=(work,), name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return None
    return thread


class Threads:
    """A pool of up to `most` threads. Each call runs in the context of its caller.

    If a thread can't be started, the caller does its work.
    """

    def __init__(self, most: int, name: str) -> None:
        from concurrent.futures import ThreadPoolExecutor  # loads logging, which readers don't need

        self._pool = ThreadPoolExecutor(most, thread_name_prefix=name)
        self._ended = False

    def submit(self, function: Callable[..., Result], /, *arguments: object) -> Future[Result]:
        """Call a function in a thread, or at once in this one if there is none."""
        task = _Task(function, arguments)
        try:
            self._pool.submit(task)
        except RuntimeError:
            if not self._ended:
                task()  # an existing thread may take it too, and then finds it done
        return task.future

    def shutdown(self, *, wait: bool = False) -> None:
        """End the threads after their current calls; calls that are submitted later are not made."""
        self._ended = True
        self._pool.shutdown(wait=wait, cancel_futures=True)


class _Task(Generic[Result]):
    """A call that is made once, by the first thread that takes it."""

    def __init__(self, function: Callable[..., Result], arguments: tuple[object, ...]) -> None:
        from concurrent.futures import Future

        self._function, self._arguments = function, arguments
        self._context = copy_context()
        self._taken = threading.Lock()
        self.future: Future[Result] = Future()

    def __call__(self) -> None:
        if not self._taken.acquire(blocking=False) or not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self._context.run(self._function, *self._arguments)
        except BaseException as error:  # noqa: BLE001 - the future raises it again
            self.future.set_exception(error)
        else:
            self.future.set_result(result)


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def reading_threads() -> int:
    """Return how many threads should read files at once: one per core, if there are enough descriptors."""
    return max(1, min(usable_cores(), descriptors() // _PER_THREAD))


def descriptors() -> int:
    """Return how many descriptors this process may have open."""
    try:
        import resource
    except ImportError:  # pragma: no cover - Windows
        return sys.maxsize
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if limit == resource.RLIM_INFINITY else limit


def without_monitor(bar: type[Any]) -> type[Any]:
    """Return a class of tqdm bars without a monitor thread, which isn't needed here, and may fail to start."""
    return type(bar.__name__, (bar,), {"monitor_interval": 0})

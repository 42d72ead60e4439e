"""Together: the same work for several files at a time; progress is reported on the caller's thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from asimov.storage._backends.objects import Stopped, stopping
from asimov.storage._bytes.progress import Meter
from asimov.storage._bytes.threads import Threads

if TYPE_CHECKING:
    from concurrent.futures import Future

Item = TypeVar("Item")
Result = TypeVar("Result")
_POLL = 0.1
_WINDOW = 64
"""How many files may wait or be under way at a time."""


def each(work: Callable[[Item, Meter], Result], items: Sequence[Item], meter: Meter, most: int) -> list[Result]:
    """Return ``work(item, meter)`` of each item, in their order; do it for `most` items at a time.

    After the first error no work is begun any more. The error is raised when none is under way.
    """
    if most <= 1 or len(items) <= 1:
        return [work(item, meter) for item in items]
    return _Together(work, meter).of(items, most)


class _Shared(Meter):
    """Counts what the threads do; the caller's thread hands it on."""

    def __init__(self, stop: threading.Event) -> None:
        super().__init__(None, 0)
        self._stop, self._lock = stop, threading.Lock()
        self._counted = 0

    def advance(self, count: int) -> None:
        if self._stop.is_set():
            raise Stopped
        with self._lock:
            self._counted += count

    def taken(self) -> int:
        """Return what was counted since the last call."""
        with self._lock:
            counted, self._counted = self._counted, 0
        return counted


class _Together(Generic[Item, Result]):
    def __init__(self, work: Callable[[Item, Meter], Result], meter: Meter) -> None:
        self._work, self._meter = work, meter
        self._stop = threading.Event()
        self._shared = _Shared(self._stop)

    def of(self, items: Sequence[Item], most: int) -> list[Result]:
        threads = Threads(most, "asimov-storage fetch")
        futures: list[Future[Result]] = []
        try:
            for number, item in enumerate(items):
                futures.append(threads.submit(self._one, item))
                if number >= _WINDOW:
                    self._wait(futures[number - _WINDOW])
            for future in futures:
                self._wait(future)
        except BaseException:
            self._stop.set()
            raise
        finally:
            threads.shutdown(wait=True)
        return [future.result() for future in futures]

    def _one(self, item: Item) -> Result:
        token = stopping.set(self._stop)
        try:
            return self._work(item, self._shared)
        finally:
            stopping.reset(token)

    def _wait(self, future: Future[Result]) -> None:
        """Wait for a result, and raise its error; report the progress meanwhile."""
        from concurrent.futures import wait

        while not wait([future], timeout=_POLL).done:
            self._meter.advance(self._shared.taken())
        self._meter.advance(self._shared.taken())
        future.result()

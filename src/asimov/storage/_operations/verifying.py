"""Verification: whether every file is still as it was stored, on threads or any `concurrent.futures.Executor`."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

from asimov.storage._backends import opening
from asimov.storage._backends.base import Backend
from asimov.storage._backends.checking import failed
from asimov.storage._bytes.progress import Meter, Progress
from asimov.storage._bytes.threads import Threads, reading_threads
from asimov.storage._display.text import shown
from asimov.storage._model.check import Check, Status
from asimov.storage._model.names import Key
from asimov.storage._model.record import Record
from asimov.storage._model.reports import VerificationReport
from asimov.storage._model.selection import select, within
from asimov.storage._model.snapshot import Contents

from . import arguments
from . import fingerprint as fingerprints
from .quick import quickly
from .rotation import Rotation, due, within_bytes

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future  # loads logging, which readers don't need
    from pathlib import Path

_BATCH_FILES, _BATCH_BYTES, _LOCAL_BYTES = 64, 32 << 20, 8 << 20
_WINDOW, _FAR_WINDOW = 64, 1024
"""How many tasks may wait or run at a time: on threads, and on an executor, perhaps with hundreds of workers."""
_POLL = 0.1
_LOOKED_AT = 200
"""`progress` is called once for this many files whose sizes are looked up."""

OnCheck = Callable[[Check], object]


# A Store, or a part of it.


def records_to_verify(contents: Contents, event: object, production: object, selection: object) -> list[Record]:
    """Return the records of an event, of a production, of a selection, or of all, sorted.

    Raises
    ------
    RecordNotFoundError
        There is no such event, production or record.
    """
    if selection is None:
        return [contents.record(index) for index in within(contents, event, production)]  # type: ignore[arg-type]
    if event is not None or production is not None:
        msg = "verify() takes event and production, or a selection, not both."
        raise TypeError(msg)
    return sorted(dict.fromkeys(select(contents, selection)), key=_key)


def verify(  # noqa: PLR0913 - one for each of its questions
    backend: Backend,
    contents: Contents,
    records: list[Record],
    rotation: Rotation,
    *,
    executor: object = None,
    progress: Progress | bool | None = None,
    on_check: OnCheck | None = None,
    fingerprint: str | None = None,
    quick: bool = False,
) -> VerificationReport:
    """Verify the files of `records`, which are all of `contents` or some; `fingerprint` is that of all."""
    worker, expected = arguments.executor(executor), arguments.fingerprint(fingerprint)
    with arguments.reporting(progress, "verify") as reported:
        current = [record for record in records if record.uuid not in contents.retracted]
        without_reading, to_read = quickly(backend, current) if quick else ([], current)
        checks = _checks(backend, to_read, rotation, executor=worker, progress=reported, on_check=on_check)
    passed = [_passed_over(backend, record, contents) for record in records if record.uuid in contents.retracted]
    passed += without_reading
    for check in passed if on_check is not None else ():
        on_check(check)  # type: ignore[misc]
    backend.note_verified(checks, contents.uuids, rotating=rotation != Rotation())
    groups = dict.fromkeys((record.event, record.production) for record in records)
    actual = fingerprints.fingerprint(contents) if expected is not None else None
    return VerificationReport(
        root=cast("Path", backend.root or backend.location),
        results=tuple(sorted([*checks, *passed], key=lambda check: check.key) if passed else checks),
        untracked=tuple(backend.untracked(contents, groups)),
        problems=fingerprints.problems(expected, actual),
        skipped=len(records) - len(checks) - len(passed),
        fingerprint=actual,
        expected_fingerprint=fingerprint,
        quick=quick,
    )


def _passed_over(backend: Backend, record: Record, contents: Contents) -> Check:
    """Return the Check of a retracted record, whose file is as nobody wants it any more."""
    return failed(record, backend.where(record), Status.RETRACTED, contents.retracted[record.uuid].reason)


def _checks(
    backend: Backend,
    records: list[Record],
    rotation: Rotation,
    *,
    executor: Executor | None,
    progress: Progress | None,
    on_check: OnCheck | None,
) -> list[Check]:
    """Check files in the order in which they are due, as far as the budget reaches; return the checks sorted by key."""
    exact = progress is not None or isinstance(rotation.budget, int)
    sizes = _sizes(backend, records, progress) if exact else backend.sizes(records)
    pairs: Iterable[tuple[Record, int]] = zip(records, sizes, strict=True)
    if rotation != Rotation():
        pairs = due(pairs, backend.times_verified(), rotation.since)
    if isinstance(rotation.budget, int):
        pairs = within_bytes(pairs, rotation.budget)
    if progress is not None:
        pairs = list(pairs)
    total = sum(size for _, size in pairs) if progress is not None else 0
    run = _Run(backend, total, progress, on_check)
    if rotation.budget is not None and not isinstance(rotation.budget, int):
        run.deadline = time.monotonic() + rotation.budget.total_seconds()
    if executor is not None:
        return run.on(executor, _batches(pairs, _BATCH_BYTES))
    threads = Threads(max(reading_threads(), backend.together), "asimov-storage verify")
    try:
        return run.on(threads, _batches(pairs, _LOCAL_BYTES))
    finally:
        threads.shutdown()


def _sizes(backend: Backend, records: list[Record], progress: Progress | None) -> Iterator[int]:
    """Yield the size of each file, or 0 if there is no file, while other files are digested.

    Meanwhile `progress` may cancel, even before the first byte is read.
    """
    total = 0
    for number, found in enumerate(backend.stat(records), start=1):
        total += found.size or 0
        if progress is not None and number % _LOOKED_AT == 0:
            progress(0, total)
        yield found.size or 0


# A batch of files: the work of one worker, perhaps on another machine.


def check_batch(
    location: str, records: Sequence[Record], _run: str, options: Mapping[str, object] | None = None
) -> list[Check]:
    """Check the files of `records`, sorted by key, of the Store at `location`, which the worker opens by itself.

    Each verification has its own `_run`, since dask doesn't repeat a call whose result it has.
    """
    return opening.kept(location, options).check(records)


class _Cancelled(Exception):
    pass


class _Tally(Meter):
    """Counts for several threads, and stops them on request. In the caller's own thread it calls `tell` at once."""

    def __init__(self, tell: Callable[[], object]) -> None:
        super().__init__(None, 0)
        self._lock = threading.Lock()
        self.done, self.stopped = 0, False
        self.error: BaseException | None = None
        """The error that `tell` raised."""
        self._caller, self._tell_caller = threading.get_ident(), tell

    def advance(self, count: int) -> None:
        if self.stopped:
            raise _Cancelled
        with self._lock:
            self.done += count
        if threading.get_ident() == self._caller:  # no thread could be started
            try:
                self._tell_caller()
            except BaseException as error:  # an OSError must not be mistaken for the file's
                self.error, self.stopped = error, True
                raise _Cancelled from error


# All of them.


class _Batch(NamedTuple):
    records: list[Record]
    size: int


def _batches(records: Iterable[tuple[Record, int]], limit: int) -> Iterator[_Batch]:
    """Group the files so that no task is tiny, and no task so large that the others wait for it at the end."""
    batch: list[Record] = []
    total = 0
    for record, size in records:
        if batch and (len(batch) >= _BATCH_FILES or total + size > limit):
            yield _Batch(sorted(batch, key=_key), total)
            batch, total = [], 0
        batch.append(record)
        total += size
    if batch:
        yield _Batch(sorted(batch, key=_key), total)


def _key(record: Record) -> Key:
    return record.key


class _Run:
    """One verification, run from the caller's thread."""

    def __init__(self, backend: Backend, total: int, progress: Progress | None, on_check: OnCheck | None) -> None:
        self.backend, self.on_check = backend, on_check
        self.run = os.urandom(8).hex()
        self.meter, self.tally = Meter(progress, total), _Tally(self.count)
        self.counted = 0
        self.results: list[Check] = []
        self.deadline = float("inf")
        self.has_begun = False
        """Whether the executor has taken work."""

    def on(self, executor: Executor | Threads, batches: Iterator[_Batch]) -> list[Check]:
        from concurrent.futures import ThreadPoolExecutor

        shared = self.tally if isinstance(executor, (ThreadPoolExecutor, Threads)) else None
        pending: dict[Future[list[Check]], _Batch] = {}
        try:
            for batch in batches:
                while len(pending) >= (_WINDOW if shared is not None else _FAR_WINDOW):
                    self.collect(pending, shared)
                if time.monotonic() >= self.deadline and self.results:
                    break
                future = self.submit(executor, batch, shared)
                pending[future], self.has_begun = batch, True
                if future.done():  # in this thread, since no other could be started
                    self.collect(pending, shared)
            while pending:
                self.collect(pending, shared)
                if time.monotonic() >= self.deadline and self.results:
                    self.give_back(pending)
            self.meter.finish()
        except BaseException:
            self.tally.stopped = True
            for future in pending:
                future.cancel()
            raise
        return sorted(self.results, key=lambda check: check.key)

    def give_back(self, pending: dict[Future[list[Check]], _Batch]) -> None:
        """Cancel the tasks that haven't begun."""
        for future in list(pending):
            if future.cancel():
                del pending[future]

    def submit(self, executor: Executor | Threads, batch: _Batch, shared: _Tally | None) -> Future[list[Check]]:
        try:
            if shared is not None:
                return executor.submit(self.backend.check, batch.records, shared)
            more = [self.backend.options] if self.backend.options else []
            return executor.submit(check_batch, self.backend.location, batch.records, self.run, *more)
        except Exception as error:  # a broken executor of any kind gives no verdict on these files
            if not self.has_begun:
                raise _takes_no_work(executor, error) from error
            from concurrent.futures import Future

            unanswered: Future[list[Check]] = Future()
            unanswered.set_exception(error)
            return unanswered

    def collect(self, pending: dict[Future[list[Check]], _Batch], shared: _Tally | None) -> None:
        """Wait a moment for results, and report the progress."""
        from concurrent.futures import FIRST_COMPLETED, wait

        done, _ = wait(pending, timeout=_POLL, return_when=FIRST_COMPLETED)
        if self.tally.error is not None:
            raise self.tally.error
        for future in done:
            batch = pending.pop(future)
            checks = self.outcome(future, batch)
            self.results += checks
            for check in checks if self.on_check is not None else ():
                self.on_check(check)  # type: ignore[misc]
            if shared is None:
                self.meter.advance(batch.size)
        if shared is not None:
            self.count()

    def count(self) -> None:
        """Report what the threads have counted."""
        now = self.tally.done
        self.meter.advance(now - self.counted)
        self.counted = now

    def outcome(self, future: Future[list[Check]], batch: _Batch) -> list[Check]:
        try:
            return future.result()
        except Exception as error:  # noqa: BLE001 - any failure of a worker is a result
            reason = f"its worker gave no answer: {type(error).__name__}: {error}"
            return [failed(record, self.backend.where(record), Status.UNREADABLE, reason) for record in batch.records]


def _takes_no_work(executor: object, why: Exception) -> ValueError:
    advice = "Give one that is open, or None: threads, one per usable core."
    return ValueError(f"executor={shown(executor)}: it takes no work ({' '.join(str(why).split())}). {advice}")

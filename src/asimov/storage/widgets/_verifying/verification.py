"""Verification: a thread that verifies the files of a Store, and shows the results as they are found."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from asimov.storage._bytes.threads import started
from asimov.storage._model.check import GOOD, Check, Status
from asimov.storage.widgets._link.messages import Message, RefusedError, State, request
from asimov.storage.widgets._link.progress import Cancelled
from asimov.storage.widgets._link.records import place
from asimov.storage.widgets._link.work import Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from asimov.storage._model.reports import VerificationReport
    from asimov.storage.widgets._link.progress import Progress
    from asimov.storage.widgets._served import Served

_logger = logging.getLogger(__name__)

ROWS = 100
"""The largest number of results that are sent to a page."""
_JOIN = 5.0
"""Seconds to wait for a thread to end after its verification was cancelled."""


class Verification:
    """Verifies in a thread of its own and shows the progress, for every widget that verifies.

    Parameters
    ----------
    store : Store
    selection : callable
        ``selection()`` is called at each start. It returns the selection for `Store.verify`; None stands for all files.
        If it raises an error, the verification doesn't start.
    show : callable
        ``show(state, rows)`` is called with new JSON values at every step. `state` is a dict with a ``phase``
        (``verifying``, ``done``, ``cancelled`` or ``failed``), done and total (bytes), and counts by status. `rows` is
        a list of results, failures first.
    """

    def __init__(
        self, store: Served, selection: Callable[[], object], show: Callable[[State, list[State]], None]
    ) -> None:
        self._store, self._selection, self._show = store, selection, show
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._found: _Found | None = None
        self._closed = False
        busy = "A verification is under way. Wait for it, or cancel it."
        self._work = Work(self._show_state, doing="verifying", done="done", busy=busy)

    @property
    def report(self) -> VerificationReport | None:
        """The report of the last verification; None before the first, during one, and if it was cancelled or failed."""
        found = self._found
        return None if found is None else found.report

    def start(self) -> None:
        """Start a verification.

        Raises
        ------
        RefusedError
            A verification is under way already, or the widget was closed.
        """
        with self._lock:
            self._begin()

    def require_idle(self) -> None:
        """Raise RefusedError while a verification is under way."""
        self._work.require_idle()

    def renew(self, report: VerificationReport, checks: Iterable[Check]) -> None:
        """Put newer checks into the report of the last verification, and show it, if it still is `report`."""
        with self._lock:
            found = self._found
            if found is None or found.report is not report:
                return
            newer = {check.key: check for check in checks}
            found.report = replace(report, results=tuple(newer.get(check.key, check) for check in report.results))
        self._show({**found.state(self._work.progress), "phase": "done", **found.verdict()}, found.rows())

    def cancel(self) -> None:
        """End the verification under way, if there is one. This can be called from any thread."""
        self._work.cancel()

    def wait(self, timeout: float | None = None) -> VerificationReport | None:
        """Wait for the verification under way, and start one if none was started. See `Verifier.wait`."""
        with self._lock:
            if self._found is None:
                self._begin()
        try:
            self._work.wait(timeout)
        except KeyboardInterrupt:
            self.cancel()
            raise
        found = self._found
        if found is not None and found.error is not None:
            raise found.error
        return self.report

    def close(self) -> None:
        """End the verification under way and its thread."""
        with self._lock:
            self._closed = True
        self.cancel()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(_JOIN)

    @request("verify/start")
    def _start(self, _message: Message) -> None:
        self.start()

    @request("verify/cancel")
    def _cancel(self, _message: Message) -> None:
        self.cancel()

    def _begin(self) -> None:
        """Start a verification. The caller holds the lock."""
        if self._closed:
            msg = "This widget was closed. Run its cell again to make a new one."
            raise RefusedError(msg)
        self._work.require_idle()  # before the selection is asked for, which may be refused with another message
        selection, found = self._selection(), _Found()
        self._work.begin(lambda: found.state(self._work.progress))
        self._found = found
        self._thread = started(lambda: self._verify(selection, found), "asimov-storage verify")
        if self._thread is None:
            self._verify(selection, found)

    def _verify(self, selection: object, found: _Found) -> None:
        def work(progress: Progress) -> State:
            return found.verify(self._store, selection, progress)

        try:
            self._work.finish(work)
        except Exception as exc:
            if exc is not found.error:  # found.error was shown and logged, and `wait` raises it
                raise

    def _show_state(self, state: State) -> None:
        if self._found is not None:
            self._show(state, self._found.rows())


class _Found:
    """The results that one verification has found so far, and in the end its report."""

    def __init__(self) -> None:
        self.report: VerificationReport | None = None
        self.error: Exception | None = None
        self._counts: Counter[str] = Counter()
        self._failures: list[State] = []
        self._began = time.monotonic()
        self._ended: float | None = None

    def verify(self, store: Served, selection: object, progress: Progress) -> State:
        """Verify, and return the values of the report that a page shows besides counts and rows."""

        def on_check(check: Check) -> None:
            self._add(check)
            progress.tick()

        try:
            report = store.verify(selection=selection, progress=progress, _on_check=on_check)
        except Cancelled:
            raise
        except Exception as exc:
            _logger.exception("verification failed")
            self.error = exc
            raise
        self.report = report
        self._ended = time.monotonic()
        return self.verdict()

    def verdict(self) -> State:
        """Return the values of the report that a page shows besides counts and rows."""
        report = self.report
        if report is None:
            return {}
        return {
            "ok": report.ok,
            "problems": list(report.problems),
            "untracked": [str(path) for path in report.untracked[:ROWS]],
            "untracked_total": len(report.untracked),
        }

    def state(self, progress: Progress) -> State:
        """Return counts and times for a page."""
        found = self._counts if self.report is None else self.report.counts
        counts = {status.value: found[status.value] for status in Status}
        seconds = round((self._ended or time.monotonic()) - self._began, 1)
        return {"done": progress.done, "total": progress.total, "counts": counts, "seconds": seconds}

    def rows(self) -> list[State]:
        """Return the results for a page: failures, and in the end also sound files."""
        if self.report is None:
            return [*self._failures]
        well = (check for check in self.report.results if check.status in GOOD)
        return [_row(check) for check, _ in zip(chain(self.report.failures, well), range(ROWS), strict=False)]

    def _add(self, check: Check) -> None:
        self._counts[check.status.value] += 1
        if check.status not in GOOD and len(self._failures) < ROWS:
            self._failures.append(_row(check))


def _row(check: Check) -> State:
    return {
        **place(check.key),
        "status": check.status.value,
        "size": check.size,
        "path": str(check.path),
        "expected": check.hash,
        "actual": check.actual,
        "reason": check.reason or "",
    }

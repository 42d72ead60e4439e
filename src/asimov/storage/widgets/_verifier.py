"""Verifier: every file of a Store, or a selection, against the digests on record, in the background."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

import traitlets

from asimov.storage._bytes.threads import started
from asimov.storage._model.check import Check, Status
from asimov.storage._model.selection import chosen

from . import _messages
from ._messages import Message, RefusedError, request
from ._module import module
from ._panel import Panel, require_store
from ._progress import Cancelled, Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from asimov.storage._model.reports import VerificationReport
    from asimov.storage._store import Store

_logger = logging.getLogger(__name__)

ROWS = 100
"""Results that a page is sent."""
_JOIN = 5.0

State = dict[str, object]


class Verification:
    """Verifies in a thread of its own and says how it goes; serves `Verifier`, and who else verifies.

    Parameters
    ----------
    store : Store
    selection : Records, (event, production, file) tuples, or rows of ``to_frame()``, optional
        What to verify; None: all.
    show : callable
        ``show(state, rows)`` is given new JSON values at every step: a dict with a ``phase`` (``verifying``, ``done``,
        ``cancelled`` or ``failed``), done and total (bytes), and counts by status; and a list of rows, failures first.
    """

    def __init__(self, store: Store, selection: object, show: Callable[[State, list[State]], None]) -> None:
        self._store, self._show = store, show
        self._selection = None if selection is None else chosen(selection)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._run: _Run | None = None
        self._closed = False
        self._finished = threading.Event()

    @property
    def about(self) -> str:
        """What is verified, in words."""
        if self._selection is None:
            which = "All files"
        else:
            count = len(self._selection)
            which = f"{count:,} selected {'file' if count == 1 else 'files'}"
        return f"{which}, in {self._store.root}"

    @property
    def report(self) -> VerificationReport | None:
        """What the last verification found; None before, while one runs, and where it was cancelled or failed."""
        run = self._run
        return None if run is None else run.report

    @property
    def running(self) -> bool:
        """Whether a verification is under way."""
        return self._run is not None and not self._finished.is_set()

    def start(self) -> None:
        """Begin to verify.

        Raises
        ------
        RefusedError
            A verification is under way, or this was closed.
        """
        with self._lock:
            self._begin()

    def cancel(self) -> None:
        """End the verification under way, if there is one; from any thread."""
        if self._run is not None:
            self._run.progress.cancel()

    def wait(self, timeout: float | None = None) -> VerificationReport | None:
        """Wait for the verification under way, and start one if none was started; see `Verifier.wait`."""
        with self._lock:
            if self._run is None:
                self._begin()
        self._finished.wait(timeout)
        run = self._run
        if run is not None and run.error is not None:
            raise run.error
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
        """Begin to verify; the lock is held."""
        if self._closed:
            msg = "This widget was closed. Run its cell again to make a new one."
            raise RefusedError(msg)
        if self.running:
            msg = "A verification is under way. Wait for it, or cancel it."
            raise RefusedError(msg)
        self._finished.clear()
        run = self._run = _Run(self._show)
        self._thread = started(partial(self._verify, run), "asimov-storage verify")
        if self._thread is None:
            self._verify(run)

    def _verify(self, run: _Run) -> None:
        try:
            run.verify(self._store, self._selection)
        finally:
            self._finished.set()


class _Run:
    """One verification from its start to its end."""

    def __init__(self, show: Callable[[State, list[State]], None]) -> None:
        self._show = show
        self.progress = Progress(lambda: self._tell("verifying"))
        self.report: VerificationReport | None = None
        self.error: Exception | None = None
        self._counts: Counter[str] = Counter()
        self._failures: list[State] = []
        self._began = time.monotonic()

    def verify(self, store: Store, selection: object) -> None:
        """Verify, and show how it goes, also that it fails."""
        self._tell("verifying")
        try:
            report = store.verify(selection=selection, progress=self.progress, _on_check=self._checked)
        except Cancelled:
            self._tell("cancelled")
        except Exception as exc:
            _logger.exception("verification failed")
            self.error = exc
            self._tell("failed", error=_messages.error(exc))
        else:
            self.report = report
            self._tell_report(report)

    def _checked(self, check: Check) -> None:
        self._counts[check.status.value] += 1
        if check.status is not Status.OK and len(self._failures) < ROWS:
            self._failures.append(_row(check))
        self.progress.tick()

    def _tell(self, phase: str, **more: object) -> None:
        counts = {status.value: self._counts[status.value] for status in Status}
        self._show(self._state(phase, counts, **more), [*self._failures])

    def _tell_report(self, report: VerificationReport) -> None:
        first = chain(report.failures, (check for check in report.results if check.status is Status.OK))
        rows = [_row(check) for check, _ in zip(first, range(ROWS), strict=False)]
        more: State = {
            "ok": report.ok,
            "problems": list(report.problems),
            "untracked": [str(path) for path in report.untracked[:ROWS]],
            "untracked_total": len(report.untracked),
        }
        self._show(self._state("done", report.counts, **more), rows)

    def _state(self, phase: str, counts: dict[str, int], **more: object) -> State:
        seconds = round(time.monotonic() - self._began, 1)
        done, total = self.progress.done, self.progress.total
        return {"phase": phase, "done": done, "total": total, "counts": counts, "seconds": seconds, **more}


def _row(check: Check) -> State:
    return {
        "event": check.event,
        "production": check.production,
        "file": check.file,
        "status": check.status.value,
        "size": check.size,
        "path": str(check.path),
        "expected": check.hash,
        "actual": check.actual,
        "reason": check.reason or "",
    }


class Verifier(Panel):
    """A widget that verifies the files of a Store, or a selection of them, while the notebook stays usable.

    *Verify* starts it, *Cancel* ends it within a second; files, bytes, rate and what was found are shown as it goes.

    Parameters
    ----------
    store : Store
        What to verify.
    selection : optional
        Verify these only: Records, (event, production, file) tuples, rows of ``to_frame()``, as for `Store.verify`.

    Examples
    --------
    >>> from asimov.storage import Store
    >>> from asimov.storage.widgets import Verifier
    >>> store = Store.create(folder / "verifier", "Test Store")
    >>> verifier = Verifier(store)  # in a notebook, end a cell on it
    >>> verifier.wait().ok
    True
    >>> verifier.close()
    """

    _esm = module("Verifier")
    _initial = traitlets.Dict().tag(sync=True)
    _shown = traitlets.Dict().tag(sync=True)
    _rows: traitlets.List[State] = traitlets.List().tag(sync=True)

    def __init__(self, store: Store, selection: object = None, **traits: Any) -> None:
        require_store(self, store)
        verification = Verification(store, selection, self._show)
        initial = _messages.plain({"store": store.name, "about": verification.about})
        super().__init__(_initial=cast("State", initial), **traits)
        self._verification = self._serve(verification)

    @property
    def report(self) -> VerificationReport | None:
        """What the last verification found; None before, while one runs, and where it was cancelled or failed."""
        return self._verification.report

    def start(self) -> None:
        """Begin to verify, as the button does; it returns at once.

        Raises
        ------
        StorageError
            A verification is under way, or this was closed.
        """
        self._verification.start()

    def cancel(self) -> None:
        """End the verification under way within a second, as the button does; it returns at once."""
        self._verification.cancel()

    def wait(self, timeout: float | None = None) -> VerificationReport | None:
        """Wait for the verification under way, and start one if none was started.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most; None: as long as it takes.

        Returns
        -------
        VerificationReport or None
            None where the time was up, or the verification was cancelled.

        Raises
        ------
        Exception
            Whatever ended the verification before it could give a report.
        """
        return self._verification.wait(timeout)

    def _show(self, state: State, rows: list[State]) -> None:
        if self._closed.is_set():
            return
        self._rows = cast("list[State]", _messages.plain(rows))
        self._shown = cast("State", _messages.plain(state))

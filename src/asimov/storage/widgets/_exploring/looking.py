"""Looking: a thread that looks up sizes and times of all files of the table, when a view sorts or filters by them."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from asimov.storage._bytes.threads import started
from asimov.storage.widgets._link.messages import Message, State, request
from asimov.storage.widgets._link.progress import Cancelled, Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from .reading import Reading
    from .view import View

_logger = logging.getLogger(__name__)


class Looking:
    """Looks at the files when a page first needs it, and tells all views the progress and the end.

    Parameters
    ----------
    reading : Reading
    tell : callable
        ``tell(None, event, **content)`` sends to all views ``explore/looking`` (done, total: files; 0 of 0 at the
        end), and ``explore/looked`` when there is more to show.
    """

    def __init__(self, reading: Reading, tell: Callable[..., None]) -> None:
        self._reading, self._tell = reading, tell
        self._lock = threading.Lock()
        self._progress: Progress | None = None
        self._declined = False
        self._idle = threading.Event()
        self._idle.set()

    def wait(self) -> None:
        """Wait for the look under way."""
        self._idle.wait()

    def close(self) -> None:
        """End the look under way."""
        with self._lock:
            if self._progress is not None:
                self._progress.cancel()

    def offer(self) -> None:
        """Look at the files unless that was done already, or was cancelled before."""
        facts = self._reading.table.facts
        if facts is not None and not facts.complete and not self._declined:
            self._begin()

    def need(self, view: View) -> bool:
        """Return whether a view needs facts that aren't known yet. If so, start to look them up."""
        facts = self._reading.table.facts
        if facts is None:
            return False
        if view.asks_for_files and not facts.complete:
            self._begin()
            return True
        return view.asks_for_verifications and facts.verified is None

    def read_verifications(self, patience: float = 0) -> None:
        """Start a thread that reads when files were last verified, and tells all views when it is done.

        Wait for it for at most `patience` seconds, so that a page need not paint its rows twice.
        """
        thread = started(self._read_verifications, "asimov-storage verified")
        if thread is not None:
            thread.join(patience)

    @request("explore/look-cancel")
    def _cancel(self, _message: Message) -> None:
        self._declined = True
        self.close()

    def _begin(self) -> None:
        with self._lock:
            if self._progress is not None:
                return
            progress = self._progress = Progress(self._tell_progress)
            self._idle.clear()
        if started(lambda: self._look(progress), "asimov-storage look") is None:
            self._look(progress)

    def _look(self, progress: Progress) -> None:
        facts = self._reading.table.facts
        try:
            if facts is not None:
                facts.look(progress)
        except Cancelled:
            pass
        except Exception:
            _logger.exception("the files could not be looked at")
        finally:
            with self._lock:
                self._progress = None
            self._tell(None, "explore/looking", done=0, total=0)
            self._tell(None, "explore/looked")
            self._idle.set()

    def _read_verifications(self) -> None:
        facts = self._reading.table.facts
        try:
            if facts is not None:
                facts.read_verifications()
        except Exception:
            _logger.exception("when files were verified could not be read")
        self._tell(None, "explore/looked")

    def _tell_progress(self) -> None:
        progress = self._progress
        if progress is not None:
            state: State = {"done": progress.done, "total": progress.total}
            self._tell(None, "explore/looking", **state)

"""Work of which only one piece runs at a time: it is begun, shown in phases, cancelled, and waited for."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from .messages import RefusedError, State, error
from .progress import Cancelled, Progress

if TYPE_CHECKING:
    from collections.abc import Callable


class Work:
    """One kind of work of a widget, of which only one piece is under way at a time.

    Parameters
    ----------
    show : callable
        ``show(state)`` is called with a new dict at every step. Its ``phase`` is `doing`, and then `done`,
        ``cancelled`` or ``failed`` (with an ``error``).
    doing, done : str
        The names of these phases.
    busy : str
        The message that refuses a second start.

    Attributes
    ----------
    number : int
        The number of pieces that have been begun.
    progress : Progress
        The progress of the piece that was begun last.
    """

    def __init__(self, show: Callable[[State], object], *, doing: str, done: str, busy: str) -> None:
        self._show, self._doing, self._done, self._busy = show, doing, done, busy
        self._about: Callable[[], State] = dict
        self._lock = threading.Lock()
        self._idle = threading.Event()
        self._idle.set()
        self.number = 0
        self.progress = self._new_progress()

    def require_idle(self) -> None:
        """Raise RefusedError while a piece of work is under way."""
        if not self._idle.is_set():
            raise RefusedError(self._busy)

    def begin(self, about: Callable[[], State]) -> None:
        """Begin a piece of work. Call `finish` to do it.

        Parameters
        ----------
        about : callable
            A function that returns further values of each state.

        Raises
        ------
        RefusedError
            Another piece is under way.
        """
        with self._lock:
            self.require_idle()
            self._idle.clear()
            self.number += 1
            self._about, self.progress = about, self._new_progress()

    def finish(self, work: Callable[[Progress], State | None]) -> None:
        """Do the piece of work that was begun, and show its progress.

        Parameters
        ----------
        work : callable
            ``work(progress)`` does the work, and returns further values of the last state.

        Raises
        ------
        Exception
            An error that `work` has raised. It has been shown by then.
        """
        try:
            self._tell_progress()
            more = work(self.progress) or {}
        except Cancelled:
            self._tell("cancelled")
        except Exception as exc:
            self._tell("failed", error=error(exc))
            raise
        else:
            self._tell(self._done, **more)
        finally:
            self._idle.set()

    def cancel(self) -> None:
        """End the work under way, if there is any. This can be called from any thread."""
        self.progress.cancel()

    def wait(self, timeout: float | None = None) -> None:
        """Wait until no work is under way, for at most `timeout` seconds."""
        self._idle.wait(timeout)

    def _new_progress(self) -> Progress:
        return Progress(self._tell_progress)

    def _tell_progress(self) -> None:
        self._tell(self._doing, done=self.progress.done, total=self.progress.total)

    def _tell(self, phase: str, **more: object) -> None:
        self._show({**self._about(), "phase": phase, **more})

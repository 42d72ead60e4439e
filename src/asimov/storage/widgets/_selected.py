"""What is done with the Explorer's selection: fetched to a folder, verified."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from . import _messages
from ._messages import Message, RefusedError, request
from ._progress import Cancelled, Progress
from ._verifier import Verification

if TYPE_CHECKING:
    from collections.abc import Callable

    from asimov.storage._model.record import Record
    from asimov.storage._model.reports import VerificationReport
    from asimov.storage._store import Store

    from ._browsing import Browsing

State = dict[str, object]


class Gathering:
    """Fetches the selection into a folder of the server, and says how it goes.

    Parameters
    ----------
    store : Store
    browsing : Browsing
        Whose selection.
    show : callable
        ``show(state)`` is given a dict at every step; its ``phase`` is ``fetching`` (done, total: bytes), ``fetched``
        (count, dest), ``failed`` (error) or ``cancelled``. Its ``tree`` tells whether the files go to EVENT/PRODUCTION
        below `dest`, since some have the same name.
    """

    def __init__(self, store: Store, browsing: Browsing, show: Callable[[State], None]) -> None:
        self._store, self._browsing, self._show = store, browsing, show
        self._busy = threading.Lock()
        self._progress: Progress | None = None

    @request("gather/start", background=True)
    def _start(self, message: Message) -> None:
        dest = _folder(message.text("dest", "").strip())
        self._browsing.some()
        if not self._busy.acquire(blocking=False):
            msg = "A selection is being fetched. Wait for it, or cancel it."
            raise RefusedError(msg)
        try:
            self._gather(self._browsing.records(), dest)
        finally:
            self._progress = None
            self._busy.release()

    @request("gather/cancel")
    def _cancel(self, _message: Message) -> None:
        self.close()

    def close(self) -> None:
        """End the fetch under way."""
        progress = self._progress
        if progress is not None:
            progress.cancel()

    def _gather(self, records: list[Record], dest: Path) -> None:
        tree = len({record.file for record in records}) < len(records)
        about: State = {"count": len(records), "dest": str(dest), "tree": tree}

        def tell() -> None:
            self._show({**about, "phase": "fetching", "done": progress.done, "total": progress.total})

        progress = self._progress = Progress(tell)
        tell()
        try:
            self._store.fetch_files(records, dest=dest, tree=tree, progress=progress)
        except Cancelled:
            self._show({**about, "phase": "cancelled"})
        except Exception as exc:
            self._show({**about, "phase": "failed", "error": _messages.error(exc)})
            raise
        else:
            self._show({**about, "phase": "fetched"})


def _folder(typed: str) -> Path:
    if not typed:
        msg = "Name a folder on the server to copy to; it is made if need be."
        raise RefusedError(msg)
    try:
        return Path(typed).expanduser().absolute()
    except RuntimeError as exc:
        msg = f"There is no such user's home as in {typed}. Name the folder from the root of the server."
        raise RefusedError(msg) from exc


class SelectionVerification:
    """Verifies the selection as it is at the click; answers as `_verifier.Verification` does.

    Parameters
    ----------
    store, browsing
        As for `Gathering`.
    show : callable
        As for `Verification`.
    """

    def __init__(self, store: Store, browsing: Browsing, show: Callable[[State, list[State]], None]) -> None:
        self._store, self._browsing, self._show = store, browsing, show
        self._verification: Verification | None = None

    @property
    def report(self) -> VerificationReport | None:
        """What the last verification found."""
        return None if self._verification is None else self._verification.report

    @request("verify/start")
    def _start(self, _message: Message) -> None:
        before = self._verification
        if before is not None and before.running:
            before.start()  # it refuses, in words
        self._browsing.some()
        self._verification = Verification(self._store, self._browsing.records(), self._show)
        self._verification.start()

    @request("verify/cancel")
    def _cancel(self, _message: Message) -> None:
        if self._verification is not None:
            self._verification.cancel()

    def close(self) -> None:
        """End the verification under way."""
        if self._verification is not None:
            self._verification.close()

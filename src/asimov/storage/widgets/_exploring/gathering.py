"""Gathering: fetching the selection into a folder on the server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from asimov.storage.widgets._link.messages import Message, RefusedError, State, request
from asimov.storage.widgets._link.work import Work

if TYPE_CHECKING:
    from collections.abc import Callable

    from asimov.storage.widgets._link.progress import Progress
    from asimov.storage.widgets._served import Served

    from .selection import Selection


class Gathering:
    """Fetches the selection into a folder on the server, and shows the progress.

    Parameters
    ----------
    store : Store
    selection : Selection
    show : callable
        ``show(state)`` is called with a dict at every step. Its ``phase`` is ``fetching`` (done, total: bytes),
        ``fetched`` (count, dest), ``failed`` (error) or ``cancelled``. Its ``tree`` tells whether the files go to
        EVENT/PRODUCTION below `dest`, which is done when some have the same name.
    """

    def __init__(self, store: Served, selection: Selection, show: Callable[[State], None]) -> None:
        self._store, self._selection = store, selection
        busy = "A selection is being fetched. Wait for it, or cancel it."
        self._work = Work(show, doing="fetching", done="fetched", busy=busy)

    def close(self) -> None:
        """End the fetch under way."""
        self._work.cancel()

    @request("gather/start", background=True)
    def _start(self, message: Message) -> None:
        dest = _folder(message.text("dest", "").strip())
        records = self._selection.some_records()
        tree = len({record.file for record in records}) < len(records)
        self._work.begin(lambda: {"count": len(records), "dest": str(dest), "tree": tree})

        def work(progress: Progress) -> None:
            self._store.fetch_files(records, dest=dest, tree=tree, progress=progress)

        self._work.finish(work)

    @request("gather/cancel")
    def _cancel(self, _message: Message) -> None:
        self._work.cancel()


def _folder(typed: str) -> Path:
    if not typed:
        msg = "Name a folder on the server to copy to; it is made if need be."
        raise RefusedError(msg)
    try:
        return Path(typed).expanduser().absolute()
    except RuntimeError as exc:
        msg = f"There is no such user's home as in {typed}. Name the folder from the root of the server."
        raise RefusedError(msg) from exc

"""Storing files of the server's own disk, named in the box for a path or dropped from Jupyter's file browser."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from asimov.storage._operations.sources import source
from asimov.storage.widgets._link.jobs import Job, Jobs, job_of
from asimov.storage.widgets._link.messages import Message, RefusedError, State, request
from asimov.storage.widgets._link.progress import Cancelled, Progress
from asimov.storage.widgets._link.records import identity
from asimov.storage.widgets._link.server_folder import ServerFolder
from asimov.storage.widgets._served import add

from .dropped import Dropped
from .notes import notes_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from asimov.storage._model.record import Record
    from asimov.storage.widgets._served import Served

    Tell = Callable[..., None]
    Stored = Callable[[Record], object]


MOST_DROPPED = 10_000
"""The largest number of paths in one drop."""
SHOWN_PROBLEMS = 5
"""The largest number of problems with a drop that are sent to a page."""


class ServerFiles:
    """Stores files of the server's own disk for a widget.

    Parameters
    ----------
    store : Store
        The Store to add the files to.
    root : str or os.PathLike or None
        The folder that contains the files. Without it there is no box for a path, and only dropped files are accepted.
    stored : callable
        ``stored(record)`` is called for each file that is stored, from any thread.
    tell : callable
        ``tell(view, event, **content)`` sends an event to a page.
    """

    def __init__(self, store: Served, root: str | os.PathLike[str] | None, stored: Stored, tell: Tell) -> None:
        self.folder = None if root is None else ServerFolder(root)
        self._dropped = Dropped(self.folder)
        self._store, self._stored, self._tell = store, stored, tell
        self._jobs = Jobs(busy="That file is on its way already. Wait until it is done.")

    def close(self) -> None:
        """End all additions under way."""
        self._jobs.close()

    @request("server/complete", background=True)
    def _complete(self, message: Message) -> State:
        if self.folder is None:
            raise _no_folder()
        names, total = self.folder.complete(message.text("typed", ""))
        return {"names": names, "total": total}

    @request("server/size", background=True)
    def _size(self, message: Message) -> State:
        """Return the size of a file before it is added, or raise an error if it can't be opened."""
        path = message.text("path")
        descriptor = self._open(path)
        try:
            return {"name": Path(path).name, "size": os.fstat(descriptor).st_size}
        finally:
            os.close(descriptor)

    @request("server/dropped", background=True)
    def _look(self, message: Message) -> State:
        """Return the files that were found in a drop, with the paths that add them."""
        found = self._dropped.look(message.texts("paths", most=MOST_DROPPED), message.text("root", ""))
        return {"files": found.files, "hidden": found.hidden, "problems": found.problems[:SHOWN_PROBLEMS]}

    @request("server/add", background=True)
    def _add(self, message: Message) -> dict[str, str]:
        job = job_of(message)
        progress = Progress(lambda: self._tell(*_at(job), done=progress.done, total=progress.total))
        try:
            with self._jobs.under_way(job, progress):
                record = self._copy(message, progress)
        except Cancelled:
            return {"cancelled": "by its page"}
        self._stored(record)
        return identity(record)

    @request("server/cancel")
    def _cancel(self, message: Message) -> None:
        self._jobs.cancel((message.view, message.integer("job")))

    def _copy(self, message: Message, progress: Progress) -> Record:
        event, production, name = (message.text(part) for part in ("event", "production", "name"))
        expected = message.text("expected", "", limit=1000).strip() or None
        path = message.text("path")
        os.close(self._open(path))  # a path that isn't allowed is refused before anything else is looked at
        place = Path(path) if self.folder is None else self.folder.root / path
        given = source(event, production, place, name, notes_of(message), hash=expected)
        add(self._store, given, lambda _: self._open(path), progress)
        return self._store[event, production, name]

    def _open(self, path: str) -> int:
        """Open a file that was dropped or is below the folder, and return its descriptor."""
        if self._dropped.has_offered(path):
            return self._dropped.open(path)
        if self.folder is None:
            raise _no_folder()
        return self.folder.open(path)


def _no_folder() -> RefusedError:
    return RefusedError("No folder of the server was opened for uploads. Give the widget a server_root.")


def _at(job: Job) -> tuple[str, str]:
    return job[0], f"server/progress/{job[1]}"

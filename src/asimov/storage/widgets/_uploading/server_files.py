"""The *From the server* box: files of the server's own disk, and their way into a Store."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from asimov.storage._operations.sources import source
from asimov.storage.widgets._link.jobs import Job, Jobs, job_of
from asimov.storage.widgets._link.messages import Message, State, request
from asimov.storage.widgets._link.progress import Cancelled, Progress
from asimov.storage.widgets._link.records import identity
from asimov.storage.widgets._served import add

from .server_folder import ServerFolder

if TYPE_CHECKING:
    from collections.abc import Callable

    from asimov.storage._model.record import Record
    from asimov.storage.widgets._served import Served

    Tell = Callable[..., None]
    Stored = Callable[[Record], object]


class ServerFiles:
    """Serves the *From the server* box of a widget.

    Parameters
    ----------
    store : Store
        Where the files go.
    root : str or os.PathLike
        The folder below which they lie.
    stored : callable
        ``stored(record)``, for each file that is stored. From any thread.
    tell : callable
        ``tell(view, event, **content)`` sends something to a page unasked.
    """

    def __init__(self, store: Served, root: str | os.PathLike[str], stored: Stored, tell: Tell) -> None:
        self.folder = ServerFolder(root)
        self._store, self._stored, self._tell = store, stored, tell
        self._jobs = Jobs(busy="That file is on its way already. Wait until it is done.")

    def close(self) -> None:
        """End what is under way."""
        self._jobs.close()

    @request("server/complete", background=True)
    def _complete(self, message: Message) -> State:
        names, total = self.folder.complete(message.text("typed", ""))
        return {"names": names, "total": total}

    @request("server/size", background=True)
    def _size(self, message: Message) -> State:
        """Return the size of a file, or refuse it, before it is added."""
        path = message.text("path")
        descriptor = self.folder.open(path)
        try:
            return {"name": Path(path).name, "size": os.fstat(descriptor).st_size}
        finally:
            os.close(descriptor)

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
        os.close(self.folder.open(path))  # or it is refused before anything else is looked at
        wanted = source(event, production, self.folder.root / path, name, expected)
        add(self._store, wanted, lambda _: self.folder.open(path), progress)
        return self._store[event, production, name]


def _at(job: Job) -> tuple[str, str]:
    return job[0], f"server/progress/{job[1]}"

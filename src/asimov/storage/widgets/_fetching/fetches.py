"""Fetches: one file at a time out of a Store, verified, with its path and a preview."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from asimov.storage.widgets._link.messages import Message, RefusedError, Reply, State, request, words
from asimov.storage.widgets._link.records import place
from asimov.storage.widgets._link.work import Work
from asimov.storage.widgets._preview.description import Preview
from asimov.storage.widgets._preview.preview import preview
from asimov.storage.widgets._preview.tables import more_rows
from asimov.storage.widgets._preview.text import end

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from asimov.storage._model.names import Key
    from asimov.storage._model.record import Record
    from asimov.storage.widgets._link.progress import Progress
    from asimov.storage.widgets._served import Served

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What is to be fetched, and how.

    Attributes
    ----------
    event, production, file : str
        Which file.
    hash : str or None
        An MD5 that it must have, besides the one in the manifest.
    dest : str or None
        The folder to copy it into.
    """

    event: str
    production: str
    file: str
    hash: str | None = None
    dest: str | None = None

    @property
    def key(self) -> Key:
        """Event, production and file."""
        return self.event, self.production, self.file

    def folder(self) -> Path | None:
        """Return the folder to copy into. It must exist, or the copy would be given its name."""
        if self.dest is None:
            return None
        folder = Path(self.dest).expanduser()
        if not folder.is_dir():
            msg = f"There is no folder {self.dest} on the server. Make it first, or leave Destination folder empty."
            raise RefusedError(msg)
        return folder.absolute()

    def code(self, root: Path) -> str:
        """Return a line of Python that fetches the same, and opens it with what its suffix says, and that needs."""
        arguments = [*map(repr, self.key)]
        if self.hash is not None:
            arguments.append(f"hash={self.hash!r}")
        if (folder := self.folder()) is not None:
            arguments.append(f"dest={str(folder)!r}")
        fetched = f"Store({str(root)!r}).fetch_file({', '.join(arguments)})"
        needed, opened = _OPENED.get(Path(self.file).suffix.lower(), ("", "{}"))
        return f"{needed}from asimov.storage import Store; {opened.format(fetched)}"


_OPENED = {
    ".csv": ("import pandas as pd; ", "pd.read_csv({})"),
    ".tsv": ("import pandas as pd; ", "pd.read_csv({}, sep='\\t')"),
    ".parquet": ("import pandas as pd; ", "pd.read_parquet({})"),
    ".h5": ("import h5py; ", "h5py.File({})"),
    ".hdf5": ("import h5py; ", "h5py.File({})"),
    ".hdf": ("import h5py; ", "h5py.File({})"),
    ".npy": ("import numpy as np; ", "np.load({})"),
    ".npz": ("import numpy as np; ", "np.load({})"),
    ".json": ("import json; ", "json.loads({}.read_bytes())"),
    ".fits": ("from astropy.io import fits; ", "fits.open({})"),
}
"""What a suffix takes: its import, and the call around the path."""


class Fetches:
    """Fetches one file at a time and shows what came of it, for every widget that shows a file.

    Parameters
    ----------
    store : Store
    show : callable
        ``show(state)`` is given a new dict of JSON values at every step. Its ``phase`` is ``fetching`` (done, total:
        bytes), ``fetched`` (path, code, hash, size, copied), ``failed`` (error) or ``cancelled``. Each state has event,
        production and file, and a ``number`` that is another one for each fetch.
    folders : bool
        Whether a page may name a folder of the server to copy into.

    Attributes
    ----------
    path : pathlib.Path or None
        Where the file is that was fetched last; None before, while one is fetched, and where that failed.
    record : Record or None
        Its record.
    """

    def __init__(self, store: Served, show: Callable[[State], None], *, folders: bool = True) -> None:
        self._store, self._folders = store, folders
        self.path: Path | None = None
        self.record: Record | None = None
        self._preview: Preview | None = None
        busy = "Another file is being fetched. Wait for it, or cancel it."
        self._work = Work(show, doing="fetching", done="fetched", busy=busy)

    def fetch(self, order: Order) -> None:
        """Fetch a file; it returns when that has succeeded or was cancelled.

        Raises
        ------
        RefusedError
            Another file is being fetched.
        Exception
            Whatever `Store.fetch_file` raises; it has been shown then.
        """
        self._work.begin(lambda: {"number": self._work.number, **place(order.key)})
        self.path = self.record = self._preview = None
        self._work.finish(partial(self._fetched, order))

    def cancel(self) -> None:
        """End the fetch under way, if there is one; from any thread."""
        self._work.cancel()

    def close(self) -> None:
        """End the fetch under way."""
        self.cancel()

    @request("fetch/start", background=True)
    def _start(self, message: Message) -> None:
        dest = message.text("dest", "").strip() or None
        if dest is not None and not self._folders:
            msg = "No folder of the server may be named here. Use Download instead."
            raise RefusedError(msg)
        event, production, file = (message.text(name) for name in ("event", "production", "file"))
        hash_ = message.text("hash", "").strip() or None
        self.fetch(Order(event=event, production=production, file=file, hash=hash_, dest=dest))

    @request("fetch/cancel")
    def _cancel(self, _message: Message) -> None:
        self.cancel()

    @request("fetch/preview")
    def _describe(self, message: Message) -> Reply:
        described = self._preview
        if described is None or message.integer("number") != self._work.number:
            msg = "That file is no longer the one that was fetched last. Fetch it again."
            raise RefusedError(msg)
        result, buffers = described.message()
        return Reply(result=result, buffers=buffers)

    @request("fetch/rows", background=True)
    def _rows(self, message: Message) -> State:
        """Return further rows of the table that was fetched last, and where the next one begins; 0 at the end."""
        with self._opened(message) as (file, size):
            tabs = self.path is not None and self.record is not None and self.record.file.lower().endswith(".tsv")
            rows, more = more_rows(file, size, message.integer("place"), tabs=tabs)
        return {"rows": rows, "more": more}

    @request("fetch/end", background=True)
    def _end(self, message: Message) -> State:
        """Return the last lines of the text that was fetched last."""
        with self._opened(message) as (file, size):
            return {"text": end(file, size)}

    @contextmanager
    def _opened(self, message: Message) -> Iterator[tuple[BinaryIO, int]]:
        """Open what was fetched last, and still is what the page shows."""
        path = self.path
        if path is None or message.integer("number") != self._work.number:
            msg = "That file is no longer the one that was fetched last. Fetch it again."
            raise RefusedError(msg)
        with path.open("rb", buffering=0) as file:
            yield file, path.stat().st_size

    def _fetched(self, order: Order, progress: Progress) -> State:
        record = self._store[order.key]
        path = self._store.fetch_file(*order.key, order.hash, dest=order.folder(), progress=progress)
        self._preview = _preview(path, order.file)
        self.path, self.record = path, record
        return {
            "path": str(path),
            "code": order.code(self._store.root),
            "hash": record.hash,
            "size": self._preview.size,
            "copied": order.dest is not None,
        }


def _preview(path: Path, name: str) -> Preview:
    """Describe a file. The fetch has succeeded, also where this fails."""
    try:
        with path.open("rb", buffering=0) as file:
            return preview(file, name)
    except Exception as exc:
        _logger.exception("no preview of %s", path)
        return Preview(kind="other", type="file", size=path.stat().st_size, note=f"No preview: {words(exc)}")

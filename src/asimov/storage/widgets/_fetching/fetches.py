"""Fetches: fetching one file at a time from a Store, verified, with its path and a preview."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from asimov.storage._format.notes import texts
from asimov.storage.widgets._link.messages import Message, RefusedError, Reply, State, request, words
from asimov.storage.widgets._link.records import place
from asimov.storage.widgets._link.work import Work
from asimov.storage.widgets._preview.description import Preview
from asimov.storage.widgets._preview.preview import preview
from asimov.storage.widgets._preview.tables import more_rows
from asimov.storage.widgets._preview.text import end
from asimov.storage.widgets._served import why_retracted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from asimov.storage._backends.base import Backend
    from asimov.storage._model.names import Key
    from asimov.storage._model.record import Record
    from asimov.storage.widgets._link.progress import Progress
    from asimov.storage.widgets._served import Served

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """The order to fetch a file.

    Attributes
    ----------
    event, production, file : str
        The key of the record.
    hash : str or None
        An MD5 that the file must have too, besides the one in the manifest.
    dest : str or None
        The folder to copy the file into.
    retracted : bool
        Whether to fetch the file even if its record was retracted.
    """

    event: str
    production: str
    file: str
    hash: str | None = None
    dest: str | None = None
    retracted: bool = False

    @property
    def key(self) -> Key:
        """Event, production and file."""
        return self.event, self.production, self.file

    def folder(self) -> Path | None:
        """Return the folder to copy into. It must exist; otherwise the copy itself would get this name."""
        if self.dest is None:
            return None
        folder = Path(self.dest).expanduser()
        if not folder.is_dir():
            msg = f"There is no folder {self.dest} on the server. Make it first, or leave Destination folder empty."
            raise RefusedError(msg)
        return folder.absolute()

    def code(self, backend: Backend) -> str:
        """Return a line of Python that fetches the same file, and opens it with a reader that fits its suffix."""
        arguments = [*map(repr, self.key)]
        if self.hash is not None:
            arguments.append(f"hash={self.hash!r}")
        if (folder := self.folder()) is not None:
            arguments.append(f"dest={str(folder)!r}")
        if self.retracted:
            arguments.append("retracted=True")
        options = f", options={dict(backend.options)!r}" if backend.options else ""
        fetched = f"Store({backend.location!r}{options}).fetch_file({', '.join(arguments)})"
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
"""For each suffix, the import that its reader needs, and the call around the path."""


class Fetches:
    """Fetches one file at a time and shows the progress and the result, for every widget that shows a file.

    Parameters
    ----------
    store : Store
    show : callable
        ``show(state)`` is called with a new dict of JSON values at every step. Its ``phase`` is ``fetching`` (done,
        total: bytes), ``fetched`` (path, code, hash, size, copied, why: the reason if the record was retracted, notes),
        ``failed`` (error) or ``cancelled``. Each state has event, production and file, and a ``number`` that is
        different for each fetch.
    folders : bool
        Whether a page may name a folder on the server to copy into.

    Attributes
    ----------
    path : pathlib.Path or None
        The path of the file that was fetched last. It is None before the first fetch, during a fetch, and after a fetch
        that failed.
    record : Record or None
        The record of that file.
    """

    def __init__(self, store: Served, show: Callable[[State], None], *, folders: bool = True) -> None:
        self._store, self._folders = store, folders
        self.path: Path | None = None
        self.record: Record | None = None
        self._preview: Preview | None = None
        busy = "Another file is being fetched. Wait for it, or cancel it."
        self._work = Work(show, doing="fetching", done="fetched", busy=busy)

    def fetch(self, order: Order) -> None:
        """Fetch a file. Return when it is fetched, or when that was cancelled.

        Raises
        ------
        RefusedError
            Another file is being fetched.
        Exception
            An error of `Store.fetch_file`. It has been shown by then.
        """
        self._work.begin(lambda: {"number": self._work.number, **place(order.key)})
        self.path = self.record = self._preview = None
        self._work.finish(partial(self._fetched, order))

    def cancel(self) -> None:
        """End the fetch under way, if there is one. This can be called from any thread."""
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
        retracted = message.flag("retracted", default=False)
        self.fetch(Order(event=event, production=production, file=file, hash=hash_, dest=dest, retracted=retracted))

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
        """Return further rows of the table that was fetched last, and where the next row begins (0 at the end)."""
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
        """Open the file that was fetched last. Raise RefusedError if it is not the one that the page shows."""
        path = self.path
        if path is None or message.integer("number") != self._work.number:
            msg = "That file is no longer the one that was fetched last. Fetch it again."
            raise RefusedError(msg)
        with path.open("rb", buffering=0) as file:
            yield file, path.stat().st_size

    def _fetched(self, order: Order, progress: Progress) -> State:
        record = self._store[order.key]
        path = self._store.fetch_file(
            *order.key, order.hash, dest=order.folder(), retracted=order.retracted, progress=progress
        )
        self._preview = _preview(path, order.file)
        self.path, self.record = path, record
        return {
            "path": str(path),
            "code": order.code(self._store.backend),
            "hash": record.hash,
            "size": self._preview.size,
            "copied": order.dest is not None,
            "why": why_retracted(self._store, record),
            "notes": [list(note) for note in texts(record.further_lines).items()],
        }


def _preview(path: Path, name: str) -> Preview:
    """Return the preview of a file. The fetch counts as succeeded even if there is an error here."""
    try:
        with path.open("rb", buffering=0) as file:
            return preview(file, name)
    except Exception as exc:
        _logger.exception("no preview of %s", path)
        return Preview(kind="other", type="file", size=path.stat().st_size, note=f"No preview: {words(exc)}")

"""Fetcher: a file out of a Store, verified; where it is, what is in it, and onto the user's own disk."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import traitlets

from . import _messages
from ._download import Downloads
from ._messages import Message, RefusedError, Reply, request
from ._module import module
from ._panel import Panel, require_store, text_of
from ._preview import Preview, preview
from ._progress import Cancelled, Progress
from ._suggest import Suggestions

if TYPE_CHECKING:
    from collections.abc import Callable

    from asimov.storage._model.record import Record
    from asimov.storage._store import Store

_logger = logging.getLogger(__name__)

State = dict[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What is to be fetched, and how.

    Attributes
    ----------
    event, production, file : str
        Which file.
    hash : str or None
        The MD5 that it must have, besides that in the manifest.
    dest : str or None
        The folder that it is to be copied into.
    """

    event: str
    production: str
    file: str
    hash: str | None = None
    dest: str | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """Event, production and file."""
        return self.event, self.production, self.file

    def folder(self) -> Path | None:
        """Return the folder to copy into, which must be there: else the file would be given its name."""
        if self.dest is None:
            return None
        folder = Path(self.dest).expanduser()
        if not folder.is_dir():
            msg = f"There is no folder {self.dest} on the server. Make it first, or leave Destination folder empty."
            raise RefusedError(msg)
        return folder.absolute()

    def code(self, root: Path) -> str:
        """Return a line of Python that fetches the same."""
        arguments = [*map(repr, self.key)]
        if self.hash is not None:
            arguments.append(f"hash={self.hash!r}")
        if (folder := self.folder()) is not None:
            arguments.append(f"dest={str(folder)!r}")
        return f"from asimov.storage import Store; Store({str(root)!r}).fetch_file({', '.join(arguments)})"


class Fetches:
    """Fetches one file at a time and says what came of it; serves `Fetcher`, and who else shows a file.

    Parameters
    ----------
    store : Store
    show : callable
        ``show(state)`` is given a new dict of JSON values at every step. Its ``phase`` is ``fetching`` (done, total:
        bytes), ``fetched`` (path, code, hash, size, copied), ``failed`` (error) or ``cancelled``; always there are
        event, production and file, and a ``number`` that is another one for each fetch.
    folders : bool
        Whether a page may name a folder of the server to copy into.

    Attributes
    ----------
    path : pathlib.Path or None
        Where the file is that was fetched last; None before, while one is fetched, and where that failed.
    record : Record or None
        Its record.
    """

    def __init__(self, store: Store, show: Callable[[State], None], *, folders: bool = True) -> None:
        self._store, self._show, self._folders = store, show, folders
        self.path: Path | None = None
        self.record: Record | None = None
        self._preview: Preview | None = None
        self._busy = threading.Lock()
        self._progress: Progress | None = None
        self._number = 0

    def fetch(self, order: Order) -> None:
        """Fetch a file; it returns when that has succeeded or was cancelled.

        Raises
        ------
        RefusedError
            Another one is being fetched.
        Exception
            Whatever `Store.fetch_file` raises; it has been shown then.
        """
        if not self._busy.acquire(blocking=False):
            msg = "Another file is being fetched. Wait for it, or cancel it."
            raise RefusedError(msg)
        try:
            self._number += 1
            self._fetch(order, {"number": self._number, **_named(order)})
        finally:
            self._progress = None
            self._busy.release()

    def cancel(self) -> None:
        """End the fetch under way, if there is one; from any thread."""
        progress = self._progress
        if progress is not None:
            progress.cancel()

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
        if described is None or message.integer("number") != self._number:
            msg = "That file is no longer the one that was fetched last. Fetch it again."
            raise RefusedError(msg)
        result, buffers = described.message()
        return Reply(result=result, buffers=buffers)

    def _fetch(self, order: Order, about: State) -> None:
        self.path = self.record = self._preview = None

        def tell() -> None:
            self._show({**about, "phase": "fetching", "done": progress.done, "total": progress.total})

        progress = self._progress = Progress(tell)
        tell()
        try:
            fetched = self._fetched(order, progress)
        except Cancelled:
            self._show({**about, "phase": "cancelled"})
        except Exception as exc:
            self._show({**about, "phase": "failed", "error": _messages.error(exc)})
            raise
        else:
            self._show({**about, "phase": "fetched", **fetched})

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


def _named(order: Order) -> State:
    return dict(zip(("event", "production", "file"), order.key, strict=True))


def _preview(path: Path, name: str) -> Preview:
    """Describe a file; that this may fail takes nothing from the fetch, which has succeeded."""
    try:
        with path.open("rb", buffering=0) as file:
            return preview(file, name)
    except Exception as exc:
        _logger.exception("no preview of %s", path)
        return Preview(kind="other", type="file", size=path.stat().st_size, note=f"No preview: {_messages.words(exc)}")


class Fetcher(Panel):
    """A widget that fetches a file from a Store: verified, with its path, a preview, and a download.

    Event, production and file are typed with suggestions from the manifest. *Fetch* verifies the file, and shows its
    path and a line of code that does the same; *Download* takes it to the user's own disk.

    Parameters
    ----------
    store : Store
        Where to fetch from.
    event, production, file : str, or anything with a ``name``, optional
        What stands in the boxes at first.

    Attributes
    ----------
    path : pathlib.Path or None
        The file that was fetched last, in the Store or in the destination folder.
    record : Record or None
        Its record.

    Examples
    --------
    >>> from asimov.storage import Store
    >>> from asimov.storage.widgets import Fetcher
    >>> store = Store.create(folder / "fetcher", "Test Store")
    >>> fetcher = Fetcher(store)  # in a notebook, end a cell on it
    >>> fetcher.path is None
    True
    """

    _esm = module("Fetcher")
    _initial = traitlets.Dict().tag(sync=True)
    _shown = traitlets.Dict().tag(sync=True)

    def __init__(
        self, store: Store, event: object = "", production: object = "", file: object = "", **traits: Any
    ) -> None:
        require_store(self, store)
        places = {"event": event, "production": production, "file": file}
        initial = {"store": store.name, **{name: text_of(name, value) for name, value in places.items()}}
        super().__init__(_initial=cast("State", _messages.plain(initial)), **traits)
        self._fetches = self._serve(Fetches(store, self._show))
        self._serve(Suggestions(store))
        self._serve(Downloads(store, self._tell))

    @property
    def path(self) -> Path | None:
        """Where the file is that was fetched last; None before, while one is fetched, and where that failed."""
        return self._fetches.path

    @property
    def record(self) -> Record | None:
        """The record of the file that was fetched last, or None."""
        return self._fetches.record

    def _show(self, state: State) -> None:
        if not self._closed.is_set():
            self._shown = cast("State", _messages.plain(state))

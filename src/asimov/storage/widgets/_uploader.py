"""Uploader: a widget that stores files from the user's own disk, or from the server's, in a Store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets

from asimov.storage._display.text import count, printable
from asimov.storage._operations.arguments import path

from ._link.messages import plain
from ._link.module import module
from ._link.panel import Panel, text_of
from ._link.records import described
from ._link.suggestions import Suggestions
from ._link.traits import Told
from ._served import html, refusal, require_store
from ._uploading.batches import Batches
from ._uploading.newest import Stored
from ._uploading.notes import Noted, Notes
from ._uploading.server_files import ServerFiles
from ._uploading.uploads import Uploads

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from ._served import Served


TOLD = 20
"""The largest number of records that are sent to a page."""


class Uploader(Panel):
    """A widget that stores files of any size from the user's own disk. Browser and kernel both digest them.

    Choose or drop files or folders, name event and production, and press *Upload*. A file enters the Store only if the
    MD5 of the bytes that the browser read is the MD5 of the bytes that arrived. At most 10,000 files can be uploaded
    at once.

    An interrupted upload can be resumed. After a reload of the page, or a restart of the kernel, choose the same file
    again within a day: its upload continues where it stopped. This needs a kernel on the same machine and a file system
    with locks under the Store. Otherwise the upload starts again.

    A chosen folder stands for all files in it and in the folders below it, except hidden ones (``.name``). Each file
    keeps its own name. Where two files have the same name, the folders are put in front of it (``run1_psd.dat``), since
    a name cannot contain ``/``. The names can be changed before the upload.

    Files that are dropped from JupyterLab's own file browser are added from the server's disk, if the kernel sees it.
    In a notebook, the user who drops files may read them anyway. Elsewhere (Voilà, a web app) anybody may use the page,
    so there only files below `server_root` are accepted.

    *Notes* are written with each file that is added, as ``meta`` of `Store.add_file`. Below that line a note has a key
    and a value each; a value that is a number is stored as a number. They stay for the next files of the widget.

    Parameters
    ----------
    store : Store
        The Store to add files to.
    event, production : str, or anything with a ``name``, optional
        The initial contents of the boxes.
    meta : mapping, optional
        The initial notes, as for `Store.add_file`.
    server_root : str or os.PathLike, optional
        A folder on the machine that the kernel runs on. Its files can be stored too, by the box *Path on the server*.
        Files outside this folder can neither be named in that box nor be dropped. Without `server_root` there is no
        such box.

    Attributes
    ----------
    meta : mapping
        The notes to write with the next files. Python can set and observe them, and a reload of the page keeps them.
        The mapping itself is read-only; set another one, or None for no notes. What can't be a note raises the same
        TypeError or ValueError as in `Store.add_file`.
    records : list of Record
        The records that were stored with this widget, in order. Observers are called in the thread that stores.

    Examples
    --------
    >>> from asimov.storage import Store
    >>> from asimov.storage.widgets import Uploader
    >>> store = Store.create(folder / "uploader", "Test Store")
    >>> uploader = Uploader(store, event="GW150914", meta={"run": 7})  # in a notebook, end a cell on it
    >>> uploader.meta = {**uploader.meta, "analyst": "Jane Doe"}
    >>> uploader.records
    []
    """

    _esm = module("Uploader")
    _initial = traitlets.Dict().tag(sync=True)
    _stored = traitlets.Dict({"count": 0, "last": []}).tag(sync=True)
    _notes = traitlets.Dict({"number": 0, "rows": []}).tag(sync=True)
    meta = Noted()
    records = Told(lambda records: [described(record) for record in records[-TOLD:]], list)

    def __init__(
        self,
        store: Served,
        event: object = None,
        production: object = None,
        *,
        meta: Mapping[str, object] | None = None,
        server_root: str | os.PathLike[str] | None = None,
        **traits: Any,
    ) -> None:
        require_store(self, store)
        self._store = store
        stored = Stored(lambda state: self._show(_stored=state), lambda records: self.set_trait("records", records))
        folder = None if server_root is None else path("server_root", server_root)
        server = ServerFiles(store, folder, stored.take, self._tell)
        initial = {
            "store": store.name,
            "refusal": refusal(store),
            "event": text_of("event", event),
            "production": text_of("production", production),
            "server": None if server.folder is None else str(server.folder.root),
        }
        super().__init__(_initial=plain(initial), meta=meta, **traits)
        self._serve(stored)
        self._serve(Notes(self))
        self._serve(Uploads(store, stored.take, self._tell))
        self._serve(Batches(store, stored.take))
        self._serve(Suggestions(store))
        self._serve(server)

    def _in_words(self) -> str:
        return f"of {printable(repr(self._store.name))}: {count(len(self.records), 'file')} stored"

    def _saved_html(self) -> str:
        return html(self._store)

"""Uploader: files from the user's own disk, or from the server's, into a Store."""

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
from ._uploading.server_files import ServerFiles
from ._uploading.uploads import Uploads

if TYPE_CHECKING:
    import os

    from ._served import Served


TOLD = 20
"""Records that a page is told of at most."""


class Uploader(Panel):
    """A widget that stores files from the user's own disk: of any size, digested in the browser and in the kernel.

    Choose or drop files or folders, name event and production, and press *Upload*. A file enters the Store only if the
    MD5 that the browser computed of what it read is the MD5 of what arrived. After a reload of the page, or a restart
    of the kernel, choose the same file again: it goes on from where it stopped, for a day, if the kernel runs on the
    same machine and the Store's file system has locks; else it begins anew. At most 10,000 files go up at once.

    Of a folder all files are taken, those in folders below it too, without hidden ones (``.name``). Each keeps its own
    name; where two have the same, the folders stand in front of it (``run1_psd.dat``), since a name has no ``/``. The
    names can be changed before the upload.

    Files that are dropped from JupyterLab's own file browser are added from the server's disk, if the kernel sees it.
    In a notebook, who drops them may read them; elsewhere (Voilà, a web app) the page may be anybody's, so there they
    are taken only from below `server_root`.

    Parameters
    ----------
    store : Store
        Where to store.
    event, production : str, or anything with a ``name``, optional
        What stands in the boxes at first.
    server_root : str or os.PathLike, optional
        A folder of the machine that the kernel runs on: its files can be stored too, by *Path on the server*. Nothing
        above it can be reached, nor dropped here. Without it there is no such box.

    Attributes
    ----------
    records : list of Record
        What was stored with this widget, in order. ``observe`` hears it change, in the thread that stores.

    Examples
    --------
    >>> from asimov.storage import Store
    >>> from asimov.storage.widgets import Uploader
    >>> store = Store.create(folder / "uploader", "Test Store")
    >>> uploader = Uploader(store, event="GW150914")  # in a notebook, end a cell on it
    >>> uploader.records
    []
    """

    _esm = module("Uploader")
    _initial = traitlets.Dict().tag(sync=True)
    _stored = traitlets.Dict({"count": 0, "last": []}).tag(sync=True)
    records = Told(lambda records: [described(record) for record in records[-TOLD:]], list)

    def __init__(
        self,
        store: Served,
        event: object = None,
        production: object = None,
        *,
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
        super().__init__(_initial=plain(initial), **traits)
        self._serve(stored)
        self._serve(Uploads(store, stored.take, self._tell))
        self._serve(Batches(store, stored.take))
        self._serve(Suggestions(store))
        self._serve(server)

    def _in_words(self) -> str:
        return f"of {printable(repr(self._store.name))}: {count(len(self.records), 'file')} stored"

    def _saved_html(self) -> str:
        return html(self._store)

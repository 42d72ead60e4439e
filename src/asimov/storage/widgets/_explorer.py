"""Explorer: all that a Store holds, to be searched, looked at, fetched and verified."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets

from asimov.storage._operations.arguments import flag

from ._exploring.browsing import Browsing
from ._exploring.gathering import Gathering
from ._exploring.reading import Reading
from ._exploring.selection import Selection
from ._fetching.downloads import Downloads
from ._fetching.fetches import Fetches
from ._link.messages import State, plain
from ._link.module import module
from ._link.panel import Panel
from ._link.suggestions import Suggestions
from ._served import require_store
from ._uploading.batches import Batches
from ._uploading.newest import Stored
from ._uploading.server_files import ServerFiles
from ._uploading.uploads import Uploads
from ._verifying.verification import Verification

if TYPE_CHECKING:
    import pandas as pd

    from asimov.storage._model.reports import VerificationReport

    from ._served import Served


class Explorer(Panel):
    """A widget that shows what is in a Store: one paged table, searched and sorted in the kernel.

    Search looks for all words in all columns. Rows are selected by their boxes, a page at once, or all that match;
    the selection is fetched to a folder, verified, or taken as `selection`. A row opens the file's preview and its
    download; *Add* opens the Uploader.

    Parameters
    ----------
    store : Store
        What to explore. Another process's additions appear with *Refresh*.
    read_only : bool
        Offer neither *Add* nor a folder on the server: for apps that anybody may use.

    Examples
    --------
    >>> from asimov.storage import Store
    >>> store = Store.create(folder / "explorer", "Test Store")
    >>> explorer = store.explore()  # in a notebook, end a cell on it
    >>> len(explorer.selection)
    0
    """

    _esm = module("Explorer")
    _initial = traitlets.Dict().tag(sync=True)
    _shown = traitlets.Dict().tag(sync=True)
    _gathered = traitlets.Dict().tag(sync=True)
    _verified = traitlets.Dict().tag(sync=True)
    _rows: traitlets.List[State] = traitlets.List().tag(sync=True)
    _stored = traitlets.Dict({"count": 0, "last": []}).tag(sync=True)

    def __init__(self, store: Served, *, read_only: bool = False, **traits: Any) -> None:
        require_store(self, store)
        read_only = flag("read_only", read_only)
        reading = Reading(store)
        self._selection = Selection(reading, self._tell)
        self._browsing = Browsing(store, reading, self._selection, self._tell)
        first = {"store": store.name, "root": str(store.root), "read_only": read_only, "page": self._browsing.first()}
        first |= {"event": "", "production": "", "server": None}  # what the Uploader's panel begins with
        super().__init__(_initial=plain(first), **traits)
        self._serve(self._selection)
        self._serve(self._browsing)
        self._serve(Fetches(store, lambda state: self._show(_shown=state), folders=not read_only))
        self._serve(Downloads(store, self._tell))
        self._verification = self._serve(Verification(store, self._selection.some_records, self._show_found))
        if not read_only:
            self._serve_changes(store)
        reading.prepare()

    def _serve_changes(self, store: Served) -> None:
        """Serve what writes to the Store or to the server's disk."""
        self._serve(Suggestions(store))
        self._serve(Gathering(store, self._selection, lambda state: self._show(_gathered=state)))
        stored = self._serve(Stored(lambda state: self._show(_stored=state)))
        self._serve(Uploads(store, stored.take, self._tell))
        self._serve(Batches(store, stored.take))
        self._serve(ServerFiles(store, None, stored.take, self._tell))

    @property
    def selection(self) -> pd.DataFrame:
        """The selected records as a DataFrame, which `Store.fetch_files` and `Store.verify` take."""
        from asimov.storage.frame import records_to_frame

        return records_to_frame(self._selection.records())

    @property
    def report(self) -> VerificationReport | None:
        """What the last verification of a selection found."""
        return self._verification.report

    def refresh(self) -> None:
        """Read the Store again, as the button does."""
        self._browsing.refresh()

    def _show_found(self, state: State, rows: list[State]) -> None:
        self._show(_rows=rows, _verified=state)

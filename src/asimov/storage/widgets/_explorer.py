"""Explorer: all that a Store holds, to be searched, looked at, fetched and verified."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import traitlets

from asimov.storage._display.pages import rows_html
from asimov.storage._display.text import count, printable
from asimov.storage._operations.arguments import flag

from ._exploring.browsing import Browsing
from ._exploring.gathering import Gathering
from ._exploring.looking import Looking
from ._exploring.overview import Overview
from ._exploring.reading import Reading
from ._exploring.selection import Selection
from ._exploring.state import Shown, view_of_traits
from ._fetching.downloads import Downloads
from ._fetching.fetches import Fetches
from ._link.messages import State
from ._link.module import module
from ._link.panel import Panel
from ._link.suggestions import Suggestions
from ._link.traits import Told
from ._served import refusal, require_store
from ._uploading.batches import Batches
from ._uploading.newest import Stored
from ._uploading.server_files import ServerFiles
from ._uploading.uploads import Uploads
from ._verifying.verification import Verification

if TYPE_CHECKING:
    import pandas as pd

    from asimov.storage._model.names import Key
    from asimov.storage._model.reports import VerificationReport

    from ._served import Served


class Explorer(Shown, Panel):
    """A widget that shows what is in a Store: one paged table, searched and sorted in the kernel.

    Search looks for all words in events, productions and files, and for hashes and uuids that begin with a word of six
    or more hexadecimal digits. Rows are selected by their boxes, a page at once, or all that match; the selection is
    fetched to a folder, verified, or taken as `selection`. A row opens the file's preview and its download; *Add* opens
    the Uploader.

    Parameters
    ----------
    store : Store
        What to explore. Another process's additions appear with *Refresh*.
    read_only : bool
        Offer neither *Add* nor a folder on the server: for apps that anybody may use.
    **state
        The attributes below, except `selected` and `selected_count`, as they are to be at first.

    Attributes
    ----------
    search : str
        Words to look for. This and what follows is shared by all views of the widget, is kept when the page is
        reloaded, and can be set and observed from Python.
    event, production : str, or anything with a ``name``
        Show only these; empty: all.
    suffix : str or None
        Show only files with this suffix, in lower case, such as ``.hdf5``; empty: without one; None: all.
    added_from, added_to : datetime, str or None
        Show only files that were added then or later, and before then. A str is a date or time in ISO 8601.
    larger_than : int or None
        Show only files of more bytes.
    not_verified_since : datetime, str or None
        Show only files that were last found to be sound before then, or never; "never": only these.
    failed : bool
        Show only files that failed their last verification.
    sort : str
        A column to sort by: event, production, file, size, added, verified, hash or uuid.
    descending : bool
        Sort the other way round.
    columns : tuple of str
        Which columns are shown.
    page : int
        Which page of 50 rows, counted from 0.
    opened : (event, production, file) or None
        The record whose file is open beside the table.
    overview_folded : bool
        Whether the picture of the Store is folded away.
    selected : list of (event, production, file)
        The selected records, sorted, the first 1,000 of them; read-only.
    selected_count : int
        How many are selected; read-only.
    height : str
        How high the widget is at most.

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
    selected = Told(list, list)
    selected_count = Told(int, int)

    def __init__(self, store: Served, *, read_only: bool = False, **traits: Any) -> None:
        require_store(self, store)
        read_only = flag("read_only", read_only)
        reading = self._reading = Reading(store)
        self._store = store
        self._selection = Selection(reading, self._tell, self._tell_selected)
        self._looking = Looking(reading, self._tell)
        self._browsing = Browsing(store, reading, self._selection, self._looking, self._tell)
        super().__init__(_initial={}, **traits)
        self._show(_initial=self._first(read_only=read_only))
        self._serve(self._looking)
        self._serve(Overview(reading, self._looking))
        self._serve(self._selection)
        self._serve(self._browsing)
        self._serve(Fetches(store, lambda state: self._show(_shown=state), folders=not read_only))
        self._serve(Downloads(store, self._tell))
        self._verification = self._serve(Verification(store, self._selection.some_records, self._show_found))
        if not read_only:
            self._serve_changes(store)
        reading.prepare()
        self._looking.read_verifications()

    def _first(self, *, read_only: bool) -> State:
        """Return what a page begins with."""
        view = view_of_traits(self)
        first: State = {"store": self._store.name, "root": str(self._store.root), "read_only": read_only}
        first |= {"view": asdict(view), "page": self._browsing.first(view)}
        # What the Uploader's panel begins with:
        return {**first, "event": "", "production": "", "server": None, "refusal": refusal(self._store)}

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

    def _in_words(self) -> str:
        return f"of {printable(repr(self._store.name))}: {count(len(self._reading.table), 'record')}"

    def _saved_html(self) -> str:
        """Return the first page of the table."""
        rows = self._browsing.shown(view_of_traits(self))
        return rows_html(repr(self), self._store.name, self._store.root, rows, len(self._reading.table))

    def _tell_selected(self, count: int, keys: list[Key]) -> None:
        with self.hold_trait_notifications():
            self.set_trait("selected", keys)
            self.set_trait("selected_count", count)

    def _show_found(self, state: State, rows: list[State]) -> None:
        self._show(_rows=rows, _verified=state)
        if state["phase"] != "verifying":
            self._looking.read_verifications()

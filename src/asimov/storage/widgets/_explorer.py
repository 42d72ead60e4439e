"""Explorer: a widget to search, preview, fetch and verify the files of a Store."""

from __future__ import annotations

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
from ._exploring.state import Shown, traits_of_view, view_of_traits
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
    """A widget that shows the contents of a Store as one paged table. The kernel searches and sorts it.

    The search finds rows in which all words occur: in event, production or file, or in the values of the notes
    (``meta``). A word of six or more hexadecimal digits also finds the hashes and uuids that begin with it. Rows are
    selected by their boxes, one page at once, or all that match. The selection can be fetched to a folder, verified, or
    read from Python as `selection`. A click on a row opens the file's preview and download. *Add* opens the Uploader.

    Parameters
    ----------
    store : Store
        The Store to explore. *Refresh* shows what other processes have added.
    read_only : bool
        Whether to leave out *Add* and fetching to a folder on the server. This is for apps that anybody may use.
    **state
        Initial values of the attributes below, except `selected` and `selected_count`.

    Attributes
    ----------
    search : str
        Words to search for. All views of the widget share this attribute and those below, and a reload of the page
        keeps them. Python can set and observe them.
    event, production : str, or anything with a ``name``
        Show only this event or production. An empty text shows all.
    suffix : str or None
        Show only files with this suffix, in lower case, such as ``.hdf5``. An empty text shows only files without a
        suffix, and None shows all files.
    added_from, added_to : datetime, str or None
        Show only files that were added at `added_from` or later, and before `added_to`. A str is a date or time in
        ISO 8601.
    larger_than : int or None
        Show only files of more than this number of bytes.
    not_verified_since : datetime, str or None
        Show only files that have not been found to be sound since this time. "never" shows only files that have never
        been found to be sound.
    failed : bool
        Show only files that failed their last verification.
    retracted : bool
        Show only records that were retracted.
    sort : str
        The column to sort by: event, production, file, size, added, verified, hash, uuid, or a key of the notes.
    descending : bool
        Whether to sort in descending order.
    columns : tuple of str
        The columns that are shown: those named for `sort`, keys of the notes among them.
    page : int
        The number of the page, counted from 0. A page has 50 rows.
    opened : (event, production, file) or None
        The record whose file is open beside the table.
    overview_folded : bool
        Whether the overview of the Store is folded away.
    selected : list of (event, production, file)
        The first 1,000 selected records, sorted; read-only.
    selected_count : int
        The number of selected records; read-only.
    height : str
        The largest height of the widget.

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
        self._looking.read_verifications(patience=0.05)
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

    def _first(self, *, read_only: bool) -> State:
        """Return the state that a page starts from."""
        view = view_of_traits(self)
        first: State = {"store": self._store.name, "root": self._store.backend.location, "read_only": read_only}
        first |= {"view": traits_of_view(view), "page": self._browsing.first(view)}
        # The Uploader's panel starts from these:
        return {**first, "event": "", "production": "", "server": None, "refusal": refusal(self._store)}

    def _serve_changes(self, store: Served) -> None:
        """Serve the requests that write to the Store or to the server's disk."""
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
        """The report of the last verification of a selection."""
        return self._verification.report

    def has_note(self, key: str) -> bool:
        """Return whether a record has a note with this key."""
        return self._reading.table.notes.has(key)

    def refresh(self) -> None:
        """Read the Store again, as *Refresh* does."""
        self._browsing.refresh()

    def _in_words(self) -> str:
        return f"of {printable(repr(self._store.name))}: {count(len(self._reading.table), 'record')}"

    def _saved_html(self) -> str:
        """Return the first page of the table."""
        rows = self._browsing.shown(view_of_traits(self))
        return rows_html(repr(self), self._store.name, self._store.backend.location, rows, len(self._reading.table))

    def _tell_selected(self, count: int, keys: list[Key]) -> None:
        with self.hold_trait_notifications():
            self.set_trait("selected", keys)
            self.set_trait("selected_count", count)

    def _show_found(self, state: State, rows: list[State]) -> None:
        self._show(_rows=rows, _verified=state)
        if state["phase"] != "verifying":
            self._looking.read_verifications()

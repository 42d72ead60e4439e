"""Explorer: all that a Store holds, to be searched, looked at, fetched and verified."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import traitlets

from asimov.storage._operations.arguments import flag

from . import _messages
from ._browsing import Browsing, State
from ._download import Downloads
from ._fetcher import Fetches
from ._module import module
from ._panel import Panel, require_store
from ._selected import Gathering, SelectionVerification
from ._stored import Stored
from ._suggest import Suggestions
from ._uploads import Uploads

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from asimov.storage._model.reports import VerificationReport
    from asimov.storage._store import Store


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

    def __init__(self, store: Store, *, read_only: bool = False, **traits: Any) -> None:
        require_store(self, store)
        read_only = flag("read_only", read_only)
        browsing = Browsing(store, self._tell)
        first = {"store": store.name, "root": str(store.root), "read_only": read_only, "page": browsing.first()}
        first |= {"event": "", "production": "", "server": None}  # what the Uploader's panel begins with
        super().__init__(_initial=cast("State", _messages.plain(first)), **traits)
        self._store = store
        self._browsing = self._serve(browsing)
        self._fetches = self._serve(Fetches(store, self._show("_shown"), folders=not read_only))
        self._serve(Downloads(store, self._tell))
        self._verification = self._serve(SelectionVerification(store, browsing, self._show_verified))
        if not read_only:
            self._serve(Suggestions(store))
            self._serve(Gathering(store, browsing, self._show("_gathered")))
            stored = self._serve(Stored(self._show("_stored")))
            self._serve(Uploads(store, stored.take, self._tell))
        browsing.prepare()

    @property
    def selection(self) -> pd.DataFrame:
        """The selected records as a DataFrame, which `Store.fetch_files` and `Store.verify` take."""
        from asimov.storage.frame import records_to_frame

        return records_to_frame(self._browsing.records())

    @property
    def report(self) -> VerificationReport | None:
        """What the last verification of a selection found."""
        return self._verification.report

    def refresh(self) -> None:
        """Read the Store again, as the button does."""
        self._browsing.refresh()

    def _show(self, trait: str) -> Callable[[State], None]:
        def show(state: State) -> None:
            if not self._closed.is_set():
                setattr(self, trait, _messages.plain(state))

        return show

    def _show_verified(self, state: State, rows: list[State]) -> None:
        if not self._closed.is_set():
            self._rows = cast("list[State]", _messages.plain(rows))
            self._verified = cast("State", _messages.plain(state))

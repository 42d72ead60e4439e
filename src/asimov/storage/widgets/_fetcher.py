"""Fetcher: a widget that fetches one file from a Store, verified, with its path, a preview and a download."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets

from asimov.storage._display.text import printable

from ._fetching.downloads import Downloads
from ._fetching.fetches import Fetches
from ._link.messages import State, plain
from ._link.module import module
from ._link.panel import Panel, text_of
from ._link.records import described
from ._link.suggestions import Suggestions
from ._link.traits import Told
from ._served import html, require_store

if TYPE_CHECKING:
    from ._served import Served


class Fetcher(Panel):
    """A widget that fetches a file from a Store: verified, with its path, a preview, and a download.

    The user types event, production and file, and gets suggestions from the manifest. *Fetch* verifies the file, and
    shows its path and a line of code that does the same. *Download* copies the file to the user's own disk.

    Parameters
    ----------
    store : Store
        The Store to fetch from.
    event, production, file : str, or anything with a ``name``, optional
        The initial contents of the boxes.

    Attributes
    ----------
    path : pathlib.Path or None
        The path of the file that was fetched last, in the Store or in the destination folder. It is None before the
        first fetch, during a fetch, and after a fetch that failed. Observers are called in the thread that fetches.
    record : Record or None
        The record of that file. It is None when `path` is.

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
    path = Told(str)
    record = Told(described)

    def __init__(
        self, store: Served, event: object = "", production: object = "", file: object = "", **traits: Any
    ) -> None:
        require_store(self, store)
        self._store = store
        places = {"event": event, "production": production, "file": file}
        initial = {"store": store.name, **{name: text_of(name, value) for name, value in places.items()}}
        super().__init__(_initial=plain(initial), **traits)
        self._fetches = self._serve(Fetches(store, self._show_fetched))
        self._serve(Suggestions(store))
        self._serve(Downloads(store, self._tell))

    def _show_fetched(self, state: State) -> None:
        self.set_trait("record", self._fetches.record)
        self.set_trait("path", self._fetches.path)
        self._show(_shown=state)

    def _in_words(self) -> str:
        fetched = "nothing fetched" if self.record is None else printable(" / ".join(self.record.key))
        return f"of {printable(repr(self._store.name))}: {fetched}"

    def _saved_html(self) -> str:
        return html(self._store)

"""What the Explorer's pages ask of the kernel: pages of the table, and the selection."""

from __future__ import annotations

import threading
from dataclasses import asdict
from typing import TYPE_CHECKING, cast

from asimov.storage._bytes.threads import started

from ._messages import Message, RefusedError, request
from ._table import COLUMNS, PAGE, Column, Table, View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from asimov.storage._model.names import Key
    from asimov.storage._model.record import Record
    from asimov.storage._model.snapshot import Contents
    from asimov.storage._store import Store

HASHES = 20_000
"""Lines of hashes that go to a clipboard at most."""

State = dict[str, object]


class Browsing:
    """Shows the table page by page and keeps the selection, which all views share.

    Parameters
    ----------
    store : Store
    tell : callable
        ``tell(None, event, **content)`` says something to all views: ``explore/selected`` (count), ``explore/read``.
    """

    def __init__(self, store: Store, tell: Callable[..., None]) -> None:
        self._store, self._tell = store, tell
        self._lock = threading.RLock()
        self._refreshing = threading.Lock()
        self._readings = 1
        self.table = Table(store.backend.contents())
        self._selected: frozenset[Key] = frozenset()

    # The table.

    def first(self) -> State:
        """Give the first page, for a view that is about to paint."""
        return self._page(View(), "")

    def prepare(self) -> None:
        """Compute in a thread what searching and sorting will need; where there is none, it is computed then."""
        started(self.table.prepare, "asimov-storage explorer")

    @request("explore/page")
    def _answer_page(self, message: Message) -> State:
        with self._lock:
            return self._page(_view(message), message.text("known", "", limit=300))

    @request("explore/refresh", background=True)
    def _refresh(self, _message: Message) -> State:
        self.refresh()
        return {"records": len(self.table)}

    def refresh(self) -> None:
        """Read the Store again; what is selected stays so, as far as it is still there."""
        with self._refreshing:  # or of two, the one that read first might have the last word
            contents = self._store.backend.contents()
            if self._shows(contents):
                return
            table = Table(contents)
            with self._lock:
                self.table = table
                self._readings += 1
                self._selected = frozenset(key for key in self._selected if contents.find(key) is not None)
            self.prepare()
        self._tell(None, "explore/read", records=len(table))

    @request("explore/news", background=True)
    def _news(self, _message: Message) -> State:
        """Say how many records there are that the table doesn't show; it costs a reading where somebody has added."""
        contents = self._store.backend.contents()
        return {"changed": not self._shows(contents), "records": len(contents), "shown": len(self.table)}

    def _shows(self, contents: Contents) -> bool:
        """Tell whether the table has the records of `contents`, which may be a manifest that was but written anew."""
        shown = self.table.contents
        return contents is shown or (
            contents.keys == shown.keys and contents.hashes == shown.hashes and contents.uuids == shown.uuids
        )

    def _page(self, view: View, known: str) -> State:
        page = self.table.page(view)
        keys = [self.table.contents.keys[index] for index in page.rows]
        return {
            "rows": [self._row(index) for index in page.rows],
            "marked": [key in self._selected for key in keys],
            "page": page.number,
            "pages": page.pages,
            "total": page.total,
            "records": len(self.table),
            "selected": len(self._selected),
            "choices": self._choices(view.event, known),
        }

    def _choices(self, event: str | None, known: str) -> State | None:
        """Give what the filters offer, where a page doesn't know it from an answer before."""
        offered = f"{self._readings}/{event or ''}"
        if offered == known:
            return None
        events, productions = self.table.event_choices(), self.table.production_choices(event)
        return {"of": offered, "events": asdict(events), "productions": asdict(productions)}

    def _row(self, index: int) -> list[object]:
        record = self.table.contents.record(index)
        _, size, modified = next(iter(self._store.backend.stat([record])))
        return [*self.table.row(index), size, None if modified is None else modified // 1_000_000]

    # The selection.

    @property
    def keys(self) -> frozenset[Key]:
        """The keys of the selected records."""
        return self._selected

    def records(self) -> list[Record]:
        """Give the selected records, sorted."""
        with self._lock:
            contents, selected = self.table.contents, self._selected
        return [record for key in sorted(selected) if (record := contents.get(key)) is not None]

    def some(self) -> frozenset[Key]:
        """Give the keys of the selected records, of which there is one at least.

        Raises
        ------
        RefusedError
            Nothing is selected.
        """
        if not self._selected:
            msg = "Nothing is selected. Select rows first, by their boxes or with Select all that match."
            raise RefusedError(msg)
        return self._selected

    def select(self, keys: Iterable[Key], *, on: bool) -> State:
        """Select or deselect records, in all views."""
        with self._lock:
            self._selected = self._selected.union(keys) if on else self._selected.difference(keys)
            count = len(self._selected)
        self._tell(None, "explore/selected", count=count)
        return {"selected": count}

    @request("explore/select")
    def _select_rows(self, message: Message) -> State:
        """Mark rows by their keys: their places may be others' by now."""
        keys = _keys(message)
        with self._lock:
            find = self.table.contents.find
            return self.select([key for key in keys if find(key) is not None], on=message.flag("on"))

    @request("explore/select-all")
    def _select_all(self, message: Message) -> State:
        """Mark all that match what the page shows, unless these are no longer as many as it says."""
        with self._lock:
            every = self.table.contents.keys
            found = self.table.matching(_view(message))
            if len(found) != message.integer("total"):
                msg = "What matches has changed meanwhile. Look at what is shown now, and select again."
                raise RefusedError(msg)
            return self.select([every[index] for index in found], on=message.flag("on"))

    @request("explore/select-none")
    def _select_none(self, _message: Message) -> State:
        with self._lock:
            self._selected = frozenset()
            return self.select([], on=False)

    @request("explore/hashes")
    def _hashes(self, _message: Message) -> State:
        """Give the digests of the selection as md5sum writes them."""
        count = len(self.some())
        if count > HASHES:
            msg = f"{count:,} hashes are too many for a clipboard, which takes {HASHES:,}. Select fewer."
            raise RefusedError(msg)
        lines = [f"{record.hash}  {record.event}/{record.production}/{record.file}\n" for record in self.records()]
        return {"text": "".join(lines), "count": len(lines)}


def _keys(message: Message) -> list[Key]:
    keys = message.content.get("keys")
    if not isinstance(keys, list) or len(keys) > PAGE or not all(map(_is_key, keys)):
        msg = f"The message {message.kind!r} was refused: 'keys' must be keys of a page's rows. Reload the page."
        raise RefusedError(msg)
    return [(event, production, file) for event, production, file in keys]


def _is_key(key: object) -> bool:
    return isinstance(key, list) and len(key) == 3 and all(isinstance(name, str) and len(name) <= 255 for name in key)


def _view(message: Message) -> View:
    sort = message.text("sort", "event", limit=16)
    if sort not in COLUMNS:
        msg = "The message was refused: 'sort' must be a column. Reload the page and try again."
        raise RefusedError(msg)
    return View(
        search=message.text("search", "", limit=1000),
        event=message.text("event", "", limit=255) or None,
        production=message.text("production", "", limit=255) or None,
        sort=cast("Column", sort),
        descending=message.flag("descending", default=False),
        page=message.integer("page", 0),
    )

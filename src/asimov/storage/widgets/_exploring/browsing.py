"""Browsing: the pages of the table, the choices of its filters, and reading the Store again."""

from __future__ import annotations

import json
import threading
import zlib
from dataclasses import asdict
from typing import TYPE_CHECKING

from asimov.storage.widgets._link.messages import Message, RefusedError, State, request
from asimov.storage.widgets._served import stat_all

from .notes import LONGEST
from .view import COLUMNS, View
from .views import view_of
from .words import searchable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from asimov.storage.widgets._served import Found, Served

    from .looking import Looking
    from .reading import Reading
    from .selection import Selection
    from .table import Table


class Browsing:
    """Shows the table page by page.

    Parameters
    ----------
    store : Store
    reading : Reading
        The records that the pages show.
    selection : Selection
        The rows that are marked.
    looking : Looking
        It is asked for what isn't known about the files yet.
    tell : callable
        ``tell(None, event, **content)`` sends ``explore/read`` (records) to all views.
    """

    def __init__(
        self, store: Served, reading: Reading, selection: Selection, looking: Looking, tell: Callable[..., None]
    ) -> None:
        self._store, self._reading, self._selection, self._tell = store, reading, selection, tell
        self._looking = looking
        self._refreshing = threading.Lock()

    def first(self, view: View) -> State:
        """Return the page that a new view paints first."""
        return self._page(view, "")

    def shown(self, view: View) -> list[tuple[str, str, str, int | None]]:
        """Return event, production, file and size of the records of a page. The size of a missing file is None."""
        table = self._reading.table
        records = [table.contents.record(index) for index in table.page(view).rows]
        return [(*record.key, found[1]) for record, found in zip(records, stat_all(self._store, records), strict=True)]

    def refresh(self) -> None:
        """Read the Store again. Selected records stay selected if they are still there."""
        with self._refreshing:  # without the lock, the older of two readings might be shown in the end
            read = self._reading.now()
            if self._reading.shows(read):
                return
            table = self._reading.made(read)
            with self._reading.lock:
                self._reading.replace(table)
                self._selection.keep(read)
            self._reading.prepare()
            self._looking.read_verifications()
        self._tell(None, "explore/read", records=len(table))

    @request("explore/page")
    def _answer_page(self, message: Message) -> State:
        view = view_of(message)
        with self._reading.lock:
            if view.sort not in COLUMNS and not self._reading.table.notes.has(view.sort):
                msg = "The message was refused: 'sort' must be a column. Reload the page and try again."
                raise RefusedError(msg)
            page = self._page(view, message.text("known", "", limit=300))
        has_it = page["choices"] is None and page["mark"] == message.text("has", "", limit=8)
        return {"same": page["mark"]} if has_it else page

    @request("explore/refresh", background=True)
    def _refresh(self, _message: Message) -> State:
        self.refresh()
        return {"records": len(self._reading.table)}

    @request("explore/keys", background=True)
    def _keys(self, _message: Message) -> State:
        """Return the keys of the notes, which can be columns too."""
        return asdict(self._reading.table.notes.keys())

    @request("explore/news", background=True)
    def _news(self, _message: Message) -> State:
        """Return whether the Store has changed since the table was read. If it has, this costs a whole reading."""
        read = self._reading.now()
        shown = len(self._reading.table)
        return {"changed": not self._reading.shows(read), "records": len(read), "shown": shown}

    def _page(self, view: View, known: str) -> State:
        table = self._reading.table
        waits = self._looking.need(view)
        page = table.page(view)
        answer: State = {
            "waits": waits,
            "rows": self._rows(table, page.rows, view),
            "marked": [table.contents.keys[index] in self._selection for index in page.rows],
            "page": page.number,
            "pages": page.pages,
            "total": page.total,
            "records": len(table),
            "selected": len(self._selection),
        }
        return {**answer, "mark": _mark(answer), "choices": self._choices(table, view.event, known)}

    def _choices(self, table: Table, event: str | None, known: str) -> State | None:
        """Return the choices of the filters, or None if the page knows them from an earlier answer."""
        offered = f"{self._reading.number}/{event or ''}"
        if offered == known:
            return None
        events, productions = table.event_choices(), table.production_choices(event)
        choices = {"events": events, "productions": productions, "suffixes": table.suffix_choices()}
        return {"of": offered, **{name: asdict(offers) for name, offers in choices.items()}}

    def _rows(self, table: Table, rows: Sequence[int], view: View) -> list[list[object]]:
        """Return rows as a page shows them; their files are looked at together, which is faster on the web."""
        found = stat_all(self._store, map(table.contents.record, rows))
        return [self._row(table, index, one, view) for index, one in zip(rows, found, strict=True)]

    def _row(self, table: Table, index: int, found: Found, view: View) -> list[object]:
        """Return a row as a page shows it: names, digests, size in bytes, time added, time verified.

        The time when the file was added is in ms since 1970, the time when it was verified in seconds. At the end there
        is what only some rows have, if this one has any of it (see `_more`).
        """
        _, size, modified = found
        added, verified = None if modified is None else modified // 1_000_000, None
        if table.facts is not None:
            table.facts.note(index, size, modified)
            added = None if table.facts.added[index] < 0 else table.facts.added[index]
            verified = table.facts.verified and table.facts.verified[index]
        more = _more(table, index, view)
        return [*table.row(index), size, added, verified, *([more] if more else [])]


def _mark(answer: State) -> str:
    """Return a short text that is another one for another answer. A page that has this answer isn't sent it again."""
    return f"{zlib.crc32(json.dumps(answer).encode()):08x}"


def _more(table: Table, index: int, view: View) -> State:
    """Return what only some rows have: why it was retracted, the notes in columns, a note that was searched for."""
    more: State = {}
    *names, _, uuid = table.row(index)
    retraction = table.contents.retracted.get(uuid)
    if retraction is not None:
        more["why"] = retraction.reason
    noted = table.notes.of(index) if view.notes or view.search else {}
    shown = {key: text[:LONGEST] for key in view.notes if (text := noted.get(key, ""))}
    if shown:
        more["notes"] = shown
    found = table.notes.found(index, searchable(view.search).split(), searchable("\n".join(names)))
    if found is not None and found[0] not in shown:
        more["found"] = [found[0], found[1][:LONGEST]]
    return more

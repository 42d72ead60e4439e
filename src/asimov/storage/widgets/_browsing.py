"""What the Explorer's pages ask of the kernel: pages of the table, the selection, and what is done with it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, cast

from . import _messages
from ._messages import Message, RefusedError, request
from ._progress import Cancelled, Progress
from ._table import COLUMNS, Column, Table, View
from ._verifier import Verification

if TYPE_CHECKING:
    from collections.abc import Callable

    from asimov.storage._names import Key
    from asimov.storage._records import Record, VerificationReport
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
        self.table = Table(store._contents())
        self._selected: set[Key] = set()
        self._prepared = threading.Event()

    # The table.

    def first(self) -> State:
        """Give the first page, for a view that is about to paint."""
        return self._page(View())

    def prepare(self) -> None:
        """Compute in a thread what searching and sorting will need."""
        table = self.table
        threading.Thread(target=table.prepare, name="asimov-storage explorer", daemon=True).start()

    @request("explore/page")
    def _answer_page(self, message: Message) -> State:
        with self._lock:
            return self._page(_view(message))

    @request("explore/refresh", background=True)
    def _refresh(self, _message: Message) -> State:
        self.refresh()
        return {"records": len(self.table)}

    def refresh(self) -> None:
        """Read the Store again; what is selected stays so, as far as it is still there."""
        table = Table(self._store._contents())
        with self._lock:
            self.table = table
            self._selected = {key for key in self._selected if table.contents.find(key) is not None}
        self.prepare()
        self._tell(None, "explore/read", records=len(table))

    @request("explore/news", background=True)
    def _news(self, _message: Message) -> State:
        """Say how many records there are that the table doesn't show: looking costs next to nothing."""
        contents = self._store._contents()
        return {"changed": contents is not self.table.contents, "records": len(contents), "shown": len(self.table)}

    def _page(self, view: View) -> State:
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
            "events": self.table.event_choices(),
            "productions": self.table.production_choices(view.event),
        }

    def _row(self, index: int) -> list[object]:
        record = self.table.contents.record(index)
        _, size, modified = next(iter(self._store._stat([record])))
        return [*self.table.row(index), size, None if modified is None else modified // 1_000_000]

    # The selection.

    @property
    def keys(self) -> list[Key]:
        """The keys of the selected records, sorted."""
        with self._lock:
            return sorted(self._selected)

    def records(self) -> list[Record]:
        """Give the selected records, sorted.

        Raises
        ------
        RefusedError
            Nothing is selected.
        """
        with self._lock:
            contents = self.table.contents
            found = [contents.find(key) for key in self.keys]
            records = [contents.record(index) for index in found if index is not None]
        if not records:
            msg = "Nothing is selected. Select rows first, by their boxes or with Select all that match."
            raise RefusedError(msg)
        return records

    def select(self, keys: set[Key], *, on: bool) -> None:
        """Select or deselect records, in all views."""
        with self._lock:
            self._selected = self._selected | keys if on else self._selected - keys
            count = len(self._selected)
        self._tell(None, "explore/selected", count=count)

    @request("explore/select")
    def _select_rows(self, message: Message) -> State:
        """Mark some rows of a page: the ones at ``positions`` in the view that is described."""
        positions = message.content.get("positions")
        if not isinstance(positions, list) or not all(type(p) is int and 0 <= p < 50 for p in positions):
            msg = "The message 'explore/select' was refused: 'positions' must be rows of a page. Reload the page."
            raise RefusedError(msg)
        with self._lock:
            rows = self.table.page(_view(message)).rows
            keys = {self.table.contents.keys[rows[p]] for p in positions if p < len(rows)}
        self.select(keys, on=message.flag("on"))
        return {"selected": len(self._selected)}

    @request("explore/select-all")
    def _select_all(self, message: Message) -> State:
        """Mark all that match."""
        with self._lock:
            every = self.table.contents.keys
            keys = {every[index] for index in self.table.matching(_view(message))}
        self.select(keys, on=message.flag("on"))
        return {"selected": len(self._selected)}

    @request("explore/select-none")
    def _select_none(self, _message: Message) -> State:
        self.select(set(self.keys), on=False)
        return {"selected": 0}

    @request("explore/hashes")
    def _hashes(self, _message: Message) -> State:
        """Give the digests of the selection as md5sum writes them."""
        records = self.records()
        if len(records) > HASHES:
            msg = (
                f"{len(records):,} hashes are too many for a clipboard, which takes {HASHES:,}. Use .selection instead."
            )
            raise RefusedError(msg)
        return {
            "text": "".join(f"{r.hash}  {r.event}/{r.production}/{r.file}\n" for r in records),
            "count": len(records),
        }


def _view(message: Message) -> View:
    sort = message.text("sort", "event", limit=16)
    if sort not in COLUMNS:
        msg = "The message was refused: 'sort' must be a column. Reload the page and try again."
        raise RefusedError(msg)
    return View(
        search=message.text("search", "", limit=1000),
        event=message.text("event", "", limit=1024) or None,
        production=message.text("production", "", limit=1024) or None,
        sort=cast("Column", sort),
        descending=message.flag("descending", default=False),
        page=message.integer("page", 0),
    )


class Gathering:
    """Fetches the selection into a folder of the server, and says how it goes.

    Parameters
    ----------
    store : Store
    browsing : Browsing
        Whose selection.
    show : callable
        ``show(state)`` is given a dict at every step; its ``phase`` is ``fetching`` (done, total: bytes), ``fetched``
        (count, dest), ``failed`` (error) or ``cancelled``.
    """

    def __init__(self, store: Store, browsing: Browsing, show: Callable[[State], None]) -> None:
        self._store, self._browsing, self._show = store, browsing, show
        self._busy = threading.Lock()
        self._progress: Progress | None = None

    @request("gather/start", background=True)
    def _start(self, message: Message) -> None:
        dest = message.text("dest", "").strip()
        if not dest:
            msg = "Name a folder on the server to copy to; it is made if need be."
            raise RefusedError(msg)
        records = self._browsing.records()
        if not self._busy.acquire(blocking=False):
            msg = "A selection is being fetched. Wait for it, or cancel it."
            raise RefusedError(msg)
        try:
            self._gather(records, dest)
        finally:
            self._progress = None
            self._busy.release()

    @request("gather/cancel")
    def _cancel(self, _message: Message) -> None:
        self.close()

    def close(self) -> None:
        """End the fetch under way."""
        progress = self._progress
        if progress is not None:
            progress.cancel()

    def _gather(self, records: list[Record], dest: str) -> None:
        about: State = {"count": len(records), "dest": dest}

        def tell() -> None:
            self._show({**about, "phase": "fetching", "done": progress.done, "total": progress.total})

        progress = self._progress = Progress(tell)
        tell()
        try:
            self._store.fetch_files(records, dest=dest, progress=progress)
        except Cancelled:
            self._show({**about, "phase": "cancelled"})
        except Exception as exc:
            self._show({**about, "phase": "failed", "error": _messages.error(exc)})
            raise
        else:
            self._show({**about, "phase": "fetched"})


class SelectionVerification:
    """Verifies the selection as it is at the click; answers as `_verifier.Verification` does.

    Parameters
    ----------
    store, browsing
        As for `Gathering`.
    show : callable
        As for `Verification`.
    """

    def __init__(self, store: Store, browsing: Browsing, show: Callable[[State, list[State]], None]) -> None:
        self._store, self._browsing, self._show = store, browsing, show
        self._verification: Verification | None = None

    @property
    def report(self) -> VerificationReport | None:
        """What the last verification found."""
        return None if self._verification is None else self._verification.report

    @request("verify/start")
    def _start(self, _message: Message) -> None:
        before = self._verification
        if before is not None and before.running:
            before.start()  # it refuses, in words
        self._verification = Verification(self._store, self._browsing.records(), self._show)
        self._verification.start()

    @request("verify/cancel")
    def _cancel(self, _message: Message) -> None:
        if self._verification is not None:
            self._verification.cancel()

    def close(self) -> None:
        """End the verification under way."""
        if self._verification is not None:
            self._verification.close()

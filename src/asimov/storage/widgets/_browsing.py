"""What the Explorer's pages ask of the kernel: pages of the table, the selection, and what is done with it."""

from __future__ import annotations

import threading
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, cast

from . import _messages
from ._messages import Message, RefusedError, request
from ._progress import Cancelled, Progress
from ._table import COLUMNS, PAGE, Column, Table, View
from ._verifier import Verification

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from asimov.storage._contents import Contents
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
        self._refreshing = threading.Lock()
        self._readings = 1
        self.table = Table(store._contents())
        self._selected: frozenset[Key] = frozenset()

    # The table.

    def first(self) -> State:
        """Give the first page, for a view that is about to paint."""
        return self._page(View(), "")

    def prepare(self) -> None:
        """Compute in a thread what searching and sorting will need."""
        table = self.table
        threading.Thread(target=table.prepare, name="asimov-storage explorer", daemon=True).start()

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
            contents = self._store._contents()
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
        contents = self._store._contents()
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
        _, size, modified = next(iter(self._store._stat([record])))
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
        dest = _folder(message.text("dest", "").strip())
        self._browsing.some()
        if not self._busy.acquire(blocking=False):
            msg = "A selection is being fetched. Wait for it, or cancel it."
            raise RefusedError(msg)
        try:
            self._gather(self._browsing.records(), dest)
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

    def _gather(self, records: list[Record], dest: Path) -> None:
        about: State = {"count": len(records), "dest": str(dest)}

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


def _folder(typed: str) -> Path:
    if not typed:
        msg = "Name a folder on the server to copy to; it is made if need be."
        raise RefusedError(msg)
    try:
        return Path(typed).expanduser().absolute()
    except RuntimeError as exc:
        msg = f"There is no such user's home as in {typed}. Name the folder from the root of the server."
        raise RefusedError(msg) from exc


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
        self._verification = Verification(self._store, self._browsing.some(), self._show)
        self._verification.start()

    @request("verify/cancel")
    def _cancel(self, _message: Message) -> None:
        if self._verification is not None:
            self._verification.cancel()

    def close(self) -> None:
        """End the verification under way."""
        if self._verification is not None:
            self._verification.close()

"""Selection: the records that are selected in the Explorer. All views share it."""

from __future__ import annotations

from heapq import nsmallest
from typing import TYPE_CHECKING

from asimov.storage.widgets._link.messages import Message, RefusedError, State, request

from .views import keys_of, view_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from asimov.storage._model.names import Key
    from asimov.storage._model.record import Record
    from asimov.storage._model.snapshot import Contents

    from .reading import Reading

TOLD = 1000
"""The largest number of selected records in the trait `selected`."""
HASHES = 20_000
"""The largest number of lines of hashes that are copied to a clipboard."""


class Selection:
    """Keeps the selection as a set of keys.

    Parameters
    ----------
    reading : Reading
        The records that can be selected.
    tell : callable
        ``tell(None, event, **content)`` sends ``explore/selected`` (count) to all views.
    changed : callable
        ``changed(count, keys)`` is called with the number of selected records and the keys of the first, sorted.
    """

    def __init__(
        self, reading: Reading, tell: Callable[..., None], changed: Callable[[int, list[Key]], object]
    ) -> None:
        self._reading, self._tell, self._changed = reading, tell, changed
        self._keys: frozenset[Key] = frozenset()

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: Key) -> bool:
        return key in self._keys

    def records(self) -> list[Record]:
        """Return the selected records, sorted."""
        with self._reading.lock:
            contents, selected = self._reading.table.contents, self._keys
        return [record for key in sorted(selected) if (record := contents.get(key)) is not None]

    def some_records(self) -> list[Record]:
        """Return the selected records, or raise RefusedError if none are selected."""
        self.require_some()
        return self.records()

    def require_some(self) -> None:
        """Raise RefusedError if nothing is selected."""
        if not self._keys:
            msg = "Nothing is selected. Select rows first, by their boxes or with Select all that match."
            raise RefusedError(msg)

    def keep(self, contents: Contents) -> None:
        """Deselect the records that `contents` doesn't have. The caller holds the reading's lock."""
        self._set(frozenset(key for key in self._keys if contents.index_of(key) is not None))

    @request("explore/select")
    def _select_rows(self, message: Message) -> State:
        """Select or deselect rows by their keys. Their places may hold other rows by now."""
        keys = keys_of(message)
        with self._reading.lock:
            index_of = self._reading.table.contents.index_of
            return self._select([key for key in keys if index_of(key) is not None], on=message.flag("on"))

    @request("explore/select-all")
    def _select_all(self, message: Message) -> State:
        """Select or deselect all records that match the page's view.

        This is refused if their number is not the one that the page shows.
        """
        with self._reading.lock:
            table = self._reading.table
            found = table.matching(view_of(message))
            if len(found) != message.integer("total"):
                msg = "What matches has changed meanwhile. Look at what is shown now, and select again."
                raise RefusedError(msg)
            return self._select([table.contents.keys[index] for index in found], on=message.flag("on"))

    @request("explore/select-none")
    def _select_none(self, _message: Message) -> State:
        with self._reading.lock:
            return self._select(self._keys, on=False)

    @request("explore/hashes")
    def _hashes(self, _message: Message) -> State:
        """Return the digests of the selection in the format of md5sum."""
        self.require_some()
        count = len(self)
        if count > HASHES:
            msg = f"{count:,} hashes are too many for a clipboard, which takes {HASHES:,}. Select fewer."
            raise RefusedError(msg)
        lines = [f"{record.hash}  {record.event}/{record.production}/{record.file}\n" for record in self.records()]
        return {"text": "".join(lines), "count": len(lines)}

    def _select(self, keys: Iterable[Key], *, on: bool) -> State:
        with self._reading.lock:
            self._set(self._keys.union(keys) if on else self._keys.difference(keys))
            count = len(self._keys)
        self._tell(None, "explore/selected", count=count)
        return {"selected": count}

    def _set(self, keys: frozenset[Key]) -> None:
        """Replace the selection. The caller holds the reading's lock."""
        if keys != self._keys:
            self._keys = keys
            self._changed(len(keys), nsmallest(TOLD, keys))

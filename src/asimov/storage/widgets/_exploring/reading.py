"""Reading: what a Store held when it was last read, as the table that all views share."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from asimov.storage._bytes.threads import started
from asimov.storage.widgets._served import contents

from .facts import Facts
from .table import Table

if TYPE_CHECKING:
    from asimov.storage._model.snapshot import Contents
    from asimov.storage.widgets._served import Served


class Reading:
    """The last reading of a Store.

    Attributes
    ----------
    lock : threading.RLock
        Held while the table is replaced, and wherever the table and the selection must be of one reading.
    table : Table
        Its records.
    number : int
        Counts the tables that were shown.
    """

    def __init__(self, store: Served) -> None:
        self._store = store
        self.lock = threading.RLock()
        self.table = self.made(contents(store))
        self.number = 1

    def now(self) -> Contents:
        """Read what the Store holds now."""
        return contents(self._store)

    def shows(self, read: Contents) -> bool:
        """Return whether the table has the records of `read`. A manifest that was only written anew has the same."""
        shown = self.table.contents
        return read is shown or (read.keys == shown.keys and read.hashes == shown.hashes and read.uuids == shown.uuids)

    def made(self, read: Contents) -> Table:
        """Make the table of a reading."""
        return Table(read, Facts(self._store, read))

    def replace(self, table: Table) -> None:
        """Show another table from now on; the lock is held. What is known of the files is kept."""
        if table.facts is not None and self.table.facts is not None:
            table.facts.take(self.table.facts)
        self.table = table
        self.number += 1

    def prepare(self) -> None:
        """Compute in a thread what searching and sorting will need; where no thread can be had, it is computed then."""
        started(self.table.prepare, "asimov-storage explorer")

"""Reading: the contents of a Store when it was last read, as the table that all views share."""

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
        Held while the table is replaced, and wherever the table and the selection must belong to one reading.
    table : Table
        The records of this reading.
    number : int
        The number of tables that have been shown.
    """

    def __init__(self, store: Served) -> None:
        self._store = store
        self.lock = threading.RLock()
        self.table = self.made(contents(store))
        self.number = 1

    def now(self) -> Contents:
        """Read the current contents of the Store."""
        return contents(self._store)

    def shows(self, read: Contents) -> bool:
        """Return whether the table has the same records as `read`. A manifest may be rewritten without any change."""
        shown = self.table.contents
        if read is shown:
            return True
        same = read.keys == shown.keys and read.hashes == shown.hashes and read.uuids == shown.uuids
        return same and read.retracted == shown.retracted

    def made(self, read: Contents) -> Table:
        """Return the table of a reading."""
        return Table(read, Facts(self._store, read))

    def replace(self, table: Table) -> None:
        """Show another table from now on, and keep what is known of the files. The caller holds the lock."""
        if table.facts is not None and self.table.facts is not None:
            table.facts.take(self.table.facts)
        self.table = table
        self.number += 1

    def prepare(self) -> None:
        """Start a thread that computes what searching and sorting need.

        If no thread can be started, it is computed when it is first needed.
        """
        started(self.table.prepare, "asimov-storage explorer")

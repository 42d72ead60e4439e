"""What the tests of a cluster have its workers do: a module by itself, since a worker has to be able to import it."""

from __future__ import annotations

import os
import threading
from pathlib import Path


def plainly(fn, *args):
    """Just do it."""
    return fn(*args)


def stalled(uuid, fifo, fn, location, records, run):
    """Do it; but whoever first gets the batch with `uuid` says which process it is, and waits for ever."""
    if any(record.uuid == uuid for record in records):
        try:
            Path(f"{fifo}.taken").touch(exist_ok=False)
        except FileExistsError:
            pass
        else:
            Path(fifo).write_text(str(os.getpid()))
            threading.Event().wait()
    return fn(location, records, run)


def hidden(instead, fn, root, *task):
    """Do it while the Store isn't where it was: nothing is there, or an empty folder."""
    away = Path(root).rename(f"{root}.away")
    if instead == "empty folder":
        Path(root).mkdir()
    try:
        return fn(root, *task)
    finally:
        if instead == "empty folder":
            Path(root).rmdir()
        away.rename(root)

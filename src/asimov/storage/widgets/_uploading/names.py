"""Problems with the names of files to upload: a name isn't valid (in the core's words), or it is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asimov.storage._model.errors import InvalidNameError, RecordExistsError
from asimov.storage._model.names import valid_name
from asimov.storage.widgets._served import contents

if TYPE_CHECKING:
    from asimov.storage._model.names import Key
    from asimov.storage._model.record import Record
    from asimov.storage.widgets._link.messages import State
    from asimov.storage.widgets._served import Served


def problems(store: Served, event: str, production: str, names: list[str]) -> State:
    """Return the problems with event, production and the names of files. A name without a problem has None."""
    place = {"event": _problem("event", event), "production": _problem("production", production)}
    files = [_problem("file", name) for name in names]
    if names and not any(place.values()):
        recorded = contents(store)
        for number, name in enumerate(names):
            record = recorded.get((event, production, name)) if files[number] is None else None
            files[number] = files[number] if record is None else str(taken(record))
    return {**place, "names": files}


def find(store: Served, key: Key) -> Record | None:
    """Return the record that has this key already, or None."""
    return contents(store).get(key)


def taken(record: Record) -> RecordExistsError:
    """Return the error for a name that is taken. It is raised before a long upload, not after it."""
    return RecordExistsError(
        f"{record.event} / {record.production} has a file called {record.file} already (MD5 {record.hash}), and a "
        "Store never changes a file. Give this one another name, or another production."
    )


def _problem(kind: str, name: str) -> str | None:
    try:
        valid_name(kind, name)
    except InvalidNameError as exc:
        return str(exc)
    return None

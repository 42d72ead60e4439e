"""A record as JSON, for a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asimov.storage._model.names import Key
    from asimov.storage._model.record import Record


def place(key: Key) -> dict[str, str]:
    """Return event, production and file."""
    event, production, file = key
    return {"event": event, "production": production, "file": file}


def described(record: Record) -> dict[str, str]:
    """Return event, production, file, hash and uuid."""
    return {**place(record.key), **identity(record)}


def identity(record: Record) -> dict[str, str]:
    """Return hash and uuid."""
    return {"hash": record.hash, "uuid": record.uuid}

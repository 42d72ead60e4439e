"""What a page asks to see, and which of its rows it means: read from a message, and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from asimov.storage.widgets._link.messages import Message, RefusedError

from .table import COLUMNS, PAGE, Column, View

if TYPE_CHECKING:
    from asimov.storage._model.names import Key


def view_of(message: Message) -> View:
    """Return the view that a page asks for."""
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


def keys_of(message: Message) -> list[Key]:
    """Return the keys of the rows that a page means."""
    keys = message.content.get("keys")
    if not isinstance(keys, list) or len(keys) > PAGE or not all(map(_is_key, keys)):
        msg = f"The message {message.kind!r} was refused: 'keys' must be keys of a page's rows. Reload the page."
        raise RefusedError(msg)
    return [(event, production, file) for event, production, file in keys]


def _is_key(key: object) -> bool:
    return isinstance(key, list) and len(key) == 3 and all(isinstance(name, str) and len(name) <= 255 for name in key)

"""Read the view that a page asks for, or the keys of its rows, from a message, and check them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from asimov.storage.widgets._link.messages import Message, RefusedError

from .notes import KEYS, LONGEST
from .view import COLUMNS, PAGE, View

if TYPE_CHECKING:
    from collections.abc import Callable

    from asimov.storage._model.names import Key


Value = TypeVar("Value")
_LIMITS = ("added_from", "added_to", "larger_than", "not_verified_since")


def view_of(message: Message) -> View:
    """Return the view that a page asks for."""
    columns = message.texts("columns", most=len(COLUMNS) + KEYS, limit=LONGEST) if "columns" in message.content else []
    return View(
        search=message.text("search", "", limit=1000),
        event=message.text("event", "", limit=255) or None,
        production=message.text("production", "", limit=255) or None,
        suffix=_optional(message, "suffix", lambda: message.text("suffix", limit=255)),
        **{name: _optional(message, name, partial(message.integer, name)) for name in _LIMITS},
        failed=message.flag("failed", default=False),
        retracted=message.flag("retracted", default=False),
        notes=tuple(name for name in columns if name not in COLUMNS),
        sort=message.text("sort", "event", limit=LONGEST),
        descending=message.flag("descending", default=False),
        page=message.integer("page", 0),
    )


def _optional(message: Message, name: str, get: Callable[[], Value]) -> Value | None:
    return None if message.content.get(name) is None else get()


def keys_of(message: Message) -> list[Key]:
    """Return the keys of the rows that a message names."""
    keys = message.content.get("keys")
    if not isinstance(keys, list) or len(keys) > PAGE or not all(map(_is_key, keys)):
        msg = f"The message {message.kind!r} was refused: 'keys' must be keys of a page's rows. Reload the page."
        raise RefusedError(msg)
    return [(event, production, file) for event, production, file in keys]


def _is_key(key: object) -> bool:
    return isinstance(key, list) and len(key) == 3 and all(isinstance(name, str) and len(name) <= 255 for name in key)

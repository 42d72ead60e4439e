"""Notes on the files to add: a mapping in Python, and rows of key and text in a page.

::

    page   notes/set    keys, texts, before: one of each for a row    ->   number, meta; or number, problem, row

`before` is the key that the row had when the kernel sent it. If the row still has the text from then too, its value
stays as it is; otherwise the text is read as ``locutus store --meta`` reads it. The `row` of a problem is the number of
the wrong row; null if none of them is wrong by itself. With a problem, the notes stay as they were.

The `number` of the answer is that of the state that it led to (see `Noted`), which may come to the page later. `meta`
is the notes as a text. The page sends it with each file that it uploads, so that a later change of the notes
doesn't touch the files that are on the way.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

import traitlets

from asimov.storage._format.notes import spelled
from asimov.storage._operations.meta import LARGEST, checked, note, typed
from asimov.storage.widgets._link.messages import Message, RefusedError, State, request

if TYPE_CHECKING:
    from collections.abc import Iterator

Meta: TypeAlias = Mapping[str, Any]

MOST = 2000
"""The largest number of rows in one message."""
LONGEST = 8 * LARGEST
"""The largest number of characters in a note or in all notes. `checked` allows fewer."""


class Noted(traitlets.TraitType[Meta, Any]):
    """The notes of a widget, as a read-only mapping. Its trait `_notes` shows them to the pages.

    That is a dict with the ``rows``, and a ``number`` that grows whenever the notes are set.
    """

    info_text = "a mapping of texts to texts, numbers, lists and mappings, or None"
    default_value: Meta = MappingProxyType({})

    def validate(self, _obj: object, value: object) -> Meta:
        """Return a copy of the notes. The errors are those of `Store.add_file`."""
        return MappingProxyType(checked(value) or {})

    def set(self, obj: Any, value: Any) -> None:
        """Set the notes, and show them. This isn't done by an observer, as none hears of 1 that becomes 1.0."""
        super().set(obj, value)
        obj._notes = {"number": obj._notes["number"] + 1, "rows": rows_of(getattr(obj, str(self.name)))}  # noqa: SLF001


class Notes:
    """Serves the notes of a widget.

    Parameters
    ----------
    widget : HasTraits
        It has a trait `meta`, which is `Noted`, and a trait `_notes`.
    """

    def __init__(self, widget: Any) -> None:
        self._widget = widget

    @request("notes/set")
    def _set(self, message: Message) -> State:
        answer = self._answer(message)
        return {**answer, "number": self._widget._notes["number"]}  # noqa: SLF001 - ours

    def _answer(self, message: Message) -> State:
        notes: dict[str, object] = {}
        for number, (key, value) in enumerate(self._rows(message)):
            try:
                checked({key: value})
                note(notes, key, value)
            except ValueError as exc:
                return {"problem": str(exc), "row": number}
        try:
            self._widget.set_trait("meta", notes)
        except ValueError as exc:
            return {"problem": str(exc), "row": None}
        return {"meta": json.dumps(dict(self._widget.meta), ensure_ascii=False)}

    def _rows(self, message: Message) -> Iterator[tuple[str, object]]:
        """Yield the keys and values of the rows."""
        columns = [message.texts(name, most=MOST, limit=LONGEST) for name in ("keys", "texts", "before")]
        if len({len(column) for column in columns}) != 1:
            msg = "Each note must have a key, a text, and the key from before. Reload the page and try again."
            raise RefusedError(msg)
        known = self._widget.meta
        for key, text, before in zip(*columns, strict=True):
            is_kept = before in known and _text_of(known[before]) == text
            yield key, known[before] if is_kept else typed(text)


def notes_of(message: Message) -> Meta | None:
    """Return the notes that a page sends with its files, or None.

    Raises
    ------
    RefusedError
        They are not as the page got them from the kernel.
    """
    text = message.text("meta", "", limit=LONGEST)
    try:
        return checked(json.loads(text)) if text else None
    except (TypeError, ValueError, RecursionError) as exc:
        msg = f"The notes were refused: {exc}. Reload the page and try again."
        raise RefusedError(msg) from exc


def rows_of(notes: Meta) -> list[State]:
    """Return the notes as the page shows them. The user can't change a list or a mapping, except by removing it."""
    return [
        {"key": key, "text": _text_of(value), "fixed": isinstance(value, (list, dict))} for key, value in notes.items()
    ]


def _text_of(value: object) -> str:
    return value if isinstance(value, str) else spelled(value)

"""Suggestions of names while a user types: events, the productions of an event, the files of a production."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from asimov.storage.widgets._served import contents

from .messages import Message, RefusedError, State, request

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asimov.storage.widgets._served import Served

MOST = 50


def matching(names: Sequence[str], folded: Sequence[str], typed: str, most: int = MOST) -> tuple[list[str], int]:
    """Return the first of `names` that contain `typed`, and the number of all such names.

    Parameters
    ----------
    names, folded : sequence of str
        The names, and the same names casefolded.
    typed : str
        The text that was typed, in any letter case. Names that begin with it come first.
    most : int
        The largest number of names to return.
    """
    typed = typed.casefold()
    matches = [place for place, name in enumerate(folded) if typed in name]
    first = [place for place in matches if folded[place].startswith(typed)]
    if len(first) < most:
        first += [place for place in matches if not folded[place].startswith(typed)]
    return [names[place] for place in first[:most]], len(matches)


def distinct(columns: Sequence[Sequence[str]], field: str, event: str = "", production: str = "") -> list[str]:
    """Return the distinct names of a field, sorted.

    Parameters
    ----------
    columns : sequence of sequences of str
        Event, production and file of each record, sorted by these.
    field : str
        The field to return names of: ``event``, ``production`` or ``file``.
    event, production : str
        Return only names in this event and production. An empty text stands for any.
    """
    events, productions, files = columns[:3]
    if field == "event":
        return list(dict.fromkeys(events))
    span = _span(events, event, 0, len(events))
    if field == "production":
        return _unique(productions[slice(*span)], ordered=bool(event))
    if event and production:
        return list(files[slice(*_span(productions, production, *span))])
    chosen: Iterable[str] = files[slice(*span)]
    if production:
        chosen = (file for file, name in zip(chosen, productions[slice(*span)], strict=True) if name == production)
    return _unique(chosen, ordered=False)


def _span(column: Sequence[str], name: str, low: int, high: int) -> tuple[int, int]:
    """Return the limits of `name` in a sorted part of `column`, or those of the whole part if `name` is empty."""
    if not name:
        return low, high
    return bisect_left(column, name, low, high), bisect_right(column, name, low, high)


def _unique(names: Iterable[str], *, ordered: bool) -> list[str]:
    found = dict.fromkeys(names)
    return list(found) if ordered else sorted(found)


class Suggestions:
    """Answers a page that asks for names while a user types."""

    def __init__(self, store: Served) -> None:
        self._store = store
        self._known: tuple[object, list[str], list[str]] = (None, [], [])

    @request("names/suggest")
    def _suggest(self, message: Message) -> State:
        field = message.text("field")
        if field not in {"event", "production", "file"}:
            msg = f"There is no field {field!a:.80} to suggest names for. Reload the page and try again."
            raise RefusedError(msg)
        event, production = message.text("event", ""), message.text("production", "")
        names, total = matching(*self._names(field, event, production), message.text("typed", ""))
        return {"names": names, "total": total}

    def _names(self, field: str, event: str, production: str) -> tuple[list[str], list[str]]:
        """Return the names to search, and the same casefolded.

        They are computed once per box and reading of the Store, not once per key that is pressed.
        """
        read = contents(self._store)
        wanted = read, field, event, production
        known, names, folded = self._known
        if known != wanted:
            columns = list(zip(*read.keys, strict=True)) or [(), (), ()]
            names = distinct(columns, field, event, production)
            folded = [name.casefold() for name in names]
            self._known = wanted, names, folded
        return names, folded

"""Which names of a Store go on from what has been typed: events, the productions of one, the files of one of those."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from ._messages import Message, RefusedError, request

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asimov.storage._store import Store

MOST = 50


def matching(names: Sequence[str], folded: Sequence[str], typed: str, most: int = MOST) -> tuple[list[str], int]:
    """Return those of `names` that hold `typed`, and how many there are.

    Parameters
    ----------
    names, folded : sequence of str
        The names, and the same casefolded.
    typed : str
        In any letter case; names that begin with it come first.
    most : int
        How many names to return at most.
    """
    typed = typed.casefold()
    matches = [place for place, name in enumerate(folded) if typed in name]
    first = [place for place in matches if folded[place].startswith(typed)]
    if len(first) < most:
        first += [place for place in matches if not folded[place].startswith(typed)]
    return [names[place] for place in first[:most]], len(matches)


def distinct(columns: Sequence[Sequence[str]], field: str, event: str = "", production: str = "") -> list[str]:
    """Return the names of a field, sorted, each once.

    Parameters
    ----------
    columns : sequence of sequences of str
        Event, production and file of each record, sorted by these.
    field : str
        ``event``, ``production`` or ``file``: whose names.
    event, production : str
        Narrow the names to this event's and production's; empty: to none in particular.
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
    """Return where `name` stands in a sorted stretch of `column`; all of the stretch if it is empty."""
    if not name:
        return low, high
    return bisect_left(column, name, low, high), bisect_right(column, name, low, high)


def _unique(names: Iterable[str], *, ordered: bool) -> list[str]:
    found = dict.fromkeys(names)
    return list(found) if ordered else sorted(found)


class Suggestions:
    """Answers a page's question for names as somebody types."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: tuple[object, list[str], list[str]] = (None, [], [])

    @request("names/suggest")
    def _suggest(self, message: Message) -> dict[str, object]:
        field = message.text("field")
        if field not in {"event", "production", "file"}:
            msg = f"There is no field {field!a:.80} to suggest names for. Reload the page and try again."
            raise RefusedError(msg)
        event, production = message.text("event", ""), message.text("production", "")
        names, total = matching(*self._names(field, event, production), message.text("typed", ""))
        return {"names": names, "total": total}

    def _names(self, field: str, event: str, production: str) -> tuple[list[str], list[str]]:
        """Return the names to search, and casefolded; made anew for another box or manifest, not for each key."""
        contents = self._store.backend.contents()
        wanted = contents, field, event, production
        known, names, folded = self._known
        if known != wanted:
            columns = list(zip(*contents.keys, strict=True)) or [(), (), ()]
            names = distinct(columns, field, event, production)
            folded = [name.casefold() for name in names]
            self._known = wanted, names, folded
        return names, folded

"""The words of a search: the rows in whose names they occur, and the digests that begin with them."""

from __future__ import annotations

import re
import unicodedata
from array import array
from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

is_digest = re.compile("[0-9a-f]{6,32}").fullmatch
"""Whether a word may be the beginning of a hash or a uuid."""


def searchable(text: str) -> str:
    """Return a form of a text that ignores the case of letters and the composition of Unicode characters."""
    folded = text.casefold()
    folded = folded if folded.isascii() else unicodedata.normalize("NFC", folded)
    return text if folded == text else folded  # mostly the same: then a million names aren't kept twice


def narrower(words: Sequence[str], before: Sequence[str]) -> bool:
    """Return whether every row that has `words` must also have the words `before`, as when a user goes on typing."""
    if not before or any(is_digest(word) and word not in before for word in words):
        return False  # digests are searched only once a word has enough digits, so more rows may match now
    return all(any(old in new for new in words) for old in before)


class Names:
    """The names of all records, for searching. A search compares each pair of event and production only once.

    Parameters
    ----------
    events, productions, files : sequence of str
        The columns of the names. The records are sorted by event, production and file.
    """

    def __init__(self, events: Sequence[str], productions: Sequence[str], files: Sequence[str]) -> None:
        folded: dict[str, str] = {}
        self._files = [folded.get(name) or folded.setdefault(name, searchable(name)) for name in files]
        self._groups: list[tuple[str, str]] = []
        self._group_of = array("I")
        last: tuple[str, str] | None = None
        for pair in zip(events, productions, strict=True):
            if pair != last:
                last = pair
                self._groups.append((searchable(pair[0]), searchable(pair[1])))
            self._group_of.append(len(self._groups) - 1)

    def having(self, word: str, among: Sequence[int], others: frozenset[int], notes: Sequence[str] = ()) -> list[int]:
        """Return the rows of `among` in whose names, or `notes`, `word` occurs, or that are in `others`."""
        files, group_of = self._files, self._group_of
        whole = bytearray(word in event or word in production for event, production in self._groups)
        if notes:
            others = others.union(row for row in among if word in notes[row])
        if others:
            return [row for row in among if word in files[row] or whole[group_of[row]] or row in others]
        if any(whole):
            return [row for row in among if word in files[row] or whole[group_of[row]]]
        return [row for row in among if word in files[row]]


def beginning(word: str, digests: Sequence[str], order: Sequence[int]) -> list[int]:
    """Return the rows whose digest begins with `word`. `order` has all rows, sorted by digest."""
    key: Callable[[int], str] = digests.__getitem__
    first = bisect_left(order, word, key=key)
    last = bisect_left(order, f"{word}g", key=key)  # "f" is the last hexadecimal digit
    return list(order[first:last])

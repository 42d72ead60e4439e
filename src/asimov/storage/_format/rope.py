"""The text of a manifest, in pieces of whole lines, so that a record is inserted without copying the rest."""

from __future__ import annotations

from collections.abc import Iterator

_SIZE = 1 << 17
"""About how many bytes a piece has: few enough to be copied in no time, enough for few writes."""


class Rope:
    """Text that is never changed. An insertion returns another Rope, which shares all pieces but one.

    Parameters
    ----------
    *pieces : bytes
        Each ends where a line does.
    """

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return sum(map(len, self._pieces))

    def __bytes__(self) -> bytes:
        return b"".join(self._pieces)

    def find(self, line: bytes, low: int, high: int) -> int:
        """Find where a whole line begins between `low` and `high`, or -1, as `bytes.find` does."""
        start = 0
        for piece in self._pieces:
            if start < high and start + len(piece) > low:
                at = piece.find(line, max(low - start, 0), high - start)
                if at >= 0:
                    return start + at
            start += len(piece)
        return -1

    def with_lines(self, at: int, lines: bytes) -> Rope:
        """Return the text that has `lines` before its byte `at`, where a line begins or the text ends."""
        index = 0
        while at > len(self._pieces[index]):
            at -= len(self._pieces[index])
            index += 1
        piece = self._pieces[index]
        if len(piece) <= 2 * _SIZE:
            return self._with(index, b"".join((memoryview(piece)[:at], lines, memoryview(piece)[at:])))
        return self._with(index, *_cut(piece[:at]), lines, *_cut(piece[at:]))

    def _with(self, index: int, *instead: bytes) -> Rope:
        return Rope(*self._pieces[:index], *instead, *self._pieces[index + 1 :])


def _cut(text: bytes) -> Iterator[bytes]:
    """Cut text into pieces, each a little longer than `_SIZE`."""
    start = 0
    while start < len(text):
        end = text.find(b"\n", start + _SIZE) + 1 or len(text)
        yield text[start:end]
        start = end

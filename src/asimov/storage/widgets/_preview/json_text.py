"""Indented JSON, with each number and string as it is spelled in the file."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from .description import Preview, clip, left_out

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_WIDTH = 80
_DEPTH = 40
_TOKEN = re.compile(
    r'\s*("(?:[^"\\\x00-\x1f]|\\.)*"|-?(?:\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|Infinity)|NaN|true|false|null|[{}\[\]:,])'
)


def indented(text: str, size: int, *, whole: bool) -> Preview | None:
    """Describe JSON, or the beginning of it. Return None if the text isn't JSON."""
    if whole:
        try:
            json.loads(text, parse_int=str, parse_float=str)
        except (ValueError, RecursionError):
            return None
    try:
        shown, clipped = clip(_lines(_tokens(text, whole=whole)))
    except ValueError:
        return None
    note = left_out("", clipped=clipped, whole=whole)
    return Preview(kind="json", type="JSON", size=size, text=shown, note=note, whole=whole and not clipped)


def _tokens(text: str, *, whole: bool) -> Iterator[str]:
    """Yield the tokens of JSON as they are spelled. So no number is rounded, and no repeated key is lost."""
    place = 0
    while match := _TOKEN.match(text, place):
        yield match[1]
        place = match.end()
    if text[place:].strip() and (whole or place == 0):
        msg = "not JSON"
        raise ValueError(msg)


def _lines(marks: Iterable[str]) -> Iterator[str]:
    line, before = "", ""
    within: list[str] = []
    for mark in marks:
        if mark in {"}", "]"} and within:
            within.pop()
        if _breaks(mark, before, within, len(line)):
            yield line
            line = "  " * min(len(within), _DEPTH)
        elif before in {",", ":"}:
            line += " "
        line += mark
        if mark in {"{", "["}:
            within.append(mark)
        before = mark
    yield line


def _breaks(mark: str, before: str, within: list[str], width: int) -> bool:
    """Return whether `mark` begins a new line. Members of objects do. Scalars in an array share a line if they fit."""
    if mark == "}":
        return before != "{"
    if mark == "]":
        return before in {"}", "]"}
    if before == "{":
        return True
    nested = mark in {"{", "["}
    return (before == "[" and nested) or (before == "," and (nested or within[-1:] == ["{"] or width > _WIDTH))

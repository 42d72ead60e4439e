"""The notes of a record as texts, read from its canonical lines without a parser: to search and sort many of them."""

from __future__ import annotations

import re

from asimov.storage._model import further

from .quoting import unquote

_QUOTED = r"""'(?:[^']|'')*'|"(?:[^"\\]|\\.)*\""""
_EMPTY = {"null", "~", "''", "[]", "{}", None}
_BLOCK = re.compile(r"^ {8}meta:\n((?: {9}.*\n)+)", re.MULTILINE)
_ENTRY = re.compile(rf" {{10}}({_QUOTED}|\w[^:\n]*):(?: (.*))?\n((?: {{11}}.*\n)*)")
_BELOW = re.compile(rf"^ *(?:-(?: |$))?(?:({_QUOTED}|\w[^:\n]*):(?: |$))?(.*)$", re.MULTILINE)


def texts(lines: str) -> dict[str, str]:
    """Return the notes among the lines of a record, by key.

    A list or mapping becomes one text, such as "numpy: 2.4, scipy: 1.17"; null and what is empty become an empty one.
    """
    block = _BLOCK.search(lines) if "        meta:" in lines else None
    if block is None:
        return {}
    found, end = {}, 0
    for entry in _ENTRY.finditer(block[1]):
        if entry.start() != end:
            break
        key, value, below = entry.groups()
        found[_text(key)] = _below(below) if below else "" if value in _EMPTY else _text(value)
        end = entry.end()
    return found if end == len(block[1]) else _slowly(lines)


def _text(token: str) -> str:
    return unquote(token) or token


def _below(lines: str) -> str:
    parts, before = [], ""
    for key, value in _BELOW.findall(lines):
        before += f"{_text(key)}: " if key else ""
        if value:
            parts.append(before + _text(value))
            before = ""
    return ", ".join(parts)


def _slowly(lines: str) -> dict[str, str]:
    """Read notes that have a very long key, or that are not canonical."""
    notes = further.notes(lines)
    return {str(key): "" if value in (None, "", [], {}) else spelled(value) for key, value in notes.items()}


def spelled(value: object) -> str:
    """Return a note, or a value in it, as one text."""
    if isinstance(value, dict) and value:
        return ", ".join(f"{key}: {spelled(below)}" for key, below in value.items())
    if isinstance(value, list) and value:
        return ", ".join(map(spelled, value))
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return "''" if value == "" else str(value)

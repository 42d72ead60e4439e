"""Values as text for people: names with invisible characters escaped, sizes with a unit, counts with a noun.

Names come from manifests and disks. No invisible character, and none that moves a cursor, reaches a terminal or a page.
"""

from __future__ import annotations

import re
import unicodedata

SYMBOLS = {"ok": "✓", "corrupt": "✗", "missing": "○", "unreadable": "⚠", "retracted": "⊘"}
"""The symbol of each status of a verification, in the order in which they are shown."""
DIGESTS = {"hash", "uuid", "sha256"}
"""The fields of a record that hold long hexadecimal numbers, which may be shortened."""
_SHOWN = 200
_INVISIBLE = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
_LOOKS_EMPTY = re.compile(
    "[\u00a0\u034f\u115f\u1160\u1680\u2000-\u200a\u202f\u205f\u2800\u3000\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Spaces that look like other spaces, and letters and marks that look like nothing."""
_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB")


def printable(text: str) -> str:
    r"""Return `text` with invisible characters escaped as in Python: controls, direction marks, odd spaces, surrogates.

    No name in a Store holds a backslash, so different names stay different.

    >>> printable("red\x1b[31m")
    'red\\x1b[31m'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(visible, text))


def visible(character: str) -> str:
    """Return a character, escaped if it can't be seen."""
    if unicodedata.category(character) in _INVISIBLE or _LOOKS_EMPTY.match(character):
        return character.encode("unicode_escape").decode()
    return character


def shown(value: object) -> str:
    """Return a value for a message: in ASCII, on one line, and cut if it is long."""
    if isinstance(value, str):
        return ascii(value)
    text = " ".join(ascii(value).split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def byte_size(size: int) -> str:
    """Return a number of bytes with a unit, and at most three digits before the point, as in the widgets.

    >>> byte_size(999), byte_size(13_000_000), byte_size(1_030_000)
    ('999 B', '12.4 MiB', '1.0 MiB')
    """
    if size < 1000:
        return f"{size} B"
    amount = float(size)
    for unit in _UNITS:
        amount /= 1024
        if amount < 999.95 or unit == _UNITS[-1]:  # a larger amount would round to 1000.0
            break
    return f"{amount:.1f} {unit}"


def count(number: int, noun: str) -> str:
    """Return a number and its noun: ``1 file``, ``100,000 files``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def width(text: str) -> int:
    """Return how many columns of a terminal `text` takes."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in {"W", "F"} for character in text)
    return len(text) + wide - sum(map(bool, map(unicodedata.combining, text)))

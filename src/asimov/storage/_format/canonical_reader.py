"""Canonical manifest text, read without a YAML parser. Text of any other shape is left to `yaml_reader`.

The records are read column by column (`canonical_rows`). The lines before and after them are read one by one
(`further`).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from asimov.storage._model.snapshot import Contents

from . import canonical_rows, further
from .quoting import quote, unquote
from .rope import Rope

_FOLDED = re.compile(rb"# entries folded: (0|[1-9][0-9]{0,17})\n?\Z")
_OUTER_LINE = re.compile(rb"\n(?! )").search
EVENTS, NO_EVENTS = b"events:\n", b"events: {}\n"


class Outer(NamedTuple):
    """The lines around the records, where the records are, and whether those lines are in canonical form."""

    start: int
    end: int
    name: str
    top: str
    stands: bool


def read(data: bytes, *, trusted: bool = False) -> Contents | None:
    """Read text of the canonical shape; None if it has another shape, or if anything is wrong with it.

    `trusted` says that this package wrote the text, and that nobody has changed it since.
    """
    outer = read_outer(data)
    if outer is None:
        return None
    if outer.start == outer.end:
        return Contents(name=outer.name, top=outer.top, text=Rope(data) if outer.stands else None)
    try:
        body = str(memoryview(data)[outer.start - 1 : outer.end], "utf-8")  # one copy, since it may be large
    except UnicodeDecodeError:
        return None
    return _with_rows(data, outer, canonical_rows.read(body, trusted=trusted))


def _with_rows(data: bytes, outer: Outer, rows: canonical_rows.Rows | None) -> Contents | None:
    if rows is None:
        return None
    stands = (
        outer.stands
        and rows.settled
        and not rows.mixed
        and all(quote(name) == token for token, name in rows.quoted.items())
    )
    return Contents(
        name=outer.name,
        top=outer.top,
        keys=rows.keys,
        hashes=rows.hashes,
        uuids=rows.uuids,
        further=rows.further,
        text=Rope(data) if stands else None,
        quoted=frozenset(rows.quoted.values()),
    )


def read_outer(data: bytes) -> Outer | None:
    """Read the lines around the records; None if that takes a YAML parser."""
    start, end = _events(data)
    if start < 0 or data[end : end + 1] in {b" ", b"-"}:  # a line that belongs to no key below the records
        return None
    before = start - len(EVENTS if start < end else NO_EVENTS)
    try:
        above, lines = data[:before].decode(), (data[:before] + data[end:]).decode()
    except UnicodeDecodeError:
        return None
    parts = further.outer(lines)
    if parts is None or "events" in parts or "name" not in parts:
        return None
    name = unquote(parts["name"].removeprefix("name: ").removesuffix("\n"))
    stands = "".join(parts.values()) == lines and above == "".join(v for k, v in parts.items() if k < "events")
    top = "".join(lines for key, lines in parts.items() if key != "name")
    return None if name is None else Outer(start, end, name, top, stands)


def _events(data: bytes) -> tuple[int, int]:
    """Find where the records begin and where they end; negative numbers if that can't be seen."""
    for heading, search in ((EVENTS, _end_of_records), (NO_EVENTS, None)):
        at = 0 if data.startswith(heading) else data.find(b"\n" + heading) + 1
        if at or data.startswith(heading):
            start = at + len(heading)
            return start, search(data, start) if search is not None else start
    return -1, -1


def _end_of_records(data: bytes, start: int) -> int:
    last = max(data.rfind(b"\n        uuid: "), start - 1)
    found = _OUTER_LINE(data, last)
    return len(data) if found is None else found.end()


def split_folded(data: bytes) -> tuple[int, int | None]:
    """Find the manifest's last line: a comment with the highest number of an entry that the manifest includes.

    Returns
    -------
    end, number
        Where the text above that line ends, and the number. If there is no such line: where `data` ends, and None.
    """
    found = _FOLDED.search(data, max(data.rfind(b"\n", 0, -1) + 1, 0))
    return (len(data), None) if found is None else (found.start(), int(found[1]))


def folded_line(number: int) -> bytes:
    """Return the last line of a manifest that includes the entries up to `number`."""
    return b"# entries folded: %d\n" % number

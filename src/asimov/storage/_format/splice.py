"""Added records, spliced into the text that is there, which may be a thousand times their size."""

from __future__ import annotations

from asimov.storage._model.names import Key
from asimov.storage._model.record import Record
from asimov.storage._model.snapshot import Contents, Text

from . import further
from .blocks import block, heading, is_number, uuid_line
from .quoting import means_another_type

_NEAR = 1 << 16
"""How many bytes around its estimated place a record is looked for first. The estimate takes all records as equally
long."""


def spliced(contents: Contents) -> Text | None:
    """Write the added records into the text of the contents that they were added to; None if that can't be done."""
    if contents.origin is None:
        return None
    base, records = contents.origin
    text = base.text
    if text is None or not len(base) or base.empties or not is_canonical(base):
        return None
    for record in sorted(records, key=lambda record: record.key):  # so that `text` has all records before it
        at, headings = _place(text, record.key, contents.before(record.key), base.after(record.key), base)
        text = text.with_lines(at, (headings + block(record)).encode())
    return text


def _place(text: Text, key: Key, left: Record | None, right: Record | None, base: Contents) -> tuple[int, str]:
    """Find where in `text`, between two records, the one with `key` belongs, and which headings it needs."""
    near = int(text.size * base.position(key))
    headings = heading(2, key[0]) + heading(4, key[1])
    if left is not None and left.key[:2] == key[:2]:
        return _end(text, left, near), ""
    if right is not None and right.key[:2] == key[:2]:
        return _start(text, right, near), ""
    if left is not None and left.event == key[0]:
        return _end(text, left, near), heading(4, key[1])
    if right is not None and right.event == key[0]:
        above = len(heading(4, right.production).encode())
        return _start(text, right, near) - above, heading(4, key[1])
    if left is not None or right is None:  # at least one of them exists, since the text has a record
        return (0 if left is None else _end(text, left, near)), headings
    above = len((heading(2, right.event) + heading(4, right.production)).encode())
    return _start(text, right, near) - above, headings


def _end(text: Text, record: Record, near: int) -> int:
    line = uuid_line(record.uuid).encode()
    at = text.find(line, max(near - _NEAR, 0), near + _NEAR)
    _, _, after = further.around(record.further_lines)
    return (text.find(line, 0, text.size) if at < 0 else at) + len(line) + len(after.encode())


def _start(text: Text, record: Record, near: int) -> int:
    return _end(text, record, near) - len(block(record).encode())


def is_canonical(contents: Contents) -> bool:
    """Return whether text of the canonical shape also quotes exactly the names that need it."""
    quoted = contents.quoted  # another thread that writes the same contents may set it to None
    if quoted is not None:
        names = {name for key in contents.keys for name in key} - quoted
        if any(map(means_another_type, names)) or any(map(is_number, contents.hashes + contents.uuids)):
            return False
        contents.quoted = None
    return True

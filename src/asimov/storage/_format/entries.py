"""The text of an entry in ``.manifest/recent/``: the records of one commit, and an end mark.

One JSON object a line (RFC 8259, ASCII), then ``end COUNT MD5``, the MD5 being that of all lines above. Text without
its right end mark is of a commit that never was: its writer was stopped, or the power failed, before anybody was told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from asimov.storage._model.names import problem
from asimov.storage._model.record import Record

_END = re.compile(rb"^end (\d+) ([0-9a-f]{32})\n", re.MULTILINE)
_HEX = {"hash": re.compile(r"[0-9a-f]{32}"), "uuid": re.compile(r"[0-9a-f]{32}")}


def write(records: Iterable[Record]) -> bytes:
    """Give the text of an entry."""
    import json

    lines = []
    for record in records:
        fields = {name: getattr(record, name) for name in ("event", "production", "file", "hash", "uuid")}
        if record.sha256 is not None:
            fields.update(sha256=record.sha256, size=record.size)
        lines.append(json.dumps(fields).encode() + b"\n")
    body = b"".join(lines)
    return body + f"end {len(lines)} {_md5(body)}\n".encode()


def read(text: bytes) -> list[Record] | None:
    """Read an entry: no records if it was emptied, None if it is not whole."""
    if not text:
        return []
    start = text.rfind(b"\nend ") + 1
    end = _END.fullmatch(text, start) if start else None
    if end is None or end[2].decode() != _md5(text[:start]):
        return None
    import json

    try:
        records = [Record(**json.loads(line)) for line in text[:start].splitlines()]
    except (ValueError, TypeError):
        return None
    return records if len(records) == int(end[1]) and all(map(_is_sound, records)) else None


def read_many(text: bytes) -> list[Record]:
    """Read the whole ones of several entries, one after the other."""
    records: list[Record] = []
    start = 0
    for end in _END.finditer(text):
        records += read(text[start : end.end()]) or []
        start = end.end()
    return records


def are_whole(text: bytes) -> bool:
    """Return whether text is nothing but whole entries, one after the other."""
    start = 0
    for end in _END.finditer(text):
        if read(text[start : end.end()]) is None:
            return False
        start = end.end()
    return start == len(text)


def _is_sound(record: Record) -> bool:
    names = all(problem(kind, getattr(record, kind)) is None for kind in ("event", "production", "file"))
    return names and all(pattern.fullmatch(getattr(record, name)) for name, pattern in _HEX.items())


def _md5(data: bytes) -> str:
    import hashlib

    return hashlib.md5(data, usedforsecurity=False).hexdigest()

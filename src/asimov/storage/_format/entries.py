"""The text of an entry in ``.manifest/recent/``: what one commit adds, and an end mark.

Each line is one JSON object (RFC 8259, ASCII). The last line is ``end COUNT MD5``, with the MD5 of all lines above it.
Text without its right end mark was never committed: its writer was stopped, or the power failed, before anybody was
told of the commit.

Each line has a *kind*, which may be left out where it is a record. Members of a record that this version doesn't know
become further keys. Of a line of another kind, this version knows only that it was committed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from asimov.storage._model.identity import is_uuid
from asimov.storage._model.names import problem
from asimov.storage._model.record import Record
from asimov.storage._model.retraction import Retraction

from . import further
from .retractions import Line, records_in, retractions_in

_END = re.compile(rb"^end (\d+) ([0-9a-f]{32})\n", re.MULTILINE)
RETRACTION = "retraction"
"""The kind of a line that retracts a record, by its uuid."""
_MEMBERS = ("event", "production", "file", "hash", "uuid")


class Entry(NamedTuple):
    """What an entry says.

    Attributes
    ----------
    records : tuple of Record
        The records that it adds.
    retractions : tuple of Retraction
        The retractions that it adds.
    unknown : str
        A description of the first line that this version doesn't understand; empty if it understands all.
    """

    records: tuple[Record, ...] = ()
    unknown: str = ""
    retractions: tuple[Retraction, ...] = ()

    @property
    def lines(self) -> tuple[Line, ...]:
        """All that it adds."""
        return (*self.records, *self.retractions)


def write(added: Iterable[Line]) -> bytes:
    """Return the text of an entry."""
    import json

    lines = []
    for record in added:
        if isinstance(record, Retraction):
            fields = {**record.values, "kind": RETRACTION, "uuid": record.uuid}
            lines.append(json.dumps(fields, default=str).encode() + b"\n")
            continue
        fields = {name: getattr(record, name) for name in _MEMBERS}
        if record.sha256 is not None:
            fields["sha256"] = record.sha256
        if record.size is not None:
            fields["size"] = record.size
        if record.further_lines:
            fields |= record.further
        lines.append(json.dumps(fields, default=str).encode() + b"\n")
    body = b"".join(lines)
    return body + f"end {len(lines)} {_md5(body)}\n".encode()


def read(text: bytes) -> Entry | None:
    """Read an entry, which may be empty; None if it is not whole."""
    if not text:
        return Entry()
    start = text.rfind(b"\nend ") + 1
    end = _END.fullmatch(text, start) if start else None
    lines = text[:start].splitlines()
    if end is None or end[2].decode() != _md5(text[:start]) or len(lines) != int(end[1]):
        return None
    found = [_line(line) for line in lines]
    unknown = next((words for words in found if isinstance(words, str)), "")
    known = [line for line in found if not isinstance(line, str)]
    return Entry(tuple(records_in(known)), unknown, tuple(retractions_in(known)))


def read_many(text: bytes) -> list[Line]:
    """Read what several entries that follow each other add; entries that are not whole are left out."""
    return [line for entry in _each(text) for line in (entry.lines if entry is not None else ())]


def are_whole(text: bytes) -> bool:
    """Return whether the text consists only of whole entries that follow each other."""
    ends = [found.end() for found in _END.finditer(text)]
    return None not in _each(text) and len(text) == (ends[-1] if ends else 0)


def _each(text: bytes) -> Iterator[Entry | None]:
    start = 0
    for end in _END.finditer(text):
        yield read(text[start : end.end()])
        start = end.end()


def _line(line: bytes) -> Line | str:
    """Read a line; return what it adds, or a description of what it is instead."""
    import json

    try:
        fields = json.loads(line)
    except ValueError:
        return "something that is no JSON"
    if not isinstance(fields, dict):
        return "something that is no JSON object"
    kind = fields.pop("kind", "record")
    if kind == RETRACTION:
        return _retraction(fields)
    if kind != "record":
        return f"something of the kind {str(kind)[:80]!a}"
    values = [fields.pop(name, None) for name in _MEMBERS]
    event, production, file, digest, uuid = (value if isinstance(value, str) else "" for value in values)
    key = (event, production, file)
    sound = all(problem(name, value) is None for name, value in zip(_MEMBERS, key, strict=False))
    if not sound or not is_uuid(digest) or not is_uuid(uuid):
        return "a record of another form"
    try:
        return Record.of(key, digest, uuid, further.of_values(fields))
    except (TypeError, UnicodeEncodeError):
        return "a record of another form"


def _retraction(fields: dict[str, Any]) -> Retraction | str:
    uuid = fields.pop("uuid", None)
    try:
        further.of_values(fields)
    except (TypeError, UnicodeEncodeError):
        return "a retraction of another form"
    return Retraction(uuid, fields) if isinstance(uuid, str) and is_uuid(uuid) else "a retraction of another form"


def _md5(data: bytes) -> str:
    import hashlib

    return hashlib.md5(data, usedforsecurity=False).hexdigest()

"""The records of canonical manifest text, read by the column: they come by the hundred thousand.

One regular expression splits the text at the records. What it leaves between them is nothing, but where a production or
an event begins. Each check is one call for a whole column, not one for each record.
"""

from __future__ import annotations

import contextlib
import gc
import operator
import re
from collections.abc import Iterator
from itertools import chain, islice, repeat
from operator import itemgetter
from typing import Any, NamedTuple

from asimov.storage._model.names import MAX_BYTES, Key, problem
from asimov.storage._model.record import Record

from .quoting import INNER, unquote

_PLAIN_DIGEST, _DIGEST = "(.{32})", "(.{32}|'[0-9]{32}')"  # whether they are hexadecimal is looked at later
_SHA256 = r"(?:        sha256: ([0-9a-f]{64})\n        size: (0|[1-9][0-9]{0,18})\n)?"


def _fields(digest: str, between: str) -> str:
    return rf"        hash: {digest}\n{between}        uuid: {digest}(?=\n)"


_RECORD = re.compile(rf"\n      (.+):\n{_fields(_PLAIN_DIGEST, '')}").split
_EVERY_RECORD = rf"\n      (.+):\n{_fields(_DIGEST, _SHA256)}"
_RARE = ("        sha256: ", "        hash: '", "        uuid: '")
"""What stands only in the text of records that `_RECORD` doesn't match."""
_AT_ONCE = 1000
_SALVAGED = "([0-9a-f]{32}|'[0-9a-f]{32}')"
_IN_NAMES = INNER.replace("/", "").replace("\\\\", "")
TOKEN = rf"(\w(?:[{_IN_NAMES} ]{{0,{MAX_BYTES - 2}}}[{_IN_NAMES}])?|'[^\n]*'|\"[^\n]*\")"
"""A name as it may stand, for a regular expression."""
_ROW = rf"^(?:  {TOKEN}:\n)?(?:    {TOKEN}:\n)?      {TOKEN}:\n{_fields(_SALVAGED, _SHA256)}"
_HEADING = re.compile(rf"(?:\n  {TOKEN}:)?\n    {TOKEN}:").fullmatch
_TOKEN = re.compile(TOKEN).fullmatch
_PLAIN = bytes(code for code in range(0x20, 0x7F) if re.match(f"[{_IN_NAMES} ]", chr(code)))
_FIRST = frozenset(chr(code) for code in _PLAIN if re.match(r"\w", chr(code)))


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the garbage collector, which is called by how much is made, from going through columns while they are."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Rows(NamedTuple):
    """The columns that `Contents` has, and how names stood.

    `quoted` has those that stood quoted, as they stood, and what they spell; `mixed` says whether one of them stood
    plain in another place.
    """

    keys: list[Key]
    hashes: list[str]
    uuids: list[str]
    sha256s: list[str | None] | None
    sizes: list[int | None] | None
    quoted: dict[str, str]
    mixed: bool


class _Names:
    """Reads names, each of which may occur often."""

    def __init__(self) -> None:
        self.quoted: dict[str, str] = {}
        self.known: dict[str, str] = {}
        self._sound: set[tuple[str, str]] = set()

    def read(self, kind: str, token: str) -> str:
        """Read one name; an empty str if it can't be one, or takes a real parser."""
        text = self.known.get(token)
        if text is None:
            text = self.known[token] = self._text(token)
        if (kind, token) not in self._sound:
            if not text or _wrong(kind, text):
                return ""
            self._sound.add((kind, token))
        return text

    def _text(self, token: str) -> str:
        if not _TOKEN(token):
            return ""
        if token[0] not in "'\"":
            return token
        text = self.quoted[token] = unquote(token) or ""
        return text


@_uncollected()
def read(body: str) -> Rows | None:
    """Read the rows that follow ``events:``; None if there are none, or the text isn't canonical, or not sound."""
    headings, names, hashes, sha256s, sizes, uuids = _split(body)
    if headings.pop() != "\n" or not headings or len(set(uuids)) != len(uuids):
        return None
    if not _are_hex(hashes) or not _are_hex(uuids):
        return None
    reader = _Names()
    keys = _keys(headings, names, reader)
    if keys is None or not all(map(operator.lt, keys, islice(keys, 1, None))):
        return None
    stood = reader.quoted, bool(reader.quoted) and not {*names, *reader.known}.isdisjoint(reader.quoted.values())
    if not any(sha256s):
        return Rows(keys, hashes, uuids, None, None, *stood)
    lengths = [None if size is None else int(size) for size in sizes]
    return Rows(keys, hashes, uuids, sha256s, lengths, *stood)


def _split(body: str) -> tuple[list[Any], ...]:
    """Split text at its records: what is between them, names, hashes, SHA-256s and sizes (if any has one), uuids."""
    if not any(mark in body for mark in _RARE):
        pieces = _RECORD(body)
        headings, names, hashes, uuids = (pieces[start::4] for start in range(4))
        return headings, names, hashes, [], [], uuids
    pieces = re.split(_EVERY_RECORD, body)
    headings, names, hashes, sha256s, sizes, uuids = (pieces[start::6] for start in range(6))
    return headings, names, _unquoted(hashes), sha256s, sizes, _unquoted(uuids)


def _are_hex(digests: list[str]) -> bool:
    """Whether there is nothing but hexadecimal digits in lower case; some at a time, for memory has to be made too."""
    parts = ("".join(digests[start : start + _AT_ONCE]) for start in range(0, len(digests), _AT_ONCE))
    return all(part.isascii() and not part.encode().translate(None, b"0123456789abcdef") for part in parts)


def _unquoted(digests: list[str]) -> list[str]:
    return [digest[1:-1] if len(digest) == 34 else digest for digest in digests]


def salvage(text: str) -> list[Record]:
    """Read what rows there are in damaged text; what lies between is passed over."""
    event = production = ""
    records = []
    for found in re.finditer(_ROW, text, re.MULTILINE):
        event, production = found[1] or event, found[2] or production
        names = [unquote(token) or "" for token in (event, production, found[3])]
        sound = not any(map(_wrong, ("event", "production", "file"), names))
        digest, uuid = found[4].strip("'"), found[7].strip("'")
        if sound:
            size = int(found[6]) if found[6] else None
            (e, p, f) = names
            record = Record(event=e, production=p, file=f, hash=digest, uuid=uuid, sha256=found[5], size=size)
            records.append(record)
    return records


def _wrong(kind: str, name: str) -> bool:
    return problem(kind, name) is not None


def _keys(headings: list[str], names: list[str], reader: _Names) -> list[Key] | None:
    starts = [index for index, heading in enumerate(headings) if heading]
    groups = _groups([headings[index] for index in starts], reader)
    files = _files(names, reader)
    if not groups or files is None or starts[0]:
        return None
    counts = list(map(operator.sub, [*starts[1:], len(names)], starts))
    events, productions = (chain.from_iterable(map(repeat, column, counts)) for column in zip(*groups, strict=True))
    return list(zip(events, productions, files, strict=True))


def _groups(headings: list[str], reader: _Names) -> list[tuple[str, str]] | None:
    """Give the event and the production that each heading begins; None if one is repeated, or can't be."""
    groups: list[tuple[str, str]] = []
    known: dict[str, tuple[str | None, str]] = {}
    event = production = ""
    for heading in headings:
        if heading not in known:
            found = _HEADING(heading)
            if found is None:
                return None
            begun = None if found[1] is None else reader.read("event", found[1])
            known[heading] = begun, reader.read("production", found[2])
        last = event, production
        begun, production = known[heading]
        event = last[0] if begun is None else begun
        if not event or not production or (production == last[1] if begun is None else event == last[0]):
            return None
        groups.append((event, production))
    return groups


def _files(names: list[str], reader: _Names) -> list[str] | None:
    """Read the names of files; None if one can't be."""
    joined = "".join(names)
    plain = joined.isascii() and not joined.encode().translate(None, _PLAIN) and max(map(len, names)) <= MAX_BYTES
    if plain and _FIRST.issuperset(map(itemgetter(0), names)) and " " not in set(map(itemgetter(-1), names)):
        return names
    texts = [reader.read("file", name) for name in names]
    return texts if all(texts) else None

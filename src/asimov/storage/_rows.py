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
from typing import NamedTuple

from ._names import MAX_BYTES, Key, problem
from ._records import Record
from ._scalars import INNER, unquote

_DIGEST = "(.{32}|'.{32}')"
_FIELDS = (
    rf"        hash: {_DIGEST}\n"
    r"(?:        sha256: (.{64})\n        size: (0|[1-9][0-9]{0,18})\n)?"
    rf"        uuid: {_DIGEST}(?=\n)"
)
_RECORD = re.compile(rf"\n      ([^\n]+):\n{_FIELDS}")
_IN_NAMES = INNER.replace("/", "").replace("\\\\", "")
TOKEN = rf"(\w(?:[{_IN_NAMES} ]{{0,{MAX_BYTES - 2}}}[{_IN_NAMES}])?|'[^\n]*'|\"[^\n]*\")"
"""A name as it may stand, for a regular expression."""
_ROW = rf"^(?:  {TOKEN}:\n)?(?:    {TOKEN}:\n)?      {TOKEN}:\n{_FIELDS}"
_HEADING = re.compile(rf"(?:\n  {TOKEN}:)?\n    {TOKEN}:").fullmatch
_TOKEN = re.compile(TOKEN).fullmatch
_PLAIN = bytes(code for code in range(0x20, 0x7F) if re.match(f"[{_IN_NAMES} ]", chr(code)))
_FIRST = frozenset(chr(code) for code in _PLAIN if re.match(r"\w", chr(code)))
_HEX = b"0123456789abcdef"


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
    """Read the rows below ``events:``; None if there are none, they are no canonical text, or anything is wrong."""
    pieces = _RECORD.split("\n" + body)
    headings, names, hashes, sha256s, sizes, uuids = (pieces[start::6] for start in range(6))
    if headings.pop() != "\n" or not headings:
        return None
    sound_hashes, sound_uuids = _digests(hashes), _digests(uuids)
    if sound_hashes is None or sound_uuids is None or len(set(sound_uuids)) != len(uuids):
        return None
    reader = _Names()
    keys = _keys(headings, names, reader)
    if keys is None or not all(map(operator.lt, keys, islice(keys, 1, None))):
        return None
    stood = reader.quoted, bool(reader.quoted) and not {*names, *reader.known}.isdisjoint(reader.quoted.values())
    if not any(sha256s):
        return Rows(keys, sound_hashes, sound_uuids, None, None, *stood)
    if not is_hex("".join(filter(None, sha256s))):
        return None
    lengths = [None if size is None else int(size) for size in sizes]
    return Rows(keys, sound_hashes, sound_uuids, sha256s, lengths, *stood)


def salvage(text: str) -> list[Record]:
    """Read what rows there are in damaged text; what lies between is passed over."""
    event = production = ""
    records = []
    for found in re.finditer(_ROW, text, re.MULTILINE):
        event, production = found[1] or event, found[2] or production
        names = [unquote(token) or "" for token in (event, production, found[3])]
        sound = not any(map(_wrong, ("event", "production", "file"), names))
        digest, uuid = found[4].strip("'"), found[7].strip("'")
        if sound and is_hex(digest + uuid + (found[5] or "")):
            size = int(found[6]) if found[6] else None
            (e, p, f) = names
            record = Record(event=e, production=p, file=f, hash=digest, uuid=uuid, sha256=found[5], size=size)
            records.append(record)
    return records


def _wrong(kind: str, name: str) -> bool:
    return problem(kind, name) is not None


def _digests(column: list[str]) -> list[str] | None:
    joined = "".join(column)
    if len(joined) != 32 * len(column):
        if any(len(token) == 34 and not token[1:-1].isdigit() for token in column):
            return None
        column = [token[1:-1] if len(token) == 34 else token for token in column]
        joined = "".join(column)
    return column if is_hex(joined) else None


def is_hex(text: str) -> bool:
    """Whether there is nothing but hexadecimal digits in lower case."""
    return text.isascii() and not text.encode().translate(None, _HEX)


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
    event = production = ""
    for heading in headings:
        found = _HEADING(heading)
        if found is None:
            return None
        last = event, production
        event = last[0] if found[1] is None else reader.read("event", found[1])
        production = reader.read("production", found[2])
        if not event or not production or (production == last[1] if found[1] is None else event == last[0]):
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

"""The records of canonical manifest text, read column by column, since there may be hundreds of thousands.

One regular expression splits the text at the records. Nothing is left between two records, except where a production or
an event begins. Each check is one call for a whole column, not one call for each record.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import operator
import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice, repeat
from operator import itemgetter
from typing import NamedTuple

from asimov.storage._model.names import MAX_BYTES, Key, problem

from . import further
from .quoting import INNER, unquote

_PLAIN_DIGEST, _DIGEST = "(.{32})", "(.{32}|'[0-9]{32}')"  # `_are_hex` checks later that they are hexadecimal
# Patterns are compiled where they are first used, and Python caches them: so they don't slow down the import.
_RECORD = rf"\n      (.+):\n        hash: {_PLAIN_DIGEST}\n        uuid: {_PLAIN_DIGEST}(?=\n)"
_USUAL_RECORD = rf"\n      (.+):\n        hash: {_DIGEST}\n((?:        (?!uuid: ).+\n)*)        uuid: {_DIGEST}(?=\n)"
_ANY_RECORD = (
    r"\n      (.+):\n((?:        (?!hash: ).+\n)*)"
    rf"        hash: {_DIGEST}\n((?:        (?!uuid: ).+\n)*)"
    rf"        uuid: {_DIGEST}((?:\n        .+)*)(?=\n)"
)
_NOTED_RECORD = _USUAL_RECORD.replace(".+\\n)*)", ".+\\n)+)")
_ALIKE_RECORD = rf"\n      (.+):\n        hash: {_DIGEST}\n((?:{{lines}})?)        uuid: {_DIGEST}(?=\n)"
_FIRST_ONES = 8
"""How many records are examined to guess whether all have the same further keys."""
_FIRST_FURTHER = r"\n        (?!hash: |uuid: )([^ ])"
_A_LINE, _ITS_UUID = "\n        ", "\n        uuid: "
_QUOTED = ("        hash: '", "        uuid: '")
_AT_ONCE = 1000
_IN_NAMES = INNER.replace("/", "").replace("\\\\", "")
TOKEN = rf"(\w(?:[{_IN_NAMES} ]{{0,{MAX_BYTES - 2}}}[{_IN_NAMES}])?|'[^\n]*'|\"[^\n]*\")"
"""A name as it may be written in the text, for a regular expression."""
_HEADING = rf"(?:\n  {TOKEN}:)?\n    {TOKEN}:"


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Turn the garbage collector off while columns are made: so many new objects would make it run again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Rows(NamedTuple):
    """The columns of `Contents`, and how they were written in the text.

    `quoted` maps each name that was quoted, as it was written, to the name that it means. `mixed` says whether one of
    these names was written plain in another place. `settled` says whether the text had the further lines as they are
    here.
    """

    keys: list[Key]
    hashes: list[str]
    uuids: list[str]
    further: list[str] | None
    quoted: dict[str, str]
    mixed: bool
    settled: bool


class _Split(NamedTuple):
    """Text, split at its records: the headings between them, and the columns."""

    headings: list[str]
    names: list[str]
    hashes: list[str]
    uuids: list[str]
    further: list[str] | None = None
    settled: bool = True


class _Names:
    """Reads names, each of which may occur often."""

    def __init__(self) -> None:
        self.quoted: dict[str, str] = {}
        self.known: dict[str, str] = {}
        self._sound: set[tuple[str, str]] = set()

    def read(self, kind: str, token: str) -> str:
        """Read one name; an empty str if it isn't a valid name, or takes a real parser."""
        text = self.known.get(token)
        if text is None:
            text = self.known[token] = self._text(token)
        if (kind, token) not in self._sound:
            if not text or _wrong(kind, text):
                return ""
            self._sound.add((kind, token))
        return text

    def _text(self, token: str) -> str:
        if not re.fullmatch(TOKEN, token):
            return ""
        if token[0] not in "'\"":
            return token
        text = self.quoted[token] = unquote(token) or ""
        return text


@_uncollected()
def read(body: str, *, trusted: bool = False) -> Rows | None:
    """Read the rows that follow ``events:``; None if there are none, or if the text is not canonical or not valid.

    `trusted` says that this package wrote the text, and that nobody has changed it since.
    """
    split = _split(body, trusted=trusted)
    if split is None or split.headings.pop() != "\n" or not split.headings:
        return None
    if len(set(split.uuids)) != len(split.uuids) or not _are_hex(split.hashes) or not _are_hex(split.uuids):
        return None
    reader = _Names()
    keys = _keys(split.headings, split.names, reader)
    if keys is None or not all(map(operator.lt, keys, islice(keys, 1, None))):
        return None
    mixed = bool(reader.quoted) and not {*split.names, *reader.known}.isdisjoint(reader.quoted.values())
    return Rows(keys, split.hashes, split.uuids, split.further, reader.quoted, mixed, split.settled)


def _split(body: str, *, trusted: bool) -> _Split | None:
    """Split text at its records; None if the lines of one of them are no YAML."""
    alone = body.count(_A_LINE) == 2 * body.count(_ITS_UUID)  # each record has two lines: no further keys
    if alone and not any(mark in body for mark in _QUOTED):
        pieces = re.split(_RECORD, body)
        return _Split(pieces[::4], pieces[1::4], pieces[2::4], pieces[3::4])
    if not alone and ("\0" in body or "\1" in body):  # YAML has no such characters, and `further` uses them
        return None
    alike = None if alone or trusted else _alike(body)
    headings, names, before, hashes, between, uuids, after = alike or _columns(body)
    if any(mark in body for mark in _QUOTED):
        hashes, uuids = _unquoted(hashes), _unquoted(uuids)
    split = _Split(headings, names, hashes, uuids)
    if alone:
        return split
    if alike:
        return split._replace(further=between)
    lines, odd = _further(before, between, after, trusted=trusted)
    settled = True
    for index in odd:
        text = further.normalised(lines[index])
        if text is None:
            return None
        around = (before[index], between[index], after[index]) if before else ("", between[index], "")
        settled = settled and around == further.around(text)
        lines[index] = text
    return split._replace(further=lines if any(lines) else None, settled=settled)


def _alike(body: str) -> tuple[list[str], ...] | None:
    """Split text as `_columns` does, if all further lines are like those of the first record that has some.

    The same pattern splits and checks them. Return None if some are different, or if the first are not canonical.
    """
    found = [noted[3] for noted in islice(re.finditer(_NOTED_RECORD, body), _FIRST_ONES)]
    pattern = further.pattern_of(found, further.shape_of("hash"), further.shape_of("uuid")) if found else None
    if pattern is None:
        return None
    pieces = re.split(_ALIKE_RECORD.replace("{lines}", pattern), body)
    headings = pieces[::5]
    if _A_LINE in "".join(headings):
        return None
    return headings, pieces[1::5], [], pieces[2::5], pieces[3::5], pieces[4::5], []


def _columns(body: str) -> tuple[list[str], ...]:
    """Split text into headings, names, lines before hashes, hashes, lines between, uuids, and lines after uuids.

    Usually all further lines are between hash and uuid. Then the lists of lines before and after are empty.
    """
    first = re.search(_FIRST_FURTHER, body)
    if first is None or "i" <= first[1] <= "t":
        pieces = re.split(_USUAL_RECORD, body)
        headings = pieces[::5]
        if _A_LINE not in "".join(headings):
            return headings, pieces[1::5], [], pieces[2::5], pieces[3::5], pieces[4::5], []
    pieces = re.split(_ANY_RECORD, body)
    headings, names, before, hashes, between, uuids, after = (pieces[start::7] for start in range(7))
    return headings, names, before, hashes, between, uuids, [lines and f"{lines[1:]}\n" for lines in after]


def _further(
    before: list[str], between: list[str], after: list[str], *, trusted: bool
) -> tuple[list[str], Sequence[int]]:
    """Join the further lines of each record, and list the indices of those that PyYAML has to read."""
    digest, uuid = further.shape_of("hash"), further.shape_of("uuid")
    if not any(before) and not any(after):
        return between, () if trusted or not any(between) else further.unsettled(between, digest, uuid)
    lines = list(map(operator.add, map(operator.add, before, between), after))
    if trusted:
        return lines, ()
    whole = [
        digest.join((first, second)) + uuid + third for first, second, third in zip(before, between, after, strict=True)
    ]
    return lines, further.unsettled(whole, "", "")


def _are_hex(digests: list[str]) -> bool:
    """Return whether there are only lower-case hexadecimal digits; checked in parts, which takes less memory."""
    parts = ("".join(digests[start : start + _AT_ONCE]) for start in range(0, len(digests), _AT_ONCE))
    return all(part.isascii() and not part.encode().translate(None, b"0123456789abcdef") for part in parts)


def _unquoted(digests: list[str]) -> list[str]:
    return [digest[1:-1] if len(digest) == 34 else digest for digest in digests]


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
    """Return the event and the production that each heading begins; None if one is repeated or isn't valid."""
    groups: list[tuple[str, str]] = []
    known: dict[str, tuple[str | None, str]] = {}
    event = production = ""
    for heading in headings:
        if heading not in known:
            found = re.fullmatch(_HEADING, heading)
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


@functools.cache
def _plain() -> tuple[bytes, frozenset[str]]:
    """Return the ASCII characters that may occur in a plain name, and those that may begin one."""
    inner = "".join(re.findall(f"[{_IN_NAMES} ]", "".join(map(chr, range(0x20, 0x7F)))))
    return inner.encode(), frozenset(re.findall(r"\w", inner))


def _files(names: list[str], reader: _Names) -> list[str] | None:
    """Read the names of files; None if one isn't valid."""
    joined = "".join(names)
    inner, first = _plain()
    plain = joined.isascii() and not joined.encode().translate(None, inner) and max(map(len, names)) <= MAX_BYTES
    if plain and first.issuperset(map(itemgetter(0), names)) and " " not in set(map(itemgetter(-1), names)):
        return names
    texts = [reader.read("file", name) for name in names]
    return texts if all(texts) else None

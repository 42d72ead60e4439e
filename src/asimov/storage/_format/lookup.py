"""Manifests that we wrote and nobody has changed since: a record is looked up in the text, without reading the rest.

Whatever we write was checked before. So the writer of a large manifest leaves a *seal* at the end of
``manifest.yaml.new``: the manifest's size and its CRC-32 (as in RFC 1952). Text that fits its seal has been checked;
any other text is read whole. The seal only saves time: it may be missing or out of date, and everything works
without it.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from asimov.storage._model.names import Key
from asimov.storage._model.record import Record
from asimov.storage._model.snapshot import COLUMNS, Contents, Lazy, Text

from . import canonical_reader, reader
from .blocks import heading
from .rope import Rope

_WORTHWHILE = 1 << 22
"""The size in bytes from which a manifest gets a seal. A smaller one is read in less than a tenth of a second, once per
process, while a seal would cost each add a checksum."""
_FEW = 8
"""How many records are looked up in the text before all are read; also, how many added ones are kept beside it."""
_LINE = rb"(?m)^sealed (\d+) ([0-9a-f]{8})\n\Z"
_FOLDED = rb"(?m)^folded ([0-9]{1,18})\n"
_LONGEST = 96
"""The most bytes that these lines can have together."""
_FURTHER = {indent: rb"\n(?! {%d})" % (indent + 1) for indent in (2, 4)}
"""Patterns of the end of the lines that belong to a heading, by its indentation."""
_FIELDS = (
    rb"((?:        (?!hash: ).+\n)*)        hash: '?([0-9a-f]{32})'?\n"
    rb"((?:        (?!uuid: ).+\n)*)        uuid: '?([0-9a-f]{32})'?\n((?:        .+\n)*)"
)


def seal(contents: Contents, text: Text) -> bytes:
    """Return the seal of `text`, which was just written from `contents`; no bytes if a seal isn't worth it."""
    if text.size < _WORTHWHILE or contents.empties:
        return b""
    checksum = 0
    for piece in text:
        checksum = binascii.crc32(piece, checksum)
    return f"sealed {text.size} {checksum:08x}\n".encode()


def folded_line(number: int) -> bytes:
    """Return the line before the seal: the highest number of an entry that the manifest includes for good.

    The line counts only where the manifest itself doesn't say it, because another program has written it.
    """
    return b"folded %d\n" % number


def folded(kept: bytes) -> int:
    """Read that number from the end of the file that holds it; 0 if it isn't there."""
    found = re.findall(_FOLDED, kept[-_LONGEST:])
    return int(found[-1]) if found else 0


def without(text: bytes) -> bytes:
    """Return what comes before these two lines in the file that holds them."""
    return re.sub(_FOLDED, b"", re.sub(_LINE, b"", text))


def read(text: bytes, kept: Callable[[], bytes], path: Path) -> Contents | None:
    """Return the contents of a manifest that fits its seal, at the end of `kept`; None if it has to be read whole."""
    if len(text) < _WORTHWHILE:
        return None
    found = re.search(_LINE, kept())
    if found is None or int(found[1]) != len(text) or int(found[2], 16) != binascii.crc32(text):
        return None
    outer = canonical_reader.read_outer(text)
    return None if outer is None else Sealed(text, outer, path)


class Sealed(Lazy):
    """Contents of sealed text, whose columns are read when they are first needed."""

    def __init__(self, text: bytes, outer: canonical_reader.Outer, path: Path) -> None:
        super().__init__(name=outer.name, top=outer.top, text=Rope(text) if outer.stands else None)
        self._sealed, self._outer, self._path, self._looked_up = text, outer, path, 0

    def made_columns(self) -> dict[str, Any]:
        whole = canonical_reader.read(self._sealed, trusted=True) or reader.parse(self._sealed, self._path)
        return {column: getattr(whole, column) for column in COLUMNS}

    @property
    def few(self) -> int:
        return super().few if self.has_columns else _FEW

    def get(self, key: Key) -> Record | None:
        """Return the record with `key`; None if there is none."""
        self._looked_up += 1
        if self._looked_up > _FEW or self.has_columns:
            return super().get(key)
        return _look_up(self._sealed, self._outer, key)


def _look_up(text: bytes, outer: canonical_reader.Outer, key: Key) -> Record | None:
    """Find a record by its three headings, one below the other; no other lines look like headings."""
    start, end = outer.start, outer.end
    for indent, name in zip((2, 4, 6), key, strict=True):
        line = f"\n{heading(indent, name)}".encode()
        at = text.find(line, start - 1, end)
        if at < 0:
            return None
        start = at + len(line)
        if indent < 6:
            end = _next_heading(text, indent, start)
    found = re.compile(_FIELDS).match(text, start)
    if found is None:
        raise AssertionError(key)  # we have written it
    before, digest, between, uuid, after = (part.decode() for part in found.groups())
    return Record.of(key, digest, uuid, before + between + after)


def _next_heading(text: bytes, indent: int, start: int) -> int:
    found = re.compile(_FURTHER[indent]).search(text, start)
    return found.start() + 1 if found else len(text)

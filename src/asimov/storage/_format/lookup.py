"""Manifests that we wrote and nobody has changed since: one record is looked up in the text, the rest is left unread.

What we write was checked before. So with a large manifest its writer leaves a *seal*, its size and CRC-32 (as in
RFC 1952), at the end of ``manifest.yaml.new``. Text that fits its seal has been checked; any other is read whole. The
seal is for saving time only: it may be missing or out of date, and without it everything works.
"""

from __future__ import annotations

import binascii
import contextlib
import os
import re
from pathlib import Path
from typing import Any

from asimov.storage._disk import files
from asimov.storage._disk.folder import Folder
from asimov.storage._model.names import Key
from asimov.storage._model.record import Record
from asimov.storage._model.snapshot import COLUMNS, Contents, Lazy

from . import canonical_writer, yaml_reader
from .quoting import quote
from .rope import Pieces

_WORTHWHILE = 1 << 22
"""Bytes from which a manifest gets a seal: a smaller one is read, once a process, in less than a tenth of a second, and
each add would have to compute its checksum."""
_FEW = 8
"""How many records are looked up in the text before all are read; up to how many added ones are kept beside it."""
_LINE = re.compile(rb"^sealed (\d+) ([0-9a-f]{8})\n\Z", re.MULTILINE)
_FOLDED = re.compile(rb"^folded ([0-9]{1,18})\n", re.MULTILINE)
_LONGEST = 96
_FURTHER = {indent: re.compile(rb"\n(?! {%d})" % (indent + 1)) for indent in (2, 4)}
"""Where what belongs to a heading of that indentation ends."""
_FIELDS = re.compile(
    rb"        hash: '?([0-9a-f]{32})'?\n"
    rb"(?:        sha256: ([0-9a-f]{64})\n        size: ([0-9]+)\n)?"
    rb"        uuid: '?([0-9a-f]{32})'?\n"
)


def seal(contents: Contents, text: Pieces) -> bytes:
    """Give the line that says that `text`, just written of `contents`, is sound; nothing if it had better be read."""
    if text.size < _WORTHWHILE or contents.extras or contents.empties or contents.top.keys() - {"sha256"}:
        return b""
    checksum = 0
    for piece in text:
        checksum = binascii.crc32(piece, checksum)
    return f"sealed {text.size} {checksum:08x}\n".encode()


def folded_line(number: int) -> bytes:
    """Return the line, before the seal, that says up to which number the manifest includes the entries for good.

    It counts only where the manifest doesn't say so itself, since another program has written it.
    """
    return b"folded %d\n" % number


def folded(home: Folder, kept: str) -> int:
    """Read that number from the file `kept` of `home`, 0 if it isn't there."""
    found = _FOLDED.findall(_last(home, kept))
    return int(found[-1]) if found else 0


def without(text: bytes) -> bytes:
    """Return what stands before these two lines in the file that has them."""
    return _FOLDED.sub(b"", _LINE.sub(b"", text))


def read(text: bytes, home: Folder, kept: str, path: Path) -> Contents | None:
    """Give the contents of a manifest whose seal, in the file `kept` of `home`, it fits; None if it has to be read."""
    if len(text) < _WORTHWHILE:
        return None
    found = _LINE.search(_last(home, kept))
    if found is None or int(found[1]) != len(text) or int(found[2], 16) != binascii.crc32(text):
        return None
    end = canonical_writer.read_end(text)
    return None if end is None else Sealed(text, end[1], path)


def _last(home: Folder, name: str) -> bytes:
    with contextlib.suppress(OSError), files.opened(home, name) as descriptor:
        return os.pread(descriptor, _LONGEST, max(os.fstat(descriptor).st_size - _LONGEST, 0))
    return b""


class Sealed(Lazy):
    """Contents of sealed text, whose columns are read when they are first needed."""

    def __init__(self, text: bytes, end: Contents, path: Path) -> None:
        super().__init__(name=end.name, top=end.top, text=end.text)
        self._sealed, self._path, self._looked_up = text, path, 0

    def made_columns(self) -> dict[str, Any]:
        whole = yaml_reader.parse(self._sealed, self._path)
        return {column: getattr(whole, column) for column in COLUMNS}

    @property
    def few(self) -> int:
        return super().few if self.has_columns else _FEW

    def get(self, key: Key) -> Record | None:
        """Give the record with `key`, None if there is none."""
        self._looked_up += 1
        if self._looked_up > _FEW or self.has_columns:
            return super().get(key)
        start = _look_up(self._sealed, key)
        if start is None:
            return None
        return _record(key, self._sealed, start) or super().get(key)  # with fields that are rare, and read by the other


def _look_up(text: bytes, key: Key) -> int | None:
    """Find where the fields of a record begin, by its headings, one below the other; nothing else looks like them."""
    start, end = len(b"events:\n"), len(text)
    for indent, name in zip((2, 4, 6), key, strict=True):
        heading = f"\n{'':{indent}}{quote(name)}:\n".encode()
        at = text.find(heading, start - 1, end)
        if at < 0:
            return None
        start = at + len(heading)
        if indent < 6:
            end = _next_heading(text, indent, start)
    return start


def _next_heading(text: bytes, indent: int, start: int) -> int:
    found = _FURTHER[indent].search(text, start)
    return found.start() + 1 if found else len(text)


def _record(key: Key, text: bytes, start: int) -> Record | None:
    found = _FIELDS.match(text, start)
    if found is None:
        return None
    digest, sha256, size, uuid = (found[group].decode() if found[group] else None for group in (1, 2, 3, 4))
    event, production, file = key
    return Record(
        event=event,
        production=production,
        file=file,
        hash=digest or "",
        uuid=uuid or "",
        sha256=sha256,
        size=int(size) if size else None,
    )

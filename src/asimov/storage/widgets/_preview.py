"""What is in a file, at a glance: from its first megabyte to a description that a page shows as text, table or image.

Pure functions of the bytes. Nothing here runs, renders or unpickles what it reads, and no more than `LIMIT` bytes are
read, whatever the file's size.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from ._preview_hdf5 import Node, is_hdf5, read_tree, read_up_to
from ._preview_images import Image, recognise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LIMIT = 1_000_000
LINES = 1_000
CHARACTERS = 200_000
LINE_CHARACTERS = 2_000
ROWS = 50
COLUMNS = 50
CELL_CHARACTERS = 200
PIXELS = 40_000_000

_HEAD = 4_096
_WIDTH = 80
_DEPTH = 40

_MAGIC = (
    (b"\x1f\x8b", "gzip archive"),
    (b"PK\x03\x04", "zip archive"),
    (b"BZh", "bzip2 archive"),
    (b"\xfd7zXZ\x00", "xz archive"),
    (b"\x28\xb5\x2f\xfd", "Zstandard archive"),
    (b"%PDF-", "PDF document"),
    (b"SIMPLE  =", "FITS file"),
    (b"IGWD", "gravitational-wave frame file"),
    (b"\x93NUMPY", "NumPy array"),
    (b"SQLite format 3\x00", "SQLite database"),
    (b"PAR1", "Parquet table"),
    (b"\x80\x02", "Python pickle"),
    (b"\x80\x03", "Python pickle"),
    (b"\x80\x04", "Python pickle"),
    (b"\x80\x05", "Python pickle"),
)
_TEXTS = {
    ".htm": "HTML, as text",
    ".html": "HTML, as text",
    ".ini": "INI text",
    ".js": "JavaScript, as text",
    ".md": "Markdown text",
    ".py": "Python text",
    ".svg": "SVG, as text",
    ".xml": "XML text",
    ".yaml": "YAML text",
    ".yml": "YAML text",
}
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x9f]")
_TOKEN = re.compile(
    r'\s*("(?:[^"\\\x00-\x1f]|\\.)*"|-?(?:\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|Infinity)|NaN|true|false|null|[{}\[\]:,])'
)

Kind = Literal["empty", "text", "json", "table", "image", "tree", "other"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """A description of a file that can be shown as it is.

    Attributes
    ----------
    kind : str
        ``empty``, ``text``, ``json``, ``table``, ``image``, ``tree``, or ``other`` where type and size must do.
    type : str
        In words.
    size : int
        The whole file's, in bytes.
    note : str
        What is left out and why, as a sentence; empty where all is shown.
    text : str
        For ``text`` and ``json`` (indented, each number and string as it is spelled in the file).
    columns, rows : tuple
        For ``table``: the header, and the first rows; all str.
    tree : tuple of Node
        For ``tree``: groups and datasets of an HDF5 file, each with its depth.
    image : Image or None
        For ``image``: media type, width and height in pixels; the bytes go beside the message.
    """

    kind: Kind
    type: str
    size: int
    note: str = ""
    text: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    tree: tuple[Node, ...] = ()
    image: Image | None = None

    def message(self) -> tuple[dict[str, Any], list[bytes]]:
        """Return what goes to a page: a JSON object, and the image's bytes if there is one."""
        content = asdict(self)
        if self.image is None:
            return content, []
        del content["image"]["content"]
        return content, [self.image.content]


def preview(source: BinaryIO, name: str) -> Preview:
    """Describe what `source` holds.

    Parameters
    ----------
    source : binary file object
        Readable and seekable; at most `LIMIT` bytes of it are read. Best without a buffer, which is filled anew at
        each of the many seeks in an HDF5 file.
    name : str
        What the file is called; its suffix helps where the bytes alone don't tell.

    Returns
    -------
    Preview
    """
    size = source.seek(0, io.SEEK_END)
    source.seek(0)
    if not size:
        return Preview(kind="empty", type="empty file", size=0)
    head = read_up_to(source, _HEAD)
    if is_hdf5(head):
        return _tree(source, size)
    data = head + read_up_to(source, LIMIT - len(head))
    return _image(data, size) or _known(data, size) or _text(data, size, PurePath(name).suffix.lower())


def _tree(source: BinaryIO, size: int) -> Preview:
    nodes, note = read_tree(source, LIMIT - _HEAD)
    return Preview(kind="tree" if nodes else "other", type="HDF5 file", size=size, note=note, tree=nodes)


def _image(data: bytes, size: int) -> Preview | None:
    found = recognise(data)
    if found is None:
        return None
    kind = f"{found.name} image, {found.width} × {found.height} pixels"
    if size > len(data):
        return Preview(kind="other", type=kind, size=size, note="An image of more than 1 MB is not shown here.")
    if found.width * found.height > PIXELS:
        return Preview(kind="other", type=kind, size=size, note="An image of so many pixels is not shown here.")
    return Preview(kind="image", type=kind, size=size, image=found)


def _known(data: bytes, size: int) -> Preview | None:
    if data[257:262] == b"ustar":
        return Preview(kind="other", type="tar archive", size=size)
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            return Preview(kind="other", type=kind, size=size)
    return None


def _text(data: bytes, size: int, suffix: str) -> Preview:
    whole = len(data) == size
    decoded, note = _decode(data, whole=whole)
    if decoded is None:
        return Preview(kind="other", type="binary file", size=size)
    text = decoded.replace("\r\n", "\n").replace("\r", "\n")
    if suffix in {".csv", ".tsv"}:
        table = _table(text, size, whole=whole, tabs=suffix == ".tsv")
        if table is not None:
            return table
    if suffix == ".json" or text.lstrip()[:1] in {"{", "["}:
        found = _json(text, size, whole=whole)
        if found is not None:
            return found
    return _plain(text, size, _TEXTS.get(suffix, "text"), note, whole=whole)


def _decode(data: bytes, *, whole: bool) -> tuple[str | None, str]:
    """Return the text, or None where it is none, and a note where its encoding had to be guessed."""
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if data.startswith(mark)), "utf-8")
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(data, final=whole)
        note = ""
    except UnicodeDecodeError:
        text = data.decode("latin-1")
        note = "It is not UTF-8, and shown as Latin-1. "
    return (None if _CONTROL.search(text) else text), note


def _plain(text: str, size: int, kind: str, note: str, *, whole: bool) -> Preview:
    shown, clipped = _clip(text.split("\n"))
    return Preview(kind="text", type=kind, size=size, text=shown, note=_left_out(note, clipped=clipped, whole=whole))


def _left_out(note: str, *, clipped: bool, whole: bool) -> str:
    if clipped:
        note += "Only the beginning is shown."
    elif not whole:
        note += "Only the first 1 MB is shown."
    return note.strip()


def _clip(lines: Iterable[str]) -> tuple[str, bool]:
    """Return as much as a page should get of `lines`, and whether that is less than all."""
    shown: list[str] = []
    left = CHARACTERS
    for line in lines:
        if len(shown) == LINES or len(line) > min(LINE_CHARACTERS, left):
            beginning = line[: min(LINE_CHARACTERS, left)] + "…" if len(shown) < LINES else "…"
            return "\n".join([*shown, beginning]), True
        shown.append(line)
        left -= len(line) + 1
    return "\n".join(shown), False


def _json(text: str, size: int, *, whole: bool) -> Preview | None:
    """Indent JSON, also a beginning of it; None where it is none."""
    if whole:
        try:
            json.loads(text, parse_int=str, parse_float=str)
        except (ValueError, RecursionError):
            return None
    try:
        shown, clipped = _clip(_indented(_tokens(text, whole=whole)))
    except ValueError:
        return None
    return Preview(kind="json", type="JSON", size=size, text=shown, note=_left_out("", clipped=clipped, whole=whole))


def _tokens(text: str, *, whole: bool) -> Iterator[str]:
    """Split JSON as it is spelled, so that no number is rounded and no repeated key lost on the way to the page."""
    place = 0
    while match := _TOKEN.match(text, place):
        yield match[1]
        place = match.end()
    if text[place:].strip() and (whole or place == 0):
        msg = "not JSON"
        raise ValueError(msg)


def _indented(marks: Iterable[str]) -> Iterator[str]:
    line, before = "", ""
    within: list[str] = []
    for mark in marks:
        if mark in {"}", "]"} and within:
            within.pop()
        if _breaks(mark, before, within, len(line)):
            yield line
            line = "  " * min(len(within), _DEPTH)
        elif before in {",", ":"}:
            line += " "
        line += mark
        if mark in {"{", "["}:
            within.append(mark)
        before = mark
    yield line


def _breaks(mark: str, before: str, within: list[str], width: int) -> bool:
    """Say whether `mark` begins a line: members of objects do, scalars in an array share one as far as they fit."""
    if mark == "}":
        return before != "{"
    if mark == "]":
        return before in {"}", "]"}
    if before == "{":
        return True
    nested = mark in {"{", "["}
    return (before == "[" and nested) or (before == "," and (nested or within[-1:] == ["{"] or width > _WIDTH))


def _table(text: str, size: int, *, whole: bool, tabs: bool) -> Preview | None:
    delimiter = "\t" if tabs else _delimiter(text)
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error:
        return None
    if not whole and len(rows) > 1:
        rows.pop()
    rows = [row for row in rows if row]
    if not rows or max(map(len, islice(rows, ROWS))) < (1 if tabs else 2):
        return None
    columns, body = _header(rows)
    width = len(columns)
    shown = tuple(_cells(row, width) for row in body[:ROWS])
    note = _table_note(len(body), width, whole=whole)
    return Preview(kind="table", type="table", size=size, note=note, columns=_cells(columns, width), rows=shown)


def _delimiter(text: str) -> str:
    first = text.split("\n", 1)[0]
    return max(",;\t|", key=first.count)


def _header(rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    width = max(len(row) for row in rows[: ROWS + 1])
    if any(map(_is_number, rows[0])):
        return [str(number) for number in range(1, width + 1)], rows
    return rows[0] + [""] * (width - len(rows[0])), rows[1:]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _cells(row: list[str], width: int) -> tuple[str, ...]:
    padded = row + [""] * (width - len(row))
    return tuple(
        cell if len(cell) <= CELL_CHARACTERS else cell[:CELL_CHARACTERS] + "…" for cell in padded[: min(width, COLUMNS)]
    )


def _table_note(rows: int, columns: int, *, whole: bool) -> str:
    parts = []
    if rows > ROWS or not whole:
        parts.append(f"the first {min(rows, ROWS)}" + (f" of {rows:,} rows" if whole else " rows"))
    if columns > COLUMNS:
        parts.append(f"the first {COLUMNS} of {columns:,} columns")
    return f"Shown: {', '.join(parts)}." if parts else ""

"""Text: decoded, and cut to the length that a page shows. A file with control characters counts as binary."""

from __future__ import annotations

import codecs
import re
from typing import BinaryIO

from .description import LINE_CHARACTERS, LINES, Preview, clip, left_out
from .sparing import read_up_to

END = 64 * 1024
"""Bytes that are read at the end of a text."""
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


def decode(data: bytes, *, whole: bool) -> tuple[str | None, str]:
    """Return the text, or None if the bytes aren't text, and a note if the encoding was guessed."""
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if data.startswith(mark)), "utf-8")
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(data, final=whole)
        note = ""
    except UnicodeDecodeError:
        text = data.decode("latin-1")
        note = "It is not UTF-8, and shown as Latin-1. "
    return (None if _CONTROL.search(text) else text), note


def plain(text: str, size: int, suffix: str, note: str, *, whole: bool) -> Preview:
    """Describe a text that is of no other kind."""
    shown, clipped = clip(text.split("\n"))
    note = left_out(note, clipped=clipped, whole=whole)
    all_of_it = whole and not clipped
    return Preview(kind="text", type=_TEXTS.get(suffix, "text"), size=size, text=shown, note=note, whole=all_of_it)


def end(source: BinaryIO, size: int) -> str:
    """Return the last lines of a text, as many as a page shows."""
    source.seek(max(0, size - END))
    data = read_up_to(source, END)
    if size > END:
        data = data.partition(b"\n")[2] or data
    lines = data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")[-LINES:]
    return "\n".join(line if len(line) <= LINE_CHARACTERS else "…" + line[-LINE_CHARACTERS:] for line in lines)

"""Preview: a description of a file that a page shows as it is; and how much of a file that is at most."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

LIMIT = 1_000_000
"""Bytes that are read of a file at most."""
LINES = 1_000
CHARACTERS = 200_000
LINE_CHARACTERS = 2_000
ROWS = 50
COLUMNS = 50
CELL_CHARACTERS = 200
PIXELS = 40_000_000

Kind = Literal["empty", "text", "json", "table", "image", "tree", "other"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One line of a tree: its depth, its name, and what it is, in words."""

    depth: int
    name: str
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """An image's format, its size in pixels, and its bytes."""

    name: str
    media: str
    width: int
    height: int
    content: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """A description of a file that can be shown as it is.

    Attributes
    ----------
    kind : str
        ``empty``, ``text``, ``json``, ``table``, ``image``, ``tree``, or ``other`` where type and size are all.
    type : str
        In words.
    size : int
        The whole file's, in bytes.
    note : str
        What is left out and why, as a sentence; empty where nothing is.
    text : str
        For ``text`` and ``json`` (indented, each number and string as it is spelled in the file).
    columns, rows : tuple
        For ``table``: the header, and the first rows; all str.
    more : int
        For ``table``: where in the file the next row begins, for `tables.more_rows`; 0 if there is none, or it is
        unknown.
    whole : bool
        For ``text`` and ``json``: whether this is all of it; else `text.end` has the end.
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
    more: int = 0
    whole: bool = True
    tree: tuple[Node, ...] = ()
    image: Image | None = None

    def message(self) -> tuple[dict[str, Any], list[bytes]]:
        """Return the answer to a page: a JSON object, and the image's bytes if there is one."""
        content = asdict(self)
        if self.image is None:
            return content, []
        del content["image"]["content"]
        return content, [self.image.content]


def clip(lines: Iterable[str]) -> tuple[str, bool]:
    """Return as much of `lines` as a page is sent, and whether that is less than all."""
    shown: list[str] = []
    left = CHARACTERS
    for line in lines:
        if len(shown) == LINES or len(line) > min(LINE_CHARACTERS, left):
            beginning = line[: min(LINE_CHARACTERS, left)] + "…" if len(shown) < LINES else "…"
            return "\n".join([*shown, beginning]), True
        shown.append(line)
        left -= len(line) + 1
    return "\n".join(shown), False


def left_out(note: str, *, clipped: bool, whole: bool) -> str:
    """Return a note with what is left out of a text."""
    if clipped:
        note += "Only the beginning is shown."
    elif not whole:
        note += "Only the first 1 MB is shown."
    return note.strip()

"""Preview: the description of a file that a page shows, and the limits of its size."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

LIMIT = 1_000_000
"""The largest number of bytes that are read of a file."""
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
    """One line of a tree: its depth, its name, and its description in words."""

    depth: int
    name: str
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """The format of an image, its size in pixels, and its bytes."""

    name: str
    media: str
    width: int
    height: int
    content: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """A description of a file that can be shown without further work.

    Attributes
    ----------
    kind : str
        ``empty``, ``text``, ``json``, ``table``, ``image``, ``tree``, or ``other`` if only type and size are known.
    type : str
        The type of the file, in words.
    size : int
        The size of the whole file, in bytes.
    note : str
        A sentence on what is left out and why. It is empty if nothing is left out.
    text : str
        For ``text`` and ``json``: the text. JSON is indented, each number and string as it is spelled in the file.
    columns, rows : tuple
        For ``table``: the header, and the first rows. All cells are str.
    more : int
        For ``table``: the offset in the file where the next row begins, for `tables.more_rows`. It is 0 if there is no
        next row, or if the offset is unknown.
    whole : bool
        For ``text`` and ``json``: whether this is the whole text. If not, `text.end` returns the last lines.
    tree : tuple of Node
        For ``tree``: the lines of the tree, such as the groups and datasets of an HDF5 file, each with its depth.
    image : Image or None
        For ``image``: media type, width and height in pixels. The bytes are sent in a buffer of the message.
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
    """Return the part of `lines` that is sent to a page, and whether it is less than all."""
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
    """Return `note` with a sentence on what is left out of a text."""
    if clipped:
        note += "Only the beginning is shown."
    elif not whole:
        note += "Only the first 1 MB is shown."
    return note.strip()

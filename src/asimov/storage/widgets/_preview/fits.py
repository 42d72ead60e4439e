"""FITS files: the header cards of each unit, without its data.

The format is that of the FITS Standard 4.0, sections 3 and 4: blocks of 2,880 bytes, and cards of 80 ASCII characters,
of which the last is ``END``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from .description import LIMIT, Node, Preview
from .sparing import Sparing, SpentError, read_up_to

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC = b"SIMPLE  ="
_BLOCK, _CARD = 2880, 80
_UNITS = 50
_CARDS = 500
_AXES = 999


def headers(source: BinaryIO, size: int) -> Preview:
    """Describe a FITS file by its header cards."""
    nodes: list[Node] = []
    note = ""
    try:
        nodes.extend(_units(Sparing(source, LIMIT), size))  # type: ignore[arg-type]
    except SpentError:
        note = "There may be more: a preview reads at most 1 MB."
    except (ValueError, EOFError) as error:
        note = f"It can't be read on: {error}"
    if len(nodes) >= _CARDS:
        note = f"Only the first {_CARDS} cards are shown."
    return Preview(
        kind="tree" if nodes else "other", type="FITS file", size=size, note=note, tree=tuple(nodes[:_CARDS])
    )


def _units(source: BinaryIO, size: int) -> Iterator[Node]:
    place = 0
    for number in range(_UNITS):
        if place >= size:
            return
        source.seek(place)
        cards = list(_cards(source))
        values = {card[:8].strip(): _value(card) for card in reversed(cards)}
        name = values.get("EXTNAME") or ("primary" if number == 0 else values.get("XTENSION", ""))
        yield Node(depth=0, name=f"{number}: {name}", detail=f"{len(cards)} cards")
        for card in cards:
            yield Node(depth=1, name=card[:8].strip() or " ", detail=card[8:].strip(" ="))
        header = -(-(len(cards) + 1) * _CARD // _BLOCK) * _BLOCK
        place += header + -(-_data_size(values) // _BLOCK) * _BLOCK


def _cards(source: BinaryIO) -> Iterator[str]:
    """Yield the cards of a header, without ``END``."""
    for _ in range(_CARDS):
        card = read_up_to(source, _CARD).decode("ascii", "replace")
        if len(card) < _CARD:
            msg = "its header has no end"
            raise EOFError(msg)
        if card.rstrip() == "END":
            return
        yield card


def _value(card: str) -> str:
    """Return the value of a card, without its comment."""
    text = card[10:] if card[8:10] == "= " else ""
    if text.lstrip().startswith("'"):
        return text.lstrip()[1:].split("'")[0].strip()
    return text.split("/")[0].strip()


def _data_size(values: dict[str, str]) -> int:
    """Return the size of a unit's data in bytes, by equation 2 of the standard."""
    axes = int(values.get("NAXIS", "0"))
    if not 0 <= axes <= _AXES:
        msg = f"NAXIS is {axes}"
        raise ValueError(msg)
    elements = 1 if axes else 0
    for axis in range(1, axes + 1):
        elements *= max(0, int(values.get(f"NAXIS{axis}", "0")))
    more = max(0, int(values.get("PCOUNT", "0"))) if "XTENSION" in values else 0
    groups = max(1, int(values.get("GCOUNT", "1")))
    return abs(int(values.get("BITPIX", "8"))) // 8 * groups * (more + elements)

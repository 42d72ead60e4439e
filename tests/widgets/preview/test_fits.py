"""FITS files: their header cards, unit by unit."""

from __future__ import annotations

import pytest


def unit(*cards, data=b""):
    """Write a unit of a FITS file by hand."""
    header = "".join(f"{card:<80}" for card in (*cards, "END")).encode()
    return header.ljust(-(-len(header) // 2880) * 2880) + data.ljust(-(-len(data) // 2880) * 2880, b"\0")


PRIMARY = unit("SIMPLE  =                    T", "BITPIX  =                   16", "NAXIS   =                    0")
TABLE = unit(
    "XTENSION= 'BINTABLE'           / a table",
    "BITPIX  =                    8",
    "NAXIS   =                    2",
    "NAXIS1  =                   10",
    "NAXIS2  =                  300",
    "PCOUNT  =                    0",
    "GCOUNT  =                    1",
    "EXTNAME = 'EVENTS  '",
    data=bytes(3000),
)
LAST = unit("XTENSION= 'IMAGE   '", "BITPIX  =                  -32", "NAXIS   =                    0")


def test_cards_of_all_units(describe):
    """Each unit is named, with its cards; the data between them are passed over."""
    found = describe(PRIMARY + TABLE + LAST, "a.fits")
    assert (found.kind, found.type, found.note) == ("tree", "FITS file", "")
    units = [(node.name, node.detail) for node in found.tree if node.depth == 0]
    assert units == [("0: primary", "3 cards"), ("1: EVENTS", "8 cards"), ("2: IMAGE", "3 cards")]
    assert ("EXTNAME", "'EVENTS  '") in [(node.name, node.detail) for node in found.tree]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (PRIMARY[:1000].replace(b"END", b"   "), "no end"),
        (unit("SIMPLE  =                    T", "NAXIS   =              1000000"), "NAXIS is 1000000"),
        (unit("SIMPLE  =                    T", "NAXIS   =                 many"), "invalid literal"),
    ],
)
def test_broken_headers(describe, content, words):
    """Of a header that is broken what can be read is shown, and why no more."""
    found = describe(content, "a.fits")
    assert found.type == "FITS file"
    assert words in found.note


def test_a_size_that_lies(describe):
    """Data that would reach beyond the end of the file end the list of units."""
    lies = unit("SIMPLE  =                    T", "BITPIX  = 64", "NAXIS   = 1", "NAXIS1  = 999999999999999")
    assert len([node for node in describe(lies, "a.fits").tree if node.depth == 0]) == 1

from __future__ import annotations

import pytest

from asimov.storage import Status
from asimov.storage._display.text import SYMBOLS, byte_size, count, printable, shown, width


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KiB"),
        (1023, "1.0 KiB"),
        (1024, "1.0 KiB"),
        (1_023_948, "999.9 KiB"),
        (1_023_949, "1.0 MiB"),
        (1_030_000, "1.0 MiB"),
        (12_897_485, "12.3 MiB"),
        (2**53, "8.0 PiB"),
        (1024**6, "1024.0 PiB"),
    ],
)
def test_byte_sizes(size, expected):
    """A size has the unit that leaves three digits before the point, in the largest unit more."""
    assert byte_size(size) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain é 漢字 שלום", "plain é 漢字 שלום"),
        ("\x1b[31m\x07\x9b", "\\x1b[31m\\x07\\x9b"),
        ("a\nb\r\tc\x00\x7f", "a\\nb\\r\\tc\\x00\\x7f"),
        ("\u202e\u200b\u2028\U000e0001\udc80", "\\u202e\\u200b\\u2028\\U000e0001\\udc80"),
        ("no\u00a0break e\u0301", "no\\xa0break e\u0301"),
        ("\u3164\ufe0f\u2003\u2800\ue000", "\\u3164\\ufe0f\\u2003\\u2800\\ue000"),
    ],
)
def test_printable(text, expected):
    """What is invisible or moves a cursor is escaped, and every visible character stays."""
    assert printable(text) == expected


@pytest.mark.parametrize(
    ("text", "columns"), [("", 0), ("plain", 5), ("漢字", 4), ("e\u0301", 1), ("é", 1), ("שלום", 4), ("ｗ", 2)]
)
def test_width(text, columns):
    """Wide characters take two columns of a terminal, combining ones none, and others one."""
    assert width(text) == columns


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a\u202eb\n", "'a\\u202eb\\n'"),
        ("x" * 300, f"'{'x' * 300}'"),
        ("é", "'\\xe9'"),
        (3.5, "3.5"),
        (["é"], "['\\xe9']"),
        ([0] * 100, f"{str([0] * 100)[:200]}..."),
    ],
)
def test_shown(value, expected):
    """A value in a message is on one line in ASCII: text whole, anything else cut where it is long."""
    assert shown(value) == expected


def test_shown_is_one_line():
    """What prints as several lines, as a DataFrame does, is one in a message."""

    class Table:
        def __repr__(self) -> str:
            return "a  b\n1  2"

    assert shown(Table()) == "a b 1 2"


@pytest.mark.parametrize(
    ("number", "expected"), [(0, "0 files"), (1, "1 file"), (2, "2 files"), (12345, "12,345 files")]
)
def test_count(number, expected):
    """A number stands before its noun, which is plural but for one."""
    assert count(number, "file") == expected


def test_each_status_has_a_symbol():
    """Every status of a verification has a symbol of its own, told in the order of the statuses."""
    assert list(SYMBOLS) == [status.value for status in Status]
    assert len(set(SYMBOLS.values())) == len(Status)

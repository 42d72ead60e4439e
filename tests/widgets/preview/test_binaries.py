"""Binary files: known by their first bytes, which are shown in hexadecimal digits."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x1f\x8b\x08\0", "gzip archive"),
        (b"IGWD\0\x08", "gravitational-wave frame file"),
        (b"\x80\x04\x95cos\nsystem\n", "Python pickle"),
        (bytes(range(256)), "binary file"),
    ],
)
def test_other_files_have_type_size_and_first_bytes(describe, content, kind):
    """What can't be shown is named by its type, with its size and its first bytes."""
    found = describe(content, "thing.txt")
    assert (found.kind, found.type, found.size, found.note) == ("text", kind, len(content), "")
    shown = "".join(line[6:53] for line in found.text.split("\n"))
    assert bytes.fromhex(shown) == content


def test_of_many_bytes_the_first_are_shown(describe):
    """Only the first 256 bytes are shown, with what is ASCII beside them."""
    found = describe(b"\0ABC" * 1000, "thing")
    assert found.text.split("\n")[0] == f"0000  {' '.join(['00 41 42 43'] * 4)}  {'.ABC' * 4}"
    assert (len(found.text.split("\n")), found.note) == (16, "Only the first 256 bytes are shown.")

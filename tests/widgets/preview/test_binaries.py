"""Binary files: known by their first bytes."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x1f\x8b\x08\0", "gzip archive"),
        (b"PK\x03\x04", "zip archive"),
        (b"IGWD\0\x08", "gravitational-wave frame file"),
        (b"\x93NUMPY\x01\0", "NumPy array"),
        (b"\x80\x04\x95cos\nsystem\n", "Python pickle"),
        (b"a" * 257 + b"ustar", "tar archive"),
        (bytes(range(256)), "binary file"),
    ],
)
def test_other_files_have_type_and_size(describe, content, kind):
    """What can't be shown is named by its type, with its size."""
    found = describe(content, "thing.txt")
    assert (found.kind, found.type, found.size, found.text) == ("other", kind, len(content), "")

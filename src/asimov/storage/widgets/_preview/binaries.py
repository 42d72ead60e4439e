"""Binary files whose type is known by their first bytes, and of which no more is shown."""

from __future__ import annotations

from .description import Preview

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


def binary(data: bytes, size: int) -> Preview | None:
    """Describe a binary file by its type; None where that isn't known."""
    if data[257:262] == b"ustar":
        return Preview(kind="other", type="tar archive", size=size)
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            return Preview(kind="other", type=kind, size=size)
    return None

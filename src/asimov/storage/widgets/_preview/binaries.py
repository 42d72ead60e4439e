"""Binary files, of which only the first bytes are shown. These may tell the type."""

from __future__ import annotations

from .description import Preview

_SHOWN, _WIDTH = 256, 16
_MAGIC = (
    (b"\x1f\x8b", "gzip archive"),
    (b"BZh", "bzip2 archive"),
    (b"\xfd7zXZ\x00", "xz archive"),
    (b"\x28\xb5\x2f\xfd", "Zstandard archive"),
    (b"%PDF-", "PDF document"),
    (b"IGWD", "gravitational-wave frame file"),
    (b"SQLite format 3\x00", "SQLite database"),
    (b"\x80\x02", "Python pickle"),
    (b"\x80\x03", "Python pickle"),
    (b"\x80\x04", "Python pickle"),
    (b"\x80\x05", "Python pickle"),
)


def binary(data: bytes, size: int) -> Preview | None:
    """Describe a binary file of a known type. Return None if the type isn't known."""
    return next((in_hex(data, size, kind) for magic, kind in _MAGIC if data.startswith(magic)), None)


def in_hex(data: bytes, size: int, kind: str = "binary file") -> Preview:
    """Describe a file by its first bytes: in hexadecimal digits, and beside them as ASCII."""
    lines = (data[start : start + _WIDTH] for start in range(0, min(len(data), _SHOWN), _WIDTH))
    text = "\n".join(f"{number * _WIDTH:04x}  {line.hex(' '):<47}  {_ascii(line)}" for number, line in enumerate(lines))
    note = f"Only the first {_SHOWN} bytes are shown." if size > _SHOWN else ""
    return Preview(kind="text", type=kind, size=size, text=text, note=note)


def _ascii(line: bytes) -> str:
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in line)

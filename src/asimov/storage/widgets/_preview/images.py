"""Images that a page may show, recognised by their first bytes, with their size in pixels.

Only formats that can't contain a script are shown: PNG, JPEG, GIF and WebP. The size is read before a browser decodes
the image, so a small file that unpacks to gigabytes of pixels is never sent.
"""

from __future__ import annotations

import struct

from .description import PIXELS, Image, Preview

_MARKER = 0xFF
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def image(data: bytes, size: int) -> Preview | None:
    """Describe an image. Return None if the bytes aren't the beginning of one."""
    found = _recognised(data)
    if found is None:
        return None
    kind = f"{found.name} image, {found.width} × {found.height} pixels"
    if size > len(data):
        return Preview(kind="other", type=kind, size=size, note="An image of more than 1 MB is not shown here.")
    if found.width * found.height > PIXELS:
        return Preview(kind="other", type=kind, size=size, note="An image of so many pixels is not shown here.")
    return Preview(kind="image", type=kind, size=size, image=found)


def _recognised(data: bytes) -> Image | None:
    """Return the image that begins with `data`, or None."""
    for name, media, size in (
        ("PNG", "image/png", _png),
        ("JPEG", "image/jpeg", _jpeg),
        ("GIF", "image/gif", _gif),
        ("WebP", "image/webp", _webp),
    ):
        try:
            found = size(data)
        except (struct.error, IndexError):
            continue
        if found is not None and min(found) > 0:
            return Image(name=name, media=media, width=found[0], height=found[1], content=data)
    return None


def _png(data: bytes) -> tuple[int, int] | None:
    """Return width and height of a PNG. They are at the start of its first chunk, IHDR.

    The format is that of the W3C Recommendation, third edition, 11.2.1.
    """
    if data[:8] != b"\x89PNG\r\n\x1a\n" or data[12:16] != b"IHDR":
        return None
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _gif(data: bytes) -> tuple[int, int] | None:
    """Return width and height of a GIF. They follow the signature (GIF89a, section 18)."""
    if data[:6] not in {b"GIF87a", b"GIF89a"}:
        return None
    width, height = struct.unpack_from("<HH", data, 6)
    return width, height


def _jpeg(data: bytes) -> tuple[int, int] | None:
    """Return width and height of a JPEG. They are in the frame header, after other segments (ITU-T T.81, annex B)."""
    if data[:3] != b"\xff\xd8\xff":
        return None
    place = 2
    while data[place] == _MARKER:
        if data[place + 1] in _FRAMES:
            height, width = struct.unpack_from(">HH", data, place + 5)
            return width, height
        place += 2 + struct.unpack_from(">H", data, place + 2)[0]
    return None


def _webp(data: bytes) -> tuple[int, int] | None:
    """Return width and height of a WebP: a RIFF container whose first chunk is VP8, VP8L or VP8X (RFC 9649)."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return None
    chunk = data[12:16]
    if chunk == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if chunk == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF

"""Images: known by their bytes, and sent where they are small."""

from __future__ import annotations

import struct
import zlib

import pytest

from asimov.storage.widgets._preview.description import LIMIT


def png(width, height, extra=b""):
    """Return a PNG that a browser shows."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + bytes(width) for _ in range(min(height, 64))))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"") + extra


def _gif():
    return b"GIF89a" + struct.pack("<HH", 3, 2) + b"\0" * 20


def _jpeg():
    app = b"\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0" + bytes(9)
    return b"\xff\xd8" + app + b"\xff\xc2" + struct.pack(">HBHHB", 11, 8, 2, 3, 1) + bytes(20)


def _webp(chunk):
    bodies = {
        b"VP8 ": bytes(6) + struct.pack("<HH", 3, 2),
        b"VP8L": b"\x2f" + struct.pack("<I", (3 - 1) | (2 - 1) << 14),
        b"VP8X": bytes(4) + (3 - 1).to_bytes(3, "little") + (2 - 1).to_bytes(3, "little"),
    }
    return b"RIFF\x20\0\0\0WEBP" + chunk + struct.pack("<I", 10) + bodies[chunk] + bytes(10)


@pytest.mark.parametrize(
    ("content", "name", "media"),
    [
        (png(3, 2), "PNG", "image/png"),
        (_gif(), "GIF", "image/gif"),
        (_jpeg(), "JPEG", "image/jpeg"),
        (_webp(b"VP8 "), "WebP", "image/webp"),
        (_webp(b"VP8L"), "WebP", "image/webp"),
        (_webp(b"VP8X"), "WebP", "image/webp"),
    ],
)
def test_images_are_known_by_their_bytes(describe, content, name, media):
    """An image is recognised whatever its name, with its size in pixels, and its bytes go beside the message."""
    found = describe(content, "plot")
    message, buffers = found.message()
    assert (found.kind, found.type) == ("image", f"{name} image, 3 × 2 pixels")
    assert message["image"] == {"name": name, "media": media, "width": 3, "height": 2}
    assert buffers == [content]


@pytest.mark.parametrize(("content"), [png(3, 2, bytes(LIMIT)), png(100_000, 100_000)])
def test_an_image_too_large_is_not_sent(describe, content):
    """An image of more than a megabyte, or that unpacks to gigabytes, is only described."""
    found = describe(content, "plot.png")
    assert (found.kind, found.message()[1]) == ("other", [])
    assert "not shown here" in found.note


@pytest.mark.parametrize(
    "content", [png(3, 2)[:20], b"\xff\xd8\xff\xe0", b"\xff\xd8\xff\xe0\0\0\0", b"GIF89a", png(0, 2)]
)
def test_a_truncated_image_is_a_binary_file(describe, content):
    """A file that only begins like an image is not shown as one."""
    assert describe(content, "plot").kind in {"other", "text"}

r"""Sums: the lines that ``md5sum -c`` and ``sha256sum -c`` read, odd names with GNU's escapes.

A line whose name holds a line feed or a backslash begins with a backslash; in the name they are ``\n`` and ``\\``. See
the manual of GNU coreutils, "cksum output modes".
"""

from __future__ import annotations

from collections.abc import Iterable


def lines(digests: Iterable[tuple[str, str]]) -> bytes:
    """Return the lines for pairs of a digest and a path."""
    return "".join(_line(digest, path) for digest, path in digests).encode()


def _line(digest: str, path: str) -> str:
    name = path.replace("\\", "\\\\").replace("\n", "\\n")
    mark = "\\" if name != path else ""
    if name.startswith("-"):
        name = f"./{name}"  # md5sum takes - for its standard input, and other programs take -x for an option
    return f"{mark}{digest}  {name}\n"

"""The format "folder": files, their sums, a table and a page that explains them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from . import readme, sums
from .exported import Exported, md5s, sha256s
from .table import MEANING, csv_text

PREFIX = ""
RESERVED = ("README.txt", "manifest.csv", "md5sums.txt", "sha256sums.txt")
PARTS = {
    "md5sums.txt": "the MD5 of each file, as md5sum writes it.",
    "sha256sums.txt": "the SHA-256 of each file whose SHA-256 the Store has, as sha256sum writes it.",
    "manifest.csv": MEANING,
}
"""What each of the written files is for."""


def texts(exported: Exported, others: Mapping[str, str] = MappingProxyType({})) -> dict[str, bytes]:
    """Return the texts to write beside the files, by their paths; `others` says what further ones are for."""
    found = {"md5sums.txt": sums.lines(md5s(exported.files))}
    if exported.with_sha256:
        found["sha256sums.txt"] = sums.lines(sha256s(exported.files))
    found["manifest.csv"] = csv_text(exported)
    found["README.txt"] = readme.text(exported, {name: PARTS[name] for name in found} | dict(others), checks(found))
    return found


def checks(found: dict[str, bytes]) -> list[str]:
    """Return the lines for a shell that check the files."""
    commands = {"md5sums.txt": "md5sum -c md5sums.txt", "sha256sums.txt": "sha256sum -c sha256sums.txt"}
    return [command for name, command in commands.items() if name in found]

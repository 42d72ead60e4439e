"""The format "bag": a BagIt bag, version 1.0 (RFC 8493)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

from asimov.storage._display.text import byte_size

from . import readme
from .exported import SOFTWARE, Exported, md5s, sha256s
from .table import MEANING, csv_text

PREFIX = "data/"
RESERVED: tuple[str, ...] = ()
_PARTS = {
    "data": "the files.",
    "manifest-md5.txt, manifest-sha256.txt": "the digests of the files. In their names, % is written as %25, and a "
    "line feed as %0A.",
    "manifest.csv": MEANING,
    "bag-info.txt, bagit.txt, tagmanifest-*.txt": "what BagIt (RFC 8493) asks for. Programs for BagIt check all of it.",
}


def texts(exported: Exported) -> dict[str, bytes]:
    """Return the tag files, by their paths; the manifest for SHA-256 only if it would have each file."""
    found = {"bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"}
    found["bag-info.txt"] = _info(exported)
    found["manifest-md5.txt"] = _lines(md5s(exported.files))
    checks = ["md5sum -c manifest-md5.txt"]
    if exported.all_have_sha256:
        found["manifest-sha256.txt"] = _lines(sha256s(exported.files))
        checks.append("sha256sum -c manifest-sha256.txt")
    found["manifest.csv"] = csv_text(exported)
    found["README.txt"] = readme.text(exported, _PARTS, checks)
    tags = {"tagmanifest-md5.txt": _digested(found, _md5)}
    if exported.all_have_sha256:
        tags["tagmanifest-sha256.txt"] = _digested(found, lambda text: hashlib.sha256(text).hexdigest())
    return found | tags


def _info(exported: Exported) -> bytes:
    """Return bag-info.txt: labels and values on one line each."""
    info = {
        "Bag-Software-Agent": SOFTWARE,
        "Bagging-Date": exported.moment[:10],
        "Bag-Size": byte_size(exported.size),
        "Payload-Oxum": f"{exported.size}.{len(exported.files)}",
        "External-Description": exported.summary,
        "External-Identifier": f"asimov-storage fingerprint {exported.fingerprint}",
    }
    if exported.license is not None:
        info["License"] = exported.license
    return "".join(f"{label}: {value}\n" for label, value in info.items()).encode()


def _lines(digests: Iterable[tuple[str, str]]) -> bytes:
    return "".join(f"{digest}  {encoded(path)}\n" for digest, path in digests).encode()


def encoded(path: str) -> str:
    """Return a path as a manifest of a bag has it (RFC 8493, 2.1.3): these three characters encoded, and no others."""
    return path.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _digested(found: dict[str, bytes], digest: Callable[[bytes], str]) -> bytes:
    return _lines((digest(text), name) for name, text in found.items())


def _md5(text: bytes) -> str:
    return hashlib.md5(text, usedforsecurity=False).hexdigest()

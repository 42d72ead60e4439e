"""Manifest text to `Contents`: read at a glance where it is canonical, else by a YAML parser, loaded only then."""

from __future__ import annotations

from pathlib import Path

from asimov.storage._model.snapshot import Contents

from . import canonical_reader


def parse(text: bytes, path: Path) -> Contents:
    """Read a manifest.

    Parameters
    ----------
    text : bytes
        The whole file.
    path : pathlib.Path
        What errors name.

    Raises
    ------
    ManifestError
        It is not YAML 1.1, not one document, or not of the manifest's shape; it names the line where there is one.
    """
    end, folded = canonical_reader.split_folded(text)
    contents = canonical_reader.read(text if folded is None else text[:end])
    if contents is not None:
        return contents
    from .yaml_reader import parse_any

    return parse_any(text, path)

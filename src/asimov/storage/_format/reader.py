"""Manifest text to `Contents`: canonical text without a YAML parser, any other with one, which is loaded only then."""

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
        The path that errors name.

    Raises
    ------
    ManifestError
        The text is not YAML 1.1, not one document, or not of a manifest's shape. The error names the line, if known.
    """
    end, folded = canonical_reader.split_folded(text)
    contents = canonical_reader.read(text if folded is None else text[:end])
    if contents is not None:
        return contents
    from .yaml_reader import parse_any

    return parse_any(text, path)

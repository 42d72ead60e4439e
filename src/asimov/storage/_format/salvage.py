"""What can still be read of a damaged manifest."""

from __future__ import annotations

import contextlib
import re

from asimov.storage._model.further import values
from asimov.storage._model.identity import is_uuid
from asimov.storage._model.names import problem
from asimov.storage._model.record import Record
from asimov.storage._model.retraction import RETRACTED, Retraction
from asimov.storage._model.retraction import retractions as retractions_said

from . import further
from .canonical_rows import TOKEN
from .quoting import unquote

_DIGEST = "([0-9a-f]{32}|'[0-9a-f]{32}')"
_MORE = r"((?:        (?!hash: |uuid: ).+\n)*)"
_ROW = (
    rf"^(?:  {TOKEN}:\n)?(?:    {TOKEN}:\n)?      {TOKEN}:\n"
    rf"{_MORE}        hash: {_DIGEST}\n{_MORE}        uuid: {_DIGEST}\n{_MORE}"
)


def records(text: str) -> list[Record]:
    """Read the rows that can be recognised, and pass over everything between them."""
    event = production = ""
    found = []
    for row in re.finditer(_ROW, text, re.MULTILINE):
        event, production = row[1] or event, row[2] or production
        names = [unquote(token) or "" for token in (event, production, row[3])]
        if not any(map(_wrong, ("event", "production", "file"), names)):
            key = (names[0], names[1], names[2])
            found.append(Record.of(key, row[5].strip("'"), row[7].strip("'"), _sound(row[4], row[6], row[8])))
    return found


def retractions(text: str) -> list[Retraction]:
    """Read the retractions that can be recognised."""
    import yaml

    block = re.search(rf"^{RETRACTED}:\n((?:  .+\n)+)", text, re.MULTILINE)
    found: list[Retraction] = []
    for uuid, lines in further.items(block[1], 2) if block else ():
        with contextlib.suppress(yaml.YAMLError):
            found += retractions_said(values(lines)).values() if is_uuid(uuid) else []
    return found


def _sound(*parts: str) -> str:
    """Return those further lines of a record that are YAML."""
    whole = further.normalised("".join(parts))
    return further.normalised("".join(filter(further.normalised, parts))) or "" if whole is None else whole


def _wrong(kind: str, name: str) -> bool:
    return problem(kind, name) is not None

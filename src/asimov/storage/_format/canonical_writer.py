"""Canonical manifest text, written as a whole, or by splicing records into the text that is there (`splice`).

The text has block style, an indent of two spaces and sorted keys. Every scalar is on one line, and quoted where it must
be (`quoting`). Upstream asimov writes text of the same shape.
"""

from __future__ import annotations

from asimov.storage._model.snapshot import Contents, Text

from . import further
from .blocks import heading, row
from .quoting import quote
from .rope import Rope
from .splice import is_canonical, spliced


def write(contents: Contents) -> Text:
    """Return the canonical text of `contents`, which keeps it for the next call."""
    if contents.text is None or not is_canonical(contents):
        contents.text, contents.quoted = spliced(contents) or Rope(whole(contents)), None
    contents.origin = None
    return contents.text


def whole(contents: Contents) -> bytes:
    """Write the whole text anew."""
    parts = {
        **dict(further.items(contents.top, 0)),
        "name": f"name: {quote(contents.name)}\n",
        "events": _events(contents),
    }
    return "".join(parts[key] for key in sorted(parts)).encode()


def _events(contents: Contents) -> str:
    if not contents.keys and not contents.empties:
        return "events: {}\n"
    if contents.empties:
        return "events:\n" + _events_with_empties(contents)
    lines, event, production = ["events:\n"], None, None
    for index, key in enumerate(contents.keys):
        if key[0] != event:
            lines.append(heading(2, key[0]))
            event, production = key[0], None
        if key[1] != production:
            lines.append(heading(4, key[1]))
            production = key[1]
        lines.append(_row(contents, index))
    return "".join(lines)


def _events_with_empties(contents: Contents) -> str:
    """Write events and productions, some of which hold nothing. That is rare, so this is simple rather than fast."""
    tree: dict[str, dict[str, list[int]]] = {}
    for event, *production in contents.empties:
        below = tree.setdefault(event, {})
        if production:
            below[production[0]] = []
    for index, (event, name, _) in enumerate(contents.keys):
        tree.setdefault(event, {}).setdefault(name, []).append(index)
    lines = []
    for event in sorted(tree):
        lines.append(heading(2, event) if tree[event] else f"  {quote(event)}: {{}}\n")
        for name in sorted(tree[event]):
            indices = tree[event][name]
            lines.append(heading(4, name) if indices else f"    {quote(name)}: {{}}\n")
            lines += [_row(contents, index) for index in indices]
    return "".join(lines)


def _row(contents: Contents, index: int) -> str:
    lines = contents.further[index] if contents.further else ""
    return row(contents.keys[index][2], contents.hashes[index], contents.uuids[index], lines)

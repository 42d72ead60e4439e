"""Canonical manifest text: read by the column (`canonical_reader`), written whole, or records spliced into it.

Block style, two-space indent, sorted keys, every scalar on one line, quoted where it must be (`quoting`). What
upstream asimov writes has the same shape.
"""

from __future__ import annotations

import re

from asimov.storage._model.names import Key
from asimov.storage._model.record import Record
from asimov.storage._model.snapshot import Collection, Contents, Node

from . import canonical_reader
from .quoting import INNER, means_another_type, quote, unquote
from .rope import Pieces

_TAIL = re.compile(rf"""name: (\w(?:[{INNER} ]*[{INNER}])?|'[^\n]*'|"[^\n]*")\n(sha256: true\n)?""")
_FOLDED = re.compile(rb"# entries folded: (0|[1-9][0-9]{0,17})\n?\Z")
_NEAR = 1 << 16
"""How far from where it would be if all records were of one length a record is looked for first."""
_SIMPLE_KEY = 1000
"""Characters: a longer key has to be written as ``? KEY`` (YAML 1.1, 7.3.4, says 1024)."""
_EVENTS, _NO_EVENTS = b"events:\n", b"events: {}\n"


def read(data: bytes) -> Contents | None:
    """Read text of the canonical shape; None if it has another, or anything is wrong with it."""
    end = read_end(data)
    if end is None:
        return None
    start, empty = end
    if start == len(_NO_EVENTS) and data.startswith(_NO_EVENTS):
        return empty
    if not data.startswith(_EVENTS):
        return None
    try:
        body = str(memoryview(data)[len(_EVENTS) - 1 : start], "utf-8")  # one copy of what may be large
    except UnicodeDecodeError:
        return None
    return _rows_to_contents(body, empty)


def read_end(data: bytes) -> tuple[int, Contents] | None:
    """Read what stands after the events: where it starts, and what it says; None if it isn't canonical."""
    start = data.rfind(b"\nname: ") + 1
    try:
        tail = _TAIL.fullmatch(data[start:].decode()) if start else None
    except UnicodeDecodeError:
        return None
    name = unquote(tail[1]) if tail is not None else None
    if tail is None or name is None:
        return None
    top: dict[str, Node] = {"sha256": "true"} if tail[2] else {}
    return start, Contents(name=name, top=top, text=Pieces(data) if quote(name) == tail[1] else None)


def split_folded(data: bytes) -> tuple[int, int | None]:
    """Find the manifest's last line, a comment that says up to which number it includes the entries (see `commit`).

    Returns
    -------
    end, number
        Where the text above it ends, and that number; where `data` ends, and None, if there is no such line.
    """
    found = _FOLDED.search(data, max(data.rfind(b"\n", 0, -1) + 1, 0))
    return (len(data), None) if found is None else (found.start(), int(found[1]))


def folded_line(number: int) -> bytes:
    """Return the last line of a manifest that includes the entries up to `number`."""
    return b"# entries folded: %d\n" % number


def _rows_to_contents(body: str, empty: Contents) -> Contents | None:
    rows = canonical_reader.read(body)
    if rows is None:
        return None
    text = empty.text
    if rows.mixed or any(quote(name) != token for token, name in rows.quoted.items()):
        text = None
    return Contents(
        name=empty.name,
        top=empty.top,
        keys=rows.keys,
        hashes=rows.hashes,
        uuids=rows.uuids,
        sha256s=rows.sha256s,
        sizes=rows.sizes,
        text=text,
        quoted=frozenset(rows.quoted.values()),
    )


def write(contents: Contents) -> Pieces:
    """Give the canonical text of `contents`; it is kept there."""
    if contents.text is None or not _is_canonical(contents):
        contents.text, contents.quoted = _spliced(contents) or Pieces(_whole(contents)), None
    contents.origin = None
    return contents.text


def _is_canonical(contents: Contents) -> bool:
    """Whether text of the canonical shape also quotes just the names that it should."""
    quoted = contents.quoted  # another thread may write the same contents, and set it to None
    if quoted is not None:
        names = {name for key in contents.keys for name in key} - quoted
        if any(map(means_another_type, names)) or any(map(_is_number, contents.hashes + contents.uuids)):
            return False
        contents.quoted = None
    return True


# Records put into text that is there.


def _spliced(contents: Contents) -> Pieces | None:
    """Put the records that were added into the text of what they were added to; None if that can't be done."""
    if contents.origin is None:
        return None
    base, records = contents.origin
    text = base.text
    if text is None or not len(base) or contents.extras or base.empties or not _is_canonical(base):
        return None
    for record in sorted(records, key=lambda record: record.key):  # so that those before it are in `text`
        at, headings = _place(text, record.key, contents.before(record.key), base.after(record.key), base)
        text = text.with_lines(at, (headings + _block(record)).encode())
    return text


def _place(text: Pieces, key: Key, left: Record | None, right: Record | None, base: Contents) -> tuple[int, str]:
    """Find where in `text`, between two records, the one with `key` goes, and which headings it brings along."""
    near = int(text.size * base.position(key))
    headings = _heading(2, key[0]) + _heading(4, key[1])
    if left is not None and left.key[:2] == key[:2]:
        return _end(text, left, near), ""
    if right is not None and right.key[:2] == key[:2]:
        return _start(text, right, near), ""
    if left is not None and left.event == key[0]:
        return _end(text, left, near), _heading(4, key[1])
    if right is not None and right.event == key[0]:
        above = len(_heading(4, right.production).encode())
        return _start(text, right, near) - above, _heading(4, key[1])
    if left is not None or right is None:  # there is one of them, since the text has a record
        return (0 if left is None else _end(text, left, near)), headings
    above = len((_heading(2, right.event) + _heading(4, right.production)).encode())
    return _start(text, right, near) - above, headings


def _end(text: Pieces, record: Record, near: int) -> int:
    line = _uuid_line(record.uuid).encode()
    at = text.find(line, max(near - _NEAR, 0), near + _NEAR)
    return (text.find(line, 0, text.size) if at < 0 else at) + len(line)


def _start(text: Pieces, record: Record, near: int) -> int:
    return _end(text, record, near) - len(_block(record).encode())


# All of it.


def _whole(contents: Contents) -> bytes:
    top: dict[str, Node | None] = {**contents.top, "name": quote(contents.name), "events": None}
    parts = []
    for key in sorted(top):
        value = top[key]
        parts.append(_events(contents) if value is None else _further(0, key, value))
    return "".join(parts).encode()


def _events(contents: Contents) -> str:
    if not contents.keys and not contents.empties:
        return "events: {}\n"
    if contents.empties:
        return "events:\n" + _events_with_empties(contents)
    lines, event, production = ["events:\n"], None, None
    for index, key in enumerate(contents.keys):
        if key[0] != event:
            lines.append(_heading(2, key[0]))
            event, production = key[0], None
        if key[1] != production:
            lines.append(_heading(4, key[1]))
            production = key[1]
        lines.append(_row(contents, index))
    return "".join(lines)


def _events_with_empties(contents: Contents) -> str:
    """Write events and productions of which some hold nothing: rare, so by the simple way."""
    tree: dict[str, dict[str, list[int]]] = {}
    for event, *production in contents.empties:
        below = tree.setdefault(event, {})
        if production:
            below[production[0]] = []
    for index, (event, name, _) in enumerate(contents.keys):
        tree.setdefault(event, {}).setdefault(name, []).append(index)
    lines = []
    for event in sorted(tree):
        lines.append(_heading(2, event) if tree[event] else f"  {quote(event)}: {{}}\n")
        for name in sorted(tree[event]):
            indices = tree[event][name]
            lines.append(_heading(4, name) if indices else f"    {quote(name)}: {{}}\n")
            lines += [_row(contents, index) for index in indices]
    return "".join(lines)


def _heading(indent: int, name: str) -> str:
    return f"{'':{indent}}{quote(name)}:\n"


def _block(record: Record) -> str:
    """Return the text of a record that has no further keys."""
    return _heading(6, record.file) + _full_record(record.hash, record.uuid, record.sha256, record.size, {})


def _row(contents: Contents, index: int) -> str:
    """Return the text of the record at `index`."""
    key, digest, uuid = contents.keys[index], contents.hashes[index], contents.uuids[index]
    extras = contents.extras.get(key)
    sha256 = contents.sha256s[index] if contents.sha256s else None
    size = contents.sizes[index] if contents.sizes else None
    if extras or sha256 is not None or size is not None:
        return _heading(6, key[2]) + _full_record(digest, uuid, sha256, size, extras or {})
    return f"      {quote(key[2])}:\n        hash: {_digest(digest)}\n{_uuid_line(uuid)}"


def _full_record(digest: str, uuid: str, sha256: str | None, size: int | None, extras: dict[str, Node]) -> str:
    lines: dict[str, Node] = {"hash": _digest(digest), "uuid": _digest(uuid), **extras}
    if sha256 is not None:
        lines["sha256"] = _digest(sha256)
    if size is not None:
        lines["size"] = str(size)
    return "".join(_further(8, key, lines[key]) for key in sorted(lines))


def _uuid_line(uuid: str) -> str:
    return f"        uuid: {_digest(uuid)}\n"


def _digest(digest: str) -> str:
    return f"'{digest}'" if _is_number(digest) else digest


def _is_number(digest: str) -> bool:
    return digest.isdigit() or (digest.startswith("0b") and means_another_type(digest))


def _further(indent: int, key: str, value: Node) -> str:
    """Write a key that we keep for others, in block style."""
    start = f"{'':{indent}}{key}:" if len(key) <= _SIMPLE_KEY else f"{'':{indent}}? {key}\n{'':{indent}}:"
    if not isinstance(value, Collection):
        return f"{start} {value}\n"
    tag = f" {value.tag}" if value.tag else ""
    if not value.values:
        return f"{start}{tag} {'[]' if value.keys is None else '{}'}\n"
    return f"{start}{tag}\n" + _below(indent + 2, value)


def _below(indent: int, value: Collection) -> str:
    if value.keys is not None:
        return "".join(_further(indent, k, v) for k, v in zip(value.keys, value.values, strict=True))
    # A list's items stand like the values of keys called "-".
    return "".join(_item(indent, item) for item in value.values)


def _item(indent: int, value: Node) -> str:
    if not isinstance(value, Collection):
        return f"{'':{indent}}- {value}\n"
    if not value.values or value.tag:
        return _further(indent, "-", value).replace("-:", "-", 1)
    return f"{'':{indent}}-\n" + _below(indent + 2, value)

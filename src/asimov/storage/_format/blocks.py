"""The lines of one record, and of the headings above it."""

from __future__ import annotations

from asimov.storage._model.record import Record

from . import further
from .quoting import means_another_type, quote


def heading(indent: int, name: str) -> str:
    """Return the line of an event, a production or a file."""
    return f"{'':{indent}}{quote(name)}:\n"


def block(record: Record) -> str:
    """Return the lines of a record."""
    return row(record.file, record.hash, record.uuid, record.further_lines)


def row(file: str, digest: str, uuid: str, lines: str) -> str:
    """Return the lines of a record, with its further lines in their places."""
    if not lines:
        return f"      {quote(file)}:\n        hash: {_plain(digest)}\n{uuid_line(uuid)}"
    before, between, after = further.around(lines)
    return f"      {quote(file)}:\n{before}        hash: {_plain(digest)}\n{between}{uuid_line(uuid)}{after}"


def uuid_line(uuid: str) -> str:
    """Return the line by which a record is found: no other record has the same one."""
    return f"        uuid: {_plain(uuid)}\n"


def is_number(digest: str) -> bool:
    """Return whether YAML would read a digest as a number, so that it has to be quoted."""
    return digest.isdigit() or (digest.startswith("0b") and means_another_type(digest))


def _plain(digest: str) -> str:
    return f"'{digest}'" if is_number(digest) else digest

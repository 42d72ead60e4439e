"""Retractions: what is said of a record that should not be used any more. The record and its file stay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .record import Record

RETRACTED = "retracted"
"""The key of the retractions at the top of a manifest."""


class Retraction:
    """What is said of one record that was retracted.

    Parameters
    ----------
    uuid : str
        The uuid of the record.
    values : mapping
        What the manifest says: ``reason``, ``at``, ``by``, perhaps ``superseded_by``, and what later versions add.
    """

    def __init__(self, uuid: str, values: Mapping[str, Any]) -> None:
        self.uuid, self.values = uuid, dict(values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Retraction) and (self.uuid, self.values) == (other.uuid, other.values)

    def __hash__(self) -> int:
        return hash(self.uuid)

    def __repr__(self) -> str:
        return f"Retraction({self.uuid!r}, {self.values!r})"

    @property
    def reason(self) -> str:
        """Why the record was retracted."""
        return self._text("reason") or ""

    @property
    def at(self) -> str:
        """When: UTC, ISO 8601."""
        return self._text("at") or ""

    @property
    def by(self) -> str:
        """By whom: user@host."""
        return self._text("by") or ""

    @property
    def superseded_by(self) -> str | None:
        """The uuid of the record to use instead, if there is one."""
        return self._text("superseded_by")

    def _text(self, name: str) -> str | None:
        value = self.values.get(name)
        return None if value is None else str(value)


def retractions(found: object) -> dict[str, Retraction]:
    """Return the retractions that a manifest's value says, by uuid; what is none of them is left out."""
    if not isinstance(found, Mapping):
        return {}
    return {str(uuid): Retraction(str(uuid), values) for uuid, values in found.items() if isinstance(values, Mapping)}


def in_words(record: Record, retraction: Retraction, successor: Record | None) -> str:
    """Return in words what there is to know of a retracted record."""
    said = f"{' / '.join(map(ascii, record.key))} was retracted"
    said += f" on {retraction.at}" if retraction.at else ""
    said += f" by {retraction.by}" if retraction.by else ""
    said += f": {retraction.reason}" if retraction.reason else ""
    instead = "" if successor is None else f" Use {' / '.join(map(ascii, successor.key))} instead."
    return said.rstrip(".") + "." + instead

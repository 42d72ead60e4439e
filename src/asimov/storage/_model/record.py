"""Record: one file that a Store has recorded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from .names import Key

Duplicate = Literal["raise", "link", "skip"]
_SHA256 = r"(?m)^        sha256: '?([0-9a-f]{64})'?\n"
_SIZE = r"(?m)^        size: (0|[1-9][0-9]{0,18})\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One file that a Store has recorded.

    Attributes
    ----------
    event, production, file : str
        Its place in the hierarchy, and its name. In asimov, an event is what is analysed (a gravitational wave, say),
        and a production is one analysis of it.
    hash : str
        The MD5 of its bytes: 32 lower-case hexadecimal digits.
    uuid : str
        Its identity: 32 lower-case hexadecimal digits.
    sha256 : str or None
        The SHA-256 of its bytes, 64 lower-case hexadecimal digits, in Stores that were created with ``sha256=True``.
    size : int or None
        Its length in bytes, in the same Stores.
    further_lines : str
        What else the manifest says about it, the two above included, as lines of YAML; `further` has them as values.
    """

    event: str
    production: str
    file: str
    hash: str
    uuid: str
    sha256: str | None = None
    size: int | None = None
    further_lines: str = field(default="", repr=False, compare=False)

    @classmethod
    def of(cls, key: Key, hash: str, uuid: str, further_lines: str = "") -> Record:
        """Make a record from what a manifest says."""
        event, production, file = key
        if not further_lines:
            return cls(event=event, production=production, file=file, hash=hash, uuid=uuid)
        sha256 = re.search(_SHA256, further_lines) if "        sha256: " in further_lines else None
        size = re.search(_SIZE, further_lines) if "        size: " in further_lines else None
        return cls(
            event=event,
            production=production,
            file=file,
            hash=hash,
            uuid=uuid,
            sha256=sha256 and sha256[1],
            size=None if size is None else int(size[1]),
            further_lines=further_lines,
        )

    @property
    def key(self) -> Key:
        """Event, production and file: what is unique in a Store."""
        return self.event, self.production, self.file

    @property
    def further(self) -> Mapping[str, Any]:
        """What else the manifest says about the file, by key; read-only, and empty for most files.

        The values are those of YAML 1.1: texts, numbers, truth values, None, dates, lists and dicts. Later versions,
        other programs and people may add such keys, and each version keeps them.
        """
        from .further import values

        known = {"sha256"} if self.sha256 is not None else set()
        known |= {"size"} if self.size is not None else set()
        found = values(self.further_lines) if self.further_lines else {}
        return MappingProxyType({name: value for name, value in found.items() if name not in known})

    @property
    def meta(self) -> Mapping[str, Any]:
        """The notes that were written with the record, by key; read-only, and empty for a record without notes."""
        from .further import notes

        return MappingProxyType(dict(notes(self.further_lines)))

    def _repr_html_(self) -> str:
        from asimov.storage._display.pages import record_html

        size = None if self.size is None else f"{self.size:,} bytes"
        return record_html(repr(self), {**as_dict(self), "sha256": self.sha256, "size": size})


RECORD_FIELDS = ("event", "production", "file", "hash", "uuid")
"""The attributes that every record has, in the order in which they are shown."""


def as_dict(record: Record) -> dict[str, str]:
    """Return a record as a dict, as results and JSON hold it: names, hash and uuid."""
    return {name: getattr(record, name) for name in RECORD_FIELDS}


def identity(record: Record) -> dict[str, str]:
    """Return the hash and the uuid of a record, as upstream's manifest holds them below its name."""
    return {"hash": record.hash, "uuid": record.uuid}

"""Record: one file that a Store has recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .names import Key

Duplicate = Literal["raise", "link", "skip"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One file that a Store has recorded.

    Attributes
    ----------
    event, production, file : str
        Its place in the hierarchy, and its name.
    hash : str
        The MD5 of its bytes: 32 lower-case hexadecimal digits.
    uuid : str
        Its identity: 32 lower-case hexadecimal digits.
    sha256 : str or None
        The SHA-256 of its bytes, 64 lower-case hexadecimal digits, in Stores that were created with ``sha256=True``.
    size : int or None
        Its length in bytes, in the same Stores.
    """

    event: str
    production: str
    file: str
    hash: str
    uuid: str
    sha256: str | None = None
    size: int | None = None

    @property
    def key(self) -> Key:
        """Event, production and file: what is unique in a Store."""
        return self.event, self.production, self.file

    def _repr_html_(self) -> str:
        from asimov.storage._display.pages import record_html

        return record_html(self)

"""What an export holds: the values that its texts are written from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from asimov.storage._display.text import count, printable
from asimov.storage._model.record import Record
from asimov.storage._model.retraction import Retraction
from asimov.storage._version import __version__

SOFTWARE = f"asimov-storage {__version__}"


class ExportedFile(NamedTuple):
    """One exported file.

    Attributes
    ----------
    record : Record
        Its record.
    path : str
        Its path below the exported folder, with ``/`` between the names.
    size : int
        Its length in bytes.
    """

    record: Record
    path: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Exported:
    """One export.

    Attributes
    ----------
    store_name, fingerprint : str
        The name and the fingerprint of the Store.
    recorded : int
        How many records the Store has.
    files : tuple of ExportedFile
        The files, in the order of the selection.
    moment : str
        When it was made: ISO 8601, UTC.
    license : str or None
        The licence that was given, on one line.
    retracted : mapping of str to Retraction
        The retractions of the Store, by uuid.
    """

    store_name: str
    fingerprint: str
    recorded: int
    files: tuple[ExportedFile, ...]
    moment: str
    license: str | None
    retracted: Mapping[str, Retraction]

    @property
    def title(self) -> str:
        """The name of the Store on one line, with invisible characters escaped."""
        return printable(self.store_name).strip() or "a Store without a name"

    @property
    def summary(self) -> str:
        """The number of files, and of which Store."""
        number = len(self.files)
        some = "All" if number == self.recorded else f"{number:,} of the"
        return f'{some} {count(self.recorded, "file")} of the Store "{self.title}"'

    @property
    def withdrawn(self) -> str | None:
        """What there is to know of retracted files among these; None if there are none."""
        number = sum(file.record.uuid in self.retracted for file in self.files)
        if not number:
            return None
        return (
            f"{count(number, 'file')} of these should not be used any more: see the column retracted in manifest.csv."
        )

    @property
    def size(self) -> int:
        """The bytes of all files together."""
        return sum(file.size for file in self.files)

    @property
    def with_sha256(self) -> tuple[ExportedFile, ...]:
        """The files whose SHA-256 is recorded."""
        return tuple(file for file in self.files if file.record.sha256 is not None)

    @property
    def all_have_sha256(self) -> bool:
        """Whether the SHA-256 of each file is recorded."""
        return len(self.with_sha256) == len(self.files)


def note_text(value: object) -> str:
    """Return a value of the notes as text: a text as it is, and anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def md5s(files: Iterable[ExportedFile]) -> list[tuple[str, str]]:
    """Return the MD5 and the path of each file."""
    return [(file.record.hash, file.path) for file in files]


def sha256s(files: Iterable[ExportedFile]) -> list[tuple[str, str]]:
    """Return the SHA-256 and the path of each file, if it is recorded."""
    return [(file.record.sha256, file.path) for file in files if file.record.sha256 is not None]

"""Contents: what one reading of a manifest says, in columns; never changed, only replaced."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from ._names import Key
from ._pieces import Pieces
from ._records import Record

_INSERTED = 16
"""Up to how many records are inserted one by one, rather than all sorted again."""


class Collection(NamedTuple):
    """A further key's value that is a mapping (with keys) or a list (without); texts as they are spelled in YAML."""

    tag: str | None
    keys: tuple[str, ...] | None
    values: tuple[Node, ...]


Node: TypeAlias = "str | Collection"


class Contents:
    """The records of a Store, and what else its manifest says.

    Parameters
    ----------
    name : str
        The Store's name.
    top : dict
        Further keys at the top, spelled.
    keys, hashes, uuids : list
        The columns, sorted by key, without a repeated key or uuid.
    sha256s, sizes : list or None
        Columns that Stores with SHA-256 have; None where no record has one.
    extras : dict
        Further keys of records, by their key, spelled.
    empties : tuple
        Events (one name) and productions (two names) that hold nothing.
    text : Pieces or None
        The text that this was read from, if it has the canonical shape.
    quoted : frozenset of str or None
        The names that stand quoted in `text`; None when it is known that just those are that have to be.
    """

    def __init__(  # noqa: PLR0913 - one for each column
        self,
        *,
        name: str,
        top: dict[str, Node] | None = None,
        keys: list[Key] | None = None,
        hashes: list[str] | None = None,
        uuids: list[str] | None = None,
        sha256s: list[str | None] | None = None,
        sizes: list[int | None] | None = None,
        extras: dict[Key, dict[str, Node]] | None = None,
        empties: tuple[tuple[str, ...], ...] = (),
        text: Pieces | None = None,
        quoted: frozenset[str] | None = None,
    ) -> None:
        self.name, self.top, self.extras, self.empties = name, top or {}, extras or {}, empties
        self.keys, self.hashes, self.uuids = keys or [], hashes or [], uuids or []
        self.sha256s, self.sizes = sha256s, sizes
        self.text, self.quoted = text, quoted
        self.grown_from: tuple[Contents, Key] | None = None
        """What this was made from by adding the one record with that key, until the text is written."""
        self._known: set[str] | None = None
        """All of `hashes`, and those of contents that were made from this; not before it is worth its making."""
        self._was_searched = False

    def __len__(self) -> int:
        return len(self.keys)

    def __iter__(self) -> Iterator[Record]:
        return map(self.record, range(len(self.keys)))

    @property
    def with_sha256(self) -> bool:
        """Whether the Store was created to record SHA-256 as well."""
        return self.top.get("sha256") == "true"

    def record(self, index: int) -> Record:
        """Make the Record at `index`."""
        event, production, file = self.keys[index]
        return Record(
            event=event,
            production=production,
            file=file,
            hash=self.hashes[index],
            uuid=self.uuids[index],
            sha256=None if self.sha256s is None else self.sha256s[index],
            size=None if self.sizes is None else self.sizes[index],
        )

    def find(self, key: Key) -> int | None:
        """Find the index of `key`."""
        index = bisect_left(self.keys, key)
        return index if index < len(self.keys) and self.keys[index] == key else None

    def get(self, key: Key) -> Record | None:
        """Give the record with `key`, None if there is none."""
        index = self.find(key)
        return None if index is None else self.record(index)

    def find_uuid(self, uuid: str) -> int | None:
        """Find the index of the record with `uuid`."""
        return _index(self.uuids, uuid)

    def find_hash(self, digest: str) -> int | None:
        """Find the index of the first record with the MD5 `digest`."""
        if self._was_searched and self._known is None:
            self._known = set(self.hashes)
        self._was_searched = True
        if self._known is not None and digest not in self._known:
            return None
        return _index(self.hashes, digest)

    def span(self, event: str | None = None, production: str | None = None) -> range:
        """Give the indices of an event's records, or of a production's, or of all."""
        if event is None:
            return range(len(self.keys))
        names = (event,) if production is None else (event, production)
        end = (*names[:-1], names[-1] + "\0")  # no name holds a NUL, and nothing sorts between
        return range(bisect_left(self.keys, names), bisect_left(self.keys, end))

    def has(self, event: str, production: str | None = None) -> bool:
        """Whether the event, or the production, is recorded, with records or without."""
        wanted = (event,) if production is None else (event, production)
        return bool(self.span(event, production)) or any(empty[: len(wanted)] == wanted for empty in self.empties)

    def groups(self) -> list[tuple[str, str]]:
        """List the (event, production) pairs that have records, sorted."""
        return list(dict.fromkeys((event, production) for event, production, _ in self.keys))

    def with_records(self, records: Sequence[Record]) -> Contents:
        """Give contents that have `records` too; their keys and uuids must be new here."""
        if not records:
            return self
        columns = self._columns_for(records)
        rows = [(r.key, r.hash, r.uuid, r.sha256, r.size) for r in records]
        if len(rows) <= _INSERTED:
            for row in rows:
                at = bisect_left(columns[0], row[0])
                for column, value in zip(columns, row, strict=False):
                    column.insert(at, value)
        else:
            for column, values in zip(columns, zip(*rows, strict=True), strict=False):
                column.extend(values)
            order = sorted(range(len(columns[0])), key=columns[0].__getitem__)
            columns = [[column[i] for i in order] for column in columns]
        return self._with_columns(columns, records)

    def _columns_for(self, records: Sequence[Record]) -> list[list[Any]]:
        columns: list[list[Any]] = [list(self.keys), list(self.hashes), list(self.uuids)]
        if self.sha256s or self.sizes or any(r.sha256 or r.size is not None for r in records):
            nothing = [None] * len(self.keys)
            columns += [list(self.sha256s or nothing), list(self.sizes or nothing)]
        return columns

    def _with_columns(self, columns: list[Any], records: Sequence[Record]) -> Contents:
        filled = {names for r in records for names in ((r.event,), (r.event, r.production))}
        keys, hashes, uuids, sha256s, sizes = [*columns, None, None][:5]
        new = Contents(
            name=self.name,
            top=self.top,
            keys=keys,
            hashes=hashes,
            uuids=uuids,
            sha256s=sha256s,
            sizes=sizes,
            extras=self.extras,
            empties=tuple(empty for empty in self.empties if empty not in filled),
        )
        new.grown_from = (self, records[0].key) if len(records) == 1 else None
        new._was_searched, new._known = self._was_searched, self._known
        if new._known is not None:
            new._known.update(record.hash for record in records)
        return new


def _index(column: list[str], value: str) -> int | None:
    try:
        return column.index(value)
    except ValueError:
        return None

"""Contents: what one reading of a manifest says, in columns. It is never changed, only replaced."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from .names import Key
from .record import Record

if TYPE_CHECKING:
    from .retraction import Retraction

_INSERTED = 16
"""The most records that are inserted one by one; if there are more, all are sorted again."""
_FEW = 64
"""The most added records that are kept beside the others; among many others, it is one in `_SHARE` of these."""
_SHARE = 64
COLUMNS = frozenset(("keys", "hashes", "uuids", "further"))


class Text(Protocol):
    """The text of a manifest, as its writer keeps it beside the contents."""

    @property
    def size(self) -> int:
        """How many bytes the text has."""

    def __iter__(self) -> Iterator[bytes]: ...

    def find(self, line: bytes, low: int, high: int) -> int:
        """Find where a whole line begins between `low` and `high`; -1 if it isn't there."""

    def with_lines(self, at: int, lines: bytes) -> Text:
        """Return the text that has `lines` before its byte `at`."""


class Contents:
    """The records of a Store, and what else its manifest says.

    Parameters
    ----------
    name : str
        The Store's name.
    top : str
        Further keys at the top: lines of canonical YAML.
    keys, hashes, uuids : list
        The columns, sorted by key, without a repeated key or uuid.
    further : list of str or None
        Further keys of each record, SHA-256 and size among them: lines of canonical YAML, indented as in the manifest.
        None if no record has any.
    empties : tuple
        Events (one name) and productions (two names) that hold nothing.
    text : Text or None
        The text that these contents were read from, if it has the canonical shape.
    quoted : frozenset of str or None
        The names that are quoted in `text`; None if it is known that exactly those are quoted that have to be.
    """

    def __init__(  # noqa: PLR0913 - one for each column
        self,
        *,
        name: str,
        top: str = "",
        keys: list[Key] | None = None,
        hashes: list[str] | None = None,
        uuids: list[str] | None = None,
        further: list[str] | None = None,
        empties: tuple[tuple[str, ...], ...] = (),
        text: Text | None = None,
        quoted: frozenset[str] | None = None,
    ) -> None:
        self.name, self.top, self.empties = name, top, empties
        self.keys, self.hashes, self.uuids, self.further = keys or [], hashes or [], uuids or [], further
        self.text, self.quoted = text, quoted
        self.origin: tuple[Contents, tuple[Record, ...]] | None = None
        """The earlier contents that have text, and the records added since; None once these contents have text."""
        self._hashes_known, self._uuids_known = _Known(), _Known()
        self._retracted: Mapping[str, Retraction] | None = None

    def __len__(self) -> int:
        return len(self.keys)

    def __iter__(self) -> Iterator[Record]:
        return map(self.record, range(len(self.keys)))

    @property
    def with_sha256(self) -> bool:
        """Whether the Store was created to record SHA-256 as well."""
        return "\nsha256: true\n" in f"\n{self.top}"

    @property
    def with_stamp(self) -> bool:
        """Whether the Store was created to note when each file is added, and by whom."""
        return "\nstamp: true\n" in f"\n{self.top}"

    @property
    def requires(self) -> Any:
        """What the manifest requires of its writers: the value of its key ``requires``, or None."""
        if "\nrequires:" not in f"\n{self.top}":
            return None
        from .further import values

        return values(self.top).get("requires")

    @property
    def retracted(self) -> Mapping[str, Retraction]:
        """The retractions, by the uuids of the records."""
        if self._retracted is None:
            self._retracted = {}
            if "\nretracted:" in f"\n{self.top}":
                from .further import values
                from .retraction import RETRACTED, retractions

                self._retracted = retractions(values(self.top).get(RETRACTED))
        return self._retracted

    def with_top(self, top: str) -> Contents:
        """Return contents with other further keys at the top."""
        columns: dict[str, Any] = {column: getattr(self, column) for column in COLUMNS}
        return Contents(name=self.name, top=top, empties=self.empties, **columns)

    def notes(self) -> list[Mapping[str, Any]]:
        """Return the notes of each record, in its order; an empty mapping for a record without notes."""
        from .further import notes

        return [notes(lines) for lines in self.further] if self.further else [{} for _ in self.keys]

    def record(self, index: int) -> Record:
        """Return the Record at `index`."""
        lines = self.further[index] if self.further else ""
        return Record.of(self.keys[index], self.hashes[index], self.uuids[index], lines)

    def index_of(self, key: Key) -> int | None:
        """Return the index of `key`; None if it isn't there."""
        index = bisect_left(self.keys, key)
        return index if index < len(self.keys) and self.keys[index] == key else None

    def get(self, key: Key) -> Record | None:
        """Return the record with `key`; None if there is none."""
        index = self.index_of(key)
        return None if index is None else self.record(index)

    def by_uuid(self, uuid: str) -> Record | None:
        """Return the record with `uuid`; None if there is none."""
        index = self._uuids_known.index_of(self.uuids, uuid)
        return None if index is None else self.record(index)

    def by_hash(self, digest: str) -> Record | None:
        """Return a record with the MD5 `digest`; None if there is none."""
        index = self._hashes_known.index_of(self.hashes, digest)
        return None if index is None else self.record(index)

    def first(self, event: str, production: str) -> Record | None:
        """Return a record of that production; None if there is none."""
        return next(map(self.record, self.span(event, production)), None)

    def before(self, key: Key) -> Record | None:
        """Return the record before the place where `key` is, or would be; None if there is none."""
        index = bisect_left(self.keys, key)
        return self.record(index - 1) if index else None

    def after(self, key: Key) -> Record | None:
        """Return the record after the place where `key` is, or would be; None if there is none."""
        index = bisect_right(self.keys, key)
        return self.record(index) if index < len(self.keys) else None

    def position(self, key: Key) -> float:
        """Return about where `key` is, or would be: 0 for the beginning, 1 for the end."""
        return bisect_left(self.keys, key) / max(len(self.keys), 1)

    def span(self, event: str | None = None, production: str | None = None) -> range:
        """Return the indices of an event's records, or of a production's, or of all."""
        if event is None:
            return range(len(self.keys))
        names = (event,) if production is None else (event, production)
        end = (*names[:-1], names[-1] + "\0")  # no name holds a NUL, and nothing sorts between
        return range(bisect_left(self.keys, names), bisect_left(self.keys, end))

    def has(self, event: str, production: str | None = None) -> bool:
        """Return whether the event, or the production, is recorded, even if it has no records."""
        wanted = (event,) if production is None else (event, production)
        return bool(self.span(event, production)) or any(empty[: len(wanted)] == wanted for empty in self.empties)

    def with_records(self, records: Sequence[Record]) -> Contents:
        """Return contents that also have `records`, whose keys and uuids must be new."""
        if not records:
            return self
        if len(records) > self.few:
            return _merged(self, records)
        return Grown(self, records, origin=(self, tuple(records)))

    @property
    def few(self) -> int:
        """How many added records at most are kept beside the columns, rather than sorted into them."""
        return max(_FEW, len(self) // _SHARE)


class Lazy(Contents):
    """Contents whose columns are made when they are first needed."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for column in COLUMNS:
            delattr(self, column)

    def __getattr__(self, name: str) -> object:
        if name not in COLUMNS:
            raise AttributeError(name)
        self.__dict__.update(self.made_columns())
        return self.__dict__[name]

    @property
    def has_columns(self) -> bool:
        """Whether the columns were made."""
        return "keys" in self.__dict__

    def made_columns(self) -> dict[str, Any]:
        """Make the columns."""
        raise NotImplementedError


class Grown(Lazy):
    """Contents with a few added records, which are kept beside the others, so that an add need not copy the columns.

    Parameters
    ----------
    base : Contents
        The contents that the records were added to.
    records : sequence of Record
        The records to add.
    before : Grown, optional
        The contents, with the same base, that have all records but these.
    origin : tuple, optional
        The `origin` of `Contents`.
    """

    def __init__(
        self,
        base: Contents,
        records: Sequence[Record],
        *,
        before: Grown | None = None,
        origin: tuple[Contents, tuple[Record, ...]] | None,
    ) -> None:
        last = base if before is None else before
        filled = {names for r in records for names in ((r.event,), (r.event, r.production))}
        empties = tuple(empty for empty in last.empties if empty not in filled)
        super().__init__(name=base.name, top=base.top, empties=empties)
        self.base, self.origin = base, origin
        self.added: dict[Key, Record] = {
            **(before.added if before else {}),
            **{record.key: record for record in records},
        }
        self.added_hashes: dict[str, Record] = {
            **{r.hash: r for r in records},
            **(before.added_hashes if before else {}),
        }
        self._order: list[Key] = []

    def made_columns(self) -> dict[str, Any]:
        merged = _merged(self.base, list(self.added.values()))
        return {column: getattr(merged, column) for column in COLUMNS}

    def __len__(self) -> int:
        return len(self.base) + len(self.added)

    def get(self, key: Key) -> Record | None:
        return self.added.get(key) or self.base.get(key)

    def by_uuid(self, uuid: str) -> Record | None:
        return next((r for r in self.added.values() if r.uuid == uuid), None) or self.base.by_uuid(uuid)

    def by_hash(self, digest: str) -> Record | None:
        return self.added_hashes.get(digest) or self.base.by_hash(digest)

    def first(self, event: str, production: str) -> Record | None:
        group = (event, production)
        return self.base.first(*group) or next((r for r in self.added.values() if r.key[:2] == group), None)

    def has(self, event: str, production: str | None = None) -> bool:
        wanted = (event,) if production is None else (event, production)
        return self.base.has(*wanted) or any(key[: len(wanted)] == wanted for key in self.added)

    def before(self, key: Key) -> Record | None:
        index = bisect_left(self._sorted(), key)
        return _one_of(max, self.base.before(key), self.added[self._order[index - 1]] if index else None)

    def after(self, key: Key) -> Record | None:
        index = bisect_right(self._sorted(), key)
        added = self.added[self._order[index]] if index < len(self._order) else None
        return _one_of(min, self.base.after(key), added)

    def position(self, key: Key) -> float:
        return self.base.position(key)

    def _sorted(self) -> list[Key]:
        self._order = self._order or sorted(self.added)
        return self._order

    def with_records(self, records: Sequence[Record]) -> Contents:
        if not records:
            return self
        if len(self.added) + len(records) > self.base.few:
            return self._settled().with_records(records)
        ancestor, known = (self.origin if self.text is None else None) or (self, ())
        return Grown(self.base, records, before=self, origin=(ancestor, (*known, *records)))

    def _settled(self) -> Contents:
        """Return the same contents, with all records in columns."""
        columns: dict[str, Any] = {column: getattr(self, column) for column in COLUMNS}
        more: dict[str, Any] = {"empties": self.empties, "quoted": self.quoted}
        return Contents(name=self.name, top=self.top, text=self.text, **columns, **more)


class _Known:
    """Finds values in a column.

    The first search reads through the column. From the second on, a set of all values tells what isn't there.
    """

    def __init__(self) -> None:
        self._all: set[str] | None = None
        self._was_searched = False

    def index_of(self, column: list[str], value: str) -> int | None:
        if self._was_searched and self._all is None:
            self._all = set(column)
        self._was_searched = True
        if self._all is not None and value not in self._all:
            return None
        try:
            return column.index(value)
        except ValueError:
            return None


def _one_of(choose: Callable[..., Record], one: Record | None, other: Record | None) -> Record | None:
    if one is None or other is None:
        return one or other
    return choose(one, other, key=lambda record: record.key)


def _merged(contents: Contents, records: Sequence[Record]) -> Contents:
    """Return contents in which `records` are sorted in among the others."""
    columns: list[list[Any]] = [list(contents.keys), list(contents.hashes), list(contents.uuids)]
    if contents.further or any(record.further_lines for record in records):
        columns.append(list(contents.further or [""] * len(contents.keys)))
    rows = [(r.key, r.hash, r.uuid, r.further_lines) for r in records]
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
    filled = {names for r in records for names in ((r.event,), (r.event, r.production))}
    keys, hashes, uuids, further = [*columns, None][:4]
    return Contents(
        name=contents.name,
        top=contents.top,
        keys=keys,
        hashes=hashes,
        uuids=uuids,
        further=further,
        empties=tuple(empty for empty in contents.empties if empty not in filled),
    )

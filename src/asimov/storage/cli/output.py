"""Results of locutus as text and as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, TypeAlias, Union

from asimov.storage._display.text import DIGESTS, byte_size, printable, visible, width
from asimov.storage._model.record import RECORD_FIELDS, Record, as_dict
from asimov.storage._model.reports import VerificationReport

from . import reading

if TYPE_CHECKING:
    from asimov.storage._store import Store

CHECK_FIELDS = ("event", "production", "file", "uuid", "hash", "status", "actual", "path", "size", "reason")
_SHORT = 8
"""How many digits of a digest are shown on a narrow terminal; they are enough to tell files apart."""
_CUT = ".."
_GAP = "  "


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Records to show.

    Attributes
    ----------
    records : list of Record
        The records, in the order in which they are shown.
    sizes : list of (int or None), optional
        The size of each record's file in bytes, or None if the file is missing. Without `sizes`, none are shown.
    """

    records: list[Record]
    sizes: list[int | None] | None = None


Result: TypeAlias = Union["Store", Listing, Path, list[Path], VerificationReport, None]
"""What a command returns; None if it has written its result itself."""


def store_facts(store: Store) -> dict[str, str | int]:
    """Return what `locutus info` prints about a Store: name, root, counts of files, events and productions, and bytes.

    The bytes are those of all existing files. Each of several files that share their bytes counts.
    """
    from asimov.storage._display.pages import tally  # here, since few commands need the pages

    size = sum(size or 0 for size in reading.sizes(store))
    return {"name": store.name, "root": str(store.backend.location), **tally(reading.columns(store)), "bytes": size}


def as_text(result: Result, *, width: int | None) -> Iterator[str]:
    """Yield the lines that show a result of locutus.

    Parameters
    ----------
    result : Store, Listing, pathlib.Path, list of pathlib.Path, VerificationReport or None
        The result.
    width : int or None
        How many columns a person's terminal has: records are aligned in columns under a heading. None is for programs:
        records are tab-separated values.
    """
    if result is None:
        return iter(())
    if isinstance(result, VerificationReport):
        return _report_text(result)
    if isinstance(result, Listing):
        return _separated(result) if width is None else _aligned(result, width)
    if isinstance(result, (Path, list)):
        return (printable(str(path)) for path in ([result] if isinstance(result, Path) else result))
    return (f"{name:<12}{_fact(name, value)}" for name, value in store_facts(result).items())


def _fact(name: str, value: str | int) -> str:
    if name == "bytes" and isinstance(value, int) and value >= 1024:
        return f"{value} ({byte_size(value)})"
    return printable(str(value))


def _separated(listing: Listing) -> Iterator[str]:
    rows = map(_fields, listing.records)
    if listing.sizes is None:
        return map("\t".join, rows)
    sizes = ("-" if size is None else str(size) for size in listing.sizes)
    return ("\t".join((*fields, size)) for fields, size in zip(rows, sizes, strict=True))


def _fields(record: Record) -> list[str]:
    return [printable(getattr(record, name)) for name in RECORD_FIELDS]


def _aligned(listing: Listing, room: int) -> Iterator[str]:
    """Yield the widest table that fits: with whole digests, with short ones, or without them. Names are never cut."""
    columns = {name: [printable(getattr(record, name)) for record in listing.records] for name in RECORD_FIELDS}
    if listing.sizes is not None:
        columns["size"] = ["-" if size is None else byte_size(size) for size in listing.sizes]
    for narrowed in (columns, *(_shortened(columns, without) for without in (set(), {"uuid"}, DIGESTS))):
        table = [[name, *values] for name, values in narrowed.items()]
        widths = [max(map(width, column)) for column in table]
        if sum(widths) + len(_GAP) * (len(widths) - 1) <= room:
            break
    right = [column[0] == "size" for column in table]
    for row in zip(*table, strict=True):
        yield _GAP.join(map(_padded, row, widths, right)).rstrip()


def _shortened(columns: dict[str, list[str]], without: set[str]) -> dict[str, list[str]]:
    return {
        name: [text[:_SHORT] + _CUT for text in values] if name in DIGESTS else values
        for name, values in columns.items()
        if name not in without
    }


def _padded(text: str, wide: int, right: bool) -> str:  # noqa: FBT001 - `map` gives it
    space = " " * (wide - width(text))
    return space + text if right else text + space


def _report_text(report: VerificationReport) -> Iterator[str]:
    from asimov.storage._display.pages import verdict

    yield verdict(report)
    for check in report.failures:
        reason = f" ({printable(check.reason)})" if check.reason else ""
        yield f"{check.status}: {'/'.join(map(printable, check.key))}: {printable(str(check.path))}{reason}"
    yield from (f"untracked: {printable(str(path))}" for path in report.untracked)


def as_json(result: Result) -> str:
    """Return a result of locutus as one JSON document, with all invisible characters escaped."""
    import json  # here, since few commands need it

    def escaped(run: re.Match[str]) -> str:
        return "".join(c if visible(c) == c else json.dumps(c)[1:-1] for c in run[0])

    return re.sub(r"[^ -~]+", escaped, json.dumps(_document(result), ensure_ascii=False))


def _document(result: Result) -> object:
    if isinstance(result, VerificationReport):
        failures = [{name: _plain(getattr(check, name)) for name in CHECK_FIELDS} for check in result.failures]
        untracked = [str(path) for path in result.untracked]
        return {"ok": result.ok, "counts": result.counts, "failures": failures, "untracked": untracked}
    if isinstance(result, Listing):
        return _rows(result)
    if isinstance(result, list):
        return list(map(str, result))
    return _plain(result) if isinstance(result, (Path, NoneType)) else store_facts(result)


def _rows(listing: Listing) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = [{**as_dict(record)} for record in listing.records]
    for row, size in zip(rows, listing.sizes or (), strict=False):
        row["size"] = size
    return rows


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else value

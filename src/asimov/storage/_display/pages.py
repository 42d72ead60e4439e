"""Pages: a Store, a Manifest, a Record and a report of a verification, as one line of text and as HTML.

All functions are pure: they take values and return text. No file is read here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

from . import html
from .text import DIGESTS, SYMBOLS, byte_size, count, printable

Columns: TypeAlias = tuple[Sequence[str], Sequence[str], Sequence[str], Sequence[str], Sequence[str]]
"""Events, productions, files, hashes and uuids of all records, sorted."""

Reasons: TypeAlias = Mapping[str, str]
"""Why records were retracted, by uuid."""

MAX_ROWS = 20  # for the rows of a group, and for the groups
_OK, _RETRACTED = "ok", "retracted"


class Check(Protocol):
    """The part of a verified file's Check that is shown."""

    @property
    def key(self) -> tuple[str, str, str]:
        """Event, production and file."""

    @property
    def hash(self) -> str:
        """The recorded MD5."""

    @property
    def status(self) -> str:
        """A key of `SYMBOLS`."""

    @property
    def reason(self) -> str | None:
        """Why the status is not ok, in words."""

    @property
    def path(self) -> Path:
        """Where the file is, or should be."""

    @property
    def size(self) -> int | None:
        """The size in bytes, if the file could be read."""


class Report(Protocol):
    """The part of a verification's report that is shown."""

    @property
    def root(self) -> Path:
        """The Store's folder."""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""

    @property
    def results(self) -> Sequence[Check]:
        """One Check for each verified record."""

    @property
    def failures(self) -> Sequence[Check]:
        """The results that are not ok."""

    @property
    def counts(self) -> Mapping[str, int]:
        """How many results have each status."""

    @property
    def problems(self) -> Sequence[str]:
        """What is wrong with the Store as a whole, in words."""

    @property
    def skipped(self) -> int:
        """How many records were left for another time."""

    @property
    def untracked(self) -> Sequence[Path]:
        """Files that no record names."""

    @property
    def quick(self) -> bool:
        """Whether bytes were read only where nothing else decides."""


# One line ------------------------------------------------------------------------------------------------------------


def store_line(name: str, place: object) -> str:
    """Return a Store's repr."""
    return f"<Store {printable(repr(name))} at {printable(str(place))}>"


def manifest_line(name: str, place: object) -> str:
    """Return the repr of the Manifest of a Store."""
    return f"<Manifest of {printable(repr(name))} at {printable(str(place))}>"


def report_line(report: Report) -> str:
    """Return the repr of a report, with its verdict."""
    return f"<VerificationReport: {verdict(report)}>"


def verdict(report: Report) -> str:
    """Return the result of a verification in one line."""
    files = count(len(report.results), "file")
    if report.failures:
        found = ", ".join(f"{number:,} {status}" for status, number in report.counts.items() if number)
        parts = [f"{len(report.failures):,} of {files} FAILED ({found})"]
    else:
        parts = [f"{files} ok ({byte_size(sum(check.size or 0 for check in report.results))})"]
    parts += ["by size and ETag, bytes not read"] if report.quick else []
    parts += [f"FAILED: {printable(problem)}" for problem in report.problems]
    parts += [f"{report.skipped:,} left for another time"] if report.skipped else []
    parts += [f"{len(report.untracked):,} untracked"] if report.untracked else []
    return ", ".join(parts)


# HTML ----------------------------------------------------------------------------------------------------------------


def store_html(name: str, place: object, columns: Columns, retracted: Reasons | None = None) -> str:
    """Return a Store as HTML: its name, root, counts, and its records by event; retracted ones struck through."""
    title = html.title(f"Store {html.name(name)}")
    return html.page(store_line(name, place), title, *_holdings(place, columns, retracted or {}))


def manifest_html(name: str, place: object, columns: Columns, retracted: Reasons | None = None) -> str:
    """Return the Manifest of a Store as HTML, like the Store."""
    return html.page(manifest_line(name, place), html.title("Manifest"), *_holdings(place, columns, retracted or {}))


def rows_html(line: str, name: str, place: object, rows: Sequence[tuple[str, str, str, int | None]], total: int) -> str:
    """Return the first records of a table as HTML: event, production, file and size in bytes (None: missing)."""
    cells = ("".join([*map(html.cell, row[:3]), html.cell(_size(row[3]))]) for row in rows)
    table = html.table(("Event", "Production", "File", "Size"), (f"<tr>{row}</tr>" for row in cells), total - len(rows))
    return html.page(line, html.title(f"Store {html.name(name)}"), html.note(html.path(place)), table)


def _size(size: int | None) -> str:
    return f"{SYMBOLS['missing']} missing" if size is None else byte_size(size)


def unreadable_html(line: str, error: Exception) -> str:
    """Return the HTML of a Store, or a Manifest, that can't be read: its line, and the error."""
    title = html.title(f"{html.symbol('unreadable')} can't be read now", "ill")
    return html.page(line, title, html.note(html.text(str(error))))


def record_html(line: str, values: Mapping[str, str | None]) -> str:
    """Return a Record as HTML: its repr, and a table of its attributes that are not None."""
    rows = "".join(
        f'<tr><th scope="row">{name}</th>{html.digest(value) if name in DIGESTS else html.cell(value)}</tr>'
        for name, value in values.items()
        if value is not None
    )
    return html.page(printable(line), html.title("Record"), f"<table><tbody>{rows}</tbody></table>")


def report_html(report: Report) -> str:
    """Return a report as HTML: the verdict, then the failed, the untracked and the sound files."""
    status, kind = (_OK, "well") if report.ok else ("corrupt", "ill")
    groups: dict[str, list[Check]] = {}
    for check in report.results:
        groups.setdefault(check.status, []).append(check)
    failed = [_checks(status, groups[status]) for status in SYMBOLS if status in groups and status != _OK]
    well = [_checks(_OK, groups[_OK])] if _OK in groups else []
    title = html.title(f"{html.symbol(status)} {html.text(verdict(report))}", kind)
    parts = (html.note(html.path(report.root)), *failed, _untracked(report.untracked), *well)
    return html.page(report_line(report), title, *parts)


def restored_html(line: str, place: object, rows: Sequence[tuple[str, str, str, str | None]], total: int) -> str:
    """Return a report of restored files as HTML: event, production, file, and where its bytes are (None: nowhere)."""
    status, kind = ("corrupt", "ill") if any(row[3] is None for row in rows) else (_OK, "well")
    cells = ("".join([*map(html.cell, row[:3]), html.cell(row[3] or "not found")]) for row in rows)
    table = html.table(("Event", "Production", "File", "Copy"), (f"<tr>{row}</tr>" for row in cells), total - len(rows))
    title = html.title(f"{html.symbol(status)} {html.text(line[1:-1])}", kind)
    return html.page(line, title, html.note(html.path(place)), table)


def _holdings(place: object, columns: Columns, retracted: Reasons) -> Iterator[str]:
    counts = tally(columns)
    files, events = count(counts["files"], "file"), count(counts["events"], "event")
    yield html.note(f"{html.path(place)} · {files}, {events}, {count(counts['productions'], 'production')}")
    yield from _events(columns, retracted)


def _events(columns: Columns, retracted: Reasons) -> Iterator[str]:
    """Yield the records by event: the first events, and the first rows of each."""
    spans = list(_spans(columns[0]))
    for start, stop in spans[:MAX_ROWS]:
        yield _event(columns, retracted, start, stop, is_open=len(spans) == 1)
    if len(spans) > MAX_ROWS:
        yield html.note(f"… and {count(len(spans) - MAX_ROWS, 'more event')}")


def _spans(events: Sequence[str]) -> Iterator[tuple[int, int]]:
    start = 0
    while start < len(events):  # they are sorted
        stop = bisect_right(events, events[start], start)
        yield start, stop
        start = stop


def _event(columns: Columns, retracted: Reasons, start: int, stop: int, *, is_open: bool) -> str:
    _, productions, files, hashes, uuids = (column[start : min(stop, start + MAX_ROWS)] for column in columns)
    rows = [
        f"<tr>{html.cell(production)}{_file(file, retracted.get(uuid))}{html.digest(digest)}{html.digest(uuid)}</tr>"
        for production, file, digest, uuid in zip(productions, files, hashes, uuids, strict=True)
    ]
    table = html.table(("production", "file", "hash", "uuid"), rows, stop - start - len(rows))
    summary = f"{html.name(columns[0][start])}: {count(stop - start, 'file')}"
    summary += f" in {count(len(set(columns[1][start:stop])), 'production')}"
    return html.details(summary, table, is_open=is_open)


def _checks(status: str, checks: Sequence[Check]) -> str:
    failed = status not in {_OK, _RETRACTED}
    details = ("hash",) if status == _OK else ("why" if status == _RETRACTED else "what is wrong", "path")
    headings = ("event", "production", "file", *details)
    table = html.table(headings, map(_check, checks[:MAX_ROWS]), max(0, len(checks) - MAX_ROWS))
    return html.details(f"{html.symbol(status)} {status}: {count(len(checks), 'file')}", table, is_open=failed)


def _check(check: Check) -> str:
    place = "".join(map(html.cell, check.key))
    if check.status == _OK:
        return f"<tr>{place}{html.digest(check.hash)}</tr>"
    return f"<tr>{place}{html.cell(check.reason or '')}<td>{html.path(check.path)}</td></tr>"


def _file(file: str, why: str | None) -> str:
    return html.cell(file) if why is None else html.struck(file, f"retracted: {why}")


def _untracked(paths: Sequence[Path]) -> str:
    if not paths:
        return ""
    rows = (f"<tr><td>{html.path(path)}</td></tr>" for path in paths[:MAX_ROWS])
    table = html.table(["path"], rows, max(0, len(paths) - MAX_ROWS))
    return html.details(f"untracked: {count(len(paths), 'file')} that no record names", table)


# For text and HTML ---------------------------------------------------------------------------------------------------


def tally(columns: Columns) -> dict[str, int]:
    """Return how many files, events and productions the columns of a manifest have; each event's productions count."""
    events, productions, *_ = columns
    pairs = set(zip(events, productions, strict=True))
    return {"files": len(events), "events": len({event for event, _ in pairs}), "productions": len(pairs)}

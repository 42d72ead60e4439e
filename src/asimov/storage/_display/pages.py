"""What a Store, a Manifest, a Record and a VerificationReport look like: as one line, and as HTML.

Pure functions on the standard library. The HTML holds no scripts, ids or external resources: everything is inside one
``<div class="asimov-storage">``, with a small style sheet under that class that takes its colours from the front end.
Where a front end drops the sheet, a line of text stands above plain tables. Names come from manifests and disks, so
each passes through `printable` first: nothing invisible or that moves a cursor reaches a terminal or a page.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from asimov.storage._model.check import Check, Status
from asimov.storage._model.errors import StorageError
from asimov.storage._model.record import Record
from asimov.storage._model.reports import VerificationReport

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from asimov.storage._manifest import Manifest
    from asimov.storage._store import Store

Columns: TypeAlias = tuple[list[str], list[str], list[str], list[str], list[str]]

MAX_ROWS = 20  # of a group, and as many groups
SYMBOLS = {Status.OK: "✓", Status.CORRUPT: "✗", Status.MISSING: "○", Status.UNREADABLE: "⚠"}
RECORD_FIELDS = ("event", "production", "file", "hash", "uuid")
DIGESTS = {"hash", "uuid", "sha256"}

# The front end's own colours: VS Code's, else JupyterLab's, else pydata-sphinx-theme's, else what surrounds the output.
_STYLE = """<style>
.asimov-storage.asimov-storage {
  --as-line: var(--vscode-panel-border, var(--jp-border-color1, var(--pst-color-border, rgba(128, 128, 128, .5))));
  --as-well: var(--vscode-testing-iconPassed, var(--jp-success-color1, var(--pst-color-success, #2e7d32)));
  --as-ill: var(--vscode-errorForeground, var(--jp-error-color1, var(--pst-color-danger, #c62828)));
  color: var(--vscode-editor-foreground, var(--jp-content-font-color1, var(--pst-color-text-base, inherit)));
  font-family: var(--vscode-font-family, var(--jp-ui-font-family, var(--pst-font-family-base, sans-serif)));
  font-size: 13px; line-height: 1.5; max-width: 100%; overflow-x: auto;
}
.asimov-storage .as-text { display: none; }
.asimov-storage .as-title { font-size: 14px; font-weight: 600; overflow-wrap: anywhere; }
.asimov-storage .as-title.as-well { border-inline-start: 4px solid var(--as-well); padding-inline-start: 8px; }
.asimov-storage .as-title.as-ill { border-inline-start: 4px solid var(--as-ill); padding-inline-start: 8px; }
.asimov-storage .as-note { margin: 4px 0; }
.asimov-storage .as-code {
  font-family:
    var(--vscode-editor-font-family, var(--jp-code-font-family, var(--pst-font-family-monospace, monospace)));
  font-size: 12px; overflow-wrap: anywhere;
}
.asimov-storage td .as-code { display: inline-block; min-width: 20em; }
.asimov-storage details { margin: 4px 0; }
.asimov-storage summary { cursor: pointer; overflow-wrap: anywhere; }
.asimov-storage.asimov-storage table {
  border: 0; border-collapse: collapse; color: inherit; font-size: inherit; margin: 4px 0 8px; table-layout: auto;
}
.asimov-storage.asimov-storage th, .asimov-storage.asimov-storage td {
  background: none; border: 0; border-bottom: 1px solid var(--as-line); max-width: 28em;
  overflow-wrap: break-word; padding: 2px 16px 2px 0; text-align: start; vertical-align: top; white-space: normal;
}
.asimov-storage.asimov-storage tr { background: none; }
.asimov-storage.asimov-storage th { font-weight: 600; white-space: nowrap; }
</style>"""


def printable(text: str) -> str:
    r"""Return `text` with what can't be seen escaped as Python does: controls, direction marks, surrogates, line ends.

    No name in a Store holds a backslash, so different names stay different.

    >>> printable("red\x1b[31m")
    'red\\x1b[31m'
    """
    if text.isprintable():
        return text
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
        return character.encode("unicode_escape").decode()
    return character


def byte_size(size: int) -> str:
    """Return a number of bytes with a unit that a person reads.

    >>> byte_size(999), byte_size(13_000_000)
    ('999 B', '12.4 MiB')
    """
    if size < 1024:
        return f"{size} B"
    amount = float(size)
    for unit in ("KiB", "MiB", "GiB", "TiB", "PiB"):
        amount /= 1024
        if amount < 1023.95 or unit == "PiB":  # what rounds to 1024.0 is one of the next
            break
    return f"{amount:.1f} {unit}"


def count(number: int, noun: str) -> str:
    """Return a number and its noun: ``1 file``, ``100,000 files``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


# One line ------------------------------------------------------------------------------------------------------------


def store_line(store: Store) -> str:
    """Return a Store's repr; no file is read for it."""
    return f"<Store {printable(repr(store.backend.seen.name))} at {printable(store.backend.location)}>"


def manifest_line(manifest: Manifest) -> str:
    """Return a Manifest's repr; no file is read for it."""
    return f"<Manifest of {printable(repr(manifest.backend.seen.name))} at {printable(manifest.backend.location)}>"


def report_line(report: VerificationReport) -> str:
    """Return a VerificationReport's repr: the verdict and what it rests on."""
    return f"<VerificationReport: {verdict(report)}>"


def verdict(report: VerificationReport) -> str:
    """Say in one line what a verification found."""
    files = count(len(report.results), "file")
    if report.failures:
        found = ", ".join(f"{number:,} {status}" for status, number in report.counts.items() if number)
        parts = [f"{len(report.failures):,} of {files} FAILED ({found})"]
    else:
        parts = [f"{files} ok ({byte_size(sum(check.size or 0 for check in report.results))})"]
    parts += [f"FAILED: {printable(problem)}" for problem in report.problems]
    parts += [f"{report.skipped:,} left for another time"] if report.skipped else []
    parts += [f"{len(report.untracked):,} untracked"] if report.untracked else []
    return ", ".join(parts)


# HTML ----------------------------------------------------------------------------------------------------------------


def store_html(store: Store) -> str:
    """Return a Store as HTML: its name, root, counts, and its records by event."""
    try:
        title, columns = f"Store {_name(store.name)}", store.manifest.columns()
    except (StorageError, OSError) as error:
        return _unreadable(store_line(store), error)
    return _page(store_line(store), _title(title), _facts(store.backend.location, columns), *_events(columns))


def manifest_html(manifest: Manifest) -> str:
    """Return a Manifest as HTML: its root, counts, and its records by event."""
    try:
        columns = manifest.columns()
    except (StorageError, OSError) as error:
        return _unreadable(manifest_line(manifest), error)
    facts = _facts(manifest.backend.location, columns)
    return _page(manifest_line(manifest), _title("Manifest"), facts, *_events(columns))


def record_html(record: Record) -> str:
    """Return a Record as HTML: a table of its attributes."""
    size = None if record.size is None else f"{record.size:,} bytes"
    values = {name: getattr(record, name) for name in RECORD_FIELDS} | {"sha256": record.sha256, "size": size}
    rows = "".join(
        f'<tr><th scope="row">{name}</th>{_digest(value) if name in DIGESTS else _cell(value)}</tr>'
        for name, value in values.items()
        if value is not None
    )
    return _page(printable(repr(record)), _title("Record"), f"<table><tbody>{rows}</tbody></table>")


def report_html(report: VerificationReport) -> str:
    """Return a VerificationReport as HTML: the verdict, then what failed, what is untracked and what is well."""
    status, kind = (Status.OK, "well") if report.ok else (Status.CORRUPT, "ill")
    groups: dict[Status, list[Check]] = {}
    for check in report.results:
        groups.setdefault(check.status, []).append(check)
    failed = [_checks(status, groups[status]) for status in Status if status in groups and status is not Status.OK]
    well = [_checks(Status.OK, groups[Status.OK])] if Status.OK in groups else []
    title = _title(f"{_symbol(status)} {escape(verdict(report))}", kind)
    return _page(report_line(report), title, _note(_path(report.root)), *failed, _untracked(report.untracked), *well)


def _page(line: str, *parts: str) -> str:
    return f'<div class="asimov-storage">{_STYLE}<pre class="as-text">{escape(line)}</pre>{"".join(parts)}</div>'


def _unreadable(line: str, error: Exception) -> str:
    title = _title(f"{_symbol(Status.UNREADABLE)} can't be read now", "ill")
    return _page(line, title, _note(escape(printable(str(error)))))


def _title(html: str, kind: str = "plain") -> str:
    return f'<div class="as-title as-{kind}">{html}</div>'


def _note(html: str) -> str:
    return f'<div class="as-note">{html}</div>'


def _symbol(status: Status) -> str:
    return f'<span aria-hidden="true">{SYMBOLS[status]}</span>'


def _name(text: str) -> str:
    return f"<bdi>{escape(printable(text))}</bdi>"


def _path(path: object) -> str:
    return f'<span class="as-code">{escape(printable(str(path)))}</span>'


def _cell(text: str) -> str:
    return f"<td>{_name(text)}</td>"


def _digest(text: str) -> str:
    return f'<td class="as-code">{escape(printable(text))}</td>'


def _table(headings: Iterable[str], rows: Iterable[str], hidden: int) -> str:
    head = "".join(f'<th scope="col">{heading}</th>' for heading in headings)
    rest = _note(f"… and {hidden:,} more") if hidden else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>{rest}"


def _details(summary: str, body: str, *, is_open: bool = False) -> str:
    return f"<details{' open' if is_open else ''}><summary>{summary}</summary>{body}</details>"


def _facts(place: object, columns: Columns) -> str:
    counts = tally(columns)
    files, events = count(counts["files"], "file"), count(counts["events"], "event")
    return _note(f"{_path(place)} · {files}, {events}, {count(counts['productions'], 'production')}")


def _events(columns: Columns) -> Iterator[str]:
    """Yield the records by event: the first events, and of each the first rows."""
    spans = list(_spans(columns[0]))
    for start, stop in spans[:MAX_ROWS]:
        yield _event(columns, start, stop, is_open=len(spans) == 1)
    if len(spans) > MAX_ROWS:
        yield _note(f"… and {count(len(spans) - MAX_ROWS, 'more event')}")


def _spans(events: list[str]) -> Iterator[tuple[int, int]]:
    start = 0
    while start < len(events):  # they are sorted
        stop = bisect_right(events, events[start], start)
        yield start, stop
        start = stop


def _event(columns: Columns, start: int, stop: int, *, is_open: bool) -> str:
    _, productions, files, hashes, uuids = (column[start : min(stop, start + MAX_ROWS)] for column in columns)
    rows = [
        f"<tr>{_cell(production)}{_cell(file)}{_digest(digest)}{_digest(uuid)}</tr>"
        for production, file, digest, uuid in zip(productions, files, hashes, uuids, strict=True)
    ]
    table = _table(("production", "file", "hash", "uuid"), rows, stop - start - len(rows))
    summary = f"{_name(columns[0][start])}: {count(stop - start, 'file')}"
    summary += f" in {count(len(set(columns[1][start:stop])), 'production')}"
    return _details(summary, table, is_open=is_open)


def _checks(status: Status, checks: list[Check]) -> str:
    failed = status is not Status.OK
    headings = ("event", "production", "file", *(("what is wrong", "path") if failed else ("hash",)))
    table = _table(headings, map(_check, checks[:MAX_ROWS]), max(0, len(checks) - MAX_ROWS))
    return _details(f"{_symbol(status)} {status}: {count(len(checks), 'file')}", table, is_open=failed)


def _check(check: Check) -> str:
    place = "".join(map(_cell, check.key))
    if check.status is Status.OK:
        return f"<tr>{place}{_digest(check.hash)}</tr>"
    return f"<tr>{place}{_cell(check.reason or '')}<td>{_path(check.path)}</td></tr>"


def _untracked(paths: Sequence[Path]) -> str:
    if not paths:
        return ""
    rows = (f"<tr><td>{_path(path)}</td></tr>" for path in paths[:MAX_ROWS])
    table = _table(["path"], rows, max(0, len(paths) - MAX_ROWS))
    return _details(f"untracked: {count(len(paths), 'file')} that no record names", table)


# What texts are made of -----------------------------------------------------------------------------------------------


def tally(columns: Columns) -> dict[str, int]:
    """Count files, events and productions (of each event) in the columns of a manifest."""
    events, productions, *_ = columns
    pairs = set(zip(events, productions, strict=True))
    return {"files": len(events), "events": len({event for event, _ in pairs}), "productions": len(pairs)}


def _width(text: str) -> int:
    """Return how many columns of a terminal `text` takes."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in {"W", "F"} for character in text)
    return len(text) + wide - sum(map(bool, map(unicodedata.combining, text)))

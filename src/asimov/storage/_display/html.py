"""The elements of the pages, as HTML.

There are no scripts, ids or external resources. Everything is inside one ``<div class="asimov-storage">``, with a small
style sheet for that class, which takes its colours from the front end. The first element is a line of text. Front ends
that drop the style sheet show that line and plain tables. Names come from manifests and disks, so each passes through
`printable`.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from .text import SYMBOLS, printable

# The front end's own colours: VS Code's, else JupyterLab's, else pydata-sphinx-theme's, else what surrounds the output.
STYLE = """<style>
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


def page(line: str, *parts: str) -> str:
    """Return a page of `parts`, which are HTML, and the line of text that is shown without a style sheet."""
    return f'<div class="asimov-storage">{STYLE}<pre class="as-text">{escape(line)}</pre>{"".join(parts)}</div>'


def title(html: str, kind: str = "plain") -> str:
    """Return the title of a page; its `kind` is "plain", "well" or "ill"."""
    return f'<div class="as-title as-{kind}">{html}</div>'


def note(html: str) -> str:
    """Return a note on a line of its own."""
    return f'<div class="as-note">{html}</div>'


def symbol(status: str) -> str:
    """Return the symbol of a status, hidden from screen readers: these read the word beside it."""
    return f'<span aria-hidden="true">{SYMBOLS[status]}</span>'


def text(words: str) -> str:
    """Return text as HTML, with invisible characters and those with a meaning in HTML escaped."""
    return escape(printable(words))


def name(words: str) -> str:
    """Return a name, which keeps its own reading direction whatever surrounds it."""
    return f"<bdi>{text(words)}</bdi>"


def path(place: object) -> str:
    """Return a path in the font of code."""
    return f'<span class="as-code">{text(str(place))}</span>'


def cell(words: str) -> str:
    """Return the cell of a table that holds a name or words."""
    return f"<td>{name(words)}</td>"


def struck(words: str, why: str) -> str:
    """Return a cell whose text is struck through, with the reason below it."""
    return f'<td><s>{name(words)}</s><div class="as-note">{text(why)}</div></td>'


def digest(digits: str) -> str:
    """Return the cell of a table that holds a digest or a uuid."""
    return f'<td class="as-code">{text(digits)}</td>'


def table(headings: Iterable[str], rows: Iterable[str], hidden: int) -> str:
    """Return a table, and below it how many rows are `hidden`."""
    head = "".join(f'<th scope="col">{heading}</th>' for heading in headings)
    rest = note(f"… and {hidden:,} more") if hidden else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>{rest}"


def details(summary: str, body: str, *, is_open: bool = False) -> str:
    """Return a summary, and a body that a click on the summary opens."""
    return f"<details{' open' if is_open else ''}><summary>{summary}</summary>{body}</details>"

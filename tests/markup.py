"""HTML taken apart, and names that would be markup, or look like another name."""

from __future__ import annotations

from html.parser import HTMLParser

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "&lt;b&gt;&amp;",
    "\"'><b id=x onclick=alert(1)>",
    "a\u202egnp.exe",  # shown from right to left, it would read as something else
    "zero\u200bwidth",
    "שלום עולם",
    "漢字",
    "e\u0301",
    "no",
    "x" * 255,
    "é" * 127,
)
VOID = {"br", "hr", "img", "input", "link", "meta"}


class Page(HTMLParser):
    """A piece of HTML, taken apart: tags, attributes, the text of cells; fails on tags that don't match."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.cells: list[str] = []
        self.texts: list[str] = []
        self.roots = 0
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        assert tag not in VOID
        self.roots += not self._open
        self._open.append(tag)
        self.tags.append(tag)
        self.attributes += attrs
        if tag in {"td", "th"}:
            self.cells.append("")

    def handle_endtag(self, tag):
        assert tag == self._open.pop()

    def handle_data(self, data):
        if "style" not in self._open:
            self.texts.append(data)
        if self.cells and {"td", "th"} & set(self._open):
            self.cells[-1] += data

    @property
    def text(self) -> str:
        return "".join(self.texts)

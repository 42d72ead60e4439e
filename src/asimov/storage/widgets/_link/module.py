"""The ES module of each widget: which files of static/ it is made of, and how they are joined and packed.

There is no bundler, and an anywidget sends one module, so the files are put one after the other: none imports or
exports anything, every top-level name is a function, class, let or const, and they share one scope.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from importlib.resources import files

PAGE = tuple(f"page/{name}" for name in ("link", "names", "elements", "units", "words", "progress", "work", "render"))
"""What every widget needs; the others name the rest, and nothing that they don't need."""

_UPLOAD = (
    *("page/icons", "page/newest", "page/pace", "page/combobox", "page/md5"),
    *(f"upload/{name}" for name in ("place", "folders", "lab", "chosen", "line", "upload", "batch", "server", "row")),
    *(f"upload/{name}" for name in ("rows", "stored", "panel")),
)
_FETCHED = tuple(f"fetch/{name}" for name in ("copying", "json_tree", "preview", "sink", "download", "fetched"))
_VERIFYING = ("verify/found", "verify/verifying")
_EXPLORE = tuple(
    f"explore/{name}"
    for name in (
        *("state", "drawer", "marks", "columns", "filters", "records", "pager", "overview", "status", "parts"),
        *("selection", "opened", "verified", "gathering"),
    )
)

FILES = {
    "Uploader": (*PAGE, *_UPLOAD),
    "Fetcher": (*PAGE, "page/newest", "page/pace", "page/combobox", "page/md5", *_FETCHED, "fetch/panel"),
    "Verifier": (*PAGE, *_VERIFYING, "verify/panel"),
    "Explorer": (*PAGE, *_UPLOAD, *_FETCHED, *_VERIFYING, *_EXPLORE, "explore/adding", "explore/panel"),
}
"""The files of each widget, by its class."""


def static(name: str) -> str:
    """Return the text of a file in static/."""
    return files("asimov.storage.widgets").joinpath("static", name).read_text(encoding="utf-8")


def joined(*names: str) -> str:
    """Return the text of static/NAME.js for each name, one after the other, without the comments."""
    return "".join(_COMMENTS.sub("", static(f"{name}.js")) for name in names)


def exported(widget: str) -> str:
    """Return the lines that hand a widget's ``mountNAME(link, root, model)``, and the style sheet, to anywidget."""
    sheet = json.dumps(_CSS_COMMENTS.sub("", static("asimov-storage.css")))
    return f"export default {{ render: rendering(mount{widget}, {sheet}) }};\n"


def source(widget: str) -> str:
    """Return the ES module of a widget, by the name of its class."""
    return joined(*FILES[widget]) + exported(widget)


def packed(text: str) -> str:
    """Return an ES module that unpacks another: a third of its size, which is most of what a page waits for.

    The style sheet comes in it, too: as anywidget's ``_css`` it would be four times as large.

    The page inflates it (Compression Streams, which browsers have had since 2023) and imports it as anywidget imports
    every module: from a Blob.
    """
    return _UNPACKING % base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def module(widget: str) -> str:
    """Return what a page loads for a widget: its ES module, packed."""
    return packed(source(widget))


#: Comments that have lines of their own: types and reasons are for those who read the files, and half of the bytes.
_COMMENTS = re.compile(r"^ *(?:/\*\*(?:(?!\*/).)*\*/|//[^\n]*)\n", re.MULTILINE | re.DOTALL)

_CSS_COMMENTS = re.compile(r"/\*.*?\*/|^ +", re.MULTILINE | re.DOTALL)

_UNPACKING = """\
const bytes = Uint8Array.from(atob("%s"), (character) => character.charCodeAt(0));
const text = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
const unpacked = await import(/* webpackIgnore: true */ url);
URL.revokeObjectURL(url);
export default unpacked.default;
"""

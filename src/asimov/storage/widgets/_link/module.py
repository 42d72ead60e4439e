"""The ES module of each widget: the files in static/ that it is made of, and how they are joined and packed.

An anywidget sends one module, and there is no bundler. So the files are joined one after the other. No file imports or
exports anything, every top-level name is a function, class, let or const, and all files share one scope.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from importlib.resources import files

PAGE = tuple(f"page/{name}" for name in ("link", "names", "elements", "units", "words", "progress", "work", "render"))
"""The files that every widget needs. Each widget adds only the further files that it needs."""

_UPLOAD = (
    *("page/icons", "page/newest", "page/pace", "page/combobox", "page/md5"),
    *(f"upload/{name}" for name in ("place", "notes", "folders", "lab", "chosen", "line", "upload", "batch", "server")),
    *(f"upload/{name}" for name in ("row", "rows", "stored", "panel")),
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
    "Verifier": (*PAGE, "page/newest", "page/combobox", *_VERIFYING, "verify/restoring", "verify/panel"),
    "Explorer": (*PAGE, *_UPLOAD, *_FETCHED, *_VERIFYING, *_EXPLORE, "explore/adding", "explore/panel"),
}
"""The files of each widget, by its class."""


def static(name: str) -> str:
    """Return the text of a file in static/."""
    return files("asimov.storage.widgets").joinpath("static", name).read_text(encoding="utf-8")


def joined(*names: str) -> str:
    """Return the text of static/NAME.js for each name, joined, without the comments."""
    return "".join(_COMMENTS.sub("", static(f"{name}.js")) for name in names)


def exported(widget: str) -> str:
    """Return the line that exports a widget's ``mountNAME(link, root, model)`` and the style sheet for anywidget."""
    sheet = json.dumps(_CSS_COMMENTS.sub("", static("asimov-storage.css")))
    return f"export default {{ render: rendering(mount{widget}, {sheet}) }};\n"


def source(widget: str) -> str:
    """Return the ES module of a widget, by the name of its class."""
    return joined(*FILES[widget]) + exported(widget)


def packed(text: str) -> str:
    """Return an ES module that holds another one compressed, and unpacks it.

    It has a third of the size, and a page mostly waits for these bytes. The style sheet is in it too: as anywidget's
    ``_css`` it would be four times as large.

    The page inflates the module (by Compression Streams, which browsers have had since 2023) and imports it from a
    Blob, as anywidget imports every module.
    """
    return _UNPACKING % base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def module(widget: str) -> str:
    """Return the text that a page loads for a widget: its ES module, packed."""
    return packed(source(widget))


#: Comments on lines of their own. They are half of the bytes, and only readers of the files need them.
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

"""The ES module of each widget: files of static/, joined and packed."""

from __future__ import annotations

import base64
import gzip
from importlib.resources import files

_WIDGETS = "asimov.storage.widgets"


def static(name: str) -> str:
    """Return the text of a file in static/."""
    return files(_WIDGETS).joinpath("static", name).read_text(encoding="utf-8")


def source(*names: str) -> str:
    """Return the text of one ES module: static/shared.js, static/NAME.js for each name, and an export of the last.

    There is no bundler, and an anywidget sends one module, so the files are put one after the other: none imports or
    exports anything, every top-level name is a function, class or const, and they share one scope. The last one
    defines ``mountNAME(link, root, model)``, which fills `root` and returns its clean-up.
    """
    parts = [static(f"{name}.js") for name in ("shared", *names)]
    return "\n".join([*parts, f"export default {{ render: rendering(mount{names[-1].capitalize()}) }};\n"])


def packed(text: str) -> str:
    """Return an ES module that unpacks another: a third of its size, which is most of what a page waits for.

    The page inflates it (Compression Streams, which browsers have had since 2023) and imports it as anywidget imports
    every module: from a Blob.
    """
    return _UNPACKING % base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def module(*names: str) -> str:
    """Return what a page loads of the widgets `names`, as `source` has it, packed."""
    return packed(source(*names))


_UNPACKING = """\
const bytes = Uint8Array.from(atob("%s"), (character) => character.charCodeAt(0));
const text = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
const unpacked = await import(/* webpackIgnore: true */ url);
URL.revokeObjectURL(url);
export default unpacked.default;
"""

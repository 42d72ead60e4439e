"""The pages' scripts, as text: they share one scope, and make text of every name."""

from __future__ import annotations

import base64
import gzip
import re
from collections import Counter
from importlib.resources import files

import pytest

from asimov.storage.widgets import Explorer, Fetcher, Uploader, Verifier
from asimov.storage.widgets._link.module import static

SCRIPTS = sorted(
    (path for path in files("asimov.storage.widgets").joinpath("static").iterdir() if path.name.endswith(".js")),
    key=lambda path: path.name,
)
DEFINED = re.compile(r"^(?:async )?(?:function\*?|class|const|let|var) +(\w+)", re.MULTILINE)
HTML = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment")
RUN = re.compile(r"\beval\(|new Function\(|setTimeout\(\s*[\"'`]|javascript:")


def test_no_name_is_defined_twice():
    """The scripts of a widget are put one after the other, so no two may define the same name."""
    names = Counter(name for path in SCRIPTS for name in DEFINED.findall(path.read_text(encoding="utf-8")))
    assert len(names) > 50
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_nothing_becomes_html_or_code(path):
    """No script makes HTML or code of a text, or brings in what isn't in the wheel."""
    text = path.read_text(encoding="utf-8")
    assert (HTML.findall(text), RUN.findall(text)) == ([], [])
    assert re.findall(r"^\s*(?:import|export)\b.*|https?://[^\s\"'`]+", text, re.MULTILINE) == []


@pytest.mark.parametrize("widget", [Explorer, Fetcher, Uploader, Verifier])
def test_a_module_is_packed_whole(widget):
    """What a page loads holds the text of all scripts that the widget names, packed to less than half."""
    (held,) = re.findall(r'atob\("([^"]*)"\)', widget._esm)
    text = gzip.decompress(base64.b64decode(held)).decode()
    assert text.startswith(static("shared.js"))
    assert text.endswith(f"export default {{ render: rendering(mount{widget.__name__}) }};\n")
    assert len(widget._esm) < len(text) / 2

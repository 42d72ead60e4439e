"""The pages' scripts, as text: they share one scope, and make text of every name."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections import Counter
from importlib.resources import as_file, files
from pathlib import Path

import pytest

from asimov.storage.widgets import Explorer, Fetcher, Uploader, Verifier
from asimov.storage.widgets._link.module import FILES, exported, joined, static

WIDGETS = [Explorer, Fetcher, Uploader, Verifier]
with as_file(files("asimov.storage.widgets").joinpath("static")) as folder:
    SCRIPTS = sorted(path.relative_to(folder).with_suffix("").as_posix() for path in Path(folder).rglob("*.js"))
DEFINED = re.compile(r"^(?:async )?(?:function\*?|class|const|let|var) +(\w+)", re.MULTILINE)
HTML = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment")
RUN = re.compile(r"\beval\(|new Function\(|setTimeout\(\s*[\"'`]|javascript:")


def test_no_name_is_defined_twice():
    """The scripts of a widget are put one after the other, so no two may define the same name."""
    names = Counter(name for script in SCRIPTS for name in DEFINED.findall(static(f"{script}.js")))
    assert len(names) > 50
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("script", SCRIPTS)
def test_nothing_becomes_html_or_code(script):
    """No script makes HTML or code of a text, or brings in what isn't in the wheel."""
    text = static(f"{script}.js").replace(
        "http://www.w3.org/2000/svg", ""
    )  # the name of SVG's elements, not an address
    assert (HTML.findall(text), RUN.findall(text)) == ([], [])
    assert re.findall(r"^\s*(?:import|export)\b.*|https?://[^\s\"'`]+", text, re.MULTILINE) == []


def test_every_script_is_some_widgets():
    """No script lies in the wheel that no widget loads, and none is named twice by a widget."""
    assert sorted({name for names in FILES.values() for name in names}) == SCRIPTS
    assert [names for names in FILES.values() if len(names) != len(set(names))] == []


@pytest.mark.parametrize("widget", sorted(FILES))
def test_a_widget_loads_what_it_needs(widget):
    """Each script that a widget loads defines something that the others of its scripts use."""
    for script in FILES[widget]:
        others = joined(*(name for name in FILES[widget] if name != script)) + exported(widget)
        assert set(DEFINED.findall(static(f"{script}.js"))) & set(re.findall(r"\w+", others)), script


def test_comments_stay_in_the_files():
    """A page is sent the code: comments that have a line of their own are left out, and nothing else."""
    code = re.compile(r"^(?! *(?://|/\*\*|\*)).*\S.*$", re.MULTILINE)
    for script in SCRIPTS:
        sent = joined(script)
        assert re.findall(r"^ *(?:/\*|\*|//)", sent, re.MULTILINE) == []
        assert code.findall(sent) == code.findall(static(f"{script}.js"))


@pytest.mark.parametrize("widget", WIDGETS)
def test_a_module_is_packed_whole(widget):
    """What a page loads holds the code of all scripts that the widget names, and the style sheet, in less than half."""
    (held,) = re.findall(r'atob\("([^"]*)"\)', widget._esm)
    text = gzip.decompress(base64.b64decode(held)).decode()
    name = widget.__name__
    code, exported = text.split(f"export default {{ render: rendering(mount{name}, ")
    assert code == joined(*FILES[name])
    sheet = json.loads(exported.removesuffix(") };\n"))
    assert ".asimov-storage-panel .asimov-storage-records" in sheet
    assert not re.search(r"/\*|^ ", sheet, re.MULTILINE)
    assert len(widget._esm) < len(text) / 2

"""What widgets tell to Python, and look like without a kernel: traits, one-line reprs, and a static picture."""

from __future__ import annotations

import pytest
import traitlets
from damage import flip_bit

from asimov.storage.widgets import Explorer, Fetcher, Uploader, Verifier

PLACE = {"event": "S1", "production": "Prod0", "file": "result.txt"}
WIDGETS = [Explorer, Fetcher, Uploader, Verifier]


@pytest.fixture
def changes():
    """Return a function that observes a trait, and the list that it fills with (old, new)."""

    def observe(widget, name):
        seen = []
        widget.observe(lambda change: seen.append((change["old"], change["new"])), name)
        return seen

    return observe


@pytest.mark.parametrize("kind", WIDGETS)
@pytest.mark.parametrize("height", ["300px", "60vh", " 20rem ", "100%", "calc(100vh - 4rem)", "fill"])
def test_a_height_is_a_length_or_fill(store, kind, height):
    """Each widget takes a CSS length, or "fill", and sends it to the page without blanks."""
    widget = kind(store, height=height)
    assert widget.get_state("height") == {"height": height.strip()}
    widget.close()


@pytest.mark.parametrize("height", ["", "tall", 300, None, "-3px", "3 px", "1px; color: red"])
def test_another_height_is_refused(store, height):
    """Anything else is refused in words, and changes nothing."""
    with pytest.raises(traitlets.TraitError, match='CSS length such as "480px"'):
        Fetcher(store, height=height)
    widget = Fetcher(store)
    with pytest.raises(traitlets.TraitError, match="height="):
        widget.height = height
    assert widget.height == "480px"
    widget.close()


def test_a_fetch_is_heard(store, stored, page_of, changes):
    """`observe` hears the path and the record of each fetch; a page is told them as JSON."""
    fetcher = Fetcher(store)
    paths, records = changes(fetcher, "path"), changes(fetcher, "record")
    page_of(fetcher).ask("fetch/start", **PLACE)
    assert paths == [(None, stored)]
    assert [new for _, new in records] == [store["S1", "Prod0", "result.txt"]]
    assert fetcher.get_state(["path", "record"]) == {
        "path": str(stored),
        "record": {**PLACE, "hash": store["S1", "Prod0", "result.txt"].hash, "uuid": stored.name},
    }
    page_of(fetcher).ask("fetch/start", **PLACE)
    assert paths[1:] == [(stored, None), (None, stored)]
    fetcher.close()


def test_a_report_is_heard(store, stored, changes):
    """`observe` hears the report of each verification."""
    verifier = Verifier(store)
    reports = changes(verifier, "report")
    report = verifier.wait()
    flip_bit(stored)
    verifier.start()
    failed = verifier.wait()
    assert reports == [(None, report), (report, None), (None, failed)]
    assert verifier.get_state("report")["report"] == {
        "ok": False,
        "counts": {"ok": 0, "corrupt": 1, "missing": 0, "unreadable": 0, "retracted": 0},
        "problems": [],
    }
    verifier.close()


def test_what_is_told_is_read_only(store, stored, page_of):
    """Neither Python nor a page sets what a widget tells."""
    fetcher = Fetcher(store)
    page_of(fetcher).ask("fetch/start", **PLACE)
    with pytest.raises(traitlets.TraitError, match="read-only"):
        fetcher.path = "elsewhere"
    fetcher.set_state({"path": "/elsewhere", "record": None})
    assert fetcher.path == stored
    assert fetcher.record is not None
    fetcher.close()


def test_one_line_says_what_it_is(store, stored, page_of):
    """A widget's repr is one line: of which Store, and what came of it."""
    fetcher, verifier = Fetcher(store), Verifier(store)
    explorer, uploader = Explorer(store), Uploader(store)
    assert repr(explorer) == "<Explorer of 'Test Store': 1 record>"
    assert repr(uploader) == "<Uploader of 'Test Store': 0 files stored>"
    assert repr(fetcher) == "<Fetcher of 'Test Store': nothing fetched>"
    assert repr(verifier) == "<Verifier of 'Test Store': no report>"
    page_of(fetcher).ask("fetch/start", **PLACE)
    verifier.wait()
    assert repr(fetcher) == "<Fetcher of 'Test Store': S1 / Prod0 / result.txt>"
    assert repr(verifier) == "<Verifier of 'Test Store': 1 file ok (8 B)>"
    for widget in (fetcher, verifier, explorer, uploader):
        widget.close()


@pytest.mark.parametrize("kind", WIDGETS)
def test_a_saved_notebook_shows_something(store, stored, kind):
    """Beside the widget stands HTML for those who have no kernel, and no address of an object."""
    widget = kind(store)
    data, _ = widget._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == widget.model_id
    assert data["text/plain"] == repr(widget)
    assert "Test Store" in data["text/html"]
    assert "result.txt" in data["text/html"]
    widget.close()


def test_a_verifier_is_saved_with_its_report(store, stored):
    """What a Verifier found is what a saved notebook shows of it."""
    verifier = Verifier(store)
    report = verifier.wait()
    assert verifier._repr_mimebundle_()[0]["text/html"] == report._repr_html_()
    verifier.close()

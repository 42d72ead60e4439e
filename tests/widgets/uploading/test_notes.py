"""Notes of an Uploader: set from Python and by a page, and written with each file that is added."""

from __future__ import annotations

import math

import pytest
from damage import md5

from asimov.storage import Store
from asimov.storage.widgets import Uploader

PLACE = {"event": "GW150914", "production": "Prod0"}


@pytest.fixture
def store(tmp_path):
    """Make an empty Store."""
    return Store.create(tmp_path / "store", "Test Store")


@pytest.fixture
def widget(store, tmp_path):
    """Make an Uploader over it, which takes files of the server too."""
    widget = Uploader(store, server_root=tmp_path)
    yield widget
    widget.close()


@pytest.fixture
def page(widget, page_of):
    """Look at it."""
    return page_of(widget)


def rows(*notes):
    """Tell of rows as a page does: (key, text) each, or (key, text, the key from before)."""
    keys, texts, before = zip(*((*note, note[0])[:3] if len(note) == 2 else note for note in notes), strict=True)
    return {"keys": list(keys), "texts": list(texts), "before": list(before)}


def shown(widget):
    """Return what the pages are sent: keys and texts."""
    return [(row["key"], row["text"]) for row in widget.get_state("_notes")["_notes"]["rows"]]


def upload(page, name, content=b"some bytes", **more):
    """Send a file in slices."""
    told = {**PLACE, "name": name, "size": len(content), "mtime": 1}
    begun = page.ask("upload/begin", **told).result["upload"]
    page.ask("upload/slice", [content], upload=begun, offset=0)
    return page.ask("upload/end", upload=begun, md5=md5(content), **more)


def test_a_page_sets_notes(widget, page):
    """What is typed is read as by `locutus store --meta`: a number as a number, all else as a text; observers hear."""
    heard = []
    widget.observe(lambda change: heard.append(dict(change["new"])), "meta")
    typed = [("analyst", "Jane Doe"), ("snr", "24.5"), ("run", "7"), ("e", "1e3"), ("empty", ""), ("yes", "true")]
    assert set(page.ask("notes/set", **rows(*typed)).result) == {"meta", "number"}
    expected = {"analyst": "Jane Doe", "snr": 24.5, "run": 7, "e": 1000.0, "empty": "", "yes": "true"}
    assert widget.meta == expected
    assert heard == [expected]
    assert type(widget.meta["run"]) is int
    page.ask("notes/set", keys=[], texts=[], before=[])
    assert widget.meta == {}


WRONG = {
    "empty key": ([("a", "1"), ("", "x")], 1, "empty key"),
    "reserved": ([("a", "1"), ("b", "2"), ("hash", "x")], 2, "can't be a key"),
    "stamp": ([("added", "now")], 0, "can't be a key"),
    "twice": ([("a", "1"), ("b", "2"), ("a", "3")], 2, "given twice"),
    "large": ([("a", "x" * 17_000)], 0, "at most 16,384"),
    "large together": ([("a", "x" * 9000), ("b", "x" * 9000)], None, "at most 16,384"),
    "surrogate": ([("a", "\ud800")], 0, "lone surrogate"),
}


@pytest.mark.parametrize(("given", "row", "words"), WRONG.values(), ids=WRONG)
def test_what_can_be_no_note_is_refused(widget, page, given, row, words):
    """A wrong row is named with the core's words, and the notes stay as they were."""
    widget.meta = {"before": 1}
    told = page.ask("notes/set", **rows(*given)).result
    assert (told["row"], words in told["problem"], "meta" in told) == (row, True, False), told
    assert widget.meta == {"before": 1}


def test_a_malformed_message_is_refused(widget, page):
    """Rows that aren't whole, or notes that no kernel has sent, are refused, and nothing is stored."""
    assert page.fails("notes/set", keys=["a"], texts=[], before=["a"])["type"] == "RefusedError"
    assert page.fails("notes/set", keys="a", texts=["b"], before=["a"])["type"] == "RefusedError"
    for meta in ("{", "[1]", '{"hash": 1}', "[" * 50_000, '{"a": ' + "9" * 5000 + "}"):
        told = {"files": [{"name": "a", "size": 0, "md5": md5(b"")}], **PLACE}
        assert page.fails("upload/batch", meta=meta, **told)["type"] == "RefusedError"
    assert len(widget._store) == 0


def test_python_sets_notes(widget, store):
    """From Python the notes are a mapping that can be replaced, not changed; a page is sent their texts."""
    widget.meta = {"detectors": ["H1", "L1"], "none": None, "yes": True, "nan": math.nan, "number": "24", "odd": "'a'"}
    assert shown(widget) == [
        ("detectors", "H1, L1"),
        ("none", "null"),
        ("yes", "true"),
        ("nan", "nan"),
        ("number", "24"),
        ("odd", "'a'"),
    ]
    assert [row["fixed"] for row in widget.get_state("_notes")["_notes"]["rows"]] == [True, *[False] * 5]
    with pytest.raises(TypeError):
        widget.meta["a"] = 1
    widget.meta = None
    assert (widget.meta, shown(widget)) == ({}, [])
    assert Uploader(store, meta={"run": 7}).meta == {"run": 7}


@pytest.mark.parametrize(("wrong", "error"), [(3, TypeError), ({"hash": 1}, ValueError), ({"": 1}, ValueError)])
def test_python_is_refused_with_the_same_words(widget, store, wrong, error):
    """What `add_file` refuses as meta the widget refuses too, when it is made and later, in the same words."""
    widget.meta = {"before": 1}
    with pytest.raises(error) as expected:
        store.add_file("E", "P", "none", meta=wrong)
    for call in (lambda: setattr(widget, "meta", wrong), lambda: Uploader(store, meta=wrong)):
        with pytest.raises(error) as caught:
            call()
        assert str(caught.value) == str(expected.value)
    assert widget.meta == {"before": 1}


def test_a_page_keeps_what_it_did_not_type(widget, page):
    """A row that a page leaves as it is keeps its value, also under another key; a text that is typed is read anew."""
    before = {"detectors": ["H1", "L1"], "yes": True, "text": "24", "nan": math.nan, "changed": "24"}
    widget.meta = before
    texts = dict(shown(widget)) | {"changed": "25"}
    page.ask("notes/set", **rows(*((f"{key}2", text, key) for key, text in texts.items())))
    assert widget.meta == {f"{key}2": value for key, value in before.items()} | {"changed2": 25}
    assert type(widget.meta["text2"]) is str


def test_each_change_has_a_number(widget, page):
    """The state that pages are sent has a growing number, which the answer names too, even where 1 becomes 1.0."""
    widget.meta = {"a": 1}
    before = widget._notes["number"]
    widget.meta = {"a": 1.0}
    assert (widget._notes["number"], shown(widget)) == (before + 1, [("a", "1.0")])
    assert page.ask("notes/set", **rows(("a", "1", "a"))).result["number"] == before + 2
    assert (widget._notes["number"], shown(widget)) == (before + 2, [("a", "1")])
    assert page.ask("notes/set", **rows(("hash", "1"))).result["number"] == before + 2


def test_notes_are_written_with_every_file(widget, page, store, tmp_path):
    """A large file, a batch and a file of the server get the notes that were valid when they were sent."""
    widget.meta = {"detectors": ["H1", "L1"], "nan": math.nan}
    meta = page.ask("notes/set", **rows(*shown(widget), ("run", "7"))).result["meta"]
    page.ask("notes/set", **rows(("later", "1")))
    upload(page, "large", meta=meta)
    files = [{"name": name, "size": 1, "md5": md5(name.encode())} for name in "ab"]
    page.ask("upload/batch", [b"ab"], **PLACE, files=files, meta=meta)
    (tmp_path / "on the server").write_bytes(b"server")
    page.ask("server/add", **PLACE, name="server", path="on the server", meta=meta)
    upload(page, "without", b"other bytes")
    for name in ("large", "a", "b", "server"):
        found = dict(store["GW150914", "Prod0", name].meta)
        assert math.isnan(found.pop("nan"))
        assert found == {"detectors": ["H1", "L1"], "run": 7}
    assert not store["GW150914", "Prod0", "without"].meta
    assert [record.file for record in widget.records] == ["large", "a", "b", "server", "without"]


def test_a_stamp_is_added_to_notes(tmp_path, page_of):
    """In a Store that stamps, files that are uploaded with notes get the stamp too."""
    store = Store.create(tmp_path / "stamped", "Test Store", stamp=True)
    widget = Uploader(store, meta={"run": 7})
    page = page_of(widget)
    upload(page, "a", meta=page.ask("notes/set", **rows(*shown(widget))).result["meta"])
    assert set(store["GW150914", "Prod0", "a"].meta) == {"run", "added", "by"}
    widget.close()

from __future__ import annotations

import dataclasses

import pytest
from damage import flip_bit
from markup import HOSTILE

from asimov.storage import Store


@pytest.fixture
def hostile_store(tmp_path):
    """A Store at a path, and of a name, full of markup, that holds every hostile name as event, production and file."""
    store = Store.create(tmp_path / "<" / "div><script>alert(1)<" / "script>", "</div><script>alert(1)</script>")
    source = tmp_path / "source"
    for number, name in enumerate(HOSTILE):
        source.write_text(f"content {number}")
        store.add_file(name, name, source, name)
    return store


@pytest.fixture
def every_form(hostile_store):
    """The line and the HTML of everything that a cell can end on, for a hostile Store with failures of every kind."""
    paths = {record.key: hostile_store.fetch_file(*record.key) for record in hostile_store}
    flip_bit(paths[(HOSTILE[0],) * 3])
    paths[(HOSTILE[1],) * 3].unlink()
    (hostile_store.root / HOSTILE[2] / HOSTILE[2] / "<img onerror=alert(1)>").touch()
    found = hostile_store.verify()
    found = dataclasses.replace(found, problems=("another </div><script> fingerprint",), skipped=3)
    objects = [hostile_store, hostile_store.manifest, *hostile_store, found]
    return [(repr(each), each._repr_html_()) for each in objects]

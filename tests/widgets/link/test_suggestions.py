"""Suggestions: names of a Store that go on from what was typed."""

from __future__ import annotations

import pytest

from asimov.storage import Store
from asimov.storage.widgets._link.messages import Message, RefusedError
from asimov.storage.widgets._link.suggestions import Suggestions, distinct, matching

KEYS = sorted(
    [
        ("GW150914", "Prod0", "posterior.h5"),
        ("GW150914", "Prod0", "psd.dat"),
        ("GW150914", "Prod1", "posterior.h5"),
        ("GW170817", "Prod0", "skymap.fits"),
        ("S190814bv", "Prod0", "PSD.dat"),
        ("S190814bv", "shared", "<b>psd</b>.dat"),
    ]
)
COLUMNS = list(zip(*KEYS, strict=True))


def suggest(columns, field, typed, event="", production=""):
    """Find names as `Suggestions` does."""
    names = distinct(columns, field, event, production)
    return matching(names, [name.casefold() for name in names], typed)


@pytest.mark.parametrize(
    ("field", "typed", "event", "production", "names"),
    [
        ("event", "", "", "", ["GW150914", "GW170817", "S190814bv"]),
        ("event", "gw", "", "", ["GW150914", "GW170817"]),
        ("event", "814", "", "", ["S190814bv"]),
        ("event", "S", "GW150914", "Prod0", ["S190814bv"]),
        ("production", "", "", "", ["Prod0", "Prod1", "shared"]),
        ("production", "", "GW150914", "", ["Prod0", "Prod1"]),
        ("production", "1", "GW150914", "", ["Prod1"]),
        ("production", "", "GW1", "", []),
        ("file", "", "GW150914", "Prod0", ["posterior.h5", "psd.dat"]),
        ("file", "psd", "GW150914", "Prod0", ["psd.dat"]),
        ("file", "psd", "", "", ["PSD.dat", "psd.dat", "<b>psd</b>.dat"]),
        ("file", "", "", "Prod1", ["posterior.h5"]),
        ("file", "", "S190814bv", "", ["<b>psd</b>.dat", "PSD.dat"]),
        ("file", "", "GW150914", "shared", []),
    ],
)
def test_each_name_narrows_the_next(field, typed, event, production, names):
    """An event narrows productions, both narrow files; case doesn't matter, and what begins as typed comes first."""
    assert suggest(COLUMNS, field, typed, event=event, production=production) == (names, len(names))


def test_an_empty_store_suggests_nothing(store):
    """Where nothing is recorded, nothing is suggested."""
    columns = store.manifest.columns()
    assert [suggest(columns, field, "") for field in ("event", "production", "file")] == [([], 0)] * 3


def test_many_names_are_capped_and_counted():
    """Of 100,000 files in one production the first fifty come back, with the count of all."""
    files = [f"file_{number:06}.h5" for number in range(100_000)]
    columns = [["E"] * len(files), ["P"] * len(files), files]
    assert suggest(columns, "file", "", event="E", production="P") == (files[:50], 100_000)
    assert suggest(columns, "file", "99999", event="E", production="P") == (["file_099999.h5"], 1)
    assert suggest(columns, "event", "") == (["E"], 1)


def _asked(**content):
    return Message(kind="names/suggest", view="view0000", request=1, content=content)


def test_a_page_asks_and_sees_what_others_add(store, source):
    """A page's question is answered from the manifest as it is now."""
    suggestions = Suggestions(store)
    store.add_file("GW150914", "Prod0", source())
    question = _asked(field="event", typed="gw")
    assert suggestions._suggest(question) == {"names": ["GW150914"], "total": 1}
    Store(store.root).add_file("GW170817", "Prod0", source("other", b"another"))
    assert suggestions._suggest(question) == {"names": ["GW150914", "GW170817"], "total": 2}
    assert suggestions._suggest(_asked(field="file", event="GW170817"))["names"] == ["other"]


@pytest.mark.parametrize(
    "content", [{}, {"field": "hash"}, {"field": "event", "typed": 7}, {"field": "event", "event": []}]
)
def test_malformed_questions_are_refused(store, content):
    """A question for another field, or with something else than text, is refused."""
    with pytest.raises(RefusedError):
        Suggestions(store)._suggest(_asked(**content))

"""The figure of a Store."""

from __future__ import annotations

import sys

import matplotlib as mpl
import pytest
from matplotlib import pyplot

mpl.use("Agg")


@pytest.fixture(autouse=True)
def closed():
    """Close all figures after a test."""
    yield
    pyplot.close("all")


def test_a_figure(store, tmp_path):
    """Events and productions stand at the axes, and each square has its number."""
    for event, production, name in (("S1", "P\u202e1", "a"), ("S0", "P0", "b"), ("S1", "P0", "c"), ("S1", "P0", "d")):
        (tmp_path / name).write_text(name)
        store.add_file(event, production, tmp_path / name)
    ax = store.plot()
    assert ax.get_title() == "Test Store: 4 files"
    assert [label.get_text() for label in ax.get_yticklabels()] == ["S0", "S1"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["P0", "P\\u202e1"]
    assert [text.get_text() for text in ax.texts] == ["1", "2", "1"]
    _, mine = pyplot.subplots()
    assert store.plot(mine) is mine


def test_a_figure_of_nothing(store):
    """An empty Store has a figure, too."""
    assert store.plot().get_title() == "Test Store: 0 files"


def test_without_matplotlib(store, monkeypatch):
    """Where matplotlib isn't installed, the error says how to get it."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        store.plot()

from __future__ import annotations

import io

import pytest
from tqdm import tqdm

from asimov.storage._display.bar import bar, moving


@pytest.fixture
def bars():
    """The bars that were made, in a list, each drawn into a text of its own."""
    made: list[tqdm] = []
    yield made
    for each in made:
        each.close()


@pytest.fixture
def make_bar(bars):
    """A function that makes a bar."""

    def make(**options):
        bars.append(tqdm(file=io.StringIO(), **options))
        return bars[-1]

    return make


def test_a_bar_is_made_once_when_it_is_due(bars, make_bar):
    """No bar is made before one is due, then one in bytes, and that one moves."""
    progress = moving(make_bar, lambda total: total > 10, lambda _bar, _total: None)
    progress(1, 10)
    assert bars == []
    progress(2, 20)
    progress(5, 20)
    assert [(each.n, each.total, each.unit) for each in bars] == [(5, 20, "B")]


def test_a_bar_is_told_only_of_another_total(make_bar):
    """What sets a bar's total is called when it changes, and not else."""
    totals = []

    def set_total(bar, total):
        totals.append(total)
        bar.total = total

    progress = moving(make_bar, lambda _total: True, set_total)
    for done, total in [(0, 10), (1, 10), (1, 20), (2, 20)]:
        progress(done, total)
    assert totals == [20]


def test_a_bar_that_grows(capsys):
    """A total that is only learned as the work goes on is the one that the bar shows."""
    with bar("verify") as progress:
        for done, total in [(0, 0), (0, 50), (10, 100), (100, 100)]:
            progress(done, total)
    shown = capsys.readouterr().err
    assert shown.count("verify") > 1
    assert "100/100" in shown.rpartition("\r")[2]

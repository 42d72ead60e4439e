"""A Store as a figure, with matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asimov.storage._display.text import count, printable

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_CELL = 0.35
"""Inches."""
_NUMBERED = 1000
"""Cells up to which each has its number written in it."""


def draw(overview: pd.DataFrame, name: str, ax: Axes | None = None) -> Axes:
    """Draw a table of counts, events by productions.

    Parameters
    ----------
    overview : pandas.DataFrame
        As `Store.overview` returns it.
    name : str
        Of the Store.
    ax : matplotlib.axes.Axes, optional
        Where to draw; else a new figure is made.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        There is no matplotlib.
    """
    try:
        from matplotlib import pyplot
    except ImportError as error:
        msg = "A plot takes matplotlib. Install it with: pip install matplotlib"
        raise ImportError(msg) from error
    events, productions = overview.shape
    if ax is None:
        size = max(4, 2 + _CELL * productions), max(2, 1.2 + _CELL * events)
        _, ax = pyplot.subplots(figsize=size, layout="constrained")
    counts = overview.to_numpy()
    ax.set_title(f"{printable(name)}: {count(int(counts.sum()), 'file')}")
    ax.set_xticks(range(productions), list(map(printable, overview.columns)), rotation=90)
    ax.set_yticks(range(events), list(map(printable, overview.index)))
    if counts.size:
        ax.imshow(counts, cmap="Blues", vmin=0, aspect="auto")
    if counts.size <= _NUMBERED:
        for row, column in zip(*counts.nonzero(), strict=True):
            number = int(counts[row, column])
            colour = "white" if number > counts.max() / 2 else "black"
            ax.text(column, row, f"{number:,}", ha="center", va="center", color=colour)
    return ax

"""A Store as a figure, with matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asimov.storage._display.text import count, printable

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_CELL = 0.35
"""The size of a cell in inches."""
_NUMBERED = 1000
"""If there are no more cells than this, each shows its number."""


def draw(overview: pd.DataFrame, name: str, ax: Axes | None = None) -> Axes:
    """Draw a table of counts, events by productions.

    Parameters
    ----------
    overview : pandas.DataFrame
        The table that `Store.overview` returns.
    name : str
        The name of the Store.
    ax : matplotlib.axes.Axes, optional
        The axes to draw in; by default, those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    ImportError
        matplotlib isn't installed.
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

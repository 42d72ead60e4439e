"""The plots of one run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import matplotlib as mpl

from .environments import OURS
from .table import Row

mpl.use("svg")
# The same figures give the same bytes, and texts stay texts.
mpl.rcParams.update({"svg.hashsalt": "asimov-storage", "svg.fonttype": "none", "font.family": "sans-serif"})

from matplotlib import pyplot as plt  # noqa: E402 - after the choice of the backend

# One colour for each contestant in every plot (Okabe and Ito's, which colour-blind readers tell apart), and a marker.
_STYLES = {
    OURS: ("#d55e00", "o"),
    "asimov 0.8.0": ("#000000", "s"),
    "disk-objectstore": ("#0072b2", "^"),
    "dvc-data": ("#009e73", "v"),
    "bagit": ("#cc79a7", "D"),
    "pooch": ("#e69f00", "P"),
    "coreutils": ("#7f7f7f", "x"),
}


def records(path: Path, curves: dict[str, Any]) -> None:
    """Plot time against the number of records, both axes logarithmic, every contestant."""
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    titles = {
        "add": "one add into an open store",
        "fetch": "a new process to a verified file,\nabove an empty interpreter",
    }
    for axis, (kind, title) in zip(axes, titles.items(), strict=True):
        for name, line in curves[kind].items():
            colour, marker = _STYLES[name]
            width = 2.5 if name == OURS else 1.2
            axis.loglog(list(line), list(line.values()), label=name, color=colour, marker=marker, linewidth=width)
        axis.set(title=title, xlabel="records", ylabel="seconds")
        axis.grid(visible=True, which="major", alpha=0.3)
    if curves["fetch"]:
        axes[1].legend(loc="upper left")
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def throughput(path: Path, rows: list[Row]) -> None:
    """Plot the throughput of adding and verifying as bars, every contestant."""
    wanted = [(row, size) for row in rows if (size := _mib(row.what)) and row.unit == "x"]
    figure, axes = plt.subplots(1, max(len(wanted), 1), figsize=(4.5 * max(len(wanted), 1), 3.8), layout="constrained")
    for axis, (row, size) in zip(axes if len(wanted) > 1 else [axes], wanted, strict=False):
        bars = sorted(((size / seconds, name) for name, seconds in row.seconds.items()), reverse=False)
        colours = [_STYLES.get(name, ("#bbbbbb", ""))[0] for _, name in bars]
        drawn = axis.barh([name for _, name in bars], [rate for rate, _ in bars], color=colours)
        axis.bar_label(drawn, fmt="%.0f", padding=2)
        axis.set(title=row.what, xlabel="MiB a second")
        axis.margins(x=0.15)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _mib(what: str) -> float | None:
    """Return how many MiB a row is about, or None where it isn't about bytes."""
    units = {"KiB": 1 / 1024, "MiB": 1.0}
    if found := re.match(r"add one (\d+) (\w+) file", what):
        return int(found[1]) * units[found[2]]
    if found := re.match(r"verify ([\d,]+) x (\d+) (\w+)", what):
        return int(found[1].replace(",", "")) * int(found[2]) * units[found[3]]
    return None

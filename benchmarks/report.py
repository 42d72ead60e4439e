"""The table and the figures of one run, as JSON and as Markdown."""

from __future__ import annotations

import datetime
import json
import math
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .environments import REQUIREMENTS
from .table import Row

ROOT = Path(__file__).parents[1]
LOAD = os.getloadavg()[0]
"""How many processes wanted a core, on average over the minute before the run."""


def machine() -> dict[str, Any]:
    """Say what the run ran on, without naming it."""
    try:
        ours = version("asimov-storage")
    except PackageNotFoundError:
        ours = "source tree"
    try:
        commit = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        commit = "unknown"
    return {
        "asimov-storage": f"{ours}, commit {commit}",
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release().split('-')[0]}, {platform.machine()}",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load before": f"{LOAD:.2f}",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "peers": list(REQUIREMENTS.values()),
    }


def write(folder: Path, rows: list[Row], curves: dict[str, Any], *, quick: bool, missing: list[str]) -> None:
    """Write results.json and index.md into a folder; `missing` are the parts that the run hasn't come to yet."""
    folder.mkdir(parents=True, exist_ok=True)
    about = machine()
    plain = {
        "quick": quick,
        "missing": missing,
        "machine": about,
        "rows": [row.plain() for row in rows],
        "curves": curves,
    }
    (folder / "results.json").write_text(json.dumps(plain, indent=1, sort_keys=True) + "\n")
    (folder / "index.md").write_text(page(rows, curves, about, quick=quick, missing=missing))


def page(rows: list[Row], curves: dict[str, Any], about: dict[str, Any], *, quick: bool, missing: list[str]) -> str:
    """Return the whole page."""
    parts = [
        "# Benchmarks\n",
        "Written by `nox -s bench`, all of it in one run; don't edit it. "
        + ("**A quick run: small sizes, few rounds; don't quote it.** " if quick else "")
        + (f"**It was broken off; these parts are missing: {', '.join(missing)}.** " if missing else "")
        + "What is measured and how stands in `benchmarks/README.md`, why in the page on performance.\n",
        "\n".join(
            f"- {name}: {', '.join(value) if isinstance(value, list) else value}" for name, value in about.items()
        )
        + "\n",
        "## To reach\n",
        "The value is the median, over the rounds, of a ratio of two measurements of one round; the range is theirs.\n",
        _table(rows),
        "![Time against the number of records](records.svg)\n",
        "![Throughput of each contestant, in bars](throughput.svg)\n",
        "## Every contestant\n",
        "Median seconds (MiB in the row on memory). Who lacks the operation has no figure; who wasn't seen to do the",
        "work has a void one.\n",
        *(_contestants(row) for row in rows),
        *(["## Time against the number of records\n"] if any(curves.values()) else []),
        *(_curve(kind, lines) for kind, lines in curves.items() if lines),
    ]
    return "\n".join(parts)


def _table(rows: list[Row]) -> str:
    lines = ["| what | beside | to reach | value | range | met |", "| --- | --- | --- | --- | --- | --- |"]
    for row in rows:
        spread = f"{min(row.spread):.3g} - {max(row.spread):.3g}" if row.spread else ""
        met = "void" if math.isnan(row.value) else "yes" if row.met else "**no**"
        beside = f"{row.beside} ({row.note})" if row.note else row.beside
        lines.append(
            f"| {row.what} | {beside} | {row.limit:g} {row.unit} | {row.value:.3g} {row.unit} | {spread} | {met} |"
        )
    return "\n".join(lines) + "\n"


def _contestants(row: Row) -> str:
    lines = [f"### {row.what}\n", "| who | median |", "| --- | --- |"]
    lines += [f"| {name} | {seconds:.4g} |" for name, seconds in sorted(row.seconds.items(), key=lambda item: item[1])]
    lines += [f"| {name} | void: {why} |" for name, why in sorted(row.void.items())]
    return "\n".join(lines) + "\n"


def _curve(kind: str, lines: dict[str, dict[int, float]]) -> str:
    title = {
        "add": "One add into an open store",
        "fetch": "A new process to a verified file, above an empty interpreter",
    }
    counts = sorted({count for line in lines.values() for count in line})
    heads = " | ".join(f"{count:,}" for count in counts)
    out = [f"### {title[kind]}: milliseconds\n", f"| who | {heads} |", "| --- |" + " --- |" * len(counts)]
    for name, line in lines.items():
        cells = " | ".join(f"{1e3 * line[count]:.3g}" if count in line else "not run" for count in counts)
        out.append(f"| {name} | {cells} |")
    return "\n".join(out) + "\n"

"""How much is tried: a quick profile for continuous integration, a long one for a night.

``ASIMOV_STORAGE_FAULTS=long`` asks for the long one. ``ASIMOV_STORAGE_FIGURES=FILE`` collects what was tried, one JSON
object a line.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
LONG = os.environ.get("ASIMOV_STORAGE_FAULTS") == "long"


def choose(quick: T, long: T) -> T:
    """Give the value of the present profile."""
    return long if LONG else quick


def note(what: str, **figures: object) -> None:
    """Append figures of what was tried to the file that collects them, if one does."""
    file = os.environ.get("ASIMOV_STORAGE_FIGURES")
    if file:
        line = json.dumps({"what": what, **figures}) + "\n"
        with Path(file).open("a", encoding="utf-8") as figures_file:
            figures_file.write(line)

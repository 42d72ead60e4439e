"""Check the types and names of the widgets' JavaScript, as it is joined into one ES module per widget.

TypeScript's checker reads each widget's joined module, with the comments that hold the types; what it finds is printed
with the file in static/ and the line there. A name at the top of a file counts as unused where no widget that joins the
file uses it.

Run it with ``npm ci`` done and ``PYTHONPATH=src``; the nox session `lint` does both.
"""

from __future__ import annotations

import bisect
import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from asimov.storage.widgets._module import FILES, exported, static

ROOT = Path(__file__).parents[1]
STATIC = "src/asimov/storage/widgets/static"
COMPILER = ROOT / "node_modules" / "typescript" / "bin" / "tsc"

_FOUND = re.compile(r"^(?:.*[/\\])?(?P<widget>\w+)\.js\((?P<line>\d+),(?P<column>\d+)\): (?P<words>.*)")
#: What is declared and not used: a name, a type, all that is taken out of an object, all variables of a statement.
_UNUSED = re.compile(r"error TS(?:6133|6196|6198|6199):")


@dataclass(frozen=True, order=True)
class Place:
    """A line of a file in static/, as ``page/link``."""

    name: str
    line: int

    def __str__(self) -> str:
        return f"{STATIC}/{self.name}.js:{self.line}"


@dataclass
class Joined:
    """A widget's files, one after the other, and where each begins."""

    names: tuple[str, ...]
    starts: list[int] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        for name in self.names:
            self.starts.append(self.text.count("\n"))
            self.text += static(f"{name}.js")

    def place(self, line: int) -> Place:
        """Return where a line of the whole, counted from 1, comes from."""
        position = bisect.bisect_right(self.starts, line - 1) - 1
        return Place(self.names[position], line - self.starts[position])


def check(modules: dict[str, Joined]) -> str:
    """Return what TypeScript says of the widgets' modules."""
    with tempfile.TemporaryDirectory() as folder:
        for widget, module in modules.items():
            Path(folder, f"{widget}.js").write_text(module.text + exported(widget), encoding="utf-8")
        config = Path(folder, "tsconfig.json")
        config.write_text(json.dumps({"extends": str(ROOT / "tsconfig.json"), "include": ["*.js"]}), encoding="utf-8")
        command = ["node", str(COMPILER), "--project", str(config), "--pretty", "false"]
        done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0 and "error TS" not in done.stdout:
        sys.exit(f"TypeScript could not be run: {done.stdout}")
    return done.stdout


def findings(modules: dict[str, Joined], said: str) -> dict[tuple[Place, str], set[str]]:
    """Return what was found, each with the widgets that it was found in."""
    found: dict[tuple[Place, str], set[str]] = defaultdict(set)
    last: tuple[Place, str] | None = None
    for line in said.splitlines():
        match = _FOUND.match(line)
        if match is not None:
            place = modules[match["widget"]].place(int(match["line"]))
            last = place, f"{match['column']}: {match['words']}"
            found[last].add(match["widget"])
        elif last is None or not line.startswith(" "):
            sys.exit(f"TypeScript: {line}")
    return found


def is_needless(place_and_words: tuple[Place, str], widgets: set[str]) -> bool:
    """Tell whether something unused at the top of a file is used by another widget that joins the file."""
    place, words = place_and_words
    return bool(_UNUSED.search(words)) and widgets != {widget for widget, names in FILES.items() if place.name in names}


def main() -> int:
    """Print what is wrong; return the exit code."""
    modules = {widget: Joined(names) for widget, names in FILES.items()}
    found = findings(modules, check(modules))
    wrong = [f"{key[0]}:{key[1]}" for key in sorted(found) if not is_needless(key, found[key])]
    print(*wrong, f"{len(FILES)} widgets, {len(wrong)} problems", sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

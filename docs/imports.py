"""Write the graph of imports between the wings into docs/explanation/architecture.md: ``nox -s graph``.

With ``--check`` nothing is written, and it fails if the page isn't what it would be: the lint session does that.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import grimp

PACKAGE = "asimov.storage"
PAGE = Path(__file__).parent / "explanation" / "architecture.md"
BEGIN, END = "<!-- graph: made by nox -s graph -->\n", "<!-- end of graph -->\n"


def wing_of(module: str) -> str:
    """Return the folder, or the file, of the package's own folder that a module is in."""
    return module.removeprefix(PACKAGE).lstrip(".").split(".")[0] or "__init__"


def wings(graph: grimp.ImportGraph) -> dict[str, set[str]]:
    """Return what each wing imports of the others."""
    found: dict[str, set[str]] = {}
    for module in graph.modules:
        wing = wing_of(module)
        found.setdefault(wing, set())
        found[wing] |= {wing_of(other) for other in graph.find_modules_directly_imported_by(module)}
    return {wing: others - {wing} for wing, others in found.items()}


def floors(imports: dict[str, set[str]]) -> list[list[str]]:
    """Order wings by how far above the ground they are: each is above all that it imports."""
    heights: dict[str, int] = {}

    def height(wing: str, above: tuple[str, ...] = ()) -> int:
        if wing in above:
            message = f"a circle: {' -> '.join((*above, wing))}"
            raise SystemExit(message)
        if wing not in heights:
            heights[wing] = max((1 + height(other, (*above, wing)) for other in imports[wing]), default=0)
        return heights[wing]

    by_height = defaultdict(list)
    for wing in imports:
        by_height[height(wing)].append(wing)
    return [sorted(by_height[number]) for number in sorted(by_height, reverse=True)]


def drawn(imports: dict[str, set[str]], counts: dict[str, int]) -> str:
    """Draw the graph as text, a line for each wing, the highest first."""
    order = [wing for floor in floors(imports) for wing in floor]
    width = max(map(len, order))
    lines = []
    for wing in order:
        below = ", ".join(other for other in order if other in imports[wing])
        lines.append(f"{wing:{width}}  {counts[wing]:>3}  {'-> ' if below else ''}{below}".rstrip() + "\n")
    return "".join(lines)


def main() -> None:
    """Write the graph, or compare it."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    counts: dict[str, int] = defaultdict(int)
    for module in graph.modules:
        counts[wing_of(module)] += 1
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    now = f"{before}{BEGIN}\n```text\n{drawn(wings(graph), counts)}```\n\n{END}{after}"
    if "--check" in sys.argv:
        if now != text:
            message = f"{PAGE} is not what the imports are: run nox -s graph."
            raise SystemExit(message)
    else:
        PAGE.write_text(now, encoding="utf-8")


if __name__ == "__main__":
    main()

"""What an import may cost and may reach for."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import asimov.storage

PACKAGE = Path(asimov.storage.__file__).parent
EDGES = {"__main__.py", "_display/bar.py"}
CORE = sorted({str(path.relative_to(PACKAGE)) for path in PACKAGE.glob("_*/**/*.py")} - EDGES)
CORE += sorted({path.name for path in PACKAGE.glob("_*.py")} - EDGES)
HEAVY = {"IPython", "anywidget", "fsspec", "ipywidgets", "numpy", "pandas", "traitlets"}
LOADED = """
import sys
before = set(sys.modules)
import {module}
print(*sorted(set(sys.modules) - before))
"""


def loaded_by(module: str) -> set[str]:
    """Import `module` in a fresh interpreter and list all that this loads."""
    site = str(PACKAGE.parents[1])
    code = f"import sys; sys.path.insert(0, {site!r})\n" + LOADED.format(module=module)
    run = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


@pytest.mark.parametrize("module", ["asimov.storage", "asimov.storage.cli"])
def test_nothing_heavy_is_loaded(module):
    """Importing the core or locutus loads neither pandas nor numpy nor fsspec nor anything of IPython's."""
    loaded = loaded_by(module)
    assert module in loaded
    assert set() == HEAVY & {name.partition(".")[0] for name in loaded}


def test_no_metadata_is_read():
    """Importing the core doesn't load importlib.metadata, which takes longer than the core itself."""
    assert "importlib.metadata" not in loaded_by("asimov.storage")


@pytest.mark.parametrize("name", CORE)
def test_the_core_needs_only_pyyaml(name):
    """Each module of the core imports PyYAML, the standard library and this package, wherever that stands."""
    tree = ast.parse((PACKAGE / name).read_text(encoding="utf-8"))
    typing_only = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    imported = set()
    for node in set(ast.walk(tree)) - typing_only:
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            imported.add(str(node.module).partition(".")[0])
    assert set() == imported - sys.stdlib_module_names - {"yaml", "asimov"}

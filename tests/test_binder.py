"""What Binder makes of this repository; ``nox -s binder`` goes all the way, in an environment of its own."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest

import asimov.storage
from asimov.storage import Store

ROOT = Path(__file__).parents[1]
BINDER = ROOT / "binder"
ENV = {**os.environ, "PYTHONPATH": str(Path(asimov.storage.__file__).parents[2])}
#: What a notebook imports, and the package that brings it, where the names differ.
BROUGHT_BY = {"yaml": "pyyaml"}


def required() -> set[str]:
    """List the packages of requirements.txt."""
    lines = (BINDER / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return {re.split("[>=<]", line)[0] for line in lines if not line.startswith("#")}


def imported() -> set[str]:
    """List the top-level modules, not Python's own, that the notebooks and the demonstration import."""
    paths = (ROOT / "notebooks").glob("*.ipynb")
    cells = [cell.source for path in paths for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
    sources = [re.sub("^%.*$", "", cell, flags=re.MULTILINE) for cell in cells]
    sources.append((BINDER / "demo_store.py").read_text(encoding="utf-8"))
    nodes = [node for source in sources for node in ast.walk(ast.parse(source))]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"__future__"}


def test_everything_that_is_imported_is_installed():
    """requirements.txt, with what the project itself depends on, has all that the notebooks import."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ours = {re.split("[>=<]", dependency)[0] for dependency in project["dependencies"]} | {"numpy", "asimov"}
    assert {BROUGHT_BY.get(name, name) for name in imported()} - required() - ours == set()


def test_both_addresses_can_be_opened():
    """JupyterLab and Voila are installed, and what the two addresses in the docs name is there."""
    assert required() >= {"jupyterlab", "voila"}
    page = (ROOT / "docs" / "tutorials" / "index.md").read_text(encoding="utf-8")
    named = re.findall(r"urlpath=(?:lab/tree|voila/render)/(\S+)", page)
    assert [(ROOT / name).is_file() for name in named] == [True, True]


def test_python_is_one_that_the_project_supports():
    """runtime.txt names the lowest Python that the project supports."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lowest = project["requires-python"].removeprefix(">=")
    assert (BINDER / "runtime.txt").read_text(encoding="utf-8") == f"python-{lowest}\n"


@pytest.mark.parametrize("name", ["postBuild", "start"])
def test_scripts_are_executable(name):
    """Binder runs these files: they have a shebang and may be executed."""
    assert (BINDER / name).read_text(encoding="utf-8").startswith("#!/usr/bin/env bash\n")
    assert os.access(BINDER / name, os.X_OK)


def test_demonstration(tmp_path):
    """The last step of postBuild makes a sound Store of all eleven events; a second time changes nothing."""
    script = (BINDER / "postBuild").read_text(encoding="utf-8").splitlines()[-1].split()
    assert script == ["python", "binder/demo_store.py", "demo-store"]
    command = [sys.executable, str(BINDER / "demo_store.py"), "demo-store"]
    prints = set()
    for _ in range(2):
        subprocess.run(command, cwd=tmp_path, env=ENV, check=True)
        store = Store(tmp_path / "demo-store")
        prints.add(store.fingerprint())
    assert (len(prints), len({record.event for record in store}), store.verify().ok) == (1, 11, True)


def test_start_names_the_store(tmp_path):
    """`start` runs what it is given, with $LOCUTUS_STORE, unless that is set, naming the demonstration."""
    show = [str(BINDER / "start"), "sh", "-c", "echo $LOCUTUS_STORE"]
    bare = {"PATH": os.environ["PATH"]}
    shown = [
        subprocess.run(show, cwd=tmp_path, env=env, capture_output=True, text=True, check=True).stdout
        for env in (bare, {**bare, "LOCUTUS_STORE": "/data"})
    ]
    assert shown == [f"{tmp_path / 'demo-store'}\n", "/data\n"]

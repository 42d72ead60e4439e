"""Every numbered notebook runs from top to bottom in a kernel of its own, as a reader would run it."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import asimov.storage

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
NUMBERED = [path for path in NOTEBOOKS if path.name[0].isdigit()]


def by_name(paths: list[Path]):
    """Parametrize a test by notebook."""
    return pytest.mark.parametrize("path", paths, ids=[path.stem for path in paths])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A function that runs a notebook, once, in an empty folder, and returns it with its outputs."""
    fonts = "import matplotlib.font_manager"  # where that takes long, the first notebook would say so on stderr
    subprocess.run([sys.executable, "-c", fonts], check=True, capture_output=True)

    @functools.cache
    def execute(path: Path) -> nbformat.NotebookNode:
        folder = tmp_path_factory.mktemp(path.stem)
        notebook = nbformat.read(path, 4)
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("PYTHONPATH", str(Path(asimov.storage.__file__).parents[2]))
            environment.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
            environment.delenv("LOCUTUS_STORE", raising=False)
            NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
        assert list(folder.iterdir()) == []
        return notebook

    return execute


def test_there_is_a_quickstart():
    """The first notebook is the quickstart."""
    assert NUMBERED[0].name == "01-quickstart.ipynb"


@by_name(NOTEBOOKS)
def test_outputs_are_stripped(path):
    """What is in git holds no output and no execution count."""
    code = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
    assert code
    assert [cell.source for cell in code if cell.outputs or cell.execution_count is not None] == []


@by_name(NUMBERED)
def test_runs(run, path):
    """It runs without an error, two minutes a cell at most, prints nothing on stderr, leaves its folder as it was."""
    outputs = [output for cell in run(path).cells for output in cell.get("outputs", [])]
    assert outputs
    assert [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"] == []


def test_quickstart_sees_the_damage(run):
    """The quickstart's report is good, then names the damaged file, then is good again, each with an HTML form."""
    outputs = [output for cell in run(NUMBERED[0]).cells for output in cell.get("outputs", [])]
    forms = [output.data for output in outputs if "text/html" in output.get("data", {})]
    reports = [form["text/plain"].split(" (")[0] for form in forms if form["text/plain"].startswith("<Verif")]
    assert reports == [
        "<VerificationReport: 3 files ok",
        "<VerificationReport: 18 files ok",
        "<VerificationReport: 1 of 18 files FAILED",
        "<VerificationReport: 3 files ok",
    ]
    assert any("H1_psd.txt" in form["text/html"] and "asimov-storage" in form["text/html"] for form in forms)

"""What the README tells a new user to run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import asimov.storage

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ENV = {**os.environ, "PYTHONPATH": str(Path(asimov.storage.__file__).parents[2])}


def blocks(language: str) -> list[str]:
    """List the README's code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def work(tmp_path, monkeypatch):
    """Work in a clean folder that holds a user's result file and a folder for what is fetched."""
    monkeypatch.chdir(tmp_path)
    Path("samples.hdf5").write_bytes(b"samples")
    Path("work").mkdir()
    return tmp_path


def test_first_command_runs_the_main_job(tmp_path):
    """The script that the first command ends on makes, fills, shows and verifies a Store, and opens upstream's."""
    script = ROOT / blocks("bash")[0].split()[-1]
    run = subprocess.run(
        [sys.executable, str(script), str(tmp_path)], env=ENV, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert "event production" in run.stdout
    assert f"fetched and verified: {tmp_path / 'store' / 'GW150914' / 'Prod0'}" in run.stdout
    assert re.findall(r"written by asimov (.+?):", run.stdout) == ["0.5.16", "0.7.1", "0.8.0"]


def test_python_example(work):
    """The README's Python lines run as they stand."""
    (example,) = blocks("python")
    run = subprocess.run([sys.executable, "-c", example], env=ENV, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout + run.stderr) == (0, "")
    assert (work / "work" / "samples.hdf5").read_bytes() == b"samples"


def test_shell_example(work):
    """The README's shell lines run as they stand."""
    (example,) = blocks("sh")
    locutus = f'set -e; locutus() {{ "{sys.executable}" -m asimov.storage "$@"; }}\n'
    run = subprocess.run(["bash", "-c", locutus + example], env=ENV, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert (work / "work" / "samples.hdf5").read_bytes() == b"samples"


def test_continuous_integration_runs_the_second_command():
    """.ci/run takes its command from the README, so that the two can't differ."""
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    (extraction,) = (line for line in lines if line.startswith("command="))
    shown = f'{extraction}\nprintf "%s\\n" "$command"'
    run = subprocess.run(["bash", "-c", shown], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == blocks("bash")[1]


def test_readme_keeps_to_two_screens():
    """The README is read in one go: at most 120 lines."""
    assert len(README.splitlines()) <= 120

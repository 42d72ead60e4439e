"""What the README tells a new user to run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import asimov.storage

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ENV = {**os.environ, "PYTHONPATH": str(Path(asimov.storage.__file__).parents[2])}


def blocks(language: str) -> list[str]:
    """List the README's code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


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


def test_python_and_shell_examples(tmp_path):
    """The README's Python lines, and then its shell lines, run as they stand in an empty folder."""
    (python,), (shell,) = blocks("python"), blocks("sh")
    locutus = f'set -e; locutus() {{ "{sys.executable}" -m asimov.storage "$@"; }}\n'
    for command in ([sys.executable, "-c", python], ["bash", "-c", locutus + shell]):
        run = subprocess.run(command, cwd=tmp_path, env=ENV, capture_output=True, text=True, check=False)
        assert (run.returncode, run.stderr) == (0, "")
    for copy in ("copy.csv", "fetched.csv"):
        assert (tmp_path / copy).read_bytes() == (tmp_path / "samples.csv").read_bytes()


def test_continuous_integration_runs_the_second_command():
    """.ci/run takes its command from the README, so that the two can't differ."""
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    (extraction,) = (line for line in lines if line.startswith("command="))
    shown = f'{extraction}\nprintf "%s\\n" "$command"'
    run = subprocess.run(["bash", "-c", shown], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == blocks("bash")[1]


def test_readme_keeps_to_two_screens():
    """The README is read in one go: at most 120 lines of at most 120 characters."""
    assert len(README.splitlines()) <= 120
    assert max(map(len, README.splitlines())) <= 120


def test_readme_s_links_lead_somewhere():
    """Each link and picture of the README that is not on another server is in the repository."""
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)|^\[.+\]: (.+)$", README, re.MULTILINE):
        assert "".join(target).startswith("https://") or (ROOT / "".join(target)).exists(), target

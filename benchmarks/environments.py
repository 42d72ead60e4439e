"""Where each contestant runs: a virtual environment of its own, and its job script in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

JOBS = Path(__file__).parent / "jobs"
OURS = "asimov-storage"
CORE = "coreutils"

# Figures are of named versions; none of them fetches anything when it runs.
REQUIREMENTS = {
    "asimov 0.8.0": "asimov==0.8.0",
    "disk-objectstore": "disk-objectstore==1.5.0",
    "dvc-data": "dvc-data==3.18.3",
    "bagit": "bagit==1.9.0",
    "pooch": "pooch==1.9.0",
}
_SCRIPTS = {
    OURS: "ours.py",
    CORE: "limits.py",
    "asimov 0.8.0": "upstream.py",
    "disk-objectstore": "objectstore.py",
    "dvc-data": "dvcdata.py",
    "bagit": "bag.py",
    "pooch": "registry.py",
}


class JobError(Exception):
    """A job ended badly; the message holds what it said."""


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """One program to measure.

    Attributes
    ----------
    name : str
        As the table calls it.
    python : pathlib.Path
        The interpreter of its environment.
    """

    name: str
    python: Path

    def run(self, operation: str, *, timeout: float = 900, **arguments: Any) -> dict[str, Any]:
        """Run one operation of its job script, and return what that printed."""
        command = [self.python, JOBS / _SCRIPTS[self.name], operation, json.dumps(arguments, default=str)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout, env=self.environment(), check=False
        )
        if done.returncode:
            raise JobError(f"{self.name} {operation}: {done.stderr.strip().splitlines()[-1:]}")
        result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return result

    def seconds(self, command: list[str]) -> tuple[float, str]:
        """Return the wall time of a whole process, and what it printed; a failure is a JobError."""
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, env=self.environment(), check=False)
        seconds = time.perf_counter() - start
        if done.returncode:
            raise JobError(f"{self.name}: {done.stderr.strip().splitlines()[-1:]}")
        return seconds, done.stdout

    def environment(self) -> dict[str, str]:
        """Return the variables it runs with: the caller's, less what would lead imports elsewhere or slow them down."""
        left_out = {"PYTHONDONTWRITEBYTECODE"} | ({"PYTHONPATH"} if self.name != OURS else set())
        return {name: value for name, value in os.environ.items() if name not in left_out}


def contestants(cache: Path) -> dict[str, Contestant]:
    """Set up every peer's environment below `cache`, where it isn't there yet, and return all contestants.

    Ours is the interpreter that runs this, so that what is installed there is what is measured.
    """
    with ThreadPoolExecutor(2) as pool:
        pythons = dict(zip(REQUIREMENTS, pool.map(lambda name: _prepared(cache, name), REQUIREMENTS), strict=True))
    pythons |= {OURS: Path(sys.executable), CORE: Path(sys.executable)}
    return {name: Contestant(name=name, python=python) for name, python in pythons.items()}


def _prepared(cache: Path, name: str) -> Path:
    folder, requirement = cache / name.replace(" ", "-"), REQUIREMENTS[name]
    python, marker = folder / "bin" / "python", folder / "ready"
    label = f"{requirement} {sys.version}"
    if not (marker.exists() and marker.read_text() == label):
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        install = [python, "-m", "pip", "install", "-qqq", "--disable-pip-version-check", requirement]
        subprocess.run(install, check=True)
        marker.write_text(label)
    return python

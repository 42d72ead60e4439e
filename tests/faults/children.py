"""Processes that the tests start, break, stop and end: forked by a `zygote`, traced by strace where asked for."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import asimov.storage

from . import shim

TESTS = Path(__file__).parent.parent


@dataclass(frozen=True)
class Ended:
    """How a child ended.

    Attributes
    ----------
    code : int
        Its exit code, negative for a signal.
    told : list
        What it reported while it ran.
    done : bool
        Whether it reported success.
    result : object
        What the operation returned.
    error : dict or None
        The error that it reported.
    """

    code: int
    told: list
    done: bool
    result: object
    error: dict | None

    @property
    def killed(self) -> bool:
        """Whether SIGKILL ended it."""
        return self.code == -signal.SIGKILL


def told_by(base: Path, pid: int | None = None) -> list[dict]:
    """Read what children, or one of them, have reported so far."""
    lines = (base / "report").read_text("utf-8").splitlines(keepends=True)
    told = [json.loads(line) for line in lines if line.endswith("\n")]
    return [line for line in told if pid in {None, line["pid"]}]


def ended(base: Path, pid: int, code: int) -> Ended:
    """Read how a child fared."""
    told = told_by(base, pid)
    crash = [line["crash"] for line in told if "crash" in line]
    assert not crash, crash[0]
    done = [line for line in told if "done" in line]
    errors = [line for line in told if "error" in line]
    return Ended(code, told, bool(done), done[0]["done"] if done else None, errors[0] if errors else None)


class Child:
    """A child, waiting for its `go`."""

    def __init__(self, zygote: Zygote, pid: int, base: Path) -> None:
        self.zygote, self.pid, self.base = zygote, pid, base

    def go(self) -> None:
        """Let it run."""
        self.zygote.ask(do="go", pid=self.pid)

    def wait(self) -> Ended:
        """Wait until it has ended."""
        answer = self.zygote.ask(do="wait", pid=self.pid, untraced=False)
        self.zygote.children.discard(self.pid)
        return ended(self.base, self.pid, answer["code"])

    def wait_for_stop(self) -> Ended | None:
        """Wait until it has stopped (None), or ended."""
        answer = self.zygote.ask(do="wait", pid=self.pid, untraced=True)
        if "stopped" in answer:
            return None
        self.zygote.children.discard(self.pid)
        return ended(self.base, self.pid, answer["code"])

    def signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)


class Zygote:
    """The Python that forks children. Use it in a ``with`` statement.

    Parameters
    ----------
    site : Path
        The folder that holds ``asimov/storage``.
    library : Path
        The compiled shim.
    """

    def __init__(self, site: Path, library: Path) -> None:
        env = {**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{TESTS}", "LD_PRELOAD": str(library)}
        command = [sys.executable, "-W", "error", "-m", "faults.zygote"]
        self.process = subprocess.Popen(command, stdin=-1, stdout=-1, text=True, env=env)
        self.children: set[int] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pid in self.children:
            os.kill(pid, signal.SIGKILL)
        self.process.communicate()

    def ask(self, **request: object) -> dict:
        """Have something done by the zygote."""
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def fork(self, operation: str, base: Path, arguments: dict | None = None, **how: object) -> Child:
        """Fork a child that will do `operation` in `base`; `how` as `zygote.child` takes it."""
        (base / "report").touch(mode=0o666)
        (base / "report").chmod(0o666)
        answer = self.ask(do="fork", operation=operation, base=str(base), arguments=arguments or {}, **how)
        self.children.add(answer["pid"])
        return Child(self, answer["pid"], base)

    def run(self, operation: str, base: Path, arguments: dict | None = None, **how: object) -> Ended:
        """Fork a child, let it run, wait for its end."""
        child = self.fork(operation, base, arguments, **how)
        child.go()
        return child.wait()


def copy_package(folder: Path) -> Path:
    """Copy the package under test, so that no edit changes it while a test runs; return what to put on the path."""
    source = Path(asimov.storage.__file__).parent
    shutil.copytree(source, folder / "asimov" / "storage", ignore=shutil.ignore_patterns("__pycache__", "static"))
    return folder


def edit(site: Path, module: str, right: str, wrong: str) -> None:
    """Change lines of a module of a copied package, which has them once."""
    path = site / "asimov" / "storage" / f"{module}.py"
    text = path.read_text("utf-8")
    assert text.count(right) == 1, (module, right)
    path.write_text(text.replace(right, wrong), encoding="utf-8")


def make_hasty(site: Path) -> None:
    """Have a copied package give up after half a second where it would after ten."""
    edit(site, "_backends/local/state", "\n_PATIENCE = 10.0", "\n_PATIENCE = 0.6")


def make_put_off(site: Path, limit: float) -> None:
    """Have a copied package put off each fold but the first, for `limit` seconds, however small the Store is."""
    edit(site, "_backends/local/last_fold", "WORTHWHILE = 1 << 18", "WORTHWHILE = 0")
    edit(site, "_backends/local/last_fold", "QUICK = 0.01", "QUICK = -1.0")
    edit(site, "_backends/local/last_fold", "SHARE = 10\n", "SHARE = 10**9\n")
    edit(site, "_backends/local/deferred", "LIMIT = 1.0", f"LIMIT = {limit}")


def start(folder: Path, site: Path | None = None) -> Zygote:
    """Start a zygote on a copy of the package under test, or on the one in `site`."""
    folder.mkdir(parents=True, exist_ok=True)
    return Zygote(site or copy_package(folder / "site"), shim.build(folder))

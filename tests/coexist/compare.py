"""Runs upstream asimov's own tests on our storage and on its own, in fresh environments, and compares the figures.

``nox -s coexist`` starts it. It fails where our storage changes a figure, or where it was not our storage that ran.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
from pathlib import Path

UPSTREAM = "asimov==0.8.0"
SUITES = {
    "storage and provenance": ["tests/test_storage.py", "tests/test_provenance.py"],
    "all but integration": ["tests", "--ignore=tests/integration"],
}
LIMIT = 900  # seconds, for each program that is started
#: Upstream's tests commit to git repositories of their own, on a branch that they call master.
GITCONFIG = "[user]\n\tname = Tester\n\temail = tester@example.org\n[init]\n\tdefaultBranch = master\n"


class Environment:
    """A virtual environment, with a home and a working folder that are thrown away."""

    def __init__(self, folder: Path, tests: Path) -> None:
        self.bin = folder / "bin"
        self.project = folder / "project"
        venv.create(folder, with_pip=True)
        shutil.copytree(tests, self.project)
        (self.project / ".gitconfig").write_text(GITCONFIG, encoding="utf-8")
        (self.project / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")  # upstream has none: not ours, above

    def python(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run this environment's Python; it finds nothing of the checkout, and nobody's settings."""
        kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "REQUESTS_"))}
        env = {**kept, "HOME": str(self.project), "PATH": f"{self.bin}:/usr/bin:/bin", "LANG": "C.UTF-8"}
        command = [str(self.bin / "python"), *args]
        return subprocess.run(
            command, cwd=self.project, env=env, capture_output=True, text=True, timeout=LIMIT, check=False
        )

    def pip(self, *args: str) -> None:
        """Run pip, which has to succeed."""
        run = self.python("-m", "pip", *args)
        if run.returncode:
            sys.exit(f"pip {' '.join(args)} failed:\n{run.stdout}{run.stderr}")

    def storage(self) -> str:
        """Say whose `asimov.storage` is imported here."""
        run = self.python("-c", "import asimov.storage as s; print('ours' if hasattr(s, '__path__') else 'upstream')")
        return run.stdout.strip() or "none"

    def locutus(self) -> str:
        """Say whose command `locutus` is."""
        script = self.bin / "locutus"
        if not script.exists():
            return "none"
        return "ours" if "asimov.storage.cli" in script.read_text(encoding="utf-8") else "upstream"

    def figures(self, title: str) -> str:
        """Run a suite of upstream's tests and give its figures as pytest's closing line has them."""
        run = self.python("-m", "pytest", "-q", "-p", "no:cacheprovider", *SUITES[title])
        (self.bin.parent / f"{title}.log").write_text(run.stdout + run.stderr, encoding="utf-8")
        closing = run.stdout.strip().splitlines()[-1] if run.stdout.strip() else run.stderr
        counts = re.findall(r"\d+ (?:passed|failed|errors?|skipped|xfailed)", closing)
        return ", ".join(counts) or f"no figure: {closing}"


def upstream_tests(folder: Path) -> Path:
    """Take the tests, and what they read, out of upstream's sdist; its package stays behind."""
    download = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", str(folder)]
    subprocess.run([*download, UPSTREAM], check=True, timeout=LIMIT)
    (sdist,) = folder.glob("asimov-*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # which Python 3.11.4 brought
        archive.extractall(folder)  # noqa: S202 - from the package index, by its name
    tests = folder / sdist.name.removesuffix(".tar.gz")
    for package in [tests / "asimov", *tests.glob("*.egg-info")]:
        shutil.rmtree(package)
    return tests


def measure(folder: Path, tests: Path, packages: list[str]) -> list[str]:
    """Install `packages` one after the other, run all suites, and give a row of the table."""
    environment = Environment(folder, tests)
    for package in [*packages, "pytest"]:
        environment.pip("install", "-q", package)
    row = [environment.storage(), environment.locutus()]
    row += [environment.figures(title) for title in SUITES]
    if len(packages) > 1:  # what is left of the two once the last one to be installed has gone
        environment.pip("uninstall", "-q", "-y", "asimov" if packages[-1] == UPSTREAM else "asimov-storage")
        row.append(f"{environment.storage()}, {environment.locutus()}")
    else:
        row.append("")
    return row


def main() -> None:
    """Print the table; end with 1 where a figure differs."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("wheel", type=Path)
    arguments.add_argument("--work", type=Path, required=True, help="an empty folder")
    options = arguments.parse_args()
    wheel, work = str(options.wheel.resolve()), options.work.resolve()
    tests = upstream_tests(work / "sdist")
    orders = {
        "upstream alone": [UPSTREAM],
        "upstream, then ours": [UPSTREAM, wheel],
        "ours, then upstream": [wheel, UPSTREAM],
    }
    titles = ["installed", "asimov.storage", "locutus", *SUITES, "after removing the last: asimov.storage, locutus"]
    print(f"| {' | '.join(titles)} |\n|{' --- |' * len(titles)}", flush=True)
    rows = {}
    for order, packages in orders.items():
        rows[order] = measure(work / order.replace(", ", "-").replace(" ", "-"), tests, packages)
        print(f"| {order} | {' | '.join(rows[order])} |", flush=True)
    alone, *ours = rows.values()
    same = all(row[2:4] == alone[2:4] for row in ours)
    if not same or alone[0] != "upstream" or any(row[0] != "ours" for row in ours):
        sys.exit("Our storage changes a figure, or wasn't the one that ran; each environment has the logs.")


if __name__ == "__main__":
    main()

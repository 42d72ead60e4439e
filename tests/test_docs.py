"""What the pages of the documentation show: shell lines run, pictures have a text, links lead somewhere.

The Python examples, in the pages and in docstrings, are run by ``nox -s docs``.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from damage import flip_bit, unpack_legacy_stores

import asimov.storage
from asimov.storage import Store

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if "_build" not in page.parts)
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
#: Fenced as `sh`: lines that run as they stand. What doesn't (a crontab, other people's machines) is fenced as `text`.
SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
IMAGE = re.compile(r"!\[([^\]]*)\]\(|^:{3,}\{(?:image|figure)\}|^```\{(?:image|figure)\}", re.MULTILINE)


def lines_of(page: Path) -> str:
    """Give the shell lines of a page, all its blocks together."""
    return "".join(SHELL.findall(page.read_text(encoding="utf-8")))


WITH_SHELL = [page for page in PAGES if lines_of(page)]


def program(path: Path, text: str) -> None:
    """Write an executable."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def work(tmp_path):
    """A folder with result files, a Store with one more, a `locutus` and a pipeline to run."""
    for name in ["posterior_samples.hdf5", "psd.dat", "config.ini", "bayestar.fits"]:
        (tmp_path / name).write_text(f"new {name}\n")
    stored = tmp_path / "stored"
    stored.write_text("stored before\n")
    Store.create(tmp_path / "results", "Results").add_file("GW150914", "Prod0", stored, "posterior_samples.hdf5")
    source = Path(asimov.storage.__file__).parents[2]
    path = f"import sys\nsys.path.insert(0, {str(source)!r})"
    ours = f"#!{sys.executable}\n{path}\nfrom asimov.storage.cli import main\nmain()\n"
    program(tmp_path / "bin" / "locutus", ours)
    program(tmp_path / "bin" / "run_pipeline", '#!/bin/sh\necho "seed $2" >"$4"\n')
    return tmp_path


@pytest.mark.parametrize("page", WITH_SHELL, ids=[str(page.relative_to(DOCS)) for page in WITH_SHELL])
def test_shell_lines_run(page, work):
    """The shell lines of a page run as they stand, one block after the other, in a folder with a Store."""
    path = f"{work / 'bin'}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "LOCUTUS_STORE": str(work / "results"), "HOME": str(work)}
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", lines_of(page)],
        cwd=work,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (run.returncode, run.stderr) == (0, "")
    for store in work.glob("*/.manifest/manifest.yaml"):
        assert Store(store.parents[1]).verify().ok


def without_us(kind: str, root: Path) -> subprocess.CompletedProcess[str]:
    """Check a Store with a line of the page on that: the one with `kind` in it."""
    page = (DOCS / "how-to" / "check-without-this-software.md").read_text(encoding="utf-8")
    (line,) = re.findall(rf"^ *((?:find|awk|sed) .*{re.escape(kind)}.*)$", page, re.MULTILINE)
    return subprocess.run(["bash", "-c", line], cwd=root, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("kind", ["- .manifest/manifest.yaml | md5sum", "- .manifest/manifest.yaml | sha256sum"])
def test_a_store_is_checked_without_us(tmp_path, kind):
    """The lines of awk find all files of a Store, whatever their names, and each that is damaged or missing."""
    store = Store.create(tmp_path / "store", "Odd", sha256=True)
    for name in ["it's", "a b", "123", "ünï", "-x", "no", "a: b", "\u2028", '"q"']:
        with store.new_file(f"E {name}", name, name) as file:
            file.write(name.encode())
    sound = without_us(kind, store.root)
    assert (sound.returncode, sound.stdout.count(": OK\n")) == (0, 9)
    missing, damaged = (store.fetch_file("E a b", "a b", "a b"), store.fetch_file("E 123", "123", "123"))
    missing.unlink()
    flip_bit(damaged)
    (store.root / ".manifest" / "quarantine").mkdir()
    (store.root / ".manifest" / "quarantine" / missing.name).write_bytes(b"a b")
    harmed = without_us(kind, store.root)
    assert (harmed.returncode, harmed.stdout.count(": OK\n")) == (1, 7)
    assert f"{damaged.name}: FAILED\n" in harmed.stdout
    assert f"{missing.name}: FAILED open or read\n" in harmed.stdout


@pytest.mark.parametrize("release", ["0.5.16", "0.7.1", "0.8.0"])
def test_a_store_of_upstream_is_checked_without_us(tmp_path, release):
    """The line for Stores of upstream finds all of their files."""
    unpack_legacy_stores(tmp_path)
    run = without_us('e "/" p "/" f', tmp_path / f"store-{release}")
    assert (run.returncode, run.stdout.count(": OK\n"), run.stderr) == (0, 18, "")


def test_the_fingerprint_is_had_without_us(work):
    """The line that takes the fingerprint of a manifest prints what `Store.fingerprint` returns."""
    root = work / "results"
    assert without_us("$d", root).stdout.split()[0] == Store(root).fingerprint()


@pytest.mark.parametrize("page", [*PAGES, *NOTEBOOKS], ids=lambda page: str(page.relative_to(ROOT)))
def test_images_have_a_text(page):
    """Each picture says in words what it shows."""
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".ipynb":
        text = "\n".join(
            "".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown"
        )
    for image in IMAGE.finditer(text):
        words = image[1] or "".join(re.findall(r"^:alt: (.+)$", text[image.end() :].split("\n\n")[0], re.MULTILINE))
        assert len(words.split()) > 2, text[image.start() :][:80]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda page: page.name)
def test_plots_have_a_text(notebook):
    """Each cell that draws a plot says in its metadata, which the documentation takes it from, what the plot shows."""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if "plt.show()" in "".join(cell["source"]):
            assert len(cell["metadata"]["mystnb"]["image"]["alt"].split()) > 2, cell["id"]


def test_exit_codes_are_the_ones_of_locutus():
    """The page on exit codes has the ones that `locutus --help` has."""
    page = (DOCS / "reference" / "exit-codes.md").read_text(encoding="utf-8")
    help_ = subprocess.run(
        [sys.executable, "-m", "asimov.storage", "--help"], capture_output=True, text=True, check=True
    )
    said = dict(re.findall(r"^ +(\d+)  (.+)$", help_.stdout, re.MULTILINE))
    assert dict(re.findall(r"^\| (\d+) \| (.+?)(?: with Ctrl-C)? \|", page, re.MULTILINE)).keys() == said.keys()


def test_each_public_name_is_in_the_reference():
    """The reference describes everything that `from asimov.storage import ...` offers."""
    pages = "".join(page.read_text(encoding="utf-8") for page in (DOCS / "reference").glob("*.rst"))
    described = re.findall(r"^\.\. auto(?:class|exception|function):: (\w+)", pages, re.MULTILINE)
    assert set(asimov.storage.__all__) - set(described) == set()

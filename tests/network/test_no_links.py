"""File systems without hard links between folders, without any, or with ones that do something else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from faults import shim
from network import acts, crowd, places
from network.bed import HERE, Bed, NotHere

from asimov.storage import Store

VFAT = "/mnt/vfat"
READ = {"files": ["result"], "ok": True, "fetched": acts.CONTENT, "delivered": acts.CONTENT, "opened": acts.CONTENT}
LACKS = {
    "none": "has no hard links",
    "copy": "makes copies instead of hard links",
    "replace": "has hard links that replace files",
}


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """The preloaded library, compiled."""
    if sys.platform != "linux" or shim.compiler() is None:
        pytest.skip("a library is preloaded, which takes Linux and a C compiler")
    library = tmp_path_factory.mktemp("links") / "links.so"
    command = [shim.compiler(), "-O1", "-fPIC", "-shared", "-Wall", "-Werror", "-o", library, HERE / "links.c", "-ldl"]
    subprocess.run(command, check=True)
    return library


@pytest.fixture
def there(tmp_path):
    """The folder that is the odd file system's."""
    (tmp_path / "there").mkdir()
    return tmp_path / "there"


@pytest.fixture
def run(library, there):
    """A function that runs a script where hard links are of a kind: run(kind, script, *arguments) -> what it says."""

    def run_there(kind: str, script: str, *arguments: object) -> dict:
        env = {**os.environ, "LD_PRELOAD": str(library), "LINKS": kind, "LINKS_BELOW": str(there)}
        command = [sys.executable, str(HERE / script), *map(str, arguments)]
        ended = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
        assert ended.stdout, ended.stderr
        return json.loads(ended.stdout)

    return run_there


def make_store(root: Path) -> Path:
    """Make a Store with one file on a file system that has all it needs."""
    source = root.with_name("result")
    source.write_text(acts.CONTENT)
    Store.create(root, "a Store").add_file("E", "P", source)
    return root


def test_no_links_between_folders(run, there, tmp_path):
    """Where a file gets a second name only in its own folder, everything works."""
    (tmp_path / "source").write_text(acts.CONTENT)
    outcome = run("apart", "acts.py", "add_in_every_way", there / "new", tmp_path / "source")
    assert outcome == {"files": ["again", "second", "source", "third", "written"], "ok": True}


@pytest.mark.parametrize("kind", ["apart", "sftp"])
def test_many_writers(run, there, kind):
    """Where links stay in a folder, or a name in the way is no EEXIST, writers that are killed lose nothing."""
    figures = run(kind, "crowd.py", "--no-locks", "--kills", "3", there)
    assert crowd.flaws(figures) == {}
    assert figures["acknowledged"] >= 100


def test_fenced_before_it_began(run, there, tmp_path):
    """A writer that was stopped right after it created a file, and was taken for dead, starts over."""
    root = make_store(there / "store")
    (tmp_path / "source").write_text("another")
    outcome = run("fenced", "acts.py", "add", root, tmp_path / "source")
    assert outcome["file"] == "source"
    assert Store(root).verify().ok


@pytest.mark.parametrize("kind", LACKS)
def test_create(run, there, kind):
    """Where hard links lack, or do something else, no Store is made, and the message says so in a sentence."""
    outcome = run(kind, "acts.py", "create", there / "folder" / "new")
    assert outcome["error"] == "FileSystemError"
    assert outcome["message"].startswith(f"The file system of {there} {LACKS[kind]}, which a Store needs")
    assert list(there.iterdir()) == []


@pytest.mark.parametrize("kind", LACKS)
def test_add(run, there, tmp_path, kind):
    """Where hard links lack, or do something else, an add is refused in a sentence, and changes nothing."""
    root = make_store(there / "store")
    before = acts.tree(root)
    (tmp_path / "source").write_text("another")
    outcome = run(kind, "acts.py", "add", root, tmp_path / "source")
    assert outcome["error"] == "FileSystemError"
    assert outcome["message"].startswith(f"The file system of {root / '.manifest'} {LACKS[kind]}, which a Store needs")
    assert acts.tree(root) == before


@pytest.mark.parametrize("kind", LACKS)
def test_read_there(run, there, tmp_path, kind):
    """Where hard links lack, or do something else, a Store is read, verified and fetched from."""
    root = make_store(there / "store")
    (tmp_path / "to").mkdir()
    assert run(kind, "acts.py", "use", root, tmp_path / "to") == READ


@pytest.mark.parametrize("kind", LACKS)
def test_fetch_to_there(run, there, tmp_path, kind):
    """A file is delivered to where hard links lack, or do something else."""
    assert run(kind, "acts.py", "use", make_store(tmp_path / "store"), there) == READ
    assert [path.name for path in there.iterdir()] == ["result"]


def vfat_here(store: Path, folder: Path) -> str:
    """Do it on a disk with vfat that this machine mounts."""
    with places.image(folder, "vfat") as (place,):
        command = [sys.executable, str(HERE / "acts.py"), "in_turn", str(place), str(store)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def vfat_in_bed(store: Path, _: Path) -> str:
    """Do it on a disk with vfat that user-mode Linux mounts."""
    (ended,) = Bed(vfat=True).run([sys.executable, str(HERE / "acts.py"), "in_turn", VFAT, str(store)])
    assert ended.code == 0, ended.stderr
    return ended.stdout


def test_vfat(tmp_path):
    """On vfat no Store is made or added to, nothing changes, and what is there is read, verified and fetched."""
    store, reasons = make_store(tmp_path / "store"), []
    for do in (vfat_here, vfat_in_bed):
        try:
            outcome = json.loads(do(store, tmp_path))
        except NotHere as reason:
            reasons.append(str(reason))
        else:
            break
    else:
        pytest.skip("; ".join(reasons))
    assert outcome["create"]["error"] == outcome["add"]["error"] == "FileSystemError"
    assert "has no hard links" in outcome["create"]["message"]
    assert "has no hard links" in outcome["add"]["message"]
    assert outcome["left"] == ["source"]
    assert outcome["unchanged"]
    assert outcome["use"] == READ

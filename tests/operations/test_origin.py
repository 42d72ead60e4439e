"""Where a result comes from: git, versions, script and notebook, and nothing that isn't known."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys

import pytest

from asimov.storage import Store, made_by

CODE = "import json\nfrom asimov.storage import made_by\nprint(json.dumps(made_by(['PyYAML'])))\n"


def git(folder, *arguments):
    """Run git in a folder, without this user's settings."""
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    own |= {f"GIT_{who}_{what}": "x@y" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=os.environ | own, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def run(folder, *, script=True, **environment):
    """Run the code as a script in a folder, or from a pipe, and return what it found."""
    (folder / "analysis.py").write_text(CODE)
    command = [sys.executable, "analysis.py"] if script else [sys.executable, "-"]
    text = None if script else CODE
    env = os.environ | {"GIT_CEILING_DIRECTORIES": str(folder.parent)} | environment
    done = subprocess.run(command, cwd=folder, input=text, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_script_outside_of_git(tmp_path):
    """Python, the versions asked for, and the script with its MD5 are known anywhere; a commit only in git."""
    found = run(tmp_path)
    assert found.pop("packages")["PyYAML"][0].isdigit()
    expected = hashlib.md5(CODE.encode()).hexdigest()
    assert found == {"python": platform.python_version(), "script": "analysis.py", "script_md5": expected}


def test_code_that_is_no_file(tmp_path):
    """Of code that comes from a pipe no script is known, and none is named."""
    assert set(run(tmp_path, script=False)) == {"python", "packages"}


def test_the_commit_and_whether_it_is_all(tmp_path):
    """In a repository the commit is noted, and whether files that git knows were changed since."""
    git(tmp_path, "init", "-q")
    assert "commit" not in run(tmp_path)  # there is none yet
    git(tmp_path, "add", "analysis.py")
    git(tmp_path, "commit", "-q", "-m", "first")
    commit = git(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "output.txt").write_text("new, and unknown to git")
    assert {name: run(tmp_path)[name] for name in ("commit", "dirty")} == {"commit": commit, "dirty": False}
    git(tmp_path, "mv", "analysis.py", "other.py")
    assert run(tmp_path)["dirty"] is True


def test_without_git(tmp_path):
    """Where there is no git, no commit is noted."""
    git(tmp_path, "init", "-q")
    assert "commit" not in run(tmp_path, PATH=str(tmp_path))


def test_a_notebook(monkeypatch):
    """In a kernel whose server says the notebook's name, that is noted, and no script."""
    monkeypatch.setenv("JPY_SESSION_NAME", "work/GW150914.ipynb")
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    found = made_by()
    assert (found["notebook"], "script" in found) == ("GW150914.ipynb", False)


@pytest.mark.parametrize(
    ("packages", "error", "words"),
    [
        (["no-such-package"], ValueError, "'no-such-package' is installed here"),
        ([""], ValueError, "'' is installed here"),
        ("numpy", TypeError, "takes the names"),
        ([1], TypeError, "takes the names"),
        (None, TypeError, "takes the names"),
    ],
)
def test_bad_packages(packages, error, words):
    """What isn't installed, or is no list of names, is refused in words."""
    with pytest.raises(error, match=words):
        made_by(packages)


def test_it_can_be_noted(store: Store, source):
    """What is found goes into a record as it is."""
    found = made_by(["PyYAML"]) | {"analyst": "Jane Doe"}
    store.add_file("E", "P", source("a"), meta=found)
    assert store["E", "P", "a"].meta == found
    assert shutil.which("git") is None or "python" in found

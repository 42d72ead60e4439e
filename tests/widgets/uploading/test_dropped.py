"""Files that are dropped from Jupyter's file browser: found, with what is in folders, and stored from the disk."""

from __future__ import annotations

import os

import pytest
from damage import md5

from asimov.storage.widgets import Explorer, Uploader
from asimov.storage.widgets._uploading import dropped

PLACE = {"event": "GW150914", "production": "Prod0"}


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Make the folder of a Jupyter server, with a notebook whose kernel this process is."""
    root = tmp_path / "root"
    (root / "run1" / "sub").mkdir(parents=True)
    (root / "work").mkdir()
    (root / "run1" / "a.dat").write_bytes(b"a")
    (root / "run1" / "sub" / "b.dat").write_bytes(b"bb")
    (root / "run1" / ".hidden").write_bytes(b"h")
    (root / "run1" / ".git").mkdir()
    (root / "run1" / ".git" / "c").write_bytes(b"c")
    (root / "one.txt").write_bytes(b"one")
    monkeypatch.setenv("JPY_SESSION_NAME", str(root / "work" / "n.ipynb"))
    monkeypatch.delenv("JUPYTER_SERVER_ROOT", raising=False)
    monkeypatch.delenv("SERVER_SOFTWARE", raising=False)
    monkeypatch.chdir(root / "work")
    return root


@pytest.fixture
def page(store, root, page_of):
    """Look at an Uploader without a `server_root`."""
    widget = Uploader(store)
    yield page_of(widget)
    widget.close()


def look(page, root, *paths):
    """Drop paths."""
    return page.ask("server/dropped", paths=list(paths), root=str(root)).result


def test_a_dropped_file_is_stored(store, root, page):
    """A file of the server is found by its path in the file browser, and stored from there."""
    found = look(page, root, "one.txt")
    assert found == {
        "files": [{"path": str(root / "one.txt"), "shown": "one.txt", "size": 3}],
        "hidden": 0,
        "problems": [],
    }
    path = found["files"][0]["path"]
    assert page.ask("server/size", path=path).result == {"name": "one.txt", "size": 3}
    page.ask("server/add", **PLACE, name="one.txt", path=path, job=1)
    assert store["GW150914", "Prod0", "one.txt"].hash == md5(b"one")
    assert [record.file for record in page.widget.records] == ["one.txt"]


def test_a_folder_is_taken_with_what_is_in_it(root, page):
    """Of a folder all files are found, those below it too; what is hidden is left out and counted."""
    found = look(page, root, "run1")
    assert [(one["shown"], one["size"]) for one in found["files"]] == [("run1/a.dat", 1), ("run1/sub/b.dat", 2)]
    assert found["hidden"] == 2


@pytest.mark.parametrize("way", ["page", "home", "environment", "session", "working folder"])
def test_the_servers_folder_is_found(root, page, monkeypatch, way):
    """The server's folder is what the page, a variable, the notebook's own path or the working folder say."""
    told, wanted = "", root / "one.txt"
    monkeypatch.setenv("HOME", str(root.parent))
    if way == "page":
        told = str(root)
    elif way == "home":
        told = "~/root"
    elif way == "environment":
        monkeypatch.setenv("JUPYTER_SERVER_ROOT", str(root))
    elif way == "session":
        monkeypatch.setenv("JPY_SESSION_NAME", "work/n.ipynb")
    else:
        monkeypatch.chdir(root)
    assert [one["path"] for one in look(page, told, "one.txt")["files"]] == [str(wanted)]


def test_another_drive_of_the_file_browser_is_the_disk(root, page):
    """A path with the name of a drive before it is the same file; a file that is called so comes first."""
    assert [one["path"] for one in look(page, root, "RTC:one.txt")["files"]] == [str(root / "one.txt")]
    (root / "RTC:one.txt").write_bytes(b"other")
    assert [one["path"] for one in look(page, root, "RTC:one.txt")["files"]] == [str(root / "RTC:one.txt")]


@pytest.mark.parametrize("path", ["absent", "", "..", "../secret", "run1/../../secret", "one.txt/x", "a\0b", "/"])
def test_what_the_kernel_does_not_see_is_said(root, page, path):
    """A path without a file, or one that leads out of the server's folder, is said, and nothing is found."""
    (root.parent / "secret").write_bytes(b"s")
    if path in {"", "/"}:  # the server's folder itself
        assert len(look(page, root, path)["files"]) == 3
        return
    found = look(page, root, path)
    assert found["files"] == []
    assert "is not on the disk that this kernel sees" in found["problems"][0]


def test_what_is_no_file_is_said(root, page):
    """A pipe, and a link to nothing, are said beside the files that are taken."""
    os.mkfifo(root / "pipe")
    (root / "dangling").symlink_to(root / "absent")
    found = look(page, root, "pipe", "dangling", "one.txt")
    assert [one["shown"] for one in found["files"]] == ["one.txt"]
    assert "pipe is no regular file" in found["problems"][0]
    assert "dangling: No such file or directory" in found["problems"][1]


@pytest.mark.parametrize("kind", ["server/size", "server/add"])
def test_only_what_was_dropped_is_taken(store, root, page, kind):
    """A path that nobody dropped is refused, also beside one that was."""
    look(page, root, "one.txt")
    told = page.fails(kind, path=str(root / "run1" / "a.dat"), **PLACE, name="x", job=1)
    assert told["type"] == "RefusedError"
    assert len(store) == 0


@pytest.mark.parametrize(("name", "value"), [("JPY_SESSION_NAME", None), ("SERVER_SOFTWARE", "voila/0.5.13")])
def test_a_page_that_may_be_a_strangers_takes_nothing(store, root, page, monkeypatch, name, value):
    """Where no notebook's session started the kernel, or it is Voilà's, nothing is looked for."""
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    told = page.fails("server/dropped", paths=["one.txt"], root=str(root))
    assert (told["type"], "server_root" in told["message"]) == ("RefusedError", True)


def test_a_server_root_is_kept_to(store, root, page_of, monkeypatch):
    """With a `server_root` only what is below it is taken, links or not, and that in Voilà too."""
    monkeypatch.delenv("JPY_SESSION_NAME")
    (root / "run1" / "link").symlink_to(root / "one.txt")
    (root / "inner").symlink_to(root / "run1" / "a.dat")
    page = page_of(Uploader(store, server_root=root / "run1"))
    found = look(page, root, "one.txt", "run1/link", "inner")
    assert [one["path"] for one in found["files"]] == [str(root / "run1" / "a.dat")]
    assert [problem.split(" is not below ")[1] for problem in found["problems"]] == [
        f"{root / 'run1'}, and no other files are taken here."
    ] * 2
    page.ask("server/add", **PLACE, name="a", path=found["files"][0]["path"], job=1)
    assert len(store) == 1
    told = look(page, root, "run1")["files"]
    assert [one["shown"] for one in told] == ["run1/a.dat", "run1/link", "run1/sub/b.dat"]
    assert "symbolic link" in page.fails("server/add", **PLACE, name="l", path=told[1]["path"], job=2)["message"]
    page.widget.close()


def test_no_more_is_found_than_can_go_up(root, page, monkeypatch):
    """A folder with more files than can go up at once is looked through no further than that."""
    monkeypatch.setattr(dropped, "MOST", 5)
    for number in range(20):
        (root / "run1" / f"{number}").write_bytes(b"")
    assert len(look(page, root, "run1")["files"]) == 6


def test_a_file_that_changed_hands_since_is_not_stored(store, root, page):
    """A dropped file that is a folder by now is refused."""
    path = look(page, root, "one.txt")["files"][0]["path"]
    (root / "one.txt").unlink()
    (root / "one.txt").mkdir()
    assert page.fails("server/add", **PLACE, name="x", path=path, job=1)["type"] in {"IsADirectoryError", "OSError"}
    assert len(store) == 0


def test_the_explorer_takes_drops_unless_it_is_read_only(store, root, page_of):
    """An Explorer takes what is dropped; a read-only one has no such request."""
    explorer, reader = Explorer(store), Explorer(store, read_only=True)
    assert len(look(page_of(explorer), root, "one.txt")["files"]) == 1
    assert page_of(reader).fails("server/dropped", paths=["one.txt"], root=str(root))["type"] == "RefusedError"
    explorer.close()
    reader.close()


@pytest.mark.parametrize("fields", [{"paths": None}, {"paths": [7]}, {"paths": "a"}, {"root": 7}])
def test_a_malformed_drop_is_refused(page, root, fields):
    """What no page of ours sends is refused."""
    assert page.fails("server/dropped", **{"paths": ["one.txt"], "root": str(root)} | fields)["type"] == "RefusedError"

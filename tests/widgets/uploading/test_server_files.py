"""Files of the server's own disk: completed, opened, stored; nothing beyond the folder."""

from __future__ import annotations

import os
import threading

import pytest
from damage import md5

from asimov.storage.widgets import Uploader
from asimov.storage.widgets._link.messages import RefusedError
from asimov.storage.widgets._link.server_folder import ServerFolder

PLACE = {"event": "GW150914", "production": "Prod0"}


def partials(store):
    """List what lies in the Store on its way in."""
    incoming = store.root / ".manifest" / "incoming"
    return [path.name for path in incoming.iterdir()] if incoming.is_dir() else []


@pytest.fixture
def folder(tmp_path):
    """Make a folder of results, with a secret beside it and links to it."""
    folder = tmp_path / "results"
    (folder / "run1").mkdir(parents=True)
    (folder / "run1" / "a.dat").write_bytes(b"a" * 3_000_000)
    (folder / "b.dat").write_bytes(b"b")
    (folder / ".hidden").write_bytes(b"h")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "s.dat").write_bytes(b"s")
    (folder / "link.dat").symlink_to(tmp_path / "secret" / "s.dat")
    (folder / "linked").symlink_to(tmp_path / "secret")
    (folder / "inner.dat").symlink_to(folder / "b.dat")
    os.mkfifo(folder / "pipe")
    return folder


@pytest.fixture
def served(store, folder, page_of):
    """Look at an Uploader that may take files from there."""
    widget = Uploader(store, server_root=folder)
    yield page_of(widget)
    widget.close()


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("", ["b.dat", "pipe", "run1/"]),
        ("r", ["run1/"]),
        ("run1/", ["run1/a.dat"]),
        ("run1/a", ["run1/a.dat"]),
        (".", [".hidden"]),
        ("x", []),
    ],
)
def test_paths_are_completed(served, typed, names):
    """A path is completed from what is below the folder, without links and, unless asked for, hidden files."""
    assert served.ask("server/complete", typed=typed).result == {"names": names, "total": len(names)}


@pytest.mark.parametrize("path", ["run1/a.dat", "./run1//a.dat"])
def test_a_file_of_the_server_is_stored(store, served, folder, path):
    """A file below the folder is stored, digested on the way."""
    assert served.ask("server/size", path=path).result == {"name": "a.dat", "size": 3_000_000}
    told = served.ask("server/add", **PLACE, name="a.dat", path=path, job=1).result
    record = store["GW150914", "Prod0", "a.dat"]
    assert told == {"hash": record.hash, "uuid": record.uuid}
    assert record.hash == md5(b"a" * 3_000_000)
    assert served.widget.records == [record]


def test_an_absolute_path_below_is_accepted(served, folder):
    """The absolute path of a file below the folder is the file."""
    assert served.ask("server/size", path=str(folder / "b.dat")).result["size"] == 1


@pytest.mark.parametrize("kind", ["server/size", "server/add"])
@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("../secret/s.dat", "is not below"),
        ("run1/../../secret/s.dat", "is not below"),
        ("/etc/passwd", "is not below"),
        ("link.dat", "is a symbolic link"),
        ("linked/s.dat", "is a symbolic link"),
        ("inner.dat", "is a symbolic link"),
        ("pipe", "is no regular file"),
        ("run1", "is no regular file"),
        ("", "is no regular file"),
        ("b.dat\0", "NUL"),
        ("absent.dat", "No such file or directory"),
        ("b.dat/x", "Not a directory"),
    ],
)
def test_nothing_beyond_the_folder_is_reached(store, served, kind, path, words):
    """Not by .., an absolute path or a link, nor a pipe or a folder: refused in words, and nothing is stored."""
    told = served.fails(kind, path=path, **PLACE, name="x", job=1)
    assert words in told["message"]
    assert (len(store), partials(store)) == (0, [])


@pytest.mark.parametrize("typed", ["../", "../secret/", "/etc/", "linked/", "run1/../../secret/"])
def test_nothing_beyond_the_folder_is_listed(served, typed):
    """Completion doesn't look beyond the folder either."""
    assert served.fails("server/complete", typed=typed)["type"] == "RefusedError"


def test_a_folder_beside_with_a_longer_name_is_beyond(served, folder):
    """A folder whose name begins with the given one's is not below it."""
    (folder.parent / "results2").mkdir()
    (folder.parent / "results2" / "x").write_bytes(b"x")
    assert "is not below" in served.fails("server/size", path=str(folder.parent / "results2" / "x"))["message"]


def test_a_servers_file_can_be_cancelled(store, served, folder, monkeypatch):
    """Cancel ends the copying of a server's file, and nothing of it is left."""
    with (folder / "large").open("wb") as file:
        file.truncate(2**40)
    number = served.send("server/add", **PLACE, name="large", path="large", job=5)
    served.wait_for("server/progress/5")
    served.ask("server/cancel", job=5)
    assert served.reply(number).result == {"cancelled": "by its page"}
    assert (len(store), partials(store)) == (0, [])


def test_a_servers_file_that_is_cancelled_before_it_begins_is_not_stored(store, served):
    """A Cancel that overtakes its request, which a thread has yet to begin with, ends it all the same."""
    served.ask("server/cancel", job=5)
    assert served.ask("server/add", **PLACE, name="b", path="b.dat", job=5).result == {"cancelled": "by its page"}
    assert (len(store), partials(store)) == (0, [])
    served.ask("server/add", **PLACE, name="b", path="b.dat", job=6)
    assert len(store) == 1


def test_one_servers_file_has_one_number(store, served, folder):
    """A second request of the same number is refused, and the first goes on."""
    with (folder / "large").open("wb") as file:
        file.truncate(2**40)
    served.send("server/add", **PLACE, name="large", path="large", job=5)
    served.wait_for("server/progress/5")
    assert served.fails("server/add", **PLACE, name="b", path="b.dat", job=5)["type"] == "RefusedError"


def test_closing_ends_a_servers_file(store, served, folder):
    """Closing the widget ends the copying of a server's file."""
    with (folder / "large").open("wb") as file:
        file.truncate(2**40)
    served.send("server/add", **PLACE, name="large", path="large", job=5)
    served.wait_for("server/progress/5")
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("Uploader")]
    served.widget.close()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    assert (len(store), partials(store)) == (0, [])


def test_a_sparse_file_of_the_server_keeps_its_holes(store, served, folder):
    """A sparse file of the server takes no more of the disk in the Store."""
    with (folder / "sparse").open("wb") as file:
        file.truncate(64 << 20)
    served.ask("server/add", **PLACE, name="sparse", path="sparse", job=1)
    found = store.fetch_file("GW150914", "Prod0", "sparse").stat()
    assert found.st_size == 64 << 20
    assert found.st_blocks <= (folder / "sparse").stat().st_blocks + 8


def test_a_servers_file_that_is_written_to_is_not_stored(store, served, folder):
    """A file of the server that is written to while it is copied is not stored, and the page is told so."""
    with (folder / "large").open("wb") as file:
        file.truncate(2**40)
    number = served.send("server/add", **PLACE, name="large", path="large", job=5)
    served.wait_for("server/progress/5", lambda event: event["done"] > 0)
    os.truncate(folder / "large", 0)
    with pytest.raises(Exception, match="was written to while it was added") as caught:
        served.reply(number)
    assert caught.value.details["type"] == "SourceChangedError"
    assert (len(store), partials(store)) == (0, [])


def test_a_servers_file_must_have_the_expected_md5(store, served):
    """A file of the server without the expected MD5 is not stored."""
    told = served.fails("server/add", **PLACE, name="b", path="b.dat", job=1, expected="0" * 32)
    assert told["type"] == "HashError"
    assert len(store) == 0


def test_a_link_put_in_the_way_is_not_followed(folder, tmp_path):
    """A folder that is swapped for a link while it is open stays the folder, and the link is refused."""
    walker = ServerFolder(folder)
    with walker._folder(["run1"]) as opened:
        (folder / "run1").rename(folder / "run2")
        (folder / "run1").symlink_to(tmp_path / "secret")
        assert [entry.name for entry in os.scandir(opened)] == ["a.dat"]
    with pytest.raises(RefusedError, match="symbolic link"):
        walker.open("run1/s.dat")

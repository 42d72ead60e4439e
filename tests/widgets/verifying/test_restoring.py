"""The Verifier looks for copies of what failed, puts them back, and counts again; without kernel and browser."""

from __future__ import annotations

import shutil
import threading
import time
from types import SimpleNamespace

import pytest
from damage import flip_bit

from asimov.storage import RestoreReport, Store
from asimov.storage._operations import restoring as core
from asimov.storage.widgets import Verifier
from asimov.storage.widgets._verifying import verification


@pytest.fixture
def backup(tmp_path):
    """Make a folder that has copies of file1 and file2, under other names."""
    folder = tmp_path / "backup"
    (folder / "old").mkdir(parents=True)
    (folder / "one.txt").write_bytes(b"content 1")
    (folder / "old" / "two.txt").write_bytes(b"content 2")
    return folder


@pytest.fixture
def damaged(store, paths):
    """Damage file1, remove file2, and give their paths."""
    flip_bit(paths[1])
    paths[2].unlink()
    return paths[1:]


@pytest.fixture
def verifier(store, paths, tmp_path):
    """A Verifier that looks for copies below tmp_path."""
    verifier = Verifier(store, server_root=tmp_path)
    yield verifier
    verifier.close()


@pytest.fixture
def page(verifier, page_of):
    """Look at it."""
    return page_of(verifier)


def test_copies_are_looked_for_first(store, verifier, page, damaged, backup):
    """A search says how many of how many were found, and where, and changes nothing."""
    verifier.wait(20)
    before = damaged[0].read_bytes()
    page.ask("restore/look", folder="backup")
    shown = verifier._restoring
    assert (shown["phase"], shown["folder"], shown["putting"]) == ("found", str(backup), False)
    assert (shown["found"], shown["wanted"], shown["damaged"], shown["unread"]) == (2, 2, 1, 0)
    assert [(row["file"], row["copy"]) for row in shown["files"]] == [
        ("file1", str(backup / "one.txt")),
        ("file2", str(backup / "old" / "two.txt")),
    ]
    assert (damaged[0].read_bytes(), damaged[1].exists()) == (before, False)
    report = verifier.restore_report
    assert isinstance(report, RestoreReport)
    assert (report.dry_run, len(report.restored)) == (True, 2)
    assert [check.file for check in verifier.report.failures] == ["file1", "file2"]


def test_they_are_put_back_verified_and_counted_again(store, verifier, page, damaged, backup, monkeypatch):
    """What was found is put back; the report and its counts are those after that; the damaged file is in quarantine."""
    verifier.wait(20)
    seconds = verifier._shown["seconds"]
    monkeypatch.setattr(verification, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + 1000))
    heard = []
    verifier.observe(lambda change: heard.append(change["new"].counts["ok"]), "report")
    page.ask("restore/look", folder=str(backup))
    page.ask("restore/put")
    shown = verifier._restoring
    assert (shown["phase"], shown["found"], shown["sound"], shown["left"], shown["damaged"]) == ("put", 2, 2, 0, 1)
    assert (verifier.report.ok, len(verifier.report.results), heard) == (True, 3, [3])
    assert (verifier._shown["ok"], verifier._shown["counts"]["ok"]) == (True, 3)
    assert verifier._shown["seconds"] == seconds  # of the verification, not of what the user has thought about since
    assert [row["status"] for row in verifier._rows] == ["ok"] * 3
    assert not verifier.restore_report.dry_run
    assert store.verify().ok
    assert [path.read_bytes() != b"content 1" for path in (store.root / ".manifest/quarantine/S1/Prod0").iterdir()] == [
        True
    ]
    assert page.fails("restore/put")["message"] == "No file has failed. Verify the files first."


def test_what_was_not_found_stays_a_failure(verifier, page, damaged, backup):
    """Of two files one is found and put back; the other is listed without a copy, and is still a failure."""
    (backup / "one.txt").unlink()
    verifier.wait(20)
    page.ask("restore/look", folder="backup")
    assert [(row["file"], row["copy"] is None) for row in verifier._restoring["files"]] == [
        ("file2", False),
        ("file1", True),
    ]
    page.ask("restore/put")
    assert (verifier._restoring["found"], verifier._restoring["left"], verifier._restoring["damaged"]) == (1, 1, 0)
    assert [check.file for check in verifier.report.failures] == ["file1"]
    assert [row["file"] for row in verifier._rows] == ["file1", "file0", "file2"]
    assert page.fails("restore/put")["message"].startswith("Nothing was found that can be put back.")


def test_a_store_is_searched_by_its_records(store, verifier, page, damaged, tmp_path, source):
    """The folder of another Store is taken as a Store: only files that it records with these MD5s are read."""
    other = Store.create(tmp_path / "other", "Other")
    other.add_file("E", "P", source("x", b"content 1"))
    path = other.fetch_file("E", "P", "x")
    (other.root / "lies beside").write_bytes(b"content 2")
    verifier.wait(20)
    page.ask("restore/look", folder="other")
    assert [row["copy"] for row in verifier._restoring["files"]] == [str(path), None]
    (other.root / ".manifest" / "manifest.yaml").write_text("{")  # a Store no more: a folder with files
    page.ask("restore/look", folder="other")
    assert verifier._restoring["found"] == 2


def test_a_copy_that_went_meanwhile(verifier, page, damaged, backup):
    """A copy that is gone between the search and the putting back isn't put back, and that is counted."""
    verifier.wait(20)
    page.ask("restore/look", folder="backup")
    (backup / "one.txt").unlink()
    page.ask("restore/put")
    assert (verifier._restoring["found"], verifier._restoring["left"]) == (1, 1)


def test_an_error_is_shown(store, verifier, page, damaged, backup):
    """What ends a search or a putting back is shown with its cause, and the next can begin."""
    verifier.wait(20)
    page.ask("restore/look", folder="backup")
    shutil.rmtree(backup)
    assert "backup" in page.fails("restore/put")["message"]
    assert (verifier._restoring["phase"], verifier._restoring["putting"]) == ("failed", True)
    assert str(backup) in verifier._restoring["error"]["message"]
    assert page.fails("restore/put")["message"].startswith("Nothing was found")
    page.ask("restore/look", folder=".")


def test_folders_that_are_none(verifier, page, damaged, tmp_path):
    """No folder, a missing one, a file, one outside and a link to the outside are refused, with what to do."""
    verifier.wait(20)
    (tmp_path / "file").write_text("x")
    (tmp_path / "out").symlink_to("/")
    for typed, words in {
        " ": "Name a folder",
        "absent": "There is no folder absent on the server.",
        "file": "There is no folder file on the server.",
        "..": "is not below",
        "/": "is not below",
        "out": "is not below",
        "a\0b": "NUL",
    }.items():
        told = page.fails("restore/look", folder=typed)
        assert (told["type"], words in told["message"]) == ("RefusedError", True), told
    assert verifier._restoring == {}


def test_folders_are_suggested(page, backup, tmp_path):
    """Folders below the server's folder are suggested, no files, no links."""
    (tmp_path / "back.txt").write_text("x")
    (tmp_path / "back-link").symlink_to(backup)
    assert page.ask("restore/complete", typed="ba").result == {"names": ["backup/"], "total": 1}
    assert page.ask("restore/complete", typed="backup/").result == {"names": ["backup/old/"], "total": 1}


def test_in_a_notebook_any_folder_can_be_named(store, damaged, backup, page_of, monkeypatch):
    """In a notebook's kernel a folder can be named from the root, the home or the working folder, and is suggested."""
    monkeypatch.setenv("JPY_SESSION_NAME", "work/n.ipynb")
    monkeypatch.setenv("HOME", str(backup.parent))
    monkeypatch.chdir(backup)
    (backup / ".hidden").mkdir()
    verifier = Verifier(store)
    assert (verifier._initial["restores"], verifier._initial["server"]) == (True, None)
    verifier.wait(20)
    page = page_of(verifier)
    suggested = {
        f"{backup.parent}/back": [f"{backup}/"],
        "~/back": ["~/backup/"],
        "o": ["old/"],
        "": ["old/"],
        ".h": [".hidden/"],
        "../backup/": ["../backup/old/"],
    }
    for typed, names in suggested.items():
        assert page.ask("restore/complete", typed=typed).result["names"] == names
    for typed in (str(backup), "~/backup/", ".", "../backup"):
        page.ask("restore/look", folder=typed)
        assert verifier._restoring["found"] == 2
    assert page.fails("restore/look", folder="~nobody-of-that-name/x")["type"] == "RefusedError"
    verifier.close()


@pytest.mark.parametrize("where", ["no notebook", "voila", "read only"])
def test_where_it_is_not_offered(store, damaged, page_of, monkeypatch, tmp_path, where):
    """Strangers can't name folders, and nothing is put back into a read-only Store: such requests are unknown then."""
    monkeypatch.setenv("JPY_SESSION_NAME", "work/n.ipynb")
    if where == "no notebook":
        monkeypatch.delenv("JPY_SESSION_NAME")
    elif where == "voila":
        monkeypatch.setenv("SERVER_SOFTWARE", "voila/0.5.13")
    else:
        monkeypatch.setattr(type(store.backend), "writable", lambda _self: "it is mounted read-only")
    verifier = Verifier(store)
    assert not verifier._initial["restores"]
    verifier.wait(20)
    for kind in ("look", "put", "complete"):
        told = page_of(verifier).fails(f"restore/{kind}", folder=str(tmp_path), typed="")
        assert told["message"].startswith("There is no request of kind")
    verifier.close()


def test_only_failures_are_looked_for(verifier, page, backup, paths):
    """Before a verification, and after one without failures, nothing is looked for."""
    for _ in range(2):
        assert page.fails("restore/look", folder="backup")["message"] == "No file has failed. Verify the files first."
        verifier.wait(20)
    assert verifier.restore_report is None


class Held:
    """Holds who puts back a file, after it was received, until it is let go."""

    def __init__(self, monkeypatch):
        self.begun, self.go_on = threading.Event(), threading.Event()
        real = core._put_back

        def put_back(*arguments):
            self.begun.set()
            assert self.go_on.wait(20)
            real(*arguments)

        monkeypatch.setattr(core, "_put_back", put_back)


def test_one_thing_at_a_time(verifier, page, damaged, backup, monkeypatch):
    """While files are put back nothing is verified or looked for, and Cancel ends it."""
    verifier.wait(20)
    page.ask("restore/look", folder="backup")
    held = Held(monkeypatch)
    number = page.send("restore/put")
    assert held.begun.wait(20)
    assert verifier._restoring["phase"] == "putting"
    for kind in ("verify/start", "restore/put", "restore/look"):
        assert page.fails(kind, folder="backup")["message"].startswith("Copies are being looked for or put back.")
    page.ask("restore/cancel")
    held.go_on.set()
    page.reply(number)
    assert (verifier._restoring["phase"], verifier._restoring["putting"]) == ("cancelled", True)
    assert page.fails("restore/put")["message"].startswith("Nothing was found")
    verifier.start()
    assert verifier.wait(20) is not None
    assert verifier._restoring == {}


def test_a_new_verification_forgets_what_was_found(verifier, page, damaged, backup):
    """After a further verification what was found before isn't put back."""
    verifier.wait(20)
    page.ask("restore/look", folder="backup")
    verifier.start()
    verifier.wait(20)
    assert verifier._restoring == {}
    assert page.fails("restore/put")["message"].startswith("Nothing was found")


def test_what_a_page_is_told_of_it(verifier, page, damaged, backup):
    """The report of a search is sent to the page in numbers, for front ends that show a widget's values."""
    assert verifier.get_state("restore_report") == {"restore_report": None}
    verifier.wait(20)
    page.ask("restore/look", folder="backup")
    expected = {"dry_run": True, "restored": 2, "not_found": 0, "unread": 0}
    assert verifier.get_state("restore_report") == {"restore_report": expected}

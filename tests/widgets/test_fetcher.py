"""The Fetcher, without kernel and browser: what it shows, and what it refuses."""

from __future__ import annotations

import base64
import logging
import threading

import pytest
from damage import flip_bit, md5

from asimov.storage import Store
from asimov.storage.widgets import Fetcher
from asimov.storage.widgets._fetching import fetches

PLACE = {"event": "S1", "production": "Prod0", "file": "result.txt"}
KEY = ("S1", "Prod0", "result.txt")


@pytest.fixture
def fetcher(store, stored):
    """A Fetcher over a Store with S1/Prod0/result.txt."""
    fetcher = Fetcher(store)
    yield fetcher
    fetcher.close()


@pytest.fixture
def page(fetcher, page_of):
    """A view of it."""
    return page_of(fetcher)


def test_a_fetch_gives_path_code_and_digest(store, stored, fetcher, page):
    """A fetched file is verified, and its path, MD5, size, and a line of code are shown and kept."""
    page.ask("fetch/start", **PLACE)
    shown = fetcher._shown
    assert (shown["phase"], shown["path"], shown["hash"], shown["size"]) == (
        "fetched",
        str(stored),
        md5(b"a result"),
        8,
    )
    assert (fetcher.path, fetcher.record) == (stored, store[KEY])


def test_a_copy_in_a_folder_is_delivered(fetcher, page, tmp_path):
    """With a destination folder, the verified bytes are copied there under the file's name."""
    (tmp_path / "work").mkdir()
    page.ask("fetch/start", **PLACE, dest=f" {tmp_path}/work ", hash="")
    assert fetcher.path == tmp_path / "work" / "result.txt"
    assert fetcher.path.read_bytes() == b"a result"
    assert fetcher._shown["copied"]


def test_nothing_is_written_over(fetcher, page, tmp_path):
    """Where the file is in the destination folder already, the fetch fails in words and leaves that one."""
    (tmp_path / "result.txt").write_text("mine")
    error = page.fails("fetch/start", **PLACE, dest=str(tmp_path))
    assert str(tmp_path / "result.txt") in error["message"]
    assert fetcher._shown["error"] == error
    assert (tmp_path / "result.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["nowhere", "result.txt"])
def test_a_destination_that_is_no_folder_is_refused(fetcher, page, tmp_path, name):
    """A destination folder that isn't there, or is a file, is refused, and nothing is made of its name."""
    (tmp_path / "result.txt").write_text("mine")
    error = page.fails("fetch/start", **PLACE, dest=str(tmp_path / name))
    assert error["message"].startswith(f"There is no folder {tmp_path / name} on the server.")
    assert not (tmp_path / "nowhere").exists()


def test_a_hash_error_shows_what_it_is(fetcher, page, stored, caplog):
    """A corrupt file is shown with path, expected and found digest and what to do, and there is no path to use."""
    page.ask("fetch/start", **PLACE)
    flip_bit(stored)
    error = page.fails("fetch/start", **PLACE)
    assert fetcher._shown["phase"] == "failed"
    assert fetcher._shown["error"] == error
    assert (error["type"], error["path"], error["expected"]) == ("HashError", str(stored), md5(b"a result"))
    assert error["actual"] == md5(stored.read_bytes())
    assert "restore it from a copy" in error["message"]
    assert (fetcher.path, fetcher.record) == (None, None)
    assert page.fails("fetch/preview", number=fetcher._shown["number"])["type"] == "RefusedError"


@pytest.mark.parametrize("name", ["a: b.txt", 'it\'s: "so"', "c: é\u202e: d"])
def test_what_to_do_about_a_hash_error_stands_apart(fetcher, page, store, source, name):
    """What to do is told apart from path and name, whatever stands in that name."""
    store.add_file("S1: x", "Prod0", source("odd", b"odd"), name)
    flip_bit(store.fetch_file("S1: x", "Prod0", name))
    place = {"event": "S1: x", "production": "Prod0", "file": name}
    error = page.fails("fetch/start", **place)
    assert error["advice"].startswith(f"its MD5 is {error['actual']}, and {error['expected']} was recorded. The file")
    place = {**PLACE, "hash": "0" * 32}
    assert page.fails("fetch/start", **place)["advice"].startswith("the hash that was given, ")


def test_a_wrong_expected_hash_is_a_hash_error(fetcher, page):
    """An expected digest that isn't the file's is a HashError; one that is may be in capitals, with blanks."""
    error = page.fails("fetch/start", **PLACE, hash="0" * 32)
    assert (error["type"], error["expected"], error["actual"]) == ("HashError", "0" * 32, md5(b"a result"))
    page.ask("fetch/start", **PLACE, hash=f" {md5(b'a result').upper()}\n")
    assert fetcher._shown["phase"] == "fetched"


@pytest.mark.parametrize(
    ("change", "type_"),
    [
        ({"event": "S2"}, "RecordNotFoundError"),
        ({"file": "../../../etc/passwd"}, "InvalidNameError"),
        ({"event": ""}, "InvalidNameError"),
        ({"event": ".manifest"}, "InvalidNameError"),
        ({"production": 7}, "RefusedError"),
        ({"production": None}, "RefusedError"),
        ({"file": "x" * 5000}, "RefusedError"),
        ({"hash": ["0" * 32]}, "RefusedError"),
        ({"dest": "\0"}, "RefusedError"),
    ],
)
def test_what_cannot_be_fetched_is_refused_in_words(fetcher, page, change, type_):
    """An unknown file, a path as a name, or a malformed message is answered with an error, and the next works."""
    assert page.fails("fetch/start", **{**PLACE, **change})["type"] == type_
    page.ask("fetch/start", **PLACE)
    assert fetcher._shown["phase"] == "fetched"


def test_a_missing_file_is_an_error_in_words(fetcher, page, stored):
    """A file that is recorded and gone is shown with its path."""
    stored.unlink()
    assert str(stored) in page.fails("fetch/start", **PLACE)["message"]
    assert fetcher._shown["phase"] == "failed"


def test_cancel_without_a_fetch_does_nothing(fetcher, page):
    """Cancel is answered when nothing is under way, and the next fetch is not cancelled by it."""
    page.ask("fetch/cancel")
    page.ask("fetch/start", **PLACE)
    page.ask("fetch/cancel")
    assert fetcher._shown["phase"] == "fetched"


def test_the_preview_is_of_the_fetched_file(page, fetcher, store, source):
    """What was fetched last can be looked at, images with their bytes beside; what was fetched before can't."""
    png = base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    )
    store.add_file("S1", "Prod0", source("plot.png", png))
    page.ask("fetch/start", **PLACE)
    first = fetcher._shown["number"]
    assert page.ask("fetch/preview", number=first).result["text"] == "a result"
    page.ask("fetch/start", **{**PLACE, "file": "plot.png"})
    reply = page.ask("fetch/preview", number=fetcher._shown["number"])
    assert (reply.result["kind"], reply.buffers) == ("image", [png])
    assert page.fails("fetch/preview", number=first)["type"] == "RefusedError"
    assert page.fails("fetch/preview", number=-1)["type"] == "RefusedError"
    assert page.fails("fetch/preview")["type"] == "RefusedError"


def test_a_preview_that_fails_takes_nothing_from_the_fetch(fetcher, page, monkeypatch, caplog):
    """Where a preview can't be made, the file is fetched all the same, the reason is shown, and logged."""

    def broken(*_args):
        raise ZeroDivisionError("odd bytes")

    monkeypatch.setattr(fetches, "preview", broken)
    page.ask("fetch/start", **PLACE)
    assert fetcher._shown["phase"] == "fetched"
    note = page.ask("fetch/preview", number=fetcher._shown["number"]).result["note"]
    assert note == "No preview: ZeroDivisionError: odd bytes"
    assert [record.exc_info[0] for record in caplog.records if record.levelno == logging.ERROR] == [ZeroDivisionError]


def test_names_are_suggested(page):
    """The boxes ask for names as one types."""
    assert page.ask("names/suggest", field="file", typed="RES", event="S1").result == {
        "names": ["result.txt"],
        "total": 1,
    }


def test_a_download_goes_through_the_widget(page):
    """The widget serves downloads: from its page, a file's size, digest and bytes."""
    token = {"download": "0123456789abcdef"}
    assert page.ask("download/begin", **PLACE, **token).result == {
        "size": 8,
        "hash": md5(b"a result"),
        "slice": 4 << 20,
    }
    assert page.ask("download/slice", index=0, **token).buffers == [b"a result"]
    page.ask("download/end", **token)
    assert "ended" in page.fails("download/slice", index=0, **token)["message"]


def test_names_that_no_text_can_hold_are_shown(tmp_path, page_of):
    """A Store below a folder whose name is no UTF-8 is fetched from, with the odd bytes shown as question marks."""
    store = Store.create(tmp_path / "odd\udcff", "Odd")
    with store.new_file("S1", "Prod0", "result.txt") as file:
        file.write(b"a result")
    fetcher = Fetcher(store)
    page_of(fetcher).ask("fetch/start", **PLACE)
    assert "odd?" in fetcher._shown["path"]
    assert fetcher.path.read_bytes() == b"a result"
    fetcher.close()


def test_boxes_can_be_filled_at_first(store):
    """Event, production and file can be given, and stand in the boxes."""
    fetcher = Fetcher(store, "S1", production="Prod0")
    assert fetcher._initial == {"store": "Test Store", "event": "S1", "production": "Prod0", "file": ""}
    fetcher.close()


def test_closing_ends_a_fetch(store, stored, page_of):
    """Closing the widget ends the fetch under way and its thread, and nothing is shown afterwards."""
    fetcher = Fetcher(store)
    page = page_of(fetcher)
    under_way, go_on = threading.Event(), threading.Event()

    def shown(change):
        under_way.set()
        assert go_on.wait(20)

    fetcher.observe(shown, "_shown")
    page.send("fetch/start", **PLACE)
    assert under_way.wait(20)
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("Fetcher")]
    fetcher.close()
    go_on.set()
    for thread in threads:
        thread.join(20)
    assert (len(threads), fetcher.path, fetcher._shown["phase"]) == (1, None, "fetching")


def test_more_of_a_file(store, fetcher, page, tmp_path):
    """Further rows of a table and the end of a text are read as they are asked for, of the file that is shown."""
    (tmp_path / "a.csv").write_text("a,b\n" + "".join(f"{number},x\n" for number in range(120)))
    (tmp_path / "a.log").write_text("".join(f"line {number}\n" for number in range(2000)))
    store.add_file("S1", "Prod0", tmp_path / "a.csv")
    store.add_file("S1", "Prod0", tmp_path / "a.log")
    page.ask("fetch/start", **{**PLACE, "file": "a.csv"})
    number = fetcher._shown["number"]
    place, shown = page.ask("fetch/preview", number=number).result["more"], 50
    while place:
        found = page.ask("fetch/rows", number=number, place=place).result
        assert found["rows"][0][0] == str(shown)
        shown, place = shown + len(found["rows"]), found["more"]
    assert shown == 120
    page.ask("fetch/start", **{**PLACE, "file": "a.log"})
    assert page.fails("fetch/rows", number=number, place=4)["type"] == "RefusedError"
    number = fetcher._shown["number"]
    assert not page.ask("fetch/preview", number=number).result["whole"]
    assert page.ask("fetch/end", number=number).result["text"].endswith("line 1999\n")

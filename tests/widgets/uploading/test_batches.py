"""Small files, many in one message: each judged by itself, all committed together."""

from __future__ import annotations

import threading
import time

import pytest
from damage import md5

from asimov.storage import Store
from asimov.storage._operations import adding
from asimov.storage.widgets import Explorer, Uploader
from asimov.storage.widgets._uploading.batches import BYTES, FILES

PLACE = {"event": "GW150914", "production": "Prod0"}


@pytest.fixture
def page(store, page_of):
    """Look at an Uploader."""
    widget = Uploader(store)
    yield page_of(widget)
    widget.close()


def partials(store):
    """List what lies in the Store on its way in."""
    incoming = store.root / ".manifest" / "incoming"
    return [path.name for path in incoming.iterdir()] if incoming.is_dir() else []


def files_of(contents, **changes):
    """Tell of files as a page does; `changes` are of the first."""
    told = [{"name": name, "size": len(content), "md5": md5(content)} for name, content in contents.items()]
    told[0] |= changes
    return told


def batch(contents, **changes):
    """Make the fields and the buffers of a batch."""
    data = b"".join(contents.values())
    return {"buffers": [data] if data else [], **PLACE, "files": files_of(contents, **changes)}


def many(count):
    """Make contents of so many files."""
    return {f"f{number}": b"content %d" % number for number in range(count)}


def test_many_files_arrive_in_one_message(store, page):
    """All files of a batch are stored byte for byte, empty ones too, in one commit, shown, and in `.records`."""
    contents = {**many(50), "empty": b"", "large": bytes(256 * 1024)}
    told = page.ask("upload/batch", **batch(contents)).result
    records = [store["GW150914", "Prod0", name] for name in contents]
    assert told["files"] == [{"hash": record.hash, "uuid": record.uuid} for record in records]
    assert told["took"] >= 0
    assert page.widget.records == records
    assert [store.fetch_file(*record.key).read_bytes() for record in records] == list(contents.values())
    entries = [path.name for path in (store.root / ".manifest" / "recent").iterdir() if path.name != "0"]
    assert entries == ["1"]
    assert store.verify().ok
    assert partials(store) == []


def test_a_batch_of_empty_files_needs_no_buffer(store, page):
    """Files without a byte arrive without a buffer."""
    page.ask("upload/batch", **batch({"a": b"", "b": b""}))
    assert [record.file for record in store] == ["a", "b"]


def test_the_explorer_takes_batches_unless_it_is_read_only(store, page_of):
    """An Explorer stores a batch; a read-only one has no such request."""
    explorer, reader = Explorer(store), Explorer(store, read_only=True)
    page_of(explorer).ask("upload/batch", **batch(many(2)))
    assert page_of(reader).fails("upload/batch", **batch(many(3)))["type"] == "RefusedError"
    assert len(store) == 2
    explorer.close()
    reader.close()


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"name": "a/b"}, "InvalidNameError"),
        ({"name": ""}, "InvalidNameError"),
        ({"name": "\ud800"}, "InvalidNameError"),
        ({"name": "there"}, "RecordExistsError"),
        ({"name": "f1"}, "RecordExistsError"),
        ({"md5": "0" * 32}, "HashError"),
        ({"expected": "0" * 32}, "HashError"),
        ({"expected": "nonsense"}, "HashError"),
    ],
)
def test_a_file_that_is_refused_keeps_no_other_out(store, page, source, changes, kind):
    """What is wrong with one file is its own verdict; the others are stored."""
    store.add_file("GW150914", "Prod0", source("there", b"other bytes"))
    contents = {"z": b"the first", **many(3)}
    told = page.ask("upload/batch", **batch(contents, **changes)).result["files"]
    wrong = 2 if changes.get("name") == "f1" else 0  # the later one of two with the same name
    assert told[wrong]["error"]["type"] == kind
    assert sum("uuid" in one for one in told) == 3
    assert len(store) == 4
    assert store.verify().ok
    assert partials(store) == []


def test_the_same_bytes_are_stored_once(store, page, source):
    """Bytes that the Store has, or that another file of the batch has, are refused with where they are."""
    store.add_file("GW170817", "Prod7", source("x", b"known"))
    told = page.ask("upload/batch", **batch({"a": b"known", "b": b"new", "c": b"new"})).result["files"]
    assert [one.get("error", {}).get("file") for one in told] == ["x", None, "b"]
    assert {one["error"]["type"] for one in (told[0], told[2])} == {"AlreadyPresentException"}
    assert [record.file for record in store] == ["b", "x"]


def test_an_expected_md5_is_asked_for_in_any_case(store, page):
    """An expected MD5 in capitals, with spaces around it, is the same MD5."""
    page.ask("upload/batch", **batch({"a": b"abc"}, expected=f" {md5(b'abc').upper()} "))
    assert len(store) == 1


def test_what_was_stored_before_its_answer_got_lost_is_stored(store, page):
    """A batch that is sent again stores what is missing, and answers for what is there already; else that is taken."""
    contents = many(3)
    first = page.ask("upload/batch", **batch({name: contents[name] for name in ("f0", "f1")})).result["files"]
    again = page.ask("upload/batch", **batch(contents), again=True).result["files"]
    assert again[:2] == first
    assert again[2] == {"hash": md5(contents["f2"]), "uuid": store["GW150914", "Prod0", "f2"].uuid}
    assert len(page.widget.records) == 3
    told = page.ask("upload/batch", **batch(contents)).result["files"]
    assert {one["error"]["type"] for one in told} == {"RecordExistsError"}


@pytest.mark.parametrize("value", ["", "..", "a/b", "/etc", "a\0b"])
@pytest.mark.parametrize("field", ["event", "production"])
def test_no_path_is_a_place(store, page, field, value):
    """A path as event or production is refused before anything is touched."""
    before = sorted(store.root.rglob("*"))
    assert page.fails("upload/batch", **batch(many(2)) | {field: value})["type"] == "InvalidNameError"
    assert sorted(store.root.rglob("*")) == before


@pytest.mark.parametrize(
    "fields",
    [
        {"files": None},
        {"files": []},
        {"files": [7]},
        {"files": {}},
        {"files": [{"name": f"{n}", "size": 0, "md5": md5(b"")} for n in range(FILES + 1)]},
        {"files": [{"name": "a", "size": 4, "md5": "0"}]},
        {"files": [{"name": "a", "size": 2, "md5": "0"}]},
        {"files": [{"name": "a", "size": -1, "md5": "0"}]},
        {"files": [{"name": "a", "size": 2**60, "md5": "0"}]},
        {"files": [{"name": "a", "size": 3}]},
        {"files": [{"name": 7, "size": 3, "md5": "0"}]},
        {"files": [{"name": "a", "size": 3, "md5": "0" * 33}]},
        {"buffers": []},
        {"buffers": [b"a", b"bc"]},
        {"buffers": [bytes(BYTES + 1)]},
        {"again": 7},
    ],
)
def test_a_malformed_batch_is_refused(store, page, fields):
    """A batch that no page of ours sends is refused whole, and nothing is stored."""
    assert page.fails("upload/batch", **batch({"a": b"abc"}) | fields)["type"] == "RefusedError"
    assert (len(store), partials(store)) == (0, [])


def test_a_batch_that_is_cancelled_before_it_begins_is_not_stored(store, page):
    """A Cancel that overtakes its batch ends it all the same, and the same files can be sent anew."""
    page.ask("upload/batch/cancel", job=3)
    assert page.ask("upload/batch", **batch(many(3)), job=3).result == {"cancelled": "by its page"}
    assert (len(store), partials(store)) == (0, [])
    page.ask("upload/batch", **batch(many(3)), job=4)
    assert len(store) == 3


class Held:
    """Holds whoever adds contents, at the first word of progress, until it is let go."""

    def __init__(self, monkeypatch):
        self.begun, self.go_on = threading.Event(), threading.Event()
        real = adding.add_contents

        def add_contents(backend, contents, *, meta, progress):
            def told(done, total):
                self.begun.set()
                assert self.go_on.wait(20)
                progress(done, total)

            return real(backend, contents, meta=meta, progress=told)

        monkeypatch.setattr(adding, "add_contents", add_contents)


def test_a_batch_can_be_cancelled(store, page, monkeypatch):
    """A Cancel while the files are written ends that, and nothing of them is left."""
    held = Held(monkeypatch)
    number = page.send("upload/batch", **batch(many(3)), job=3)
    assert held.begun.wait(20)
    page.ask("upload/batch/cancel", job=3)
    held.go_on.set()
    assert page.reply(number).result == {"cancelled": "by its page"}
    assert (len(store), partials(store)) == (0, [])


def test_closing_ends_a_batch(store, page, monkeypatch):
    """Closing the widget while the files are written ends that, and nothing of them is left."""
    held = Held(monkeypatch)
    page.send("upload/batch", **batch(many(3)))
    assert held.begun.wait(20)
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("Uploader")]
    page.widget.close()
    held.go_on.set()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    assert (len(store), partials(store)) == (0, [])


def test_a_page_that_leaves_loses_nothing_that_arrived(store, page, monkeypatch):
    """A batch that has arrived is stored whole, though its page has gone meanwhile."""
    held = Held(monkeypatch)
    number = page.send("upload/batch", **batch(many(3)))
    assert held.begun.wait(20)
    page.ask("upload/leave")
    held.go_on.set()
    page.reply(number)
    assert len(store) == 3


def test_another_writer_that_comes_between_is_heard(store, page, source, monkeypatch):
    """A name that another writer takes while the files are written is that file's verdict; the others are stored."""
    held = Held(monkeypatch)
    number = page.send("upload/batch", **batch(many(3)))
    assert held.begun.wait(20)
    Store(store.root).add_file("GW150914", "Prod0", source("f1", b"first"))
    held.go_on.set()
    told = page.reply(number).result["files"]
    assert told[1]["error"]["type"] == "RecordExistsError"
    assert [record.file for record in store] == ["f0", "f1", "f2"]
    assert store["GW150914", "Prod0", "f1"].hash == md5(b"first")
    assert store.verify().ok


def test_a_store_that_vanished_is_said(store, page):
    """A batch for a Store that is gone is an error in words."""
    (store.root / ".manifest").rename(store.root / "gone")
    assert page.fails("upload/batch", **batch(many(3)))["type"] == "NotAStoreError"


def test_a_disk_that_is_full_is_said(small_disk, page_of):
    """A disk without room for a batch: the error says so, nothing of it is left, and once there is room it goes in."""
    store = Store.create(small_disk.root / "store", "Small")
    widget = Uploader(store)
    page, contents = page_of(widget), {f"{n}": bytes([n]) * 50_000 for n in range(4)}
    small_disk.fill(leaving_pages=2)
    told = page.fails("upload/batch", **batch(contents))
    small_disk.empty()
    assert told["message"].split(" (the Store's disk): ")[0] in {"No space left on device", "File too large"}
    assert "nothing of these files was stored. Make room" in told["message"]
    assert (len(store), partials(store)) == (0, [])
    page.ask("upload/batch", **batch(contents))
    assert len(store) == 4
    widget.close()


def test_many_small_files_take_little_longer_than_adding_them(store, page, source):
    """300 files of 2 KiB in one message take at most three times what one add_files of them takes, and 0.5 s."""
    paths = [source(f"b{n}", f"{n}".encode().ljust(2048)) for n in range(300)]
    begun = time.monotonic()
    Store.create(store.root.parent / "other", "Other").add_files([("E", "P", path) for path in paths])
    reference = time.monotonic() - begun
    begun = time.monotonic()
    page.ask("upload/batch", **batch({path.name: path.read_bytes() for path in paths}))
    assert time.monotonic() - begun < 3 * reference + 0.5
    assert len(store) == 300

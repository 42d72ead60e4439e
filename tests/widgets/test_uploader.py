"""Uploader: every message and every error, without kernel and browser."""

from __future__ import annotations

import hashlib
import itertools
import os
import threading
import time
import tracemalloc
from contextlib import suppress
from types import SimpleNamespace

import pytest

from asimov.storage import Store
from asimov.storage._disk import temporary
from asimov.storage.widgets import Uploader
from asimov.storage.widgets._uploading import newest, open_uploads
from asimov.storage.widgets._uploading.upload import Order
from asimov.storage.widgets._uploading.uploads import SLICE, Uploads

PLACE = {"event": "GW150914", "production": "Prod0"}
MTIME = 1_700_000_000_000


def md5(content):
    """Digest as a page does."""
    return hashlib.md5(content).hexdigest()


def content_of(size, seed=1):
    """Make bytes that are not all alike."""
    block = hashlib.sha256(bytes([seed])).digest() * 128
    return (block * (size // len(block) + 1))[:size]


@pytest.fixture
def store(tmp_path):
    """Make an empty Store."""
    return Store.create(tmp_path / "store", "Test Store")


@pytest.fixture
def widget(store):
    """Make an Uploader over it."""
    widget = Uploader(store)
    yield widget
    widget.close()


@pytest.fixture
def page(widget, page_of):
    """Look at it."""
    return page_of(widget)


class Sender:
    """Sends one file as a page does, a step at a time."""

    def __init__(self, page, content, name="a.bin", **fields):
        self.page, self.content = page, content
        self.asked = {**PLACE, "name": name, "size": len(content), "mtime": MTIME, **fields}
        self.begun = None

    def begin(self, **more):
        """Begin, or begin again."""
        self.begun = self.page.ask("upload/begin", **self.asked, **more).result
        return self.begun

    def slice(self, offset, size=SLICE):
        """Send one slice."""
        buffers = [self.content[offset : offset + size]]
        return self.page.ask("upload/slice", buffers, upload=self.begun["upload"], offset=offset).result

    def slices(self):
        """Send all that is missing."""
        for offset in range(self.begun["offset"], len(self.content), SLICE):
            self.slice(offset)

    def end(self, **more):
        """Have it stored."""
        told = {"md5": md5(self.content), "upload": self.begun["upload"], **more}
        return self.page.ask("upload/end", **told).result

    def end_fails(self, **more):
        """Have it stored, in vain."""
        told = {"md5": md5(self.content), "upload": self.begun["upload"], **more}
        return self.page.fails("upload/end", **told)


def partials(store):
    """List what lies in the Store on its way in."""
    incoming = store.root / ".manifest" / "incoming"
    return sorted(path.name for path in incoming.iterdir()) if incoming.is_dir() else []


def opened_inodes():
    """List the inodes that this process has open."""
    inodes = set()
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 - names of descriptors, no paths
        with suppress(OSError):  # the one that lists them is closed by now
            inodes.add(os.fstat(int(name)).st_ino)
    return inodes


def wait_for_stored(widget, count):
    """Wait until so many files are shown as stored."""
    shown = threading.Event()
    widget.observe(lambda _: widget._stored["count"] == count and shown.set(), "_stored")
    assert widget._stored["count"] == count or shown.wait(20)


def uploads_of(widget):
    """Find what serves a widget's uploads."""
    return next(service for service in widget._services if isinstance(service, Uploads))


def sizes(store):
    """List how large it is."""
    incoming = store.root / ".manifest" / "incoming"
    return sorted(path.stat().st_size for path in incoming.iterdir())


# --- What goes well


@pytest.mark.parametrize("size", [0, 1, 1000, SLICE, SLICE + 1, 2 * SLICE + 12345])
def test_a_file_arrives_in_slices(store, widget, page, size):
    """A file of any size is stored byte for byte, and its record is shown and in `.records`."""
    sender = Sender(page, content_of(size))
    assert sender.begin()["offset"] == 0
    sender.slices()
    told = sender.end()
    record = store["GW150914", "Prod0", "a.bin"]
    assert widget.records == [record]
    assert told == {"hash": record.hash, "uuid": record.uuid}
    assert widget._stored["last"] == [{**PLACE, "file": "a.bin", **told}]
    assert store.fetch_file("GW150914", "Prod0", "a.bin").read_bytes() == sender.content
    assert partials(store) == []


def test_small_slices_do_too(store, page):
    """A page on a slow line sends smaller slices, of any size."""
    sender = Sender(page, content_of(300))
    sender.begin()
    assert [sender.slice(offset, 100)["size"] for offset in (0, 100, 200)] == [100, 200, 300]
    sender.end()
    assert store["GW150914", "Prod0", "a.bin"].hash == md5(sender.content)


def test_two_files_at_once_do_not_mix(store, page, widget, page_of):
    """Slices of two files from two views, in turns, end up in their own files."""
    first, second = Sender(page, content_of(3 * SLICE, 1)), Sender(page_of(widget), content_of(3 * SLICE, 2), "b.bin")
    first.begin()
    second.begin()
    for offset in range(0, 3 * SLICE, SLICE):
        first.slice(offset)
        second.slice(offset)
    second.end()
    first.end()
    assert {record.file: record.hash for record in store} == {"a.bin": md5(first.content), "b.bin": md5(second.content)}
    assert [record.file for record in widget.records] == ["b.bin", "a.bin"]


def test_an_expected_md5_is_asked_for_in_any_case(store, page):
    """An expected MD5 in capitals is the same MD5."""
    sender = Sender(page, b"abc")
    sender.begin()
    sender.slices()
    sender.end(expected=f" {md5(b'abc').upper()} ")
    assert len(store) == 1


def test_names_are_kept_as_they_are(store, page):
    """Names of any script arrive as they were typed."""
    sender = Sender(page, b"abc", "é 漢字 <img onerror>.txt", event="no", production="1e5")
    sender.begin()
    sender.slices()
    sender.end()
    assert [record.key for record in store] == [("no", "1e5", "é 漢字 <img onerror>.txt")]


def test_a_new_view_is_shown_the_newest_hundred(store, page_of, monkeypatch):
    """What a new view paints holds the newest of what was stored, and how many there were."""
    monkeypatch.setattr(newest, "SHOWN", 2)
    page = page_of(Uploader(store))
    widget = page.widget
    for number in range(3):
        sender = Sender(page, bytes([number]), f"{number}")
        sender.begin()
        sender.slices()
        sender.end()
    wait_for_stored(widget, 3)
    assert [shown["file"] for shown in widget._stored["last"]] == ["1", "2"]
    widget.close()


def test_many_files_are_shown_at_a_pace_that_can_be_followed(widget, page):
    """Many small files change what is shown five times a second at most, and the last of them is shown."""
    times = []
    widget.observe(lambda _: times.append(time.monotonic()), "_stored")
    for number in range(60):
        sender = Sender(page, b"%d" % number, f"{number}")
        sender.begin()
        sender.slices()
        sender.end()
    wait_for_stored(widget, 60)
    assert len(widget.records) == 60
    assert [later - before for before, later in itertools.pairwise(times) if later - before < 0.19] == []


def test_memory_stays_flat(page):
    """The memory of the kernel doesn't grow with the size of a file: never more than a few slices."""
    sender = Sender(page, content_of(SLICE))
    sender.asked["size"] = 40 * SLICE
    sender.begin()
    tracemalloc.start()
    try:
        for number in range(40):
            page.ask("upload/slice", [sender.content], upload=sender.begun["upload"], offset=number * SLICE)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * SLICE


# --- Going on after an interruption


def test_a_file_goes_on_from_where_it_stopped(store, page, widget, page_of):
    """After its view has gone, the same file goes on from the whole slices that are here, with their MD5."""
    sender = Sender(page, content_of(2 * SLICE + 1000))
    sender.begin()
    sender.slice(0)
    sender.slice(SLICE)
    page.ask("upload/leave")
    again = Sender(page_of(widget), sender.content)
    begun = again.begin()
    assert (begun["offset"], begun["md5"]) == (2 * SLICE, md5(sender.content[: 2 * SLICE]))
    again.slices()
    again.end()
    assert store["GW150914", "Prod0", "a.bin"].hash == md5(sender.content)


def test_half_a_slice_is_cut_off(page, widget, page_of):
    """What is here of an earlier try is cut to whole slices."""
    sender = Sender(page, content_of(2 * SLICE))
    sender.begin()
    sender.slice(0)
    sender.slice(SLICE, 1000)
    page.ask("upload/leave")
    assert Sender(page_of(widget), sender.content).begin()["offset"] == SLICE


def test_a_new_widget_goes_on_too(store, page, page_of):
    """After a restart of the kernel a new widget goes on with the file."""
    sender = Sender(page, content_of(2 * SLICE))
    sender.begin()
    sender.slice(0)
    page.ask("upload/leave")  # as a kernel's end does: the file is closed and kept
    other = Uploader(Store(store.root))
    assert Sender(page_of(other), sender.content).begin()["offset"] == SLICE
    other.close()


def test_other_bytes_start_over(store, page, widget, page_of):
    """A page whose bytes have another MD5 so far has the kernel start over."""
    sender = Sender(page, content_of(2 * SLICE, 1))
    sender.begin()
    sender.slice(0)
    page.ask("upload/leave")
    other = Sender(page_of(widget), content_of(2 * SLICE, 2))
    assert other.begin()["md5"] != md5(other.content[:SLICE])
    other.page.ask("upload/restart", upload=other.begun["upload"])
    other.begun["offset"] = 0
    other.slices()
    other.end()
    assert store["GW150914", "Prod0", "a.bin"].hash == md5(other.content)


@pytest.mark.parametrize("change", [{"mtime": 1}, {"name": "b.bin"}, {"event": "GW170817"}, {"production": "Prod1"}])
def test_another_file_is_another_upload(page, widget, page_of, change):
    """A file of another name, time or place doesn't go on with this one's bytes."""
    sender = Sender(page, content_of(2 * SLICE))
    sender.begin()
    sender.slice(0)
    page.ask("upload/leave")
    assert Sender(page_of(widget), sender.content, **change).begin()["offset"] == 0


def test_the_same_view_begins_again_at_once(page):
    """A view that has lost its connection for a moment begins again without waiting, naming what it had."""
    sender = Sender(page, content_of(2 * SLICE))
    sender.begin()
    sender.slice(0)
    before = sender.begun["upload"]
    assert sender.begin(again=before)["offset"] == SLICE
    assert page.fails("upload/slice", [b"x"], upload=before, offset=SLICE)["type"] == "LostUploadError"


def test_one_file_twice_at_once_is_refused(page, widget, page_of):
    """While one view sends a file, another view's attempt at it is refused, and the first goes on."""
    sender = Sender(page, content_of(2 * SLICE))
    sender.begin()
    sender.slice(0)
    told = page_of(widget).fails("upload/begin", **sender.asked)
    assert told["type"] == "BusyUploadError"
    assert "a.bin is on its way" in told["message"]
    sender.slice(SLICE)
    sender.end()


def test_another_notebook_is_refused_too(store, page, page_of):
    """While one kernel takes in a file, another one's attempt at it is refused."""
    sender = Sender(page, content_of(2 * SLICE))
    sender.begin()
    other = Uploader(Store(store.root))
    assert page_of(other).fails("upload/begin", **sender.asked)["type"] == "BusyUploadError"
    other.close()


def test_a_silent_view_gives_way(page, widget, page_of, monkeypatch):
    """A view that says nothing (its page was reloaded) gives way to the next one, which goes on."""
    sender = Sender(page, content_of(2 * SLICE))
    sender.begin()
    sender.slice(0)
    monkeypatch.setattr(open_uploads, "SILENT", 0.0)
    assert Sender(page_of(widget), sender.content).begin()["offset"] == SLICE
    assert page.fails("upload/slice", [b"x"], upload=sender.begun["upload"], offset=SLICE)["type"] == "LostUploadError"


def test_a_ping_keeps_an_upload(page, widget, page_of, monkeypatch):
    """Any message of a view, a ping too, keeps its uploads."""
    sender = Sender(page, content_of(2 * SLICE))
    sender.begin()
    uploads = uploads_of(widget)
    (upload,) = uploads._open._open.values()
    upload.heard -= 10
    page.ask("ping")
    assert page_of(widget).fails("upload/begin", **sender.asked)["type"] == "BusyUploadError"


def test_an_upload_of_a_silent_view_is_closed_and_kept(store, page, page_of, monkeypatch):
    """An upload whose view has gone without a word is closed by itself, and can be gone on with elsewhere."""
    monkeypatch.setattr(open_uploads, "PARKED", 0.0)
    sender = Sender(page, content_of(2 * SLICE))
    sender.begin()
    sender.slice(0)
    for thread in [thread for thread in threading.enumerate() if thread.name == "Uploads watch"]:
        thread.join(20)
        assert not thread.is_alive()
    other = Uploader(Store(store.root))
    assert Sender(page_of(other), sender.content).begin()["offset"] == SLICE
    other.close()


def test_a_view_can_leave_one_upload(store, page, widget, page_of):
    """A view that gives one upload up leaves its file to others at once, and keeps the rest."""
    sender, other = Sender(page, content_of(2 * SLICE)), Sender(page, content_of(100), "b.bin")
    sender.begin()
    sender.slice(0)
    other.begin()
    page.ask("upload/leave", upload=sender.begun["upload"])
    assert Sender(page_of(widget), sender.content).begin()["offset"] == SLICE
    other.slices()
    other.end()


def test_an_unknown_upload_can_be_left(store, page):
    """To leave what has ended meanwhile is no mistake."""
    sender = Sender(page, b"abc")
    sender.begin()
    page.ask("upload/leave", upload="0" * 16)
    sender.slices()
    sender.end()
    assert len(store) == 1


def test_what_is_stored_is_not_sent_again(store, page):
    """If only the answer to the end was lost, the page that begins again with its MD5 is told that it is stored."""
    sender = Sender(page, content_of(100))
    sender.begin()
    sender.slices()
    told = sender.end()
    assert sender.begin(again=sender.begun["upload"], sent=md5(sender.content)) == {"stored": told}
    assert partials(store) == []


def test_other_bytes_under_its_name_are_not_what_was_sent(page):
    """A page whose name was taken by other bytes meanwhile is told so."""
    sender = Sender(page, content_of(100))
    sender.begin()
    sender.slices()
    sender.end()
    assert page.fails("upload/begin", **sender.asked, sent="0" * 32)["type"] == "RecordExistsError"


def test_a_beginning_that_takes_long_is_told(page):
    """While the kernel digests what is there of an earlier try, it says how far it is."""
    sender = Sender(page, content_of(2 * SLICE))
    sender.begin()
    sender.slice(0)
    page.ask("upload/leave")
    sender.begin(job=3)
    told = page.wait_for("upload/progress/3")
    assert (told["done"], told["total"]) == (0, SLICE)


@pytest.fixture
def large(store, page):
    """Leave all of a file from an earlier try: a hole, that takes minutes to digest."""
    sender = Sender(page, b"", size=2**40)
    order = Order(**PLACE, name="a.bin", size=2**40, mtime=MTIME)
    incoming = store.root / ".manifest" / "incoming"
    incoming.mkdir(exist_ok=True)
    with (incoming / f"partial-{order.token}.{temporary.host()}").open("wb") as file:
        file.truncate(2**40)
    return sender


def test_a_beginning_can_be_abandoned(large, store, page):
    """A Cancel while the kernel digests what is there ends that, and removes it."""
    number = page.send("upload/begin", **large.asked, job=3)
    page.wait_for("upload/progress/3")
    page.ask("upload/abandon", job=3)
    assert page.reply(number).result == {"cancelled": "by its page"}
    assert partials(store) == []


def test_a_beginning_that_was_abandoned_before_it_was_heard_is_none(store, page):
    """A Cancel that overtakes its beginning ends it all the same."""
    page.ask("upload/abandon", job=3)
    assert Sender(page, b"abc").begin(job=3) == {"cancelled": "by its page"}
    assert partials(store) == []
    assert Sender(page, b"abc").begin(job=4)["offset"] == 0


def test_closing_ends_a_beginning(large, store, page, widget):
    """Closing the widget while the kernel digests what is there ends that, and leaves nothing."""
    page.send("upload/begin", **large.asked, job=3)
    page.wait_for("upload/progress/3")
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("Uploader")]
    widget.close()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    assert partials(store) == []


# --- What is refused


def test_a_view_has_so_many_uploads_and_no_more(store, page, widget, page_of):
    """Beyond 16 uploads a view, and 64 in all, a beginning is refused and opens nothing; one that ends makes room."""
    senders = [Sender(page, b"abc", f"{number}") for number in range(17)]
    for sender in senders[:16]:
        sender.begin()
    assert page.fails("upload/begin", **senders[16].asked)["message"].startswith("16 files are on their way already")
    assert len(partials(store)) == 16
    page.ask("upload/cancel", upload=senders[0].begun["upload"])
    senders[16].begin()
    views = [page_of(widget) for _ in range(4)]
    others = [Sender(views[number // 16], b"abc", f"other {number}") for number in range(49)]
    for sender in others[:48]:
        sender.begin()
    assert others[48].page.fails("upload/begin", **others[48].asked)["type"] == "RefusedError"


@pytest.mark.parametrize("field", ["event", "production", "name"])
@pytest.mark.parametrize(
    "value", ["", ".", "..", "a/b", "../../etc/passwd", "/etc/passwd", "a\\b", "a\0b", "x" * 256, "\ud800"]
)
def test_no_path_is_a_name(store, page, field, value):
    """A path, or anything else that is no name, is refused before anything is touched."""
    before = sorted(store.root.rglob("*"))
    told = page.fails("upload/begin", **Sender(page, b"abc").asked | {field: value})
    assert told["type"] == "InvalidNameError"
    assert sorted(store.root.rglob("*")) == before


@pytest.mark.parametrize(
    "fields",
    [
        {"size": -1},
        {"size": 2**53},
        {"size": 1.5},
        {"size": "3"},
        {"size": None},
        {"size": True},
        {"mtime": "now"},
        {"name": 7},
        {"event": ["GW150914"]},
        {"event": None},
        {"name": "x" * 5000},
    ],
)
def test_a_malformed_beginning_is_refused(store, page, fields):
    """A beginning that no page of ours sends is refused, and makes no file."""
    assert page.fails("upload/begin", **Sender(page, b"abc").asked | fields)["type"] == "RefusedError"
    assert partials(store) == []


@pytest.mark.parametrize(
    ("buffers", "fields"),
    [
        ([b"abc"], {"offset": -1}),
        ([b"abc"], {"offset": 2**60}),
        ([b"abc"], {"offset": "0"}),
        ([b"abc"], {"offset": None}),
        ([], {"offset": 0}),
        ([b""], {"offset": 0}),
        ([b"abc", b"def"], {"offset": 0}),
        ([bytes(SLICE + 1)], {"offset": 0}),
        ([bytes(101)], {"offset": 0}),
        ([b"abc"], {"offset": 0, "upload": 7}),
        ([b"abc"], {"offset": 0, "upload": None}),
        ([b"abc"], {"offset": 0, "upload": "x" * 65}),
    ],
)
def test_a_malformed_slice_is_refused(store, page, buffers, fields):
    """A slice with a wrong offset, length, number of buffers or id is refused, and the upload goes on."""
    sender = Sender(page, content_of(100))
    sender.begin()
    assert page.fails("upload/slice", buffers, **{"upload": sender.begun["upload"], **fields})["type"] == "RefusedError"
    sender.slices()
    sender.end()
    assert store["GW150914", "Prod0", "a.bin"].hash == md5(sender.content)


@pytest.mark.parametrize("kind", ["upload/slice", "upload/end", "upload/cancel", "upload/restart"])
def test_an_unknown_upload_is_refused(page, kind):
    """A message about an upload that nobody began is refused."""
    assert page.fails(kind, [b"x"], upload="0" * 16, offset=0, md5="0" * 32)["type"] == "LostUploadError"


@pytest.mark.parametrize("kind", ["upload/slice", "upload/end", "upload/cancel", "upload/restart"])
def test_another_views_upload_is_refused(page, widget, page_of, kind):
    """A view can't touch the upload of another one."""
    sender = Sender(page, b"abc")
    sender.begin()
    stranger = page_of(widget)
    told = stranger.fails(kind, [b"x"], upload=sender.begun["upload"], offset=0, md5=md5(b"abc"))
    assert told["type"] == "LostUploadError"
    sender.slices()
    sender.end()


def test_a_slice_out_of_order_is_refused(page):
    """A slice that doesn't start where the last one ended changes nothing, and is for the page to begin again."""
    sender = Sender(page, content_of(300))
    sender.begin()
    sender.slice(0, 100)
    for offset in (0, 200):
        told = page.fails("upload/slice", [b"x" * 100], upload=sender.begun["upload"], offset=offset)
        assert told["type"] == "LostUploadError"
    assert sender.slice(100, 200)["size"] == 300
    sender.end()


def test_an_early_end_is_refused(store, page):
    """A file of which bytes are missing isn't stored, and goes on."""
    sender = Sender(page, content_of(300))
    sender.begin()
    sender.slice(0, 100)
    told = sender.end_fails()
    assert (told["type"], "100 of 300 bytes" in told["message"]) == ("LostUploadError", True)
    sender.slice(100, 200)
    sender.end()
    assert store["GW150914", "Prod0", "a.bin"].hash == md5(sender.content)


def test_nothing_follows_the_end(page):
    """After its end an upload takes nothing more."""
    sender = Sender(page, b"abc")
    sender.begin()
    sender.slices()
    sender.end()
    assert page.fails("upload/slice", [b"x"], upload=sender.begun["upload"], offset=3)["type"] == "LostUploadError"
    assert sender.end_fails()["type"] == "LostUploadError"


# --- What goes wrong


def test_bytes_that_changed_on_the_way_are_not_stored(store, page, widget):
    """If the page read other bytes than arrived, nothing is stored and both digests are said."""
    sender = Sender(page, b"abc")
    sender.begin()
    sender.slices()
    told = sender.end_fails(md5=md5(b"abd"))
    assert told["type"] == "HashError"
    assert (told["expected"], told["actual"]) == (md5(b"abd"), md5(b"abc"))
    assert (len(store), partials(store), widget.records) == (0, [], [])


@pytest.mark.parametrize("expected", [md5(b"abd"), "nonsense", "0" * 900])
def test_another_expected_md5_is_not_stored(store, page, expected):
    """A file without the expected MD5 is not stored."""
    sender = Sender(page, b"abc")
    sender.begin()
    sender.slices()
    told = sender.end_fails(expected=expected)
    assert (told["type"], told["expected"]) == ("HashError", expected)
    assert "was expected" in told["message"]
    assert (len(store), partials(store)) == (0, [])


def test_what_is_there_already_is_said_with_its_place(store, page, tmp_path):
    """The same bytes elsewhere in the Store: the error says where."""
    (tmp_path / "x").write_bytes(b"abc")
    store.add_file("GW170817", "Prod7", tmp_path / "x")
    sender = Sender(page, b"abc")
    sender.begin()
    sender.slices()
    told = sender.end_fails()
    assert told["type"] == "AlreadyPresentException"
    assert (told["event"], told["production"], told["file"]) == ("GW170817", "Prod7", "x")
    assert partials(store) == []


def test_a_taken_name_is_said_before_anything_is_sent(store, page, tmp_path):
    """A name that the Store has already is refused at the beginning."""
    (tmp_path / "a.bin").write_bytes(b"abc")
    store.add_file("GW150914", "Prod0", tmp_path / "a.bin")
    told = page.fails("upload/begin", **Sender(page, b"abcd").asked)
    assert told["type"] == "RecordExistsError"
    assert md5(b"abc") in told["message"]
    assert partials(store) == []


def test_a_name_that_is_taken_meanwhile_is_said_at_the_end(store, page, tmp_path):
    """A name that another writer takes while the file is on its way: an error, and nothing of ours is left."""
    sender = Sender(page, b"abcd")
    sender.begin()
    sender.slices()
    (tmp_path / "a.bin").write_bytes(b"abc")
    store.add_file("GW150914", "Prod0", tmp_path / "a.bin")
    assert sender.end_fails()["type"] == "RecordExistsError"
    assert partials(store) == []


def test_a_disk_too_small_is_said_before_anything_is_sent(store, page):
    """A file that the Store's disk has no room for is refused at the beginning."""
    told = page.fails("upload/begin", **Sender(page, b"abc").asked | {"size": 2**52})
    assert told["message"].startswith("No space left on device: a.bin needs 4,503,599,627,370,496 bytes, and the disk")
    assert partials(store) == []


def test_a_disk_that_fills_up_is_said(small_disk, page_of):
    """A disk that is full in the middle: the error says so, and what was here is removed."""
    store = Store.create(small_disk.root / "store", "Small")
    widget = Uploader(store)
    sender = Sender(page_of(widget), content_of(200_000))
    sender.begin()
    sender.slice(0, 4096)
    small_disk.fill(leaving_pages=2)
    told = sender.page.fails("upload/slice", [sender.content[4096:]], upload=sender.begun["upload"], offset=4096)
    small_disk.empty()
    assert told["type"] == "OSError"
    assert told["message"].split(" (the Store's disk): ")[0] in {"No space left on device", "File too large"}
    assert "nothing of a.bin was stored. Make room" in told["message"]
    assert partials(store) == []
    assert sender.end_fails()["type"] == "LostUploadError"
    widget.close()


# --- Ends


def test_cancelling_removes_what_is_here(store, page):
    """A cancelled upload leaves nothing, and the file can be sent anew."""
    sender = Sender(page, content_of(2 * SLICE))
    sender.begin()
    sender.slice(0)
    page.ask("upload/cancel", upload=sender.begun["upload"])
    assert partials(store) == []
    assert sender.begin()["offset"] == 0


def test_leaving_keeps_what_is_here(store, page):
    """A view that goes leaves its partial files, for a day."""
    sender = Sender(page, content_of(2 * SLICE))
    sender.begin()
    sender.slice(0)
    page.ask("upload/leave")
    assert sizes(store) == [SLICE]


def test_half_an_upload_is_swept_after_a_day(store, page, tmp_path):
    """A partial file that nobody went on with for a day is removed when something is stored; a younger one is not."""
    for name in ("old.bin", "new.bin"):
        sender = Sender(page, content_of(2 * SLICE), name)
        sender.begin()
        sender.slice(0)
    page.ask("upload/leave")
    old = min((store.root / ".manifest" / "incoming").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    os.utime(old, (old.stat().st_mtime - 25 * 3600,) * 2)
    (tmp_path / "x").write_bytes(b"x")
    store.add_file("GW170817", "Prod7", tmp_path / "x")
    assert old.name not in partials(store)
    assert len(partials(store)) == 1


def test_leaving_touches_no_other_view(store, page, widget, page_of):
    """A view that goes ends its own uploads only."""
    sender = Sender(page, b"abc")
    sender.begin()
    page_of(widget).ask("upload/leave")
    sender.slices()
    sender.end()
    assert len(store) == 1


def test_closing_leaves_nothing(store, widget, page):
    """Closing the widget removes its partial files, closes them and ends its threads."""
    others = set(threading.enumerate())  # of widgets that other tests left
    sender = Sender(page, content_of(2 * SLICE))
    sender.begin()
    sender.slice(0)
    incoming = store.root / ".manifest" / "incoming"
    ours = {incoming.stat().st_ino, *(path.stat().st_ino for path in incoming.iterdir())}
    assert ours <= opened_inodes()
    widget.close()
    for thread in [t for t in set(threading.enumerate()) - others if t.name.startswith(("Uploads", "Uploader"))]:
        thread.join(20)
        assert not thread.is_alive()
    assert partials(store) == []
    assert ours & opened_inodes() == set()


def test_closing_waits_for_a_slice(store, widget, page):
    """Closing the widget while a slice is being written removes the partial file all the same."""
    uploads = uploads_of(widget)
    Sender(page, content_of(2 * SLICE)).begin()
    (upload,) = uploads._open._open.values()
    closing = threading.Thread(target=widget.close)
    with upload.at_work():
        closing.start()
        closing.join(0.3)
    closing.join(20)
    assert not closing.is_alive()
    assert partials(store) == []


def test_what_is_being_stored_is_not_cancelled(store, page, widget):
    """An upload that is being stored is not cancelled any more, and nobody waits for it to hear that."""
    uploads = uploads_of(widget)
    sender = Sender(page, b"abc")
    sender.begin()
    sender.slices()
    (upload,) = uploads._open._open.values()
    with upload.at_work():
        upload.storing = True
        told = page.fails("upload/cancel", upload=upload.number)
    assert told["message"].startswith("a.bin is being stored at this moment")
    sender.end()
    assert len(store) == 1


def test_what_begins_while_the_widget_closes_leaves_nothing(store, widget, page):
    """An upload that comes about after the widget's end is removed at once."""
    uploads = uploads_of(widget)
    sender = Sender(page, b"abc")
    uploads.close()
    sender.begin()
    assert partials(store) == []


# --- Names as they are typed


@pytest.mark.parametrize(
    ("field", "name", "problem"),
    [
        ("event", "GW150914", None),
        ("event", "a/b", "'a/b' can't be the name of an event"),
        ("event", ".manifest", "'.manifest' is where a Store keeps"),
        ("production", "..", "'..' can't be the name of a production"),
        ("file", "new.txt", None),
        ("file", "a/b", "'a/b' can't be the name of a file"),
        ("file", "old.txt", "has a file called old.txt already"),
    ],
)
def test_a_name_is_checked_as_it_is_typed(store, page, tmp_path, field, name, problem):
    """What is wrong with a name, or that it is taken, is said in the core's words."""
    (tmp_path / "old.txt").write_bytes(b"abc")
    store.add_file("GW150914", "Prod0", tmp_path / "old.txt")
    asked = {**PLACE, "names": ["sound.txt"]} | ({"names": ["sound.txt", name]} if field == "file" else {field: name})
    told = page.ask("upload/check", **asked).result
    assert told["names"][0] is None
    found = told["names"][1] if field == "file" else told[field]
    assert (found is None) == (problem is None)
    assert (problem or "") in (found or "")


@pytest.mark.parametrize("names", [None, "a", [1], ["a", None], ["x" * 5000], ["a"] * 10_001])
def test_malformed_names_are_refused(page, names):
    """What is no list of names, or too long a list, is refused."""
    assert page.fails("upload/check", **PLACE, names=names)["type"] == "RefusedError"


# --- Arguments


def test_without_a_folder_there_is_nothing_from_the_server(page):
    """An Uploader without `server_root` takes nothing from the server's disk."""
    for kind in ("server/complete", "server/size", "server/add"):
        assert page.fails(kind, path="/etc/passwd", typed="/etc", **PLACE, name="x", job=1)["type"] == "RefusedError"


def test_a_folder_that_is_none_is_said_at_once(store, tmp_path):
    """A `server_root` that isn't there, or is no folder, is an error when the widget is made."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileNotFoundError):
        Uploader(store, server_root=tmp_path / "absent")
    with pytest.raises(NotADirectoryError):
        Uploader(store, server_root=tmp_path / "file")


def test_events_and_productions_may_be_objects(store):
    """An event or production with a name, as upstream's are, fills its box with that name."""
    widget = Uploader(store, SimpleNamespace(name="GW150914"), "Prod0")
    assert (widget._initial["event"], widget._initial["production"]) == ("GW150914", "Prod0")
    widget.close()


def test_a_store_that_cannot_be_written(store):
    """What can't be written is said before anything is chosen, in words that a user knows."""
    uploader = Uploader(store)
    assert uploader._initial["refusal"] is None
    uploader.close()
    with (store.root / ".manifest" / "manifest.yaml").open("a") as manifest:
        manifest.write("requires:\n  signatures: 1\n")
    list(store)
    uploader = Uploader(store)
    assert uploader._initial["refusal"].startswith("Nothing can be added to this Store: it holds ")
    assert "later version" in uploader._initial["refusal"]
    uploader.close()

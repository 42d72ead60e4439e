from __future__ import annotations

import dataclasses
import pickle
import re
from pathlib import Path

from markup import HOSTILE, Page

from asimov.storage import Store
from asimov.storage._display import pages
from asimov.storage._display.text import printable
from asimov.storage._model.check import Check, Status
from asimov.storage._model.record import Record
from asimov.storage._model.reports import VerificationReport


def check(**changes) -> Check:
    """Make a Check as a verification would."""
    values = {
        "event": "S1",
        "production": "Prod0",
        "file": "result.txt",
        "uuid": "f9f167bee8e3449aa0c68bf7f91e7b7a",
        "hash": "d41d8cd98f00b204e9800998ecf8427e",
        "status": Status.OK,
        "actual": "d41d8cd98f00b204e9800998ecf8427e",
        "path": Path("/stores/gwtc/S1/Prod0/f9f167bee8e3449aa0c68bf7f91e7b7a"),
        "size": 1024,
    }
    return Check(**values | changes)


def report(*checks: Check, **rest) -> VerificationReport:
    """Make a VerificationReport of checks."""
    return VerificationReport(root=Path("/stores/gwtc"), results=checks, **rest)


def test_lines_and_html_show_nothing_invisible(every_form):
    """No control, direction mark or other invisible character reaches a repr, which is one line, or the HTML."""
    for line, html in every_form:
        assert printable(line) == line
        assert printable(html.replace("\n", "")) == html.replace("\n", "")


def test_every_name_is_shown_as_it_is(hostile_store):
    """Store, Manifest and report show every name in a cell of its own, escaped only where it is invisible."""
    names = {printable(name) for name in HOSTILE}
    verified = hostile_store.verify()
    for each in (hostile_store, hostile_store.manifest, verified):
        assert names - set(Page(each._repr_html_()).cells) == set()
    assert "a\\u202egnp.exe" in names


def test_store_html_names_what_the_text_names(hostile_store):
    """A Store's HTML has its name, root and counts, and its line has the same name and root."""
    text = Page(hostile_store._repr_html_()).text
    root = printable(str(hostile_store.root))
    assert "</div><script>alert(1)</script>" in text
    assert f"{root} · 11 files, 11 events, 11 productions" in text
    assert repr(hostile_store) == f"<Store '</div><script>alert(1)</script>' at {root}>"


def test_reprs_of_store_and_manifest_read_no_file(store, source):
    """The reprs of an open Store and of its Manifest are the same when its folder is gone."""
    store.add_file("S1", "Prod0", source())
    before = repr(store), repr(store.manifest)
    store.root.rename(store.root.with_name("elsewhere"))
    assert (repr(store), repr(store.manifest)) == before
    assert str(store.root) in before[0]
    assert str(store.root) in before[1]


def test_a_store_that_is_gone_says_so_in_html(store):
    """The HTML of a Store whose folder is gone, and of its Manifest, says that instead of raising."""
    place = str(store.root)
    store.root.rename(store.root.with_name("elsewhere"))
    for each in (store, store.manifest):
        text = Page(each._repr_html_()).text
        assert "can't be read now" in text
        assert place in text


def test_a_damaged_manifest_says_so_in_html(store):
    """The HTML of a Store whose manifest is damaged names the file and the line."""
    path = store.root / ".manifest" / "manifest.yaml"
    path.write_text("name: x\nevents: [1, 2]\n")
    assert f"{path}, line 2" in Page(store._repr_html_()).text


def test_one_event_is_open_and_several_are_closed(store, source):
    """A Store of one event shows its files at once, one of several shows events to open."""
    store.add_file("S1", "Prod0", source("a", b"a"))
    assert "<details open><summary><bdi>S1</bdi>: 1 file in 1 production</summary>" in store._repr_html_()
    store.add_file("S2", "Prod0", source("b", b"b"))
    assert store._repr_html_().count("<details>") == 2
    assert "<details open>" not in store._repr_html_()


def test_rows_and_groups_are_capped(hand_written):
    """At most 20 files of an event and 20 events are shown, and the rest is counted."""
    rows = {
        (f"S{event:02}", "Prod0", f"file{number:02}"): f"{event:016x}{number:016x}"
        for event in range(23)
        for number in range(22)
    }
    text = ["name: many", "events:"]
    for event in range(23):
        text += [f"  S{event:02}:", "    Prod0:"]
        for (owner, _, file), digest in rows.items():
            if owner == f"S{event:02}":
                text += [f"      {file}:", f"        hash: {digest}", f"        uuid: {digest}"]
    store = Store(hand_written("\n".join(text) + "\n"))
    for each in (store, store.manifest):
        page = Page(each._repr_html_())
        assert page.text.count("… and 2 more") == 20
        assert "… and 3 more events" in page.text
        assert sum(re.fullmatch(r"file\d\d", cell) is not None for cell in page.cells) == 400
        assert "506 files, 23 events, 23 productions" in page.text


def test_an_empty_store_has_a_form(store):
    """An empty Store shows zero counts and no table."""
    page = Page(store._repr_html_())
    assert "0 files, 0 events, 0 productions" in page.text
    assert "table" not in page.tags


def test_record_html_shows_all_that_is_known():
    """A Record's HTML has a row for each attribute that is not None, as its repr has."""
    plain = Record(event="S1", production="Prod0", file="a", hash="0" * 32, uuid="1" * 32)
    assert Page(plain._repr_html_()).cells == [
        *("event", "S1", "production", "Prod0", "file", "a", "hash", "0" * 32, "uuid", "1" * 32),
    ]
    full = dataclasses.replace(plain, sha256="2" * 64, size=1_234_567)
    assert Page(full._repr_html_()).cells[-4:] == ["sha256", "2" * 64, "size", "1,234,567 bytes"]


def test_a_good_report_says_ok_with_word_and_symbol():
    """A report without failures says so in its line and its HTML, with a word and a symbol."""
    good = report(check(), check(file="b"))
    assert repr(good) == "<VerificationReport: 2 files ok (2.0 KiB)>"
    page = Page(good._repr_html_())
    assert "✓ 2 files ok (2.0 KiB)" in page.text
    assert "✓ ok: 2 files" in page.text


def test_a_bad_report_shows_failures_first_with_word_and_symbol():
    """A report's HTML opens with the failures by status, as word and symbol, with reason and path; its line counts."""
    bad = report(
        check(file="good"),
        check(file="lost", status=Status.MISSING, reason="no such file", size=None, actual=None),
        check(file="locked", status=Status.UNREADABLE, reason="permission denied", size=None, actual=None),
        check(file="rotten", status=Status.CORRUPT, reason="other bytes", actual="0" * 32),
    )
    assert repr(bad) == "<VerificationReport: 3 of 4 files FAILED (1 ok, 1 corrupt, 1 missing, 1 unreadable)>"
    page = Page(bad._repr_html_())
    order = ["✗ 3 of 4 files FAILED", "✗ corrupt: 1 file", "○ missing: 1 file", "⚠ unreadable: 1 file", "✓ ok: 1 file"]
    assert sorted(order, key=page.text.index) == order
    path = str(check().path)
    assert [cell for cell in page.cells if cell in {"no such file", "permission denied", "other bytes", path}] == [
        *("other bytes", path, "no such file", path, "permission denied", path)
    ]
    assert bad._repr_html_().count("<details open>") == 3


def test_a_report_shows_problems_untracked_files_and_what_was_left():
    """Untracked files, what was left for another time, and what is wrong as a whole stand in the line and the HTML."""
    whole = report(
        check(), untracked=(Path("/stores/gwtc/S1/Prod0/stray"),), skipped=7, problems=("another fingerprint",)
    )
    expected = "1 file ok (1.0 KiB), FAILED: another fingerprint, 7 left for another time, 1 untracked"
    assert repr(whole) == f"<VerificationReport: {expected}>"
    page = Page(whole._repr_html_())
    assert f"✗ {expected}" in page.text
    assert "/stores/gwtc/S1/Prod0/stray" in page.cells


def test_rows_of_a_report_are_capped():
    """At most 20 checks of a status, and 20 untracked files, are shown, and the rest is counted."""
    checks = [check(file=f"f{n}", status=Status.CORRUPT, reason="other bytes") for n in range(25)]
    long = report(*checks, untracked=tuple(Path(f"/stores/gwtc/S1/stray{n}") for n in range(22)))
    page = Page(long._repr_html_())
    assert page.cells.count("other bytes") == 20
    assert sum(cell.startswith("/stores/gwtc/S1/stray") for cell in page.cells) == 20
    assert "… and 5 more" in page.text
    assert "… and 2 more" in page.text


def test_a_report_still_pickles_and_compares():
    """Its forms keep no state: a report equals its pickle after they were made."""
    one = report(check())
    one._repr_html_()
    assert pickle.loads(pickle.dumps(one)) == one


def test_pages_are_of_plain_values(store, source):
    """What is handed to a page is a name, a path and columns: a Store's own page is made of just that."""
    added = store.add_file("S1", "Prod0", source())
    columns = (["S1"], ["Prod0"], ["result.txt"], [added["hash"]], [added["uuid"]])
    assert pages.store_html(store.name, store.root, columns) == store._repr_html_()
    assert pages.manifest_html(store.name, store.root, columns) == store.manifest._repr_html_()
    assert pages.store_line(store.name, store.root) == repr(store)
    assert pages.manifest_line(store.name, store.root) == repr(store.manifest)


def test_tally_counts_a_production_of_each_event():
    """Productions of one name below two events are two, and an empty manifest has none of anything."""
    columns = (["S1", "S1", "S2"], ["Prod0", "Prod0", "Prod0"], ["a", "b", "a"], ["0"] * 3, ["1"] * 3)
    assert pages.tally(columns) == {"files": 3, "events": 2, "productions": 2}
    assert pages.tally(([], [], [], [], [])) == {"files": 0, "events": 0, "productions": 0}

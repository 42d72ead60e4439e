"""What a Verifier offers below its failures, in JupyterLab: copies are looked for, and put back."""

from __future__ import annotations

import pytest
from damage import flip_bit
from harness import axe, dark, narrow, opening
from playwright.sync_api import expect
from scripted import Scripted


@pytest.fixture
def damaged(store, source):
    """Store five files of which file1 is corrupt and file3 missing; give their paths."""
    for number in range(5):
        store.add_file("GW150914", "Prod0", source(f"file{number}", f"content {number}".encode()))
    paths = [store.fetch_file("GW150914", "Prod0", f"file{number}") for number in range(5)]
    flip_bit(paths[1])
    paths[3].unlink()
    return paths


@pytest.fixture
def backup(tmp_path):
    """Make a folder with copies of both in it, and an empty one beside it."""
    folder = tmp_path / "backup"
    (folder / "old").mkdir(parents=True)
    (folder / "empty").mkdir()
    for number in (1, 3):
        (folder / "old" / f"copy {number}").write_text(f"content {number}")
    return folder


@pytest.fixture
def verified(notebook, store, damaged):
    """Open a notebook with a Verifier `v` that has found the failures: `(book, widget)`."""

    def open_notebook(arguments="", cells=()):
        code = f"from asimov.storage.widgets import Verifier\nv = Verifier(store{arguments})\nv"
        book = notebook(opening(store) + code, *cells)
        widget = book.widget()
        press(widget, "Verify")
        expect(widget.get_by_role("status").first).to_contain_text("✗ 2 of 5 files failed.")
        return book, widget

    return open_notebook


def press(widget, name):
    """Press a button."""
    widget.get_by_role("button", name=name, exact=True).click()


def found(widget):
    """Find what is said of the search."""
    return widget.locator("form").get_by_role("status")


def test_copies_are_found_and_put_back(verified, store, damaged, backup):
    """In a notebook any folder can be named: its copies are found, put back, verified and counted."""
    book, widget = verified()
    box = widget.get_by_label("Folder with copies")
    press(widget, "Look for them")
    expect(widget.get_by_text("Name a folder that has copies")).to_be_visible()
    box.fill(str(backup / "emp"))
    widget.get_by_role("option").click()
    expect(box).to_have_value(f"{backup}/empty/")
    press(widget, "Look for them")
    expect(found(widget)).to_contain_text("○ None of 2 files was found in ")
    expect(widget.get_by_role("button", name="Put back")).to_be_hidden()
    box.fill(str(backup))
    press(widget, "Look for them")
    expect(found(widget)).to_contain_text(f"2 of 2 files found in {backup}. 1 damaged file will be kept in quarantine.")
    assert book.value("(v.restore_report.dry_run, len(v.restore_report.restored))") == (True, 2)
    assert not damaged[3].exists()
    widget.get_by_text("Where the copies are").first.click()
    expect(widget.get_by_text(str(backup / "old" / "copy 3"))).to_be_visible()
    press(widget, "Put back 2 files")
    expect(found(widget)).to_contain_text(
        "✓ 2 files put back and verified. 1 damaged file went to .manifest/quarantine"
    )
    expect(widget.get_by_role("status").first).to_contain_text("✓ All well: 5 files")
    expect(widget.get_by_role("status").first).to_contain_text("✓ 5 ok")
    expect(box).to_be_hidden()
    expect(widget.get_by_role("button", name="Verify", exact=True)).to_be_focused()
    assert book.value("(v.report.ok, v.restore_report.dry_run)") == (True, False)
    assert store.verify().ok
    press(widget, "Verify")
    expect(found(widget)).to_be_hidden()


def test_a_part_by_keyboard_in_two_views(verified, backup):
    """The keyboard alone restores one of two files below server_root; both views say that the other still failed."""
    (backup / "old" / "copy 1").unlink()
    book, widget = verified(f", server_root={str(backup.parent)!r}", cells=["v"])
    keys = book.page.keyboard
    widget.get_by_role("region", name="What was found").focus()
    keys.press("Tab")
    expect(widget.get_by_label("Folder with copies")).to_be_focused()
    keys.type("back")
    expect(widget.get_by_role("option")).to_have_text("backup/")
    keys.press("ArrowDown")
    keys.press("Enter")
    expect(widget.get_by_label("Folder with copies")).to_have_value("backup/")
    keys.press("Escape")
    keys.press("Enter")
    expect(found(widget)).to_contain_text("1 of 2 files found")
    for control in ("Look for them", "Put back 1 file"):
        keys.press("Tab")
        expect(widget.get_by_role("button", name=control)).to_be_focused()
    keys.press("Space")
    for view in (widget, book.widget(1)):
        expect(found(view)).to_contain_text(
            "✓ 1 file put back and verified. 1 file still failed: look in another folder."
        )
        expect(view.get_by_role("status").first).to_contain_text("✗ 1 of 5 files failed.")
    expect(widget.get_by_role("button", name="Look for them")).to_be_focused()


def test_where_nothing_of_it_is_shown(notebook, store, damaged):
    """Without failures, and where nothing can be added to the Store, nothing of it is shown."""
    code = (
        "type(store.backend).writable = lambda _self: 'it is mounted read-only'\n"
        "from asimov.storage.widgets import Verifier\nv = Verifier(store)\nv"
    )
    book = notebook(opening(store) + code, "Verifier(store, store['GW150914', 'Prod0', 'file0'])")
    for view, words in ((book.widget(), "✗ 2 of 5 files failed."), (book.widget(1), "✓ All well: 1 file")):
        press(view, "Verify")
        expect(view.get_by_role("status").first).to_contain_text(words)
        expect(view.get_by_label("Folder with copies")).to_have_count(0)


def test_failures_of_a_writable_store_alone(notebook, store, source):
    """In a Store that can be added to, it is hidden until a verification has found failures."""
    store.add_file("GW150914", "Prod0", source("file", b"content"))
    book = notebook(opening(store) + "from asimov.storage.widgets import Verifier\nVerifier(store)")
    widget = book.widget()
    expect(widget.get_by_label("Folder with copies")).to_be_hidden()
    press(widget, "Verify")
    expect(widget.get_by_role("status").first).to_contain_text("✓ All well: 1 file")
    expect(widget.get_by_label("Folder with copies")).to_be_hidden()
    store.fetch_file("GW150914", "Prod0", "file").unlink()
    press(widget, "Verify")
    expect(widget.get_by_label("Folder with copies")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_accessible(verified, backup, theme):
    """In both themes axe-core finds nothing: before, with a problem, with what was found, narrow, and in the end."""
    book, widget = verified()
    if theme == "dark":
        dark(book)
    axe(book)
    widget.get_by_label("Folder with copies").fill("/absent")
    press(widget, "Look for them")
    expect(widget.get_by_text("There is no folder /absent on the server.")).to_be_visible()
    axe(book)
    widget.get_by_label("Folder with copies").fill(str(backup))
    press(widget, "Look for them")
    expect(found(widget)).to_contain_text("2 of 2 files found")
    widget.get_by_text("Where the copies are").first.click()
    axe(book)
    narrow(book, 280)
    axe(book)
    assert widget.bounding_box()["height"] <= 480
    press(widget, "Put back 2 files")
    expect(found(widget)).to_contain_text("✓ 2 files put back")
    axe(book)


@pytest.fixture
def scripted(browser):
    """Open a Verifier with failures, without a kernel: the test answers."""
    pages = []

    def scripted(**options):
        initial = {"store": "Test Store", "about": "All files", "restores": True, "server": None}
        counts = {"ok": 3, "corrupt": 1, "missing": 1, "unreadable": 0, "retracted": 0}
        shown = {"phase": "done", "done": 9, "total": 9, "counts": counts, "seconds": 1.0, "ok": False}
        traits = {"_initial": initial, "_shown": shown, "_rows": [], "_restoring": {}}
        pages.append(Scripted(browser, "Verifier", **traits, **options))
        return pages[-1]

    yield scripted
    for page in pages:
        page.close()


def test_work_under_way(scripted):
    """What is read is counted where nobody knows how much there is; Verify waits, and Cancel asks the kernel to end."""
    page = scripted()
    said = page.root.locator("form").get_by_role("status")
    state = {"phase": "looking", "folder": "/backup", "putting": False}
    page.change(_restoring={**state, "done": 2**20, "total": 4 * 2**20})
    expect(said).to_contain_text("Looking in /backup1.0 MiB of 4.0 MiB")
    page.change(_restoring={**state, "done": 3 * 2**20, "total": 3 * 2**20})
    expect(said).to_contain_text("3.0 MiB read")
    expect(said.get_by_role("progressbar")).not_to_have_attribute("value", "1")
    for name in ("Verify", "Look for them"):
        expect(page.root.get_by_role("button", name=name, exact=True)).to_have_attribute("aria-disabled", "true")
    page.root.get_by_role("button", name="Verify", exact=True).press("Enter")
    page.press("Cancel")
    page.answer(page.asked("restore/cancel"))
    page.change(_restoring={**state, "phase": "cancelled"})
    expect(said).to_contain_text("○ Cancelled. Nothing was changed.")
    assert page.page.evaluate("() => sent.some(({ kind }) => kind === 'verify/start')") is False
    page.press("Verify")
    page.asked("verify/start")


OUTCOMES = {
    "halfway": ({"phase": "cancelled"}, "○ Cancelled. Files that were put back by then stay. Verify again."),
    "failed": (
        {"phase": "failed", "error": {"type": "OSError", "message": "No space left on device: /store."}},
        "✗ It could not be finished: No space left on device: /store. Files that were put back by then stay.",
    ),
    "damaged again": ({"phase": "put", "sound": 1, "left": 1}, "✗ 2 files put back, but only 1 verified."),
}


@pytest.mark.parametrize(("state", "words"), OUTCOMES.values(), ids=OUTCOMES)
def test_what_did_not_go_well(scripted, state, words):
    """What ends it in the middle, or goes wrong, is said, with what became of the files."""
    page = scripted()
    page.change(_restoring={"folder": "/backup", "putting": True, "found": 2, "wanted": 2, **state})
    expect(page.root.locator("form").get_by_role("status")).to_contain_text(words)


def test_a_silent_kernel_is_said(scripted):
    """A kernel that falls silent while copies are looked for is said to be busy or gone."""
    page = scripted()
    page.change(_restoring={"phase": "looking", "folder": "/backup", "putting": False, "done": 0, "total": 9})
    page.pass_time(2000)
    page.fall_silent()
    page.pass_time(5000)
    expect(page.root.locator("form").get_by_role("status")).to_contain_text("The kernel is busy or gone.")

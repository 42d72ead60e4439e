"""Notes in the Uploader, in JupyterLab: typed, folded, remembered, and written with each file."""

from __future__ import annotations

import pytest
from harness import axe, dark, narrow, opening
from playwright.sync_api import expect


@pytest.fixture
def opened(notebook, store):
    """Open a notebook with an Uploader `w`, its event and production filled in: `(book, widget)`."""

    def open_notebook(*cells, arguments=""):
        code = f"from asimov.storage.widgets import Uploader\nw = Uploader(store, 'GW150914', 'Prod0'{arguments})\nw"
        book = notebook(opening(store) + code, *cells)
        book.widget().wait_for()
        return book, book.widget()

    return open_notebook


@pytest.fixture
def many(tmp_path):
    """Make sixty small files, and a large one."""
    paths = [tmp_path / f"posterior_samples_{number:02}.txt" for number in range(60)]
    for number, path in enumerate(paths):
        path.write_text(f"{number}")
    (tmp_path / "large.bin").write_bytes(bytes(range(256)) * 2000)
    return [*paths, tmp_path / "large.bin"]


def summary(widget):
    """Find the line that is there when the notes are folded."""
    return widget.locator(".asimov-storage-notes > summary")


def box(widget, name, number=1):
    """Find the key or the value of a note."""
    return widget.get_by_label(f"{name} of note {number}", exact=True)


def choose(widget, *paths):
    """Choose files, as the file chooser gives them."""
    widget.get_by_label("File", exact=True).set_input_files(paths)


def press(widget, name):
    """Press a button."""
    widget.get_by_role("button", name=name, exact=True).click()


def test_notes_by_keyboard_are_written_and_stay(opened, store, many):
    """The keyboard alone writes notes; they go with small and large files, and stay, folded, for the next files."""
    book, widget = opened()
    keys = book.page.keyboard
    expect(summary(widget)).to_have_text("Notes: none")
    widget.get_by_role("button", name="Choose a folder").focus()
    keys.press("Tab")
    expect(summary(widget)).to_be_focused()
    keys.press("Enter")
    expect(box(widget, "Key")).to_be_focused()
    for text in ("analyst", "Jane Doe", "run", "7"):
        keys.type(text)
        keys.press("Enter")
    expect(box(widget, "Key", 3)).to_be_focused()
    expect(summary(widget)).to_have_text("2 notes: analyst, run")
    assert book.value("dict(w.meta)") == {"analyst": "Jane Doe", "run": 7}
    assert len(store) == 0  # Enter has not started an upload
    for _ in range(7):
        keys.press("Shift+Tab")
    expect(summary(widget)).to_be_focused()
    keys.press("Space")
    expect(box(widget, "Key")).to_be_hidden()
    choose(widget, many[0], many[-1])
    press(widget, "Upload")
    expect(widget.get_by_role("status")).to_contain_text("2 stored.")
    choose(widget, many[1])
    press(widget, "Upload")
    expect(widget.get_by_role("status")).to_contain_text("3 stored.")
    assert [dict(record.meta) for record in store] == [{"analyst": "Jane Doe", "run": 7}] * 3


def test_wrong_notes_are_said_before_anything_is_sent(opened, store, many):
    """A note that can't be is said when its row is left, and Upload goes to it; nothing is stored until it is right."""
    book, widget = opened()
    choose(widget, many[0])
    summary(widget).click()
    box(widget, "Key").fill("hash")
    widget.get_by_label("Event").focus()
    expect(widget.get_by_text("meta: 'hash' can't be a key").last).to_be_visible()
    expect(box(widget, "Key")).to_have_attribute("aria-invalid", "true")
    summary(widget).click()
    expect(summary(widget)).to_contain_text("✗ Notes: meta: 'hash' can't be a key")
    axe(book)
    press(widget, "Upload")
    expect(box(widget, "Key")).to_be_focused()
    assert (len(store), book.value("dict(w.meta)")) == (0, {})
    for key, value, words in (("", "x", "empty key"), ("large", "x" * 17_000, "at most 16,384")):
        box(widget, "Value").fill(value)  # before the key, so that the row is wrong all the while
        box(widget, "Key").fill(key)
        press(widget, "Upload")
        expect(widget.get_by_text(words).last).to_be_visible()
        assert len(store) == 0
    box(widget, "Value").fill("4.5")
    press(widget, "Upload")
    expect(widget.get_by_role("status")).to_contain_text("1 stored.")
    assert [dict(record.meta) for record in store] == [{"large": 4.5}]
    expect(summary(widget)).to_have_text("1 note: large")


def test_python_and_two_views(opened, store):
    """What Python sets is shown in each view, and what a view types in the other; a list can only be removed."""
    book, first = opened("w", arguments=", meta={'detectors': ['H1', 'L1'], 'run': 7}")
    second = book.widget(1)
    for view in (first, second):
        expect(summary(view)).to_have_text("2 notes: detectors, run")
        summary(view).click()
    expect(box(second, "Value")).to_have_value("H1, L1")
    expect(box(second, "Value")).not_to_be_editable()
    box(second, "Value", 2).fill("8")
    box(second, "Value", 2).press("Enter")
    expect(box(first, "Value", 2)).to_have_value("8")
    assert book.value("dict(w.meta)") == {"detectors": ["H1", "L1"], "run": 8}
    first.get_by_role("button", name="Remove note 1").click()
    expect(first.get_by_role("button", name="Remove note 1")).to_be_focused()
    expect(summary(second)).to_have_text("1 note: run")
    book.execute("w.meta = {'a\\u202eb': 'x'}")
    expect(summary(first)).to_have_text("1 note: a\\u202eb")
    expect(box(first, "Value")).to_have_value("x")
    book.execute("w.meta = None")
    expect(summary(first)).to_have_text("Notes: none")


FITS = """(root) => {
    const box = (element) => element.getBoundingClientRect();
    const button = [...root.querySelectorAll("button")].find((button) => button.textContent === "Upload");
    const { top, bottom } = box(button);
    const row = box(root.querySelector(".asimov-storage-files > li"));
    const list = box(root.querySelector(".asimov-storage-body"));
    return {
        inView: top >= 0 && bottom <= innerHeight,
        height: box(root).height,
        notes: box(root.querySelector(".asimov-storage-notes")).height,
        list: Math.min(list.bottom, box(root).bottom) - row.top,
    };
}"""


@pytest.mark.parametrize("width", [None, 400, 280])
def test_notes_and_sixty_files_fit_the_screen(opened, many, width):
    """Folded the notes take a line; with many unfolded too, Upload and files stay in view, and nothing sticks out."""
    meta = {f"a key of some length {number}": "x" * 200 for number in range(12)}
    book, widget = opened(arguments=f", meta={meta!r}")
    before = book.page.viewport_size
    book.page.set_viewport_size({"width": 1200, "height": 800})
    try:
        choose(widget, *many)
        expect(widget.locator(".asimov-storage-files > li")).to_have_count(61)
        if width is not None:
            narrow(book, width)
        folded = widget.evaluate(FITS)
        assert (folded["inView"], folded["notes"] <= 26) == (True, True)
        summary(widget).click()
        if width is not None:
            narrow(book, width)
        unfolded = widget.evaluate(FITS)
        assert unfolded["inView"]
        assert unfolded["height"] <= 480
        assert unfolded["list"] >= 24
    finally:
        book.page.set_viewport_size(before)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_accessible(opened, many, theme):
    """In both themes axe-core finds nothing in notes, folded and unfolded, right and wrong, wide and narrow."""
    book, widget = opened(arguments=", meta={'detectors': ['H1', 'L1'], 'run': 7}")
    choose(widget, *many[:3])
    if theme == "dark":
        dark(book)
    axe(book)
    summary(widget).click()
    axe(book)
    press(widget, "Add a note")
    box(widget, "Value", 3).fill("x")
    widget.get_by_label("Event").focus()
    expect(widget.get_by_text("empty key").last).to_be_visible()
    axe(book)
    narrow(book, 280)
    axe(book)

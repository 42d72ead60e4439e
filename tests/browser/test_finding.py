"""Finding in the Explorer: marks, filters, columns, orders that take a look at the disk, and the picture."""

from __future__ import annotations

import os
import time

import pytest
from harness import axe, dark, narrow, opening
from playwright.sync_api import expect


@pytest.fixture
def filled(store, tmp_path):
    """A Store of twelve files of two kinds in three events, the last of which has failed its verification."""
    files = []
    for number in range(12):
        path = tmp_path / f"f{number}"
        path.write_text(f"{number:02}\n" * (number + 1))
        suffix = "csv" if number % 2 else "txt"
        files.append((f"GW15091{number % 3}", f"Prod{number % 2}", path, f"file-{number:02}.{suffix}"))
    store.add_files(files)
    three_days_ago = time.time() - 3 * 86_400
    os.utime(store.fetch_file("GW150910", "Prod0", "file-00.txt"), (three_days_ago, three_days_ago))
    path = store.fetch_file("GW150912", "Prod1", "file-11.csv")
    path.chmod(0o600)
    path.write_text("damaged")
    store.verify(event="GW150912")
    return store


@pytest.fixture
def opened(notebook, filled):
    """Open a notebook with an Explorer `w`: `(book, widget)`."""
    book = notebook(opening(filled) + "w = store.explore()\nw")
    widget = book.widget()
    expect(rows(widget)).to_have_count(12)
    return book, widget


def rows(widget):
    """Find the rows of the table of records."""
    return widget.locator(".asimov-storage-records tbody tr")


def files(widget):
    """Find the names of the files that are shown."""
    return rows(widget).locator(".asimov-storage-of-file")


def press(widget, name):
    """Press a button."""
    widget.get_by_role("button", name=name, exact=True).click()


def test_what_matched_is_marked(opened, filled):
    """Words are marked in names, and a digest by its beginning; fewer than six of its digits find nothing."""
    _, widget = opened
    search = widget.get_by_label("Search")
    search.fill("FILE-0 gw15")
    expect(files(widget).first.locator("mark")).to_have_text(["file-0"])
    expect(rows(widget).first.locator("mark")).to_have_text(["GW15", "file-0"])
    record = filled["GW150910", "Prod0", "file-00.txt"]
    search.fill(record.hash[:5])
    expect(rows(widget)).to_have_text(["No record matches. Use fewer words, or another event or production."])
    press(widget, "Columns")
    widget.get_by_label("Column Hash").check()
    search.fill(record.hash[:8])
    expect(files(widget)).to_have_text(["file-00.txt"])
    expect(rows(widget).locator("mark")).to_have_text([record.hash[:8]])


def test_filters(opened):
    """Kind, size, day, verification and failure filter; the button counts them, and one click clears all."""
    book, widget = opened
    press(widget, "Filters")
    widget.get_by_label("Kind of file").select_option(label=".csv · 6 files")
    expect(files(widget)).to_have_text([f"file-{n:02}.csv" for n in (3, 9, 1, 7, 5, 11)])
    widget.get_by_label("Failed last time").check()
    expect(files(widget)).to_have_text(["file-11.csv"])
    expect(rows(widget).first).to_contain_text("✗ just now")
    opener = widget.get_by_role("button", name="Filters: 2")
    expect(opener).to_have_attribute("aria-expanded", "true")
    assert book.value("[w.suffix, w.failed]") == [".csv", True]
    press(widget, "Clear all")
    expect(rows(widget)).to_have_count(12)
    widget.get_by_label("Not verified").select_option("ever")
    expect(rows(widget)).to_have_count(9)  # and the one that failed
    press(widget, "Clear all")
    book.execute("store.retract(('GW150910', 'Prod0', 'file-00.txt'), 'glitch'); w.refresh()")
    widget.get_by_label("Retracted").check()
    expect(rows(widget)).to_have_count(1)
    assert book.value("w.retracted")
    press(widget, "Clear all")
    book.execute("w.larger_than = 30")
    expect(files(widget)).to_have_text(["file-10.txt"])
    expect(widget.get_by_label("Larger than")).to_have_value("30")
    book.execute("w.larger_than = None; w.added_from = '2100-01-01'")
    expect(rows(widget)).to_have_text(["No record matches. Use fewer words, or another event or production."])
    expect(widget.get_by_label("Added from")).to_have_value("2100-01-01")
    book.page.keyboard.press("Tab")
    widget.get_by_label("Added from").press("Escape")
    expect(widget.get_by_label("Added from")).to_be_hidden()
    axe(book)


def test_every_column_sorts(opened):
    """Size and Verified sort too, by a look at the files, and the columns that are shown are chosen from a menu."""
    book, widget = opened
    press(widget, "Size")
    expect(files(widget).first).to_have_text("file-00.txt")
    press(widget, "Size ▲")
    expect(files(widget).first).to_have_text("file-10.txt")
    press(widget, "Verified")
    expect(files(widget).first).to_have_text("file-11.csv")
    press(widget, "Columns")
    widget.get_by_label("Column Added").uncheck()
    widget.get_by_label("Column UUID").check()
    heads = widget.locator(".asimov-storage-records").get_by_role("columnheader")
    expect(heads).to_have_text(["", "Event", "Production", "File", "Size", "Verified ▲", "UUID"])
    assert book.value("list(w.columns)") == ["event", "production", "file", "size", "verified", "uuid"]
    widget.get_by_label("Column UUID").press("Escape")
    expect(widget.get_by_role("button", name="Columns")).to_be_focused()


def test_notes(notebook, store, source):
    """Notes are searched, and shown where a word was found; their keys are columns, which sort."""
    for number, analyst in enumerate(["Jane <b>Doe</b>", "Ágnes", "Jane Roe"]):
        meta = {"analyst": analyst, "snr": 9.5 + number}
        store.add_file("GW150910", "Prod0", source(content=b"%d" % number), f"file-{number}", meta=meta)
    book = notebook(opening(store) + "w = store.explore()\nw")
    widget = book.widget()
    widget.get_by_label("Search").fill("jane")
    expect(files(widget)).to_have_text(["file-0analyst: Jane <b>Doe</b>", "file-2analyst: Jane Roe"])
    expect(rows(widget).first.locator("mark")).to_have_text(["Jane"])
    press(widget, "Columns")
    widget.get_by_label("Column analyst").check()
    expect(files(widget)).to_have_text(["file-0", "file-2"])
    expect(rows(widget).first.locator("mark")).to_have_text(["Jane"])
    widget.get_by_label("Column snr").check()
    widget.get_by_label("Search").fill("")
    press(widget, "snr")
    press(widget, "snr ▲")
    expect(files(widget)).to_have_text(["file-2", "file-1", "file-0"])
    assert book.value("[w.columns[-2:], w.sort]") == [("analyst", "snr"), "snr"]
    files(widget).first.get_by_role("button").click()
    part = widget.get_by_role("region", name="File", exact=True)
    expect(part.locator("dd", has_text="Jane Roe")).to_be_visible()
    axe(book)


def cell(widget, event, production):
    """Find a cell of the picture."""
    return widget.get_by_role("button", name=f"{event}, {production}: ")


def test_the_picture_filters(opened, tmp_path):
    """A cell, an event or a production that is pressed filters the table and is marked, until it is pressed again."""
    book, widget = opened
    picture = widget.get_by_role("region", name="Overview")
    expect(cell(widget, "GW150912", "Prod1")).to_have_text("✗ 2")
    expect(cell(widget, "GW150912", "Prod0")).to_have_text("● 2")
    expect(cell(widget, "GW150910", "Prod0")).to_have_text("○ 2")
    cell(widget, "GW150910", "Prod0").click()
    expect(files(widget)).to_have_text(["file-00.txt", "file-06.txt"])
    expect(cell(widget, "GW150910", "Prod0")).to_have_attribute("aria-pressed", "true")
    expect(widget.get_by_label("Event", exact=True)).to_have_value("GW150910")
    cell(widget, "GW150910", "Prod0").click()
    expect(rows(widget)).to_have_count(12)
    picture.get_by_role("button", name="GW150911", exact=True).click()
    expect(rows(widget)).to_have_count(4)
    picture.get_by_role("button", name="Prod1", exact=True).click()
    expect(rows(widget)).to_have_count(6)
    picture.get_by_role("button", name="Prod1", exact=True).click()
    line = picture.get_by_role("group", name="Added").get_by_role("button")
    line.last.click()
    expect(rows(widget)).to_have_count(11)
    assert book.value("w.added_to is not None")
    expect(line.last).to_have_attribute("aria-pressed", "true")
    line.last.click()
    assert book.value("w.added_to is None")


def test_the_picture_by_keyboard(opened):
    """Tab leads to one cell, arrows from cell to cell, Enter presses; it folds away, which Python hears."""
    book, widget = opened
    first = cell(widget, "GW150910", "Prod0")
    expect(first).to_have_attribute("tabindex", "0")
    first.focus()
    keys = book.page.keyboard
    keys.press("ArrowDown")
    keys.press("ArrowRight")
    expect(cell(widget, "GW150911", "Prod1")).to_be_focused()
    keys.press("ArrowRight")
    expect(cell(widget, "GW150911", "Prod1")).to_be_focused()
    keys.press("Enter")
    expect(rows(widget)).to_have_count(2)
    expect(cell(widget, "GW150911", "Prod1")).to_be_focused()
    fold = widget.get_by_role("button", name="Overview")
    expect(fold).to_have_attribute("aria-expanded", "true")
    fold.press("Enter")
    expect(first).to_be_hidden()
    assert book.value("w.overview_folded")
    book.execute("w.overview_folded = False")
    expect(first).to_be_visible()


def test_how_it_looks(opened):
    """With drawers open, in the dark, at 400 and 280 px, axe finds nothing and nothing sticks out."""
    book, widget = opened
    press(widget, "Filters")
    press(widget, "Columns")
    axe(book)
    dark(book)
    axe(book)
    narrow(book)
    narrow(book, 280)

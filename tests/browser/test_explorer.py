"""Explorer in a real browser: JupyterLab, and once each Notebook 7 and Voilà."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness import axe, dark, narrow, opening
from playwright.sync_api import expect

from asimov.storage import Store

HOSTILE = [
    "<img src=x onerror=alert(1)>.txt",
    "\u0646\u062a\u064a\u062c\u0629.txt",
    "e\u0301\u0302\u0303.txt",
    "x" * 255,
]


@pytest.fixture
def filled(store, tmp_path):
    """A Store of 120 files in four events, some with names that are hard to show."""
    files = []
    for number in range(116):
        path = tmp_path / f"f{number}"
        path.write_bytes(b"%d\n" % number * 40)
        files.append((f"GW15091{number % 3}", f"Prod{number % 2}", path, f"posterior-{number:03}.txt"))
    for number, name in enumerate(HOSTILE):
        path = tmp_path / f"h{number}"
        path.write_text(f"hostile {number}\n")
        files.append(("GW150914", "shared", path, name))
    store.add_files(files)
    return store


@pytest.fixture
def opened(notebook, filled):
    """Open a notebook with an Explorer `w` over the filled Store: `(book, widget)`."""

    def open_notebook(*cells, arguments="", host="lab"):
        code = f"from asimov.storage.widgets import Explorer\nw = Explorer(store{arguments})\nw"
        book = notebook(opening(filled) + code, *cells, host=host)
        book.widget().wait_for()
        return book, book.widget()

    return open_notebook


def summary(widget):
    """Find the line that says what is shown."""
    return widget.get_by_role("status").first


def rows(widget):
    """Find the rows of the page."""
    return widget.locator("tbody tr")


def press(widget, name):
    """Press a button."""
    widget.get_by_role("button", name=name, exact=True).click()


def test_search_filter_sort_and_page(opened):
    """Search, filters, order and pages show what they say, in a table whose caption and sort state are told."""
    _, widget = opened()
    expect(summary(widget)).to_contain_text("1–50 of 120 records")
    expect(rows(widget)).to_have_count(50)
    press(widget, "Next")
    press(widget, "Next")
    expect(summary(widget)).to_contain_text("101–120 of 120 records")
    widget.get_by_label("Search").fill("posterior-01 prod0")
    expect(summary(widget)).to_contain_text("1–5 of 5 that match, of 120 records")
    press(widget, "File")
    expect(widget.get_by_role("columnheader", name="File")).to_have_attribute("aria-sort", "ascending")
    widget.get_by_role("button", name="File ▲").click()
    expect(widget.get_by_role("columnheader", name="File")).to_have_attribute("aria-sort", "descending")
    expect(rows(widget).first).to_contain_text("posterior-018.txt")
    widget.get_by_label("Event", exact=True).select_option("GW150911")
    expect(summary(widget)).to_contain_text("of 2 that match")
    widget.get_by_label("Search").fill("nowhere")
    expect(rows(widget)).to_have_text(["No record matches. Use fewer words, or another event or production."])
    expect(widget.get_by_role("table")).to_have_accessible_name("Records 0–0 of 0 that match, of 120 records")


def test_selection_is_fetched_and_verified(opened, filled, tmp_path):
    """All that match are selected, verified and copied; one that is damaged is said to be; `selection` is in Python."""
    book, widget = opened()
    widget.get_by_label("Search").fill("posterior-01")
    expect(summary(widget)).to_contain_text("10 that match")
    press(widget, "Select all 10 that match")
    expect(summary(widget)).to_contain_text("10 selected")
    assert book.value("len(w.selection)") == 10
    press(widget, "Copy hashes")
    expect(summary(widget)).to_contain_text("10 hashes copied")
    copied = book.page.evaluate("navigator.clipboard.readText()")
    assert copied.splitlines()[0].split("  ")[0] == filled["GW150910", "Prod0", "posterior-012.txt"].hash
    press(widget, "Fetch selected …")
    widget.get_by_label("Folder on the server").fill(str(tmp_path / "out"))
    press(widget, "Fetch")
    expect(widget.get_by_text("✓ Verified and copied 10 files")).to_be_visible()
    assert len(list((tmp_path / "out").iterdir())) == 10
    path = filled.fetch_file("GW150910", "Prod0", "posterior-012.txt")
    path.chmod(0o600)
    path.write_text("damaged")
    press(widget, "Verify selected")
    expect(widget.get_by_text("✗ 1 of 10 files failed.")).to_be_visible()


def test_a_row_opens_and_another_process_adds(opened, filled, tmp_path):
    """A row shows its file verified, with a preview; what another process adds is announced, and shown by Refresh."""
    _, widget = opened()
    widget.get_by_role("button", name="posterior-012.txt").click()
    opened_file = widget.get_by_role("region", name="File", exact=True)
    expect(opened_file).to_contain_text("✓ Verified: GW150910 / Prod0 / posterior-012.txt")
    expect(opened_file.get_by_role("button", name="Download")).to_be_visible()
    expect(opened_file).to_contain_text("12\n12\n12")
    (tmp_path / "new").write_text("from another process")
    Store(filled.root).add_file("GW150909", "Prod0", tmp_path / "new")
    expect(widget.get_by_text("1 new record.", exact=True)).to_be_visible(timeout=60_000)
    press(widget, "Refresh")
    expect(summary(widget)).to_contain_text("of 121 records")
    expect(rows(widget).first).to_contain_text("GW150909")


def test_keyboard_only(opened):
    """Arrows move, space selects, Enter opens, slash goes to the search, PageDown turns the page."""
    book, widget = opened()
    keyboard = book.page.keyboard
    widget.get_by_label("Search").focus()
    keyboard.type("shared")
    expect(summary(widget)).to_contain_text("4 that match")
    rows(widget).first.focus()
    for key in ("ArrowDown", "ArrowDown", " "):
        keyboard.press(key)
    expect(summary(widget)).to_contain_text("1 selected")
    expect(rows(widget).nth(2).get_by_role("checkbox")).to_be_checked()
    expect(rows(widget).nth(2)).to_be_focused()
    keyboard.press("Enter")
    expect(widget.get_by_role("region", name="File", exact=True)).to_contain_text("✓ Verified")
    rows(widget).nth(2).focus()
    keyboard.press("/")
    expect(widget.get_by_label("Search")).to_be_focused()
    widget.get_by_label("Search").fill("")
    expect(summary(widget)).to_contain_text("1–50 of 120")
    rows(widget).first.focus()
    keyboard.press("PageDown")
    expect(summary(widget)).to_contain_text("51–100 of 120")


def test_look(opened, filled):
    """Hostile, long, right-to-left and combining names and a missing file look right; axe finds nothing, also dark."""
    filled.fetch_file("GW150910", "Prod0", "posterior-000.txt").unlink()
    book, widget = opened()
    expect(rows(widget).first).to_contain_text("○ missing")
    axe(book)
    widget.get_by_label("Search").fill("shared")
    expect(rows(widget)).to_have_count(4)
    for name in HOSTILE:
        expect(widget.get_by_role("button", name=name, exact=True)).to_be_visible()
    expect(widget.locator("img")).to_have_count(0)
    press(widget, "Select all 4 that match")
    expect(summary(widget)).to_contain_text("4 selected")
    rows(widget).first.get_by_role("button").click()
    expect(widget.get_by_role("region", name="File", exact=True)).to_contain_text("✓ Verified")
    press(widget, "Add …")
    expect(widget.get_by_role("heading", name="Upload to")).to_be_visible()
    dark(book)
    axe(book)
    narrow(book)


APP = Path(__file__).parents[2] / "notebooks" / "explorer-app.ipynb"


def app_cells(store):
    """Give the cells of the app's notebook, over a Store that $LOCUTUS_STORE names."""
    cells = ["".join(cell["source"]) for cell in json.loads(APP.read_text())["cells"] if cell["cell_type"] == "code"]
    return f"import os\nos.environ['LOCUTUS_STORE'] = {str(store.root)!r}", *cells


@pytest.mark.parametrize("host", ["notebook", "voila"])
def test_the_app(notebook, filled, host):
    """In Notebook 7 and Voilà the app searches, opens and offers neither Add nor a folder."""
    book = notebook(*app_cells(filled), host=host)
    widget = book.widget()
    widget.wait_for()
    widget.get_by_label("Search").fill("posterior-012")
    expect(summary(widget)).to_contain_text("1 that match")
    widget.get_by_role("button", name="posterior-012.txt").click()
    expect(widget.get_by_role("region", name="File", exact=True)).to_contain_text("✓ Verified")
    expect(widget.get_by_role("button", name="Add …")).to_have_count(0)
    expect(widget.get_by_role("button", name="Fetch selected …")).to_have_count(0)

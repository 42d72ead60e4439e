"""Explorer in a real browser: JupyterLab, and once each Notebook 7 and Voilà."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness import axe, dark, narrow, opening
from playwright.sync_api import expect
from scripted import Scripted

from asimov.storage import Store
from asimov.storage.widgets import Explorer

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
    return widget.locator(".asimov-storage-records tbody tr")


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
    expect(widget.get_by_role("columnheader", name="File", exact=False)).to_have_attribute("aria-sort", "ascending")
    widget.get_by_role("button", name="File ▲").click()
    expect(widget.get_by_role("columnheader", name="File", exact=False)).to_have_attribute("aria-sort", "descending")
    expect(rows(widget).first).to_contain_text("posterior-018.txt")
    widget.get_by_label("Event", exact=True).select_option("GW150911")
    expect(summary(widget)).to_contain_text("of 2 that match")
    widget.get_by_label("Search").fill("nowhere")
    expect(rows(widget)).to_have_text(["No record matches. Use fewer words, or another event or production."])
    expect(widget.locator(".asimov-storage-records")).to_have_accessible_name(
        "Records 0–0 of 0 that match, of 120 records"
    )


def test_what_was_retracted_is_struck_through(opened, filled):
    """A retracted file is struck through and says so; opening it says why, and what to use instead."""
    bad, good = (("GW150910", "Prod0", f"posterior-{number:03}.txt") for number in (0, 6))
    filled.retract(bad, "<b>glitch</b>", superseded_by=good)
    book, widget = opened()
    struck = rows(widget).locator("s")
    expect(struck).to_have_text(["posterior-000.txt"])
    expect(rows(widget).first).to_contain_text("⊘ retracted")
    title = "GW150910 / Prod0 / posterior-000.txt: retracted: <b>glitch</b>"
    expect(rows(widget).first.locator(".asimov-storage-of-file")).to_have_attribute("title", title)
    axe(book)
    struck.click()
    part = widget.get_by_role("region", name="File", exact=True)
    expect(part).to_contain_text("was retracted on")
    expect(part).to_contain_text("Use 'GW150910' / 'Prod0' / 'posterior-006.txt' instead.")
    press(widget, "Fetch it all the same")
    expect(part).to_contain_text("⊘ Retracted: <b>glitch</b>. Verified: GW150910 / Prod0 / posterior-000.txt")
    with book.page.expect_download() as download:
        press(widget, "Download")
    assert download.value.suggested_filename == "posterior-000.txt"


@pytest.mark.parametrize("columns", [["file", "size"], ["file", "analyst"]], ids=" ".join)
def test_the_first_page_needs_no_answer(browser, filled, source, columns):
    """A page paints the rows that came with the widget before the kernel answers anything."""
    filled.add_file("GW150914", "Prod0", source(content=b"noted"), "noted", meta={"analyst": "Jane"})
    explorer = Explorer(filled, sort="file", descending=True, columns=columns)
    page = Scripted(browser, "Explorer", **explorer.get_state())
    expect(rows(page.root)).to_have_count(50)
    assert page.page.evaluate("sent.some(({ answered }) => answered)") is False
    expect(page.root.get_by_label("Event", exact=True).locator("option")).to_have_count(5)
    page.close()
    explorer.close()


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
    press(widget, "Fetch to …")
    widget.get_by_label("Folder on the server").fill(str(tmp_path / "out"))
    press(widget, "Fetch")
    expect(widget.get_by_text("✓ Verified and copied 10 files")).to_be_visible()
    assert len(list((tmp_path / "out").iterdir())) == 10
    path = filled.fetch_file("GW150910", "Prod0", "posterior-012.txt")
    path.chmod(0o600)
    path.write_text("damaged")
    press(widget, "Verify")
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
    expect(summary(widget)).to_contain_text("1 new record. Refresh shows it.", timeout=60_000)
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


def test_the_focus_comes_and_goes(opened):
    """Home, End, ArrowUp and PageUp move too; a file opens and closes without the focus leaving its row."""
    book, widget = opened()
    keyboard = book.page.keyboard
    rows(widget).first.focus()
    for key, place in (("End", 49), ("ArrowDown", 49), ("ArrowUp", 48), ("Home", 0), ("ArrowUp", 0)):
        keyboard.press(key)
        expect(rows(widget).nth(place)).to_be_focused()
    keyboard.press("PageDown")
    expect(summary(widget)).to_contain_text("51–100 of 120")
    keyboard.press("ArrowDown")
    keyboard.press("PageUp")
    expect(summary(widget)).to_contain_text("1–50 of 120")
    keyboard.press("Enter")
    close = widget.get_by_role("button", name="Close File")
    expect(close).to_be_visible()
    expect(rows(widget).nth(1)).to_be_focused()
    keyboard.press("Escape")
    expect(close).to_be_hidden()
    expect(rows(widget).nth(1)).to_be_focused()
    keyboard.press("Enter")
    close.focus()
    keyboard.press("Enter")
    expect(close).to_be_hidden()
    expect(rows(widget).nth(1)).to_be_focused()
    widget.get_by_role("button", name="Add …").press("Enter")
    expect(widget.get_by_label("Event", exact=True).last).to_be_focused()
    press(widget, "Close Add files")
    expect(widget.get_by_role("button", name="Add …")).to_be_focused()


@pytest.mark.parametrize("host", ["lab", "notebook"])
def test_keys_stay_in_the_widget(opened, host):
    """Arrows and letters on a filter or a button of ours neither move nor change the notebook's cells; Ctrl+S saves."""
    book, widget = opened("2", "3", host=host)
    event = widget.get_by_label("Event", exact=True)
    event.focus()  # which makes its cell the active one
    before = book.cells()
    event.press("g")
    expect(event).to_have_value("GW150910")
    event.press("ArrowDown")
    expect(event).to_have_value("GW150911")
    expect(summary(widget)).to_contain_text("of 39 that match")
    event.press("m")
    refresh = widget.get_by_role("button", name="Refresh")
    for key in ("ArrowUp", "ArrowDown", "1", "y", "b", "Shift+ArrowDown"):
        refresh.press(key)
    rows(widget).first.press("ArrowDown")
    expect(rows(widget).nth(1)).to_be_focused()
    rows(widget).nth(1).press("a")
    assert book.cells() == before
    refresh.press("Control+s")
    book.page.wait_for_function("() => !window.asimovTestPanel.context.model.dirty")


def test_what_is_clicked_is_selected(opened):
    """A box that is clicked before the answer to what was typed is painted selects the record that it stood beside."""
    book, widget = opened()
    expect(rows(widget)).to_have_count(50)
    widget.evaluate(
        """(root) => {
            const search = root.querySelector('input[type=search]');
            search.value = 'shared';
            search.dispatchEvent(new Event('input'));
            root.querySelector('.asimov-storage-records tbody input').click();
        }"""
    )
    expect(summary(widget)).to_contain_text("4 that match, of 120 records. 1 selected")
    assert book.value("w.selection['file'].tolist()") == ["posterior-000.txt"]


def test_selecting(opened):
    """A box, the page's box and Clear select and deselect, Space pressed twice at once nothing; production filters."""
    book, widget = opened()
    widget.get_by_label("Production", exact=True).select_option("Prod1")
    expect(summary(widget)).to_contain_text("1–50 of 58 that match")
    rows(widget).nth(1).get_by_role("checkbox").click()
    expect(summary(widget)).to_contain_text("1 selected")
    page_box = widget.get_by_label("Select this page")
    page_box.click()
    expect(summary(widget)).to_contain_text("50 selected")
    press(widget, "Next")
    expect(summary(widget)).to_contain_text("51–58 of 58")
    expect(page_box).not_to_be_checked()
    press(widget, "Clear")
    expect(summary(widget)).to_contain_text("0 selected")
    rows(widget).first.evaluate(
        """(row) => {
            row.focus();
            for (const _ of [1, 2]) row.dispatchEvent(new KeyboardEvent('keydown', { key: ' ', bubbles: true }));
        }"""
    )
    rows(widget).last.get_by_role("checkbox").click()
    expect(summary(widget)).to_contain_text("1 selected")
    expect(rows(widget).first.get_by_role("checkbox")).not_to_be_checked()
    book.restart_kernel()
    box = rows(widget).first.get_by_role("checkbox")
    box.click()
    expect(summary(widget)).to_contain_text("The kernel is busy or gone")
    expect(box).not_to_be_checked()


def test_two_views(opened):
    """Views share what is searched, sorted, paged, selected and opened, as they share all that Python sets."""
    book, one = opened("w")
    two = book.widget(1)
    expect(rows(two)).to_have_count(50)
    one.get_by_role("button", name="posterior-012.txt").click()
    for view in (one, two):
        expect(view.get_by_role("region", name="File", exact=True)).to_contain_text(
            "✓ Verified: GW150910 / Prod0 / pos"
        )
    press(two, "Close File")
    expect(one.get_by_role("button", name="Close File")).to_be_hidden()
    one.get_by_label("Search").fill("shared")
    press(two, "File")
    for view in (one, two):
        expect(view.get_by_label("Search")).to_have_value("shared")
        expect(summary(view)).to_contain_text("4 that match")
        expect(view.get_by_role("columnheader", name="File")).to_have_attribute("aria-sort", "ascending")
    press(one, "Select all 4 that match")
    for view in (one, two):
        expect(summary(view)).to_contain_text("4 selected")


def test_state_is_pythons_too(opened):
    """What Python sets is shown, what is done here is heard in Python, and both outlive a reload of the page."""
    book, widget = opened(host="notebook")
    book.execute("heard = []; w.observe(lambda change: heard.append(change['new']), ['search', 'selected_count'])")
    widget.get_by_label("Search").fill("posterior-01")
    expect(summary(widget)).to_contain_text("10 that match")
    press(widget, "Select all 10 that match")
    expect(summary(widget)).to_contain_text("10 selected")
    assert book.value("[w.search, w.selected_count, len(w.selected), list(w.selected[0])]") == [
        "posterior-01",
        10,
        10,
        ["GW150910", "Prod0", "posterior-012.txt"],
    ]
    assert book.value("heard") == ["posterior-01", 10]
    book.execute("w.search = 'posterior-02'; w.sort = 'file'; w.descending = True; w.columns = ['file', 'hash']")
    expect(widget.get_by_label("Search")).to_have_value("posterior-02")
    expect(rows(widget).first).to_contain_text("posterior-029.txt")
    heads = widget.locator(".asimov-storage-records").get_by_role("columnheader")
    expect(heads).to_have_text(["", "File ▼", "Hash"])
    book.execute("w.opened = ('GW150910', 'Prod0', 'posterior-024.txt')")
    expect(widget.get_by_role("region", name="File", exact=True)).to_contain_text("✓ Verified: GW150910 / Prod0")
    book.save()
    book.reload()
    expect(widget.get_by_label("Search")).to_have_value("posterior-02")
    expect(rows(widget).first).to_contain_text("posterior-029.txt")
    expect(summary(widget)).to_contain_text("10 selected")
    expect(widget.get_by_role("region", name="File", exact=True)).to_contain_text("✓ Verified: GW150910 / Prod0")


TYPE = """(root) => {
    const search = root.querySelector('input[type=search]');
    const status = root.querySelector('[role=status]');
    window.asimovSeen = [];
    const seen = new MutationObserver(() => window.asimovSeen.push(status.textContent));
    seen.observe(status, { childList: true, subtree: true });
    for (const text of ['prod0', 'p', 'po', 'pos', 'post', 'poste', 'poster', 'sh', 'sha', 'shared']) {
        search.value = text;
        search.dispatchEvent(new Event('input'));
    }
}"""


def test_one_in_flight_and_the_newest_wins(lab_page, opened):
    """Of ten letters typed at once the first and the last are asked for, both are shown, and the last stays."""
    asked = []

    def listen(socket):
        socket.on("framesent", lambda frame: b"explore/page" in bytes(frame) and asked.append(frame))

    lab_page.on("websocket", listen)
    book, widget = opened()
    expect(rows(widget).first.locator(".asimov-storage-of-verified")).to_have_text("never")
    expect(widget.locator(".asimov-storage-bar-of-size").first).to_be_visible()  # all files were looked at
    book.value("1")  # what the widget asked as it was shown has been answered by now
    asked.clear()
    widget.evaluate(TYPE)
    expect(summary(widget)).to_contain_text("1–4 of 4 that match")
    lab_page.remove_listener("websocket", listen)
    assert len(asked) == 2
    assert any("of 58 that match" in text for text in book.page.evaluate("window.asimovSeen"))


def test_a_refused_search_is_forgotten(opened):
    """A search takes 1,000 characters; what is said of one that failed goes when the next succeeds."""
    _, widget = opened()
    search = widget.get_by_label("Search")
    expect(search).to_have_attribute("maxlength", "1000")
    search.evaluate("(box) => { box.value = 'x'.repeat(2000); box.dispatchEvent(new Event('input')); }")
    expect(summary(widget)).to_contain_text("at most 1000 characters")
    search.fill("shared")
    expect(summary(widget)).to_contain_text("4 that match")
    expect(summary(widget)).not_to_contain_text("at most 1000")


@pytest.fixture
def take_clipboard(lab_page):
    """Take the clipboard from the page that is open, as plain http does, until the test ends."""
    yield lambda: lab_page.evaluate(
        "Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true })"
    )
    lab_page.evaluate("delete navigator.clipboard")


def test_hashes_without_a_clipboard_and_news_that_goes_on(opened, filled, take_clipboard, tmp_path):
    """Without a clipboard the hashes stand selected in a box, which news leaves alone; news counts on."""
    book, widget = opened()
    take_clipboard()
    rows(widget).first.get_by_role("checkbox").click()
    press(widget, "Copy hashes")
    box = widget.get_by_label("Hashes", exact=True)
    expect(box).to_be_focused()
    record = next(iter(filled))
    assert book.page.evaluate("getSelection().toString()") == f"{record.hash}  {'/'.join(record.key)}\n"
    others = Store(filled.root)
    for count, words in ((1, "1 new record. Refresh shows it."), (3, "3 new records. Refresh shows them.")):
        while len(others) < 120 + count:
            path = tmp_path / f"new-{len(others)}"
            path.write_text(path.name)
            others.add_file("GW150909", "Prod0", path)
        expect(summary(widget)).to_contain_text(words)
    expect(box).to_be_visible()
    press(widget, "Close Copy hashes")
    expect(box).to_be_hidden()


CLICK = """(root, texts) => {
    const buttons = [...root.querySelectorAll('button')];
    for (const text of texts) buttons.find((button) => button.textContent === text).click();
}"""


def test_one_file_at_a_time(opened):
    """Opening another file while one is fetched or downloaded is refused in words, and the one under way goes on."""
    book, widget = opened()
    expect(rows(widget)).to_have_count(50)
    widget.evaluate(CLICK, ["posterior-000.txt", "posterior-012.txt"])
    expect(summary(widget)).to_contain_text("posterior-000.txt is being fetched or downloaded. Wait for it")
    part = widget.get_by_role("region", name="File", exact=True)
    expect(part).to_contain_text("✓ Verified: GW150910 / Prod0 / posterior-000")
    with book.page.expect_download():
        widget.evaluate(CLICK, ["Download", "posterior-012.txt"])
        assert "posterior-000.txt is being fetched or downloaded" in summary(widget).text_content()
    expect(part).to_contain_text("✓ Downloaded: posterior-000.txt")
    widget.get_by_role("button", name="posterior-012.txt").click()
    expect(part).to_contain_text("✓ Verified: GW150910 / Prod0 / posterior-012")
    expect(summary(widget)).not_to_contain_text("is being fetched")


def test_from_nothing(notebook, store, tmp_path):
    """An empty Store says so; what Add stores appears, is the one that matches, and is downloaded from its row."""
    book = notebook(opening(store) + "w = store.explore()\nw")
    widget = book.widget()
    expect(rows(widget)).to_have_text(["The Store is empty."])
    expect(summary(widget)).to_contain_text("0–0 of 0 records. 0 selected.")
    path = tmp_path / "first.txt"
    path.write_text("the first of all\n")
    press(widget, "Add …")
    adding = widget.get_by_role("region", name="Add files")
    adding.get_by_label("Event", exact=True).fill("GW150914")
    adding.get_by_label("Production", exact=True).fill("Prod0")
    adding.get_by_label("File", exact=True).set_input_files([path])
    adding.get_by_role("button", name="Upload", exact=True).click()
    expect(summary(widget)).to_contain_text("1–1 of 1 record. 0 selected.")
    press(widget, "Select all 1 that match")
    expect(summary(widget)).to_contain_text("1 selected")
    rows(widget).get_by_role("button", name="first.txt").click()
    with book.page.expect_download() as download:
        press(widget, "Download")
    assert Path(download.value.path()).read_text() == "the first of all\n"
    expect(widget.get_by_role("region", name="File", exact=True)).to_contain_text("✓ Downloaded")


def test_a_fetch_to_a_folder_is_cancelled(notebook, store, tmp_path):
    """Cancel ends a fetch of the selection, and nothing is left of it."""
    with (tmp_path / "big").open("wb") as file:
        file.truncate(1 << 30)
    store.add_file("S1", "Prod0", tmp_path / "big")
    widget = notebook(opening(store) + "store.explore()").widget()
    press(widget, "Select all 1 that match")
    expect(summary(widget)).to_contain_text("1 selected")
    press(widget, "Fetch to …")
    gathering = widget.get_by_role("region", name="Fetch to a folder")
    gathering.get_by_label("Folder on the server").fill(str(tmp_path / "out"))
    gathering.get_by_label("Folder on the server").press("Enter")
    expect(gathering).to_contain_text("Fetching 1 file")
    gathering.get_by_role("button", name="Cancel").click()
    expect(gathering).to_contain_text("○ Cancelled. Nothing was copied.")
    assert list((tmp_path / "out").glob("*")) == []


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
    expect(widget.get_by_role("heading", name="Add files")).to_be_visible()
    expect(widget.get_by_role("heading", name="Upload to")).to_be_hidden()
    dark(book)
    axe(book)
    narrow(book)


def test_hostile_names_everywhere(notebook, tmp_path):
    """Events, productions and a Store with such names are shown as they are, in the filters too, at any width."""
    store = Store.create(tmp_path / "hostile", f"{HOSTILE[0]}{'n' * 300}")
    for number, event in enumerate(HOSTILE):
        path = tmp_path / f"f{number}"
        path.write_text(path.name)
        store.add_file(event, HOSTILE[number - 1], path)
    book = notebook(opening(store) + "store.explore()")
    widget = book.widget()
    expect(widget.get_by_role("heading", name=store.name)).to_have_css("text-overflow", "ellipsis")
    assert widget.evaluate("(root) => root.scrollWidth - root.clientWidth") == 0
    options = widget.get_by_label("Event", exact=True).locator("option")
    isolated = [f"\u2068{event}\u2069" if event.startswith("\u0646") else event for event in sorted(HOSTILE)]
    expect(options).to_have_text(["All 4 events", *(f"{event} · 1 file" for event in isolated)])
    for number, event in enumerate(HOSTILE):
        widget.get_by_label("Event", exact=True).select_option(event)
        expect(rows(widget)).to_have_count(1)
        expect(rows(widget).locator("td").nth(1)).to_have_text(event)
        expect(rows(widget).locator("td").nth(2)).to_have_text(HOSTILE[number - 1])
    rows(widget).get_by_role("button").click()
    expect(widget.get_by_role("region", name="File", exact=True)).to_contain_text("✓ Verified")
    expect(widget.locator("img")).to_have_count(0)
    axe(book)
    narrow(book)


def test_more_events_than_a_filter_offers(notebook, store):
    """A filter offers 200 events, and says that there are more and how to find them."""
    lines = (f"  S{n:03}:\n    Prod0:\n      f:\n        hash: {n:032x}\n        uuid: {n:032x}\n" for n in range(250))
    (store.root / ".manifest" / "manifest.yaml").write_text(f"events:\n{''.join(lines)}name: Test\n")
    widget = notebook(opening(store) + "store.explore()").widget()
    last = widget.get_by_label("Event", exact=True).locator("option").last
    expect(last).to_have_text("… and 50 more: use Search")
    expect(last).to_be_disabled()


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
    expect(widget.get_by_role("button", name="Fetch to …")).to_have_count(0)

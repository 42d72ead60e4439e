"""Each widget fits a screen: what is long scrolls inside, and what one presses stays in view, wherever it is put."""

from __future__ import annotations

import pytest
from harness import opening
from playwright.sync_api import expect

WIDE, NARROW, THIN = (1200, 800), (760, 800), (620, 800)


@pytest.fixture
def filled(store, tmp_path):
    """A Store of 60 files: more than a page."""
    files = []
    for number in range(60):
        path = tmp_path / f"f{number}"
        path.write_text(f"{number}\n" * 40)
        files.append((f"GW15091{number % 3}", "Prod0", path, f"posterior-{number:03}.txt"))
    store.add_files(files)
    return store


@pytest.fixture
def window(lab_page):
    """Give the window a size until the test ends."""
    before = lab_page.viewport_size
    yield lambda width, height: lab_page.set_viewport_size({"width": width, "height": height})
    lab_page.set_viewport_size(before)


@pytest.fixture
def zoomed(lab_page):
    """Zoom the page until the test ends."""
    yield lambda zoom: lab_page.evaluate("(zoom) => { document.body.style.zoom = zoom; }", zoom)
    lab_page.evaluate("() => { document.body.style.zoom = 1; }")


VISIBLE = """(element) => {
    const box = element.getBoundingClientRect();
    const [x, y] = [box.left + Math.min(box.width, 20) / 2, box.top + Math.min(box.height, 16) / 2];
    const at = document.elementFromPoint(x, y);
    return at !== null && (element.contains(at) || at.contains(element));
}"""


def settled(widget):
    """Wait until all is looked up, and nothing is painted anew."""
    expect(widget.locator(".asimov-storage-records tbody .asimov-storage-of-verified").first).to_have_text("never")


def in_view(widget, *locators):
    """Assert that the beginning of each is within the window that begins with the widget, and nothing lies over it."""
    widget.evaluate("(root) => root.scrollIntoView({ block: 'start' })")
    for locator in locators:
        expect(locator).to_be_visible()
        assert locator.evaluate(VISIBLE), locator


@pytest.mark.parametrize("zoom", [1, 2], ids=["100 %", "200 %"])
def test_an_opened_file_beside_its_row(notebook, filled, window, zoomed, zoom):
    """A row that is opened, its verdict, Download and the beginning of its preview are in view; Esc closes it."""
    window(*WIDE)
    book = notebook(opening(filled) + "w = store.explore()\nw")
    zoomed(zoom)
    widget = book.widget()
    settled(widget)
    row = widget.locator(
        ".asimov-storage-records tbody tr", has=book.page.get_by_role("button", name="posterior-000.txt")
    )
    name = row.get_by_role("button")
    name.scroll_into_view_if_needed()
    name.click()
    part = widget.get_by_role("region", name="File", exact=True)
    expect(part).to_contain_text("✓ Verified: GW150910 / Prod0 / posterior-000.txt")
    seen = [name, part.get_by_text("✓ Verified"), part.get_by_role("button", name="Download")]
    in_view(widget, *(seen if zoom == 2 else [*seen, part.locator("pre")]))
    expect(row).to_have_attribute("aria-current", "true")
    expect(name).to_be_focused()
    book.page.keyboard.press("Escape")
    expect(part).to_be_hidden()
    expect(name).to_be_focused()


@pytest.mark.parametrize("size", [WIDE, (600, 400)], ids=["100 %", "200 %"])
def test_notes_above_many_files(notebook, store, tmp_path, window, size):
    """Above 60 chosen files Upload, the line of the folded notes and the first file are in view, zoomed too."""
    window(*size)  # zoomed, a window has half of the pixels
    for number in range(60):
        (tmp_path / f"posterior-{number:03}.txt").write_text(f"{number}")
    code = "from asimov.storage.widgets import Uploader\nUploader(store, meta={'analyst': 'Jane Doe', 'run': 7})"
    widget = notebook(opening(store) + code).widget()
    widget.get_by_label("File", exact=True).set_input_files(sorted(tmp_path.glob("*.txt")))
    files = widget.locator(".asimov-storage-files > li")
    expect(files).to_have_count(60)
    upload, notes = widget.get_by_role("button", name="Upload", exact=True), widget.get_by_text("2 notes: analyst, run")
    in_view(widget, upload, notes, files.first)


def test_a_new_view_of_the_output(notebook, filled, window):
    """In "New View for Output", half a window high, an opened row, its verdict and Download are in view."""
    window(*WIDE)
    book = notebook(opening(filled) + "w = store.explore()\nw")
    settled(book.widget())
    book.command("notebook:create-output-view")
    view = book.page.locator(".jp-LinkedOutputView .asimov-storage-panel")
    settled(view)
    assert view.bounding_box()["height"] <= 480
    name = view.get_by_role("button", name="posterior-000.txt")
    name.click()
    part = view.get_by_role("region", name="File", exact=True)
    expect(part).to_contain_text("✓ Verified: GW150910 / Prod0 / posterior-000.txt")
    in_view(view, name, part.get_by_text("✓ Verified"), part.get_by_role("button", name="Download"))


@pytest.mark.parametrize("height", ["480px", "300px", "fill"])
def test_a_widget_is_as_high_as_it_may_be(notebook, filled, window, height):
    """No widget is higher than its `height`, which Python may change; the head of the table stays as it scrolls."""
    window(*WIDE)
    book = notebook(opening(filled) + f"w = store.explore(height={height!r})\nw")
    widget = book.widget()
    settled(widget)
    expect(widget.get_by_role("button", name="GW150910, Prod0: ")).to_be_visible()  # the overview moves the table
    expect(widget.get_by_role("group", name="Added")).to_be_hidden()  # all on one day
    most = 800 if height == "fill" else int(height[:-2])
    assert widget.bounding_box()["height"] <= most
    region = widget.get_by_role("region", name="Records")
    head = widget.get_by_role("columnheader", name="Event")
    before = head.bounding_box()["y"]
    region.evaluate("(region) => { region.scrollTop = 500; }")
    assert abs(head.bounding_box()["y"] - before) < 2
    book.execute("w.height = '250px'")
    expect(widget).to_have_css("max-height", "250px")
    assert widget.bounding_box()["height"] <= 250


HOSTS = {
    "HBox": "widgets.HBox([w])",
    "HBox of two": "widgets.HBox([w, widgets.Button()])",
    "Box of 260 px": "widgets.Box([w], layout=widgets.Layout(width='260px'))",
    "VBox": "widgets.VBox([w])",
    "GridBox": "widgets.GridBox([w])",
    "Tab": "widgets.Tab([w])",
}


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
def test_in_every_host(notebook, filled, window, host):
    """In a row, a grid, a tab or a narrow box a widget has a width of its own, and its names are seen."""
    window(*WIDE)
    book = notebook(opening(filled) + f"import ipywidgets as widgets\nw = store.explore()\n{host}")
    widget = book.widget()
    settled(widget)
    name = widget.get_by_role("button", name="posterior-000.txt")
    expect(name).to_be_visible()
    width = widget.bounding_box()["width"]
    least, most = (200, 260) if "260" in host else (300, 1200)
    assert least <= width <= most, width
    in_view(widget, name)


@pytest.mark.parametrize("width", [400, 280])
def test_names_stay_where_there_is_little_room(notebook, filled, width):
    """At 400 and 280 px the file's name stays in view; other columns go first."""
    box = f"widgets.Box([w], layout=widgets.Layout(width='{width}px'))"
    book = notebook(opening(filled) + f"import ipywidgets as widgets\nw = store.explore()\n{box}")
    widget = book.widget()
    settled(widget)
    name = widget.get_by_role("button", name="posterior-000.txt")
    expect(name).to_be_visible()
    assert name.bounding_box()["width"] > 60
    region = widget.get_by_role("region", name="Records")
    assert region.evaluate("(region) => region.scrollWidth - region.clientWidth") <= 1
    expect(widget.get_by_role("columnheader", name="Added")).to_be_hidden()

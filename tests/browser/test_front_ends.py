"""The widgets in front ends that are no notebook servers of Jupyter's: marimo, Panel, Shiny; each an app of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import expect

LIMIT = 60
ANYWIDGET = Path(sys.prefix, "share", "jupyter", "nbextensions", "anywidget", "index.js")
"""What Panel would load from the network."""
MARIMO = """
import marimo
app = marimo.App()

@app.cell
def _():
    import marimo as mo
    from asimov.storage import Store
    from asimov.storage.widgets import Uploader
    store = Store({root!r})
    explorer = mo.ui.anywidget(store.explore())
    uploader = mo.ui.anywidget(Uploader(store, "GW150914", "Prod0"))
    mo.hstack([mo.vstack([explorer, uploader])])
    return explorer, mo

@app.cell
def _(explorer, mo):
    mo.md(f"selected: {{explorer.value.get('selected_count')}}")
    return
"""
PANEL = """
import panel as pn
from asimov.storage import Store
pn.extension("ipywidgets")
pn.Column(pn.pane.IPyWidget(Store({root!r}).explore())).servable()
"""
SHINY = """
from shiny import App, ui
from shinywidgets import output_widget, render_widget
from asimov.storage import Store
from asimov.storage.widgets import Uploader

store = Store({root!r})
app_ui = ui.page_fluid(output_widget("explorer"), output_widget("uploader"))

def server(input, output, session):
    @render_widget
    def explorer():
        return store.explore()

    @render_widget
    def uploader():
        return Uploader(store, "GW150914", "Prod0")

app = App(app_ui, server)
"""
COMMANDS = {
    "marimo": (MARIMO, ["marimo", "--quiet", "run", "{app}", "--headless", "--no-token", "--port", "{port}"]),
    "panel": (PANEL, ["panel", "serve", "{app}", "--port", "{port}"]),
    "shiny": (SHINY, ["shiny", "run", "{app}", "--port", "{port}"]),
}


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


@pytest.fixture
def filled(store, tmp_path):
    """A Store of three files."""
    for number in range(3):
        path = tmp_path / f"f{number}"
        path.write_text(f"file {number}\n" * 10)
        store.add_file("GW150914", "Prod0", path, f"result-{number}.txt")
    return store


@pytest.fixture
def app(context, filled, tmp_path):
    """Return a function that starts an app of a front end over the filled Store, and opens it: its page."""
    processes, pages = [], []

    def start(kind):
        text, command = COMMANDS[kind]
        path = tmp_path / "app.py"
        path.write_text(text.format(root=str(filled.root)))
        port = _free_port()
        with (tmp_path / "app.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *(part.format(app=path, port=port) for part in command)],
                cwd=tmp_path,
                env={**os.environ, "HOME": str(tmp_path), "MARIMO_SKIP_UPDATE_CHECK": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        processes.append(process)
        address = f"http://127.0.0.1:{port}/{'app' if kind == 'panel' else ''}"
        until = time.monotonic() + LIMIT
        while process.poll() is None and time.monotonic() < until:
            try:
                urllib.request.urlopen(address, timeout=LIMIT).close()
                break
            except OSError:
                time.sleep(0.1)  # there is no event of another process to wait for
        page = context.new_page()
        page.set_viewport_size({"width": 1200, "height": 800})
        pages.append(page)
        page.route("**/anywidget@*/**", lambda route: route.fulfill(path=ANYWIDGET))
        page.goto(address)
        return page

    yield start
    for page in pages:
        page.close()
    for process in processes:
        process.terminate()
        process.wait(LIMIT)


def panel_of(page, number=0):
    """Find a widget, wherever the front end has put it."""
    return page.locator(".asimov-storage-panel").nth(number)


def press(widget, name):
    """Press a button."""
    widget.get_by_role("button", name=name, exact=True).click()


@pytest.mark.parametrize("kind", COMMANDS)
def test_explore_fetch_and_download(app, kind):
    """The Explorer fits the screen, searches, opens a file verified, and downloads it."""
    page = app(kind)
    widget = panel_of(page)
    rows = widget.locator(".asimov-storage-records tbody tr")
    expect(rows).to_have_count(3, timeout=LIMIT * 1000)
    expect(page.locator(".asimov-storage-panel").first).to_have_css("max-height", "480px")
    box = widget.bounding_box()
    assert (box["width"] > 300, box["height"] <= 480) == (True, True)
    widget.get_by_label("Search").fill("result-1")
    expect(rows).to_have_count(1)
    widget.get_by_role("button", name="result-1.txt").click()
    part = widget.get_by_role("region", name="File", exact=True)
    expect(part).to_contain_text("✓ Verified: GW150914 / Prod0 / result-1.txt")
    expect(part.locator("pre")).to_contain_text("file 1")
    with page.expect_download() as download:
        press(part, "Download")
    assert Path(download.value.path()).read_text() == "file 1\n" * 10
    if kind == "marimo":
        rows.get_by_role("checkbox").check()
        expect(page.get_by_text("selected: 1")).to_be_visible()


@pytest.mark.parametrize("kind", ["marimo", "shiny"])
def test_upload(app, filled, tmp_path, kind):
    """The Uploader stores a file; not in Panel, which loses the buffers that a page sends to the kernel."""
    page = app(kind)
    widget = panel_of(page, 1)
    expect(widget.get_by_role("button", name="Upload")).to_be_visible(timeout=LIMIT * 1000)
    (tmp_path / "new.txt").write_text("a new file\n")
    with page.expect_file_chooser() as chooser:
        press(widget, "Choose files")
    chooser.value.set_files([tmp_path / "new.txt"])
    press(widget, "Upload")
    expect(widget.get_by_role("status").first).to_contain_text("1 stored")
    assert filled.fetch_file("GW150914", "Prod0", "new.txt").read_text() == "a new file\n"

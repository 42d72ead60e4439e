"""Take the pictures of the widgets for docs and README: ``nox -s pictures``.

It opens the widgets in JupyterLab and Chromium as the browser tests do, over a Store that it makes. The animation for
the README is put together of single pictures.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from asimov.storage import Store

ROOT = Path(__file__).parents[1]
STATIC = ROOT / "docs" / "_static"
sys.path.insert(0, str(ROOT / "tests" / "browser"))

from harness import CHROMIUM_OPTIONS, Notebook, Server, chromium, dark, light, opening  # noqa: E402

EVENTS = ("GW150914", "GW151012", "GW151226", "GW170104", "GW170608", "GW170729", "GW170809", "GW170814", "GW170817")
MISSING = {("GW151012", "Prod1"), ("GW170729", "Prod2"), ("GW170817", "Prod1")}
SECONDS = 1.6
"""How long each picture of the animation stands."""
COLOURS = 64


def make_store(folder: Path) -> Store:
    """Make a Store of some analyses, most of them verified, one damaged."""
    store = Store.create(folder / "o1-o2-results", "O1–O2 results")
    random = np.random.default_rng(1)
    files = []
    for event in EVENTS:
        for production in ("Prod0", "Prod1", "Prod2"):
            if (event, production) not in MISSING:
                files += _results(folder / event / production, event, production, random)
    store.add_files(files)
    for event in EVENTS[:6]:
        store.verify(event=event)
    damaged = store.fetch_file("GW170608", "Prod1", "run.log")
    damaged.chmod(0o600)
    damaged.write_text("worked on since\n")
    store.verify(event="GW170608")
    return store


def _results(folder: Path, event: str, production: str, random: np.random.Generator) -> list[tuple[str, str, Path]]:
    folder.mkdir(parents=True)
    masses = random.normal(30, 2, (2, 2000))
    with h5py.File(folder / "posterior.hdf5", "w") as file:
        file.attrs["approximant"] = "IMRPhenomPv2"
        for number, values in enumerate(masses, 1):
            file[f"posterior/mass_{number}"] = values
            file[f"posterior/mass_{number}"].attrs["unit"] = "solar mass"
    np.savez(folder / "psd.npz", H1=random.random(500), L1=random.random(500))
    table = "".join(f"{one:.4f},{two:.4f}\n" for one, two in zip(*masses, strict=True))
    (folder / "samples.csv").write_text(f"mass_1,mass_2\n{table}")
    (folder / "result.json").write_text(json.dumps({"event": event, "production": production, "snr": random.random()}))
    (folder / "run.log").write_text(f"{event} {production}: started\n" + "sampling\n" * int(random.integers(50, 500)))
    return [(event, production, path) for path in sorted(folder.iterdir())]


def shot(widget: Locator) -> Image.Image:
    """Take a picture of a widget."""
    return Image.open(io.BytesIO(widget.screenshot())).convert("RGB")


def save(picture: Image.Image, name: str) -> None:
    """Save a picture with few colours: that is a third of the bytes."""
    picture.quantize(256).save(STATIC / name, optimize=True)


def explorer_pictures(book: Notebook) -> None:
    """Search, filter by the picture, open a file, verify: the animation; and the Explorer, light and dark."""
    widget, page = book.widget(), book.page
    widget.get_by_role("button", name="GW170608, Prod1: ").wait_for()
    page.wait_for_timeout(1500)
    frames = [shot(widget)]
    widget.get_by_label("Search").fill("posterior")
    page.wait_for_timeout(800)
    frames.append(shot(widget))
    widget.get_by_role("button", name="GW170104, Prod0: ").click()
    page.wait_for_timeout(800)
    frames.append(shot(widget))
    widget.get_by_role("button", name="posterior.hdf5").click()
    widget.get_by_role("region", name="File", exact=True).get_by_text("✓ Verified").wait_for()
    page.wait_for_timeout(800)
    frames.append(shot(widget))
    widget.get_by_role("button", name="GW170608", exact=True).click()
    widget.get_by_label("Search").fill("")
    widget.get_by_role("button", name="Close File").click()
    page.wait_for_timeout(500)
    widget.get_by_role("button", name="Select all 15 that match").click()
    widget.get_by_role("button", name="Verify", exact=True).click()
    widget.get_by_text("1 of 15 files failed").wait_for()
    page.wait_for_timeout(800)
    frames.append(shot(widget))
    animation(frames)
    save(frames[3], "widget-explorer.png")
    dark(book)
    page.wait_for_timeout(500)
    save(shot(widget), "widget-explorer-dark.png")
    light(book)


def animation(frames: list[Image.Image]) -> None:
    """Put pictures together, all of the size of the largest."""
    size = max(frame.width for frame in frames), max(frame.height for frame in frames)
    pages = []
    for frame in frames:
        page = Image.new("RGB", size, "white")
        page.paste(frame)
        pages.append(page.quantize(COLOURS))
    first, *rest = pages
    time = int(1000 * SECONDS)
    first.save(STATIC / "explorer.gif", save_all=True, append_images=rest, duration=time, loop=0, optimize=True)


def other_pictures(book: Notebook, folder: Path) -> None:
    """Take pictures of the Fetcher, the Verifier and the Uploader, of this one also 400 pixels wide."""
    fetcher, verifier, uploader, narrow = (book.widget(number) for number in range(1, 5))
    fetcher.get_by_role("button", name="Fetch").click()
    fetcher.get_by_role("button", name="Download").wait_for()
    verifier.get_by_text("failed").first.wait_for()
    for widget in (uploader, narrow):
        widget.locator("input[type=file]").first.set_input_files(sorted((folder / "new").iterdir()))
        widget.locator("li").nth(5).wait_for()
    uploader.get_by_role("button", name="Upload", exact=True).click()
    uploader.get_by_text("6 stored").first.wait_for()
    book.page.wait_for_timeout(1000)
    for widget, name in ((fetcher, "fetcher"), (verifier, "verifier"), (uploader, "uploader"), (narrow, "narrow")):
        save(shot(widget), f"widget-{name}.png")


def pictures_elsewhere(server: Server, browser: Browser, store: Store) -> None:
    """Take pictures of the Fetcher in Notebook 7, and of the Explorer as an app in Voilà."""
    page = browser.new_page(viewport={"width": 1100, "height": 760})
    cell = f"{opening(store)}from asimov.storage.widgets import Fetcher\n{CELLS[1]}"
    book = Notebook(server, page, server.write((cell,)), "notebook")
    book.run()
    book.widget().get_by_role("button", name="Fetch").click()
    book.widget().get_by_role("button", name="Download").wait_for()
    page.wait_for_timeout(800)
    save(Image.open(io.BytesIO(page.screenshot())).convert("RGB"), "widget-notebook7.png")
    page = browser.new_page(viewport={"width": 1100, "height": 640})
    book = Notebook(server, page, server.write((opening(store) + 'store.explore(height="fill")',)), "voila")
    book.widget().get_by_role("button", name="posterior.hdf5").first.wait_for()
    book.widget().get_by_label("Search").fill("GW17 psd")
    page.wait_for_timeout(1500)
    save(Image.open(io.BytesIO(page.screenshot())).convert("RGB"), "widget-voila.png")


CELLS = (
    "store.explore()",
    'Fetcher(store, "GW170104", "Prod0", "samples.csv")',
    "v = Verifier(store)\nv.start()\nv",
    'Uploader(store, "GW190521", "Prod0")',
    'widgets.Box([Uploader(store, "GW190521", "Prod1")], layout=widgets.Layout(width="400px"))',
)


def main() -> None:
    """Take all pictures."""
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        folder = Path(temporary)
        store = make_store(folder)
        (folder / "new").mkdir()
        for number in range(6):
            (folder / "new" / f"samples-{number}.csv").write_text(f"{number}\n" * 1000)
        server = Server(folder / "server")
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_OPTIONS)
        page: Page = browser.new_page(viewport={"width": 1500, "height": 900}, device_scale_factor=1)
        first = "import ipywidgets as widgets\nfrom asimov.storage.widgets import Fetcher, Uploader, Verifier\n"
        cells = (opening(store) + first + CELLS[0], *CELLS[1:])
        book = Notebook(server, page, server.write(cells), "lab")
        book.run()
        explorer_pictures(book)
        other_pictures(book, folder)
        pictures_elsewhere(server, browser, store)
        browser.close()
        server.close()


if __name__ == "__main__":
    main()

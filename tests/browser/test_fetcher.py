"""Fetcher in a real browser: JupyterLab, and once each Notebook 7 and Voilà."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import signal

import h5py
import numpy as np
import pytest
from damage import flip_bit, md5
from harness import _VALUE, Notebook, axe, dark, narrow, opening
from playwright.sync_api import expect
from scripted import Scripted

MIB = 2**20
CSV = b"mass_1,mass_2\n" + b"".join(b"%d.5,%d\n" % (n, n) for n in range(80))
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
HOSTILE = "<img src=x onerror=alert(1)>.svg"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(2)</script></svg>'


@pytest.fixture
def add(store, source):
    """Give a function that stores content as GW150914/Prod0/NAME."""

    def add(name, content):
        store.add_file("GW150914", "Prod0", source("content", content), name)
        return store.fetch_file("GW150914", "Prod0", name)

    return add


@pytest.fixture
def big(store):
    """Give a function that stores so many MiB, no two of which are alike, as GW150914/Prod0/big.bin."""

    def big(mebibytes):
        block = os.urandom(MIB)
        with store.new_file("GW150914", "Prod0", "big.bin") as file:
            for number in range(mebibytes):
                file.write(number.to_bytes(8, "big") + block[8:])
        return store["GW150914", "Prod0", "big.bin"]

    return big


@pytest.fixture
def opened(notebook, store):
    """Open a notebook with a Fetcher `f`: `(book, widget)`."""

    def open_notebook(*cells, host="lab", arguments=""):
        code = f"from asimov.storage.widgets import Fetcher\nf = Fetcher(store{arguments})\nf"
        book = notebook(opening(store) + code, *cells, host=host)
        book.widget().wait_for()
        return book, book.widget()

    return open_notebook


def press(widget, name):
    """Press a button."""
    widget.get_by_role("button", name=name, exact=True).click()


def status(widget):
    """Find the region where progress and results are."""
    return widget.get_by_role("status")


def fetch(widget, file, event="GW150914", production="Prod0"):
    """Type names and press Fetch."""
    for label, name in (("Event", event), ("Production", production), ("File", file)):
        widget.get_by_label(label, exact=True).fill(name)
    press(widget, "Fetch")


def fetch_well(widget, file):
    """Fetch a file, and wait until it and its preview are there."""
    fetch(widget, file)
    expect(status(widget)).to_contain_text(f"✓ Verified: GW150914 / Prod0 / {file}")
    expect(widget.get_by_role("heading", name="Preview")).to_be_visible()


def downloaded(book, widget):
    """Press Download, and give what the browser saved."""
    with book.page.expect_download(timeout=90_000) as download:
        press(widget, "Download")
    return download.value


def file_digest(path):
    """Digest a file that may be large."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def private_files(book):
    """Count the files that the browser keeps for our downloads; those of earlier tests are among them for a while."""
    return book.page.evaluate("""async () => {
        const root = await navigator.storage.getDirectory();
        const folder = await root.getDirectoryHandle("asimov-storage-downloads", { create: true });
        let count = 0;
        for await (const _ of folder.keys()) count += 1;
        return count;
    }""")


OPENED = "sum(str(p.resolve()) == str(f.path) for p in __import__('pathlib').Path('/proc/self/fd').iterdir())"


def wait_until_closed(book):
    """Wait until the kernel has closed the file that was fetched."""
    book.page.evaluate(
        f"""async (opened) => {{
            const until = performance.now() + 30_000;
            while ((await ({_VALUE})(opened)).data['text/plain'] !== '0')
                if (performance.now() > until) throw new Error('still open');
        }}""",
        OPENED,
    )


@pytest.mark.parametrize("host", ["lab", "notebook", "voila"])
def test_fetch_and_download(opened, store, add, host):
    """A file is fetched, its path and a line of code that does the same are shown, and it goes to the user's disk."""
    path = add("samples.csv", CSV)
    book, widget = opened(host=host)
    fetch_well(widget, "samples.csv")
    expect(widget.get_by_text(str(path), exact=True)).to_be_visible()
    expect(widget.get_by_role("row").nth(1)).to_have_text("0.50")
    expect(widget.get_by_text("Shown: the first 50 of 80 rows.")).to_be_visible()
    press(widget, "Copy code")
    code = book.page.evaluate("navigator.clipboard.readText()")
    place = "'GW150914', 'Prod0', 'samples.csv'"
    fetched = f"Store('{store.root}').fetch_file({place})"
    assert code == f"import pandas as pd; from asimov.storage import Store; pd.read_csv({fetched})"
    saved = downloaded(book, widget)
    assert (saved.suggested_filename, saved.path().read_bytes()) == ("samples.csv", CSV)
    expect(status(widget)).to_contain_text("✓ Downloaded: samples.csv")
    axe(book)


def test_200_mebibytes(opened, add, big):
    """200 MiB are cancelled in the middle and nothing is saved; then they are downloaded, and are the file."""
    record = big(200)
    book, widget = opened()
    fetch_well(widget, "big.bin")
    press(widget, "Download")
    expect(status(widget)).to_contain_text("Downloading big.bin")
    expect(status(widget)).to_contain_text("of 200.0 MiB")
    press(widget, "Cancel")
    expect(status(widget)).to_contain_text("Cancelled. Nothing was saved.")
    kept = private_files(book)
    saved = downloaded(book, widget)
    expect(status(widget)).to_contain_text("✓ Downloaded: big.bin, 200.0 MiB")
    assert file_digest(saved.path()) == record.hash
    assert private_files(book) == kept + 1


def test_a_kernel_that_hangs(opened, big):
    """A kernel that stops in the middle of a download is said to be busy or gone, and Cancel works all the same."""
    big(200)  # so that it is not yet done when the test has seen that it has begun
    book, widget = opened()
    process = book.value("__import__('os').getpid()")
    fetch_well(widget, "big.bin")
    press(widget, "Download")
    expect(status(widget)).to_contain_text("Downloading big.bin")
    os.kill(process, signal.SIGSTOP)
    expect(status(widget)).to_contain_text("The kernel is busy or gone.")
    press(widget, "Cancel")
    expect(status(widget)).to_contain_text("Cancelled. Nothing was saved.")
    os.kill(process, signal.SIGCONT)
    fetch_well(widget, "big.bin")
    expect(status(widget)).not_to_contain_text("The kernel is busy or gone.")


def test_a_cleared_output_ends_its_download(opened, big):
    """Clearing the output in the middle of a download closes the file in the kernel, as Cancel does."""
    big(64)
    book, widget = opened()
    fetch_well(widget, "big.bin")
    press(widget, "Download")
    expect(status(widget)).to_contain_text("Downloading big.bin")
    assert book.value(OPENED) == 1
    book.command("notebook:clear-all-cell-outputs")
    expect(widget).to_have_count(0)
    wait_until_closed(book)


def test_a_corrupt_file(opened, add):
    """A file that was changed is said to be, with digests, path and what to do; and there is nothing to download."""
    path = add("result.txt", b"a result")
    book, widget = opened()
    fetch_well(widget, "result.txt")
    flip_bit(path)
    found = md5(path.read_bytes())
    for button in ("Download", "Fetch"):
        press(widget, button)
        expect(status(widget)).to_contain_text("✗ The digest differs, so the file was not handed out.")
        for text in (md5(b"a result"), found, str(path)):
            expect(widget.get_by_text(text, exact=True)).to_be_visible()
        expect(widget.get_by_text("restore it from a copy")).to_be_visible()
        expect(widget.get_by_role("button", name="Download")).to_have_count(0)
    assert book.value("f.path") is None
    axe(book)
    dark(book)
    axe(book)
    narrow(book)


def test_what_is_changed_on_the_way_is_thrown_away(opened, add):
    """Bytes that arrive in the page other than they were sent are not saved, and the page says so."""
    add("result.txt", b"a result")
    change = """
from asimov.storage.widgets._fetching.downloads import Download
Download.slice = lambda self, index: b'A result'
"""
    book, widget = opened(change)
    fetch_well(widget, "result.txt")
    saved = []
    book.page.on("download", lambda download: saved.append(download.suggested_filename))
    press(widget, "Download")
    expect(status(widget)).to_contain_text("✗ What arrived in this page is not what the Store sent")
    expect(status(widget)).to_contain_text(f"Expected {md5(b'a result')}, found {md5(b'A result')}.")
    assert saved == []


def test_without_private_storage(opened, store, add, tmp_path):
    """Where the browser keeps no files for the page, small ones are downloaded, and large ones refused in words."""
    add("small.txt", b"a result")
    with store.new_file("GW150914", "Prod0", "large.bin") as file:
        for _ in range(129):
            file.write(bytes(MIB))
    book, widget = opened()
    book.page.evaluate("navigator.storage.getDirectory = undefined")
    fetch_well(widget, "small.txt")
    assert downloaded(book, widget).path().read_bytes() == b"a result"
    fetch_well(widget, "large.bin")
    press(widget, "Download")
    expect(status(widget)).to_contain_text("This page can take files of at most 128.0 MiB")
    expect(status(widget)).to_contain_text("This one has 129.0 MiB. Take it from its path on the server")
    book.page.evaluate("delete navigator.storage.getDirectory")


@pytest.fixture
def own_page(browser):
    """Make a page in a profile of its own, whose storage is empty."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


def test_a_browser_without_room(server, own_page, store, big):
    """Where the browser has no room for a file, perhaps beside others that it keeps, the page says so."""
    big(8)
    code = "from asimov.storage.widgets import Fetcher\nf = Fetcher(store)\nf"
    book = Notebook(server, own_page, server.write((opening(store) + code,)), "lab")
    book.run()
    widget = book.widget()
    fetch_well(widget, "big.bin")
    browser = own_page.context.new_cdp_session(own_page)
    browser.send("Storage.overrideQuotaForOrigin", {"origin": server.url, "quotaSize": MIB})
    press(widget, "Download")
    expect(status(widget)).to_contain_text("✗ Not downloaded: The browser has no room for 8.0 MiB")
    expect(status(widget)).to_contain_text("or take it from its path on the server, or with the line of code.")
    assert private_files(book) == 0
    browser.send("Storage.overrideQuotaForOrigin", {"origin": server.url, "quotaSize": 12 * MIB})
    downloaded(book, widget)
    press(widget, "Download")
    said = re.compile(r"no room for 8\.0 MiB beside 8\.0 MiB of other downloads, .* for 10 min .*Try again then")
    expect(status(widget)).to_contain_text(said)
    book.close()


def test_files_are_only_looked_at(opened, store, add, tmp_path):
    """Markup in names and files is only ever text, images and trees are shown as such, and nothing runs."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_group("<b>C01")["samples"] = np.zeros((3, 2))
    add(HOSTILE, SVG)
    add("plot.png", PNG)
    add("a.h5", (tmp_path / "a.h5").read_bytes())
    add("\u202egnp.exe", b"\x7fELF\0")
    book, widget = opened()
    ran = []
    book.page.on("dialog", lambda dialog: (ran.append(dialog.message), dialog.dismiss()))
    fetch_well(widget, HOSTILE)
    expect(widget.locator("pre")).to_have_text(SVG.decode())
    assert (widget.locator("svg, img, script").count(), ran) == (0, [])
    fetch_well(widget, "plot.png")
    image = widget.get_by_role("img", name="plot.png")
    expect(image).to_be_visible()
    assert image.evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 1
    fetch_well(widget, "a.h5")
    expect(widget.get_by_role("listitem").nth(1)).to_have_text("samples3 × 2, float64: 0.0 0.0 …")
    fetch(widget, "\u202egnp.exe")
    expect(status(widget)).to_contain_text("✓ Verified: GW150914 / Prod0 / \\u202egnp.exe")
    expect(widget.get_by_role("heading", name="Preview")).to_have_text("Preview: binary file, 5 B")
    axe(book)


def test_json_folds(opened, add):
    """JSON is shown as it is spelled, in lines that fold; one sees the end of a long one, and its beginning again."""
    runs = ", ".join(f'{{"snr": {number}.10}}' for number in range(9))
    add("result.json", f'{{"meta": {{"version": 1.10, "<b>deep": {{"runs": [{runs}]}}}}, "last": NaN}}'.encode())
    add("long.json", ("[" + ",".join(f'{{"n": {number}}}' for number in range(2000)) + "]").encode())
    book, widget = opened()
    fetch_well(widget, "result.json")
    tree = widget.locator(".asimov-storage-json")
    expect(tree.get_by_text('"version": 1.10,')).to_be_visible()
    expect(tree.get_by_text('"last": NaN')).to_be_visible()
    expect(tree.get_by_text('"snr": 8.10')).to_be_hidden()
    deep = tree.locator("summary", has_text='"<b>deep": {')
    expect(deep).to_have_text('    "<b>deep": { … 29 lines')
    deep.focus()
    book.page.keyboard.press("Enter")
    expect(tree.get_by_text('"runs": [')).to_be_visible()
    tree.locator("summary", has_text='"runs": [').click()
    expect(tree.get_by_text('"snr": 8.10')).to_be_visible()
    axe(book)
    fetch_well(widget, "long.json")
    expect(tree.get_by_text('"n": 5', exact=False).first).to_be_visible()
    press(widget, "Show the end")
    expect(widget.locator("pre")).to_contain_text('{"n": 1999}]')
    press(widget, "Show the beginning")
    expect(tree).to_be_visible()
    expect(widget.locator("pre")).to_have_count(0)


def test_type_ahead_over_100_000_records(notebook, hand_written):
    """Of 100,000 records those are offered that go on from what is typed, counted, each box narrowing the next."""
    files = "".join(f"      file_{n:06}: {{hash: {n:032x}, uuid: {n:032x}}}\n" for n in range(99_999))
    one = f"      one: {{hash: {0:032x}, uuid: {2**64:032x}}}\n"
    root = hand_written(f"name: Many\nevents:\n  GW150914:\n    Prod0:\n{files}  GW170817:\n    Prod7:\n{one}")
    book = notebook(
        f"from asimov.storage import Store\nfrom asimov.storage.widgets import Fetcher\nFetcher(Store({str(root)!r}))"
    )
    widget = book.widget()
    event, production, file = (widget.get_by_label(name, exact=True) for name in ("Event", "Production", "File"))
    options = widget.get_by_role("option")
    event.click()
    expect(options).to_have_text(["GW150914", "GW170817"])
    event.press_sequentially("gw15")
    expect(options).to_have_text(["GW150914"])
    event.press("ArrowDown")
    event.press("Enter")
    expect(event).to_have_value("GW150914")
    expect(options).to_have_count(0)
    production.press("ArrowDown")
    expect(options).to_have_text(["Prod0"])
    options.first.click()
    file.press_sequentially("9")
    expect(widget.get_by_text("more: type to narrow.")).to_be_visible()
    expect(options).to_have_count(50)
    file.press_sequentially("9998")
    expect(options).to_have_text(["file_099998"])
    axe(book)
    file.press("Escape")
    expect(options).to_have_count(0)
    file.fill("nonsense")
    expect(widget.get_by_text("Nothing on record matches.")).to_be_visible()


def test_keyboard_only(opened, add):
    """Typing, arrows, Tab, Enter and Space alone fetch and download, in the order in which the widget is read."""
    add("result.txt", b"a result")
    book, widget = opened()
    keys = book.page.keyboard
    widget.get_by_label("Event").focus()
    for name in ("Event", "Production"):
        expect(widget.get_by_label(name)).to_be_focused()
        keys.press("ArrowDown")
        expect(widget.get_by_role("option")).to_have_count(1)
        keys.press("ArrowDown")
        keys.press("Enter")
        keys.press("Tab")
    keys.type("result.txt")
    for name in ("Expected MD5 (optional)", "Destination folder (optional)"):
        keys.press("Tab")
        expect(widget.get_by_label(name)).to_be_focused()
    keys.press("Enter")
    expect(status(widget)).to_contain_text("✓ Verified: GW150914 / Prod0 / result.txt, 8 B")

    def step(name):
        keys.press("Tab")
        button = widget.get_by_role("button", name=name)
        expect(button).to_be_focused()
        assert button.evaluate("(element) => getComputedStyle(element).outlineStyle") == "solid"

    step("Fetch")
    step("Download")
    with book.page.expect_download() as download:
        keys.press("Enter")
    assert download.value.path().read_bytes() == b"a result"
    expect(widget.get_by_role("button", name="Download")).to_be_focused()
    step("Copy path")
    step("Copy code")
    keys.press("Tab")
    expect(widget.get_by_role("region", name="Text of result.txt")).to_be_focused()


def test_two_views_and_empty_boxes(opened, store, add, tmp_path):
    """Two views show the same result, also one that comes later; an empty box and an error are said where they are."""
    add("result.txt", b"a result")
    book, widget = opened("f")
    second = book.widget(1)
    press(widget, "Fetch")
    expect(widget.get_by_text("Which event?")).to_be_visible()
    expect(widget.get_by_label("Event")).to_be_focused()
    widget.get_by_label("Destination folder").fill(str(tmp_path / "nowhere"))
    fetch(widget, "result.txt")
    for view in (widget, second):
        expect(status(view)).to_contain_text(f"✗ There is no folder {tmp_path}/nowhere on the server.")
    widget.get_by_label("Destination folder").fill(str(tmp_path))
    press(widget, "Fetch")
    for view in (widget, second):
        expect(status(view)).to_contain_text("✓ Verified and copied: GW150914 / Prod0 / result.txt")
        expect(view.locator("pre")).to_have_text("a result")
    assert (tmp_path / "result.txt").read_bytes() == b"a result"
    fetch(second, "nothing.txt")
    expect(status(widget)).to_contain_text("✗")
    expect(status(widget)).to_contain_text("nothing.txt")
    expect(widget.locator("pre")).to_have_count(0)


def test_dark_and_narrow(opened, add):
    """In the dark theme and at 400 pixels all is readable, and nothing sticks out."""
    add("samples.csv", CSV)
    book, widget = opened()
    fetch_well(widget, "samples.csv")
    dark(book)
    axe(book)
    narrow(book)
    axe(book)


def record(book, widget, what):
    """Take down every text that comes into a part of the widget from now on, and when; give what reads that."""
    watch = """(element) => {
        window.recorded = [];
        const texts = ({ addedNodes }) => [...addedNodes].map((node) => [performance.now(), node.textContent]);
        new MutationObserver((changes) => recorded.push(...changes.flatMap(texts))).observe(
            element, { childList: true, subtree: true });
    }"""
    widget.locator(what).evaluate(watch)
    return lambda: book.page.evaluate("recorded")


def test_a_wrong_expected_digest(opened, add):
    """An expected MD5 that isn't the file's is shown with both digests, and there is nothing to download."""
    add("result.txt", b"a result")
    book, widget = opened()
    widget.get_by_label("Expected MD5").fill("0" * 32)
    fetch(widget, "result.txt")
    expect(status(widget)).to_contain_text("✗ The digest differs, so the file was not handed out.")
    for digest in ("0" * 32, md5(b"a result")):
        expect(widget.get_by_text(digest, exact=True)).to_be_visible()
    expect(widget.get_by_text("The hash that was given, ")).to_be_visible()
    expect(widget.get_by_role("button", name="Download")).to_have_count(0)
    widget.get_by_label("Expected MD5").fill(f" {md5(b'a result').upper()}")
    fetch_well(widget, "result.txt")
    axe(book)


def test_one_download_after_another(opened, add):
    """A second download in a view says nothing of the first, and its file is the one that is saved."""
    add("first.txt", b"a result")
    add("second.txt", b"another")
    book, widget = opened()
    fetch_well(widget, "first.txt")
    assert downloaded(book, widget).path().read_bytes() == b"a result"
    fetch_well(widget, "second.txt")
    recorded = record(book, widget, "[role=status]")
    assert downloaded(book, widget).path().read_bytes() == b"another"
    expect(status(widget)).to_contain_text("✓ Downloaded: second.txt")
    said = [text for _, text in recorded()]
    assert any("Verifying second.txt" in text for text in said)
    assert not any("first.txt" in text for text in said)


def test_cancel_while_a_file_is_verified_for_its_download(opened, add):
    """A download is cancelled while its file, here of 1 TiB of nothing, is verified; the next one goes well."""
    path = add("result.txt", b"a result")
    book, widget = opened()
    fetch_well(widget, "result.txt")
    path.chmod(0o644)
    os.truncate(path, 1 << 40)
    press(widget, "Download")
    expect(status(widget)).to_contain_text("Verifying result.txt before the download")
    expect(status(widget)).to_contain_text("iB/s, ")
    press(widget, "Cancel")
    expect(status(widget)).to_contain_text("○ Cancelled. Nothing was saved.")
    wait_until_closed(book)
    os.truncate(path, 8)
    assert downloaded(book, widget).path().read_bytes() == b"a result"


def test_a_download_paints_at_a_readable_pace(opened, big):
    """However fast slices come, a download changes what it says at most five times a second."""
    big(64)
    book, widget = opened("from asimov.storage.widgets._fetching import downloads; downloads.SLICE = 2**18")
    fetch_well(widget, "big.bin")
    recorded = record(book, widget, ".asimov-storage-line")
    downloaded(book, widget)
    expect(status(widget)).to_contain_text("✓ Downloaded: big.bin")
    times = [time for time, _ in recorded()]
    assert 1 < len(times) <= 2 + (times[-1] - times[0]) / 1000 * 5


SHOWN = {
    "number": 1,
    "event": "GW150914",
    "production": "Prod0",
    "file": "a.txt",
    "phase": "fetched",
    "path": "/store/a.txt",
    "code": "fetch()",
    "hash": md5(b"a result"),
    "size": 8,
    "copied": False,
    "why": None,
    "notes": [],
}
EMPTY = {"store": "Test Store", "event": "GW150914", "production": "Prod0", "file": "a.txt"}


@pytest.fixture
def scripted(browser):
    """Open a Fetcher without a kernel: the test answers."""
    pages = []

    def scripted(shown=SHOWN, **options):
        pages.append(Scripted(browser, "Fetcher", _initial=EMPTY, _shown=shown, **options))
        return pages[-1]

    yield scripted
    for page in pages:
        page.close()


def test_what_is_under_way_at_cancel_is_not_painted(scripted):
    """What the kernel still says of a verification that was cancelled doesn't take the place of Cancelled."""
    page = scripted()
    page.press("Download")
    told = {"download": page.asked("download/begin")["download"], "total": 100}
    page.tell("download/verifying", done=1, **told)
    expect(page.status).to_contain_text("Verifying a.txt before the download")
    page.pass_time(1000)
    page.press("Cancel")
    expect(page.status).to_contain_text("Cancelled. Nothing was saved.")
    page.tell("download/verifying", done=2, **told)
    page.pass_time(1000)
    expect(page.status).to_contain_text("Cancelled. Nothing was saved.")


def test_only_its_own_verification_is_painted(scripted):
    """What the kernel says late of one download is not taken for the progress of the next."""
    page = scripted()
    page.press("Download")
    before = page.asked("download/begin")
    page.press("Cancel")
    page.fail(before, "StorageError", "This download was ended.")
    expect(page.status).to_contain_text("Cancelled. Nothing was saved.")
    page.press("Download")
    begun = page.asked("download/begin")
    page.tell("download/verifying", download=before["download"], done=2, total=99)
    page.tell("download/verifying", download=begun["download"], done=3, total=77)
    page.pass_time(1000)
    expect(page.status).to_contain_text("3 B of 77 B")
    page.tell("download/verifying", download=before["download"], done=2, total=99)
    page.pass_time(1000)
    expect(page.status).to_contain_text("3 B of 77 B")


@pytest.mark.parametrize("shown", [{}, SHOWN, {**SHOWN, "phase": "failed", "error": {"message": "The old error"}}])
@pytest.mark.parametrize("type_", ["RefusedError", "LostRequestError"])
def test_a_fetch_that_never_began_is_said(scripted, shown, type_):
    """Why a fetch has not begun is said, also where the one before has failed, and that one's error goes."""
    page = scripted(shown)
    for words in ("There is no folder x.", "There is no folder y."):
        page.press("Fetch")
        page.fail(page.asked("fetch/start"), type_, words)
        expect(page.status).to_have_text(f"✗ {words}")


def test_a_fetch_that_was_shown_is_said_once(scripted):
    """The error of a fetch that began is that of its states: the answer to who asked doesn't replace it."""
    page = scripted()
    page.press("Fetch")
    error = {"type": "StorageError", "message": "It failed."}
    page.change(_shown={**SHOWN, "number": 2, "phase": "failed", "error": error})
    page.fail(page.asked("fetch/start"), "StorageError", "The same, as an answer.")
    expect(page.status).to_have_text("✗ It failed.")


def test_a_fetch_whose_connection_broke_ends(scripted):
    """A fetch that began, and was lost with the connection, is said to be lost, and another can be asked for."""
    page = scripted()
    page.press("Fetch")
    page.change(_shown={**SHOWN, "number": 2, "phase": "fetching", "done": 1, "total": 9})
    expect(page.status).to_contain_text("1 B of 9 B")
    page.fail(page.asked("fetch/start"), "LostRequestError", "The connection to the kernel broke.")
    expect(page.status).to_contain_text("✗ The connection to the kernel broke.")
    page.press("Fetch")
    page.asked("fetch/start")


def test_the_focus_stays_in_the_widget(scripted):
    """Where Download goes because the digest differs, the keyboard goes on from Fetch, not from the page's top."""
    page = scripted()
    page.root.get_by_role("button", name="Download").focus()
    page.page.keyboard.press("Enter")
    error = {"path": "/store/a.txt", "expected": "0", "actual": "1", "advice": "Restore it."}
    page.fail(page.asked("download/begin"), "HashError", "It differs.", **error)
    expect(page.root.get_by_text("Restore it.")).to_be_visible()
    expect(page.root.get_by_role("button", name="Fetch")).to_be_focused()


def test_why_there_is_no_preview_is_said(scripted):
    """Where the kernel can't give a preview, the reason stands in its place."""
    page = scripted()
    page.fail(page.asked("fetch/preview"), "MemoryError", "MemoryError")
    expect(page.root.get_by_text("No preview: MemoryError")).to_be_visible()


MANY = {"names": [f"file{number}" for number in range(50)], "total": 1234}


@pytest.fixture
def suggested(scripted):
    """A Fetcher whose File box offers many names, on a page that can be scrolled."""
    page = scripted({})
    page.page.add_style_tag(content="body { height: 3000px; }")
    page.root.get_by_label("File", exact=True).click()
    page.answer(page.asked("names/suggest"), MANY)
    expect(page.root.get_by_role("option")).to_have_count(50)
    return page


def test_suggestions_are_announced(suggested):
    """A screen reader hears how many names there are, that none matches, and why none could be had."""
    live = suggested.root.locator('.asimov-storage-field:has([name="file"]) [aria-live=polite]')
    expect(live).to_have_text("Suggestions: 50 of 1,234.")
    suggested.page.keyboard.type("x")
    suggested.answer(suggested.asked("names/suggest"), {"names": [], "total": 0})
    expect(live).to_have_text("Suggestions: 0 of 0.")
    expect(suggested.root.get_by_text("Nothing on record matches.")).to_be_visible()
    suggested.page.keyboard.press("Escape")
    expect(live).to_have_text("")


def test_why_there_are_no_suggestions_is_said(suggested):
    """Where the kernel can't suggest names, the reason stands below the box, and is announced."""
    suggested.page.keyboard.type("x")
    suggested.fail(suggested.asked("names/suggest"), "ManifestError", "The manifest is broken.")
    said = suggested.root.get_by_text("No suggestions: The manifest is broken.")
    expect(said).to_have_count(2)
    expect(said.first).to_be_visible()
    expect(suggested.root.get_by_role("option")).to_have_count(0)
    suggested.page.keyboard.type("y")
    suggested.answer(suggested.asked("names/suggest"), MANY)
    expect(suggested.root.get_by_role("option")).to_have_count(50)


def test_suggestions_go_when_the_page_scrolls(suggested):
    """When the page is scrolled, by whatever, the names below a box don't stay behind; to scroll in them is fine."""
    suggested.page.keyboard.press("ArrowUp")
    options = suggested.root.get_by_role("option")
    expect(options.last).to_have_attribute("aria-selected", "true")
    expect(options.last).to_be_in_viewport()
    scrolled = "() => new Promise((done) => { addEventListener('scroll', done, { once: true }); %s })"
    suggested.page.evaluate(scrolled % "scrollBy(0, 0.4); scrollBy(0, 100);")
    expect(options).to_have_count(0)


@pytest.mark.parametrize(("platform", "keys"), [("Linux x86_64", "Ctrl+C"), ("MacIntel", "⌘C")])
def test_where_the_page_may_not_copy(scripted, platform, keys):
    """Where there is no clipboard, the text is selected, the keys of the system are named, and the label comes back."""
    before = f"Object.defineProperty(navigator, 'platform', {{ get: () => '{platform}' }});"
    page = scripted(before=before)
    page.press("Copy path")
    expect(page.root.get_by_role("button", name=f"Selected: press {keys}")).to_be_visible()
    assert page.page.evaluate("String(getSelection())") == "/store/a.txt"
    page.pass_time(5000)
    expect(page.root.get_by_role("button", name="Copy path")).to_be_visible()


GIB = 2**30


def heights(page, states):
    """Give the heights of a widget as it shows states, a second apart."""
    found = []
    for state in states:
        page.pass_time(1000)
        page.change(**state)
        found.append(page.root.bounding_box()["height"])
    return set(found)


@pytest.mark.parametrize("width", [320, 400, 1280])
def test_nothing_moves_while_a_file_is_fetched(scripted, width):
    """From the first byte of a fetch to its last the widget keeps its height, whatever rate and time are."""
    page = scripted({}, width=width)
    steps = [(0, 0), (0, 999 * GIB), (999 * GIB // 1000, 999 * GIB), (998 * GIB, 999 * GIB), (999 * GIB, 999 * GIB)]
    begun = {**SHOWN, "number": 2, "phase": "fetching"}
    assert len(heights(page, [{"_shown": {**begun, "done": done, "total": total}} for done, total in steps])) == 1


@pytest.mark.parametrize("width", [400, 1280])
def test_nothing_moves_while_a_file_is_downloaded(scripted, width):
    """From the click on Download to the last slice the widget keeps its height, also as the words change."""
    name = "a file whose name just fits.txt"
    page = scripted({**SHOWN, "file": name, "size": 40}, width=width)
    page.press("Download")
    begun = page.asked("download/begin")
    found = []
    for done in (0, 30, 40):
        page.tell("download/verifying", download=begun["download"], done=done, total=40)
        page.pass_time(1000)
        found.append(page.root.bounding_box()["height"])
    page.answer(begun, {"size": 40, "slice": 10, "hash": "0" * 32})
    for done in (10, 20, 30):
        page.answer_with_bytes(page.asked("download/slice"), 10)
        expect(page.status).to_contain_text(f"Downloading {name}{done} B of 40 B")
        found.append(page.root.bounding_box()["height"])
        page.pass_time(1000)
    assert len(set(found)) == 1


def test_a_silent_kernel_is_said_within_five_seconds(scripted):
    """A kernel that falls silent during a fetch is said to be busy or gone within five seconds."""
    page = scripted()
    page.press("Fetch")
    page.change(_shown={**SHOWN, "number": 2, "phase": "fetching", "done": 1, "total": 9})
    page.pass_time(20_000)
    expect(page.status).not_to_contain_text("busy or gone")
    page.fall_silent()
    page.pass_time(5000)
    expect(page.status).to_contain_text("The kernel is busy or gone.")

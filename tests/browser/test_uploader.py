"""Uploader in a real browser: JupyterLab, and once each Notebook 7 and Voilà."""

from __future__ import annotations

import hashlib
import os
import re
import signal
from pathlib import Path

import pytest
from harness import Notebook, axe, dark, drop, narrow, opening
from playwright.sync_api import expect

MIB = 2**20


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Make files of so many MiB, no two slices of which are alike: `files(64)`."""
    folder = tmp_path_factory.mktemp("files")

    def make(mebibytes, name=None):
        path = folder / (name or f"{mebibytes}.bin")
        if not path.exists():
            block = os.urandom(MIB)
            with path.open("wb") as file:
                for number in range(mebibytes):
                    file.write(number.to_bytes(8, "big") + block[8:])
        return path

    return make


@pytest.fixture
def opened(notebook, store):
    """Open a notebook with an Uploader `w`, its event and production filled in: `(book, widget)`."""

    def open_notebook(*cells, arguments="", host="lab"):
        code = f"from asimov.storage.widgets import Uploader\nw = Uploader(store, 'GW150914', 'Prod0'{arguments})\nw"
        book = notebook(opening(store) + code, *cells, host=host)
        book.widget().wait_for()
        return book, book.widget()

    return open_notebook


def md5(path):
    """Digest a file."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def choose(widget, *paths):
    """Choose files, as the file chooser gives them."""
    widget.get_by_label("File", exact=True).set_input_files(paths)


def press(widget, name):
    """Press a button."""
    widget.get_by_role("button", name=name, exact=True).click()


def status(widget):
    """Find the region that says in numbers what goes on."""
    return widget.get_by_role("status")


def listed(widget):
    """Find the list of the files: chosen, under way, and done."""
    return widget.locator(".asimov-storage-body")


def row(widget, name):
    """Find the row of a file that isn't to be changed any more."""
    name = widget.page.get_by_text(name, exact=True)
    return listed(widget).get_by_role("listitem").filter(has=name).first


def details(widget, name):
    """Open the details of a file's row, and find them."""
    found = row(widget, name)
    if found.get_by_role("button", name="Details").get_attribute("aria-expanded") == "false":
        found.get_by_role("button", name="Details").click()
    return found.get_by_role("term").locator("..")


def expect_stored(store, widget, *paths):
    """Wait until files are stored, and assert that they are, byte for byte, and shown with MD5 and uuid."""
    for path in paths:
        expect(row(widget, path.name)).to_contain_text("✔ Stored", timeout=200_000)
        record = store["GW150914", "Prod0", path.name]
        assert record.hash == md5(path)
        expect(details(widget, path.name)).to_contain_text(f"MD5{record.hash}UUID{record.uuid}")
    assert store.verify().ok


def expect_under_way(widget, least=0.05):
    """Wait until a file is under way, and more than so much of it has gone."""
    bar = listed(widget).get_by_role("progressbar").first
    bar.wait_for()
    widget.page.wait_for_function("([bar, least]) => bar.value > least", arg=[bar.element_handle(), least], polling=20)


def partials(store):
    """List what lies in the Store on its way in."""
    return list((store.root / ".manifest" / "incoming").glob("*"))


@pytest.mark.parametrize("host", ["lab", "notebook", "voila"])
def test_upload_by_chooser(opened, store, files, host):
    """64 MiB from the file chooser are stored in JupyterLab; 12 MiB, above the old limit, in Notebook 7 and Voilà."""
    book, widget = opened(host=host)
    path = files(64 if host == "lab" else 12)
    choose(widget, path)
    press(widget, "Upload")
    expect_stored(store, widget, path)
    if host != "voila":
        assert book.value("[(r.file, r.hash) for r in w.records]") == [(path.name, md5(path))]


def test_upload_by_drop(opened, store, files):
    """64 MiB dropped on the widget are stored."""
    _, widget = opened()
    path = files(64)
    drop(widget.get_by_text("drop them here"), [path])
    press(widget, "Upload")
    expect_stored(store, widget, path)


@pytest.fixture
def folder(tmp_path):
    """Make a folder of results, with two files of one name, an empty one, and hidden ones."""
    folder = tmp_path / "results"
    for name, content in {
        "a.txt": "a",
        "run1/psd.dat": "1",
        "run2/psd.dat": "22",
        "run2/deep/er/c.txt": "",
        ".hidden": "h",
        "run1/.git/config": "g",
        "run1/.git/objects/x": "g",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


@pytest.mark.parametrize("way", ["chosen", "dropped"])
def test_a_folder_is_taken_with_what_is_in_it(opened, store, folder, files, way):
    """Of a folder that is chosen or dropped all files but hidden ones go up, under names that can be changed before."""
    _, widget = opened()
    if way == "chosen":
        widget.get_by_label("Folder", exact=True).set_input_files(folder)
    else:
        drop(widget.get_by_text("drop them here"), [folder, files(1)])
    names = listed(widget).get_by_role("textbox", name="Name in the Store")
    wanted = ["a.txt", "c.txt", "run1_psd.dat", "run2_psd.dat"] + ["1.bin"] * (way == "dropped")
    expect(names).to_have_count(len(wanted))
    assert sorted(name.input_value() for name in names.all()) == sorted(wanted)
    expect(widget.get_by_text("Left out: 2 hidden files and folders.")).to_be_visible()
    expect(widget.get_by_text("2 files have their folders in front of the name")).to_be_visible()
    names.nth(wanted.index("a.txt")).fill("A.txt") if way == "chosen" else None
    press(widget, "Upload")
    expect(status(widget)).to_have_text(f"{len(wanted)} stored.")
    contents = {record.file: store.fetch_file(*record.key).read_bytes() for record in store}
    assert contents["run2_psd.dat"] == b"22"
    assert sorted(contents) == sorted({"A.txt" if name == "a.txt" and way == "chosen" else name for name in wanted})


def test_three_at_once(opened, store, files, tmp_path):
    """Three files at once are stored each, and a fourth and fifth that are refused leave them going."""
    book, widget = opened()
    (tmp_path / "there.bin").write_bytes(files(1).read_bytes())
    (tmp_path / "damaged.bin").write_bytes(b"damaged")
    store.add_file("GW170817", "Prod3", tmp_path / "there.bin")
    paths = [files(24, "a.bin"), files(16, "b.bin"), files(8, "<img src=x onerror=alert(1)>.bin")]
    choose(widget, *paths, files(1), tmp_path / "damaged.bin")
    listed(widget).get_by_role("button", name="Details").last.click()
    widget.get_by_label("Expected MD5").fill("0" * 32)
    press(widget, "Upload")
    expect_stored(store, widget, *paths)
    expect(listed(widget)).to_contain_text("Already in the Store, as GW170817 / Prod3 / there.bin")
    expect(listed(widget)).to_contain_text("damaged.bin: what arrived has the MD5 " + md5(tmp_path / "damaged.bin"))
    expect(status(widget)).to_contain_text("3 stored, 2 not stored.")
    assert book.page.locator("img[src=x]").count() == 0
    assert partials(store) == []


def test_cancel_and_try_again(opened, store, files):
    """Cancel ends an upload at once, leaves nothing, and the file can be sent again."""
    _, widget = opened()
    path = files(96)
    choose(widget, path)
    press(widget, "Upload")
    expect_under_way(widget)
    press(widget, "Cancel")
    expect(listed(widget)).to_contain_text("Cancelled. Nothing was stored.", timeout=1000)
    expect(widget.get_by_role("button", name="Cancel")).to_be_hidden()
    press(widget, "Try again")
    press(widget, "Upload")
    expect_stored(store, widget, path)
    assert partials(store) == []


def test_reload_in_the_middle(opened, store, files):
    """After a reload in the middle, choosing the same file goes on with the bytes that are there."""
    book, widget = opened()
    path = files(96)
    choose(widget, path)
    book.save()
    press(widget, "Upload")
    expect_under_way(widget, 0.2)
    book.reload()
    (partial,) = partials(store)
    before = partial.stat()
    assert before.st_size > 0
    choose(widget, path)
    press(widget, "Upload")
    expect_stored(store, widget, path)
    assert store.fetch_file("GW150914", "Prod0", path.name).stat().st_ino == before.st_ino


def test_kernel_restart_in_the_middle(opened, store, files):
    """A restart of the kernel in the middle is said within 5 s; in the new widget the same file goes on."""
    book, widget = opened()
    path = files(96)
    choose(widget, path)
    press(widget, "Upload")
    expect_under_way(widget, 0.2)
    book.page.evaluate("() => { window.asimovTestPanel.sessionContext.session.kernel.restart(); }")
    expect(widget.get_by_text("The kernel is busy or gone").first).to_be_visible(timeout=5000)
    book.wait_for_kernel()
    book.run()
    expect(status(widget)).to_contain_text("Choose files, or drop them here.")
    (partial,) = partials(store)
    before = partial.stat()
    choose(widget, path)
    press(widget, "Upload")
    expect_stored(store, widget, path)
    assert store.fetch_file("GW150914", "Prod0", path.name).stat().st_ino == before.st_ino


def test_a_kernel_that_hangs_is_said_and_goes_on(opened, store, files):
    """A kernel that doesn't answer is said within 5 s, not a frozen count; when it answers, the upload goes on."""
    book, widget = opened()
    path = files(96)
    kernel = book.value("__import__('os').getpid()")
    choose(widget, path)
    press(widget, "Upload")
    expect_under_way(widget)
    os.kill(kernel, signal.SIGSTOP)
    try:
        expect(widget.get_by_text("The kernel is busy or gone")).to_be_visible(timeout=5000)
        expect(listed(widget)).to_contain_text("the kernel doesn't answer")
    finally:
        os.kill(kernel, signal.SIGCONT)
    expect_stored(store, widget, path)
    expect(widget.get_by_text("The kernel is busy or gone")).to_have_count(0)


def test_it_goes_on_while_a_cell_runs(opened, store, files, tmp_path):
    """While a cell runs, an upload goes on beside it."""
    book, widget = opened()
    choose(widget, files(1))
    press(widget, "Upload")  # the first message of a session doesn't run beside a cell
    expect_stored(store, widget, files(1))
    book.execute(f"import os, time\nwhile not os.path.exists({str(tmp_path / 'stop')!r}): time.sleep(0.05)")
    choose(widget, files(8))
    press(widget, "Upload")
    expect_stored(store, widget, files(8))
    (tmp_path / "stop").touch()


def test_two_views(opened, store, files):
    """Of two views of one widget the second shows what the first stored; one file from both at once is stored once."""
    book, first = opened("w")
    second = book.widget(1)
    choose(first, files(8))
    press(first, "Upload")
    expect_stored(store, second, files(8))
    path = files(96)
    for view in (first, second):
        choose(view, path)
    press(first, "Upload")
    expect_under_way(first)
    press(second, "Upload")
    expect_stored(store, first, path)
    expect(listed(second)).to_contain_text(re.compile("✘ Not stored: |has a file called 96.bin already"))
    assert sorted(record.file for record in store) == ["8.bin", path.name]


def test_a_cleared_output_ends_its_uploads(opened, store, files):
    """Clearing the output ends the view's uploads; nothing hangs, and the next view goes on with the bytes."""
    book, widget = opened()
    path = files(96)
    choose(widget, path)
    press(widget, "Upload")
    expect_under_way(widget, 0.2)
    book.command("notebook:clear-all-cell-outputs")
    expect(widget).to_have_count(0)
    book.run()
    choose(widget, path)
    press(widget, "Upload")
    expect_stored(store, widget, path)


def test_closing_the_widget_leaves_nothing(opened, store, files):
    """w.close() in the middle takes the widget off the page and its partial file out of the Store."""
    book, widget = opened()
    choose(widget, files(96))
    press(widget, "Upload")
    expect_under_way(widget, 0.2)
    assert book.value("w.close()") is None
    expect(widget).to_have_count(0)
    assert (
        book.value("[t.name for t in __import__('threading').enumerate() if 'Upload' in t.name and t.join(20)]") == []
    )
    assert (partials(store), len(store)) == ([], 0)


ADD_AND_UPLOAD_AT_ONCE = """(box) => {
  box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
  box.form.requestSubmit();  // before the kernel can have answered
}"""


def test_from_the_server(opened, store, files, tmp_path):
    """A file below `server_root` is completed as it is typed, and stored; one above it is refused."""
    folder = tmp_path / "results"
    (folder / "run1").mkdir(parents=True)
    (folder / "run1" / "posterior.bin").write_bytes(files(12).read_bytes())
    _, widget = opened(arguments=f", server_root={str(folder)!r}")
    box = widget.get_by_label("Path on the server")
    box.fill("../x")
    press(widget, "Add")
    expect(widget.get_by_text("../x is not below")).to_be_visible()
    box.fill("r")
    widget.get_by_role("option", name="run1/").click()
    expect(widget.get_by_role("option")).to_have_text("run1/posterior.bin")
    box.press("ArrowDown")
    box.press("Enter")
    expect(box).to_have_value("run1/posterior.bin")
    box.evaluate(ADD_AND_UPLOAD_AT_ONCE)
    expect_stored(store, widget, folder / "run1" / "posterior.bin")


def test_names_are_suggested_and_checked(opened, store, files):
    """What the Store has is suggested, a new name is checked as it is typed, and a taken one is said."""
    store.add_file("GW170817", "Prod7", files(1))
    _, widget = opened()
    event, production = widget.get_by_label("Event"), widget.get_by_label("Production")
    event.fill("GW")
    expect(widget.get_by_role("option")).to_have_text("GW170817")
    event.fill("a/b")
    expect(widget.get_by_text("can't be the name of an event")).to_be_visible()
    press(widget, "Upload")
    expect(widget.get_by_text("Choose a file first.")).to_be_visible()
    choose(widget, files(1))
    press(widget, "Upload")
    expect(event).to_be_focused()
    event.fill("GW170817")
    production.fill("Prod7")
    press(widget, "Upload")
    expect(widget.get_by_text("has a file called 1.bin already")).to_be_visible()
    expect(widget.get_by_label("Name in the Store")).to_be_focused()
    assert len(store) == 1


def test_keyboard_only(opened, store, files):
    """Tab, typing, Enter and Space alone upload a file, in the order in which the widget is read."""
    book, widget = opened()
    keys = book.page.keyboard
    # Around all of it: Chromium would open a dialog of its own if Space came before it knows that it is not to.
    with book.page.expect_file_chooser() as chooser:
        widget.get_by_role("button", name="Upload").focus()
        for control in ("Event", "Production"):
            keys.press("Tab")
            expect(widget.get_by_label(control)).to_be_focused()
        for control in ("Choose files", "Choose a folder"):
            keys.press("Tab")
            expect(widget.get_by_role("button", name=control)).to_be_focused()
        keys.press("Shift+Tab")
        keys.press("Space")
    chooser.value.set_files([files(1), files(8)])
    expect(listed(widget).get_by_role("listitem")).to_have_count(2)
    first, second = (listed(widget).get_by_role("listitem").nth(number) for number in (0, 1))
    keys.press("Tab")
    keys.press("Tab")
    expect(widget.locator("summary")).to_be_focused()  # the notes
    for control in (
        first.get_by_label("Name in the Store"),
        first.get_by_role("button", name="Remove"),
        first.get_by_role("button", name="Details"),
        second.get_by_label("Name in the Store"),
        second.get_by_role("button", name="Remove"),
    ):
        keys.press("Tab")
        expect(control).to_be_focused()
    keys.press("Space")
    expect(first.get_by_role("button", name="Remove")).to_be_focused()
    keys.press("Tab")
    keys.press("Space")
    keys.press("Tab")
    expect(first.get_by_label("Expected MD5")).to_be_focused()
    for _ in range(3):
        keys.press("Shift+Tab")
    expect(first.get_by_label("Name in the Store")).to_be_focused()
    outline = first.get_by_label("Name in the Store").evaluate("(element) => getComputedStyle(element).outlineStyle")
    assert outline == "solid"
    keys.press("Enter")
    expect_stored(store, widget, files(1))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_accessible(opened, store, files, theme, tmp_path):
    """In both themes axe-core finds nothing: empty, with names in error, under way, and with results."""
    (tmp_path / "x").write_bytes(b"x")
    store.add_file("GW170817", "Prod3", tmp_path / "x")
    book, widget = opened(arguments=f", server_root={str(tmp_path)!r}")
    if theme == "dark":
        dark(book)
    axe(book)
    choose(widget, files(24), tmp_path / "x")
    widget.get_by_label("Event").fill("a/b")
    expect(widget.get_by_text("can't be the name of an event")).to_be_visible()
    axe(book)
    widget.get_by_label("Event").fill("GW150914")
    press(widget, "Upload")
    expect(listed(widget)).to_contain_text("Already in the Store")
    axe(book)
    narrow(book)
    expect_stored(store, widget, files(24))
    axe(book)


def test_nothing_jumps_while_it_goes_up(opened, tmp_path):
    """While an upload goes on nothing changes its place, and the count changes at most five times a second."""
    book, widget = opened()
    with (tmp_path / "long.bin").open("wb") as file:
        file.truncate(1024 * MIB)  # a hole: takes longer than anybody looks
    choose(widget, tmp_path / "long.bin")
    press(widget, "Upload")
    expect_under_way(widget)
    seen = book.page.evaluate(
        """async (root) => {
            const line = root.querySelector('.asimov-storage-line');
            const heights = new Set();
            let changes = 0;
            const observer = new MutationObserver(() => (changes += 1));
            observer.observe(line, { childList: true, characterData: true, subtree: true });
            const start = performance.now();
            while (performance.now() - start < 2000) {
                heights.add(root.getBoundingClientRect().height);
                await new Promise(requestAnimationFrame);
            }
            return { heights: [...heights], changes };
        }""",
        widget.element_handle(),
    )
    assert len(seen["heights"]) == 1
    assert 1 <= seen["changes"] <= 11
    press(widget, "Cancel")
    expect(listed(widget)).to_contain_text("Cancelled.")


# All slices from the sixth on are lost, for two and a half seconds; other messages are not.
SWALLOWING = """
window.swallowed = 0;
let count = 0;
let since;
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (data) {
    const large = (data.byteLength ?? data.length) > 500_000;
    if (large && ++count === 6) since = performance.now();
    if (large && count >= 6 && performance.now() - since < 2500) swallowed += 1;
    else send.call(this, data);
};
"""


def test_a_connection_that_loses_messages(server, context, store, files):
    """Slices that a breaking connection swallows are noticed, and the upload goes on from what has arrived."""
    page = context.new_page()
    page.add_init_script(SWALLOWING)
    code = opening(store) + "from asimov.storage.widgets import Uploader\nUploader(store, 'GW150914', 'Prod0')"
    book = Notebook(server, page, server.write((code,)), "notebook")
    book.run()
    choose(book.widget(), files(24))
    press(book.widget(), "Upload")
    expect_stored(store, book.widget(), files(24))
    assert page.evaluate("swallowed") > 0
    assert book.console_errors == []
    book.close()


# Holds what a page sends, or slows it down, as a test sets `line`.
SENDING = """
window.line = { hold: [], rate: null, held: [] };
const send = WebSocket.prototype.send;
const text = (data) => (typeof data === "string" ? data : new TextDecoder("latin1").decode(data.slice(0, 3000)));
let free = 0;
WebSocket.prototype.send = function (data) {
    const kind = line.hold.find((kind) => text(data).includes(kind));
    if (kind !== undefined) line.held.push([kind, () => send.call(this, data)]);
    else if (line.rate === null) send.call(this, data);
    else {
        free = Math.max(free, performance.now()) + ((data.byteLength ?? data.length) / line.rate) * 1000;
        setTimeout(() => send.call(this, data), free - performance.now());
    }
};
line.release = (wanted) => {
    line.hold = [];
    for (const [kind, go] of line.held.splice(0)) if (kind === wanted) go();
};
"""
# The first answer to an "upload/end" is lost.
DEAF = """
window.missed = 0;
const property = Object.getOwnPropertyDescriptor(WebSocket.prototype, "onmessage");
const text = (data) => (typeof data === "string" ? data : new TextDecoder("latin1").decode(data));
const isLost = ({ data }) => missed === 0 && /"ok": ?true.*"uuid"/s.test(text(data)) && ++missed;
const set = function (listener) {
    property.set.call(this, listener && ((event) => isLost(event) || listener.call(this, event)));
};
Object.defineProperty(WebSocket.prototype, "onmessage", { ...property, set });
"""
# Workers from a Blob fail as under a policy that refuses them: with an event, not an exception.
REFUSING = """
window.refused = 0;
const Real = Worker;
window.Worker = function (address, options) {
    if (!String(address).startsWith("blob:")) return new Real(address, options);
    refused += 1;
    const worker = { postMessage() {}, terminate() {} };
    setTimeout(() => worker.onerror(new Event("error")));
    return worker;
};
"""


@pytest.fixture
def on_a_line(server, context, store):
    """Open an Uploader in a page of its own, which runs a script first: `(page, widget)`."""
    opened = []

    def open_page(script=SENDING, code=""):
        page = context.new_page()
        page.add_init_script(script)
        code += "from asimov.storage.widgets import Uploader\nUploader(store, 'GW150914', 'Prod0')"
        book = Notebook(server, page, server.write((opening(store) + code,)), "notebook")
        opened.append(book)
        book.run()
        book.widget().wait_for()
        return page, book.widget()

    yield open_page
    errors = [error for book in opened for error in book.console_errors]
    for book in opened:
        book.close()
    assert errors == []


def test_a_slow_line(on_a_line, store, tmp_path):
    """A file arrives on a line that takes longer for a MiB than the kernel waits for a word of the page."""
    page, widget = on_a_line(
        code="from asimov.storage.widgets._uploading import open_uploads\nopen_uploads.PARKED = 4.0\n"
    )
    (tmp_path / "slow.bin").write_bytes(os.urandom(900_000))
    choose(widget, tmp_path / "slow.bin")
    page.evaluate("line.rate = 100_000")  # bytes a second
    press(widget, "Upload")
    expect_stored(store, widget, tmp_path / "slow.bin")


@pytest.mark.parametrize(
    "held", [["upload/begin"], ["upload/begin", "upload/abandon"]], ids=["in order", "abandon lost"]
)
def test_cancel_before_the_kernel_has_answered(on_a_line, store, files, held):
    """Cancel ends an upload whose beginning the kernel hasn't answered; what it answers later leaves nothing there."""
    page, widget = on_a_line()
    choose(widget, files(8))
    page.evaluate("(held) => { line.hold = held; }", held)
    press(widget, "Upload")
    page.wait_for_function("line.held.length > 0")
    press(widget, "Cancel")
    expect(listed(widget)).to_contain_text("Cancelled. Nothing was stored.", timeout=1000)
    page.evaluate("line.release('upload/begin')")
    press(widget, "Try again")
    press(widget, "Upload")
    expect_stored(store, widget, files(8))
    assert partials(store) == []


def test_an_answer_that_got_lost(on_a_line, store, files):
    """A file that is stored, but whose page missed the answer, is shown as stored."""
    page, widget = on_a_line(DEAF)
    choose(widget, files(8))
    press(widget, "Upload")
    page.wait_for_function("missed === 1")
    expect(status(widget)).to_contain_text("1 stored.")
    expect(widget.get_by_role("progressbar")).to_have_count(0)
    expect(status(widget)).not_to_contain_text("not stored")
    expect_stored(store, widget, files(8))


def test_where_workers_are_refused(on_a_line, store, files):
    """Where Workers are refused, a file is digested in the page, and stored."""
    page, widget = on_a_line(REFUSING)
    choose(widget, files(12))
    press(widget, "Upload")
    expect_stored(store, widget, files(12))
    assert page.evaluate("refused") > 0


def test_a_file_that_cannot_be_read_any_more(opened, store, files):
    """A file that changes on its way is said; once it is as it was, it is chosen again and goes on."""
    _, widget = opened()
    path = files(96)
    choose(widget, path)
    press(widget, "Upload")
    expect_under_way(widget)
    before = path.stat()
    os.utime(path, (0, 0))
    expect(listed(widget)).to_contain_text("✘ Not stored: The browser can't read 96.bin (any more)")
    press(widget, "Try again")
    expect(listed(widget)).to_contain_text("Choose it again.")
    expect(listed(widget).get_by_role("textbox")).to_have_count(0)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    choose(widget, path)
    press(widget, "Upload")
    expect_stored(store, widget, path)


def test_other_bytes_start_over(opened, store, files, tmp_path):
    """If the file has other bytes than those that are there of an earlier try, it starts over."""
    book, widget = opened()
    path = tmp_path / "changing.bin"
    path.write_bytes(files(96).read_bytes())
    before = path.stat()
    choose(widget, path)
    book.save()
    press(widget, "Upload")
    expect_under_way(widget, 0.2)
    book.reload()
    with path.open("r+b") as file:
        file.write(b"other bytes")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    choose(widget, path)
    press(widget, "Upload")
    expect_stored(store, widget, path)


def test_cancel_from_the_server_by_keyboard(opened, store, tmp_path):
    """The keyboard alone adds a file of the server, uploads it and cancels that; nothing is left."""
    with (tmp_path / "large.bin").open("wb") as file:
        file.truncate(2**40)
    book, widget = opened(arguments=f", server_root={str(tmp_path)!r}")
    keys = book.page.keyboard
    widget.get_by_label("Path on the server").focus()
    keys.type("large.bin")
    keys.press("Enter")
    expect(widget.get_by_label("Name in the Store")).to_have_value("large.bin")
    for control in (
        widget.get_by_role("button", name="Add", exact=True),
        widget.locator("summary"),  # the notes
        widget.get_by_label("Name in the Store"),
    ):
        keys.press("Tab")
        expect(control).to_be_focused()
    keys.press("Enter")
    expect(widget.get_by_text("of 1.0 TiB")).to_be_visible()
    widget.get_by_role("button", name="Upload").focus()
    keys.press("Shift+Tab")
    expect(widget.get_by_role("button", name="Cancel")).to_be_focused()
    keys.press("Space")
    expect(listed(widget)).to_contain_text("Cancelled. Nothing was stored.", timeout=1000)
    assert (partials(store), len(store)) == ([], 0)


STOPS = """async (root) => {
    [...root.querySelectorAll("button")].find((button) => button.textContent === "Upload").click();
    const frame = () => new Promise(requestAnimationFrame);
    const list = root.querySelector(".asimov-storage-body");
    const stops = () => [...list.querySelectorAll("button")].filter((button) => button.textContent === "Stop");
    while (stops().length < 3) await frame();
    const stop = stops().at(-1);
    const places = new Set();
    for (let after = 0; after < 20; ) {
        const { top, left } = stop.getBoundingClientRect();
        places.add(`${top - list.getBoundingClientRect().top} ${left}`);
        if (/Already in the Store/.test(list.textContent) && /✔ Stored/.test(list.textContent)) after += 1;
        await frame();
    }
    return [...places];
}"""


@pytest.mark.parametrize("width", [400, 900])
def test_nothing_jumps_as_others_are_done(opened, store, files, tmp_path, width):
    """While a file goes up its Stop button stays where it is, whatever becomes of others; in the end all is said."""
    (tmp_path / "there.bin").write_bytes(files(1).read_bytes())
    store.add_file("GW170817", "Prod3", tmp_path / "there.bin")
    with (tmp_path / "long.bin").open("wb") as file:
        file.truncate(1024 * MIB)
    book, widget = opened()
    narrow(book, width)
    choose(widget, files(1), files(8), tmp_path / "long.bin")
    assert len(widget.evaluate(STOPS)) == 1
    press(widget, "Cancel")
    expect(status(widget)).to_contain_text("1 stored, 1 not stored.")
    failed = listed(widget).get_by_text("Already in the Store")
    assert failed.evaluate("(words) => words.scrollWidth <= words.clientWidth")  # all of it can be read


def test_focus_goes_on(opened, store, files, tmp_path):
    """When a file is stored whose Stop button has the focus, the next one's gets it, and after the last one Upload."""
    with (tmp_path / "long.bin").open("wb") as file:
        file.truncate(1024 * MIB)
    _, widget = opened()
    upload, stops = (widget.get_by_role("button", name=name, exact=True) for name in ("Upload", "Stop"))
    choose(widget, files(24), tmp_path / "long.bin")
    upload.click()
    stops.first.focus()
    expect(stops).to_have_count(1, timeout=100_000)
    expect(stops).to_be_focused()
    press(widget, "Cancel")
    choose(widget, files(48))
    upload.click()
    stops.last.focus()
    expect(status(widget)).to_contain_text("2 stored", timeout=200_000)
    expect(upload).to_be_focused()
    expect_stored(store, widget, files(24), files(48))


def test_what_hinders_suggestions_is_said(opened, store):
    """A Store that can't be read any more is said beside the box, and stays no mistake of who types."""
    _, widget = opened()
    (store.root / ".manifest" / "manifest.yaml").write_text("{")
    event = widget.get_by_label("Event")
    event.fill("GW")
    expect(widget.get_by_text(re.compile("(No suggestions|Not checked): .*manifest.yaml")).first).to_be_visible()
    expect(event).not_to_have_attribute("aria-invalid", "true")


SIZES = """(root) => {
    const box = (element) => element.getBoundingClientRect();
    const button = [...root.querySelectorAll("button")].find((button) => button.textContent === "Upload");
    const { top, bottom } = box(button);
    const rows = [...root.querySelectorAll(".asimov-storage-files > li")].slice(0, 10).map((row) => box(row).height);
    return { inView: top >= 0 && bottom <= innerHeight, height: box(root).height, rows: [...new Set(rows)] };
}"""


@pytest.fixture
def sixty(tmp_path):
    """Make sixty small files."""
    paths = [tmp_path / f"posterior_samples_{number:02}.txt" for number in range(60)]
    for number, path in enumerate(paths):
        path.write_text(f"{number}")
    return paths


@pytest.mark.parametrize("width", [None, 400, 280])
def test_sixty_files_fit_the_screen(opened, store, sixty, width):
    """Of sixty files Upload stays in view, before and after; a row is one line, and nothing sticks out."""
    book, widget = opened()
    page = book.page
    before = page.viewport_size
    page.set_viewport_size({"width": 1200, "height": 800})
    try:
        choose(widget, *sixty)
        expect(listed(widget).get_by_role("listitem")).to_have_count(60)
        if width is not None:
            narrow(book, width)
        seen = widget.evaluate(SIZES)
        assert (seen["inView"], seen["rows"]) == (True, [pytest.approx(25, abs=1)])
        assert seen["height"] < 600
        press(widget, "Upload")
        expect(status(widget)).to_have_text("60 stored.")
        assert widget.evaluate(SIZES)["inView"]
        assert row(widget, sixty[-1].name).evaluate("(row) => row.firstElementChild.firstElementChild.offsetWidth > 50")
    finally:
        page.set_viewport_size(before)


def test_ten_thousand_files_stay_usable(opened):
    """Of 10,000 files that are chosen the page paints what is in view: it takes them, and types, without a stop."""
    _, widget = opened()
    took = widget.get_by_label("File", exact=True).evaluate(
        """async (input) => {
            const frame = () => new Promise(requestAnimationFrame);
            const chosen = new DataTransfer();
            for (let number = 0; number < 10_000; number += 1) chosen.items.add(new File(["x"], `${number}.txt`));
            input.files = chosen.files;
            const begun = performance.now();
            input.dispatchEvent(new Event("change"));
            await frame();
            await frame();
            const taken = performance.now();
            const list = input.form.querySelector(".asimov-storage-body");
            list.scrollTop = list.scrollHeight / 2;
            await frame();
            await frame();
            return [taken - begun, performance.now() - taken];
        }"""
    )
    expect(status(widget)).to_contain_text("10,000 to upload")
    assert took[0] < 10_000
    assert took[1] < 1_000


@pytest.mark.parametrize("size", [0, 5, 300_000, 9 * MIB])
@pytest.mark.parametrize("change", ["grows", "is emptied"])
def test_a_file_that_changes_before_it_goes_is_refused(opened, store, tmp_path, size, change):
    """A file that has grown or shrunk since it was chosen is refused, an empty one too; chosen again it goes."""
    if size == 0 and change == "is emptied":
        return
    _, widget = opened()
    path = tmp_path / "growing.txt"
    path.write_bytes(b"x" * size)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    choose(widget, path)
    expect(listed(widget).get_by_role("listitem")).to_have_count(1)
    path.write_bytes(b"y" * (size + 7) if change == "grows" else b"")
    press(widget, "Upload")
    expect(listed(widget)).to_contain_text("✘ Not stored: The browser can't read growing.txt (any more)")
    assert len(store) == 0
    press(widget, "Try again")
    expect(listed(widget)).to_contain_text("Choose it again.")
    choose(widget, path)
    expect(listed(widget).get_by_role("listitem")).to_have_count(1)
    press(widget, "Upload")
    expect_stored(store, widget, path)


def test_a_dropped_file_is_taken_anew(opened, store, tmp_path):
    """Of a file that was dropped and has grown since, "Try again" takes what there is now."""
    _, widget = opened()
    path = tmp_path / "growing.txt"
    path.write_bytes(b"")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    drop(widget.get_by_text("drop them here"), [path])
    expect(listed(widget).get_by_role("listitem")).to_have_count(1)
    path.write_bytes(b"something")
    press(widget, "Upload")
    expect(listed(widget)).to_contain_text("✘ Not stored: The browser can't read growing.txt (any more)")
    press(widget, "Try again")
    expect(listed(widget)).to_contain_text("9 B")
    press(widget, "Upload")
    expect_stored(store, widget, path)


def test_a_bad_file_keeps_no_other_out(opened, store, sixty, tmp_path):
    """Among many small files those that can't be stored are said, each with its reason, and all others are stored."""
    (tmp_path / "there.txt").write_text("7")
    store.add_file("GW170817", "Prod3", tmp_path / "there.txt")
    _, widget = opened()
    choose(widget, *sixty)
    listed(widget).get_by_role("button", name="Details").nth(3).click()
    widget.get_by_label("Expected MD5").fill("0" * 32)
    expect(listed(widget).get_by_role("listitem")).to_have_count(60)
    os.utime(sixty[5], (0, 0))
    press(widget, "Upload")
    expect(status(widget)).to_contain_text("57 stored, 3 not stored.")
    expect(row(widget, sixty[3].name)).to_contain_text("was expected")
    expect(row(widget, sixty[5].name)).to_contain_text("can't read")
    expect(row(widget, sixty[7].name)).to_contain_text("Already in the Store, as GW170817 / Prod3 / there.txt")
    press(widget, "Try all again")
    expect(listed(widget).get_by_role("textbox")).to_have_count(2)
    assert store.verify().ok


def test_small_files_whose_answer_got_lost(on_a_line, store, sixty):
    """Small files that are stored, but whose page missed the answer, are shown as stored."""
    page, widget = on_a_line(DEAF)
    choose(widget, *sixty)
    press(widget, "Upload")
    page.wait_for_function("missed === 1")
    expect(status(widget)).to_have_text("60 stored.")
    assert len(store) == 60


def test_small_files_are_cancelled(on_a_line, store, sixty):
    """Cancel ends small files that the kernel has not heard of; nothing is stored, and they can go later."""
    page, widget = on_a_line()
    choose(widget, *sixty)
    page.evaluate("line.hold = ['expected']")  # a batch: what it is called comes after its files
    press(widget, "Upload")
    page.wait_for_function("line.held.length > 0")
    press(widget, "Cancel")
    page.evaluate("line.release('expected')")
    expect(listed(widget)).to_contain_text("Cancelled. Nothing was stored.")
    expect(status(widget)).not_to_contain_text("on the way")
    assert (len(store), partials(store)) == (0, [])
    listed(widget).get_by_role("button", name="Try again").first.click()
    press(widget, "Upload")
    expect(status(widget)).to_contain_text("1 stored")


@pytest.mark.parametrize("way", ["a file", "a folder"])
def test_a_drop_from_the_file_browser(opened, store, server, way):
    """What is dragged from JupyterLab's own file browser is stored from the server's disk."""
    name = "from_browser.txt" if way == "a file" else "browsed"
    path = server.root / name
    if way == "a file":
        path.write_text("in the file browser")
    else:
        path.mkdir()
        for number in range(3):
            (path / f"{number}.txt").write_text(f"{number}")
        (path / ".hidden").write_text("h")
    book, widget = opened()
    page = book.page
    book.command("filebrowser:refresh")
    target = widget.get_by_text("drop them here").bounding_box()
    page.locator(".jp-DirListing-item", has_text=name).hover()
    page.mouse.down()
    page.mouse.move(target["x"] - 200, target["y"] + 100, steps=4)
    page.mouse.move(target["x"] + 10, target["y"] + 5, steps=10)
    page.mouse.up()
    names = listed(widget).get_by_role("textbox")
    wanted = [name] if way == "a file" else ["0.txt", "1.txt", "2.txt"]
    expect(names).to_have_count(len(wanted))
    assert [one.input_value() for one in names.all()] == wanted
    press(widget, "Upload")
    expect(status(widget)).to_have_text(f"{len(wanted)} stored.")
    sources = [path] if way == "a file" else [path / one for one in wanted]
    assert [record.hash for record in store] == [md5(source) for source in sources]
    assert path.exists()  # it is copied


def test_too_many_files_are_refused_in_words(opened):
    """More files than can be uploaded at once are refused, with what to do."""
    _, widget = opened()
    widget.get_by_label("File", exact=True).evaluate(
        """(input) => {
            const chosen = new DataTransfer();
            for (let number = 0; number <= 10_000; number += 1) chosen.items.add(new File(["x"], `${number}.txt`));
            input.files = chosen.files;
            input.dispatchEvent(new Event("change"));
        }"""
    )
    expect(widget.get_by_text("At most 10,000 files can be uploaded at once, and these are more.")).to_be_visible()


SUMMARY_CHANGES = """async (root) => {
    const status = root.querySelector("[role=status]");
    const times = [];
    const watch = (record) => !record.target.closest?.("[aria-live=off]");
    const observer = new MutationObserver((records) => records.some(watch) && times.push(performance.now()));
    observer.observe(status.children[0], { childList: true, characterData: true, subtree: true });
    [...root.querySelectorAll("button")].find((button) => button.textContent === "Upload").click();
    while (!/^60 stored\\.$/.test(status.children[0].textContent)) await new Promise(requestAnimationFrame);
    return times.length > 1 ? ((times.length - 1) / (times.at(-1) - times[0])) * 1000 : 0;
}"""


def test_many_small_files_are_told_at_a_pace(opened, tmp_path):
    """Of many small files what is told changes at most five times a second, and the last state arrives."""
    _, widget = opened()
    for number in range(60):
        (tmp_path / f"{number}.txt").write_text(f"{number}")
    choose(widget, *(tmp_path / f"{number}.txt" for number in range(60)))
    rate = widget.evaluate(SUMMARY_CHANGES)
    assert rate <= 6
    expect(row(widget, "59.txt")).to_contain_text("✔ Stored")
    expect(status(widget)).to_have_attribute("aria-atomic", "false")

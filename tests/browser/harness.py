"""A real JupyterLab and a real browser for the tests in this folder.

How to use it
-------------
One server (JupyterLab, Notebook 7 and Voilà on one port) and one Chromium serve the whole session; the fixtures that
own them end them, and Linux does it if the tests are killed. A test asks for `notebook` and gives it cells::

    def test_something(notebook, store):
        book = notebook(opening(store) + "from asimov.storage.widgets import Uploader; w = Uploader(store); w")
        book.widget().get_by_role("button", name="Upload").click()
        # playwright waits; tests don't sleep
        expect(book.widget().get_by_role("status")).to_contain_text("stored")
        assert book.value("len(w.records)") == 1        # evaluated in the kernel; a literal

`notebook(*cells, host="lab")` opens and runs them in JupyterLab, `host="notebook"` in Notebook 7, `host="voila"` in
Voilà (which has no `value`, `run` and so on). `store` is an empty Store in the test's own process, and
`opening(store)` the code that opens it in the kernel. JupyterLab is one page for all tests, each notebook a tab that is
closed, with its kernel, at the end of its test. Then the test fails if a script of ours wrote an error to the
console (`book.console_errors`, which a test that provokes one may clear). A failed test leaves a picture of the page.

Also here: `axe(book)` runs axe-core inside our elements and asserts that nothing was found; `drop(locator, paths)`
drops files as a person does; `dark(book)`, `light(book)`; `narrow(book)` asserts that 400 pixels are wide enough.

It needs Debian's chromium (or $CHROMIUM), jupyterlab, notebook, voila, playwright (not its browsers) and
axe-playwright-python.
"""

from __future__ import annotations

import ast
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe

LIMIT = 120  # seconds: to start a server or a kernel on a busy machine
PANEL = ".asimov-storage-panel"
_HOSTS = {
    "lab": "/lab/tree/{name}",
    "notebook": "/notebooks/{name}",
    "voila": "/voila/render/{name}",
}
_SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    "docmanager-extension/plugin": {"autosave": False},
}
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
# What BROWSER calls idle is not: a page says so before its kernel is connected. This waits for the kernel itself.
_READY = """async (name) => {
    const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    while (!window.jupyterapp) await sleep(50);
    const app = window.jupyterapp;
    await app.restored;
    const find = () => [...app.shell.widgets('main')].find((panel) => panel.context?.path === name);
    while (!find()) await sleep(50);
    const panel = find();
    await panel.context.ready;
    await panel.revealed;
    await panel.sessionContext.ready;
    const kernel = () => panel.sessionContext.session?.kernel;
    while (!kernel()) await sleep(50);
    await kernel().info;
    while (kernel().status !== 'idle' || kernel().connectionStatus !== 'connected') await sleep(50);
    window.asimovTestPanel = panel;
}"""
# Without a question whether to save it.
_CLOSE = """() => {
    const { context } = window.asimovTestPanel;
    window.asimovTestPanel.dispose();
    context.dispose();
}"""
_EXECUTE = """(code) => {
    window.asimovTestPanel.sessionContext.session.kernel.requestExecute({code, store_history: false});
}"""
_CELLS = """() => {
    const { content } = window.asimovTestPanel;
    return [content.activeCellIndex, content.widgets.map((cell) => cell.model.type)];
}"""
_VALUE = """async (expression) => {
    const kernel = window.asimovTestPanel.sessionContext.session.kernel;
    const code = {code: '', silent: false, store_history: false, user_expressions: {value: expression}};
    const reply = await kernel.requestExecute(code).done;
    return reply.content.user_expressions.value;
}"""


def chromium() -> str:
    """Find the browser."""
    names = [os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"]
    for name in filter(None, names):
        if found := shutil.which(name):
            return found
    msg = "There is no chromium here: apt-get install chromium, or name one in $CHROMIUM."
    raise FileNotFoundError(msg)


def end_with_parent() -> None:
    """Have Linux end this process when the one that started it has gone, however it went."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


class Server:
    """A Jupyter server of its own, with its own home, settings and notebooks."""

    def __init__(self, home: Path, *options: str) -> None:
        self.root = home / "notebooks"
        self.root.mkdir(parents=True)
        self._write_settings(home / "settings")
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = home / "server.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", *self._arguments(home), *options],
                env=self._environment(home),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=end_with_parent,  # noqa: PLW1509 - no threads are started before this fixture
            )
        self._wait()

    def _arguments(self, home: Path) -> list[str]:
        return [
            "--allow-root",
            "--no-browser",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={self.port}",
            "--ServerApp.port_retries=0",
            "--IdentityProvider.token=",
            "--PasswordIdentityProvider.hashed_password=",
            "--ServerApp.disable_check_xsrf=True",
            f"--ServerApp.root_dir={self.root}",
            "--expose-app-in-browser",
            "--JupyterNotebookApp.expose_app_in_browser=True",
            "--LabApp.extension_manager=readonly",
            f"--LabApp.user_settings_dir={home / 'settings'}",
            f"--JupyterNotebookApp.user_settings_dir={home / 'settings'}",
            f"--LabApp.workspaces_dir={home / 'workspaces'}",
        ]

    def _environment(self, home: Path) -> dict[str, str]:
        own = {
            "HOME": home,
            "IPYTHONDIR": home / "ipython",
            "JUPYTER_CONFIG_DIR": home / "config",
            "JUPYTER_DATA_DIR": home / "data",
            "JUPYTER_RUNTIME_DIR": home / "runtime",
            "JUPYTER_PLATFORM_DIRS": "1",
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "JPY_"))}
        if "PYTHONPATH" in kept:  # kernels run elsewhere
            kept["PYTHONPATH"] = os.pathsep.join(
                str(Path(entry).resolve()) for entry in kept["PYTHONPATH"].split(os.pathsep)
            )
        return kept | {name: str(value) for name, value in own.items()}

    def _write_settings(self, folder: Path) -> None:
        for name, settings in _SETTINGS.items():
            file = folder / "@jupyterlab" / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(settings), encoding="utf-8")

    def _wait(self) -> None:
        until = time.monotonic() + 4 * LIMIT  # a machine that does much else takes a minute
        while time.monotonic() < until and self._process.poll() is None:
            try:
                self.request("GET", "/api/status")
            except (urllib.error.URLError, ConnectionError):
                self._sleep_a_little()
            else:
                return
        msg = f"JupyterLab didn't start:\n{self._log.read_text(errors='replace')[-3000:]}"
        self.close()
        raise RuntimeError(msg)

    @staticmethod
    def _sleep_a_little() -> None:
        time.sleep(0.1)  # there is no event of another process to wait for

    def request(self, method: str, path: str) -> object:
        """Ask the server's REST API, and return what its JSON holds."""
        asked = urllib.request.Request(f"{self.url}{path}", method=method)  # noqa: S310 - http, to our own port
        with urllib.request.urlopen(asked, timeout=LIMIT) as reply:  # noqa: S310 - the same
            return json.loads(reply.read() or b"null")

    def close_kernels(self, name: str) -> None:
        """End the kernels of a notebook."""
        for session in self.request("GET", "/api/sessions"):
            if session["path"] == name:
                self.request("DELETE", f"/api/sessions/{session['id']}")

    def write(self, cells: tuple[str, ...]) -> str:
        """Write a notebook, and return its name."""
        name = f"n{uuid.uuid4().hex[:12]}.ipynb"
        code = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
        content = {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
            "cells": [{**code, "id": f"cell{number}", "source": source} for number, source in enumerate(cells)],
        }
        (self.root / name).write_text(json.dumps(content), encoding="utf-8")
        return name

    def close(self) -> None:
        """End the server and its kernels."""
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(20)


class Notebook:
    """One notebook in a page: in JupyterLab a tab of the page that all tests share, elsewhere a page of its own."""

    def __init__(self, server: Server, page, name: str, host: str) -> None:
        self.server, self.page, self.name, self.host = server, page, name, host
        self.console_errors: list[str] = []
        self.themed = False
        self.narrowed = None
        page.set_default_timeout(LIMIT * 1000)
        page.on("console", self._hear)
        page.on("pageerror", self._hear_exception)
        if host == "lab" and page.url.startswith(f"{server.url}/lab"):
            self.command("docmanager:open", path=name)
        else:
            page.goto(f"{server.url}{_HOSTS[host].format(name=name)}")
        if host != "voila":
            self.wait_for_kernel()

    def wait_for_kernel(self) -> None:
        """Wait until the kernel is connected and idle."""
        self.page.evaluate(_READY, self.name)

    def run(self) -> None:
        """Run all cells, and wait until they have run."""
        self.command("notebook:run-all-cells")

    def command(self, name: str, **arguments: object) -> None:
        """Do what a menu of JupyterLab does."""
        self.page.evaluate(
            "([name, args]) => window.jupyterapp.commands.execute(name, args).then(() => null)", [name, arguments]
        )

    def widget(self, number: int = 0):
        """Find one of our widgets, in the order of the page."""
        return self.page.locator(PANEL).nth(number)

    def cells(self) -> list[object]:
        """Return which cell is the active one, and the types of all."""
        return self.page.evaluate(_CELLS)

    def value(self, expression: str) -> object:
        """Evaluate an expression in the kernel; its repr must be a literal."""
        found = self.page.evaluate(_VALUE, expression)
        assert found["status"] == "ok", "\n".join(found.get("traceback", [str(found)]))
        return ast.literal_eval(found["data"]["text/plain"])

    def execute(self, code: str) -> None:
        """Send a cell's code to the kernel, and don't wait for it."""
        self.page.evaluate(_EXECUTE, code)

    def save(self) -> None:
        """Save the notebook with its outputs."""
        self.page.evaluate("() => window.asimovTestPanel.context.save()")

    def restart_kernel(self) -> None:
        """Restart the kernel, and wait until it is there again."""
        self.page.evaluate("() => window.asimovTestPanel.sessionContext.session.kernel.restart()")
        self.wait_for_kernel()

    def reload(self) -> None:
        """Load the page anew, as F5 does."""
        self.page.reload()
        self.wait_for_kernel()

    def picture(self, path: Path) -> None:
        """Show whoever reads the report of a failed test what the page looked like, and what its console said."""
        self.page.screenshot(path=path)
        sys.stderr.write(f"{self.host} at the end: {path}\n" + "\n".join(self.console_errors))

    def close(self) -> None:
        """End the kernel and close the tab or page."""
        self.page.remove_listener("console", self._hear)
        self.page.remove_listener("pageerror", self._hear_exception)
        if self.host == "voila":
            self.page.close()
            return
        if self.host == "lab":
            self.page.evaluate(_CLOSE)
            if self.narrowed is not None:
                self.narrowed.evaluate("(style) => style.remove()")
            if self.themed:
                light(self)
        else:
            self.page.close()
        self.server.close_kernels(self.name)

    def _hear(self, message) -> None:
        if message.type == "error":
            self._note(f"{message.text}\n{message.location.get('url', '')}")

    def _hear_exception(self, error) -> None:
        self._note(f"{error.message}\n{error.stack}")

    def _note(self, text: str) -> None:
        # anywidget gives our module a blob: address; JupyterLab's own complaints are not ours to mend.
        if "blob:" in text or "asimov" in text or "anywidget" in text:
            self.console_errors.append(text)


def opening(store) -> str:
    """Return the code that opens `store` in a kernel, as `store`."""
    return f"from asimov.storage import Store\nstore = Store({str(store.root)!r})\n"


def axe(book: Notebook) -> None:
    """Assert that axe-core finds nothing against WCAG 2.2 AA inside our elements, and leaves nothing undecided."""
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    options = {"runOnly": {"type": "tag", "values": tags}}
    found = Axe().run(book.page, context=PANEL, options=options).response
    told = [
        f"{kind}: {rule['id']}: {node['html']}: {node.get('failureSummary') or node['any']}"
        for kind in ("violations", "incomplete")
        for rule in found[kind]
        for node in rule["nodes"]
    ]
    assert told == []
    assert len(found["passes"]) > 0


def drop(locator, paths: list[Path]) -> None:
    """Drop files from the desktop on an element, through the browser's own drag and drop."""
    locator.scroll_into_view_if_needed()
    box = locator.bounding_box()
    at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    session = locator.page.context.new_cdp_session(locator.page)
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, **at, "data": data})
    session.detach()


def dark(book: Notebook) -> None:
    """Turn JupyterLab dark, until the test ends."""
    book.themed = True
    _theme(book, "JupyterLab Dark", light="false")


def light(book: Notebook) -> None:
    """Turn JupyterLab light."""
    _theme(book, "JupyterLab Light", light="true")


def _theme(book: Notebook, name: str, *, light: str) -> None:
    book.command("apputils:change-theme", theme=name)
    book.page.wait_for_selector(f'body[data-jp-theme-light="{light}"]', state="attached")


def narrow(book: Notebook, width: int = 400) -> None:
    """Give our widgets `width` pixels, until the test ends, and assert that nothing of them sticks out."""
    if book.narrowed is not None:
        book.narrowed.evaluate("(style) => style.remove()")
    book.narrowed = book.page.add_style_tag(
        content=f"{PANEL} {{ width: {width}px !important; max-width: {width}px !important; }}"
    )
    beyond = book.page.evaluate(
        """(panel) => [...document.querySelectorAll(panel)].flatMap((root) => {
            const scrolls = '.asimov-storage-scroll, .asimov-storage-wide, .asimov-storage-bar > h2';
            const edge = root.getBoundingClientRect().right;
            return [...root.querySelectorAll('*')]
                .filter((e) => e.checkVisibility() && !e.closest(scrolls))
                .filter((e) => e.getBoundingClientRect().right > edge + 0.5)
                .map((e) => e.outerHTML.slice(0, 200));
        })""",
        PANEL,
    )
    assert beyond == []


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]

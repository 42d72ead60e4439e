"""A real Firefox for the tests, driven by its own Marionette protocol, without a driver program.

Marionette is JSON over TCP, each message after its length: ``[0, id, command, parameters]`` is answered by
``[1, id, error, result]`` (https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html). `Firefox` has the
few methods of playwright's page that `harness.Notebook` calls, so a notebook is opened and run as in Chromium.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from harness import LIMIT, end_with_parent

_PREFERENCES = {
    "browser.download.folderList": 2,
    "browser.download.useDownloadDir": True,
    "browser.download.always_ask_before_handling_new_types": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "marionette.port": 0,
}
# Call an arrow function, which may be async, with one argument; the last of Marionette's is to be called at the end.
_CALL = """
const [argument, done] = arguments;
Promise.resolve().then(() => (FUNCTION)(argument)).then((value) => done({value}), (error) => done({error: `${error}`}));
"""
# Look again after each change of the page.
_WAIT = """([condition, argument, seconds]) => new Promise((resolve, reject) => {
    const holds = eval(condition);
    const look = () => {
        if (!holds(argument)) return;
        observer.disconnect();
        resolve(true);
    };
    const observer = new MutationObserver(look);
    observer.observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
    setTimeout(() => reject(`not within ${seconds} s: ${condition}\\n${document.body.innerText}`), 1000 * seconds);
    look();
})"""
_LISTEN = """() => {
    const errors = window.asimovTestErrors = [];
    addEventListener('error', ({message, filename}) => errors.push(`${message} ${filename}`));
    addEventListener('unhandledrejection', ({reason}) => errors.push(`${reason} ${reason?.stack}`));
}"""
_FINISHED_DOWNLOAD = """async (name) => {
    const {Downloads} = ChromeUtils.importESModule('resource://gre/modules/Downloads.sys.mjs');
    const list = await Downloads.getList(Downloads.ALL);
    return new Promise((resolve, reject) => {
        const look = (download) => {
            if (PathUtils.filename(download.target.path) !== name) return;
            if (download.error || download.canceled) reject(download.error?.message ?? 'cancelled');
            if (download.succeeded) resolve(download.target.path);
        };
        list.addView({onDownloadAdded: look, onDownloadChanged: look});
    });
}"""


def firefox() -> str:
    """Find the browser."""
    for name in filter(None, [os.environ.get("FIREFOX", ""), "firefox-esr", "firefox"]):
        if found := shutil.which(name):
            return found
    msg = "There is no Firefox here: apt-get install firefox-esr, or name one in $FIREFOX."
    raise FileNotFoundError(msg)


class Firefox:
    """One window of a browser that has a profile of its own."""

    def __init__(self, home: Path) -> None:
        self.downloads = home / "downloads"
        self.profile = home / "profile"
        self.downloads.mkdir(parents=True)
        self.profile.mkdir()
        preferences = _PREFERENCES | {"browser.download.dir": str(self.downloads)}
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items()]
        (self.profile / "user.js").write_text("".join(lines), encoding="utf-8")
        self._process = subprocess.Popen(
            [
                firefox(),
                "--headless",
                "--no-remote",
                "--marionette",
                "--remote-allow-system-access",
                "--profile",
                str(self.profile),
            ],
            env=os.environ | {"HOME": str(home), "MOZ_HEADLESS_WIDTH": "1280", "MOZ_HEADLESS_HEIGHT": "900"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=end_with_parent,  # noqa: PLW1509 - no threads are started before this fixture
        )
        self._messages = 0
        self._connection = socket.create_connection(("127.0.0.1", self._port()), timeout=LIMIT)
        self._stream = self._connection.makefile("rb")
        self._receive()  # the greeting
        timeouts = {"script": 1000 * LIMIT, "pageLoad": 1000 * LIMIT, "implicit": 0}
        session = self.send("WebDriver:NewSession", {"capabilities": {"alwaysMatch": {"timeouts": timeouts}}})
        self.version = session["capabilities"]["browserVersion"]

    def _port(self) -> int:
        """Read the port, which the browser writes when it is ready."""
        file = self.profile / "MarionetteActivePort"
        until = time.monotonic() + LIMIT
        while time.monotonic() < until:
            if file.exists() and (text := file.read_text()):
                return int(text)
            time.sleep(0.05)  # there is no event of another process to wait for
        msg = "Firefox didn't start."
        raise RuntimeError(msg)

    def send(self, command: str, parameters: dict[str, object] | None = None):
        """Send a command, and return its result."""
        self._messages += 1
        text = json.dumps([0, self._messages, command, parameters or {}]).encode()
        self._connection.sendall(b"%d:%b" % (len(text), text))
        _, _, error, result = self._receive()
        if error is not None:
            raise RuntimeError(f"{command}: {error['message']}")
        return result

    def _receive(self):
        length = b""
        while (byte := self._stream.read(1)) != b":":
            assert byte, "Firefox has ended"
            length += byte
        return json.loads(self._stream.read(int(length)))

    def evaluate(self, function: str, argument: object = None):
        """Call a JavaScript function in the page, and return its value when its promise is kept."""
        script = _CALL.replace("FUNCTION", function)
        found = self.send("WebDriver:ExecuteAsyncScript", {"script": script, "args": [argument], "sandbox": None})
        done = found["value"]
        assert "error" not in done, done["error"]
        return done.get("value")

    def wait_until(self, condition: str, argument: object = None, seconds: float = LIMIT / 2) -> None:
        """Wait until a function of the page returns true; look after each change of the page."""
        self.evaluate(_WAIT, [condition, argument, seconds])

    def goto(self, url: str) -> None:
        """Load a page."""
        self.send("WebDriver:Navigate", {"url": url})

    @property
    def url(self) -> str:
        """The address of the page."""
        return self.send("WebDriver:GetCurrentURL")["value"]

    def element(self, path: str) -> str:
        """Find the first element that fits an XPath in the first widget of ours."""
        within = f"//div[contains(@class, 'asimov-storage-panel')]{path}"
        found = self.send("WebDriver:FindElement", {"using": "xpath", "value": within})
        return next(iter(found["value"].values()))

    def press(self, name: str) -> None:
        """Click a button, as a mouse does."""
        self.send("WebDriver:ElementClick", {"id": self.element(f"//button[normalize-space() = '{name}']")})

    def type(self, path: str, text: str) -> None:
        """Type into an element; into one for files, their paths."""
        self.send("WebDriver:ElementSendKeys", {"id": self.element(path), "text": text})

    def listen(self) -> None:
        """Note the errors of scripts from now on."""
        self.evaluate(_LISTEN)

    def errors(self) -> list[str]:
        """Return the errors that were noted, if they are of our scripts."""
        return [error for error in self.evaluate("() => window.asimovTestErrors ?? []") if "blob:" in error]

    def finished_download(self, name: str) -> Path:
        """Wait for the download of a file of this name to be finished, and return its path."""
        self.send("Marionette:SetContext", {"value": "chrome"})
        try:
            return Path(self.evaluate(_FINISHED_DOWNLOAD, name))
        finally:
            self.send("Marionette:SetContext", {"value": "content"})

    def screenshot(self, path: Path) -> None:
        """Picture the page."""
        import base64

        path.write_bytes(base64.b64decode(self.send("WebDriver:TakeScreenshot", {"full": False})["value"]))

    def close(self) -> None:
        """End the browser."""
        self._stream.close()
        self._connection.close()
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(20)

    # What `harness.Notebook` calls of playwright's page, and what isn't needed here.

    def set_default_timeout(self, _milliseconds: int) -> None:
        """Do nothing: the timeouts are the session's."""

    def on(self, _event: str, _handler: object) -> None:
        """Do nothing: Marionette doesn't tell of the console."""

    remove_listener = on

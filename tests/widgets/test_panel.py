"""The plumbing below every widget: requests, answers, refusals, threads."""

from __future__ import annotations

import errno
import logging
import os
import threading

import pytest

from asimov.storage._model import errors
from asimov.storage.widgets import _messages
from asimov.storage.widgets._messages import Reply, request
from asimov.storage.widgets._module import static
from asimov.storage.widgets._panel import Panel


class Echo:
    """A service that says what it heard, late, or in error."""

    def __init__(self):
        self.closed = False
        self.go_on = threading.Event()
        self.in_thread = threading.Event()

    @request("echo")
    def echo(self, message):
        """Give text and buffers back."""
        return Reply(result={"text": message.text("text")}, buffers=message.buffers)

    @request("slow", background=True)
    def slow(self, _message):
        """Wait until the test lets it go on."""
        self.in_thread.set()
        self.go_on.wait(20)
        return "at last"

    @request("fail")
    def fail(self, message):
        """Fail as the operating system does, or as a mistake of ours."""
        if message.text("how") == "os":
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "/x")
        msg = "by zero"
        raise ZeroDivisionError(msg)

    @request("hash")
    def hash(self, _message):
        """Find other bytes."""
        msg = "other bytes"
        raise errors.HashError(msg, path="/p", expected="aa", actual="bb")

    def close(self):
        """Let what waits go on."""
        self.closed = True
        self.go_on.set()


class EchoPanel(Panel):
    """A widget of that service alone."""

    _esm = "export default { render() {} }"

    def __init__(self):
        super().__init__()
        self.echo = self._serve(Echo())


@pytest.fixture
def panel():
    """Make a widget that echoes."""
    panel = EchoPanel()
    yield panel
    panel.close()


@pytest.fixture
def page(panel, page_of):
    """Look at it."""
    return page_of(panel)


def test_a_request_gets_its_answer_with_buffers(panel, page_of):
    """A request is answered to the view and the number that asked, buffers and all."""
    page, other = page_of(panel), page_of(panel)
    reply = page.ask("echo", [b"abc"], text="漢字")
    assert (reply.result, reply.buffers) == ({"text": "漢字"}, [b"abc"])
    assert other._replies == {}


@pytest.mark.parametrize(
    ("kind", "fields", "told"),
    [
        ("fail", {"how": "os"}, {"type": "FileNotFoundError", "message": "No such file or directory: /x"}),
        ("fail", {"how": "bug"}, {"type": "ZeroDivisionError", "message": "ZeroDivisionError: by zero"}),
        (
            "hash",
            {},
            {
                "type": "HashError",
                "message": "other bytes",
                "path": "/p",
                "expected": "aa",
                "actual": "bb",
                "advice": "other bytes",
            },
        ),
    ],
)
def test_an_error_is_an_answer_too(page, kind, fields, told):
    """Whatever a handler raises reaches the page as its type and its words."""
    assert page.fails(kind, **fields) == told


@pytest.mark.parametrize(
    "fields",
    [{}, {"text": None}, {"text": 1}, {"text": ["a"]}, {"text": "x" * 5000}],
)
def test_a_malformed_field_is_refused_and_logged(page, caplog, fields):
    """A field that is absent, of another type or too long is refused in words, and logged."""
    with caplog.at_level(logging.WARNING):
        told = page.fails("echo", **fields)
    assert told["type"] == "RefusedError"
    assert "'text' must be a text" in told["message"]
    assert "'text' must be a text" in caplog.text


def test_an_unknown_kind_is_refused(page):
    """A request of a kind that nobody serves is answered with an error."""
    assert page.fails("upload/everything")["type"] == "RefusedError"


@pytest.mark.parametrize(
    "content",
    [
        None,
        7,
        "ping",
        ["ping"],
        {},
        {"kind": "ping", "view": "short", "request": 1},
        {"kind": "ping", "view": "../../etc/passwd", "request": 1},
        {"kind": "ping", "view": "a" * 65, "request": 1},
        {"kind": "ping", "view": "abcdefgh", "request": 0},
        {"kind": "ping", "view": "abcdefgh", "request": True},
        {"kind": "ping", "view": "abcdefgh", "request": "1"},
        {"kind": 1, "view": "abcdefgh", "request": 1},
    ],
)
def test_what_names_no_asker_is_logged_and_dropped(page, caplog, content):
    """A message without a proper kind, view and number is logged, and the widget goes on."""
    with caplog.at_level(logging.WARNING):
        page.post(content)
    assert len(caplog.records) == 1
    assert page.ask("ping").result == []


def test_a_slow_request_keeps_nobody_waiting(panel, page):
    """While a request runs in the background, others are answered."""
    number = page.send("slow")
    assert panel.echo.in_thread.wait(20)
    assert page.ask("ping").result == [number]
    panel.echo.go_on.set()
    assert page.reply(number).result == "at last"
    panel._threads.shutdown(wait=True)
    assert page.ask("ping").result == []


def test_a_bug_is_logged_with_its_traceback(page, caplog):
    """An exception that nobody expected is logged with its traceback."""
    page.fails("fail", how="bug")
    assert [record.exc_info[0] for record in caplog.records] == [ZeroDivisionError]


def test_closing_closes_services_and_threads(panel, page):
    """Closing a widget closes its services, ends its threads, and answers nothing any more."""
    page.send("slow")
    assert panel.echo.in_thread.wait(20)
    threads = [t for t in threading.enumerate() if t.name.startswith("EchoPanel")]
    assert len(threads) == 1
    panel.close()
    threads[0].join(20)
    assert panel.echo.closed
    assert not threads[0].is_alive()
    assert page._replies == {}


def test_closing_twice_is_closing_once(panel):
    """A closed widget can be closed again."""
    panel.close()
    panel.close()
    assert panel.comm is None


def test_a_panel_that_was_never_made_can_be_collected():
    """A widget is closed when it is collected, also when its __init__ failed at once."""
    panel = EchoPanel.__new__(EchoPanel)
    panel.close()
    assert "_closed" not in vars(panel)


def test_texts_are_made_fit_to_be_sent():
    """A file name that is no UTF-8 can be sent: its lone surrogates become question marks."""
    assert _messages.plain({"a\udcff": ["b\udcfe", 1, None]}) == {"a?": ["b?", 1, None]}


def test_the_style_loads_nothing():
    """The style sheet names no address: a page needs nothing but what the wheel holds."""
    for word in ("http:", "https:", "@import", "url("):
        assert word not in static("asimov-storage.css")

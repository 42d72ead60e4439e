"""A page in Python: it speaks the protocol of `_link/messages.py` to a widget, without kernel and browser.

::

    page = page_of(widget)                   # a view of the widget, from the fixture; several may look at one
    reply = page.ask("upload/begin", name="a.txt", size=3)          # waits for the answer: Reply(result, buffers)
    page.ask("upload/slice", [b"abc"], upload=reply.result["upload"], offset=0)
    page.fails("upload/end", upload="nonsense")["type"]             # the error that the kernel answers
    page.events                              # what the kernel said unasked, to this view or to all
    page.wait_for("verify/done")             # the first such event, waited for

The widget's own `send` is not touched: messages go through the widget's comm, as they do in a notebook.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from itertools import count

import pytest

LIMIT = 20.0  # seconds, for what takes milliseconds

_views = count(1)


@dataclass(frozen=True)
class Reply:
    """What a request was answered."""

    result: dict
    buffers: list


class RequestError(Exception):
    """A request was answered with an error."""

    def __init__(self, details):
        super().__init__(details["message"])
        self.details = details


@pytest.fixture
def paths(store, source):
    """Three files in the Store, S1/Prod0/file0 to file2, and their paths there."""
    for number in range(3):
        store.add_file("S1", "Prod0", source(f"file{number}", f"content {number}".encode()))
    return [store.fetch_file("S1", "Prod0", f"file{number}") for number in range(3)]


@pytest.fixture
def page_of():
    """Open a view of a widget: `page_of(widget)`."""
    return Page


class Page:
    """One view of a widget."""

    def __init__(self, widget):
        self.widget = widget
        self.view = f"view{next(_views):08d}"
        self.events = []
        self._numbers = count(1)
        self._replies = {}
        self._changed = threading.Condition()
        self._comm = widget.comm
        before = self._comm.publish_msg

        def publish_msg(msg_type, data=None, metadata=None, buffers=None, **keys):
            self._hear(data, buffers)
            before(msg_type, data=data, metadata=metadata, buffers=buffers, **keys)

        self._comm.publish_msg = publish_msg

    def post(self, content, buffers=()):
        """Send anything at all, as a hostile page would."""
        content = json.loads(json.dumps(content))
        data = {"method": "custom", "content": content}
        views = [memoryview(buffer) for buffer in buffers]
        self._comm.handle_msg({"content": {"data": data}, "buffers": views})

    def send(self, kind, buffers=(), **fields):
        """Ask without waiting; give the number to `reply`."""
        number = next(self._numbers)
        self.post({**fields, "kind": kind, "view": self.view, "request": number}, buffers)
        return number

    def reply(self, number):
        """Wait for the answer to a request."""
        with self._changed:
            assert self._changed.wait_for(lambda: number in self._replies, LIMIT), f"request {number} got no answer"
            content, buffers = self._replies.pop(number)
        if not content["ok"]:
            raise RequestError(content["error"])
        return Reply(content["result"], buffers)

    def ask(self, kind, buffers=(), **fields):
        """Send a request and wait for its answer."""
        return self.reply(self.send(kind, buffers, **fields))

    def fails(self, kind, buffers=(), **fields):
        """Send a request that must fail, and return the error that it is answered."""
        try:
            reply = self.ask(kind, buffers, **fields)
        except RequestError as exc:
            return exc.details
        msg = f"{kind} was to fail, and gave {reply.result}"
        raise AssertionError(msg)

    def wait_for(self, event, wanted=lambda _: True):
        """Wait for something that the kernel says unasked, and return the first of it that is wanted."""
        with self._changed:
            found = self._changed.wait_for(lambda: [e for e in self.events if e["event"] == event and wanted(e)], LIMIT)
        assert found, f"{event} never came; what came: {[e['event'] for e in self.events]}"
        return found[0]

    def _hear(self, data, buffers):
        if not data or data.get("method") != "custom":
            return
        content = json.loads(json.dumps(data["content"], allow_nan=False).encode("utf-8"))
        if content["view"] not in {self.view, None}:
            return
        with self._changed:
            if "event" in content:
                self.events.append(content)
            else:
                assert content["request"] not in self._replies, "two answers to one request"
                self._replies[content["request"]] = content, [bytes(buffer) for buffer in buffers or ()]
            self._changed.notify_all()

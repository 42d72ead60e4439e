"""Panel: the base of every widget here. It takes the requests of its pages to handlers and their answers back.

A widget is made of services, each a plain class (no traits, no front end) whose methods are marked with
`_messages.request`::

    class Uploads:
        def __init__(self, store, tell): ...
        @request("upload/begin", background=True)
        def begin(self, message): return {"offset": 0}
        def heard(self, view): ...               # optional: called for every message of a view, first
        def close(self): ...                     # optional: called when the widget is closed

    class Uploader(Panel):
        _esm = module("Uploader")                # of the files in static/ that _module.py lists
        def __init__(self, store):
            super().__init__()
            self._uploads = self._serve(Uploads(store, self._tell))

so that the Explorer serves the same services without a second widget. The page's half is ``Link`` in
static/page/link.js.

Notes for who writes one:

- Handlers may run in several threads at once, and beside the user's cells: a service locks what it shares.
- No attribute may be called `log`: ipywidgets has a trait of that name, and the widget would never show.
- Synced traits hold what a new view needs to paint; all that happens goes by message.
"""

from __future__ import annotations

import logging
import threading
from typing import Any, TypeVar

import anywidget
import traitlets

from asimov.storage._bytes.threads import Threads
from asimov.storage._model.errors import StorageError
from asimov.storage._model.names import name_of, shown
from asimov.storage._store import Store

from . import _messages
from ._messages import Handler, Message, RefusedError, Reply, request
from ._module import static

_logger = logging.getLogger(__name__)
_THREADS = 4

Service = TypeVar("Service")


def require_store(widget: object, store: object) -> None:
    """Raise TypeError if what a widget was given is no Store."""
    if not isinstance(store, Store):
        name = type(widget).__name__
        msg = f"{shown(store)} is no Store: {name} takes one, as in {name}(Store('results'))."
        raise TypeError(msg)


def text_of(name: str, value: object) -> str:
    """Return what stands in a box at first: a str, the name of an object, or nothing for None."""
    text = "" if value is None else name_of(value)
    if not isinstance(text, str):
        msg = f"{name}={shown(value)}: it takes a str, or an object with a name."
        raise TypeError(msg)
    return str(text)


class Panel(anywidget.AnyWidget):
    """A widget that answers every request of its pages, an error too."""

    _css = static("asimov-storage.css")

    def __init__(self, **traits: Any) -> None:
        unknown = sorted(set(traits) - set(self.trait_names()))
        if unknown:
            msg = f"{type(self).__name__}() takes no argument {unknown[0]!a}."
            raise TypeError(msg)
        self._handlers: dict[str, tuple[Handler, bool]] = {}
        self._services: list[object] = []
        self._threads: Threads | None = None
        self._threads_lock = threading.Lock()
        self._under_way: set[tuple[str, int]] = set()
        self._closed = threading.Event()
        super().__init__(**traits)
        self._serve(self)
        self.on_msg(self._received)

    def _serve(self, service: Service) -> Service:
        """Let `service` answer what its methods are marked for."""
        self._handlers |= _messages.handlers(service)
        self._services.append(service)
        return service

    def _tell(self, view: str | None, event: str, **content: object) -> None:
        """Send something unasked to one view, or to all of them (None). From any thread."""
        self._post({"view": view, "event": event, **content})

    @request("ping")
    def _answer_ping(self, message: Message) -> list[int]:
        """Be there, and say what else is under way for this view."""
        with self._threads_lock:
            return sorted(number for view, number in self._under_way if view == message.view)

    def close(self) -> None:
        """Take the widget off every page, and end its threads and temporary files."""
        if "_closed" not in vars(self):  # it was never made: ipywidgets closes what is collected
            return
        self._closed.set()
        for service in self._services:
            if service is not self and hasattr(service, "close"):
                service.close()
        with self._threads_lock:
            if self._threads is not None:
                self._threads.shutdown()
        super().close()

    @traitlets.observe("comm")
    def _take_messages_where_they_are_sent(self, _change: object) -> None:
        # ipykernel 7.4 takes what a page sends to the subshell of whatever the kernel did last when this widget said
        # something (and our threads say something all the time), not to the one that the page named. It may be the main
        # one, which a cell keeps busy, or be gone, and a Cancel is lost. Any subshell will do for our handlers.
        if hasattr(self.comm, "_reply_subshell_for"):
            self.comm._reply_subshell_for = None  # noqa: SLF001 - there is no other way

    def _received(self, _widget: object, content: object, buffers: list[object] | None) -> None:
        try:
            asked = _messages.message(content, buffers)
        except RefusedError as exc:
            _logger.warning("%s", exc)
            return
        for service in self._services:
            if service is not self and hasattr(service, "heard"):
                service.heard(asked.view)
        handler, background = self._handlers.get(asked.kind, (self._refuse, False))
        if background:
            self._in_background(handler, asked)
        else:
            self._answer(handler, asked)

    def _refuse(self, asked: Message) -> None:
        msg = f"There is no request of kind {asked.kind!a:.80}. Reload the page and try again."
        raise RefusedError(msg)

    def _in_background(self, handler: Handler, asked: Message) -> None:
        with self._threads_lock:
            if self._closed.is_set():
                return
            if self._threads is None:
                self._threads = Threads(_THREADS, type(self).__name__)
            self._under_way.add((asked.view, asked.request))
        self._threads.submit(self._answer_later, handler, asked)

    def _answer_later(self, handler: Handler, asked: Message) -> None:
        try:
            self._answer(handler, asked)
        finally:
            with self._threads_lock:
                self._under_way.discard((asked.view, asked.request))

    def _answer(self, handler: Handler, asked: Message) -> None:
        to = {"view": asked.view, "request": asked.request}
        try:
            result = handler(asked)
        except Exception as exc:  # noqa: BLE001 - whatever it is, the page is told, and waits no longer
            _record(asked, exc)
            self._post({**to, "ok": False, "error": _messages.error(exc)})
            return
        reply = result if isinstance(result, Reply) else Reply(result=result)
        self._post({**to, "ok": True, "result": reply.result}, list(reply.buffers))

    def _post(self, content: dict[str, object], buffers: list[bytes | memoryview] | None = None) -> None:
        if not self._closed.is_set():
            self.send(_messages.plain(content), buffers=buffers)


def _record(asked: Message, exc: Exception) -> None:
    if isinstance(exc, RefusedError):
        _logger.warning("%s: %s", asked.kind, exc)
    elif isinstance(exc, StorageError | OSError):
        _logger.info("%s: %s", asked.kind, exc)
    else:
        _logger.error("%s failed", asked.kind, exc_info=exc)

"""Panel: the base of every widget. It passes the requests of its pages to handlers, and sends back their answers.

A widget is made of services, each a plain class (no traits, no front end) whose methods are marked with
`messages.request`::

    class Uploads:
        def __init__(self, store, tell): ...
        @request("upload/begin", background=True)
        def begin(self, message): return {"offset": 0}
        def heard(self, view): ...               # optional: called before each message of a view is handled
        def close(self): ...                     # optional: called when the widget is closed

    class Uploader(Panel):
        _esm = module("Uploader")                # made of the files in static/ that module.py lists
        def __init__(self, store):
            super().__init__()
            self._uploads = self._serve(Uploads(store, self._tell))

This way the Explorer offers the same services without a second widget. The counterpart in the page is ``Link`` in
static/page/link.js.

Notes for writers of services:

- Handlers may run in several threads at once, and while the user's cells run. So a service locks its shared data.
- No attribute may be called `log`: ipywidgets has a trait of that name, and the widget would never be shown.
- Synced traits hold the state that a new view needs to paint; everything else is sent in messages.
"""

from __future__ import annotations

import logging
import threading
from typing import Any, TypeVar

import anywidget
import traitlets

from asimov.storage._bytes.threads import Threads
from asimov.storage._display.text import shown
from asimov.storage._model.errors import StorageError
from asimov.storage._model.names import name_of

from . import messages
from .messages import Handler, Message, RefusedError, Reply, request
from .traits import Height

_logger = logging.getLogger(__name__)
_THREADS = 4

Service = TypeVar("Service")


def text_of(name: str, value: object) -> str:
    """Return the initial text of a box: a str as it is, the name of an object, or an empty text for None."""
    text = "" if value is None else name_of(value)
    if not isinstance(text, str):
        msg = f"{name}={shown(value)}: it takes a str, or an object with a name."
        raise TypeError(msg)
    return str(text)


class Panel(anywidget.AnyWidget):
    """A widget that answers every request of its pages, with an error if need be.

    Attributes
    ----------
    height : str
        The largest height of the widget, as a CSS length; by default "480px". Longer content scrolls inside. "fill"
        takes all of the height that the page has, which suits an app or a panel.
    """

    height = Height().tag(sync=True)
    _heard = traitlets.Int(0).tag(sync=True)  # only the page changes it; see tellMarimo in static/page/render.js

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
        """Register `service` for the requests that its methods are marked for."""
        self._handlers |= messages.handlers(service)
        self._services.append(service)
        return service

    def _show(self, **traits: object) -> None:
        """Set synced traits, so that all views paint them, unless the widget is closed. Call it from any thread."""
        if not self._closed.is_set():
            for name, value in traits.items():
                setattr(self, name, messages.plain(value))

    def _tell(self, view: str | None, event: str, **content: object) -> None:
        """Send an event, which no view has asked for, to one view, or to all views (None). Call it from any thread."""
        self._post({"view": view, "event": event, **content})

    @request("ping")
    def _answer_ping(self, message: Message) -> list[int]:
        """Return the numbers of the requests of this view that are under way in the background."""
        with self._threads_lock:
            return sorted(number for view, number in self._under_way if view == message.view)

    def _in_words(self) -> str:
        """Return the text that follows the name of the class in the repr."""
        return "of asimov.storage"

    def _saved_html(self) -> str:
        """Return the HTML for readers without a kernel, as on GitHub or in a notebook that was exported to a page."""
        return ""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._in_words()}>"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is not None and (saved := self._saved_html()):
            bundle[0]["text/html"] = saved
        return bundle

    def close(self) -> None:
        """Remove the widget from every page, and end its threads and temporary files."""
        if "_closed" not in vars(self):  # __init__ failed, and ipywidgets closes every widget that is collected
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
        # ipykernel 7.4 doesn't pass a page's message to the subshell that the page named. It passes it to the subshell
        # that was active when this widget last sent a message, and our threads send messages all the time. That may be
        # the main shell, which a cell keeps busy, or a subshell that is gone: then a Cancel is lost. Our handlers work
        # in any subshell.
        if hasattr(self.comm, "_reply_subshell_for"):
            self.comm._reply_subshell_for = None  # noqa: SLF001 - there is no public way

    def _received(self, _widget: object, content: object, buffers: list[object] | None) -> None:
        try:
            asked = messages.message(content, buffers)
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
        except Exception as exc:  # noqa: BLE001 - any error is sent to the page, which must not wait forever
            _record(asked, exc)
            self._post({**to, "ok": False, "error": messages.error(exc)})
            return
        reply = result if isinstance(result, Reply) else Reply(result=result)
        self._post({**to, "ok": True, "result": reply.result}, list(reply.buffers))

    def _post(self, content: dict[str, object], buffers: list[bytes | memoryview] | None = None) -> None:
        if not self._closed.is_set():
            self.send(messages.plain(content), buffers=buffers)


def _record(asked: Message, exc: Exception) -> None:
    if isinstance(exc, RefusedError):
        _logger.warning("%s: %s", asked.kind, exc)
    elif isinstance(exc, StorageError | OSError):
        _logger.info("%s: %s", asked.kind, exc)
    else:
        _logger.error("%s failed", asked.kind, exc_info=exc)

"""The messages between page and kernel.

The page sends requests, and the kernel answers every one::

    page -> kernel   {"kind": "upload/begin", "view": "5f0c...", "request": 7, ...}             and binary buffers
    kernel -> page   {"view": "5f0c...", "request": 7, "ok": true, "result": {...}}            and binary buffers
                     {"view": "5f0c...", "request": 7, "ok": false, "error": {"type", "message", ...}}
    kernel -> page   {"view": "5f0c..." or null, "event": "verify/progress", ...}              without a request

    page -> kernel   {"kind": "ping", ...}       once a second while the page waits for an answer
    kernel -> page   "result": [3, 7]            the requests of this view that run in the background

If two later pings find a request neither answered nor running, it was lost with the connection. The page rejects it.

All views of a widget see every message, so each message names its view: 8 to 64 of the characters 0-9 a-z, drawn at
random by the page. `request` counts up from 1 in each view. The handler checks the content of a message with the
getters of `Message`. They raise `RefusedError` for a malformed message: the page is answered with that error, it is
logged, and nothing changes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from asimov.storage._model.errors import AlreadyPresentException, HashError, StorageError

from .records import place

State: TypeAlias = dict[str, object]
"""A state to show to a page, or an answer: JSON values by name."""

MAX_INTEGER = 2**53 - 1
"""The largest integer up to which JavaScript represents all integers exactly."""

_is_view = re.compile(r"[0-9a-z]{8,64}").fullmatch
_is_naming = re.compile(r"""(, which holds ('([^'\\]|\\.)*'|"([^"\\]|\\.)*"))?: """).match
_ATTRIBUTE = "_asimov_storage_request"


class RefusedError(StorageError):
    """A message is malformed, or asks for something that can't be done now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One request of a page, with getters that refuse malformed values.

    Attributes
    ----------
    kind : str
        The kind of request.
    view : str
        The view that sent it.
    request : int
        The number of the request in that view.
    content : mapping
        The whole message, unchecked. Use the getters.
    buffers : tuple of memoryview
        The binary data that came with it.
    """

    kind: str
    view: str
    request: int
    content: Mapping[str, object] = field(default_factory=dict)
    buffers: tuple[memoryview, ...] = ()

    def text(self, name: str, default: str | None = None, *, limit: int = 4096) -> str:
        """Return a str of at most `limit` characters, or `default` (if there is one) for an absent or null value."""
        value = self._get(name, default)
        if not isinstance(value, str):
            raise self._wrong(name, "a text")
        if len(value) > limit:
            raise self._wrong(name, f"a text of at most {limit} characters")
        return value

    def integer(self, name: str, default: int | None = None, *, low: int = 0, high: int = MAX_INTEGER) -> int:
        """Return an int from `low` to `high` inclusive, or `default` (if there is one) for an absent or null value."""
        value = self._get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self._wrong(name, f"a whole number from {low} to {high}")
        return value

    def texts(self, name: str, *, most: int, limit: int = 4096) -> list[str]:
        """Return a list of at most `most` strs of at most `limit` characters each."""
        value = self._get(name, None)
        if not isinstance(value, list) or len(value) > most:
            raise self._wrong(name, f"a list of at most {most} texts")
        if not all(isinstance(item, str) and len(item) <= limit for item in value):
            raise self._wrong(name, f"a list of texts of at most {limit} characters")
        return value

    def flag(self, name: str, *, default: bool | None = None) -> bool:
        """Return a bool, or `default` (if there is one) for an absent or null value."""
        value = self._get(name, default)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def buffer(self, *, limit: int) -> memoryview:
        """Return the only buffer of the message, which must have 1 to `limit` bytes, as bytes."""
        if len(self.buffers) != 1 or not 0 < self.buffers[0].nbytes <= limit:
            raise self._wrong("buffers", f"one buffer of 1 to {limit} bytes")
        return self.buffers[0].cast("B")

    def _get(self, name: str, default: object) -> object:
        value = self.content.get(name)
        return default if value is None else value

    def _wrong(self, name: str, wanted: str) -> RefusedError:
        what = f"{self.kind!a:.80} was refused: {name!r} must be {wanted}"
        return RefusedError(f"The message {what}. Reload the page and try again.")


def message(content: object, buffers: Sequence[object] | None) -> Message:
    """Read a custom message of a page.

    Raises
    ------
    RefusedError
        The message doesn't say which view and request it comes from, so it can't be answered.
    """
    if not isinstance(content, dict):
        msg = f"A message of a page must be an object, not a {type(content).__name__}."
        raise RefusedError(msg)
    kind, view, number = (content.get(name) for name in ("kind", "view", "request"))
    if not (isinstance(kind, str) and isinstance(view, str) and _is_view(view) and type(number) is int and number > 0):
        msg = f"A message of a page lacks a proper kind, view or request: {kind!a:.80}, {view!a:.80}, {number!a:.80}."
        raise RefusedError(msg)
    views = tuple(memoryview(buffer) for buffer in buffers or ())  # type: ignore[arg-type]
    return Message(kind=kind, view=view, request=number, content=content, buffers=views)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """The result of a handler that sends buffers. A handler without buffers returns only the result."""

    result: object = None
    buffers: Sequence[bytes | memoryview] = ()


Handler: TypeAlias = Callable[[Message], object]
Method = TypeVar("Method", bound=Callable[..., object])


def request(kind: str, *, background: bool = False) -> Callable[[Method], Method]:
    """Mark a method ``(self, message) -> result`` as the handler of `kind`.

    The page is answered with its result, a JSON value or a `Reply`, or with the exception that it raises. A handler
    that may take longer than about 0.2 s belongs in the `background`: it runs in a thread, so that other messages are
    answered meanwhile.
    """

    def mark(method: Method) -> Method:
        setattr(method, _ATTRIBUTE, (kind, background))
        return method

    return mark


def handlers(service: object) -> dict[str, tuple[Handler, bool]]:
    """Return the methods of `service` marked with `request`: kind -> (bound method, whether in the background)."""
    found: dict[str, tuple[Handler, bool]] = {}
    for owner in reversed(type(service).__mro__):  # not dir(): reading each attribute of a widget causes warnings
        for name, method in vars(owner).items():
            mark = getattr(method, _ATTRIBUTE, None)
            if mark is not None:
                found[mark[0]] = getattr(service, name), mark[1]
    return found


def error(exc: BaseException) -> State:
    """Return an exception as JSON: its type, its message, and the details of a HashError or a duplicate."""
    told: State = {"type": type(exc).__name__, "message": words(exc)}
    if isinstance(exc, HashError):
        told |= {"path": str(exc.path), "expected": exc.expected, "actual": exc.actual, "advice": _advice(exc)}
    if isinstance(exc, AlreadyPresentException) and exc.record is not None:
        told |= place(exc.record.key)
    return told


def _advice(exc: HashError) -> str:
    """Return the message of a HashError without its path and name, which a page shows separately."""
    said = str(exc)
    rest = said.removeprefix(str(exc.path))
    named = _is_naming(rest)
    return rest[named.end() :] if rest != said and named else said


def words(exc: BaseException) -> str:
    """Return the message of an exception. Add the type of one that isn't ours: its text alone may be unclear."""
    if isinstance(exc, StorageError):
        return str(exc)
    if isinstance(exc, OSError) and exc.strerror:
        where = f": {exc.filename!s}" if exc.filename is not None else ""
        return f"{exc.strerror}{where}"
    return f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__


def plain(value: object) -> object:
    """Return `value` with each lone surrogate in its texts replaced by ``?``, since it couldn't be sent.

    Lone surrogates come from file names that are not UTF-8.
    """
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value

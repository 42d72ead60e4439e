"""Objects: files under keys, as a web server or an object storage has them. A back end for such a place stands on this.

A key is a path below the Store, such as ``EVENT/PRODUCTION/UUID``, spelled as in a Store. Each place escapes it in its
own way.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import threading

stopping: ContextVar[threading.Event | None] = ContextVar("stopping", default=None)
"""Is set when nobody needs the answer any more to what is asked in this context."""


class Part(NamedTuple):
    """A part of an object.

    Attributes
    ----------
    content : bytes
        The bytes.
    size : int
        The size of the whole object, in bytes.
    tag : str
        What changes with the object's bytes, such as an ETag; empty if there is no such thing.
    """

    content: bytes
    size: int
    tag: str


class Listed(NamedTuple):
    """What is known about an object without reading it.

    Attributes
    ----------
    key : str
        Its key.
    size : int or None
        Its size in bytes; None if the place doesn't tell.
    modified : int or None
        When it was written, in ns since 1970; None if the place doesn't tell.
    tag : str
        As of a `Part`.
    """

    key: str
    size: int | None
    modified: int | None
    tag: str


class Stopped(Exception):
    """A request was given up, since its `stop` was set."""


class NotListed(Exception):
    """The objects of a place can't be listed."""


class NoRanges(Exception):
    """A place only gives whole objects: `Objects.stream` reads them."""


class Objects(ABC):
    """The objects of one place. Methods may be called from several threads.

    Errors are FileNotFoundError for what isn't there, PermissionError for what may not be read, and other OSErrors.
    They name the object.
    """

    @abstractmethod
    def where(self, key: str) -> str:
        """Return where an object is, as text; it never holds a secret."""

    @abstractmethod
    def read(
        self,
        key: str,
        start: int,
        length: int,
        *,
        unless: str = "",
        stop: threading.Event | None = None,
    ) -> Part | None:
        """Return `length` bytes of an object from `start` on, or as many as there are.

        Parameters
        ----------
        start : int
            Where to begin; a negative number counts from the end, to which all is read.
        unless : str, optional
            A tag: an object that still has it is not read.
        stop : threading.Event, optional
            When it is set, nobody needs the answer any more.

        Returns
        -------
        Part or None
            None if the object has the tag `unless`.

        Raises
        ------
        NoRanges
            The place only gives whole objects, and this one has more than `length` bytes.
        Stopped
            `stop` was set.
        """

    @abstractmethod
    def stream(self, key: str) -> Iterator[bytes]:
        """Yield the bytes of a whole object, which one request brings."""

    @abstractmethod
    def look(self, key: str) -> Listed:
        """Return what is known about an object without reading it."""

    @abstractmethod
    def list(self, prefix: str) -> Iterator[Listed]:
        """Yield the objects whose keys begin with `prefix`.

        Raises
        ------
        NotListed
            The place can't list its objects.
        """

"""An object that a server without ranges gives: it comes into the cache whole, and is read there."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from asimov.storage._backends.objects import Listed, NotListed, Objects, Part
from asimov.storage._backends.transfers import PIECE
from asimov.storage._display.text import byte_size

from .cache import Cache

_logger = logging.getLogger(__package__)


class WholeFile(Objects):
    """The object at a URL, as a file in the cache. Its only key is the empty one."""

    def __init__(self, web: Objects, cache: Cache) -> None:
        self._web, self._cache = web, cache
        self._tag = ""
        self._path: Path | None = None

    def where(self, key: str) -> str:
        return self._web.where(key)

    def read(
        self,
        key: str,  # noqa: ARG002 - there is one
        start: int,
        length: int,
        *,
        unless: str = "",
        stop: threading.Event | None = None,  # noqa: ARG002 - it takes no time
    ) -> Part | None:
        if start < 0 and self._is_unchanged(unless):
            return None
        with self._opened() as opened:
            size = os.fstat(opened.fileno()).st_size
            opened.seek(start if start >= 0 else max(0, size + start))
            return Part(opened.read(length if start >= 0 else -1), size, self._tag)

    def _is_unchanged(self, tag: str) -> bool:
        """Ask the server whether the object still has a tag; if not, bring it anew."""
        listed = self._web.look("")
        self._tag = f"{listed.tag} {listed.size} {listed.modified}"
        if self._tag == tag:
            return True
        name = f"archive-{hashlib.sha256(self._tag.encode()).hexdigest()[:16]}.zip"
        self._path = self._cache.whole(name, lambda: self._brought(listed))
        return False

    def _opened(self) -> BinaryIO:
        if self._path is None or not self._path.exists():  # the cache was cleared
            self._is_unchanged("")
        return cast("Path", self._path).open("rb")

    def _brought(self, listed: Listed) -> Iterator[bytes]:
        size = "all" if listed.size is None else byte_size(listed.size)
        text = "%s: the server gives no parts of files, so the archive comes into the cache whole: %s"
        is_little = listed.size is not None and listed.size <= PIECE
        _logger.log(logging.INFO if is_little else logging.WARNING, text, self.where(""), size)
        return self._web.stream("")

    def stream(self, key: str) -> Iterator[bytes]:
        return self._web.stream(key)

    def look(self, key: str) -> Listed:
        return self._web.look(key)

    def list(self, prefix: str) -> Iterator[Listed]:
        raise NotListed(self.where(prefix))

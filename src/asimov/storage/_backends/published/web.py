"""Files below a URL, as the objects of a web server: read by ranges where the server has them, else whole."""

from __future__ import annotations

import contextlib
import errno
import re
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from asimov.storage._backends.objects import Listed, NoRanges, NotListed, Objects, Part

from .options import Options

if TYPE_CHECKING:
    from .requests import Answer, Requests

_STREAMED = 1 << 20
"""How many bytes of a stream are read at once."""
_SAFE = "!$&'()*+,;=:@~"
"""What RFC 3986 allows in a part of a path beside letters, digits and ``-._``."""
_ANOTHER_WAY = {errno.EACCES, errno.EOPNOTSUPP}
"""Errors of a HEAD where a GET may succeed: signed URLs are for one method, and some servers know only one."""
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)").fullmatch
_NONE_OF = re.compile(r"bytes \*/(\d+)").fullmatch


class Web(Objects):
    """The files below `base`, a URL without a slash at its end. The empty key is the URL itself."""

    def __init__(self, base: str, options: Options) -> None:
        self.base, self.options = base, options
        self._made: Requests | None = None
        self._making = threading.Lock()

    @property
    def _requests(self) -> Requests:
        if self._made is None:
            from .requests import Requests  # takes long to load

            self._made = Requests(self.options)
        return self._made

    def where(self, key: str) -> str:
        """Return the URL of a key, whose names are percent-encoded in UTF-8."""
        from urllib.parse import quote

        return "/".join([self.base, *(quote(name, safe=_SAFE) for name in key.split("/"))]) if key else self.base

    def read(
        self,
        key: str,
        start: int,
        length: int,
        *,
        unless: str = "",
        stop: threading.Event | None = None,
    ) -> Part | None:
        wanted = f"bytes={start}" if start < 0 else f"bytes={start}-{start + length - 1}"
        headers = {"Range": wanted, **({"If-None-Match": unless} if unless else {})}
        return self._requests.ask(self.where(key), headers, lambda answer: _part(answer, start, length), stop=stop)

    def stream(self, key: str) -> Iterator[bytes]:
        from .requests import FAILURES, Patience

        patience, done, url = Patience(self.options.retries), 0, self.where(key)
        while True:
            try:
                with self._requests.opened(url, {}) as answer:
                    for piece in _after(_pieces(answer), done):
                        done += len(piece)
                        patience.renew()
                        yield piece
                    return
            except FAILURES as error:
                patience.spend(error, url)

    def look(self, key: str) -> Listed:
        try:
            return self._requests.ask(self.where(key), {}, lambda answer: _listed(key, answer), method="HEAD")
        except OSError as error:
            if error.errno not in _ANOTHER_WAY:
                raise
            headers = {"Range": "bytes=0-0"}
            return self._requests.ask(self.where(key), headers, lambda answer: _listed(key, answer))

    def list(self, prefix: str) -> Iterator[Listed]:
        raise NotListed(self.where(prefix))


def _part(answer: Answer, start: int, length: int) -> Part | None:
    from .requests import Broken

    if answer.status == 304:
        return None
    tag, said = tag_of(answer), answer.headers.get("Content-Range", "").strip()
    if answer.status == 416:
        found = _NONE_OF(said)
        if found is None or (start >= 0 and int(found[1]) > start):
            msg = "the server can't give a part that is there"
            raise Broken(msg)
        return Part(b"", int(found[1]), tag)
    require_plain(answer)
    if answer.status != 206:
        return _whole(answer, start, length, tag)
    found = _RANGE(said)
    first, last, size = map(int, found.groups()) if found else (0, -1, 0)
    begin = max(0, size + start) if start < 0 else start
    if first != begin or last != (size if start < 0 else min(size, start + length)) - 1:
        msg = "the server gave another part than was asked for"
        raise Broken(msg)
    return Part(exactly(answer, last - first + 1), size, tag)


def _whole(answer: Answer, start: int, length: int, tag: str) -> Part:
    """Return the whole of a small object, which a server without ranges gave."""
    if start != 0 or (answer.length is not None and answer.length > length):
        raise NoRanges(answer.url)
    if answer.length is not None:
        content = exactly(answer, answer.length)
    elif len(content := _up_to(answer, length + 1)) > length:
        raise NoRanges(answer.url)
    return Part(content, len(content), tag)


def _up_to(answer: Answer, most: int) -> bytes:
    """Read an answer to its end, or so many bytes of it."""
    parts, left = [], most
    while left and (part := answer.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def exactly(answer: Answer, count: int) -> bytes:
    """Read so many bytes of an answer."""
    from .requests import Broken

    content = _up_to(answer, count)
    if len(content) != count:
        msg = f"the server broke off after {len(content)} of {count} bytes"
        raise Broken(msg)
    return content


def _pieces(answer: Answer) -> Iterator[bytes]:
    """Yield the bytes of a whole object."""
    from .requests import Broken

    require_plain(answer)
    left = answer.length
    while piece := answer.read(_STREAMED):
        yield piece
        left = None if left is None else left - len(piece)
    if left:
        msg = f"the server broke off, with {left} bytes to come"
        raise Broken(msg)


def _after(pieces: Iterator[bytes], count: int) -> Iterator[bytes]:
    """Leave out the first `count` bytes, which an earlier answer brought."""
    for piece in pieces:
        if len(piece) > count:
            yield piece[count:]
        count = max(0, count - len(piece))


def require_plain(answer: Answer) -> None:
    """Raise an OSError if an answer is not the bytes of the file, but an encoding of them."""
    encoding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"", "identity"}:
        msg = f"the server sends it in the encoding {encoding}, not as it is; the server has to be told not to"
        raise OSError(errno.EIO, msg, answer.url.partition("?")[0])


def tag_of(answer: Answer) -> str:
    """Return the ETag of an answer, as it was given; empty if there is none."""
    return str(answer.headers.get("ETag", "")).strip()


def _listed(key: str, answer: Answer) -> Listed:
    ranged = _RANGE(answer.headers.get("Content-Range", "")) or _NONE_OF(answer.headers.get("Content-Range", ""))
    length = answer.headers.get("Content-Length", "")
    size = int(ranged[ranged.lastindex or 1]) if ranged else int(length) if length.isdecimal() else None
    return Listed(key, size, _modified(answer), tag_of(answer))


def _modified(answer: Answer) -> int | None:
    from email.utils import parsedate_to_datetime

    with contextlib.suppress(ValueError, TypeError, OverflowError):
        return int(parsedate_to_datetime(answer.headers.get("Last-Modified", "")).timestamp()) * 1_000_000_000
    return None

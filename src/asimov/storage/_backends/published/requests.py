"""Requests: one question to a web server, repeated while the network or a busy server fails it.

urllib keeps no connection and follows `HTTPS_PROXY`, `NO_PROXY` and `SSL_CERT_FILE`. A module of its own because it
takes long to load: nothing here is imported before the first request.
"""

from __future__ import annotations

import contextlib
import errno
import http.client
import os
import random
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from asimov.storage._backends.objects import Stopped, stopping
from asimov.storage._version import __version__

from .options import Options

AGENT = f"asimov-storage/{__version__} (+https://pypi.org/project/asimov-storage)"
"""Some archives throttle clients that don't say what they are."""
BUSY = 120.0
"""How many seconds in all to wait for a server that is too busy."""
_BUSY = {429, 503}
_AGAIN = {408, 425, 429, 500, 502, 503, 504}
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_NOT_FOUND, _NOT_ALLOWED, _NO_METHOD = {404, 410}, {401, 403, 407, 451}, {405, 501}

Answer = http.client.HTTPResponse
Result = TypeVar("Result")


class Broken(OSError):
    """An answer is not what was asked for, or isn't whole: the next one may be."""


FAILURES = (http.client.HTTPException, OSError)
"""What a request may raise; urllib's own errors are OSErrors."""


def require_safe(old: str, new: str) -> None:
    """Raise an OSError if a redirect leads from https to anything else."""
    if old.lower().startswith("https:") and not new.lower().startswith("https:"):
        msg = "the server redirects from https to a place that isn't secure; nothing was read from there"
        raise PermissionError(errno.EACCES, msg, _plain(old))


class _Redirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        try:
            require_safe(req.full_url, newurl)
        except PermissionError:
            fp.close()
            raise
        found = super().redirect_request(req, fp, code, msg, headers, newurl)
        if found is not None:
            found.method = req.get_method()  # Python before 3.13 makes a GET of a HEAD
        return found


class _Http(urllib.request.HTTPHandler):
    """Opens connections whose time-out is another one once they are made."""

    def __init__(self, timeout: float) -> None:
        super().__init__()
        self._timeout = timeout

    def http_open(self, req: urllib.request.Request) -> Answer:
        return self.do_open(_patient(http.client.HTTPConnection, self._timeout), req)


class _Https(urllib.request.AbstractHTTPHandler):
    def __init__(self, timeout: float, ca_file: str | None) -> None:
        super().__init__()
        self._timeout, self._ca_file = timeout, ca_file
        self._made: ssl.SSLContext | None = None

    def https_open(self, req: urllib.request.Request) -> Answer:
        if self._made is None:
            self._made = _trusting(self._ca_file)  # reads hundreds of certificates
        return self.do_open(_patient(http.client.HTTPSConnection, self._timeout), req, context=self._made)

    https_request = urllib.request.AbstractHTTPHandler.do_request_


def _trusting(file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=file)
    except ssl.SSLError as error:
        msg = "it holds no certificates in PEM format"
        raise OSError(errno.EINVAL, msg, file) from error
    except OSError as error:  # no FileNotFoundError, which would say something of the Store
        msg = f"it can't be read ({error.strerror}); the option ca_file takes a file of certificates"
        raise OSError(errno.EINVAL, msg, file) from error


def _patient(kind: type[http.client.HTTPConnection], timeout: float) -> Any:
    class Connection(kind):  # type: ignore[misc, valid-type]
        def connect(self) -> None:
            super().connect()
            self.sock.settimeout(timeout)

    return Connection


def _opener(options: Options) -> urllib.request.OpenerDirector:
    """Return an opener for http and https, and for nothing else that a redirect may lead to."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Redirects(),
        _Http(options.timeout),
        _Https(options.timeout, options.ca_file),
    ):
        opener.add_handler(handler)
    opener.addheaders = []
    return opener


class Requests:
    """Requests to one server, of which few are under way at a time."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._opener = _opener(options)
        self._slots, self._process = threading.BoundedSemaphore(options.concurrency), os.getpid()

    def ask(
        self,
        url: str,
        headers: Mapping[str, str],
        take: Callable[[Answer], Result],
        *,
        method: str = "GET",
        stop: threading.Event | None = None,
    ) -> Result:
        """Return what `take` makes of the answer. An answer of status 304 or 416 is one, too.

        Raises
        ------
        FileNotFoundError, PermissionError, OSError
            There is no such thing, it may not be read, or no answer came in spite of all repetitions.
        Stopped
            `stop` was set.
        """
        patience = Patience(self._options.retries, stop)
        while True:
            try:
                with self.opened(url, headers, method=method, stop=stop) as answer:
                    return take(answer)
            except FAILURES as error:
                patience.spend(error, url)

    @contextlib.contextmanager
    def opened(
        self, url: str, headers: Mapping[str, str], *, method: str = "GET", stop: threading.Event | None = None
    ) -> Iterator[Answer]:
        """Ask once, and give the answer while its bytes are read. Errors are urllib's and those of the network."""
        if stop is not None and stop.is_set():
            raise Stopped
        asked = {"User-Agent": AGENT, "Accept-Encoding": "identity", **headers}
        request = urllib.request.Request(url, headers=asked, method=method)  # noqa: S310 - http and https only
        with self._slot():
            try:
                answer = self._opener.open(request, timeout=self._options.connect_timeout)
            except urllib.error.HTTPError as error:
                if error.code not in {304, 416}:
                    error.close()
                    raise
                answer = error
            with contextlib.closing(answer):
                yield answer

    def _slot(self) -> threading.BoundedSemaphore:
        if self._process != os.getpid():  # other threads of the process that was forked may have held some
            self._slots, self._process = threading.BoundedSemaphore(self._options.concurrency), os.getpid()
        return self._slots


class Patience:
    """How often, and for how long, a request is repeated.

    Parameters
    ----------
    retries : int
        How often.
    stop : threading.Event, optional
        Ends a pause.
    """

    def __init__(self, retries: int, stop: threading.Event | None = None) -> None:
        self._retries, self._stop = retries, stop or stopping.get() or threading.Event()
        self._tries, self._waited = 0, 0.0

    def renew(self) -> None:
        """Begin to count anew: some bytes have come."""
        self._tries = 0

    def spend(self, error: Exception, url: str) -> None:
        """Wait until it is time to ask again; raise the error, in words, if that is of no use or was done enough."""
        wanted = _retry_after(error)
        is_busy = isinstance(error, urllib.error.HTTPError) and error.code in _BUSY
        pause = random.uniform(0.5, 1) * min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**self._tries)  # noqa: S311 - no secret
        pause = pause if wanted is None else wanted
        if self._stop.is_set():
            raise Stopped
        tired = self._waited + pause > BUSY if is_busy and wanted is not None else self._tries >= self._retries
        if tired or not _may_pass(error):
            raise in_words(error, url) from None
        self._tries += 1
        self._waited += pause
        if self._stop.wait(pause):
            raise Stopped


def _may_pass(error: Exception) -> bool:
    """Return whether the same request may succeed a little later."""
    if isinstance(error, urllib.error.HTTPError):
        return error.code in _AGAIN
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, (str, ssl.SSLCertVerificationError, FileNotFoundError, PermissionError, ValueError)):
        return False
    return isinstance(error, (Broken, urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError))


def _retry_after(error: Exception) -> float | None:
    """Return how many seconds a server asks to wait; None if it doesn't."""
    if not isinstance(error, urllib.error.HTTPError) or error.code not in _AGAIN:
        return None
    text = error.headers.get("Retry-After", "").strip()
    if text.isdecimal() and text.isascii():
        return float(text)
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    return None


def in_words(error: Exception, url: str) -> OSError:
    """Return an error of a request as an OSError that names the URL."""
    place = _plain(url)
    if isinstance(error, urllib.error.HTTPError):
        return _of_status(error.code, place)
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, OSError) and isinstance(reason.filename, str):
        return reason
    if isinstance(reason, Broken):
        return OSError(errno.EIO, str(reason), place)
    if isinstance(reason, TimeoutError):
        return TimeoutError(errno.ETIMEDOUT, "the server gave no answer in time; try again later", place)
    if isinstance(reason, ssl.SSLCertVerificationError):
        msg = f"the server's certificate is not trusted ({reason.verify_message}); the option ca_file names authorities"
        return OSError(errno.EACCES, msg, place)
    what = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    return OSError(errno.EIO, f"the server can't be reached, or broke off ({what}); try again later", place)


def _of_status(code: int, place: str) -> OSError:
    if code in _NOT_FOUND:
        return FileNotFoundError(errno.ENOENT, f"the server has no such file (status {code})", place)
    if code in _NOT_ALLOWED:
        return PermissionError(errno.EACCES, f"the server doesn't let you read it (status {code})", place)
    if code in _NO_METHOD:
        return OSError(errno.EOPNOTSUPP, f"the server doesn't answer that way of asking (status {code})", place)
    if code in _BUSY:
        return OSError(errno.EBUSY, f"the server is too busy (status {code}); try again later", place)
    return OSError(errno.EIO, f"the server answers with status {code}", place)


def _plain(url: str) -> str:
    return url.partition("?")[0]

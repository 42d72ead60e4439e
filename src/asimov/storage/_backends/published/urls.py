"""URLs: which addresses are URLs, and which of these a Store can be opened at."""

from __future__ import annotations

import re

from asimov.storage._model.errors import StoreReadOnlyError

SCHEMES = ("https", "http")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://").match
_FILE = re.compile(r"file://(?:localhost)?(?=/)", re.IGNORECASE).match


def is_url(address: object) -> bool:
    """Return whether an address is a URL rather than a path. ``file:///PATH`` is a path."""
    return isinstance(address, str) and _SCHEME(address) is not None and _FILE(address) is None


def path_of(address: str) -> str:
    """Return the path that ``file:///PATH`` means; any other text as it is."""
    found = _FILE(address)
    if found is None:
        return address
    from urllib.parse import unquote

    return unquote(address[found.end() :])


def location_of(url: str) -> str:
    """Return a URL as text that opens the same Store again: without a slash at its end, its host in lower case.

    Raises
    ------
    ValueError
        No Store can be opened at such a URL. The message doesn't repeat what may be a secret.
    """
    from urllib.parse import quote, urlsplit, urlunsplit

    parts = urlsplit(url.strip())
    if parts.scheme not in SCHEMES:
        raise ValueError(_unknown(parts.scheme))
    if "@" in parts.netloc:
        msg = f"The URL of {parts.hostname} holds a user or a password, which would be shown wherever the Store is. "
        raise ValueError(msg + "Give it without.")
    if parts.query or parts.fragment:
        msg = f"The URL of {parts.hostname} holds a '?' or a '#', and files can't be found below such a URL. "
        raise ValueError(msg + "Give the URL of a folder, or of a zip archive.")
    if not parts.hostname:
        msg = f"{url!a} names no host. A URL is like https://example.org/results."
        raise ValueError(msg)
    path = quote(parts.path.rstrip("/"), safe="/%:@!$&'()*+,;=~")
    return urlunsplit((parts.scheme, parts.netloc.lower(), path, "", ""))


def _unknown(scheme: str) -> str:
    known = ", ".join(f"{known}://" for known in SCHEMES)
    return f"No Store can be opened at {scheme}://. A Store is in a folder, or at one of {known}."


def read_only(url: str, doing: str) -> StoreReadOnlyError:
    """Return the error for something that only the Store on a disk can do."""
    place = url.partition("?")[0]
    msg = f"Nothing can be {doing} at {place}: a Store on the web can only be read. "
    msg += "Do that where its files are, then publish it anew with Store.publish()."
    return StoreReadOnlyError(msg)

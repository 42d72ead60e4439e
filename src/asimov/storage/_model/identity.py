"""What identifies a file besides its name: its uuid, its MD5 and its SHA-256, in any of their spellings."""

from __future__ import annotations

import re

from asimov.storage._display.text import shown

IDENTITY = ("uuid", "hash", "sha256")
_DIGITS = re.compile(r"[0-9a-f]{32}").fullmatch
_MD5 = re.compile(r"(?:md5:\s*)?([0-9a-f]{32})").fullmatch
_SHA256 = re.compile(r"(?:sha256:\s*)?([0-9a-f]{64})").fullmatch
_UUID = re.compile(r"(?:urn:)?(?:uuid:)?\{?([0-9a-f-]{32,36})\}?").fullmatch
_PANDAS_NOTHING = {"NAType", "NaTType"}


def is_uuid(text: str) -> bool:
    """Return whether a text is a uuid as it is recorded: 32 lower-case hexadecimal digits."""
    return _DIGITS(text) is not None


def plain_uuid(uuid: object) -> str | None:
    """Return the 32 hexadecimal digits of a uuid in its hex, dashed, braced or urn form; None if it is no uuid."""
    match = _UUID(str(uuid).strip().lower())
    digits = "" if match is None else match[1].replace("-", "")
    return digits if len(digits) == 32 else None


def searched_uuid(uuid: object) -> str | None:
    """Return the digits of a uuid to look up; None if no file can have it.

    Raises
    ------
    TypeError
        It is neither a text nor a `uuid.UUID`.
    """
    if isinstance(uuid, str) or type(uuid).__name__ == "UUID":  # its module takes milliseconds to load
        return plain_uuid(uuid)
    msg = f"uuid={shown(uuid)}: it takes a str or a uuid.UUID."
    raise TypeError(msg)


def plain_md5(text: object) -> str | None:
    """Return the 32 lower-case digits of an MD5, with or without ``md5:`` and blanks around it; None if it is none."""
    match = _MD5(str(text).strip().lower())
    return None if match is None else match[1]


def plain_sha256(text: object) -> str | None:
    """Return the 64 lower-case digits of a SHA-256, in the spellings that `plain_md5` takes; None if it is none."""
    match = _SHA256(str(text).strip().lower())
    return None if match is None else match[1]


def is_given(value: object) -> bool:
    """Return whether a cell of a table holds a value: anything but None, NaN, NaT or NA."""
    if value is None or type(value).__name__ in _PANDAS_NOTHING:
        return False
    return not isinstance(value, float) or value == value  # noqa: PLR0124 - NaN, and only that, differs from itself

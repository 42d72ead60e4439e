"""How a text is written in YAML 1.1: plain where every reader sees the same text in it, else quoted."""

from __future__ import annotations

import functools
import re

INNER = r"\w.+@%/,()='\-&!$^*;<>?~|\[\]{}`\"" + "\\\\"
"""The characters that may occur inside a plain scalar, for a regular expression's class. No colon, no hash."""
_PLAIN = re.compile(rf"\w(?:[{INNER} ]*[{INNER}])?").fullmatch
_OTHER_TYPES = re.compile(
    r"(?i:y|yes|n|no|true|false|on|off|null|nan|inf)|"
    r"\d[\d_,.:+\-]*(?:[eE][+\-]?\d*)?|0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|"
    r"\d{4}-\d\d?-\d\d?[Tt \d:.+\-Zz]*"
).fullmatch
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17}|[0-9]+\.[0-9]*(?:[eE][+\-][0-9]+)?)").fullmatch
_WORDS = frozenset(
    spelled
    for word in ("yes", "no", "true", "false", "on", "off", "null")
    for spelled in (word, word.capitalize(), word.upper())
) | {"~"}
"""The common words that YAML 1.1 reads as a truth value or null. Like numbers, they are kept as they are written."""
_ESCAPES = {"0": "\0", "a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b",
            " ": " ", '"': '"', "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029"}  # fmt: skip
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))")


@functools.cache
def _unprintable() -> re.Pattern[str]:
    """Compile the class of what YAML 1.1 does not print, its line breaks (U+2028, U+2029 too) and the byte order mark.

    It is compiled when it is first needed: so large a class takes milliseconds, and the import has to be fast.
    """
    return re.compile("[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


def _is_printable(text: str) -> bool:
    return (text.isascii() and text.isprintable()) or not _unprintable().search(text)


def means_another_type(text: str) -> bool:
    """Return whether a YAML 1.1 (or 1.2) reader would read this plain scalar as something other than a text."""
    return _OTHER_TYPES(text) is not None


def is_canonical_scalar(token: str) -> bool:
    """Return whether a scalar is written as `quote` writes it, or is a number or word that keeps its type."""
    if not token:
        return False
    if token[0] in "'\"":
        text = unquote(token)
        return text is not None and quote(text) == token
    if token in _WORDS or _NUMBER(token):
        return True
    return _PLAIN(token) is not None and not means_another_type(token)


def quote(text: str, *, always: bool = False) -> str:
    """Write `text` so that YAML 1.1 reads it as that text: plain if possible, else in single or in double quotes."""
    if not always and _PLAIN(text) and not means_another_type(text):
        return text
    if not _is_printable(text):
        return '"' + _unprintable().sub(_escape, text.replace("\\", "\\\\").replace('"', '\\"')) + '"'
    return "'" + text.replace("'", "''") + "'"


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02X}" if code < 0x100 else f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"


def unquote(token: str) -> str | None:
    """Read what `quote` wrote, or another one-line scalar; None if it needs a real parser."""
    if token[:1] == "'":
        inner = token[1:-1]
        if len(token) < 2 or inner.replace("''", "").count("'") or not _is_printable(inner):
            return None
        return inner.replace("''", "'")
    if token[:1] == '"':
        return _unescape(token)
    return token


def _unescape(token: str) -> str | None:
    inner = token[1:-1]
    bare = _ESCAPE.sub("", inner)
    if len(token) < 2 or '"' in bare or "\\" in bare or not _is_printable(bare):
        return None
    try:
        return _ESCAPE.sub(_read_escape, inner)
    except (KeyError, ValueError, OverflowError):
        return None


def _read_escape(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    if code is None:
        return _ESCAPES[match[4]]
    character = chr(int(code, 16))
    character.encode()  # a lone surrogate is a UnicodeEncodeError, which is a ValueError
    return character

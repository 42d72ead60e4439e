"""Names and contents that know YAML's traps, and the file system's."""

from __future__ import annotations

from hypothesis import strategies as st

TRAPS = [
    *("no", "NO", "No", "y", "n", "true", "off", "null", "Null", "~", "nan", ".nan", ".inf", "-.INF", "inf"),
    *("0", "-1", "+1", "1.", "1.5e+3", "1e5", "0x1F", "0b11", "0o17", "017", "1_000", "12:30:45", "190:20:30.15"),
    *(
        "2020-01-01",
        "2020-01-01T00:00:00Z",
        "2020-01-01 00:00:00.5 +1",
        "<<",
        "=",
        "é",
        "e\u0301",
        "漢字",
        "🌀",
        "\u202eabc",
    ),
    *(
        "- a",
        "-",
        "? a",
        "?",
        ": a",
        ":",
        "a: b",
        "a:",
        "a #b",
        "#a",
        "*a",
        "&a",
        "!a",
        "!!str a",
        "%a",
        "%YAML 1.1",
        "@a",
        "`a",
    ),
    *(
        "{a}",
        "[a]",
        "{",
        "]",
        ",",
        "a, b",
        "'a",
        "a'b",
        "''",
        '"a"',
        'a"b',
        '"',
        " a",
        "a ",
        "a  b",
        " ",
        "...",
        "---",
        "--- a",
    ),
    *(
        "\u2028",
        "a\u2029b",
        "\ufeff",
        "\ufeffa",
        "\u00a0",
        "a\u00a0",
        "\ud7ff",
        "\ue000",
        "\ufffd",
        "|",
        ">",
        "|-",
        ">+ a",
    ),
    *(
        "a" * 255,
        "é" * 127,
        "漢" * 85,
        "name",
        "events",
        "hash",
        "uuid",
        "size",
        "sha256",
        "manifest.yaml",
        "recent",
        "lock",
    ),
    *(
        "d41d8cd98f00b204e9800998ecf8427e",
        "00000000000000000000000000000000",
        ".hidden",
        "..a",
        "a.",
        "~root",
        "$HOME",
        "*",
        "a\u0085b",
    ),
]
"""Texts that a YAML reader, a shell or a file system may take for something else; some are no names."""


def is_name(kind: str, text: str) -> bool:
    """Whether the contract lets a `kind` be called that."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return False
    control = any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in text)
    reserved = kind == "event" and text.lower().startswith(".manifest")
    return 0 < size <= 255 and not control and not set("/\\") & set(text) and text not in {".", ".."} and not reserved


def texts() -> st.SearchStrategy[str]:
    """Give texts of any kind, and of the kinds that are trouble."""
    wild = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\"), min_size=1, max_size=12)
    yamlish = st.text("abAB01 :#-?,.[]{}&*!|>'\"%@`~=<_+eE", min_size=1, max_size=10)
    return st.one_of(st.sampled_from(TRAPS), st.sampled_from("abc"), wild, yamlish)


def names(kind: str) -> st.SearchStrategy[str]:
    """Give names that an event, a production or a file may have."""
    return texts().filter(lambda text: is_name(kind, text))


def contents() -> st.SearchStrategy[bytes]:
    """Give bytes, often the same ones."""
    return st.one_of(st.sampled_from([b"", b"one", b"two", b"three\n"]), st.binary(max_size=40))

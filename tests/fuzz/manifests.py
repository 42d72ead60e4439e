"""Manifests of every style, and what is almost one."""

from __future__ import annotations

import yaml
from faults.spelling import names, texts
from hypothesis import strategies as st

from asimov.storage import ManifestError
from asimov.storage._format import canonical_writer, reader

from .oracle import PATH

TOKENS = [
    *(
        "---\n",
        "...\n",
        "- ",
        "? ",
        ": ",
        ", ",
        "{",
        "}",
        "[",
        "]",
        "&a ",
        "*a",
        "!!str ",
        "!!int ",
        "!!python/name:os.system ",
    ),
    *(
        "!x ",
        "!<tag:yaml.org,2002:str> ",
        "! ",
        "|\n",
        ">-\n",
        "'",
        '"',
        '"\\x41"',
        '"\\u0085"',
        '"\\ud800"',
        "\\",
        "#",
        " #",
        "\t",
    ),
    *(
        "\n",
        " \n",
        "\r\n",
        "\r",
        "\x85",
        "\u2028",
        "\ufeff",
        "\x00",
        "\x07",
        "  ",
        "%YAML 1.1\n---\n",
        "%YAML 1.2\n---\n",
        "%TAG ! x\n",
    ),
    *(
        "null",
        "~",
        "<<: ",
        "=: ",
        "name: ",
        "events: ",
        "hash: ",
        "uuid: ",
        "sha256: ",
        "size: ",
        "sha256: true\n",
        "events: {}\n",
        "# entries folded: 3\n",
        "requires: [x]\n",
        "retracted:\n  00000000000000000000000000000001:\n    reason: glitch\n",
        "retracted: ",
        "        note: {}\n",
        "        meta:\n          a: 1\n          b: text\n",
    ),
    *(
        "0" * 32,
        "F9F167BEE8E3449AA0C68BF7F91E7B7A",
        "'00000000000000000000000000000000'",
        "1e5",
        "é",
        "\U0001f300",
        "a" * 300,
    ),
]


def digests() -> st.SearchStrategy[str]:
    """Give 32 hexadecimal digits, some of which YAML takes for a number."""
    hexadecimal = st.text("0123456789abcdef", min_size=32, max_size=32)
    return st.one_of(
        hexadecimal, hexadecimal.map(str.upper), st.from_regex(r"[0-9]{32}|[0-9]{15}e[0-9]{16}", fullmatch=True)
    )


def further() -> st.SearchStrategy[object]:
    """Give values of further keys."""
    scalar = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), texts(), st.dates())
    return st.recursive(
        scalar, lambda below: st.lists(below, max_size=3) | st.dictionaries(texts(), below, max_size=3), max_leaves=6
    )


@st.composite
def trees(draw) -> dict:
    """Give a manifest as Python has it."""
    record = st.fixed_dictionaries(
        {"hash": digests(), "uuid": digests()},
        optional={
            "sha256": st.text("0123456789abcdef", min_size=64, max_size=64),
            "size": st.integers(0, 10**20),
            "note": further(),
            "meta": further(),
            "author": further(),
            "zeta": further(),
        },
    )
    record = st.tuples(st.just({}) | st.dictionaries(texts(), further(), max_size=2), record).map(
        lambda both: both[0] | both[1]
    )
    files = st.dictionaries(names("file"), record, max_size=3)
    productions = st.none() | st.dictionaries(names("production"), st.none() | files, max_size=2)
    events = st.none() | st.dictionaries(names("event"), productions, max_size=3)
    tree = {"name": draw(texts()), "events": draw(events)}
    said = st.fixed_dictionaries({"reason": texts(), "at": further()}, optional={"superseded_by": digests()})
    retracted = further() | st.dictionaries(digests() | texts(), said | further(), max_size=3)
    tree |= draw(st.fixed_dictionaries({}, optional={"retracted": retracted}))
    return tree | draw(st.dictionaries(texts(), further(), max_size=2)) | tree


@st.composite
def dumped(draw) -> bytes:
    """Give a manifest as PyYAML writes it, in any of its styles."""
    styles = {
        "default_flow_style": st.sampled_from([None, True, False]),
        "default_style": st.sampled_from([None, None, '"', "'", "|", ">"]),
        "canonical": st.sampled_from([None, None, None, True]),
        "indent": st.integers(1, 9),
        "width": st.sampled_from([20, 80, 10_000]),
        "allow_unicode": st.booleans(),
        "line_break": st.sampled_from([None, "\r", "\r\n"]),
        "explicit_start": st.booleans(),
        "explicit_end": st.booleans(),
        "version": st.sampled_from([None, (1, 1), (1, 2)]),
        "encoding": st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-16-le", "utf-16-be"]),
    }
    options = {name: draw(style) for name, style in styles.items()}
    return yaml.safe_dump(draw(trees()), **options)


@st.composite
def written(draw) -> bytes:
    """Give a manifest as we write it, if it is one at all."""
    data = yaml.safe_dump(draw(trees())).encode()
    try:
        return bytes(canonical_writer.write(reader.parse(data, PATH)))
    except ManifestError:
        return data


@st.composite
def mutated(draw) -> bytes:
    """Give a manifest in which something was changed."""
    data = bytearray(draw(st.one_of(dumped(), written(), written())))
    for _ in range(draw(st.integers(1, 4))):
        at, to = sorted((draw(st.integers(0, len(data))), draw(st.integers(0, len(data)))))
        what = draw(st.sampled_from(["insert", "insert", "delete", "repeat", "replace", "line", "flip"]))
        token = draw(st.sampled_from(TOKENS)).encode("utf-8", "surrogatepass")
        if what == "insert":
            data[at:at] = token
        elif what == "delete":
            del data[at : min(to, at + 40)]
        elif what == "repeat":
            data[at:at] = data[at : min(to, at + 200)]
        elif what == "replace":
            data[at : at + len(token)] = token
        elif what == "line":
            lines = bytes(data).splitlines(keepends=True)
            if lines:
                lines.insert(draw(st.integers(0, len(lines))), lines.pop(draw(st.integers(0, len(lines) - 1))))
            data = bytearray(b"".join(lines))
        elif data:
            data[at % len(data)] ^= 1 << draw(st.integers(0, 7))
    return bytes(data)


def soup() -> st.SearchStrategy[bytes]:
    """Give anything."""
    tokens = st.lists(st.sampled_from(TOKENS) | texts(), max_size=12).map("".join)
    return st.binary(max_size=60) | tokens.map(lambda text: text.encode("utf-8", "surrogatepass"))

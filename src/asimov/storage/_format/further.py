"""Further keys: what a manifest or a record says beyond what this version knows, as lines of canonical YAML.

They are kept as text, since they are only read from one manifest and written to the next. A hundred thousand records
may have them, so they are checked by their *shapes*: the lines without those values that are clearly canonical. There
are few different shapes. PyYAML reads the lines whose shape doesn't decide the matter.
"""

from __future__ import annotations

import itertools
import math
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from asimov.storage._model.errors import ManifestError

from .quoting import is_canonical_scalar, quote, unquote

if TYPE_CHECKING:
    from . import yaml_tree  # loaded only where a manifest isn't canonical

RECORD = 8
"""How far the keys of a record are indented."""
_ABOVE_RECORDS = 4
"""How many levels are above the keys of a record."""
_DEEPEST = 100
"""The deepest indentation that is checked here. PyYAML refuses lines that are too deep."""
_SIMPLE_KEY = 1000
"""The most characters of a simple key: a longer one is written as ``? KEY`` (YAML 1.1, 7.3.4, says 1024)."""
_VALUE = "\1"
"""The placeholder of a value in a shape. YAML has no such character."""
_DIGEST = r"(?=[0-9]*(?:[a-df]|e[0-9]*[a-f]))[0-9a-f]{64}"
_TEXT = r"[A-Za-z_][\w ./+-]{5,}(?<! )"
_NUMBER = r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]+)?"
_CLEAR = rf": (?:({_DIGEST})|({_TEXT})|{_NUMBER})\n"
"""Values that are clearly canonical: SHA-256, texts too long to be one of YAML's words, and short numbers."""
_BETWEEN = re.compile(r"(?:        [i-t].*\n(?:         .*\n)*)+").fullmatch
"""Lines of keys that sort between ``hash`` and ``uuid`` by their first letter, as most further keys do."""
_SHAPES = 8
"""How many different shapes are looked for among many lines. The lines that are left are then checked one by one."""
_QUOTED_KEY = r"""('(?:[^']|'')*'|"(?:[^"\\]|\\.)*"):"""
_TAGGED_KEY = rf"(?:!!\w+ )?{_QUOTED_KEY}"
"""A key in quotes: it is always in quotes where it has a tag."""
_KNOWN = frozenset({"retracted", "requires", "meta", "sha256", "size"})
"""Keys that this version knows, or a later one: they are known by their text, so they are written without a tag."""


class Collection(NamedTuple):
    """A value that is a mapping (with keys) or a list (without). Its scalars are spelled as in YAML."""

    tag: str | None
    keys: tuple[str, ...] | None
    values: tuple[Node, ...]


Node: TypeAlias = "str | Collection"


# Writing.


def of_values(values: Mapping[str, object], indent: int = RECORD) -> str:
    """Write a mapping of texts to JSON's values (scalars, lists, mappings) as lines.

    Raises
    ------
    TypeError
        A value is of another kind.
    """
    return "".join(item(indent, quote(key), _node_of_value(values[key])) for key in sorted(values))


def of_tree(pairs: Mapping[str, tuple[yaml_tree.Scalar, yaml_tree.Tree]], indent: int) -> str:
    """Write keys and values, as PyYAML read them, as lines."""
    from . import yaml_tree

    return "".join(
        item(indent, name if name in _KNOWN else yaml_tree.spell(key), _node_of_tree(value))
        for name, (key, value) in sorted(pairs.items())
    )


def of_record(pairs: Mapping[str, tuple[yaml_tree.Scalar, yaml_tree.Tree]]) -> str:
    """Write a record's keys and values, as PyYAML read them, as lines, without ``hash`` and ``uuid``."""
    from . import yaml_tree

    lines = {name: of_tree({name: pair}, RECORD) for name, pair in pairs.items() if name not in {"hash", "uuid"}}
    value = pairs["sha256"][1] if "sha256" in lines else None
    if isinstance(value, yaml_tree.Scalar) and re.fullmatch("[0-9a-f]{64}", value.value):
        lines["sha256"] = item(RECORD, "sha256", f"'{value.value}'" if value.value.isdigit() else value.value)
    return "".join(lines[name] for name in sorted(lines))


def _node_of_value(value: object) -> Node:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, Mapping):
        return Collection(
            None, tuple(map(quote, sorted(value))), tuple(_node_of_value(value[k]) for k in sorted(value))
        )
    if isinstance(value, list | tuple):
        return Collection(None, None, tuple(map(_node_of_value, value)))
    msg = f"{value!r} is no text, number, truth value, list or mapping."
    raise TypeError(msg)


def _float(value: float) -> str:
    """Write a float so that YAML 1.1 reads it as one: with a point."""
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    text = repr(value)
    return text if "." in text else text.replace("e", ".0e")


def _node_of_tree(tree: yaml_tree.Tree) -> Node:
    """Turn a value into text that means the same value of the same type."""
    from . import yaml_tree

    if isinstance(tree, yaml_tree.Scalar):
        return yaml_tree.spell(tree)
    tag = yaml_tree.spelled_tag(tree)
    if isinstance(tree, yaml_tree.Sequence):
        return Collection(tag, None, tuple(map(_node_of_tree, tree.items)))
    pairs = sorted(tree.items.items())
    keys = tuple(yaml_tree.spell(key) for _, (key, _) in pairs)
    return Collection(tag, keys, tuple(_node_of_tree(value) for _, (_, value) in pairs))


def item(indent: int, key: str, value: Node) -> str:
    """Write a key, already spelled for YAML, and its value in block style."""
    start = f"{'':{indent}}{key}:" if len(key) <= _SIMPLE_KEY else f"{'':{indent}}? {key}\n{'':{indent}}:"
    if not isinstance(value, Collection):
        return f"{start} {value}\n"
    tag = f" {value.tag}" if value.tag else ""
    if not value.values:
        return f"{start}{tag} {'[]' if value.keys is None else '{}'}\n"
    return f"{start}{tag}\n" + _below(indent + 2, value)


def _below(indent: int, value: Collection) -> str:
    if value.keys is not None:
        return "".join(item(indent, k, v) for k, v in zip(value.keys, value.values, strict=True))
    # A list's items are written like the values of keys called "-".
    return "".join(_list_item(indent, each) for each in value.values)


def _list_item(indent: int, value: Node) -> str:
    if not isinstance(value, Collection):
        return f"{'':{indent}}- {value}\n"
    if not value.values or value.tag:
        return item(indent, "-", value).replace("-:", "-", 1)
    return f"{'':{indent}}-\n" + _below(indent + 2, value)


# Taking apart.


def items(lines: str, indent: int) -> Iterator[tuple[str, str]]:
    """Split canonical lines into pairs: a key, as the text that it means, and all lines of that key."""
    starts = [found.start() for found in re.finditer(rf"^ {{{indent}}}(?=[^ :\n])(?!- )", lines, re.MULTILINE)]
    for start, end in itertools.pairwise([*starts, len(lines)]):
        yield _key(lines[start + indent : end])[0], lines[start:end]


def outer(lines: str) -> dict[str, str] | None:
    """Return the canonical lines of each key around a manifest's records; None if the lines are no such mapping."""
    from . import yaml_tree

    if is_canonical(lines, 0):
        return dict(items(lines, 0))
    tree = _built(lines, 0)
    if tree is None or not isinstance(tree.items.get("name", (None, None))[1], yaml_tree.Scalar):
        return None
    return {key: of_tree({key: pair}, 0) for key, pair in sorted(tree.items.items())} | {"name": _name(tree)}


def _name(tree: yaml_tree.Mapping) -> str:
    """Write the line of a Store's name, which is a text even if YAML reads it as another type."""
    return f"name: {quote(tree.items['name'][1].value)}\n"  # type: ignore[union-attr]


def around(lines: str) -> tuple[str, str, str]:
    """Split a record's further lines into those before ``hash``, those between ``hash`` and ``uuid``, and the rest."""
    if not lines or _BETWEEN(lines):
        return "", lines, ""
    pairs = list(items(lines, RECORD))
    keys = [key for key, _ in pairs]
    first, last = bisect_left(keys, "hash"), bisect_left(keys, "uuid")
    parts = pairs[:first], pairs[first:last], pairs[last:]
    before, between, after = ("".join(text for _, text in part) for part in parts)
    return before, between, after


def _key(text: str) -> tuple[str, str]:
    """Return the text that the key at the start of `text` means, and what follows its colon."""
    if text.startswith("? "):
        key, _, rest = text[2:].partition("\n")
        return _meaning(key), rest.lstrip(" ")[1:]
    found = re.match(_TAGGED_KEY, text)
    if found is not None:
        return _meaning(found[1]), text[found.end() :]
    key, _, rest = text.partition(":")
    return key, rest


def _meaning(token: str) -> str:
    return unquote(token[token.startswith("!!") and token.index(" ") + 1 :]) or ""


# Checking.


def unsettled(texts: Sequence[str], before: str, after: str) -> list[int]:
    """Return the indices of those `texts` that PyYAML has to read, because they may not be canonical.

    Parameters
    ----------
    texts : sequence of str
        Each holds the lines of some keys of a record: whole lines, without control characters. Some may be empty.
    before, after : str
        Shapes of the lines before and after each text.
    """
    rest = [index for index, text in enumerate(texts) if text]
    doubtful = []
    for _ in range(_SHAPES):
        if not rest:
            break
        first = texts[rest[0]]
        if is_canonical(before + _shape(first) + after, RECORD):
            is_alike = _like(first)
            rest = [index for index in rest if not is_alike(texts[index])]
        else:
            doubtful.append(rest.pop(0))
    return doubtful + [index for index in rest if not is_canonical(before + _shape(texts[index]) + after, RECORD)]


def _shape(text: str) -> str:
    """Return lines without those values that are clearly canonical."""
    return re.sub(_CLEAR, f":{_VALUE}\n", text)


def pattern_of(texts: Sequence[str], before: str, after: str) -> str | None:
    """Return a regular expression for lines like `texts`; None if these are not canonical, or not all alike.

    The parameters are those of `unsettled`.
    """
    if not is_canonical(before + _shape(texts[0]) + after, RECORD):
        return None
    pattern = _pattern(texts[0])
    return pattern if all(map(re.compile(pattern).fullmatch, texts)) else None


def _like(text: str) -> Callable[[str], re.Match[str] | None]:
    """Return a function that matches lines of the same shape, whose values are of the same kinds."""
    return re.compile(_pattern(text)).fullmatch


def _pattern(text: str) -> str:
    """Return a regular expression for lines of the same shape, whose values are of the same kinds."""
    parts, start = [], 0
    for found in re.finditer(_CLEAR, text):
        kind = _DIGEST if found[1] else _TEXT if found[2] else _NUMBER
        parts += [re.escape(text[start : found.start()]), f": {kind}\n"]
        start = found.end()
    return "".join([*parts, re.escape(text[start:])])


def shape_of(key: str) -> str:
    """Return the shape of the line of a record's key."""
    return f"{'':{RECORD}}{key}:{_VALUE}\n"


def normalised(lines: str) -> str | None:
    """Read the further lines of a record with PyYAML, and write them in canonical form; None if that can't be done."""
    tree = _built(lines, _ABOVE_RECORDS)
    return None if tree is None or tree.items.keys() & {"hash", "uuid"} else of_record(tree.items)


def _built(lines: str, depth: int) -> yaml_tree.Mapping | None:
    import yaml

    from . import yaml_tree

    data = lines.encode()
    try:
        yaml_tree.refuse_marks(data, Path())
        tree = yaml_tree.build(data, Path(), depth)
    except (ManifestError, yaml.YAMLError, UnicodeError, RecursionError, ValueError, OverflowError):
        return None
    return tree if isinstance(tree, yaml_tree.Mapping) and tree.tag is None else None


def is_canonical(lines: str, indent: int) -> bool:
    """Return whether lines, or their shape, are a mapping in canonical form; False if in doubt."""
    if not lines.endswith("\n"):
        return False
    reader = _Lines(lines.split("\n")[:-1])
    return reader.mapping(indent) and reader.at == len(reader.lines)


class _Lines:
    """Reads canonical lines, and stops at the first line that may be something else."""

    def __init__(self, lines: list[str]) -> None:
        self.lines, self.at = lines, 0

    def next(self, indent: int) -> str | None:
        """Return the text of the current line if it is indented by `indent`, and move on to the next line."""
        if self.at == len(self.lines):
            return None
        line = self.lines[self.at]
        text = line.lstrip(" ")
        if len(line) - len(text) != indent or not text:
            return None
        self.at += 1
        return text

    def mapping(self, indent: int) -> bool:
        last = None
        if indent > _DEEPEST:
            return False
        while (text := self.next(indent)) is not None:
            found = re.match(_QUOTED_KEY, text)
            token, rest = (found[1], text[found.end() :]) if found else _plain_key(text)
            key = unquote(token) if token else None
            if key is None or not is_canonical_scalar(token) or (last is not None and key <= last):
                return False
            if not self.value(rest, indent):
                return False
            last = key
        return last is not None

    def value(self, rest: str, indent: int) -> bool:
        if rest == _VALUE:
            return True
        if rest:
            return rest.startswith(" ") and (rest in {" {}", " []"} or is_canonical_scalar(rest[1:]))
        return self.below(indent + 2)

    def below(self, indent: int) -> bool:
        if self.at < len(self.lines) and self.lines[self.at].startswith(f"{'':{indent}}-"):
            return self.list(indent)
        return self.mapping(indent)

    def list(self, indent: int) -> bool:
        while indent <= _DEEPEST and self.at < len(self.lines) and self.lines[self.at].startswith(f"{'':{indent}}-"):
            rest = self.lines[self.at][indent + 1 :]
            self.at += 1
            if not self.value(rest, indent):
                return False
        return True


def _plain_key(text: str) -> tuple[str, str]:
    key, colon, rest = text.partition(":")
    return (key, rest) if colon else ("", "")

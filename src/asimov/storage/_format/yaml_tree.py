"""Any YAML 1.1: a tree, built from PyYAML's events, and its scalars, written again."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import NoReturn, TypeAlias

from asimov.storage._model.errors import ManifestError

from .quoting import quote

_MAX_DEPTH = 64
_MARK = re.compile("(?:\\A\ufeff|[\n\r\x85\u2028\u2029])\ufeff")


class Scalar:
    """A text, with its tag, its line, and whether it was written plain."""

    __slots__ = ("line", "plain", "tag", "value")

    def __init__(self, value: str, tag: str | None, line: int, *, plain: bool) -> None:
        self.value, self.tag, self.plain, self.line = value, tag, plain, line


class Mapping:
    """Keys, each with its value."""

    __slots__ = ("items", "key", "line", "tag")

    def __init__(self, tag: str | None, line: int) -> None:
        self.tag, self.line = tag, line
        self.items: dict[str, tuple[Scalar, Tree]] = {}
        self.key: Scalar | None = None


class Sequence:
    """Values."""

    __slots__ = ("items", "line", "tag")

    def __init__(self, tag: str | None, line: int) -> None:
        self.tag, self.line = tag, line
        self.items: list[Tree] = []


Tree: TypeAlias = "Scalar | Mapping | Sequence"
_STANDARD = "tag:yaml.org,2002:"
_STANDARD_TAGS = frozenset(
    _STANDARD + kind
    for kind in [
        "binary",
        "bool",
        "float",
        "int",
        "map",
        "merge",
        "null",
        "omap",
        "pairs",
        "seq",
        "set",
        "str",
        "timestamp",
        "value",
    ]
)


def refuse_marks(data: bytes, path: Path) -> None:
    """Refuse a byte order mark that begins a line: libyaml skips it, and PyYAML reads it as part of a name."""
    encoding = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}.get(data[:2], "utf-8")
    with contextlib.suppress(UnicodeDecodeError):
        text = data.decode(encoding)
        found = _MARK.search(text)
        if found is not None:
            fail(path, text.count("\n", 0, found.end()) + 1, "a line begins with a byte order mark; remove that")


def line_of_bad_character(data: bytes) -> int | None:
    """Find the line of the first bytes that are not UTF-8, or of the first character that YAML does not allow."""
    from yaml.reader import Reader

    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        return data.count(b"\n", 0, error.start) + 1
    found = Reader.NON_PRINTABLE.search(text)
    return None if found is None else text.count("\n", 0, found.start()) + 1


def fail(path: Path, line: int | None, what: str) -> NoReturn:
    """Raise a ManifestError that says `what` is wrong."""
    raise ManifestError(what, path, line) from None


def build(data: bytes, path: Path, depth: int = 0) -> Tree:
    """Build the tree of the one document in `data`, which lies `depth` levels deep; refuse more than `_MAX_DEPTH`."""
    import yaml

    root: list[Tree] = []
    stack: list[Mapping | Sequence] = []
    documents = 0
    for event in yaml.parse(data, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader)):
        line = event.start_mark.line + 1 if event.start_mark is not None else 0
        if isinstance(event, yaml.ScalarEvent):
            tag = _allowed_tag(event.tag, path, line)
            plain = event.style is None or event.style == ""
            _attach(Scalar(event.value, tag, line, plain=plain), stack, root, path)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            tag = _allowed_tag(event.tag, path, line)
            node = Mapping(tag, line) if isinstance(event, yaml.MappingStartEvent) else Sequence(tag, line)
            _attach(node, stack, root, path)
            stack.append(node)
            if len(stack) + depth > _MAX_DEPTH:
                fail(path, line, f"it is more than {_MAX_DEPTH} levels deep")
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            stack.pop()
        elif isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                fail(path, line, "a second document begins, and a manifest is one")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            fail(path, line, "it has an anchor or an alias, and a manifest may not")
    if not root:
        fail(path, None, "it is empty")
    return root[0]


def _allowed_tag(tag: str | None, path: Path, line: int) -> str | None:
    if tag is None or tag in _STANDARD_TAGS:
        return tag
    fail(path, line, f"it has the tag {tag!a}, and only YAML's standard ones are read")


def _attach(node: Tree, stack: list[Mapping | Sequence], root: list[Tree], path: Path) -> None:
    if not stack:
        root.append(node)
        return
    parent = stack[-1]
    if isinstance(parent, Sequence):
        parent.items.append(node)
    elif parent.key is None:
        if not isinstance(node, Scalar):
            fail(path, node.line, "a key is a mapping or a list, where a name should stand")
        if node.value in parent.items:
            fail(path, node.line, f"the key {node.value[:300]!a} is repeated")
        parent.key = node
    else:
        parent.items[parent.key.value] = (parent.key, node)
        parent.key = None


def spelled_tag(tree: Mapping | Sequence) -> str | None:
    """Write the tag of a collection; None if it need not be written."""
    return None if tree.tag is None or tree.tag in {_STANDARD + "map", _STANDARD + "seq"} else _short(tree.tag)


def _short(tag: str) -> str:
    return "!!" + tag.removeprefix(_STANDARD)


def spell(scalar: Scalar) -> str:
    """Write a scalar on one line so that it is read as the same value of the same type."""
    import yaml

    if scalar.tag is not None and scalar.tag != _STANDARD + "str":
        return f"{_short(scalar.tag)} {quote(scalar.value, always=True)}"
    if scalar.tag is None and scalar.plain:
        loader = yaml.SafeLoader("")
        kind = loader.resolve(yaml.ScalarNode, scalar.value, (True, False))  # type: ignore[no-untyped-call]
        if kind != _STANDARD + "str" and scalar.value not in {"<<", "="}:
            return scalar.value or "null"
    return quote(scalar.value)

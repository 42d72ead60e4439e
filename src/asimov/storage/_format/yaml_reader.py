"""Manifest text to `Contents` and back.

Text that is canonical, as we and upstream asimov write it, is read with one regular expression (`canonical_writer`);
anything else by PyYAML's event parser (YAML 1.1, https://yaml.org/spec/1.1/), imported only then. Both read the same.
"""

from __future__ import annotations

import contextlib
import operator
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn, TypeAlias

from asimov.storage._model.errors import ManifestError
from asimov.storage._model.names import Key, problem
from asimov.storage._model.snapshot import Collection, Contents, Node

from . import canonical_writer
from .quoting import quote

_MAX_DEPTH = 64
_MD5 = re.compile(r"[0-9a-fA-F]{32}").fullmatch
_SHA256 = re.compile(r"[0-9a-f]{64}").fullmatch
_MARK = re.compile("(?:\\A\ufeff|[\n\r\x85\u2028\u2029])\ufeff")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}").fullmatch


def parse(text: bytes, path: Path) -> Contents:
    """Read a manifest.

    Parameters
    ----------
    text : bytes
        The whole file.
    path : pathlib.Path
        What errors name.

    Raises
    ------
    ManifestError
        It is not YAML 1.1, not one document, or not of the manifest's shape; it names the line where there is one.
    """
    end, folded = canonical_writer.split_folded(text)
    contents = canonical_writer.read(text if folded is None else text[:end])
    return contents if contents is not None else _parse_any(text, path)


# Any YAML 1.1, by PyYAML's events.


class _Scalar:
    __slots__ = ("line", "plain", "tag", "value")

    def __init__(self, value: str, tag: str | None, line: int, *, plain: bool) -> None:
        self.value, self.tag, self.plain, self.line = value, tag, plain, line


class _Mapping:
    __slots__ = ("items", "key", "line", "tag")

    def __init__(self, tag: str | None, line: int) -> None:
        self.tag, self.line = tag, line
        self.items: dict[str, tuple[_Scalar, _Tree]] = {}
        self.key: _Scalar | None = None


class _Sequence:
    __slots__ = ("items", "line", "tag")

    def __init__(self, tag: str | None, line: int) -> None:
        self.tag, self.line = tag, line
        self.items: list[_Tree] = []


_Tree: TypeAlias = "_Scalar | _Mapping | _Sequence"
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


def _parse_any(data: bytes, path: Path) -> Contents:
    import yaml

    _refuse_marks(data, path)
    try:
        tree = _build(data, path)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = getattr(mark, "line", None)
        fail(path, None if line is None else line + 1, f"it is not YAML: {error.problem or error.context}")
    except (yaml.YAMLError, UnicodeError, RecursionError, ValueError, OverflowError) as error:
        first = " ".join(str(error).split())
        fail(path, _line_of_bad_character(data), f"it is not YAML: {first}")
    return _Reader(path).contents(tree)


def _refuse_marks(data: bytes, path: Path) -> None:
    """Refuse a byte order mark that begins a line: libyaml skips it, PyYAML takes it for part of a name."""
    encoding = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}.get(data[:2], "utf-8")
    with contextlib.suppress(UnicodeDecodeError):
        text = data.decode(encoding)
        found = _MARK.search(text)
        if found is not None:
            fail(path, text.count("\n", 0, found.end()) + 1, "a line begins with a byte order mark; remove that")


def _line_of_bad_character(data: bytes) -> int | None:
    """Find the line of the first bytes that are no UTF-8, or of the first character that YAML does not allow."""
    from yaml.reader import Reader

    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        return data.count(b"\n", 0, error.start) + 1
    found = Reader.NON_PRINTABLE.search(text)
    return None if found is None else text.count("\n", 0, found.start()) + 1


def fail(path: Path, line: int | None, what: str) -> NoReturn:
    """Raise the ManifestError that says `what` is wrong."""
    raise ManifestError(what, path, line) from None


def _build(data: bytes, path: Path) -> _Tree:
    """Build the tree of the one document in `data`, without recursion and within `_MAX_DEPTH`."""
    import yaml

    root: list[_Tree] = []
    stack: list[_Mapping | _Sequence] = []
    documents = 0
    for event in yaml.parse(data, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader)):
        line = event.start_mark.line + 1 if event.start_mark is not None else 0
        if isinstance(event, yaml.ScalarEvent):
            tag = _allowed_tag(event.tag, path, line)
            plain = event.style is None or event.style == ""
            _attach(_Scalar(event.value, tag, line, plain=plain), stack, root, path)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            tag = _allowed_tag(event.tag, path, line)
            node = _Mapping(tag, line) if isinstance(event, yaml.MappingStartEvent) else _Sequence(tag, line)
            _attach(node, stack, root, path)
            stack.append(node)
            if len(stack) > _MAX_DEPTH:
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


def _attach(node: _Tree, stack: list[_Mapping | _Sequence], root: list[_Tree], path: Path) -> None:
    if not stack:
        root.append(node)
        return
    parent = stack[-1]
    if isinstance(parent, _Sequence):
        parent.items.append(node)
    elif parent.key is None:
        if not isinstance(node, _Scalar):
            fail(path, node.line, "a key is a mapping or a list, where a name should stand")
        if node.value in parent.items:
            fail(path, node.line, f"the key {node.value[:300]!a} is repeated")
        parent.key = node
    else:
        parent.items[parent.key.value] = (parent.key, node)
        parent.key = None


class _Reader:
    """Reads the tree of one manifest."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[tuple[Key, str, str, str | None, int | None]] = []
        self.extras: dict[Key, dict[str, Node]] = {}
        self.empties: list[tuple[str, ...]] = []
        self.uuids: set[str] = set()

    def fail(self, node: _Tree, what: str) -> NoReturn:
        fail(self.path, node.line, what)

    def contents(self, tree: _Tree) -> Contents:
        if not isinstance(tree, _Mapping):
            self.fail(tree, "it is not a mapping of 'name' and 'events'")
        for wanted in ("name", "events"):
            if wanted not in tree.items:
                self.fail(tree, f"it has no {wanted!r}: it may have been cut off")
        name = tree.items["name"][1]
        if not isinstance(name, _Scalar):
            self.fail(name, "'name' is not a text")
        for event, value in self.named_items("event", tree.items["events"][1], ()):
            for production, below in self.named_items("production", value, (event,)):
                for file, record in self.named_items("file", below, (event, production)):
                    self.record((event, production, file), record)
        top = {_spell(key): self.node(value) for k, (key, value) in tree.items.items() if k not in {"name", "events"}}
        return self.sorted_contents(name.value, top)

    def sorted_contents(self, name: str, top: dict[str, Node]) -> Contents:
        self.rows.sort(key=operator.itemgetter(0))
        return Contents(
            name=name,
            top=top,
            keys=[row[0] for row in self.rows],
            hashes=[row[1] for row in self.rows],
            uuids=[row[2] for row in self.rows],
            sha256s=[row[3] for row in self.rows] if any(row[3] for row in self.rows) else None,
            sizes=[row[4] for row in self.rows] if any(row[4] is not None for row in self.rows) else None,
            extras=self.extras,
            empties=tuple(sorted(self.empties)),
        )

    def named_items(self, kind: str, tree: _Tree, above: tuple[str, ...]) -> Iterable[tuple[str, _Tree]]:
        if isinstance(tree, _Scalar) and tree.plain and tree.value in {"", "~", "null", "Null", "NULL"}:
            tree = _Mapping(None, tree.line)
        if not isinstance(tree, _Mapping):
            where = f"below {' / '.join(map(ascii, above))}" if above else "'events'"
            self.fail(tree, f"{where} is no mapping of {kind}s")
        if not tree.items and above:
            self.empties.append(above)
        for name, (key, value) in tree.items.items():
            wrong = problem(kind, name)
            if wrong is not None:
                self.fail(key, f"{name[:300]!a} can't be the name of a{'n' if kind == 'event' else ''} {kind}: {wrong}")
            yield name, value

    def record(self, key: Key, tree: _Tree) -> None:
        if not isinstance(tree, _Mapping):
            self.fail(tree, f"the record of {key[2]!a} is no mapping of 'hash' and 'uuid'")
        digest, uuid = self.hexadecimal(tree, "hash", key), self.hexadecimal(tree, "uuid", key)
        if uuid in self.uuids:
            self.fail(tree.items["uuid"][1], f"the uuid {uuid} is repeated")
        self.uuids.add(uuid)
        further = {k: pair for k, pair in tree.items.items() if k not in {"hash", "uuid"}}
        sha256, size = (_text(further.get(name)) for name in ("sha256", "size"))
        if sha256 is not None and _SHA256(sha256):
            del further["sha256"]
        else:
            sha256 = None
        size_node = further["size"][1] if "size" in further else None
        if size is not None and _SIZE(size) and isinstance(size_node, _Scalar) and size_node.plain:
            del further["size"]
        else:
            size = None
        if further:
            self.extras[key] = {_spell(name): self.node(value) for name, value in further.values()}
        self.rows.append((key, digest, uuid, sha256, None if size is None else int(size)))

    def hexadecimal(self, record: _Mapping, name: str, key: Key) -> str:
        if name not in record.items:
            self.fail(record, f"the record of {key[2]!a} has no {name!r}")
        value = record.items[name][1]
        if not isinstance(value, _Scalar) or not _MD5(value.value):
            what = ascii(value.value[:80]) if isinstance(value, _Scalar) else "a collection"
            self.fail(value, f"the {name} of {key[2]!a} is not 32 hexadecimal digits but {what}")
        return value.value.lower()

    def node(self, tree: _Tree) -> Node:
        """Turn a further key's value into what is kept of it: the text that gives the same type and value again."""
        if isinstance(tree, _Scalar):
            return _spell(tree)
        tag = None if tree.tag is None or tree.tag in {_STANDARD + "map", _STANDARD + "seq"} else _short(tree.tag)
        if isinstance(tree, _Sequence):
            return Collection(tag, None, tuple(self.node(item) for item in tree.items))
        pairs = sorted(tree.items.items())
        keys = tuple(_spell(key) for _, (key, _) in pairs)
        return Collection(tag, keys, tuple(self.node(value) for _, (_, value) in pairs))


def _text(pair: tuple[_Scalar, _Tree] | None) -> str | None:
    return pair[1].value if pair is not None and isinstance(pair[1], _Scalar) else None


def _short(tag: str) -> str:
    return "!!" + tag.removeprefix(_STANDARD)


def _spell(scalar: _Scalar) -> str:
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

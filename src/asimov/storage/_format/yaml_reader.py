"""Manifest text of any style to `Contents`, by PyYAML's event parser (YAML 1.1, https://yaml.org/spec/1.1/)."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from asimov.storage._model.names import Key, problem
from asimov.storage._model.snapshot import Contents

from . import further
from .yaml_tree import Mapping, Scalar, Tree, build, fail, line_of_bad_character, refuse_marks

_MD5 = re.compile(r"[0-9a-fA-F]{32}").fullmatch


def parse_any(data: bytes, path: Path) -> Contents:
    """Read a manifest of any style. Errors are those of `reader.parse`."""
    import yaml

    refuse_marks(data, path)
    try:
        tree = build(data, path)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = getattr(mark, "line", None)
        fail(path, None if line is None else line + 1, f"it is not YAML: {error.problem or error.context}")
    except (yaml.YAMLError, UnicodeError, RecursionError, ValueError, OverflowError) as error:
        first = " ".join(str(error).split())
        fail(path, line_of_bad_character(data), f"it is not YAML: {first}")
    return _Reader(path).contents(tree)


class _Reader:
    """Reads the tree of one manifest."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[tuple[Key, str, str, str]] = []
        self.empties: list[tuple[str, ...]] = []
        self.uuids: set[str] = set()

    def fail(self, node: Tree, what: str) -> NoReturn:
        fail(self.path, node.line, what)

    def contents(self, tree: Tree) -> Contents:
        if not isinstance(tree, Mapping):
            self.fail(tree, "it is not a mapping of 'name' and 'events'")
        for wanted in ("name", "events"):
            if wanted not in tree.items:
                self.fail(tree, f"it has no {wanted!r}: it may have been cut off")
        name = tree.items["name"][1]
        if not isinstance(name, Scalar):
            self.fail(name, "'name' is not a text")
        for event, value in self.named_items("event", tree.items["events"][1], ()):
            for production, below in self.named_items("production", value, (event,)):
                for file, record in self.named_items("file", below, (event, production)):
                    self.record((event, production, file), record)
        top = {key: pair for key, pair in tree.items.items() if key not in {"name", "events"}}
        return self.sorted_contents(name.value, further.of_tree(top, 0))

    def sorted_contents(self, name: str, top: str) -> Contents:
        self.rows.sort(key=operator.itemgetter(0))
        return Contents(
            name=name,
            top=top,
            keys=[row[0] for row in self.rows],
            hashes=[row[1] for row in self.rows],
            uuids=[row[2] for row in self.rows],
            further=[row[3] for row in self.rows] if any(row[3] for row in self.rows) else None,
            empties=tuple(sorted(self.empties)),
        )

    def named_items(self, kind: str, tree: Tree, above: tuple[str, ...]) -> Iterable[tuple[str, Tree]]:
        if isinstance(tree, Scalar) and tree.plain and tree.value in {"", "~", "null", "Null", "NULL"}:
            tree = Mapping(None, tree.line)
        if not isinstance(tree, Mapping):
            where = f"below {' / '.join(map(ascii, above))}" if above else "'events'"
            self.fail(tree, f"{where} is no mapping of {kind}s")
        if not tree.items and above:
            self.empties.append(above)
        for name, (key, value) in tree.items.items():
            wrong = problem(kind, name)
            if wrong is not None:
                self.fail(key, f"{name[:300]!a} can't be the name of a{'n' if kind == 'event' else ''} {kind}: {wrong}")
            yield name, value

    def record(self, key: Key, tree: Tree) -> None:
        if not isinstance(tree, Mapping):
            self.fail(tree, f"the record of {key[2]!a} is no mapping of 'hash' and 'uuid'")
        digest, uuid = self.hexadecimal(tree, "hash", key), self.hexadecimal(tree, "uuid", key)
        if uuid in self.uuids:
            self.fail(tree.items["uuid"][1], f"the uuid {uuid} is repeated")
        self.uuids.add(uuid)
        self.rows.append((key, digest, uuid, further.of_record(tree.items)))

    def hexadecimal(self, record: Mapping, name: str, key: Key) -> str:
        if name not in record.items:
            self.fail(record, f"the record of {key[2]!a} has no {name!r}")
        value = record.items[name][1]
        if not isinstance(value, Scalar) or not _MD5(value.value):
            what = ascii(value.value[:80]) if isinstance(value, Scalar) else "a collection"
            self.fail(value, f"the {name} of {key[2]!a} is not 32 hexadecimal digits but {what}")
        return value.value.lower()

"""What a manifest says, read in the plainest way: PyYAML's BaseLoader, and the contract's rules one after the other.

The yardstick of the fuzz tests. It shares no code with the package, and is slow.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import yaml

from asimov.storage import ManifestError
from asimov.storage._format import canonical_reader, canonical_writer, further, reader, yaml_reader
from asimov.storage._format.retractions import with_retractions
from asimov.storage._model.further import values
from asimov.storage._model.retraction import Retraction
from asimov.storage._model.snapshot import Contents

KINDS = "binary bool float int map merge null omap pairs seq set str timestamp value"
STANDARD = {f"tag:yaml.org,2002:{kind}" for kind in KINDS.split()}
EMPTY = {"", "~", "null", "Null", "NULL"}
DEPTH = 64
LINES = re.compile("[\n\r\x85\u2028\u2029]")
PATH = Path("manifest.yaml")


class NotAllowed(Exception):
    """PyYAML reads it, and the contract refuses it."""


class Reading(NamedTuple):
    """What a manifest says, as far as it matters."""

    name: str
    records: dict[tuple[str, str, str], tuple[str, str]]
    top: set[str]
    extras: dict[tuple[str, str, str], set[str]]


def ours(data: bytes) -> Reading | None:
    """Read with the package; None for a ManifestError. Any other error is a fault, and passes through."""
    try:
        contents = reader.parse(data, PATH)
    except ManifestError as error:
        assert str(PATH) in str(error)
        return None
    check_both_readers(data, contents)
    check_retractions(contents)
    assert all(isinstance(record.meta, Mapping) for record in contents)
    extras = {record.key: keys_of(record.further_lines, 8) for record in contents if record.further_lines}
    records = {r.key: (r.hash, r.uuid) for r in contents}
    assert len(records) == len(contents)
    return Reading(contents.name, records, {"name", "events", *keys_of(contents.top, 0)}, extras)


def check_retractions(contents: Contents) -> None:
    """One more retraction is put into the text beside those that are there, and all are read again as they were."""
    known = values(contents.top).get("retracted")
    assert (
        set(contents.retracted) <= {str(key) for key in known} if isinstance(known, Mapping) else not contents.retracted
    )
    grown = with_retractions(contents, [Retraction("f" * 31 + "0", {"reason": "of the test"})])
    again = reader.parse(canonical_writer.whole(grown), PATH)
    expected = {"f" * 31 + "0": Retraction("f" * 31 + "0", {"reason": "of the test"}), **contents.retracted}
    assert again.retracted == grown.retracted == expected
    assert list(again) == list(contents)


def keys_of(lines: str, indent: int) -> set[str]:
    """List the keys of further lines."""
    return {key for key, _ in further.items(lines, indent)}


def check_both_readers(data: bytes, contents: Contents) -> None:
    """What is read without a parser is what PyYAML's events say, and text that is kept is what would be written."""
    end, folded = canonical_reader.split_folded(data)
    text = data if folded is None else data[:end]
    fast = canonical_reader.read(text)
    if fast is None:
        return
    slow = yaml_reader.parse_any(text, PATH)
    for name in ("name", "top", "keys", "hashes", "uuids", "empties"):
        assert getattr(fast, name) == getattr(slow, name)
    assert list(fast) == list(slow) == list(contents)
    assert [record.further_lines for record in fast] == [record.further_lines for record in slow]
    assert bytes(canonical_writer.write(fast)) == canonical_writer.whole(slow)


def named(key: str) -> str:
    """Call a further key that is empty what it means, as we write it."""
    return key or "null"


def theirs(data: bytes, loader: type = yaml.BaseLoader) -> Reading:
    """Read with PyYAML.

    Raises
    ------
    NotAllowed
        The contract refuses it.
    yaml.YAMLError, UnicodeError, ValueError, RecursionError, OverflowError
        PyYAML does.
    """
    events = list(yaml.parse(data, Loader=loader))
    if any(line.startswith("\ufeff") for line in LINES.split(decoded(data).removeprefix("\ufeff"))):
        raise NotAllowed("a byte order mark begins a line")
    if sum(isinstance(event, yaml.DocumentStartEvent) for event in events) != 1:
        raise NotAllowed("not one document")
    depth = 0
    for event in events:
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise NotAllowed("anchor or alias")
        tag = getattr(event, "tag", None)
        if tag is not None and tag not in STANDARD:
            raise NotAllowed("tag")
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            depth += 1
        if isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            depth -= 1
        if depth > DEPTH:
            raise NotAllowed("depth")
    return interpret(yaml.compose(data, Loader=loader))


def decoded(data: bytes) -> str:
    """Read the text of a manifest, with its byte order mark if it has one."""
    if data.startswith(b"\xff\xfe"):
        return data.decode("utf-16-le")
    return data.decode("utf-16-be" if data.startswith(b"\xfe\xff") else "utf-8")


def interpret(node: yaml.Node) -> Reading:
    """Read the tree of a manifest by the contract's rules."""
    require_names_once(node)
    top = mapping(node)
    if not isinstance(top.get("name"), yaml.ScalarNode) or "events" not in top:
        raise NotAllowed("shape")
    records, extras, uuids = {}, {}, set()
    for event, productions in mapping(top["events"], "event").items():
        for production, files in mapping(productions, "production").items():
            for file, node_of_record in mapping(files, "file").items():
                record = mapping(node_of_record)
                digest, uuid = digits(record.get("hash")), digits(record.get("uuid"))
                if uuid in uuids:
                    raise NotAllowed("uuid repeated")
                uuids.add(uuid)
                records[event, production, file] = (digest, uuid)
                if more := set(record) - {"hash", "uuid"}:
                    extras[event, production, file] = set(map(named, more))
    return Reading(top["name"].value, records, set(map(named, top)), extras)


def require_names_once(node: yaml.Node) -> None:
    """Refuse repeated keys and keys that are no texts, anywhere."""
    if isinstance(node, yaml.MappingNode):
        if not all(isinstance(key, yaml.ScalarNode) for key, _ in node.value):
            raise NotAllowed("a key is a collection")
        keys = [key.value for key, _ in node.value]
        if len(set(keys)) < len(keys):
            raise NotAllowed("key repeated")
        for _, value in node.value:
            require_names_once(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            require_names_once(value)


def mapping(node: yaml.Node, kind: str | None = None) -> dict[str, yaml.Node]:
    """Read a mapping; of names of a `kind`, if one is given, and then nothing is an empty one."""
    if kind and isinstance(node, yaml.ScalarNode) and node.style in {None, ""} and node.value in EMPTY:
        return {}
    if not isinstance(node, yaml.MappingNode):
        raise NotAllowed("no mapping")
    found = {key.value: value for key, value in node.value}
    if kind and not all(is_name(kind, name) for name in found):
        raise NotAllowed("name")
    return found


def is_name(kind: str, name: str) -> bool:
    """Whether a `kind` may be called that."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return False
    control = any(unicodedata.category(character) == "Cc" for character in name)
    reserved = kind == "event" and name.lower().startswith(".manifest")
    return 0 < size <= 255 and not control and not set("/\\") & set(name) and name not in {".", ".."} and not reserved


def digits(node: yaml.Node | None) -> str:
    """Read 32 hexadecimal digits."""
    value = node.value if isinstance(node, yaml.ScalarNode) else ""
    if len(value) != 32 or not set(value) <= set("0123456789abcdefABCDEF"):
        raise NotAllowed("digits")
    return value.lower()


def check(data: bytes) -> str:
    """Our reading agrees with PyYAML's, and survives being written; say which way it went."""
    mine = ours(data)
    try:
        expected = theirs(data)
    except NotAllowed as reason:
        assert mine is None, f"accepted, though: {reason}"
        return "refused by the contract"
    except (yaml.YAMLError, UnicodeError, ValueError, RecursionError, OverflowError):
        if mine is not None:  # libyaml accepts a little more than PyYAML's own parser
            assert mine == theirs(data, yaml.CBaseLoader)
            check_rewritten(data, mine)
        return "refused by PyYAML"
    if mine is None and is_refused_by_libyaml(data):
        return "refused by libyaml"
    assert mine == expected
    check_rewritten(data, mine)
    return "read"


def is_refused_by_libyaml(data: bytes) -> bool:
    """Whether PyYAML's other parser, which is the one that we use, refuses what its own reads, such as ``{a::{}}``."""
    try:
        theirs(data, yaml.CBaseLoader)
    except yaml.YAMLError:
        return True
    return False


def check_rewritten(data: bytes, reading: Reading) -> None:
    """What we write says the same, to us and to any PyYAML, and is written the same again."""
    contents = reader.parse(data, PATH)
    written = bytes(canonical_writer.write(contents))
    assert ours(written) == reading
    assert theirs(written) == reading
    assert bytes(canonical_writer.write(reader.parse(written, PATH))) == written
    try:
        before = yaml.safe_load(data)
    except Exception:  # noqa: BLE001 - whatever PyYAML can't make of tags such as !!int x
        return
    after = yaml.safe_load(written)
    more = [key for key in before if key not in {"name", "events"}]
    assert {key: unordered(after[key]) for key in more} == {key: unordered(before[key]) for key in more}
    assert isinstance(after["name"], str)
    assert values_of(written) == values_of(data)


def values_of(data: bytes) -> dict[tuple[str, ...], object]:
    """Read each record's further keys, their values with their types; nothing where PyYAML can't make a value."""
    loader = yaml.SafeLoader(data)
    found = {}
    events = mapping(mapping(loader.get_single_node())["events"], "event")
    for event, productions in events.items():
        for production, files in mapping(productions, "production").items():
            for file, record in mapping(files, "file").items():
                for name, value in mapping(record).items():
                    if name not in {"hash", "uuid"}:
                        try:
                            found[event, production, file, named(name)] = unordered(loader.construct_document(value))
                        except (yaml.YAMLError, ValueError, OverflowError, TypeError, LookupError, AttributeError):
                            found[event, production, file, named(name)] = None
    return found


def unordered(value: object) -> object:
    """Spell a value with its types; the keys of a mapping, whose order says nothing and is not kept, in any order."""
    if isinstance(value, dict):
        return {repr(key): unordered(below) for key, below in value.items()}
    if isinstance(value, list | tuple):
        return [type(value).__name__, *map(unordered, value)]
    return repr(value)

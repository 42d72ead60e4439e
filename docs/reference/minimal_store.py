"""A second implementation of a Store, from the page "The format on disk" alone: it reads any, and adds to one.

It shows that the page says enough, and the tests run it beside the real one. It leaves out all that makes for speed,
good error messages, file systems without links between folders, and the folding of entries, which a writer may leave to
others.
"""

from __future__ import annotations

import errno
import hashlib
import itertools
import json
import os
import re
import secrets
import shutil
import stat
import time
import uuid
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeAlias

import yaml

Key: TypeAlias = tuple[str, str, str]
Fields: TypeAlias = dict[str, Any]
MEMBERS = ("event", "production", "file", "hash", "uuid")
NUMBER = re.compile(r"0|[1-9][0-9]*")
END = re.compile(rb"end (\d+) ([0-9a-f]{32})\n")
LAST_LINE = re.compile(rb"^# entries folded: (\d+)\n?\Z", re.MULTILINE)
FOLDED = re.compile(rb"^folded (\d+)\n", re.MULTILINE)
KEPT = 32
GONE = {errno.ENOENT, errno.ESTALE}


class State(NamedTuple):
    """One reading: the records, up to which number the manifest includes entries, and which entries are there.

    And what was retracted, by uuid; and whether a later version has written what this one doesn't understand: then
    nobody may write in ignorance.
    """

    records: dict[Key, Fields]
    folded: int
    present: frozenset[int]
    retracted: dict[str, Fields]
    is_beyond_us: bool

    @property
    def highest(self) -> int:
        """The number of the last entry that there was."""
        return max([self.folded, *self.present])


def md5(data: bytes) -> str:
    """Return the MD5 as 32 lower-case hexadecimal digits."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


# Reading.


def read(root: Path, *, to_write: bool = False, patience: float = 10.0) -> State:
    """Read the state. If it doesn't fit together, others are at work, or NFS shows what was: read again."""
    deadline = time.monotonic() + patience
    while True:
        try:
            state, error = look(root), OSError(errno.ESTALE, "there are entries that this manifest is too old for")
        except OSError as caught:
            state, error = None, caught
        if state is not None:
            return state
        if error.errno not in GONE or time.monotonic() >= deadline:
            raise error
        if to_write:
            stir(root)
        time.sleep(0.05)


def look(root: Path) -> State | None:
    """Read the state once; return None if it doesn't fit together."""
    home = root / ".manifest"
    try:
        names = [path.name for path in (home / "recent").iterdir()]
    except FileNotFoundError:  # upstream has none
        names = []
    numbers = sorted(int(name) for name in names if NUMBER.fullmatch(name))
    os.close(os.open(home, os.O_RDONLY))  # NFS asks the server when a folder is opened by its name
    text = (home / "manifest.yaml").read_bytes()  # after the entries were listed, never before
    records, retracted, requires = read_manifest(text)
    last_line = LAST_LINE.search(text)
    folded = int(last_line[1]) if last_line else find_folded(home, records, numbers)
    later = [number for number in numbers if number > folded]
    entries = [read_entry(home / "recent" / str(number)) for number in later]
    if None in entries or later != list(range(folded + 1, folded + 1 + len(later))):
        return None
    if last_line and len(later) > KEPT and folded not in numbers:
        return None
    uuids = {record["uuid"].lower() for record in records.values()}
    lines = [fields for entry in entries for fields in entry or ()]
    for fields in lines:
        if is_retraction(fields):
            retracted.setdefault(
                fields["uuid"], {name: fields[name] for name in fields if name not in ("kind", "uuid")}
            )
    lines = [fields for fields in lines if not is_retraction(fields)]
    understood = [is_record(fields) for fields in lines]
    for fields in itertools.compress(lines, understood):
        key = (fields.pop("event"), fields.pop("production"), fields.pop("file"))
        if fields["uuid"] not in uuids:  # it may have been renamed by hand
            records.setdefault(key, fields)
    return State(records, folded, frozenset(numbers), retracted, bool(requires) or not all(understood))


def is_record(fields: object) -> bool:
    """Return whether the line of an entry is a record: of no other kind, with all that a record has."""
    if not isinstance(fields, dict) or fields.pop("kind", "record") != "record":
        return False
    return all(isinstance(fields.get(member), str) for member in MEMBERS)


def is_retraction(fields: object) -> bool:
    """Return whether the line of an entry retracts a record, by its uuid."""
    return isinstance(fields, dict) and fields.get("kind") == "retraction" and isinstance(fields.get("uuid"), str)


def read_manifest(text: bytes) -> tuple[dict[Key, Fields], dict[str, Fields], list[str]]:
    """Return {(event, production, file): fields}, further keys among them, what was retracted, and what is required."""
    manifest = yaml.load(text, yaml.BaseLoader)  # noqa: S506  this loader makes strings, and nothing else
    records = {
        (event, production, file): fields
        for event, productions in mapping(manifest["events"]).items()
        for production, files in mapping(productions).items()
        for file, fields in mapping(files).items()
    }
    return records, dict(mapping(manifest.get("retracted", {}))), manifest.get("requires", [])


def mapping(value: str | dict[str, Any]) -> dict[str, Any]:
    """Return what is empty or null as an empty mapping."""
    return value if isinstance(value, dict) else {}


def read_entry(path: Path) -> list[Fields] | None:
    """Read the records of one commit; none if it is empty or not whole, None if it is gone."""
    try:
        text = path.read_bytes()
    except OSError as error:
        if error.errno not in GONE:
            raise
        return None
    body = text[: text.rfind(b"\nend ") + 1]
    end = END.fullmatch(text[len(body) :])
    whole = end is not None and body.count(b"\n") == int(end[1]) and md5(body) == end[2].decode()
    return [json.loads(line) for line in body.splitlines()] if whole else []


def find_folded(home: Path, records: dict[Key, Fields], numbers: list[int]) -> int:
    """Find out which entries are in a manifest without its last line: another program has written it."""
    kept = home / "manifest.yaml.new"
    said = [int(number) for number in FOLDED.findall(kept.read_bytes() if kept.exists() else b"")]
    uuids = {record["uuid"].lower() for record in records.values()}
    found = 0
    for number in numbers:
        path = home / "recent" / str(number)
        known = [fields["uuid"] in uuids for fields in filter(is_record, read_entry(path) or ())]
        if any(known):
            found = number if all(known) else number - 1
        elif path.exists() and path.stat().st_size == 0:
            found = number
    return max([found, *said[-1:]])


def fetch(root: Path, key: Key) -> bytes:
    """Return the verified bytes of a file."""
    record = read(root).records[key]
    folder = root / key[0] / key[1]
    path = folder / record["uuid"].lower()
    data = (path if path.exists() else folder / key[2]).read_bytes()
    if md5(data) != record["hash"].lower():
        message = f"{path} is not what was stored"
        raise ValueError(message)
    return data


# Adding: steps 1 to 6. Folding and cleaning are left to the next writer that does them.


def sync(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def temporary_name() -> str:
    """Return the name of a temporary file of this process."""
    host = re.sub(r"[^0-9A-Za-z]", "_", os.uname().nodename)[:64]
    return f"{host}-{os.getpid()}-{secrets.token_hex(8)}"


def stir(root: Path) -> None:
    """Change both folders: after a change of its own, NFS looks anew."""
    for folder in (root / ".manifest", root / ".manifest" / "recent"):
        path = folder / temporary_name()
        path.touch()
        path.unlink()


def add(root: Path, event: str, production: str, source: Path) -> Key:
    """Add a file under its own name, for good when this returns."""
    key, home = (event, production, source.name), root / ".manifest"
    for name in ("recent", "incoming"):
        (home / name).mkdir(exist_ok=True)
    sync(home)
    data = home / "incoming" / temporary_name()
    shutil.copyfile(source, data)
    data.chmod(stat.S_IMODE(root.stat().st_mode) & 0o444)
    with data.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        os.fsync(file.fileno())
    try:
        while not commit(root, key, digest, data):
            time.sleep(0.01)
    finally:
        data.unlink()
    return key


def commit(root: Path, key: Key, digest: str, data: Path) -> bool:
    """Try once; return False if that has to be done again."""
    temporary = root / ".manifest" / "recent" / temporary_name()
    with temporary.open("wb") as entry:  # before the state is read; not "xb", for NFS
        try:
            state = read(root, to_write=True)
            if state.is_beyond_us:
                raise OSError(errno.EROFS, "a later version has written to this Store, and must write here", str(root))
            if key in state.records or digest in {fields["hash"].lower() for fields in state.records.values()}:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), "/".join(key))
            if state.highest not in state.present:  # each entry follows one that is there, an empty one if need be
                link(temporary, temporary.with_name(str(state.highest)))
                return False
            if not publish(root, state.highest + 1, key, digest, data, entry):
                return False
            os.fsync(entry.fileno())
            sync(temporary.parent)
            return True
        finally:
            temporary.unlink(missing_ok=True)


def publish(root: Path, number: int, key: Key, digest: str, data: Path, entry: IO[bytes]) -> bool:
    """Place the data and commit; return False, with both taken back, if the commit doesn't count."""
    folder, name = root / key[0] / key[1], uuid.uuid4().hex
    folder.mkdir(parents=True, exist_ok=True)
    os.link(data, folder / name)
    for path in (folder, folder.parent, root):
        sync(path)
    body = json.dumps(dict(zip(MEMBERS, (*key, digest, name), strict=True))).encode() + b"\n"
    entry.write(body + f"end 1 {md5(body)}\n".encode())
    entry.flush()
    os.close(os.dup(entry.fileno()))  # NFS sends to its server at a close
    target = Path(entry.name).with_name(str(number))
    error = link(Path(entry.name), target)  # the commit
    if counts(root, number, key, name):  # whatever the link said: NFS may report an error for what it has done
        return True
    if target.exists() and os.path.samestat(target.stat(), os.fstat(entry.fileno())):
        target.unlink()
    (folder / name).unlink()
    if error is not None and error.errno not in GONE | {errno.EEXIST}:
        raise error
    return False


def link(source: Path, target: Path) -> OSError | None:
    """Give a file a second name, never over anything; return what the system said if not."""
    try:
        os.link(source, target)
    except OSError as error:
        return error
    return None


def counts(root: Path, number: int, key: Key, name: str) -> bool:
    """Read again; return whether the record is there, under a number that was never used before."""
    for _ in range(8):
        state = read(root, to_write=True)
        if number - 1 in state.present or number <= state.folded or state.highest < number + KEPT:
            return state.records.get(key, {}).get("uuid") == name
        stir(root)
    raise OSError(errno.ESTALE, "whether this was stored can't be told", str(root))

"""A second implementation of a Store, from the page "The format on disk" alone: it reads any, and adds to one.

It shows that the page says enough, and the tests run it beside the real one. It leaves out all that makes for speed,
good error messages, and the folding of entries, which a writer may leave to others.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import stat
import time
import uuid
from pathlib import Path
from typing import Any, TypeAlias

import yaml

Key: TypeAlias = tuple[str, str, str]
END = re.compile(rb"end (\d+) ([0-9a-f]{32})\n")


def md5(data: bytes) -> str:
    """Give the MD5 as 32 lower-case hexadecimal digits."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


# Reading.


def read_entry(path: Path) -> list[dict[str, str]]:
    """Read the records of one commit; none if it is emptied, gone or not whole."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return []
    body = text[: text.rfind(b"\nend ") + 1]
    end = END.fullmatch(text[len(body) :])
    whole = end is not None and body.count(b"\n") == int(end[1]) and md5(body) == end[2].decode()
    return [json.loads(line) for line in body.splitlines()] if whole else []


def mapping(value: str | dict[str, Any]) -> dict[str, Any]:
    """Take what is empty or null as an empty mapping."""
    return value if isinstance(value, dict) else {}


def read(root: Path) -> tuple[dict[Key, dict[str, str]], int]:
    """Give {(event, production, file): record} and the highest number of an entry."""
    recent = root / ".manifest" / "recent"
    found = recent.iterdir() if recent.exists() else ()
    numbers = sorted(int(path.name) for path in found if path.name.isdecimal())
    entries = [record for number in numbers for record in read_entry(recent / str(number))]
    text = (root / ".manifest" / "manifest.yaml").read_bytes()  # after the entries, never before
    manifest = yaml.load(text, yaml.BaseLoader)  # noqa: S506  this loader makes strings, and nothing else
    records = {
        (event, production, file): record
        for event, productions in mapping(manifest["events"]).items()
        for production, files in mapping(productions).items()
        for file, record in mapping(files).items()
    }
    for record in entries:
        records.setdefault((record["event"], record["production"], record["file"]), record)
    return records, max(numbers, default=0)


def fetch(root: Path, key: Key) -> bytes:
    """Give the verified bytes of a file."""
    record = read(root)[0][key]
    folder = root / key[0] / key[1]
    path = folder / record["uuid"].lower()
    data = (path if path.exists() else folder / key[2]).read_bytes()
    if md5(data) != record["hash"].lower():
        message = f"{path} is not what was stored"
        raise ValueError(message)
    return data


# Adding: steps a to d, and g. Folding (e, f) is left to the next writer that does it.


def sync(folder: Path) -> None:
    """Make a folder's entries durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def add(root: Path, event: str, production: str, source: Path) -> Key:
    """Add a file under its own name, for good when this returns."""
    key, home = (event, production, source.name), root / ".manifest"
    owner = f"{re.sub(r'[^0-9A-Za-z]', '_', os.uname().nodename)[:64]}-{os.getpid()}-"
    data = home / "incoming" / (owner + secrets.token_hex(8))
    shutil.copyfile(source, data)
    data.chmod(stat.S_IMODE(root.stat().st_mode) & 0o444)
    with data.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        os.fsync(file.fileno())
    try:
        while not commit(root, key, digest, data, home / "tmp" / (owner + secrets.token_hex(8))):
            time.sleep(0.01)
    finally:
        data.unlink()
    return key


def commit(root: Path, key: Key, digest: str, data: Path, temporary: Path) -> bool:
    """Try once; False if another commit took the number, or took us for dead."""
    recent, folder, name = root / ".manifest" / "recent", root / key[0] / key[1], uuid.uuid4().hex
    with temporary.open("xb") as entry:  # before the state is read
        try:
            records, highest = read(root)
            if key in records or digest in {record["hash"].lower() for record in records.values()}:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), "/".join(key))
            folder.mkdir(parents=True, exist_ok=True)
            os.link(data, folder / name)
            for path in (folder, folder.parent, root):
                sync(path)
            record = dict(zip(("event", "production", "file", "hash", "uuid"), (*key, digest, name), strict=True))
            body = json.dumps(record).encode() + b"\n"
            entry.write(body + f"end 1 {md5(body)}\n".encode())
            entry.flush()
            os.close(os.dup(entry.fileno()))  # NFS sends to its server at a close
            try:
                os.link(temporary, recent / str(highest + 1))  # the commit
            except (FileExistsError, FileNotFoundError):
                (folder / name).unlink()
                return False
            os.fsync(entry.fileno())
            sync(recent)
            return True
        finally:
            temporary.unlink(missing_ok=True)

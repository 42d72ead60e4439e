"""What is measured upon: files of incompressible bytes, and records of a Store that has many."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

BLOCK = 1 << 20
NOTE = "        note:\n          analyst: Jane Doe\n          run: {0}\n          snr: {0}.25\n"


def make_file(path: Path, size: int, seed: int) -> Path:
    """Write `size` random bytes, the same for the same seed."""
    source = random.Random(seed)
    with path.open("xb") as file:
        for start in range(0, size, BLOCK):
            file.write(source.randbytes(min(BLOCK, size - start)))
    return path


def make_files(folder: Path, count: int, size: int) -> Path:
    """Write a folder of files, none like another."""
    folder.mkdir(parents=True)
    for number in range(count):
        make_file(folder / f"file-{number:05}.dat", size, number)
    return folder


def md5(path: Path) -> str:
    """Digest a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def flip(path: Path) -> None:
    """Change one bit in the middle of a file, as a disk does: size, mode and times stay. Twice restores it."""
    import os

    status = path.stat()
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(status.st_size // 2)
        byte = file.read(1)[0]
        file.seek(status.st_size // 2)
        file.write(bytes([byte ^ 1]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    path.chmod(status.st_mode & 0o7777)


def names(count: int) -> Iterator[tuple[str, str, str]]:
    """Yield event, production and file: ten files in a production, ten productions in an event."""
    for number in range(count):
        yield f"S{number // 100:06}", f"Prod{number // 10 % 10}", f"result_{number}.hdf5"


def make_store(root: Path, count: int, source: Path, noted: int = 0) -> Path:
    """Write a Store of `count` records, of which one, bench/one/file, has a file; return the path of that.

    Adding so many files would take hours with upstream, and neither adding nor fetching one looks at the others. One
    record in `noted` has a small mapping under a further key; none, if that is 0.
    """
    (root / ".manifest").mkdir(parents=True)
    lines, last = ["events:\n"], ("", "")
    for number, (event, production, file) in enumerate(names(count - 1)):
        lines += _headings(last, (event, production))
        note = NOTE.format(number) if noted and number % noted == 0 else ""
        lines.append(_entry(file, _digest(f"hash {file}"), _digest(f"uuid {file}"), note))
        last = event, production
    uuid, folder = _digest("the one"), root / "bench" / "one"
    lines += [*_headings(last, ("bench", "one")), _entry("file", md5(source), uuid), "name: Benchmark\n"]
    (root / ".manifest" / "manifest.yaml").write_text("".join(lines))
    folder.mkdir(parents=True)
    # Upstream looks for the file under its name, ours under its uuid.
    for name in ("file", uuid):
        (folder / name).write_bytes(source.read_bytes())
        (folder / name).chmod(0o444)
    return folder / uuid


def _headings(last: tuple[str, str], now: tuple[str, str]) -> list[str]:
    if last == now:
        return []
    return ([f"  {now[0]}:\n"] if last[0] != now[0] else []) + [f"    {now[1]}:\n"]


def _entry(file: str, digest: str, uuid: str, note: str = "") -> str:
    return f"      {file}:\n        hash: {digest}\n{note}        uuid: {uuid}\n"


def _digest(text: str) -> str:
    """Digest a text so that the first character is a letter, and no reader takes the digest for a number."""
    return "a" + hashlib.md5(text.encode()).hexdigest()[1:]


def make_sums(folder: Path, count: int, source: Path) -> Path:
    """Write a folder with `manifest-md5.txt` of `count` lines (bagit, md5sum), and beside it `.registry` (pooch)."""
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "one").write_bytes(source.read_bytes())
    rows = [("/".join(("data", *name)), _digest(f"hash {name[2]}")) for name in names(count - 1)]
    rows.append(("data/one", md5(source)))
    (folder / "manifest-md5.txt").write_text("".join(f"{digest}  {name}\n" for name, digest in rows))
    folder.with_name(f"{folder.name}.registry").write_text("".join(f"{name} md5:{digest}\n" for name, digest in rows))
    (folder / "bagit.txt").write_text("BagIt-Version: 0.97\nTag-File-Character-Encoding: UTF-8\n")
    return folder / "data" / "one"

"""What every job script shares: called as ``script.py OPERATION JSON``, it prints one line of JSON.

Standard library only, since it runs in every peer's environment.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Clock:
    """Add up the seconds spent inside ``with clock:`` blocks."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __enter__(self) -> None:
        self._start = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.seconds += time.perf_counter() - self._start


def peak() -> int:
    """Return the most memory, in bytes, that this process has had.

    Not `resource.getrusage`: Linux hands its `ru_maxrss` down from the parent through `exec`.
    """
    try:
        status = Path("/proc/self/status").read_text()
    except FileNotFoundError:  # macOS
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def settle() -> None:
    """Let the disk finish what was written before, so that nobody pays for his neighbour."""
    os.sync()


def md5(path: str | Path) -> str:
    """Digest a file, by the standard library and nothing else."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def files_in(folder: str | Path) -> list[Path]:
    """List the regular files below a folder, sorted."""
    return sorted(path for path in Path(folder).rglob("*") if path.is_file())


def variants(path: str | Path, times: int) -> list[Path]:
    """Make copies of a file beside it, each of other bytes."""
    content, made = Path(path).read_bytes(), []
    for turn in range(times):
        made.append(Path(path).with_name(f"{Path(path).name}-{turn}-{os.getpid()}"))
        made[-1].write_bytes(content + f"{turn} {os.getpid()}".encode())
    return made


def write_durably(path: str | Path, content: bytes) -> None:
    """Replace a file by these bytes as a careful program does: write, fsync, rename, fsync the folder."""
    path = Path(path)
    temporary = path.with_name(path.name + ".new")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def main(*operations: Callable[..., dict[str, Any]]) -> None:
    """Run the operation that the command line names."""
    named = {operation.__name__: operation for operation in operations}
    print(json.dumps(named[sys.argv[1]](**json.loads(sys.argv[2]))))

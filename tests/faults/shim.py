"""shim.c, compiled, as seen from the process that it was preloaded into."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("shim.c")
#: What `locks` may be beside an error number: locks work, or they do nothing.
WORKING, NOTHING = 0, 1


def compiler() -> str | None:
    """Find a C compiler."""
    return next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)


def build(folder: Path) -> Path:
    """Compile the shim into `folder`."""
    library = folder / "shim.so"
    command = [str(compiler()), "-O1", "-fPIC", "-shared", "-Wall", "-Werror", "-o", str(library), str(SOURCE), "-ldl"]
    subprocess.run(command, check=True)
    return library


class Shim:
    """The switches of the shim in this process."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None)

    def locks(self, how: int) -> None:
        """Let locks work, do nothing, or fail with an error number."""
        self._library.shim_locks(how)

    def arm(self, root: Path, stop_at: int = 0) -> None:
        """Count the calls below `root` from here, and stop this process before the one of that number."""
        self._library.shim_arm(str(root).encode(), ctypes.c_long(stop_at))

    def stop(self, call: str, name: str, when: str = "before") -> None:
        """Stop this process before, after, or before and after each call of that kind on a path that ends on `name`."""
        self._library.shim_stop(call.encode(), name.encode(), ["before", "after", "both"].index(when))

    def trace(self, descriptor: int) -> None:
        """Write a line about each counted call to a descriptor."""
        self._library.shim_trace(descriptor)

    def lie(self, name: str, error: int) -> None:
        """Do the next link or rename to `name` and report an error for it."""
        self._library.shim_lie(name.encode(), error)

    def silly(self, prefix: str) -> None:
        """Rename files that are open, to what begins with `prefix`, instead of removing them."""
        self._library.shim_silly(prefix.encode())

    def two_steps(self, on: bool) -> None:
        """Rename a file away before another is renamed over it."""
        self._library.shim_two_steps(on)

    def cached(self, on: bool) -> None:
        """Let manifest.yaml mean what it meant when .manifest was last opened by its name, or changed, here."""
        self._library.shim_cached(on)

    def past(self, folder: str) -> None:
        """Let manifest.yaml and the names in recent/ be those in `folder`, until this process links an entry."""
        self._library.shim_past(folder.encode())

    def fail(self, call: str, pattern: str, error: int, times: int) -> None:
        """Let the next calls of that kind on names of that pattern fail."""
        self._library.shim_fail(call.encode(), pattern.encode(), error, times)

    def fails_left(self) -> int:
        """Return how many of those calls are still to fail."""
        return self._library.shim_fails_left()

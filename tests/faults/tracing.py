"""strace: what a child asks of the system, and breaking one of those calls."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .children import Child, Ended

#: The calls that change something. A question mark: not every processor's Linux has it.
CHANGING = [
    "openat",
    "?open",
    "?creat",
    "mkdirat",
    "?mkdir",
    "linkat",
    "?link",
    "?renameat",
    "renameat2",
    "?rename",
    "unlinkat",
    "?unlink",
    "?rmdir",
    "symlinkat",
    "?symlink",
    "write",
    "writev",
    "pwrite64",
    "pwritev",
    "ftruncate",
    "truncate",
    "fallocate",
    "copy_file_range",
    "sendfile",
    "fsync",
    "fdatasync",
    "fchmod",
    "fchmodat",
    "?chmod",
    "fchown",
    "fchownat",
    "?chown",
    "utimensat",
    "?utimes",
    "?utime",
]
#: For the replay of `powerloss`: what descriptors mean, too.
REPLAYED = [*CHANGING, "close", "dup", "?dup2", "dup3", "fcntl", "lseek"]

_LINE = re.compile(r"(\d+) +(.*)")
_CALL = re.compile(r"(\w+)\((.*)\) += (-?\w+|\?)(.*)")
_UNFINISHED = re.compile(r"(.*) <unfinished \.\.\.>")
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>(.*)")


@dataclass(frozen=True)
class Call:
    """One system call.

    Attributes
    ----------
    thread : int
        Who called.
    name, arguments : str
        As strace writes them.
    result : int or None
        What it gave; None if it never returned.
    injected : bool
        Whether strace made that up.
    """

    thread: int
    name: str
    arguments: str
    result: int | None
    injected: bool

    @property
    def changes(self) -> bool:
        """Whether it may change what is on the disk."""
        if self.name in {"openat", "open"}:
            return "O_CREAT" in self.arguments
        return self.name not in {"close", "dup", "dup2", "dup3", "fcntl", "lseek"}

    def is_below(self, folder: Path) -> bool:
        """Whether it is about something below `folder`."""
        return f"<{folder}/" in self.arguments or f'"{folder}/' in self.arguments


def trace(
    child: Child,
    log: Path,
    calls: Iterable[str] = CHANGING,
    inject: str | None = None,
    options: Iterable[str] = ("-y",),
) -> Ended:
    """Let a child run under strace, which breaks the calls that `inject` names; wait for its end."""
    command = ["strace", "-f", *options, "-o", str(log), "-e", f"trace={','.join(calls)}", "-e", "signal=none"]
    command += ["-e", f"inject={inject}"] if inject else []
    with subprocess.Popen([*command, "-p", str(child.pid)], stderr=subprocess.PIPE, text=True) as strace:
        said = strace.stderr.readline()
        assert "attached" in said, said
        child.go()
        ended = child.wait()
        strace.communicate()
    return ended


def read(log: Path) -> list[Call]:
    """Read the log of strace, the calls in the order in which they returned."""
    calls, begun = [], {}
    for line in log.read_text("utf-8", "surrogateescape").splitlines():
        thread, text = _LINE.fullmatch(line).groups()
        if cut := _UNFINISHED.fullmatch(text):
            begun[thread] = cut[1]
            continue
        if rest := _RESUMED.fullmatch(text):
            text = begun.pop(thread) + rest[1]
        if found := _CALL.fullmatch(text):
            name, arguments, result, more = found.groups()
            number = None if result == "?" else int(result, 0)
            calls.append(Call(int(thread), name, arguments, number, "(INJECTED)" in more))
    for thread, text in begun.items():
        name, _, arguments = text.partition("(")
        calls.append(Call(int(thread), name, arguments, None, injected=False))
    return calls


def points(calls: Iterable[Call], folder: Path) -> list[tuple[str, int]]:
    """List the calls that change something below `folder`, each as strace's ``when`` counts it: per thread and name."""
    counts, found = Counter(), {}
    for call in calls:
        counts[call.thread, call.name] += 1
        if call.changes and call.is_below(folder):
            found[call.name, counts[call.thread, call.name]] = None
    return list(found)


def broken(calls: Iterable[Call]) -> list[Call]:
    """List the calls that were broken: made up by strace, or never returned."""
    return [call for call in calls if call.injected or call.result is None]

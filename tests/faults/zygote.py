"""A Python that has everything loaded and forks a child for each operation: a thousand children in a minute.

Run as ``python -m faults.zygote``; `children` talks to it over stdin and stdout, one JSON object a line. A child waits
for its "go" before it does anything, so that strace can attach to it, and reports into ``BASE/report``, one JSON object
a line.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import logging
import os
import sys
import traceback
from pathlib import Path

import asimov.storage
from asimov.storage import StorageError

from . import operations
from .shim import Shim

_PR_SET_PTRACER, _ANY = 0x59616D61, ctypes.c_ulong(-1)


def main() -> None:
    """Serve until stdin ends."""
    logging.getLogger("asimov.storage").addHandler(logging.NullHandler())
    load()
    waiting: dict[int, int] = {}
    for line in sys.stdin:
        request = json.loads(line)
        match request.pop("do"):
            case "fork":
                answer = fork(request, waiting)
            case "go":
                os.write(waiting[request["pid"]], b"g")
                os.close(waiting.pop(request["pid"]))
                answer = {}
            case "wait":
                answer = wait(request["pid"], request["untraced"])
        print(json.dumps(answer), flush=True)  # noqa: T201 - the protocol


def load() -> None:
    """Load all that the core may load later: a child may be a user who can't read it, and strace should not see it."""
    package = Path(asimov.storage.__file__).parent
    for path in package.glob("_[a-z]*/**/*.py"):
        importlib.import_module(".".join(("asimov.storage", *path.relative_to(package).with_suffix("").parts)))
    for name in ("concurrent.futures.thread", "json", "logging", "socket", "uuid", "yaml"):
        importlib.import_module(name)


def fork(request: dict, waiting: dict[int, int]) -> dict:
    """Fork a child that will do what `request` says."""
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(read)
        waiting[pid] = write
        return {"pid": pid}
    try:
        os.close(write)
        for descriptor in waiting.values():
            os.close(descriptor)
        os.close(0)
        child(Path(request.pop("base")), read, **request)
    finally:
        os._exit(0)


def wait(pid: int, untraced: bool) -> dict:
    """Wait for a child to end, or to stop too."""
    _, status = os.waitpid(pid, os.WUNTRACED if untraced else 0)
    if os.WIFSTOPPED(status):
        return {"stopped": os.WSTOPSIG(status)}
    return {"code": os.waitstatus_to_exitcode(status)}


def child(
    base: Path,
    go: int,
    *,
    operation: str,
    arguments: dict,
    stop_at: int | None = None,
    calls: str | None = None,
    user: int | None = None,
    group: int | None = None,
    mask: int | None = None,
    **system: object,
) -> None:
    """Do one operation and report what came of it; `system` says, by the shim's methods, how the system behaves."""
    trace = os.open(base / calls, os.O_WRONLY | os.O_CREAT | os.O_APPEND) if calls else -1
    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _ANY, 0, 0, 0)
    become(user, group, mask)

    os.read(go, 1)
    os.close(go)
    report = os.open(base / "report", os.O_WRONLY | os.O_APPEND)

    bell = os.open(base / "bell", os.O_WRONLY) if (base / "bell").exists() else None

    def tell(what: dict) -> None:
        os.write(report, json.dumps({"pid": os.getpid(), **what}).encode() + b"\n")
        if bell is not None:
            os.write(bell, b"!")

    shim = Shim()
    for what, how in system.items():
        getattr(shim, what)(*how if isinstance(how, list) else [how])
    if stop_at is not None:
        shim.trace(trace)
        shim.arm(base / "store", stop_at)
    try:
        tell({"done": operations.OPERATIONS[operation].run(base, tell, **arguments)})
    except (OSError, StorageError) as error:
        tell({"error": type(error).__name__, "errno": getattr(error, "errno", None), "text": str(error)})
    except BaseException:  # noqa: BLE001 - whatever else it is, it is a fault to be seen
        tell({"crash": traceback.format_exc()})
    if "fail" in system:
        tell({"fails_left": shim.fails_left()})


def become(user: int | None, group: int | None, mask: int | None) -> None:
    """Be another user, with another umask."""
    if group is not None:
        os.setgroups([group])
        os.setresgid(group, group, group)
    if user is not None:
        os.setresuid(user, user, user)
    if mask is not None:
        os.umask(mask)


if __name__ == "__main__":
    main()

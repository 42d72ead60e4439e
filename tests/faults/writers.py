"""Writers on one Store that the tests start, stop and continue one by one."""

from __future__ import annotations

import signal
from pathlib import Path

import yaml

from asimov.storage import Store

from .operations import OLD, md5
from .shim import NOTHING

BEFORE_FOLD = ["rename", "manifest.yaml"]


class Writers:
    """Writers on the Store in `base`, without locks."""

    def __init__(self, base: Path, zygote) -> None:
        self.base, self.zygote, self.root = base, zygote, base / "store"
        self.home = self.root / ".manifest"
        self.expected = {key: md5(content) for key, content in OLD.items()}

    def start(self, name: str, operation: str = "add_any", **how):
        """Start one that adds a file of that name; return it once it stands still or has ended."""
        arguments = {"key": ("E0", "P0", name), "content": name} if operation == "add_any" else {}
        child = self.zygote.fork(operation, self.base, arguments, **{"locks": NOTHING, **how})
        child.go()
        child.ended = child.wait_for_stop()
        return child

    def goes_on(self, child):
        """Continue one until it stands still again (None) or ends."""
        child.signal(signal.SIGCONT)
        return child.wait_for_stop()

    def ends(self, child):
        """Continue one to its end."""
        while child.ended is None:
            child.ended = self.goes_on(child)
        return child.ended

    def adds(self, name: str, count: int, *, keep: bool = False, **how) -> list[str]:
        """Have one add files of that name, one by one; return their names."""
        arguments = {"name": name, "count": count, "keep": keep}
        ended = self.zygote.run("add_loop", self.base, arguments, **{"locks": NOTHING, **how})
        assert ended.done, ended
        return [f"{name}-{number}" for number in range(count)]

    def state(self) -> dict:
        """Read what is recorded."""
        return {record.file: record.hash for record in Store(self.root)}

    def alone(self) -> set[str]:
        """Read the names that manifest.yaml holds, as any other program does."""
        events = yaml.safe_load((self.home / "manifest.yaml").read_bytes())["events"]
        return {file for productions in events.values() for files in productions.values() for file in files}

"""locutus as a process of its own, in a pipe and in a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from pathlib import Path

import asimov.storage
from asimov.storage import Store

SITE = str(Path(asimov.storage.__file__).parents[2])
PROGRAM = [sys.executable, "-W", "error", "-m", "asimov.storage"]
_DEFAULTS = (
    "import os, signal, sys; [signal.signal(number, signal.SIG_DFL) for number in (1, 2, 15)]; "
    "os.execvp(sys.argv[1], sys.argv[1:])"
)
_OWN_TERMINAL = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
UNIGNORED = [sys.executable, "-c", _DEFAULTS]
"""Runs what follows with the signals that end a program, also where the tests run in the background or under nohup."""
IN_TERMINAL = [sys.executable, "-c", _OWN_TERMINAL + _DEFAULTS]
"""The same in a terminal that is its own."""


def process(*args: object, **options) -> subprocess.CompletedProcess[bytes]:
    """Run locutus as a process of its own."""
    env = {**os.environ, "PYTHONPATH": SITE, **options.pop("env", {})}
    options = {"capture_output": True} | options
    return subprocess.run([*PROGRAM, *map(str, args)], env=env, timeout=60, check=False, **options)


def records(store: Store) -> list[dict[str, str]]:
    """Say what JSON says of a Store's records."""
    return [
        {"event": r.event, "production": r.production, "file": r.file, "hash": r.hash, "uuid": r.uuid} for r in store
    ]


class Console:
    """locutus in a terminal of its own, with what it wrote there so far in `screen`."""

    def __init__(self, *args: object, columns: int = 200) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", 40, columns, 0, 0))
        env = {name: value for name, value in os.environ.items() if name != "COLUMNS"} | {"PYTHONPATH": SITE}
        command = [*IN_TERMINAL, *PROGRAM, *map(str, args)]
        streams = {"stdin": slave, "stdout": slave, "stderr": slave}
        self.process = subprocess.Popen(command, **streams, env=env, start_new_session=True)
        os.close(slave)
        self.screen = b""

    def read_until(self, pattern: bytes | None) -> None:
        """Read until `pattern` is on the screen, or, for None, until the program has ended."""
        while pattern is None or not re.search(pattern, self.screen):
            assert select.select([self._master], [], [], 60)[0], self.screen
            try:
                data = os.read(self._master, 65536)
            except OSError:  # EIO: the other side is closed
                data = b""
            if not data:
                assert pattern is None, self.screen
                return
            self.screen += data

    def read_what_is_there(self) -> None:
        """Read what the program has written so far."""
        while select.select([self._master], [], [], 0)[0]:
            self.screen += os.read(self._master, 65536)

    def lines(self) -> list[str]:
        """Return what a person sees at last, where carriage returns have gone back and written over."""
        seen = []
        for line in self.screen.decode().split("\n"):
            shown = ""
            for part in line.split("\r"):
                shown = part + shown[len(part) :]
            seen.append(shown.rstrip())
        return [line for line in seen if line]

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def hang_up(self) -> int:
        """Close the terminal, as a window or a connection is closed; return the program's code."""
        os.close(self._master)
        return self.process.wait(60)

    def end(self) -> int:
        """Wait for the program's end and return its code."""
        self.read_until(None)
        os.close(self._master)
        return self.process.wait(60)

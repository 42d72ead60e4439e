"""locutus as a process: it runs, exits with a code, and cleans up when a signal ends it."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import time
from typing import TYPE_CHECKING

import click

from .commands import locutus
from .exits import Ended, error_line, exit_code

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

_ENDING = {"SIGHUP": signal.SIG_DFL, "SIGINT": signal.default_int_handler, "SIGTERM": signal.SIG_DFL}
"""Signals after which locutus cleans up and ends, each with its default handler: any other handler is respected."""
_ONE_WISH = 5.0
"""Signals within this many seconds count as one: a shell and a terminal both send SIGHUP, people press Ctrl-C twice."""


def run(args: Sequence[str] | None = None) -> int:
    """Run locutus on arguments (default: this process's own) and return its exit code; print errors on stderr."""
    try:
        return int(locutus.main(args, standalone_mode=False))
    except (Exception, KeyboardInterrupt, Ended) as error:  # noqa: BLE001  (never a traceback: one line, and a code)
        with contextlib.suppress(OSError):  # a terminal that hung up takes no more lines
            click.echo(f"locutus: {error_line(error)}", err=True)
        return exit_code(error)


def main() -> None:
    """Run locutus on the arguments of this process, and exit with its code."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a closed pipe ends locutus silently, like cat and grep
    handled = end_tidily()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # characters that the locale can't spell are escaped
    if any(name.endswith("_COMPLETE") for name in os.environ):
        from . import completion  # noqa: F401  (click finds it there)
    code = run()
    for number in handled:
        signal.signal(number, signal.SIG_IGN)  # everything is done, so a signal must not change the exit code
    sys.exit(code)


def end_tidily() -> list[int]:
    """Handle signals that end the process by an exception, so that its temporary files are removed.

    A signal that was ignored when the process began (nohup does that) stays ignored. Signals within seconds of the
    first one are ignored too: they must not interrupt the removal.

    Returns
    -------
    list of int
        The numbers of the signals that are handled.
    """
    handled = []
    last = float("-inf")

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal last
        if (now := time.monotonic()) - last < _ONE_WISH:
            return
        last = now
        if number == signal.SIGINT:
            signal.default_int_handler(number, frame)
        raise Ended(number, signal.Signals(number).name)

    for name, untouched in _ENDING.items():
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == untouched:
            signal.signal(number, end)
            handled.append(number)
    return handled

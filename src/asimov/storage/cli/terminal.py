"""Edges: where results and progress are shown. Here are the terminal's, and the parts that it shares with a cell's."""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TextIO

import click

from asimov.storage._bytes.threads import without_monitor

from .exits import FAILED
from .output import as_json, as_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from asimov.storage._bytes.progress import Progress
    from asimov.storage._display.bar import Bar

    from .output import Result

_LONG_BYTES, _LONG_SECONDS = 16 << 20, 0.5  # shorter work needs no progress bar


class Edge(Protocol):
    """The place where results and progress are shown."""

    def show(self, result: Result, *, json: bool) -> object:
        """Show a result, and return what the group of commands has to return."""

    def progress(self, label: str) -> AbstractContextManager[Progress | None]:
        """Return a context that gives a callback for long work, or None if nobody is watching."""

    def standard_input(self) -> int:
        """Return the descriptor that a FILE called ``-`` is read from."""

    def standard_output(self) -> int:
        """Return the descriptor that ``-o -`` writes to."""


class Terminal:
    """Results as text or JSON on stdout, and progress as a bar on stderr if that is a terminal."""

    def show(self, result: Result, *, json: bool) -> int:
        """Print a result and return the exit code that it means."""
        person = _is_terminal(sys.stdout)
        if json:
            _print(as_json(result).encode() + b"\n")
        elif isinstance(result, Path) and not person:
            _print(os.fsencode(result) + b"\n")  # a program gets the exact bytes
        elif isinstance(result, list) and not person:
            _print(b"".join(os.fsencode(path) + b"\n" for path in result))
        elif text := "\n".join(as_text(result, width=_columns() if person else None)):
            _print(f"{text}\n")
        return 0 if getattr(result, "ok", True) else FAILED

    @contextlib.contextmanager
    def progress(self, label: str) -> Iterator[Progress | None]:
        """Return a context that gives a callback: it draws a bar in bytes once the work proves long."""
        if not _is_terminal(sys.stderr):
            yield None
            return
        with contextlib.ExitStack() as stack:

            def make_bar(**options: Any) -> Bar:
                bar = stack.enter_context(_terminal_bar(desc=label, **options))
                bar.refresh()
                return bar

            yield bar_callback(make_bar)

    def standard_input(self) -> int:
        """Return the descriptor of stdin."""
        return _descriptor(sys.stdin, "standard input")

    def standard_output(self) -> int:
        """Flush stdout, and return its descriptor."""
        descriptor = _descriptor(sys.stdout, "standard output")
        sys.stdout.flush()
        return descriptor


def _print(text: str | bytes) -> None:
    try:
        click.echo(text, nl=False)
    except OSError as error:
        error.filename = "standard output"
        raise


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()  # None if it was closed before the start


def _columns() -> int:
    import shutil  # takes milliseconds to load, and a pipe doesn't need it

    return shutil.get_terminal_size().columns


def _descriptor(stream: TextIO | None, name: str) -> int:
    if stream is None:  # its number may be another file's by now
        raise OSError(errno.EBADF, "it is closed", name)
    return stream.fileno()


def _terminal_bar(**options: Any) -> Bar:
    from tqdm import tqdm

    bar: type[Bar] = without_monitor(tqdm)
    # A delay keeps the constructor from drawing: a Ctrl-C there would leave half a bar, and its traceback.
    return bar(file=sys.stderr, dynamic_ncols=True, delay=1e-9, **options)


def bar_callback(make_bar: Callable[..., Bar]) -> Progress:
    """Return a callback (bytes done, bytes in all or 0) that makes a bar once the work proves long, and moves it."""
    from asimov.storage._display.bar import moving

    start = time.monotonic()

    def is_long(total: int) -> bool:
        return total >= _LONG_BYTES or time.monotonic() - start >= _LONG_SECONDS

    return moving(functools.partial(make_bar, leave=False), is_long, _set_total)


def _set_total(bar: Bar, total: int) -> None:
    """Set the total of a bar without drawing it, since totals may come faster than a terminal draws."""
    bar.total = total

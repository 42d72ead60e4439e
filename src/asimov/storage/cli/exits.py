"""Exits: the exit codes of locutus, and the line that says what went wrong."""

from __future__ import annotations

import click

from asimov.storage._display.text import printable
from asimov.storage._model.errors import HashError, InvalidNameError, NotAStoreError, RetractedError, StorageError

FAILED, USAGE, NOT_FOUND, REFUSED, OTHER = 1, 2, 3, 4, 5
SIGNALLED = 128
"""The number that a shell adds to that of the signal that ended a process."""
INTERRUPTED = SIGNALLED + 2


class Ended(BaseException):
    """A signal asks this process to end. Like KeyboardInterrupt, this is no Exception.

    Attributes
    ----------
    signal : int
        The signal's number.
    name : str
        Its name, such as SIGTERM.
    """

    def __init__(self, signal: int, name: str) -> None:
        super().__init__(name)
        self.signal, self.name = signal, name


_CODES: tuple[tuple[tuple[type[BaseException], ...], int], ...] = (
    ((click.Abort, KeyboardInterrupt), INTERRUPTED),
    ((click.ClickException,), USAGE),
    ((HashError,), FAILED),
    ((NotAStoreError, FileNotFoundError), NOT_FOUND),
    ((InvalidNameError, FileExistsError, RetractedError), REFUSED),
)


def exit_code(error: BaseException) -> int:
    """Return the exit code of an error."""
    if isinstance(error, Ended):
        return SIGNALLED + error.signal
    return next((code for kinds, code in _CODES if isinstance(error, kinds)), OTHER)


def error_line(error: BaseException) -> str:
    """Return one printable line that says what went wrong."""
    if isinstance(error, Ended):
        return f"ended by {error.name}"
    if isinstance(error, (click.Abort, KeyboardInterrupt)):
        return "interrupted"
    if isinstance(error, click.ClickException):
        hint = f" See '{error.ctx.command_path} --help'." if isinstance(error, click.UsageError) and error.ctx else ""
        return printable(" ".join(error.format_message().split()) + hint)
    if isinstance(error, StorageError):
        return printable(str(error))
    if isinstance(error, OSError) and error.strerror:
        return printable(f"{error.filename}: {error.strerror}" if error.filename is not None else error.strerror)
    return printable(f"{type(error).__name__}: {error}")

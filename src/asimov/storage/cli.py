"""locutus: Stores from the command line.

A thin click group without logic of its own. Each command returns what the core gave it, and `present` hands that to an
`Edge`, which shows it: `Terminal` here, a cell's in `magics`. All but click is imported where it is needed, since
``locutus --version`` should cost little.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TextIO

import click

from ._errors import HashError, InvalidNameError, NotAStoreError, StorageError
from ._format import as_json, as_text, printable
from ._names import meant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import timedelta

    from tqdm import tqdm

    from ._format import Result
    from ._records import Record, VerificationReport
    from ._store import Store

    Progress = Callable[[int, int], object]
    Command = Callable[..., Any]
    Bar = tqdm[Any]

FAILED, USAGE, NOT_FOUND, REFUSED, OTHER = 1, 2, 3, 4, 5
INTERRUPTED = 128 + 2  # as a shell reports SIGINT

_META = "asimov.storage"  # this module's keys in click's Context.meta
_LONG_BYTES, _LONG_SECONDS = 16 << 20, 0.5  # what is done sooner needs no progress bar

_EPILOG = """\b
Exit codes:
  0  all is well
  1  a verification failed, or a file has another hash than it should
  2  wrong usage
  3  not found, or not a store
  4  refused: already there, or no valid name
  5  any other failure: reading or writing, a damaged manifest
  130  interrupted (Ctrl-C)

The Store is the one at --store, else at $LOCUTUS_STORE, else in the current folder or the nearest one above."""


class Edge(Protocol):
    """Where results go and progress is seen."""

    def show(self, result: Result, *, json: bool) -> object:
        """Show a result; what it returns, the group returns."""

    def progress(self, label: str) -> AbstractContextManager[Progress | None]:
        """Give a callback for long work, or None where nobody watches."""


class Terminal:
    """Results as text or JSON on stdout, progress as a bar on stderr where that is a terminal."""

    def show(self, result: Result, *, json: bool) -> int:
        """Print a result and return the exit code that it means."""
        person = _is_terminal(sys.stdout)
        if json:
            click.echo(as_json(result).encode())
        elif isinstance(result, Path) and not person:
            click.echo(os.fsencode(result))  # a program gets the very bytes
        elif text := "\n".join(as_text(result, aligned=person)):
            click.echo(text)
        return 0 if getattr(result, "ok", True) else FAILED

    @contextlib.contextmanager
    def progress(self, label: str) -> Iterator[Progress | None]:
        """Give a callback that draws a bar in bytes, at most ten times a second, once the work proves long."""
        if not _is_terminal(sys.stderr):
            yield None
            return
        with contextlib.ExitStack() as stack:

            def make_bar(**options: Any) -> Bar:
                bar = stack.enter_context(_terminal_bar(desc=label, **options))
                bar.refresh()
                return bar

            yield bar_callback(make_bar)


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()  # None: closed before we began


def _terminal_bar(**options: Any) -> Bar:
    from tqdm import tqdm

    bar = without_monitor(tqdm)
    # A delay keeps the constructor from drawing: a Ctrl-C there would leave half a bar, and its traceback.
    return bar(file=sys.stderr, dynamic_ncols=True, delay=1e-9, **options)


def without_monitor(bar: type[Bar]) -> type[Bar]:
    """Return a kind of bar that starts no thread to watch over it, which may not be had, and isn't needed here."""
    return type(bar.__name__, (bar,), {"monitor_interval": 0})


def bar_callback(make_bar: Callable[..., Bar]) -> Progress:
    """Return a callback (bytes done, bytes in all) that makes a bar once the work proves long, and moves it."""
    start = time.monotonic()
    bars: list[Bar] = []

    def progress(done: int, total: int) -> None:
        if not bars:
            if total < _LONG_BYTES and time.monotonic() - start < _LONG_SECONDS:
                return
            options = {"unit": "B", "unit_scale": True, "unit_divisor": 1024, "mininterval": 0.1, "miniters": 1}
            bars.append(make_bar(total=total, leave=False, **options))
        bars[0].total = total
        bars[0].update(done - bars[0].n)

    return progress


# Options and arguments that commands share ---------------------------------------------------------------------------


def _remember(ctx: click.Context, param: click.Parameter, value: object) -> None:
    if value:
        ctx.meta[f"{_META}.{param.name}"] = value


def _version(ctx: click.Context, _param: click.Parameter, value: object) -> None:
    if value and not ctx.resilient_parsing:
        from asimov.storage import __version__

        click.echo(f"locutus {__version__} ({Path(__file__).parent})")
        ctx.exit()


_version_option = click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Print version and place."
)
_store_option = click.option(
    "--store", metavar="DIR", type=click.Path(), expose_value=False, callback=_remember, help="The Store's folder."
)
_json_option = click.option(
    "--json", is_flag=True, expose_value=False, callback=_remember, help="Print one JSON document."
)


def _amount_option(name: str, parser: str, metavar: str, text: str) -> Callable[[Command], Command]:
    """Return an option that takes a duration or a size, read by a function of `_rotation`."""

    def read(_ctx: click.Context, _param: click.Parameter, value: str | None) -> object:
        from . import _rotation

        try:
            return None if value is None else getattr(_rotation, parser)(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from error

    return click.option(name, metavar=metavar, callback=read, help=text)


def _argument(kind: str, *, required: bool = True) -> Callable[[Command], Command]:
    """Return the argument for an event, production or file, completed from what the Store has."""
    position = ("event", "production", "file").index(kind)

    def complete(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
        before = tuple(ctx.params.get(name) for name in ("event", "production")[:position])
        try:
            columns = _store(ctx).manifest._columns()
        except (StorageError, OSError):
            return []  # the command itself will say what is wrong
        rows = zip(*columns[: position + 1], strict=True)
        found = {row[position] for row in rows if row[:position] == before}
        return sorted(name for name in found if name.startswith(incomplete))

    return click.argument(kind, required=required, callback=_meant, shell_complete=complete)


def _meant(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Return the name that was typed; what the locale can't spell is UTF-8."""
    return None if value is None else meant(value)


def _store(ctx: click.Context) -> Store:
    from ._store import Store

    return Store(ctx.meta.get(f"{_META}.store"))


# The group -----------------------------------------------------------------------------------------------------------


@click.group(invoke_without_command=True, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@_store_option
@_version_option
@click.pass_context
def locutus(ctx: click.Context) -> None:
    """Keep result files in Stores: written once, read only, verified by hash on the way in and on the way out."""
    ctx.obj = ctx.obj or Terminal()
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        ctx.exit(USAGE)


@locutus.result_callback()
@click.pass_context
def present(ctx: click.Context, result: Result) -> object:
    """Hand what a command returned to the edge that shows it."""
    return ctx.obj.show(result, json=f"{_META}.json" in ctx.meta)


@locutus.command()
@click.argument("directory", metavar="[DIR]", required=False, type=click.Path())
@click.option("--name", metavar="N", callback=_meant, help="The Store's name  [default: the folder's]")
@click.pass_context
def init(ctx: click.Context, directory: str | None, name: str | None) -> Store:
    """Create a Store and describe it.

    Its folder is DIR, else --store, else the current folder; it may hold other things.
    """
    from ._store import Store

    root = Path(directory or ctx.meta.get(f"{_META}.store") or ".").absolute()
    return Store.create(root, meant(root.resolve().name) if name is None else name)


@locutus.command()
@_store_option
@_json_option
@click.pass_context
def info(ctx: click.Context) -> Store:
    """Describe the Store.

    Prints its name and root, and how many files, events and productions it holds.
    """
    return _store(ctx)


@locutus.command()
@_argument("event")
@_argument("production")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@click.option(
    "--name", metavar="N", callback=_meant, help="The name to store it under, for one FILE  [default: its own]"
)
@_store_option
@_json_option
@click.pass_context
def store(ctx: click.Context, event: str, production: str, files: tuple[str, ...], name: str | None) -> list[Record]:
    """Add files, all of them or none.

    Each FILE is copied to PRODUCTION of EVENT, and its record is printed as `list` prints it. Files that several
    productions share go to one called `shared`.
    """
    if name is not None and len(files) > 1:
        raise click.UsageError(f"--name names one file, and {len(files)} were given.", ctx)
    to = _store(ctx)
    with ctx.obj.progress("store") as progress:
        added = to.add_files([(event, production, file, name) for file in files], progress=progress)
    return [to[event, production, resource["file"]] for resource in added]


@locutus.command()
@_argument("event")
@_argument("production")
@_argument("file")
@click.option("--hash", metavar="H", help="An MD5 that the file must have, besides the recorded one.")
@click.option("-o", "dest", metavar="PLACE", type=click.Path(), help="Copy it there: a folder, or a new file's name.")
@_store_option
@click.pass_context
def fetch(ctx: click.Context, event: str, production: str, file: str, hash: str | None, dest: str | None) -> Path:
    """Verify a file and print its path.

    The path is that of FILE of PRODUCTION of EVENT in the Store, or with -o that of the copy. Nothing is printed if its
    hash is not the recorded one.
    """
    with ctx.obj.progress("fetch") as progress:
        return _store(ctx).fetch_file(event, production, file, hash, dest=dest, progress=progress)


@locutus.command(name="list")
@_argument("event", required=False)
@_argument("production", required=False)
@_store_option
@_json_option
@click.pass_context
def list_(ctx: click.Context, event: str | None, production: str | None) -> list[Record]:
    """Print the records.

    Of all events, of EVENT, or of its PRODUCTION: event, production, file, hash and uuid, in columns on a terminal,
    separated by tabs in a pipe.
    """
    from ._selection import within

    contents = _store(ctx)._contents()
    return [contents.record(index) for index in within(contents, event, production)]


@locutus.command()
@_argument("event", required=False)
@_argument("production", required=False)
@_store_option
@_json_option
@_amount_option("--since", "parse_duration", "TIME", "Skip what was verified within that time, as 30d or 12h.")
@_amount_option("--budget", "parse_budget", "AMOUNT", "Stop after that time or size, as 1h or 500GB; oldest first.")
@click.pass_context
def verify(
    ctx: click.Context,
    event: str | None,
    production: str | None,
    since: timedelta | None,
    budget: timedelta | int | None,
) -> VerificationReport:
    """Compare each file with its recorded hash.

    Of all events, of EVENT, or of its PRODUCTION. Prints a summary, then each failure, then files that no record names.
    With --since and --budget a job covers a large Store in rotation, a part each night.
    """
    with ctx.obj.progress("verify") as progress:
        return _store(ctx).verify(event, production, progress=progress, since=since, budget=budget)


# The process ---------------------------------------------------------------------------------------------------------

_CODES: tuple[tuple[tuple[type[BaseException], ...], int], ...] = (
    ((click.Abort, KeyboardInterrupt), INTERRUPTED),
    ((click.ClickException,), USAGE),
    ((HashError,), FAILED),
    ((NotAStoreError, FileNotFoundError), NOT_FOUND),
    ((InvalidNameError, FileExistsError), REFUSED),
)


def exit_code(error: BaseException) -> int:
    """Return the exit code that an error means."""
    return next((code for kinds, code in _CODES if isinstance(error, kinds)), OTHER)


def error_line(error: BaseException) -> str:
    """Say in one printable line what went wrong."""
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


def run(args: Sequence[str] | None = None) -> int:
    """Run locutus on arguments (default: this process's own) and return its exit code; errors are said on stderr."""
    try:
        return int(locutus.main(args, standalone_mode=False))
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  (never a traceback: one line, and a code)
        click.echo(f"locutus: {error_line(error)}", err=True)
        return exit_code(error)


def main() -> None:
    """Be the command `locutus`: run it on the arguments of this process, and exit."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a closed pipe ends us as it ends cat and grep: silently
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # what the locale can't spell is shown escaped
    sys.exit(run())

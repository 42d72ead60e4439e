"""The commands of locutus. Each returns a result of the core; `present` hands it to the edge, which shows it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from asimov.storage._model.names import meant

from . import options, reading
from .exits import USAGE
from .output import Listing
from .terminal import Terminal

if TYPE_CHECKING:
    from datetime import timedelta

    from asimov.storage._model.record import Duplicate
    from asimov.storage._model.reports import VerificationReport
    from asimov.storage._store import Store

    from .output import Result
    from .terminal import Edge

_EPILOG = """\b
Exit codes:
  0  all is well
  1  a verification failed, or a file has another hash than it should
  2  wrong usage
  3  not found, or not a store
  4  refused: something else is there already, or a name isn't valid
  5  any other failure: reading or writing, a damaged manifest
  129  ended by SIGHUP (the terminal hung up)
  130  interrupted (Ctrl-C)
  143  ended by SIGTERM

The Store is the one at --store, else at $LOCUTUS_STORE, else in the current folder or the nearest one above."""


class Commands(click.Group):
    """A group that answers an unknown command with the one that was probably meant."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that `args` begin with.

        Raises
        ------
        click.UsageError
            There is no command with that name.
        """
        word = args[0]
        if self.get_command(ctx, word) is None and not word.startswith("-") and not ctx.resilient_parsing:
            from . import suggestions

            raise click.UsageError(suggestions.answer(word, ctx.command_path, self.commands))
        return super().resolve_command(ctx, args)


@click.group(
    cls=Commands,
    invoke_without_command=True,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@options.store_option
@options.version_option
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
    """Show the result of a command, and return what the edge returns."""
    return _edge(ctx).show(result, json=options.wants_json(ctx))


def _edge(ctx: click.Context) -> Edge:
    return cast("Edge", ctx.obj)


@locutus.command()
@click.argument("directory", metavar="[DIR]", required=False, type=options.Place())
@click.option("--name", metavar="N", callback=options.as_meant, help="The Store's name  [default: the folder's]")
@click.pass_context
def init(ctx: click.Context, directory: str | None, name: str | None) -> Store:
    """Create a Store and describe it.

    Its folder is DIR, else --store, else $LOCUTUS_STORE, else the current folder; it may hold other things.
    """
    from asimov.storage._store import Store

    place = directory or options.named_place(ctx) or "."
    root = Path(place).absolute()
    return Store.create(place if "://" in place else root, meant(root.resolve().name) if name is None else name)


@locutus.command()
@options.store_option
@options.json_option
@click.pass_context
def info(ctx: click.Context) -> Store:
    """Describe the Store.

    Prints its name and root, how many files, events and productions it holds, and the bytes of its files.
    """
    return options.store_of(ctx)


@locutus.command()
@options.argument("event")
@options.argument("production")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(allow_dash=True))
@click.option(
    "--name",
    metavar="N",
    callback=options.as_meant,
    help="The name to store it under, for one FILE  [default: its own]",
)
@click.option("--hash", metavar="MD5", help="The MD5 that it must have, for one FILE.")
@click.option(
    "--duplicate",
    type=click.Choice(["raise", "link", "skip"]),
    default="link",
    help="What to do with bytes that are stored already: refuse them (raise), or record them under this name as well, "
    "if they are not (link, skip).  [default: link]",
)
@click.option(
    "--meta",
    metavar="KEY=VALUE",
    multiple=True,
    callback=options.as_notes,
    help="A note that is kept with each record; may be repeated. A VALUE that is a number is kept as one.",
)
@options.store_option
@options.json_option
@click.pass_context
def store(
    ctx: click.Context,
    event: str,
    production: str,
    files: tuple[str, ...],
    name: str | None,
    hash: str | None,
    duplicate: Duplicate,
    meta: dict[str, object],
) -> Listing:
    """Add files, all of them or none.

    Each FILE is copied to PRODUCTION of EVENT, and its record is printed as `list` prints it. Files that several
    productions share go to one called `shared`. The same command may be run again. If a name is taken by other bytes,
    the file is refused.

    FILE may be a folder: its files are added, not those of the folders in it. What is left out is said on stderr.

    FILE may be a pipe: - for standard input (with --name), or a FIFO. All of its bytes are stored.
    """
    from . import folders, streams

    more: dict[str, Any] = {"hash": hash, "duplicate": duplicate, "meta": meta}
    files = folders.with_files_of_folders(ctx, files, {"--name": name, "--hash": hash})
    _require_one(ctx, files, {"--name": name, "--hash": hash})
    piped = next(filter(streams.is_pipe, files), None)
    if piped is not None and len(files) > 1:
        raise click.UsageError(f"{piped} is a pipe. Store it by a command of its own.", ctx)
    if streams.is_nameless(files[0]) and name is None:
        raise click.UsageError(f"{files[0]} has no name to be stored under. Give --name.", ctx)
    to = options.store_of(ctx)
    if piped is not None:
        key = event, production, meant(Path(piped).name) if name is None else name
        return Listing(records=[streams.store_pipe(to, key, piped, _edge(ctx), **more)])
    with _edge(ctx).progress("store") as progress:
        if len(files) == 1:
            added = [to.add_file(event, production, files[0], name, progress=progress, **more)]
        else:
            items = [(event, production, file, None, meta) for file in files]
            added = to.add_files(items, duplicate=duplicate, progress=progress)
    return Listing(records=[to[event, production, resource["file"]] for resource in added])


def _require_one(ctx: click.Context, files: tuple[str, ...], options: dict[str, str | None]) -> None:
    """Raise a UsageError if an option for one FILE was given, and not exactly one FILE."""
    given = next((option for option, value in options.items() if value is not None), None)
    if given is not None and len(files) != 1:
        raise click.UsageError(f"{given} is for one FILE, and {len(files) or 'none'} were given.", ctx)


@locutus.command()
@options.argument("event")
@options.argument("production")
@options.argument("files", metavar="[FILE...]", nargs=-1)
@click.option("--hash", metavar="MD5", help="The MD5 that it must have, besides the recorded one, for one FILE.")
@click.option(
    "-o",
    "--output",
    "dest",
    metavar="PLACE",
    type=options.Place(allow_dash=True),
    help="Copy it there: a folder, or a new file's name; - is standard output.",
)
@options.store_option
@click.pass_context
def fetch(
    ctx: click.Context, event: str, production: str, files: tuple[str, ...], hash: str | None, dest: str | None
) -> Path | list[Path] | None:
    """Verify files and print their paths.

    The paths are those of each FILE of PRODUCTION of EVENT in the Store, or with -o those of the copies. Nothing is
    printed if a file doesn't have its recorded hash.

    Copies of several FILEs, or of the whole production if no FILE is given, go to the folder PLACE, all of them or
    none; the folder is made if necessary. With -o - the bytes of one FILE are written to standard output, after all of
    them were verified.
    """
    from . import streams

    _require_one(ctx, files, {"--hash": hash})
    if not files and dest is None:
        raise click.UsageError("Give FILE, or -o PLACE for copies of the whole production.", ctx)
    if dest == streams.STANDARD and len(files) != 1:
        raise click.UsageError("-o - writes one FILE. Give one, or a folder.", ctx)
    of = options.store_of(ctx)
    if dest == streams.STANDARD:
        streams.write_verified(of, (event, production, files[0]), hash, _edge(ctx))
        return None
    with _edge(ctx).progress("fetch") as progress:
        if len(files) == 1:
            return of.fetch_file(event, production, files[0], hash, dest=dest, progress=progress)
        wanted = [(event, production, file) for file in files] or reading.records(of, event, production)
        return of.fetch_files(wanted, dest=dest, progress=progress)


@locutus.command(name="list")
@options.argument("event", required=False)
@options.argument("production", required=False)
@click.option("-l", "--long", is_flag=True, help="Look at the files too, and print their sizes.")
@options.store_option
@options.json_option
@click.pass_context
def list_(ctx: click.Context, event: str | None, production: str | None, *, long: bool) -> Listing:
    """Print the records.

    Prints event, production, file, hash and uuid of each record: of all events, of EVENT, or of its PRODUCTION. In a
    pipe they are separated by tabs, and sizes are in bytes. On a terminal they are aligned in columns, and hash and
    uuid are shortened if it is narrow.
    """
    of = options.store_of(ctx)
    records = reading.records(of, event, production)
    return Listing(records=records, sizes=reading.sizes(of, records) if long else None)


@locutus.command()
@options.argument("event", required=False)
@options.argument("production", required=False)
@options.store_option
@options.json_option
@options.amount_option("--since", "parse_duration", "TIME", "Skip files verified within that time, as 30d or 12h.")
@options.amount_option(
    "--budget", "parse_budget", "AMOUNT", "Stop after that time or size, as 1h or 500GB; oldest first."
)
@click.pass_context
def verify(
    ctx: click.Context,
    event: str | None,
    production: str | None,
    since: timedelta | None,
    budget: timedelta | int | None,
) -> VerificationReport:
    """Compare each file with its recorded hash.

    Verifies the files of all events, of EVENT, or of its PRODUCTION. Prints a summary, then each failure, then files
    that no record names. With --since and --budget a job covers a large Store in rotation, one part each night.
    """
    with _edge(ctx).progress("verify") as progress:
        return options.store_of(ctx).verify(event, production, progress=progress, since=since, budget=budget)

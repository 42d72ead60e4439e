"""Options and arguments that several commands of locutus share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from asimov.storage._model.errors import StorageError
from asimov.storage._model.names import meant

from . import reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from asimov.storage._store import Store

    Command = Callable[..., Any]

_META = "asimov.storage"  # this module's keys in click's Context.meta


class Place(click.Path):
    """A path in which ``~`` means a home folder, even if the shell doesn't expand it (``--store=~/results``)."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the path with the home folder in place of ``~``.

        Raises
        ------
        click.BadParameter
            There is no user with that name.
        """
        text = os.fsdecode(value)
        place = os.path.expanduser(text)  # noqa: PTH111 - pathlib drops the slash at the end, which means a folder
        if place.startswith("~"):
            user = text.partition("/")[0]
            self.fail(f"there is no home folder {user!a}. Write ./{text} for a folder with this name.", param, ctx)
        return place


def _remember(ctx: click.Context, param: click.Parameter, value: object) -> None:
    if value:
        ctx.meta[f"{_META}.{param.name}"] = value


def _version(ctx: click.Context, _param: click.Parameter, value: object) -> None:
    if value and not ctx.resilient_parsing:
        from asimov.storage._version import __version__

        click.echo(f"locutus {__version__} ({Path(__file__).parents[1]})")
        ctx.exit()


version_option = click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Print version and place."
)
store_option = click.option(
    "--store", metavar="DIR", type=Place(), expose_value=False, callback=_remember, help="The Store's folder, or URL."
)
json_option = click.option(
    "--json", is_flag=True, expose_value=False, callback=_remember, help="Print one JSON document."
)


def amount_option(name: str, parser: str, metavar: str, text: str) -> Callable[[Command], Command]:
    """Return an option that takes a duration or a size, which a function of `amounts` reads."""

    def read(_ctx: click.Context, _param: click.Parameter, value: str | None) -> object:
        from asimov.storage._operations import amounts

        try:
            return None if value is None else getattr(amounts, parser)(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from error

    return click.option(name, metavar=metavar, callback=read, help=text)


def argument(kind: str, **options: Any) -> Callable[[Command], Command]:
    """Return the argument for an event, a production or files, completed from what the Store has."""
    position = ("event", "production", "files").index(kind)

    def complete(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
        before = tuple(ctx.params.get(name) for name in ("event", "production")[:position])
        try:
            columns = reading.columns(store_of(ctx))
        except (StorageError, OSError):
            return []  # the error of the command itself says what is wrong
        rows = zip(*columns[: position + 1], strict=True)
        found = {row[position] for row in rows if row[:position] == before}
        if kind == "files":
            found.difference_update(ctx.params.get(kind) or ())  # those that were typed already
        return sorted(name for name in found if name.startswith(incomplete))

    return click.argument(kind, shell_complete=complete, callback=as_meant, **options)


def as_meant(_ctx: click.Context, _param: click.Parameter, value: Any) -> Any:
    """Return the typed name, or names; bytes that the locale can't spell are read as UTF-8."""
    if isinstance(value, tuple):
        return tuple(map(meant, value))
    return None if value is None else meant(value)


def as_notes(_ctx: click.Context, _param: click.Parameter, value: tuple[str, ...]) -> dict[str, object]:
    """Return the notes of ``--meta KEY=VALUE``; what is checked further is what the core does with all notes."""
    from asimov.storage._operations.meta import checked, note, typed

    notes: dict[str, object] = {}
    try:
        for pair in map(meant, value):
            key, equals, text = pair.partition("=")
            if not equals:
                msg = f"{pair!a} is no KEY=VALUE."
                raise click.BadParameter(msg)
            note(notes, key, typed(text))
        return checked(notes) or {}
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def wants_json(ctx: click.Context) -> bool:
    """Return whether ``--json`` was given."""
    return f"{_META}.json" in ctx.meta


def store_place(ctx: click.Context) -> str | None:
    """Return the folder that ``--store`` names."""
    place: str | None = ctx.meta.get(f"{_META}.store")
    return place


def store_of(ctx: click.Context) -> Store:
    """Open the Store of ``--store``, else of ``$LOCUTUS_STORE``, else at or above the working folder."""
    from asimov.storage._store import Store

    return Store(named_place(ctx))


def named_place(ctx: click.Context) -> str | None:
    """Return the folder that ``--store``, or else ``$LOCUTUS_STORE``, names; None if neither does."""
    place = store_place(ctx) or os.environ.get("LOCUTUS_STORE")
    return os.path.expanduser(place) if place else None  # noqa: PTH111 - as in Place

"""Folders among the FILEs of `locutus store`: their files, not those of the folders in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from asimov.storage._display.text import printable


def with_files_of_folders(ctx: click.Context, files: tuple[str, ...], options: dict[str, object]) -> tuple[str, ...]:
    """Return the FILEs with the files of a folder in its place. What is left out of it is said on stderr.

    Raises
    ------
    click.UsageError
        An option for one FILE was given together with a folder, or a folder has no files.
    """
    folders = [file for file in files if Path(file).is_dir()]
    if not folders:
        return files
    given = next((option for option, value in options.items() if value is not None), None)
    if given is not None:
        raise click.UsageError(f"{given} is for one FILE, and {folders[0]} is a folder.", ctx)
    return tuple(path for file in files for path in (_files_in(ctx, file) if file in folders else [file]))


def _files_in(ctx: click.Context, folder: str) -> Iterator[str]:
    from asimov.storage._operations.trees import ADD, files_in

    is_empty = True
    for one in files_in(Path(folder)):
        if one.action == ADD:
            is_empty = False
            yield str(one.path)
        else:
            click.echo(f"locutus: {printable(str(one.path))} is left out: {one.reason}", err=True)
    if is_empty:
        raise click.UsageError(f"{folder} is a folder without files to store.", ctx)

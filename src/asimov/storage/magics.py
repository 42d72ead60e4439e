"""%locutus: the commands of `cli` in a cell, with a DataFrame, a Store or a report as the cell's result."""

from __future__ import annotations

import contextlib
import shlex
from typing import TYPE_CHECKING

import click
from IPython.core.error import UsageError

from asimov.storage._display.bar import fitting_bar
from asimov.storage._model.errors import StorageError

from .cli import bar_callback, error_line, locutus
from .cli.output import Listing, as_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from IPython.core.interactiveshell import InteractiveShell

    from asimov.storage._bytes.progress import Progress

    from .cli.output import Result


class Cell:
    """Results as objects that a cell shows, and progress as a bar that disappears when the work is done."""

    def show(self, result: Result, *, json: bool) -> object:
        """Return a result as the value of a cell: records as a DataFrame. JSON is printed."""
        if json:
            click.echo(as_json(result))
            return None
        return _to_frame(result) if isinstance(result, Listing) else result

    def standard_input(self) -> int:
        """Raise a UsageError: a cell has no standard input."""
        raise click.UsageError("A cell has no standard input. Give a file, or write with Store.new_file().")

    def standard_output(self) -> int:
        """Raise a UsageError: a cell shows text, and the bytes of a file may be anything."""
        raise click.UsageError("A cell has no standard output. Give a place, or read with Store.open_file().")

    @contextlib.contextmanager
    def progress(self, label: str) -> Iterator[Progress | None]:
        """Return a context that gives a callback: it draws a bar in bytes once the work proves long."""
        with contextlib.ExitStack() as stack:
            yield bar_callback(lambda **options: stack.enter_context(fitting_bar(desc=label, **options)))


def _to_frame(listing: Listing) -> pd.DataFrame:
    import pandas as pd

    from .frame import records_to_frame

    frame = records_to_frame(listing.records)
    return frame if listing.sizes is None else frame.assign(size=pd.array(listing.sizes, dtype="Int64"))


def run(line: str) -> object:
    """Run locutus, the command-line interface of asimov.storage, here: `%locutus list GW150914`.

    ``%locutus list`` and ``%locutus store`` return a DataFrame, ``info`` and ``init`` a Store, ``fetch`` a Path (or a
    list of them, for several files) and ``verify`` a VerificationReport.
    ``%locutus --help`` and ``%locutus COMMAND --help`` print the usage.

    Parameters
    ----------
    line : str
        Arguments as in a shell, quoted if they hold spaces; IPython replaces ``{expressions}``.

    Returns
    -------
    object
        The result of the command; None for help and JSON, which are printed.

    Raises
    ------
    UsageError
        The usage is wrong.
    StorageError, OSError
        Errors of the core, shown as one line without a traceback.
    """
    try:
        result = locutus.main(_split(line), prog_name="%locutus", standalone_mode=False, obj=Cell())
    except click.ClickException as error:
        raise UsageError(error_line(error)) from None
    except (StorageError, OSError) as error:
        raise _shown_as_a_line(error) from None
    except click.Abort:
        raise _shown_as_a_line(KeyboardInterrupt("interrupted")) from None
    return None if isinstance(result, int) else result


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise click.UsageError(f"{error} in: {line}") from None


def _shown_as_a_line(error: BaseException) -> BaseException:
    """Return `error` with the method that tells IPython what to show instead of a traceback."""
    line = f"{type(error).__name__}: {error_line(error)}"
    vars(error)["_render_traceback_"] = lambda: [line]
    return error


def load_ipython_extension(ipython: InteractiveShell) -> None:
    """Register %locutus, and nothing else; ``%load_ext asimov.storage`` calls this."""
    ipython.magics_manager.register_function(run, magic_kind="line", magic_name="locutus")

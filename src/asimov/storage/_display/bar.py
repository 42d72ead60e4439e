"""The progress bar that ``progress=True`` asks for: tqdm's, as fits a terminal or a notebook."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from tqdm.auto import tqdm

from asimov.storage._bytes.threads import without_monitor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asimov.storage._bytes.progress import Progress


@contextlib.contextmanager
def bar(label: str) -> Iterator[Progress]:
    """Open a bar in bytes, with the callback that moves it; it is closed at the end, also by an error.

    Parameters
    ----------
    label : str
        What stands before the bar.

    Yields
    ------
    callable
        To be called as ``progress(done, total)``, in bytes.
    """
    with contextlib.ExitStack() as stack:
        bars: list[tqdm[Any]] = []

        def progress(done: int, total: int) -> None:
            if not bars:  # not before the total is known: a notebook's bar would keep the one that it was made with
                made = without_monitor(tqdm)(
                    desc=label, total=total, unit="B", unit_scale=True, unit_divisor=1024, miniters=1
                )
                bars.append(stack.enter_context(made))
            if bars[0].total != total:
                bars[0].reset(total)
            bars[0].update(done - bars[0].n)

        yield progress

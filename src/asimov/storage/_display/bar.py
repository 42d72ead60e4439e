"""Progress as a bar of tqdm's, in bytes: what moves one, and the one that ``progress=True`` asks for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

from asimov.storage._bytes.progress import Progress
from asimov.storage._bytes.threads import without_monitor

if TYPE_CHECKING:
    from tqdm import tqdm

Bar: TypeAlias = "tqdm[Any]"


def moving(
    make_bar: Callable[..., Bar], is_due: Callable[[int], bool], set_total: Callable[[Bar, int], object]
) -> Progress:
    """Return a callback that makes a bar once that is due, and moves it.

    Parameters
    ----------
    make_bar : callable
        Called with options of tqdm's, the total among them. A notebook's bar would keep the total that it was made
        with, so none is made before there is one.
    is_due : callable
        Called with the total; returns whether the time has come for a bar.
    set_total : callable
        Called with the bar and a total that isn't its own.

    Returns
    -------
    callable
        To be called as ``progress(done, total)``, in bytes.
    """
    bars: list[Bar] = []

    def progress(done: int, total: int) -> None:
        if not bars:
            if not is_due(total):
                return
            bars.append(make_bar(total=total, unit="B", unit_scale=True, unit_divisor=1024, miniters=1))
        if bars[0].total != total:
            set_total(bars[0], total)
        bars[0].update(done - bars[0].n)

    return progress


def fitting_bar(**options: Any) -> Bar:
    """Return a bar as fits a terminal or a notebook; `options` are tqdm's."""
    from tqdm.auto import tqdm

    kind: type[Bar] = without_monitor(tqdm)
    return kind(**options)


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

        def make_bar(**options: Any) -> Bar:
            return stack.enter_context(fitting_bar(desc=label, **options))

        yield moving(make_bar, lambda _total: True, lambda bar, total: bar.reset(total))

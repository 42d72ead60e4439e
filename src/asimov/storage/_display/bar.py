"""Progress as a bar of tqdm, in bytes: the callback that moves a bar, and the bar of ``progress=True``."""

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
    """Return a callback that makes a bar once it is due, and moves it.

    Parameters
    ----------
    make_bar : callable
        Called with options of tqdm, the total among them. A notebook's bar keeps its first total, so the bar is not
        made before there is a total.
    is_due : callable
        Called with the total; returns whether it is time for a bar.
    set_total : callable
        Called with the bar and a new total.

    Returns
    -------
    callable
        Called as ``progress(done, total)``, in bytes.
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
    """Return a bar that fits a terminal or a notebook; `options` are those of tqdm."""
    from tqdm.auto import tqdm

    kind: type[Bar] = without_monitor(tqdm)
    return kind(**options)


@contextlib.contextmanager
def bar(label: str) -> Iterator[Progress]:
    """Open a bar in bytes, and yield the callback that moves it; close the bar at the end, even after an error.

    Parameters
    ----------
    label : str
        The text before the bar.

    Yields
    ------
    callable
        Called as ``progress(done, total)``, in bytes.
    """
    with contextlib.ExitStack() as stack:

        def make_bar(**options: Any) -> Bar:
            return stack.enter_context(fitting_bar(desc=label, **options))

        yield moving(make_bar, lambda _total: True, lambda bar, total: bar.reset(total))

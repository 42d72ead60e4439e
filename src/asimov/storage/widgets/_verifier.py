"""Verifier: every file of a Store, or a selection, against the digests on record, in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets

from asimov.storage._display.pages import verdict
from asimov.storage._display.text import printable
from asimov.storage._model.selection import chosen

from ._link.messages import State, plain
from ._link.module import module
from ._link.panel import Panel
from ._link.traits import Told
from ._served import html, require_store
from ._verifying.verification import Verification

if TYPE_CHECKING:
    from asimov.storage._model.reports import VerificationReport
    from asimov.storage._model.selection import Chosen

    from ._served import Served


class Verifier(Panel):
    """A widget that verifies the files of a Store, or a selection of them, while the notebook stays usable.

    *Verify* starts it, *Cancel* ends it within a second; files, bytes, rate and what was found are shown as it goes.

    Parameters
    ----------
    store : Store
        What to verify.
    selection : optional
        Verify these only: Records, (event, production, file) tuples, rows of ``to_frame()``, as for `Store.verify`.

    Attributes
    ----------
    report : VerificationReport or None
        What the last verification found; None before, while one runs, and where it was cancelled or failed. ``observe``
        hears it change, in the thread that verifies.

    Examples
    --------
    >>> from asimov.storage import Store
    >>> from asimov.storage.widgets import Verifier
    >>> store = Store.create(folder / "verifier", "Test Store")
    >>> verifier = Verifier(store)  # in a notebook, end a cell on it
    >>> verifier.wait().ok
    True
    >>> verifier.close()
    """

    _esm = module("Verifier")
    _initial = traitlets.Dict().tag(sync=True)
    _shown = traitlets.Dict().tag(sync=True)
    _rows: traitlets.List[State] = traitlets.List().tag(sync=True)
    report = Told(lambda report: {"ok": report.ok, "counts": report.counts, "problems": list(report.problems)})

    def __init__(self, store: Served, selection: object = None, **traits: Any) -> None:
        require_store(self, store)
        self._store = store
        which = None if selection is None else chosen(selection)
        super().__init__(_initial=plain({"store": store.name, "about": _about(store, which)}), **traits)
        self._verification = self._serve(Verification(store, lambda: which, self._show_found))

    def start(self) -> None:
        """Begin to verify, as the button does; it returns at once.

        Raises
        ------
        StorageError
            A verification is under way, or this was closed.
        """
        self._verification.start()

    def cancel(self) -> None:
        """End the verification under way within a second, as the button does; it returns at once."""
        self._verification.cancel()

    def wait(self, timeout: float | None = None) -> VerificationReport | None:
        """Wait for the verification under way, and start one if none was started. An interrupt cancels it.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most; None: as long as it takes.

        Returns
        -------
        VerificationReport or None
            None where the time was up, or the verification was cancelled.

        Raises
        ------
        Exception
            Whatever ended the verification before it could give a report.
        """
        return self._verification.wait(timeout)

    def _in_words(self) -> str:
        found = "no report" if self.report is None else verdict(self.report)
        return f"of {printable(repr(self._store.name))}: {found}"

    def _saved_html(self) -> str:
        report: VerificationReport | None = self.report
        return html(self._store) if report is None else report._repr_html_()

    def _show_found(self, state: State, rows: list[State]) -> None:
        self.set_trait("report", self._verification.report)
        self._show(_rows=rows, _shown=state)


def _about(store: Served, which: list[Chosen] | None) -> str:
    """Return in words what is verified."""
    if which is None:
        return f"All files, in {store.root}"
    return f"{len(which):,} selected {'file' if len(which) == 1 else 'files'}, in {store.root}"

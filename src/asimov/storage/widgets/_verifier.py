"""Verifier: a widget that verifies the files of a Store, or a selection of them, in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets

from asimov.storage._display.pages import verdict
from asimov.storage._display.text import printable
from asimov.storage._model.selection import chosen
from asimov.storage._operations.arguments import path

from ._link.messages import State, plain
from ._link.module import module
from ._link.panel import Panel
from ._link.traits import Told
from ._served import html, refusal, require_store
from ._verifying.copies import Folders
from ._verifying.restoring import Restoring
from ._verifying.verification import Verification

if TYPE_CHECKING:
    import os

    from asimov.storage._model.reports import RestoreReport, VerificationReport
    from asimov.storage._model.selection import Chosen

    from ._served import Served


def _counted(report: RestoreReport) -> State:
    counts = {"restored": len(report.restored), "not_found": len(report.not_found), "unread": len(report.unread)}
    return {"dry_run": report.dry_run, **counts}


class Verifier(Panel):
    """A widget that verifies the files of a Store, or a selection of them, while the notebook stays usable.

    *Verify* starts a verification, and *Cancel* ends it within a second. Files, bytes, rate and results are shown as it
    runs.

    Below missing or damaged files, *Look for them* looks for copies in a folder on the server or in another Store, by
    their bytes, as `Store.restore` does. *Put back* puts them back, and verifies them. Damaged files are kept in
    quarantine. This is offered if files can be added to the Store. In a notebook, any folder that the kernel can read
    can be named. Elsewhere (Voilà, a web app) anybody may use the page, so there it takes a `server_root`.

    Parameters
    ----------
    store : Store
        The Store to verify.
    selection : optional
        The files to verify: Records, (event, production, file) tuples or rows of ``to_frame()``, as for `Store.verify`.
        By default all files are verified.
    server_root : str or os.PathLike, optional
        A folder on the machine that the kernel runs on. Copies are looked for only in this folder and below it.

    Attributes
    ----------
    report : VerificationReport or None
        The report of the last verification. It is None before the first one, while one runs, and after one that was
        cancelled or failed. Files that were put back are verified again, and then it is the report with these newer
        results. Observers are called in the thread that verifies.
    restore_report : RestoreReport or None
        What was found by the last search for copies, or put back since.

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
    _restoring = traitlets.Dict().tag(sync=True)
    report = Told(lambda report: {"ok": report.ok, "counts": report.counts, "problems": list(report.problems)})
    restore_report = Told(_counted)

    def __init__(
        self,
        store: Served,
        selection: object = None,
        *,
        server_root: str | os.PathLike[str] | None = None,
        **traits: Any,
    ) -> None:
        require_store(self, store)
        self._store = store
        self._which = None if selection is None else chosen(selection)
        folders = Folders(None if server_root is None else path("server_root", server_root))
        within = None if folders.within is None else str(folders.within.root)
        initial: State = {"store": store.name, "about": _about(store, self._which), "server": within}
        initial["restores"] = folders.any and refusal(store) is None
        super().__init__(_initial=plain(initial), **traits)
        self._verification = self._serve(Verification(store, self._selection, self._show_found))
        self._restorer = Restoring(store, self._verification, folders, self._show_restoring, self._tell_restored)
        if initial["restores"]:
            self._serve(self._restorer)

    def start(self) -> None:
        """Start a verification, as *Verify* does, and return at once.

        Raises
        ------
        StorageError
            A verification is under way already, or the widget was closed.
        """
        self._verification.start()

    def cancel(self) -> None:
        """Cancel the verification under way, as *Cancel* does, and return at once. It ends within a second."""
        self._verification.cancel()

    def wait(self, timeout: float | None = None) -> VerificationReport | None:
        """Wait for the verification under way. Start one if none was started.

        An interrupt of the kernel cancels the verification.

        Parameters
        ----------
        timeout : float, optional
            The longest time to wait, in seconds. None waits as long as it takes.

        Returns
        -------
        VerificationReport or None
            None if the time ran out, or if the verification was cancelled.

        Raises
        ------
        Exception
            The error that ended the verification before there was a report.
        """
        return self._verification.wait(timeout)

    def _in_words(self) -> str:
        found = "no report" if self.report is None else verdict(self.report)
        return f"of {printable(repr(self._store.name))}: {found}"

    def _saved_html(self) -> str:
        report: VerificationReport | None = self.report
        return html(self._store) if report is None else report._repr_html_()

    def _selection(self) -> list[Chosen] | None:
        """Return the files to verify, unless files are being put back."""
        self._restorer.require_idle()
        self._restorer.forget()
        return self._which

    def _show_restoring(self, state: State) -> None:
        self._show(_restoring=state)

    def _tell_restored(self, report: RestoreReport) -> None:
        self.set_trait("restore_report", report)

    def _show_found(self, state: State, rows: list[State]) -> None:
        self.set_trait("report", self._verification.report)
        self._show(_rows=rows, _shown=state)


def _about(store: Served, which: list[Chosen] | None) -> str:
    """Return a description of the files that are verified."""
    if which is None:
        return f"All files, in {store.backend.location}"
    return f"{len(which):,} selected {'file' if len(which) == 1 else 'files'}, in {store.backend.location}"

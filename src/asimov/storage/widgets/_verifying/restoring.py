"""Restoring: the search for copies of files that failed a verification, and putting them back.

::

    page   restore/complete   typed     ->   names, total: folders that begin with it
    page   restore/look       folder         looks for copies there, and changes nothing
    page   restore/put                       puts back what was found, and verifies all that had failed again
    page   restore/cancel

The result of each is in the state that is shown. A folder that is a Store is searched by its records.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asimov.storage._model.check import GOOD, Status
from asimov.storage.widgets._link.messages import Message, RefusedError, State, request
from asimov.storage.widgets._link.records import place
from asimov.storage.widgets._link.work import Work
from asimov.storage.widgets._served import store_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from asimov.storage._model.names import Key
    from asimov.storage._model.reports import RestoreReport, VerificationReport
    from asimov.storage.widgets._link.progress import Progress
    from asimov.storage.widgets._served import Served

    from .copies import Folders
    from .verification import Verification

ROWS = 100
"""The largest number of files that are listed in a page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """What a search has found.

    Attributes
    ----------
    folder : pathlib.Path
        Where the copies are.
    failed : VerificationReport
        The report whose failures were looked for.
    found : RestoreReport
        What the search has found.
    """

    folder: Path
    failed: VerificationReport
    found: RestoreReport

    @property
    def keys(self) -> list[Key]:
        """The files whose copies were found."""
        return [record.key for record in self.found.restored]

    @property
    def damaged(self) -> int:
        """The number of those files that are there, but damaged. They go to quarantine."""
        found = set(self.keys)
        return sum(check.status is not Status.MISSING and check.key in found for check in self.failed.failures)

    def state(self) -> State:
        """Return the values for a page."""
        pairs = zip(self.found.restored, self.found.sources, strict=True)
        rows: list[State] = [{**place(record.key), "copy": str(where)} for record, where in pairs]
        rows += [{**place(record.key), "copy": None} for record in self.found.not_found]
        counts = {"found": len(self.found.restored), "wanted": len(rows), "damaged": self.damaged}
        return {**counts, "unread": len(self.found.unread), "files": rows[:ROWS]}


class Restoring:
    """Looks for copies of the files that failed the last verification, and puts them back, in the background.

    Parameters
    ----------
    store : Store
    verification : Verification
        The verification whose failures are restored. Its report is renewed afterwards.
    folders : Folders
        The folders that a page may name.
    show : callable
        ``show(state)`` is called with a new dict of JSON values at every step. Its ``phase`` is ``looking``, ``found``,
        ``putting``, ``put``, ``cancelled`` or ``failed`` (error), with done and total (bytes). Each state has the
        ``folder``, and ``putting``: whether it is about more than a search. From ``found`` on there are found, wanted,
        damaged, unread (numbers of files) and ``files``. After ``put`` there are sound and left (numbers of files).
    told : callable
        ``told(report)`` is called with each RestoreReport.
    """

    def __init__(
        self,
        store: Served,
        verification: Verification,
        folders: Folders,
        show: Callable[[State], object],
        told: Callable[[RestoreReport], object],
    ) -> None:
        self._store, self._verification, self._folders, self._told = store, verification, folders, told
        self._show = show
        self._lock = threading.Lock()
        self._looked: Looked | None = None
        busy = "Copies are being looked for or put back. Wait for that, or cancel it."
        self._looking = Work(show, doing="looking", done="found", busy=busy)
        self._putting = Work(show, doing="putting", done="put", busy=busy)

    def require_idle(self) -> None:
        """Raise RefusedError while copies are being looked for or put back."""
        self._looking.require_idle()
        self._putting.require_idle()

    def forget(self) -> None:
        """Forget what was found, as the files are being verified again."""
        self._looked = None
        self._show({})

    def close(self) -> None:
        """End the work under way."""
        self._looking.cancel()
        self._putting.cancel()

    @request("restore/complete", background=True)
    def _complete(self, message: Message) -> State:
        names, total = self._folders.complete(message.text("typed", ""))
        return {"names": names, "total": total}

    @request("restore/look", background=True)
    def _look(self, message: Message) -> None:
        folder = self._folders.folder(message.text("folder", "").strip())
        with self._lock:
            failed = self._failed()
            self._looked = None
            self._looking.begin(lambda: {"folder": str(folder), "putting": False})

        def work(progress: Progress) -> State:
            keys = [check.key for check in failed.failures]
            found = self._store.restore(store_in(self._store, folder), keys, dry_run=True, progress=progress)
            self._told(found)
            self._looked = Looked(folder=folder, failed=failed, found=found)
            return self._looked.state()

        self._looking.finish(work)

    @request("restore/put", background=True)
    def _put(self, _message: Message) -> None:
        with self._lock:
            self._failed()
            looked = self._looked
            if looked is None or not looked.keys:
                msg = "Nothing was found that can be put back. Look for copies first."
                raise RefusedError(msg)
            self._looked = None
            self._putting.begin(lambda: {"folder": str(looked.folder), "putting": True, **looked.state()})
        self._putting.finish(lambda progress: self._restored(looked, progress))

    @request("restore/cancel")
    def _cancel(self, _message: Message) -> None:
        self.close()

    def _failed(self) -> VerificationReport:
        """Return the report of the last verification, if some files failed and no work is under way."""
        self._verification.require_idle()
        self.require_idle()
        report = self._verification.report
        if report is None or not report.failures:
            msg = "No file has failed. Verify the files first."
            raise RefusedError(msg)
        return report

    def _restored(self, looked: Looked, progress: Progress) -> State:
        """Put back what was found, and verify all that had failed again."""
        source = store_in(self._store, looked.folder)
        done = self._store.restore(source, looked.keys, dry_run=False, progress=progress)
        self._told(done)
        after = self._store.verify(selection=[check.key for check in looked.failed.failures], progress=progress)
        self._verification.renew(looked.failed, after.results)
        put = {record.key for record in done.restored}
        sound = sum(check.status in GOOD and check.key in put for check in after.results)
        return {"found": len(put), "sound": sound, "left": len(after.failures)}

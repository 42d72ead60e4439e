"""The tests of this folder are sharp: each bug that is put back into a copy of the package is found by a named test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from faults import children, test_interleavings, test_overtaken
from faults.operations import prepare_store
from faults.test_every_call import Trial, break_each
from faults.test_interleavings import Scene, play
from faults.test_overtaken import Writers
from faults.test_power_loss import Lost, Recording


def power_cut(folder: Path, zygote) -> None:
    """Do as test_power_cut_after_every_call does, with add_file."""
    recording = Recording("add_file", folder, zygote)
    recording.check(recording.calls, some=0)


def killed(folder: Path, zygote) -> None:
    """Do as test_killed_at_every_call does, with add_file."""
    trial = Trial("add_file", folder, zygote)
    break_each(trial, "signal=SIGKILL", trial.points())


def full_disk(folder: Path, zygote) -> None:
    """Do as test_error_at_every_call does, with add_file and ENOSPC."""
    trial = Trial("add_file", folder, zygote)
    break_each(trial, "error=ENOSPC", trial.points())


def stopped(scene: Callable[[Scene], None]) -> Callable[[Path, object], None]:
    """Do as test_stopped_at_every_call does, with add_file."""

    def check(folder: Path, zygote) -> None:
        played = Scene("add_file", folder, zygote)
        play(played, scene, played.points())

    return check


def overtaken(test: Callable[[Writers], None]) -> Callable[[Path, object], None]:
    """Do as a test of test_overtaken does."""

    def check(folder: Path, zygote) -> None:
        prepare_store(folder / "base")
        test(Writers(folder / "base", zygote))

    return check


class Bug(NamedTuple):
    """A bug: the lines of a module that it changes, and the test that has to find it."""

    module: str
    right: str
    wrong: str
    found_by: Callable[[Path, object], None]


RENAME = "        fold.rename(self.home, MANIFEST)\n        stamp = Stamp.of(fold.descriptor)\n"
IN_PLACE = """\
        place = self.home.open_file(MANIFEST, os.O_RDWR | os.O_TRUNC)
        os.write(place, bytes(_canonical.write(contents)))
        os.fsync(place)
        stamp = Stamp.of(place)
"""
READ = "            entries = self._read_entries(home)\n            contents = self._read_manifest(home)\n"
WRONG_WAY_ROUND = "            contents = self._read_manifest(home)\n            entries = self._read_entries(home)\n"
LINK = "            self.tmp.link(self.entry.name, self.recent, str(number))\n"
FENCE = "        others = fence(self.tmp, {self.entry.name}, self.now)\n"
ABANDONED = "_temporary.owner_is_dead(name):\n            tmp.remove(name)\n"

BUGS = {
    "the data is not synced": Bug("_incoming", "        os.fsync(self.descriptor)\n", "        pass\n", power_cut),
    "the manifest is not synced": Bug("_commit", "        fold.sync()\n", "", power_cut),
    "its folder is not synced": Bug(
        "_commit",
        "contents)\n        self.home.sync()\n        return stamp\n",
        "contents)\n        return stamp\n",
        power_cut,
    ),
    "the manifest is written in place, and killed": Bug("_commit", RENAME, IN_PLACE, killed),
    "the manifest is written in place, on a full disk": Bug("_commit", RENAME, IN_PLACE, full_disk),
    "the lock is trusted when entries are removed": Bug(
        "_commit", FENCE, "        others = set()\n", overtaken(test_overtaken.test_older_manifest_at_once)
    ),
    "the lock is trusted when a number is taken": Bug(
        "_commit", LINK, LINK.replace("link(", "rename(", 1), stopped(test_interleavings.one_name)
    ),
    "entries are removed by age": Bug(
        "_commit",
        ABANDONED,
        ABANDONED.replace("tmp.remove(name)", "continue"),
        overtaken(test_overtaken.test_older_manifest),
    ),
    "the manifest is read before the entries": Bug(
        "_state", READ, WRONG_WAY_ROUND, test_interleavings.test_reader_stopped_at_every_call
    ),
    "an error is believed": Bug(
        "_commit",
        "            if not self.happened(records):\n",
        "            if True:\n",
        overtaken(test_overtaken.test_the_answer_was_lost_for_days),
    ),
}


@pytest.mark.parametrize("name", BUGS)
def test_bug_is_found(name, tmp_path):
    """A bug that is put back is found by the test that is named beside it."""
    bug, site = BUGS[name], children.copy_package(tmp_path / "site")
    module = site / "asimov" / "storage" / f"{bug.module}.py"
    text = module.read_text("utf-8")
    assert text.count(bug.right) == 1
    module.write_text(text.replace(bug.right, bug.wrong), encoding="utf-8")
    (tmp_path / "trial").mkdir()
    with children.start(tmp_path, site) as zygote, pytest.raises((AssertionError, Lost)) as found:
        bug.found_by(tmp_path / "trial", zygote)
    assert "Traceback" not in str(found.value)  # it is found, not tripped over

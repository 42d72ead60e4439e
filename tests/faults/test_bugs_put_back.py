"""The tests of this folder are sharp: each bug that is put back into a copy of the package is found by a named test."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from faults import children, test_old_views, test_overtaken, test_put_off
from faults.operations import prepare_store
from faults.test_every_call import Trial, break_each
from faults.test_power_loss import Lost, Recording
from faults.writers import Writers


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


def scene(test: Callable[..., None], *arguments: object) -> Callable[[Path, object], None]:
    """Do as a test of test_overtaken or test_old_views does, with those parameters."""

    def check(folder: Path, zygote) -> None:
        prepare_store(folder / "base")
        test(*arguments, writers=Writers(folder / "base", zygote))

    return check


def put_off(test: Callable[[Path, object], None]) -> Callable[[Path, object], None]:
    """Do as a test of test_put_off does, with a package that puts off all folds but the first."""

    def check(folder: Path, zygote) -> None:
        children.make_put_off(folder.parent / "site", 3600.0)
        with children.start(folder / "zygote", folder.parent / "site") as started:
            test(folder, started)

    return check


def upstreams(test: Callable[[Writers], None]) -> Callable[[Path, object], None]:
    """Do as a test of test_old_views does that begins with upstream's Store."""

    def check(folder: Path, zygote) -> None:
        test(test_old_views.begun_by_upstream(folder, zygote))

    return check


class Bug(NamedTuple):
    """A bug: the lines of a module that it changes, and the test that has to find it.

    `kept` is how many folded entries stay: one, where it would take 32 more adds to see that others are gone.
    """

    module: str
    right: str
    wrong: str
    found_by: Callable[[Path, object], None]
    kept: int = 1


RENAME = """\
        self.file.rename(self.home, MANIFEST)
        stamp = Stamp.of(self.file.descriptor)  # ESTALE, if another has replaced it by now
"""
IN_PLACE = """\
        place = self.home.open_file(MANIFEST, files.os.O_RDWR | files.os.O_TRUNC)
        files.write_all(place, b"".join([*text, canonical_reader.folded_line(state.highest)]))
        files.os.fsync(place)
        stamp = Stamp.of(place)
"""
LINK = "            self.recent.link(self.entry.name, self.recent, str(number))\n"
FENCE = "        others = fence(self.recent, {self.own}, self.now)\n"
ABANDONED = "        folder.remove(name)\n        status = folder.status(name)\n"
LAST_LINE = "        self.file.write(*text, canonical_reader.folded_line(state.highest))\n"
REMOVAL = """\
        for number in sorted(state.present):
            if number > state.highest - KEPT or not self.recent.remove(str(number)):
                break
"""
OLD_AND_NEW = scene(test_old_views.test_an_old_manifest_costs_nothing, 9, False)

BUGS = {
    # What a power cut, a kill or a full disk may leave.
    "the data is not synced": Bug(
        "_backends/local/incoming", "        os.fsync(self.descriptor)\n", "        pass\n", power_cut
    ),
    "the manifest is not synced": Bug("_backends/local/fold", "        self.file.sync()\n", "", power_cut),
    "its folder is not synced": Bug(
        "_backends/local/fold", "state.folded\n        self.home.sync()\n", "state.folded\n", power_cut
    ),
    "the manifest is written in place, and killed": Bug("_backends/local/fold", RENAME, IN_PLACE, killed),
    "the manifest is written in place, on a full disk": Bug("_backends/local/fold", RENAME, IN_PLACE, full_disk),
    "an entry whose fold is put off is not synced": Bug(
        "_backends/local/commit",
        "                self.sync_entry()\n                return\n",
        "                return\n",
        put_off(test_put_off.test_power_cut_after_every_call),
    ),
    # The number of an entry.
    "the lock is trusted when a number is taken": Bug(
        "_backends/local/commit",
        LINK,
        LINK.replace("link(", "rename(", 1),
        scene(test_overtaken.test_one_number_is_taken_once),
    ),
    "the entry before is not looked for": Bug(
        "_backends/local/commit",
        "if self.has_predecessor(state) and self.link_entry(",
        "if self.link_entry(",
        scene(test_old_views.test_the_number_before_is_there),
    ),
    "the state is not read again after the commit": Bug(
        "_backends/local/commit",
        "return self.require_counted(records)\n",
        "return state._replace(contents=state.contents.with_records(list(records)), highest=self.number)\n",
        scene(test_old_views.test_a_number_that_was_used_before, 40),
        kept=32,
    ),
    "an error is believed": Bug(
        "_backends/local/commit",
        "committed = self.counted(records) if self.number else None\n",
        "committed = None\n",
        scene(test_overtaken.test_the_answer_was_lost_for_days),
    ),
    # What the manifest says that it includes.
    "the manifest doesn't say what it includes": Bug(
        "_backends/local/fold",
        LAST_LINE,
        LAST_LINE.replace(", canonical_reader.folded_line(state.highest)", ""),
        OLD_AND_NEW,
        kept=32,
    ),
    "the manifest says too much": Bug(
        "_backends/local/fold",
        LAST_LINE,
        LAST_LINE.replace("highest", "highest + 1"),
        scene(test_overtaken.test_older_manifest_at_once),
    ),
    "what others may take back is folded for good": Bug(
        "_backends/local/fold",
        FENCE,
        "        self.keep_folded(state)\n" + FENCE,
        scene(test_overtaken.test_what_is_folded_for_good),
    ),
    "a back-up is believed to include what the manifest does": Bug(
        "_backends/local/state",
        "                folded = included_in(contents, entries_of(recent, numbers))\n",
        "                pass\n",
        upstreams(test_old_views.test_upstreams_back_up_when_the_manifest_is_stuck),
    ),
    # Old names.
    "no folded entry is kept": Bug("_backends/local/fold", REMOVAL, REMOVAL, OLD_AND_NEW, kept=0),
    "an entry is emptied, not removed": Bug(
        "_backends/local/fold",
        REMOVAL,
        REMOVAL.replace(
            "not self.recent.remove(str(number))", 'files.write_over(self.recent, str(number), b"")'
        ).replace(" - KEPT", ""),
        OLD_AND_NEW,
        kept=32,
    ),
    "a writer goes on with a gap": Bug(
        "_backends/local/state",
        "not to_write and (look >= _LOOKS or seconds >= _PATIENCE):",
        "(look >= _LOOKS or seconds >= _PATIENCE):",
        scene(test_old_views.test_an_older_manifest_is_refused, 40),
        kept=32,
    ),
    "folders are not opened by their names": Bug(
        "_backends/local/state",
        "            home.refresh()\n            manifest =",
        "            manifest =",
        scene(test_old_views.test_a_reader_opens_folders_by_their_names),
        kept=32,
    ),
    "an ESTALE is shown when the state is read": Bug(
        "_backends/local/state",
        "            if error.errno not in STALE:\n                raise\n            return _Misfit(error)\n",
        "            raise\n",
        scene(test_old_views.test_a_name_that_is_stuck, "add_file", errno.ESTALE),
    ),
    "an ESTALE is shown when an entry is linked": Bug(
        "_backends/local/journal",
        "if error.errno != errno.ESTALE or attempt == LOOKS:",
        "if True:",
        scene(test_old_views.test_stale_for_a_moment, "link", "recent/2", 1),
    ),
    "temporaries are created exclusively": Bug(
        "_disk/folder",
        "(0 if unique else os.O_EXCL)",
        "os.O_EXCL",
        scene(test_overtaken.test_nothing_is_created_exclusively),
    ),
    # A manifest without a name.
    "nobody gives a manifest its name again": Bug(
        "_backends/local/state",
        "                home.link(BACKUP, home, MANIFEST)\n",
        "                pass\n",
        scene(test_old_views.test_killed_between_the_two_steps_of_a_rename),
    ),
    "an older back-up is taken for the manifest": Bug(
        "_backends/local/state",
        "gap is None and state.folded >= lookup.folded(_kept(home))",
        "gap is None",
        scene(test_old_views.test_a_manifest_that_was_deleted),
    ),
    "what is there is not looked at before it is replaced": Bug(
        "_backends/local/fold",
        "        if not self.has_old(state):\n            return None\n",
        "        self.has_old(state)\n",
        scene(test_old_views.test_edited_before_the_fold),
    ),
    # Cleaning.
    "the lock is trusted when entries are removed": Bug(
        "_backends/local/fold", FENCE, "        others = set()\n", scene(test_overtaken.test_older_manifest_at_once)
    ),
    "entries are removed by age": Bug(
        "_backends/local/fold", ABANDONED, "        return True\n", scene(test_overtaken.test_older_manifest)
    ),
    "a time in the future is young": Bug(
        "_backends/local/fold",
        "if status is not None and (abs(now - status.st_mtime) >",
        "if status is not None and ((now - status.st_mtime) >",
        scene(test_overtaken.test_a_clock_that_is_wrong, 10),
    ),
    "files that are kept while open count": Bug(
        "_disk/temporary",
        "return _NAME(name) is not None",
        "return not name.isdecimal()",
        scene(test_overtaken.test_files_that_are_kept_while_open, ".fuse_hidden"),
        kept=32,
    ),
    "what can't be removed is passed over": Bug(
        "_backends/local/fold",
        REMOVAL,
        REMOVAL.replace("or not self.recent.remove(str(number)):\n                break", "").replace(
            "KEPT ", "KEPT:\n                break\n            self.recent.remove(str(number))"
        ),
        scene(test_overtaken.test_entries_leave_no_gap),
        kept=32,
    ),
    "entries are removed in any order": Bug(
        "_backends/local/fold",
        "        for number in sorted(state.present):\n            if number > state.highest - KEPT or",
        "        for number in sorted(state.present, reverse=True):\n"
        "            if number > state.highest - KEPT:\n"
        "                continue\n"
        "            if",
        scene(test_overtaken.test_killed_while_it_cleans, 9),
        kept=32,
    ),
}


@pytest.mark.parametrize("name", BUGS)
def test_bug_is_found(name, tmp_path):
    """A bug that is put back is found by the test that is named beside it."""
    bug, site = BUGS[name], children.copy_package(tmp_path / "site")
    children.make_hasty(site)
    children.edit(site, "_format/layout", "\nKEPT = 32\n", f"\nKEPT = {bug.kept}\n")
    children.edit(site, bug.module, bug.right, bug.wrong)
    (tmp_path / "trial").mkdir()
    with children.start(tmp_path, site) as zygote, pytest.raises((AssertionError, Lost)) as found:
        bug.found_by(tmp_path / "trial", zygote)
    assert "Traceback" not in str(found.value)  # it is found, not tripped over

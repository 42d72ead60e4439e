"""Repair: a lost or damaged manifest is rebuilt from everything that is left of its records."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal
from uuid import uuid4

from asimov.storage._bytes import digests
from asimov.storage._disk import files, locks, temporary
from asimov.storage._disk.folder import Folder
from asimov.storage._disk.temporary import Temporary
from asimov.storage._format import canonical_reader, canonical_writer, lookup, reader, salvage
from asimov.storage._format.entries import Entry, are_whole, read_many
from asimov.storage._format.entries import read as read_entry
from asimov.storage._format.layout import BACKUP, FOLDED, HOME, INCOMING, MANIFEST, RECENT
from asimov.storage._format.quoting import unquote
from asimov.storage._format.retractions import Line, records_in, retractions_in, with_retractions
from asimov.storage._model.errors import HashError, ManifestError, NotAStoreError
from asimov.storage._model.identity import is_uuid
from asimov.storage._model.matching import require_match
from asimov.storage._model.names import Key, from_disk, problem
from asimov.storage._model.record import Record
from asimov.storage._model.reports import RepairReport
from asimov.storage._model.snapshot import Contents

from .fold import Fold, back_up, fence
from .journal import LOCK_PATIENCE
from .quarantine import folder_of, free_name, keep_aside, move_aside
from .recent import included_in
from .state import StateReader, require_understood, required
from .stored import open_in, open_stored, untracked

_WITH_SHA256 = re.compile(rb"^sha256: true$|\"sha256\":", re.MULTILINE)
"""A pattern of text that only occurs in the manifest, or an entry, of a Store with SHA-256."""
_WITH_STAMP = re.compile(rb"^stamp: true$", re.MULTILINE)
_NAME = re.compile(rb"^name: ([^\n]+)\n", re.MULTILINE)


def repair(root: Path, *, dry_run: bool) -> RepairReport:
    """Rebuild the manifest of the Store at `root` if necessary, and quarantine files that no record can be made for.

    Raises
    ------
    NotAStoreError
        There is not even a folder ``.manifest``.
    """
    if not (root / HOME).is_dir():
        msg = f"There is no Store at {root}: it has no folder {HOME}. Choose the folder that had one."
        raise NotAStoreError(msg)
    with Folder.open(root) as top, top.folder(HOME) as home:
        if dry_run:
            return _Repair(top, home).run(None)
        for name in (RECENT, INCOMING):
            home.make_folder(name)
        with (
            locks.locked(home, "lock", LOCK_PATIENCE),
            home.folder(RECENT) as recent,
            Temporary(recent, temporary.owner_name()) as new,  # before anything is read: see `commit`
        ):
            return _Repair(top, home).run(new)


class _Repair:
    def __init__(self, root: Folder, home: Folder) -> None:
        self.root, self.home = root, home
        self.sources: list[str] = []
        self.reader = StateReader(root.path)
        self.included = 0
        """The number of the last entry that a sound manifest includes."""
        self.backed_up = 0
        """The number of the last entry whose records are in the back-up, or in the file kept beside it."""

    def run(self, new: Temporary | None) -> RepairReport:
        """Repair the Store, with `new` as its manifest; without `new`, only report what would be done."""
        state, problem, contents = self.manifest()
        if state != "sound":
            contents = self.rebuilt()
        self.require_understood(contents)
        unplaced = self.strangers(contents) + self.torn_entries()
        if new is not None:
            if state != "sound":
                self.replace_manifest(new, contents)
            unplaced = self.abandoned(unplaced, new)
            for path in unplaced:
                move_aside(self.root, self.home, path)
            if state == "sound" and self.torn_entries():
                Fold(self.reader, self.home, new.folder, new).run(self.reader.read(self.home, to_write=True))
        return RepairReport(
            root=self.root.path,
            dry_run=new is None,
            manifest=state,
            problem=problem,
            sources=tuple(self.sources),
            records=tuple(contents),
            quarantined=tuple(unplaced),
        )

    def require_understood(self, contents: Contents) -> None:
        """Raise StoreReadOnlyError if a later version has written something that this one would take for damage."""
        for path, entry in self.entry_files():
            if entry is not None and entry.unknown and int(path.name) > self.included:
                require_understood(self.root.path, entry.unknown)
        require_understood(self.root.path, required(contents))

    def abandoned(self, paths: list[Path], new: Temporary) -> list[Path]:
        """Return those of `paths` that no writer is about to record: none, as long as there are writers."""
        if fence(new.folder, {new.name}, new.modified):
            return []
        strangers = set(self.strangers(self.reader.read(self.home).contents))
        return [path for path in paths if path in strangers or path.parent.name == RECENT]

    # What is left.

    def manifest(self) -> tuple[Literal["sound", "damaged", "missing"], str | None, Contents]:
        try:
            with files.opened(self.home, MANIFEST) as descriptor:
                reader.parse(files.read_all(descriptor), self.home.path / MANIFEST)
        except FileNotFoundError:
            return "missing", "there is no manifest.yaml", Contents(name="")
        except PermissionError:
            raise  # it may well be sound
        except ManifestError as error:
            return "damaged", error.problem, Contents(name="")
        except OSError as error:
            return "damaged", f"it can't be read: {error.strerror}", Contents(name="")
        gap = self.reader.gap(self.home)
        if gap is not None:
            return "damaged", gap, Contents(name="")
        self.sources.append(MANIFEST)
        state = self.reader.read(self.home)
        self.included = state.folded
        return "sound", None, state.contents

    def rebuilt(self) -> Contents:
        """Return the records of the back-up, the entries, the damaged text, and the files themselves."""
        contents = self.backup()
        for source, lines in (
            (FOLDED, self.folded()),
            (RECENT, self.entries()),
            (f"what can be read of {MANIFEST}", self.salvaged()),
        ):
            grown = self.with_new(contents, lines)
            if len(grown) > len(contents) or len(grown.retracted) > len(contents.retracted):
                self.sources.append(source)
            contents = grown
        grown = self.with_new(contents, self.named_files(contents))
        if len(grown) > len(contents):
            self.sources.append("files that carry their names")
        return grown

    def backup(self) -> Contents:
        text = self.text(self.home, BACKUP)
        if text is not None:
            with contextlib.suppress(ManifestError):
                contents = reader.parse(text, self.home.path / BACKUP)
                self.sources.append(BACKUP)
                said = canonical_reader.split_folded(text)[1]
                found = {int(path.name): entry for path, entry in self.entry_files()}
                self.backed_up = max(included_in(contents, found) if said is None else said, self.kept_up_to())
                return contents
        return Contents(name=self.salvaged_name(), top=self.salvaged_top())

    def salvaged_name(self) -> str:
        found = _NAME.search(self.text(self.home, MANIFEST) or b"")
        name = unquote(found[1].decode(errors="replace")) if found else None
        return name or self.root.path.name

    def salvaged_top(self) -> str:
        """Return those further keys of the manifest that can still be known: SHA-256, stamp, and retractions."""
        manifest = self.text(self.home, MANIFEST) or b""
        left = [manifest, self.text(self.home, FOLDED) or b""]
        options = "sha256: true\n" if any(map(_WITH_SHA256.search, left)) else ""
        options += "stamp: true\n" if _WITH_STAMP.search(manifest) else ""
        retractions = salvage.retractions(manifest.decode(errors="replace"))
        return with_retractions(Contents(name="", top=options), retractions).top

    def folded(self) -> list[Line]:
        return read_many(self.text(self.home, FOLDED) or b"")

    def kept_up_to(self) -> int:
        """Return the last entry up to which the back-up and the file beside it have all records; 0 if not whole."""
        kept = self.text(self.home, FOLDED) or b""
        return lookup.folded(self.text(self.home, FOLDED) or b"") if are_whole(lookup.without(kept)) else 0

    def entries(self) -> list[Line]:
        """Read the entries after those that the back-up includes: what it lacks of these was removed by hand."""
        later = [entry for path, entry in self.entry_files() if int(path.name) > self.backed_up]
        return [line for entry in later if entry is not None for line in entry.lines]

    def entry_files(self) -> Iterator[tuple[Path, Entry | None]]:
        with contextlib.suppress(FileNotFoundError), self.home.folder(RECENT) as recent:
            for name in sorted((n for n in recent.names() if n.isdecimal()), key=int):
                yield recent.path / name, read_entry(self.text(recent, name) or b"")

    def torn_entries(self) -> list[Path]:
        """Return the entries that are not whole and that no manifest includes yet."""
        return [path for path, entry in self.entry_files() if entry is None and int(path.name) > self.included]

    def salvaged(self) -> list[Record]:
        """Read the rows of a damaged manifest, and return the records whose files exist and have their digests."""
        rows = salvage.records((self.text(self.home, MANIFEST) or b"").decode(errors="replace"))
        return [record for record in rows if self.agrees(record)]

    def agrees(self, record: Record) -> bool:
        try:
            descriptor, path = open_stored(self.root.path, record)
        except OSError:
            return False
        try:
            require_match(record, digests.digest(descriptor, sha256=record.sha256 is not None), path)
        except (OSError, HashError):
            return False
        finally:
            os.close(descriptor)
        return True

    def named_files(self, contents: Contents) -> list[Record]:
        """Make records for files that have their own names, as upstream asimov stores them."""
        found = []
        for path in self.strangers(contents):
            event, production, file = map(from_disk, path.parts[-3:])
            key = (event, production, file)
            if not is_uuid(file) and _are_names(key):
                with contextlib.suppress(OSError):
                    found.append(self.record_of(key))
        return found

    def record_of(self, key: Key) -> Record:
        event, production, file = key
        with self.root.folder(event) as above, above.folder(production) as folder:
            blank = Record(event=event, production=production, file=file, hash="", uuid=uuid4().hex)
            descriptor, _ = open_in(folder, blank)
        try:
            digest = digests.digest(descriptor)
        finally:
            os.close(descriptor)
        return Record(event=event, production=production, file=file, hash=digest.md5, uuid=blank.uuid)

    def strangers(self, contents: Contents) -> list[Path]:
        """Return the files in EVENT/PRODUCTION folders, of any event and production, that no record names."""
        return untracked(self.root.path, contents, self.groups())

    def groups(self) -> Iterator[tuple[str, str]]:
        for event in sorted(self.root.names()):
            if problem("event", event) is None:
                with contextlib.suppress(OSError), self.root.folder(event) as above:
                    for production in sorted(above.names()):
                        if problem("production", production) is None:
                            yield event, production

    @staticmethod
    def with_new(contents: Contents, lines: Iterable[Line]) -> Contents:
        """Return the contents with the retractions, and with those records whose keys and uuids are new."""
        added = list(lines)
        new: dict[Key, Record] = {}
        uuids = set(contents.uuids)
        for record in records_in(added):
            if contents.index_of(record.key) is None and record.key not in new and record.uuid not in uuids:
                new[record.key] = record
                uuids.add(record.uuid)
        return with_retractions(contents.with_records(list(new.values())), retractions_in(added))

    @staticmethod
    def text(folder: Folder, name: str) -> bytes | None:
        try:
            with files.opened(folder, name) as descriptor:
                return files.read_all(descriptor)
        except OSError:
            return None

    # What is done.

    def replace_manifest(self, new: Temporary, contents: Contents) -> None:
        number, others = self.last_number(), fence(new.folder, {new.name}, new.modified)
        new.write(*canonical_writer.write(contents), canonical_reader.folded_line(number))
        new.sync()
        with contextlib.suppress(FileNotFoundError), files.opened(self.home, MANIFEST) as old:
            new.take_permissions(old)
            keep_aside(self.home, MANIFEST, folder_of(self.home))
        new.rename(self.home, MANIFEST)
        self.home.sync()
        if not others:
            self.renew_backup(number)

    def renew_backup(self, number: int) -> None:
        """Make the manifest its own back-up, with no entries beside it, so that all files agree about the entries.

        The former back-up goes into quarantine.
        """
        with files.opened(self.home, MANIFEST) as manifest:
            with contextlib.suppress(FileNotFoundError):
                keep_aside(self.home, BACKUP, folder_of(self.home))
            if not back_up(self.home, manifest):
                return
        with contextlib.suppress(FileNotFoundError), folder_of(self.home) as kept:
            self.home.rename(FOLDED, kept, free_name(kept, FOLDED))
            kept.sync()
        temporary.write_over(self.home, FOLDED, lookup.folded_line(number))

    def last_number(self) -> int:
        """Return the highest number of an entry that any file mentions: the new manifest includes all entries."""
        said = [canonical_reader.split_folded(self.text(self.home, name) or b"")[1] or 0 for name in (MANIFEST, BACKUP)]
        there = [int(path.name) for path, _ in self.entry_files()]
        return max([*said, *there, lookup.folded(self.text(self.home, FOLDED) or b"")])


def _are_names(key: Key) -> bool:
    return all(problem(kind, name) is None for kind, name in zip(("event", "production", "file"), key, strict=True))

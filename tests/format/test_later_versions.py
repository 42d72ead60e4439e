"""Versions to come: what they add to a Store is kept, and what isn't understood is never written over in ignorance."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import uuid
from pathlib import Path

import pytest
import yaml

from asimov.storage import Manifest, Store, StoreReadOnlyError
from asimov.storage._backends.local import last_fold
from asimov.storage._disk.folder import Folder, Stamp
from asimov.storage._format import entries

FURTHER = {
    "note": "a: text",
    "priority": {"level": 1, "why": ["rerun", None, True, 1.5, 1e300]},
    "author": "sorts before hash",
    "zeta": [],
}
CORRECTION = {"kind": "correction", "uuid": "0" * 32, "reason": "glitch"}


@pytest.fixture
def store(tmp_path):
    """A Store with one file, that this version opens before others write to it."""
    store = Store.create(tmp_path / "store", "Test Store")
    store.add_file("E", "P", named(tmp_path, "first"))
    return store


def named(folder: Path, name: str) -> Path:
    """Write a file that holds its name."""
    path = folder / name
    path.write_text(name)
    return path


def later_version_adds(store: Store, name: str, **members: object) -> dict:
    """Commit a record with members that this version doesn't know."""
    record = {
        **dict(zip(("event", "production", "file"), ("E", "P", name), strict=True)),
        "hash": hashlib.md5(name.encode()).hexdigest(),
        "uuid": uuid.uuid4().hex,
    }
    named(store.root / "E" / "P", record["uuid"]).write_text(name)
    later_version_commits(store, {**record, **members})
    return record


def later_version_commits(store: Store, *lines: dict) -> None:
    """Write an entry, as the format's page has it, with any lines."""
    recent = store.root / ".manifest" / "recent"
    number = 1 + max(int(path.name) for path in recent.iterdir() if path.name.isdecimal())
    body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    (recent / str(number)).write_bytes(body + f"end {len(lines)} {hashlib.md5(body).hexdigest()}\n".encode())


def later_version_folds(store: Store, **top: object) -> None:
    """Put everything into the manifest, and further keys at its top."""
    recent, path = store.root / ".manifest" / "recent", store.root / ".manifest" / "manifest.yaml"
    manifest = yaml.safe_load(path.read_text()) | top
    for entry in sorted(recent.iterdir(), key=lambda path: int(path.name)):
        for line in entry.read_bytes().splitlines()[:-1]:
            fields = json.loads(line)
            if "kind" not in fields:
                event, production, file = (fields.pop(name) for name in ("event", "production", "file"))
                manifest["events"].setdefault(event, {}).setdefault(production, {})[file] = fields
    last = max(int(path.name) for path in recent.iterdir())
    path.with_name("new").write_text(yaml.safe_dump(manifest) + f"# entries folded: {last}\n")
    path.with_name("new").rename(path)


def files_of(store: Store) -> set[str]:
    """List names, by a Store that is open, by one that is opened now, and by what the manifest's face says."""
    names = {record.file for record in store}
    assert names == {record.file for record in Store(store.root)} == set(Manifest(store).list_resources("E", "P"))
    return names


def snapshot(store: Store) -> dict[Path, bytes]:
    """Read all that is there."""
    return {path: path.read_bytes() for path in store.root.rglob("*") if path.is_file()}


def test_further_members_are_read_and_kept(store, tmp_path):
    """A record with members that this version doesn't know is as good as any, and keeps them through our folds."""
    added = later_version_adds(store, "second", **FURTHER)
    assert store["E", "P", "second"].further == FURTHER
    assert store.fetch_file("E", "P", "second").read_text() == "second"
    store.add_file("E", "P", named(tmp_path, "third"))
    text = (store.root / ".manifest" / "manifest.yaml").read_text()
    assert yaml.safe_load(text)["events"]["E"]["P"]["second"] == {k: added[k] for k in ("hash", "uuid")} | FURTHER
    assert files_of(store) == {"first", "second", "third"}
    for opened in (store, Store(store.root)):
        assert opened["E", "P", "second"].further == FURTHER
        assert opened["E", "P", "third"].further == {}
        assert opened.manifest.data["events"]["E"]["P"]["second"]["priority"] == FURTHER["priority"]
    assert store.verify().ok


def test_both_write_in_turns(store, tmp_path):
    """An older and a newer version add to one Store in turns: each sees all, and what the newer adds is kept."""
    for number in range(3):
        later_version_adds(store, f"newer {number}", rank=number)
        store.add_file("E", "P", named(tmp_path, f"older {number}"))
        if number == 1:
            later_version_folds(store, retracted={}, comment=datetime.date(2026, 11, 26))
    expected = {"first", *(f"{who} {number}" for who in ("newer", "older") for number in range(3))}
    assert files_of(store) == expected
    assert [store["E", "P", f"newer {number}"].further["rank"] for number in range(3)] == [0, 1, 2]
    manifest = yaml.safe_load((store.root / ".manifest" / "manifest.yaml").read_text())
    assert manifest["comment"] == datetime.date(2026, 11, 26)
    assert manifest["retracted"] == {}
    assert store.verify().ok


@pytest.mark.parametrize(
    "line",
    [CORRECTION, ["a list"], {"event": "E"}, {**CORRECTION, "kind": ["record"]}, {**CORRECTION, "kind": None}],
    ids=["kind", "list", "no record", "kind is a list", "kind is null"],
)
def test_nothing_is_written_in_ignorance(store, tmp_path, line):
    """After a line that isn't understood, the rest is read; whatever would write says why not, and changes nothing."""
    later_version_commits(store, line)
    added = later_version_adds(store, "second")
    before = snapshot(store)
    assert files_of(store) == {"first", "second"}
    assert store.fetch_uuid(added["uuid"]).read_text() == "second"
    assert store.verify().ok
    third, progress = named(tmp_path, "third"), []
    assert "later version" in store.backend.writable()
    for opened in (store, Store(store.root)):
        for write in (
            lambda opened=opened: opened.add_file("E", "P", third, progress=lambda *told: progress.append(told)),
            lambda opened=opened: opened.add_files([("E", "P", third)], duplicate="link"),
            opened.fold,
            lambda: Store.repair(store.root, dry_run=False),
            lambda: Store.repair(store.root),
        ):
            with pytest.raises(StoreReadOnlyError, match=r"later version.*Nothing was changed"):
                write()
    assert {done for done, _ in progress} <= {0}, "nothing was copied"
    after = snapshot(store)
    assert {path: text for path, text in after.items() if path.name != "verified"} == before


def test_it_ends_with_their_fold(store, tmp_path):
    """Once the newer version has folded what it wrote, the older one writes again, and keeps what it doesn't know."""
    later_version_commits(store, CORRECTION)
    assert files_of(store) == {"first"}
    later_version_adds(store, "second")
    retracted = {"0" * 32: {"reason": "glitch", "at": datetime.datetime(2026, 11, 26, 9, tzinfo=datetime.UTC)}}
    later_version_folds(store, retracted=retracted)
    store.add_file("E", "P", named(tmp_path, "third"))
    assert files_of(store) == {"first", "second", "third"}
    assert yaml.safe_load((store.root / ".manifest" / "manifest.yaml").read_text())["retracted"] == retracted


def test_it_was_written_and_folded_between_two_looks(store, tmp_path, monkeypatch):
    """Who goes on by the entries alone reads the manifest anew if one of them was of a kind that it doesn't know."""
    monkeypatch.setattr(last_fold, "WORTHWHILE", 0)  # so that a small Store goes on like a large one
    store.add_file("E", "P", named(tmp_path, "zeroth"))
    later_version_commits(store, CORRECTION)
    home = store.root / ".manifest"
    lineage = (home / "last-fold").read_bytes().split()[0].decode()
    later_version_folds(store, retracted={"0" * 32: "glitch"})
    with Folder.open(home) as folder, (home / "manifest.yaml").open() as manifest:
        last_fold.write(folder, last_fold.LastFold.of(lineage, 3, Stamp.of(manifest.fileno()), 0.001))
    store.add_file("E", "P", named(tmp_path, "second"))
    assert yaml.safe_load((home / "manifest.yaml").read_text())["retracted"] == {"0" * 32: "glitch"}


@pytest.mark.parametrize("requires", [["signatures"], "signatures", ["a", "b"]])
def test_what_a_manifest_requires(store, tmp_path, requires):
    """A manifest that requires what this version doesn't know can be read only; one that requires nothing is as any."""
    later_version_folds(store, requires=requires)
    before = snapshot(store)
    assert files_of(store) == {"first"}
    with pytest.raises(StoreReadOnlyError, match="requires"):
        store.add_file("E", "P", named(tmp_path, "second"))
    with pytest.raises(StoreReadOnlyError, match="requires"):
        Store.repair(store.root, dry_run=False)
    assert snapshot(store) == before
    later_version_folds(store, requires=[])
    store.add_file("E", "P", tmp_path / "second")
    assert files_of(store) == {"first", "second"}


def test_a_commit_that_was_made_is_told(store, tmp_path, monkeypatch):
    """A line that isn't understood and comes right after our commit is no error of ours, and isn't folded."""
    manifest = store.root / ".manifest" / "manifest.yaml"
    before = manifest.read_bytes()
    link = os.link

    def then_another(source, target, **how):
        link(source, target, **how)
        if target == "2":
            later_version_commits(store, CORRECTION)

    monkeypatch.setattr(os, "link", then_another)
    store.add_file("E", "P", named(tmp_path, "second"))
    assert files_of(store) == {"first", "second"}
    assert manifest.read_bytes() == before
    with pytest.raises(StoreReadOnlyError):
        store.add_file("E", "P", named(tmp_path, "third"))


def test_what_is_not_whole_is_still_nothing(store, tmp_path):
    """An entry that a power cut left torn is of no kind: it records nothing, and is no reason not to write."""
    later_version_commits(store, CORRECTION)
    entry = store.root / ".manifest" / "recent" / "2"
    entry.write_bytes(entry.read_bytes()[:-3])
    store.add_file("E", "P", named(tmp_path, "second"))
    assert files_of(store) == {"first", "second"}


def test_entries_hold_what_json_has():
    """Members that aren't known come back from an entry as they were, in whatever order they stood."""
    line = {"event": "e", "production": "p", "file": "f", "hash": "a" * 32, "uuid": "b" * 32, **FURTHER}
    body = json.dumps(line).encode() + b"\n"
    entry = entries.read(body + f"end 1 {hashlib.md5(body).hexdigest()}\n".encode())
    assert (entry.unknown, entry.records[0].further) == ("", FURTHER)
    assert entries.read(entries.write(entry.records)) == entry
    assert entries.read(entries.write(entry.records)).records[0].further_lines == entry.records[0].further_lines

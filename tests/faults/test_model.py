"""A plain dict beside the real Store: whatever is done to them, they agree."""

from __future__ import annotations

import contextlib
import functools
import pickle
import re
import shutil
import tempfile
import uuid
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from damage import writable
from faults.operations import DEAD, host_name, is_folded, last_number, md5
from faults.profile import LONG, choose, note
from faults.spelling import contents, is_name, names, texts
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from asimov.storage import (
    AlreadyPresentException,
    HashError,
    InvalidNameError,
    ManifestError,
    Record,
    RecordExistsError,
    RecordNotFoundError,
    RetractedError,
    Store,
    StoreExistsError,
)
from asimov.storage._backends.local import deferred, last_fold
from asimov.storage._format import entries

EXAMPLES, STEPS = choose((20, 40), (200, 75))
DAMAGE = ["flip", "cut", "grow", "remove", "symlink", "folder"]
Key = tuple[str, str, str]


@dataclass
class Entry:
    """What the model knows of one record."""

    content: bytes
    uuid: str
    path: Path
    """Where its file should be."""
    retracted: str = ""
    """Why it was retracted; empty if it wasn't."""

    @property
    def verdict(self) -> str:
        """What a verification should say."""
        return "retracted" if self.retracted else self.status

    @property
    def hash(self) -> str:
        """Its MD5."""
        return md5(self.content)

    @property
    def status(self) -> str:
        """What a verification should find."""
        if self.path.is_symlink() or self.path.is_dir():
            return "unreadable"
        if not self.path.exists():
            return "missing"
        return "ok" if self.path.read_bytes() == self.content else "corrupt"


class _Asked:
    """A Store of which what was retracted is asked for all the same."""

    def __init__(self, store: Store) -> None:
        self.fetch_file = functools.partial(store.fetch_file, retracted=True)
        self.open_file = functools.partial(store.open_file, retracted=True)
        self.fetch_uuid = functools.partial(store.fetch_uuid, retracted=True)


class Refused(Exception):
    """What the model expects the Store to refuse, with the error's class."""

    def __init__(self, error: type[Exception], keys: tuple[Key, ...] = ()) -> None:
        super().__init__(error)
        self.error, self.keys = error, keys


def upstream_add(root: Path, key: Key, source: Path) -> str:
    """Add a file as upstream asimov 0.8 does, line for line where it matters."""
    manifest, identity = root / ".manifest" / "manifest.yaml", uuid.uuid4()
    with manifest.open(encoding="utf-8") as file:
        data = yaml.safe_load(file)
    event, production, name = key
    (root / event / production).mkdir(parents=True, exist_ok=True)
    record = {"uuid": identity.hex, "hash": md5(source.read_bytes())}
    data["events"].setdefault(event, {}).setdefault(production, {})[name] = record
    destination = root / event / production / name
    shutil.copyfile(source, destination)
    destination.chmod(0o444)
    with manifest.open("w", encoding="utf-8") as file:
        file.write(yaml.dump(data))
    return identity.hex


class StoreMachine(RuleBasedStateMachine):
    """One root, several Store objects on it, and a dict of what should be there."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="asimov-storage-model-"))
        self.root = self.folder / "store"
        self.model: dict[Key, Entry] = {}
        self.orphans: set[Path] = set()
        self.count = 0
        self.pin: tuple[list, str] | None = None
        self.ours = False
        """Whether the manifest was last written by us, after all else: what a repair can rely on."""

    def teardown(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.folder)

    @initialize(name=texts(), sha256=st.booleans())
    def create(self, name: str, sha256: bool) -> None:
        """Make the Store."""
        self.stores = [Store.create(self.root, name, sha256=sha256), Store(self.root)]
        self.name, self.sha256 = name, sha256

    # Aids.

    def source(self, content: bytes) -> Path:
        self.count += 1
        path = self.folder / f"source-{self.count}"
        path.write_bytes(content)
        return path

    def expect_add(self, model: dict[Key, Entry], key: Key, content: bytes, duplicate: str) -> Key | None:
        """Say what adding does to the model: the key of what is there already, None for a new record, or `Refused`."""
        named = model.get(key)
        if named is not None and named.content != content:
            raise Refused(RecordExistsError)
        same = [k for k, entry in model.items() if entry.content == content and content]
        if named is not None:
            same = [key]
        if same and duplicate == "raise":
            raise Refused(AlreadyPresentException, tuple(same))
        return key if named is not None else None

    def record(self, key: Key, content: bytes, uuid: str) -> None:
        self.model[key] = Entry(content, uuid, self.root / key[0] / key[1] / uuid)
        assert self.model[key].status == "ok"
        assert self.model[key].path.stat().st_mode & 0o222 == 0
        self.ours = self.ours or self.folded()

    def check_result(self, key: Key, content: bytes, result: dict, present: Key | None) -> None:
        assert (result["event"], result["production"], result["file"], result["hash"]) == (*key, md5(content))
        if present is None:
            self.record(key, content, result["uuid"])
        assert (result["uuid"], self.model[key].status) == (self.model[key].uuid, "ok")

    def before_mending(self, keys: list[Key]) -> dict[Key, tuple[Path, bytes | None]]:
        """Find, for those of `keys` that are recorded, the place of the file, and its bytes if they are damaged."""
        return {key: self.place(key) for key in keys if key in self.model}

    def place(self, key: Key) -> tuple[Path, bytes | None]:
        entry, folder = self.model[key], self.root / key[0] / key[1]
        places = [folder / entry.uuid]
        if key[2] not in {other.uuid for other in self.model.values()}:
            places.append(folder / key[2])
        place = next((path for path in places if path.is_symlink() or path.exists()), places[0])
        spoiled = place.read_bytes() if place.is_file() and not place.is_symlink() else entry.content
        return place, None if spoiled == entry.content else spoiled

    def check_mended(self, before: dict[Key, tuple[Path, bytes | None]]) -> None:
        """Every file that was added again is right, in its place, and what was damaged is in quarantine."""
        kept = {path.read_bytes() for path in (self.root / ".manifest").rglob("quarantine/**/*") if path.is_file()}
        for key, (place, spoiled) in before.items():
            self.model[key].path = place
            self.orphans.discard(place)
            assert self.model[key].status == "ok"
            assert spoiled is None or spoiled in kept

    # Adding.

    @rule(
        i=st.integers(0, 9),
        key=st.tuples(names("event"), names("production"), names("file")),
        content=contents(),
        duplicate=st.sampled_from(["raise", "raise", "skip", "link"]),
        hash=st.sampled_from([None, None, "right", "UPPER", "wrong", ""]),
    )
    def add(self, i: int, key: Key, content: bytes, duplicate: str, hash: str | None) -> None:
        """Add a file."""
        given = {"right": md5(content), "UPPER": md5(content).upper(), "wrong": md5(b"wrong" + content)}.get(hash, hash)
        arguments = (*key[:2], self.source(content), key[2])
        options = {"duplicate": duplicate, "hash": given}
        if hash in {"wrong", ""}:
            with pytest.raises(HashError):
                self.store(i).add_file(*arguments, **options)
            return
        try:
            present = self.expect_add(self.model, key, content, duplicate)
        except Refused as refused:
            with pytest.raises(refused.error) as caught:
                self.store(i).add_file(*arguments, **options)
            if refused.keys:
                assert caught.value.record.key in refused.keys
            return
        before = self.before_mending([key])
        result = self.store(i).add_file(*arguments, **options)
        self.check_mended(before)
        self.check_result(key, content, result, present)

    def store(self, i: int) -> Store:
        return self.stores[i % len(self.stores)]

    @rule(
        i=st.integers(0, 9),
        files=st.lists(
            st.tuples(st.tuples(names("event"), names("production"), names("file")), contents()), min_size=1, max_size=5
        ),
        duplicate=st.sampled_from(["raise", "skip", "link"]),
    )
    def add_files(self, i: int, files: list, duplicate: str) -> None:
        """Add a batch, all or none."""
        batch = [(*key[:2], self.source(content), key[2]) for key, content in files]
        model, expected, error = dict(self.model), [], None
        for key, content in files:
            try:
                present = self.expect_add(model, key, content, duplicate)
            except Refused as refused:
                error = refused.error
                break
            if present is None:
                model[key] = Entry(content, "", Path())
            expected.append(present)
        if error is not None:
            with pytest.raises(error):
                self.store(i).add_files(batch, duplicate=duplicate)
            return
        before = self.before_mending([key for key, _ in files])
        results = self.store(i).add_files(batch, duplicate=duplicate)
        self.check_mended(before)
        for (key, content), result, present in zip(files, results, expected, strict=True):
            self.check_result(key, content, result, present)

    @precondition(lambda self: self.model)
    @rule(
        i=st.integers(0, 9),
        numbers=st.lists(st.integers(0, 99), min_size=1, max_size=3),
        what=st.sampled_from([None, *DAMAGE]),
        duplicate=st.sampled_from(["skip", "link"]),
    )
    def add_again(self, i: int, numbers: list[int], what: str | None, duplicate: str) -> None:
        """Damage recorded files, and add them again: that mends them."""
        keys = [self.some(number) for number in numbers]
        for key in keys:
            if what is not None:
                self.spoil(self.model[key].path, what)
        batch = [(*key[:2], self.source(self.model[key].content), key[2]) for key in keys]
        before = self.before_mending(keys)
        results = self.store(i).add_files(batch, duplicate=duplicate)
        self.check_mended(before)
        for key, result in zip(keys, results, strict=True):
            self.check_result(key, self.model[key].content, result, key)

    @precondition(lambda self: self.model)
    @rule(
        i=st.integers(0, 9),
        numbers=st.lists(st.integers(0, 99), min_size=1, max_size=3),
        what=st.sampled_from([None, *DAMAGE]),
        copies=st.integers(0, 3),
        dry_run=st.booleans(),
    )
    def put_back(self, i: int, numbers: list[int], what: str | None, copies: int, dry_run: bool) -> None:
        """Damage recorded files, and restore those whose bytes lie in a folder, under whatever names."""
        keys = [self.some(number) for number in numbers]
        for key in keys:
            if what is not None:
                self.spoil(self.model[key].path, what)
        held = {self.model[key].content for key in keys[:copies]}
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        for number, content in enumerate(held):
            (folder / f"copy {number}").write_bytes(content)
        unsound = [key for key, entry in sorted(self.model.items()) if entry.verdict not in {"ok", "retracted"}]
        found = [key for key in unsound if self.model[key].content in held]
        before = self.before_mending(found)
        report = self.store(i).restore(folder, dry_run=dry_run)
        assert [record.key for record in report.restored] == found
        assert [record.key for record in report.not_found] == [key for key in unsound if key not in found]
        if not dry_run:
            self.check_mended(before)

    @rule(
        i=st.integers(0, 9),
        key=st.tuples(names("event"), names("production"), names("file")),
        content=contents(),
        fails=st.booleans(),
    )
    def new_file(self, i: int, key: Key, content: bytes, fails: bool) -> None:
        """Write a file straight into the Store, to its end or not."""

        def write() -> None:
            with self.store(i).new_file(*key) as file:
                file.write(content[::-1])
                file.seek(0)
                file.write(content)
                if fails:
                    raise ZeroDivisionError

        try:
            self.expect_add(self.model, key, content, "raise")
        except Refused as refused:
            with pytest.raises((ZeroDivisionError, refused.error)):
                write()
            return
        if fails:
            with pytest.raises(ZeroDivisionError):
                write()
            return
        write()
        self.record(key, content, self.store(i)[key].uuid)

    @rule(i=st.integers(0, 9), key=st.tuples(names("event"), names("production"), names("file")), content=contents())
    def add_record(self, i: int, key: Key, content: bytes) -> None:
        """Record a file that was put in its place by hand, as upstream's Manifest allows."""
        manifest, identity = self.store(i).manifest, uuid.uuid4().hex
        if key in self.model:
            with pytest.raises(RecordExistsError):
                manifest.add_record(*key, md5(content), identity)
            return
        place = self.root / key[0] / key[1]
        place.mkdir(parents=True, exist_ok=True)
        (place / identity).write_bytes(content)
        (place / identity).chmod(0o444)
        manifest.add_record(*key, md5(content), identity)
        manifest.update()
        self.record(key, content, identity)

    @rule(
        i=st.integers(0, 9),
        kind=st.sampled_from(["event", "production", "file"]),
        bad=st.sampled_from(["", ".", "..", "a/b", "a\\b", "a\nb", "\x7f", "\ud800", "a" * 256, "é" * 128, "a\x85b"]),
    )
    def invalid_name(self, i: int, kind: str, bad: str) -> None:
        """Nothing can be called that."""
        assert not is_name(kind, bad)
        key = {"event": "e", "production": "p", "file": "f", kind: bad}
        with pytest.raises(InvalidNameError):
            self.store(i).add_file(key["event"], key["production"], self.source(b"x"), key["file"])

    # Looking.

    def some(self, number: int) -> Key | None:
        keys = sorted(self.model)
        return keys[number % len(keys)] if keys else None

    @precondition(lambda self: self.model)
    @rule(i=st.integers(0, 9), number=st.integers(0, 99), hash=st.sampled_from([None, "right", "UPPER", "wrong", ""]))
    def fetch(self, i: int, number: int, hash: str | None) -> None:
        """Fetch a file, in place and as a copy."""
        key = self.some(number)
        entry, store = self.model[key], self.store(i)
        given = {"right": entry.hash, "UPPER": entry.hash.upper(), "wrong": "0" * 32}.get(hash, hash)
        dest = self.folder / f"dest-{self.count}"
        self.count += 1
        wrong = {"ok": None, "corrupt": HashError, "missing": FileNotFoundError, "unreadable": OSError}[entry.status]
        if entry.retracted:
            with pytest.raises(RetractedError, match=re.escape(entry.retracted)):
                store.fetch_file(*key, given, dest=dest)
            with pytest.raises(RetractedError):
                store.open_file(*key)
        store = _Asked(store) if entry.retracted else store
        if hash in {"wrong", ""}:
            wrong = HashError
        if wrong is not None:
            for options in ({}, {"dest": dest}):
                with pytest.raises(wrong):
                    store.fetch_file(*key, given, **options)
            assert not dest.exists()
            return
        assert store.fetch_file(*key, given) == entry.path
        assert store.fetch_file(*key, given, dest=dest).read_bytes() == entry.content
        assert dest.stat().st_mode & 0o200
        assert store.fetch_file(*key, given, dest=dest) == dest
        dest.write_bytes(entry.content + b"\n")
        with pytest.raises(FileExistsError):
            store.fetch_file(*key, given, dest=dest)
        with store.open_file(*key) as file:
            assert file.read() == entry.content
        assert store.fetch_uuid(str(uuid.UUID(entry.uuid))) == entry.path

    @rule(i=st.integers(0, 9), key=st.tuples(names("event"), names("production"), names("file")))
    def unknown(self, i: int, key: Key) -> None:
        """What isn't there isn't found."""
        assert (key in self.store(i)) is (key in self.model)
        if key not in self.model:
            with pytest.raises(RecordNotFoundError):
                self.store(i).fetch_file(*key)
            with pytest.raises(RecordNotFoundError):
                self.store(i)[key]

    @rule(
        i=st.integers(0, 9),
        number=st.integers(0, 99),
        scope=st.sampled_from(["all", "event", "production", "selection"]),
    )
    def verify(self, i: int, number: int, scope: str) -> None:
        """Verify some or all."""
        key, store = self.some(number), self.store(i)
        if key is None or scope == "all":
            report, chosen = store.verify(), dict(self.model)
        elif scope == "selection":
            report, chosen = store.verify(selection=[key]), {key: self.model[key]}
        else:
            depth = 1 if scope == "event" else 2
            report = store.verify(*key[:depth])
            chosen = {k: entry for k, entry in self.model.items() if k[:depth] == key[:depth]}
        found = [(check.key, check.status, check.uuid, check.hash) for check in report.results]
        assert found == [(k, entry.verdict, entry.uuid, entry.hash) for k, entry in sorted(chosen.items())]
        assert report.ok is all(entry.verdict in {"ok", "retracted"} for entry in chosen.values())
        groups = {k[:2] for k in chosen}
        expected = {path for path in self.orphans if path.parts[-3:-1] in groups}
        assert set(report.untracked) == expected

    @rule(i=st.integers(0, 9))
    def manifest(self, i: int) -> None:
        """The manifest tells the same."""
        manifest = self.store(i).manifest
        assert manifest.hash_dict == {e.hash: {"hash": e.hash, "uuid": e.uuid} for _, e in sorted(self.model.items())}
        assert set(manifest.uuid_dict) == {entry.uuid for entry in self.model.values()}
        for key, entry in self.model.items():
            assert manifest.get_uuid(*key) == entry.uuid
            assert manifest.get_hash(entry.uuid) == entry.hash
            assert manifest.list_resources(*key[:2])[key[2]] == {"hash": entry.hash, "uuid": entry.uuid}

    @rule(i=st.integers(0, 9), numbers=st.lists(st.integers(0, 99), max_size=4, unique=True))
    def fetch_files(self, i: int, numbers: list[int]) -> None:
        """Fetch several, all or none."""
        chosen = list(dict.fromkeys(key for number in numbers if (key := self.some(number))))
        wrong = [self.model[key] for key in chosen if self.model[key].status != "ok"]
        if any(self.model[key].retracted for key in chosen):
            with pytest.raises(RetractedError):
                self.store(i).fetch_files(chosen)
        if wrong:
            with pytest.raises((HashError, OSError)):
                self.store(i).fetch_files(chosen, retracted=True)
            return
        assert self.store(i).fetch_files(chosen, retracted=True) == [self.model[key].path for key in chosen]

    @precondition(lambda self: self.model)
    @rule(i=st.integers(0, 9), numbers=st.lists(st.integers(0, 99), min_size=1, max_size=3), reason=texts())
    def retract(self, i: int, numbers: list[int], reason: str) -> None:
        """Retract some, all or none; what was retracted for another reason stays as it is."""
        keys = [self.some(number) for number in numbers]
        reason = f"reason {reason}"
        if any(self.model[key].retracted not in {"", reason} for key in keys):
            with pytest.raises(RetractedError):
                self.store(i).retract(keys, reason)
            return
        self.store(i).retract(keys, reason)
        for key in keys:
            self.model[key].retracted = reason
        self.ours = self.ours or self.folded()

    @rule(i=st.integers(0, 9), budget=st.sampled_from([None, 1, 100, timedelta(0), timedelta(hours=1)]))
    def rotation(self, i: int, budget: int | timedelta | None) -> None:
        """Verify what was not verified today, as far as the budget goes: what is found is right."""
        report = self.store(i).verify(since=timedelta(days=1), budget=budget)
        assert {check.key: check.status for check in report.results}.items() <= {
            key: entry.verdict for key, entry in self.model.items()
        }.items()
        assert len(report.results) + report.skipped == len(self.model)
        if budget is None:  # what was sound then is skipped, and only that
            again = self.store(i).verify(since=timedelta(days=1))
            left = {check.key for check in report.results if check.status != "ok"}
            assert {check.key for check in again.results} == left

    @rule(i=st.integers(0, 9))
    def pinned(self, i: int) -> None:
        """Verify against a fingerprint: the one of the day before, which differs as soon as the records do."""
        store = self.store(i)
        now = store.fingerprint()
        records = [(*key, entry.hash, entry.uuid, entry.retracted) for key, entry in sorted(self.model.items())]
        earlier, pinned = self.pin or (records, now)
        report = store.verify(fingerprint=pinned)
        if earlier != records:
            assert not report.ok
        if pinned == now:
            assert report.ok is all(entry.verdict in {"ok", "retracted"} for entry in self.model.values())
        self.pin = (records, now)

    @rule(i=st.integers(0, 9))
    def frame(self, i: int) -> None:
        """Tabulate."""
        columns = ["event", "production", "file", "hash", "uuid"]
        rows = self.store(i).to_frame()[columns].itertuples(index=False, name=None)
        assert list(rows) == [(*key, entry.hash, entry.uuid) for key, entry in sorted(self.model.items())]

    @rule()
    def create_again(self) -> None:
        """Where a Store is, none can be made."""
        with pytest.raises(StoreExistsError):
            Store.create(self.root, "Another")
        sha256 = "sha256" in self.stores[0].manifest.data  # what edits by hand have left of it
        with pytest.raises(StoreExistsError):
            Store.create(self.root, f"not {self.name}", sha256=sha256, exist_ok=True)
        assert Store.create(self.root, self.name, sha256=sha256, exist_ok=True).root == self.root

    @precondition(lambda self: self.folded())
    @rule()
    def repair_nothing(self) -> None:
        """What is sound is not repaired: a dry run says so and changes nothing."""
        before = self.manifest_path().read_bytes()
        assert Store.repair(self.root, dry_run=True).manifest == "sound"
        assert self.manifest_path().read_bytes() == before

    # Folds.

    @rule(i=st.integers(0, 9), count=st.sampled_from(choose([2, 3, 4], [2, 4, 40])), new=st.booleans())
    def burst(self, i: int, count: int, new: bool) -> None:
        """Add many files one by one, from one Store object or from one for each."""
        for _ in range(count):
            self.count += 1
            key, content = ("burst", "many", f"{self.count}"), f"burst {self.count}".encode()
            store = Store(self.root) if new else self.store(i)
            self.check_result(key, content, store.add_file(*key[:2], self.source(content), key[2]), None)

    @rule(i=st.integers(0, 9))
    def fold(self, i: int) -> None:
        """Put into the manifest what isn't there yet."""
        self.store(i).fold()
        self.ours = self.ours or (self.folded() and self.manifest_path().with_suffix(".yaml.bak").exists())

    # Other Store objects.

    @rule(i=st.integers(0, 9), how=st.sampled_from(["open", "pickle"]))
    def another(self, i: int, how: str) -> None:
        """Open the Store once more."""
        self.stores.append(Store(self.root) if how == "open" else pickle.loads(pickle.dumps(self.store(i))))
        del self.stores[:-4]

    # What happens to files.

    @precondition(lambda self: self.model)
    @rule(number=st.integers(0, 99), what=st.sampled_from(DAMAGE))
    def damage(self, number: int, what: str) -> None:
        """Damage a file."""
        self.spoil(self.model[self.some(number)].path, what)

    def spoil(self, path: Path, what: str) -> None:
        if path.is_symlink() or not path.is_file():
            return
        content = path.read_bytes()
        if what in {"flip", "cut", "grow"}:
            changed = {"flip": bytes(b ^ 1 for b in content), "cut": content[:-1], "grow": content + b"\0"}[what]
            with writable(path):
                path.write_bytes(changed)
            return
        path.unlink()
        if what == "symlink":
            path.symlink_to(self.source(content))
        elif what == "folder":
            path.mkdir()

    @precondition(lambda self: self.model)
    @rule(number=st.integers(0, 99))
    def restore(self, number: int) -> None:
        """Put the right bytes back, as from a copy."""
        entry = self.model[self.some(number)]
        if entry.path.is_dir() and not entry.path.is_symlink():
            entry.path.rmdir()
        entry.path.unlink(missing_ok=True)
        entry.path.write_bytes(entry.content)
        entry.path.chmod(0o444)
        assert entry.status == "ok"

    # What others do to the manifest.

    def manifest_path(self) -> Path:
        return self.root / ".manifest" / "manifest.yaml"

    def folded(self) -> bool:
        return is_folded(self.root)

    @precondition(lambda self: self.folded())
    @rule(key=st.tuples(names("event"), names("production"), names("file")), content=contents())
    def upstream(self, key: Key, content: bytes) -> None:
        """Upstream's Store adds a file."""
        place = self.root.joinpath(*key)
        if key in self.model or place.exists() or any(entry.content == content for entry in self.model.values()):
            return
        identity = upstream_add(self.root, key, self.source(content))
        self.model[key] = Entry(content, identity, place)
        self.ours = False

    @precondition(lambda self: self.model and self.folded())
    @rule(number=st.integers(0, 99))
    def removed_by_hand(self, number: int) -> None:
        """Somebody takes a record out of the manifest; its file stays, and belongs to nobody."""
        key = self.some(number)
        data = yaml.load(self.manifest_path().read_bytes(), yaml.BaseLoader)
        del data["events"][key[0]][key[1]][key[2]]
        self.manifest_path().write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
        path = self.model.pop(key).path
        if path.is_symlink() or path.exists():
            self.orphans.add(path)
        self.ours = False

    @precondition(lambda self: self.folded())
    @rule(key=names("file"), value=st.one_of(st.integers(), st.booleans(), texts(), st.lists(texts(), max_size=3)))
    def further_key(self, key: str, value: object) -> None:
        """Somebody adds a key of their own at the top of the manifest."""
        if key in {"name", "events", "sha256", "stamp", "retracted"}:
            return
        data = yaml.safe_load(self.manifest_path().read_bytes())
        data[key] = value
        text = yaml.safe_dump(data, allow_unicode=True)
        if yaml.safe_load(text) == data:
            self.manifest_path().write_text(text, encoding="utf-8")
            self.ours = False

    # What crashes leave.

    @rule(content=contents())
    def crashed_before_commit(self, content: bytes) -> None:
        """A writer was killed before its commit."""
        home = self.root / ".manifest"
        (home / "recent" / host_name(DEAD, uuid.uuid4().hex[:16])).write_bytes(content)

    @rule(key=st.tuples(names("event"), names("production"), names("file")), content=contents())
    def crashed_before_fold(self, key: Key, content: bytes) -> None:
        """A writer was killed after its commit, and left its entry."""
        if key in self.model or any(entry.content == content for entry in self.model.values()):
            return
        identity, place = uuid.uuid4().hex, self.root / key[0] / key[1]
        place.mkdir(parents=True, exist_ok=True)
        (place / identity).write_bytes(content)
        (place / identity).chmod(0o444)
        recent = self.root / ".manifest" / "recent"
        number = last_number(self.root) + 1
        record = Record(event=key[0], production=key[1], file=key[2], hash=md5(content), uuid=identity)
        (recent / str(number)).write_bytes(entries.write([record]))
        self.record(key, content, identity)
        self.ours = False

    @precondition(lambda self: self.ours)
    @rule(how=st.sampled_from(["lost", "cut", "zeros"]))
    def repaired(self, how: str) -> None:
        """The manifest is lost or damaged, and repaired."""
        path = self.manifest_path()
        text = path.read_bytes()
        path.unlink()
        if how != "lost":
            path.write_bytes(text[: len(text) // 2] if how == "cut" else bytes(len(text)))
        # After a repair the back-up is what the manifest was, and one that is lost then is read from that.
        with contextlib.suppress(ManifestError) if how == "lost" else pytest.raises(ManifestError):
            Store(self.root)
        named = {path for path in self.orphans if not is_uuid(path.name) and path.is_file() and not path.is_symlink()}
        Store.repair(self.root, dry_run=True)
        Store.repair(self.root, dry_run=False)
        store = Store(self.root)
        for orphan in named:  # a file that carries its name is taken for upstream's
            key = tuple(orphan.parts[-3:])
            if key in store:
                self.model[key] = Entry(orphan.read_bytes(), store[key].uuid, orphan)
        self.orphans = {path for path in self.orphans if path.exists()} - {e.path for e in self.model.values()}

    # What holds after every step.

    @invariant()
    def agree(self) -> None:
        """Every Store object tells what the model tells."""
        expected = [(*key, entry.hash, entry.uuid) for key, entry in sorted(self.model.items())]
        for store in self.stores:
            assert [(*record.key, record.hash, record.uuid) for record in store] == expected
            assert len(store) == len(expected)
            said = {uuid: one.reason for uuid, one in store.manifest.snapshot().retracted.items()}
            retracted = {entry.uuid: entry.retracted for entry in self.model.values() if entry.retracted}
            assert {uuid: said.get(uuid) for uuid in retracted} == retracted
            assert not set(said) - set(retracted) & {entry.uuid for entry in self.model.values()}
            assert store.name == self.name
        assert len({store.fingerprint() for store in self.stores}) == 1

    @invariant()
    def others_can_read(self) -> None:
        """Any YAML reader sees the same in manifest.yaml, but for commits that wait to be folded."""
        if not self.folded():
            return
        data = yaml.safe_load(self.manifest_path().read_bytes())
        assert data["name"] == self.name
        found = {
            (event, production, file): (record["hash"], record["uuid"])
            for event, productions in data["events"].items()
            for production, files in productions.items()
            for file, record in files.items()
        }
        assert found == {key: (entry.hash, entry.uuid) for key, entry in self.model.items()}


def is_uuid(name: str) -> bool:
    """Whether a name is a uuid's 32 digits."""
    return len(name) == 32 and set(name) <= set("0123456789abcdef")


@pytest.mark.parametrize("folds", ["at once", "put off"])
def test_model(folds, monkeypatch):
    """A Store does what a plain dict does, whoever else writes, whatever becomes of its files, however it crashes."""
    if folds == "put off":  # as in a large Store, where a fold takes long
        monkeypatch.setattr(last_fold, "WORTHWHILE", 0)
        monkeypatch.setattr(last_fold, "QUICK", -1.0)
        monkeypatch.setattr(last_fold, "SHARE", 10**9)
        monkeypatch.setattr(deferred, "LIMIT", 3600.0)
    profile = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        derandomize=not LONG,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(StoreMachine, settings=profile)
    note("model", folds=folds, examples=EXAMPLES, steps=STEPS)

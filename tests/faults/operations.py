"""The operations that are broken: what each needs, does, and leaves when it went well.

`run` is called in a child, on a folder BASE that `prepare` has filled: BASE/store, BASE/sources, BASE/dest.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import yaml

from asimov.storage import Manifest, Record, Store
from asimov.storage._backends.local.journal import Journal
from asimov.storage._disk import temporary
from asimov.storage._format import canonical_reader, canonical_writer, entries
from asimov.storage._format.layout import KEPT
from asimov.storage._operations import adding

Key = tuple[str, str, str]
DEAD = 2**22 + 1
"""A process id above Linux' limit: of nobody."""
PLACED = "e" * 32
"""The uuid of a file that lies in its place before its record does."""


def md5(content: bytes) -> str:
    """Digest `content` as the manifest does."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Text:
    """What is equal to any whole text that begins and ends so: what is between has times and uuids in it."""

    begin: bytes
    end: bytes

    def __eq__(self, other: object) -> bool:
        return isinstance(other, bytes) and other.startswith(self.begin) and other.endswith(self.end)

    __hash__ = None


@dataclass(frozen=True)
class Operation:
    """One operation.

    Attributes
    ----------
    run : callable
        ``run(base, tell, **arguments)``, in a child.
    prepare : callable
        ``prepare(base)``, before.
    before, adds : dict
        The contents of files by their keys: before it, and those that it adds.
    creates : bool
        Whether it makes the Store.
    damaged : bool
        Whether the Store can't be opened before.
    delivers : dict
        What it leaves in BASE/dest.
    spoiled : tuple of keys
        Those of `before` whose files are damaged or missing until it is done.
    refused : tuple of str
        What it says when it is done a second time.
    broken : bool
        Whether it is one of those that are broken call by call.
    retracts : tuple of Key
        The records that it retracts.
    """

    run: Callable[..., object]
    prepare: Callable[[Path], None]
    before: dict[Key, bytes] = field(default_factory=dict)
    adds: dict[Key, bytes] = field(default_factory=dict)
    creates: bool = False
    damaged: bool = False
    delivers: dict[str, bytes | Text] = field(default_factory=dict)
    spoiled: tuple[Key, ...] = ()
    refused: tuple[str, ...] = ("AlreadyPresentException", "RecordExistsError")
    broken: bool = True
    retracts: tuple[Key, ...] = ()

    def state_before(self) -> dict[Key, str]:
        """Return what is recorded before, as `state_of` reads it."""
        return {key: md5(content) for key, content in self.before.items()}

    def state_after(self) -> dict[Key, str]:
        """Return what is recorded once it is done."""
        state = {key: md5(content) for key, content in {**self.before, **self.adds}.items()}
        return state | {key: state[key] + MARK for key in self.retracts}


MARK = " retracted"
"""Stands behind the MD5 of what was retracted."""


def state_of(store: Store) -> dict[Key, str]:
    """Read what is recorded: the MD5 by key, with a mark if it was retracted."""
    contents = store.manifest.snapshot()
    return {r.key: r.hash + (MARK if r.uuid in contents.retracted else "") for r in contents}


def state_of_manifest(path: Path) -> dict[Key, str]:
    """Read the same from manifest.yaml alone."""
    said = yaml.safe_load(path.read_bytes())
    retracted = said.get("retracted", {})
    rows = ((e, p, f, r) for e, ps in said["events"].items() for p, fs in ps.items() for f, r in fs.items())
    return {(e, p, f): r["hash"] + (MARK if r["uuid"] in retracted else "") for e, p, f, r in rows}


SPOILED = ("E0", "P0", "old")
ROTTEN = b"rot\n"
"""What a damaged file holds."""
OLD = {SPOILED: b"old\n"}
REPAIRED = {**OLD, ("E1", "P1", "new"): b"new\n", ("E1", "P1", "stranger"): b"stranger\n"}
BURST = ["new", "second", "third"]
SOURCES = {"new": b"new\n", "second": b"second\n" * 40, "third": b"third", "same": b"old\n"}


def host_name(pid: int, rest: str) -> str:
    """Name a temporary file as a process of this host would have."""
    host = temporary.owner_name().partition("-")[0]
    return f"{host}-{pid}-{rest}"


def prepare_folders(base: Path) -> None:
    """Make what to add, and a folder to fetch to."""
    for folder in ("sources", "dest"):
        (base / folder).mkdir(parents=True)
    for name, content in SOURCES.items():
        (base / "sources" / name).write_bytes(content)


def prepare_store(base: Path, *, sha256: bool = False) -> Store:
    """Make a Store with one file."""
    prepare_folders(base)
    store = Store.create(base / "store", "Broken on purpose", sha256=sha256)
    (base / "old").write_bytes(b"old\n")
    store.add_file("E0", "P0", base / "old")
    return store


def entry_numbers(root: Path) -> list[int]:
    """List the numbers of the entries, sorted."""
    return sorted(int(path.name) for path in (root / ".manifest" / "recent").iterdir() if path.name.isdecimal())


def folded(root: Path) -> int:
    """Read up to which number the manifest says that it includes the entries; 0 if it doesn't say."""
    return canonical_reader.split_folded((root / ".manifest" / "manifest.yaml").read_bytes())[1] or 0


def last_number(root: Path) -> int:
    """Return the number of the last commit."""
    return max([folded(root), *entry_numbers(root)])


def is_folded(root: Path) -> bool:
    """Whether the manifest includes every entry, and no more of them are kept than should be."""
    numbers = entry_numbers(root)
    return max(numbers, default=0) <= folded(root) and len(numbers) <= KEPT + 1  # and the empty one, 0


def temporaries(root: Path) -> list[str]:
    """List what writers have under way, or left: in .manifest, and in recent/, tmp/ and incoming/ there."""
    home = root / ".manifest"
    there = [*home.iterdir(), *home.glob("recent/*"), *home.glob("tmp/*")] if home.exists() else []
    found = [path for path in there if temporary.is_temporary(path.name.removeprefix(temporary.OUR_PREFIX))]
    return sorted(str(path.relative_to(home)) for path in [*found, *home.glob("incoming/*")])


def prepare_large(base: Path, count: int = 4000) -> None:
    """Make a Store so large that folds are put off: its files are names of one, its manifest is written as text."""
    store = prepare_store(base)
    folder = store.root / "E0" / "large"
    folder.mkdir()
    (folder / "one").write_bytes(b"one of many")
    same = {"event": "E0", "production": "large", "hash": md5(b"one of many")}
    records = [Record(**same, file=f"f{n}", uuid=f"{n:032x}") for n in range(count)]
    for record in records:
        os.link(folder / "one", folder / record.uuid)
    (folder / "one").unlink()
    contents = store.backend.contents().with_records(records)
    manifest = store.root / ".manifest" / "manifest.yaml"
    manifest.write_bytes(
        b"".join([*canonical_writer.write(contents), canonical_reader.folded_line(folded(store.root))])
    )


def prepare_crash(base: Path) -> None:
    """Leave a Store as a writer does that was killed after its commit and before its fold, and others before."""
    store = prepare_store(base)
    home = store.root / ".manifest"
    content, uuid = b"committed\n", "c" * 32
    record = Record(event="E0", production="P0", file="committed", hash=md5(content), uuid=uuid)
    (home / "recent" / "2").write_bytes(entries.write([record]))
    (store.root / "E0" / "P0" / uuid).write_bytes(content)
    (home / "recent" / host_name(DEAD, "dead" * 4)).write_bytes(b"half of a mani")
    abandoned = home / "incoming" / host_name(DEAD, "abad1dea" * 2)
    abandoned.write_bytes(b"half of a fi")
    past = time.time() - 2 * 86_400
    os.utime(abandoned, (past, past))


def prepare_placed(base: Path) -> None:
    """Leave a file in its place that only needs its record."""
    (prepare_store(base).root / "E0" / "P0" / PLACED).write_bytes(b"old\n")


def prepare_upstream(base: Path) -> None:
    """Make a Store as upstream asimov does: no folders for commits, the file under its own name."""
    prepare_folders(base)
    root = base / "store"
    (root / ".manifest").mkdir(parents=True)
    (root / "E0" / "P0").mkdir(parents=True)
    (root / "E0" / "P0" / "old").write_bytes(b"old\n")
    record = {"hash": md5(b"old\n"), "uuid": "d" * 32}
    text = yaml.dump({"name": "Upstream's", "events": {"E0": {"P0": {"old": record}}}})
    (root / ".manifest" / "manifest.yaml").write_text(text, encoding="utf-8")


def prepare_lost(base: Path) -> None:
    """Lose the manifest of a Store of two files; beside them lie one that no record names, and half an entry."""
    store = prepare_store(base)
    store.add_file("E1", "P1", base / "sources" / "new")
    home = store.root / ".manifest"
    (store.root / "E1" / "P1" / "stranger").write_bytes(b"stranger\n")
    (store.root / "E1" / "P1" / ("f" * 32)).write_bytes(b"nobody's\n")
    (home / "recent" / "3").write_bytes(b'{"event": "E1"')
    (home / "manifest.yaml").unlink()


def prepare_damaged(base: Path) -> None:
    """Damage the manifest: cut it in half."""
    prepare_lost(base)
    text = (base / "store" / ".manifest" / "manifest.yaml.bak").read_bytes()
    (base / "store" / ".manifest" / "manifest.yaml").write_bytes(text[: len(text) // 2])


def spoil(path: Path, content: bytes = ROTTEN) -> None:
    """Damage a stored file."""
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(0o444)


def prepare_spoiled(base: Path) -> None:
    """Make a Store whose file was damaged."""
    spoil(prepare_store(base).fetch_file(*SPOILED))


def prepare_gone(base: Path) -> None:
    """Make a Store with SHA-256 whose file is gone, and its event's folder too."""
    shutil.rmtree(prepare_store(base, sha256=True).root / "E0")


def prepare_copied(base: Path) -> None:
    """Make a Store whose file is gone, and a copy of it from before."""
    store = prepare_store(base, sha256=True)
    shutil.copytree(store.root, base / "copy")
    shutil.rmtree(store.root / "E0")


def prepare_spoiled_upstream(base: Path) -> None:
    """Make a Store as upstream asimov does, whose file was damaged."""
    prepare_upstream(base)
    spoil(base / "store" / "E0" / "P0" / "old")


def create(base, tell):
    Store.create(base / "deep" / "store", "Made")


def create_here(base, tell):
    Store.create(base / "store", "Made", sha256=True)


def add_file(base, tell):
    return Store(base / "store").add_file("E1", "P1", base / "sources" / "new")


def add_beside(base, tell):
    return Store(base / "store").add_file("E0", "P0", base / "sources" / "new")


def add_any(base, tell, *, key, content, duplicate="raise"):
    """Add one file of any name and content."""
    event, production, name = key
    source = base / "sources" / f"any-{os.getpid()}"
    source.write_text(content, encoding="utf-8")
    return Store(base / "store").add_file(event, production, source, name, duplicate=duplicate)


def add_while_reading(base, tell):
    """Add, while another thread of this process, and a handler of SIGUSR1, read the same Store."""
    store, done = Store(base / "store"), threading.Event()

    def read():
        while not done.wait(0.0001):
            len(store)

    signal.signal(signal.SIGUSR1, lambda *_: len(store))
    thread = threading.Thread(target=read)
    thread.start()
    try:
        return store.add_file("E1", "P1", base / "sources" / "new")
    finally:
        done.set()
        thread.join()


def add_files(base, tell):
    places = [("E0", "P0", "new"), ("E1", "P1", "second"), ("E1", "P2", "third")]
    return Store(base / "store").add_files([(e, p, base / "sources" / name) for e, p, name in places])


def add_contents(base, tell):
    places = [("E0", "P0", "new"), ("E1", "P1", "second"), ("E1", "P2", "third")]
    contents = [(place, (base / "sources" / place[2]).read_bytes()) for place in places]
    told = adding.add_contents(Store(base / "store").backend, contents)
    for error in told:
        if isinstance(error, Exception):
            raise error
    return told


def new_file(base, tell):
    with Store(base / "store").new_file("E1", "P1", "written") as file:
        file.write(b"head....tail")
        file.seek(4)
        file.write(b"BODY")


def retract(base, tell):
    return Store(base / "store").retract(SPOILED, "the wrong PSD") and None


def link(base, tell):
    return Store(base / "store").add_file("E1", "P1", base / "sources" / "same", duplicate="link")


def mend(base, tell):
    return Store(base / "store").add_file(*SPOILED[:2], base / "sources" / "same", SPOILED[2], duplicate="skip")


def mend_in_batch(base, tell):
    sources = base / "sources"
    files = [
        (*SPOILED[:2], sources / "same", SPOILED[2]),
        ("E1", "P1", sources / "same"),
        ("E1", "P1", sources / "new"),
    ]
    return Store(base / "store").add_files(files, duplicate="link")


def restore(base, tell):
    """Put back what is missing or damaged, from a folder."""
    return Store(base / "store").restore(base / "sources", dry_run=False) and None


def restore_from_store(base, tell):
    """Put back what is missing or damaged, from another Store."""
    return Store(base / "store").restore(Store(base / "copy"), dry_run=False) and None


def publish(base, tell):
    manifest = Manifest(Store(base / "store"))
    manifest.add_record("E0", "P0", "again", md5(b"old\n"), PLACED)
    manifest.update()


def fetch(base, tell):
    return str(Store(base / "store").fetch_file("E0", "P0", "old", dest=base / "dest"))


def fetch_files(base, tell):
    return list(map(str, Store(base / "store").fetch_files([("E0", "P0", "old")], dest=base / "dest" / "below")))


def export(base, tell, **how):
    return str(Store(base / "store").export(base / "dest" / "out", **how))


def export_bag(base, tell):
    return export(base, tell, format="bag", link=True)


def read(base, tell):
    return [record.key for record in Store(base / "store")]


def look(base, tell):
    """Look once: opening a Store, and going through it, are looks of their own."""
    return [record.key for record in Journal(base / "store").contents()]


def repair(base, tell):
    Store.repair(base / "store", dry_run=False)


def verify(base, tell):
    assert Store(base / "store").verify(since=timedelta(days=1)).ok


def add_loop(base, tell, *, name, first=0, count=None, size=20, keep=False):
    """Add files of one's own, telling of each; for ever, if no count is given. Maybe keep .manifest as it is then."""
    store, number = Store(base / "store"), first
    while count is None or number < first + count:
        content = f"{name} {number} ".encode().ljust(size, b".")
        source = base / "sources" / f"{name}-{number}"
        source.write_bytes(content)
        tell({"ack": [f"E{number % 3}", name, f"{name}-{number}"], **store.add_file(f"E{number % 3}", name, source)})
        source.unlink()
        number += 1
        if keep:
            shutil.copytree(base / "store" / ".manifest", base / "past" / str(last_number(base / "store")))


def burst(base, tell, *, waits=False):
    """Add files one by one, telling of each; then fold what was put off, or wait until that is done."""
    store = Store(base / "store")
    for name in BURST:
        tell({"ack": ["E1", "P1", name], **store.add_file("E1", "P1", base / "sources" / name)})
    if not waits:
        store.fold()
    manifest = base / "store" / ".manifest" / "manifest.yaml"
    while waits and not all(f"      {name}:\n" in manifest.read_text("utf-8") for name in BURST):
        time.sleep(0.002)


def wait_for_fold(base, tell):
    """Do as `burst`, and leave the fold to the timer."""
    burst(base, tell, waits=True)


def fold(base, tell):
    Store(base / "store").fold()


def add_threads(base, tell, *, name, threads, count):
    """Add from many threads that share one Store."""
    store = Store(base / "store")

    def add(number):
        source = base / "sources" / f"{name}-{number}"
        source.write_text(source.name, encoding="utf-8")
        tell({"ack": ["E0", name, source.name], **store.add_file("E0", name, source)})

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(add, range(threads * count)))


def read_loop(base, tell, *, until):
    """Verify all that can be seen, again and again, until a file appears; tell of whatever is wrong."""
    store, seen, rounds = Store(base / "store"), {}, 0
    while True:
        last = (base / until).exists()
        now = {record.uuid: record for record in store}
        fresh = Store(base / "store") if rounds % 5 == 0 else store
        missing = [seen[uuid].key for uuid in set(seen) - set(now)]
        missing += [seen[uuid].key for uuid in set(seen) - {record.uuid for record in fresh}]
        if missing:
            tell({"error": "Missing", "errno": None, "text": f"{missing[:5]} were there and are gone"})
            return None
        news = [record for uuid, record in now.items() if uuid not in seen]
        report = store.verify(selection=list(now.values()) if last else news)
        if not report.ok:
            tell({"error": "Damaged", "errno": None, "text": str(report.failures[:3])})
            return None
        seen, rounds = now, rounds + 1
        if last:
            return {"rounds": rounds, "seen": len(seen)}


TABLE = Text(b"event,production,file,", b",4\n")
EXPORTED = {
    "out/E0/P0/old": b"old\n",
    "out/md5sums.txt": f"{md5(SOURCES['same'])}  E0/P0/old\n".encode(),
    "out/manifest.csv": TABLE,
    "out/README.txt": Text(b"WHAT THIS IS\n", b"FAILED.\n"),
}
BAG = {
    "out/data/E0/P0/old": b"old\n",
    "out/manifest-md5.txt": f"{md5(SOURCES['same'])}  data/E0/P0/old\n".encode(),
    "out/tagmanifest-md5.txt": Text(b"", b"  README.txt\n"),
    "out/bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
    "out/bag-info.txt": Text(b"Bag-Software-Agent: ", b"\n"),
    "out/manifest.csv": TABLE,
    "out/README.txt": Text(b"WHAT THIS IS\n", b"FAILED.\n"),
}
OPERATIONS = {
    "create": Operation(create, prepare_folders, creates=True, refused=("StoreExistsError",)),
    "create_here": Operation(create_here, prepare_folders, creates=True, refused=("StoreExistsError",)),
    "add_file": Operation(add_file, prepare_store, OLD, {("E1", "P1", "new"): SOURCES["new"]}),
    "add_beside": Operation(
        add_beside, lambda base: prepare_store(base, sha256=True), OLD, {("E0", "P0", "new"): SOURCES["new"]}
    ),
    "add_files": Operation(
        add_files,
        prepare_store,
        OLD,
        {
            ("E0", "P0", "new"): SOURCES["new"],
            ("E1", "P1", "second"): SOURCES["second"],
            ("E1", "P2", "third"): SOURCES["third"],
        },
    ),
    "add_contents": Operation(
        add_contents,
        prepare_store,
        OLD,
        {
            ("E0", "P0", "new"): SOURCES["new"],
            ("E1", "P1", "second"): SOURCES["second"],
            ("E1", "P2", "third"): SOURCES["third"],
        },
    ),
    "new_file": Operation(new_file, prepare_store, OLD, {("E1", "P1", "written"): b"headBODYtail"}),
    "retract": Operation(retract, prepare_store, OLD, refused=(), retracts=(SPOILED,)),
    "link": Operation(link, prepare_store, OLD, {("E1", "P1", "same"): b"old\n"}),
    "mend": Operation(mend, prepare_spoiled, OLD, spoiled=(SPOILED,)),
    "mend_gone": Operation(mend, prepare_gone, OLD, spoiled=(SPOILED,)),
    "mend_upstream": Operation(mend, prepare_spoiled_upstream, OLD, spoiled=(SPOILED,)),
    "mend_in_batch": Operation(
        mend_in_batch,
        prepare_spoiled,
        OLD,
        {("E1", "P1", "same"): b"old\n", ("E1", "P1", "new"): SOURCES["new"]},
        spoiled=(SPOILED,),
    ),
    "restore": Operation(restore, prepare_spoiled, OLD, spoiled=(SPOILED,), refused=()),
    "restore_from_store": Operation(restore_from_store, prepare_copied, OLD, spoiled=(SPOILED,), refused=()),
    "after_crash": Operation(
        add_file,
        prepare_crash,
        {**OLD, ("E0", "P0", "committed"): b"committed\n"},
        {("E1", "P1", "new"): SOURCES["new"]},
    ),
    "upstream": Operation(add_file, prepare_upstream, OLD, {("E1", "P1", "new"): SOURCES["new"]}),
    "publish": Operation(publish, prepare_placed, OLD, {("E0", "P0", "again"): b"old\n"}),
    "fetch": Operation(fetch, prepare_store, OLD, delivers={"old": b"old\n"}, refused=()),
    "fetch_files": Operation(fetch_files, prepare_store, OLD, delivers={"below/old": b"old\n"}, refused=()),
    "export": Operation(export, prepare_store, OLD, delivers=EXPORTED, refused=("FileExistsError",)),
    "export_bag": Operation(export_bag, prepare_store, OLD, delivers=BAG, refused=("FileExistsError",)),
    "verify": Operation(verify, prepare_store, OLD, refused=()),
    "repair_lost": Operation(repair, prepare_lost, adds=REPAIRED, damaged=True, refused=()),
    "repair_damaged": Operation(repair, prepare_damaged, adds=REPAIRED, damaged=True, refused=()),
    "add_any": Operation(add_any, prepare_store, OLD, broken=False),
    "add_while_reading": Operation(
        add_while_reading, prepare_store, OLD, {("E1", "P1", "new"): SOURCES["new"]}, broken=False
    ),
    "add_loop": Operation(add_loop, prepare_store, OLD, broken=False),
    "burst": Operation(burst, prepare_store, OLD, {("E1", "P1", name): SOURCES[name] for name in BURST}, broken=False),
    "wait_for_fold": Operation(
        wait_for_fold, prepare_store, OLD, {("E1", "P1", name): SOURCES[name] for name in BURST}, broken=False
    ),
    "fold": Operation(fold, prepare_crash, OLD, broken=False),
    "add_threads": Operation(add_threads, prepare_store, OLD, broken=False),
    "read": Operation(read, prepare_crash, {**OLD, ("E0", "P0", "committed"): b"committed\n"}, broken=False),
    "look": Operation(look, prepare_store, OLD, broken=False),
    "read_loop": Operation(read_loop, prepare_store, OLD, broken=False),
}
BROKEN = [name for name, operation in OPERATIONS.items() if operation.broken]

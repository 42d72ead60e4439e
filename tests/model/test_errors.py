"""The exception tree: what callers may rely on when they catch."""

from __future__ import annotations

import builtins
import errno
import hashlib
import os
import pickle
import shlex
from pathlib import Path

import pytest
from damage import flip_bit, run_python

from asimov import storage
from asimov.storage import (
    AlreadyPresentException,
    FileSystemError,
    HashError,
    InvalidNameError,
    ManifestError,
    NotAStoreError,
    RecordExistsError,
    RecordNotFoundError,
    RetractedError,
    SourceChangedError,
    StorageError,
    Store,
    StoreExistsError,
    StoreReadOnlyError,
)

BASES = {
    NotAStoreError: (),
    ManifestError: (),
    InvalidNameError: (ValueError,),
    HashError: (),
    RecordNotFoundError: (KeyError, FileNotFoundError),
    AlreadyPresentException: (FileExistsError,),
    StoreExistsError: (FileExistsError,),
    RecordExistsError: (FileExistsError,),
    FileSystemError: (OSError,),
    StoreReadOnlyError: (OSError,),
    SourceChangedError: (OSError,),
    RetractedError: (),
}
COMMON = (OSError, ValueError, KeyError, LookupError, TypeError, RuntimeError, FileExistsError, FileNotFoundError)


@pytest.mark.parametrize("error", BASES, ids=lambda error: error.__name__)
def test_bases(error):
    """Each error is a StorageError and of just those builtin types that users may catch."""
    expected = {base for base in COMMON if any(issubclass(named, base) for named in BASES[error])}
    assert issubclass(error, StorageError)
    assert {base for base in COMMON if issubclass(error, base)} == expected


def test_all_errors_are_public():
    """Every exception of the package is one of those in __all__, under asimov.storage's name."""
    public = {getattr(storage, name) for name in storage.__all__ if isinstance(getattr(storage, name), type)}
    errors = {item for item in public if issubclass(item, Exception)}
    assert errors == {StorageError, *BASES}


def without_links(*_: object, **__: object) -> None:
    """Do what a link does on a file system that has none."""
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


def provoke(store: Store, source) -> list[BaseException]:
    """Raise one of each by what a user would do."""
    store.add_file("S1", "Prod0", source())
    (store.root / "empty").mkdir()
    missing = store.root / "empty"
    bad = store.root.parent / "bad"
    (bad / ".manifest").mkdir(parents=True)
    (bad / ".manifest" / "manifest.yaml").write_text("- no manifest\n")

    def create_without_links() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "link", without_links)
            Store.create(missing.parent / "new", "New")

    growing = source("growing.txt", b"first")

    def write_on(done: int, _total: int) -> None:
        with growing.open("ab") as file:
            file.write(b"more" * done)

    later = Store.create(store.root.parent / "later", "Later")
    line = b'{"kind": "correction", "uuid": "0123"}\n'
    end = f"end 1 {hashlib.md5(line).hexdigest()}\n".encode()
    (later.root / ".manifest" / "recent" / "1").write_bytes(line + end)

    actions = [
        lambda: Store(missing),
        lambda: Store(bad),
        lambda: store.add_file("../S1", "Prod0", source()),
        lambda: store.fetch_file("S1", "Prod0", "result.txt", hash="0" * 32),
        lambda: store.fetch_file("S1", "Prod0", "other.txt"),
        lambda: store.add_file("S1", "Prod0", source("copy.txt")),
        lambda: Store.create(store.root, "Again"),
        lambda: store.add_file("S1", "Prod0", source(content=b"other bytes")),
        create_without_links,
        lambda: later.add_file("S1", "Prod0", source()),
        lambda: store.add_file("S1", "Prod0", growing, progress=write_on),
        lambda: (
            store.retract(("S1", "Prod0", "result.txt"), "glitch") and store.fetch_file("S1", "Prod0", "result.txt")
        ),
    ]
    raised: list[BaseException] = []
    for action in actions:
        with pytest.raises(StorageError) as caught:
            action()
        raised.append(caught.value)
    return raised


def test_provoked_errors(store, source):
    """Each error of the tree, raised by what a user did, is of the very type, names what it is about and says what
    to do.
    """
    raised = provoke(store, source)
    about = [
        "empty",
        "manifest.yaml",
        "../S1",
        "result.txt",
        "other.txt",
        "result.txt",
        str(store.root),
        "result.txt",
        "hard links",
        "'correction'",
        "growing.txt",
        "glitch",
    ]
    assert [type(error) for error in raised] == list(BASES)
    for error, words in zip(raised, about, strict=True):
        assert words in str(error)
        assert len(str(error).split()) > 8, "too short to say what, which file and what to do next"
        assert "\n" not in str(error)


def test_errors_pickle(store, source):
    """Errors cross from one process to another whole: type, message and attributes."""
    for error in provoke(store, source):
        copy = pickle.loads(pickle.dumps(error))
        assert (type(copy), str(copy)) == (type(error), str(error))
        assert vars(copy) == vars(error)


@pytest.mark.parametrize(
    "lose", [lambda path: path.write_text("- no manifest\n"), Path.unlink], ids=["damaged", "lost"]
)
def test_what_mends_a_manifest_is_said_for_a_shell_too(store, stored, lose):
    """The error of a manifest that is damaged or lost says what mends it, as a line of shell that runs."""
    lose(store.root / ".manifest" / "manifest.yaml")
    with pytest.raises(ManifestError) as caught:
        Store(store.root)
    line = str(caught.value).partition("In a shell, in the Store's folder: ")[2]
    code = shlex.split(line)
    assert code[:2] == ["python", "-c"]
    done = run_python(code[2], cwd=store.root)
    assert (done.stdout.startswith("<RepairReport"), done.stderr) == (True, "")


def test_hash_error_carries_what_was_compared(store, stored):
    """HashError has the path, and both digests in lower-case hex, and its message names all three."""
    expected = store["S1", "Prod0", "result.txt"].hash
    flip_bit(stored)
    with pytest.raises(HashError) as caught:
        store.fetch_file("S1", "Prod0", "result.txt")
    assert (caught.value.path, caught.value.expected) == (stored, expected)
    assert len(caught.value.actual) == 32
    assert caught.value.actual != expected
    for words in (str(stored), expected, caught.value.actual):
        assert words in str(caught.value)


def test_not_found_reads_as_a_sentence(store):
    """RecordNotFoundError is a KeyError, but its message is not shown as the repr of a key."""
    with pytest.raises(RecordNotFoundError) as caught:
        store.fetch_file("S1", "Prod0", "result.txt")
    assert not str(caught.value).startswith(("'", '"', "[Errno"))


@pytest.mark.parametrize("swallowed", [OSError, ValueError])
def test_corruption_is_not_swallowed(store, stored, swallowed):
    """Code that shrugs at an OSError or a ValueError does not get past a corrupt file."""
    flip_bit(stored)

    def shrug():
        try:
            store.fetch_file("S1", "Prod0", "result.txt")
        except swallowed:
            return

    with pytest.raises(HashError):
        shrug()


def test_already_present_says_where(store, source):
    """AlreadyPresentException carries the Record that has the bytes, and can be made as upstream makes it."""
    store.add_file("S1", "Prod0", source())
    with pytest.raises(AlreadyPresentException) as caught:
        store.add_file("S2", "Prod1", source("other.txt"))
    assert caught.value.record == store["S1", "Prod0", "result.txt"]
    assert AlreadyPresentException().record is None


def test_os_errors_have_their_number(store, source):
    """The errors that are OSErrors too carry the errno of what they are."""
    import errno

    store.add_file("S1", "Prod0", source())
    with pytest.raises(FileNotFoundError) as missing:
        store.fetch_file("S1", "Prod0", "other")
    with pytest.raises(builtins.FileExistsError) as there:
        Store.create(store.root, "Again")
    assert (missing.value.errno, there.value.errno) == (errno.ENOENT, errno.EEXIST)


def test_not_a_store_names_the_folder(tmp_path):
    """NotAStoreError names the folder that was asked for."""
    with pytest.raises(NotAStoreError) as caught:
        Store(tmp_path / "nowhere")
    assert str(Path(tmp_path) / "nowhere") in str(caught.value)

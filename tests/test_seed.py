"""Each sentence and each snippet of SEED.txt: what was asked for, word for word."""

from __future__ import annotations

import hashlib
import re
import stat
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
import yaml
from damage import contents, flip_bit, manifest_of, run_python

from asimov import storage
from asimov.storage import HashError, Manifest, Store

SEED = (Path(__file__).parent / "data" / "SEED.txt").read_text(encoding="utf-8")
CREATE, ADD, FETCH, FETCH_WITH_HASH = re.findall(
    r"^from asimov\.storage import Store\n(?:\s*\n|(?:new|old)_store.*\n)*", SEED, re.MULTILINE
)
EXAMPLE = re.search(r"^name: Store's name\n(?:.+\n)+", SEED, re.MULTILINE).group()

#: Headings, introductions to a snippet and philosophy: sentences that promise nothing which could be run.
PROSE = [
    "Storage Interface¶",
    "The storage interface for asimov was developed to replace the need for git to store large results files",
    (
        "This follows the overall philosophy of the productions system of asimov, where an analysis should be created "
        "as a new production if changes must be made in order to ensure changes can be tracked efficiently."
    ),
    "Using Stores¶",
    "Python API¶",
    "Creating a store¶",
    "Storing a file¶",
    "Retrieving a file¶",
    "Locutus¶",
    "Manifest files¶",
    "For example",
    "© Copyright 2020-2024, Daniel Williams.",
    "Created using Sphinx 7.2.6.",
]
quoted: list[str] = []


def seed(*sentences):
    """Note that a test stands for these words of SEED.txt."""
    for sentence in sentences:
        assert sentence in SEED, sentence
    quoted.extend(sentences)
    return lambda test: test


def run(snippet, folder):
    """Run a snippet as it stands, in a folder of its own; only the place of the Store is another."""
    return run_python(snippet.replace("/tmp/test_store", str(folder / "test_store")), cwd=folder)


@pytest.fixture
def filled(tmp_path):
    """A folder in which the second snippet has been run."""
    (tmp_path / "test_results.xml").write_bytes(b"<results/>")
    done = run(ADD, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return tmp_path


def only_file(root):
    """Find the one file in a Store."""
    (path,) = (p for p in root.rglob("*") if p.is_file() and ".manifest" not in p.relative_to(root).parts)
    return path


@seed(
    "The python API for asimov Stores can be found in the asimov.storage module.",
    "This implements two classes, asimov.storage.Manifest and asimov.storage.Store.",
    "The former handles the management of manifest files, which record the contents of the Stores, and the "
    "latter handles "
    "file system operations, and the process of storing files.",
    "A python object (asimov.storage.Manifest) is provided to make working with manifest files easier, although "
    "normally "
    "you shouldn’t need to interact directly with the store’s manifest.",
)
def test_the_two_classes_are_in_the_module(store, source):
    """asimov.storage has Manifest, which knows the contents, and Store, which handles the files."""
    added = store.add_file("S000000xx", "Prod0", source())
    manifest = Manifest(Store(store.root))
    assert {"Manifest", "Store"} <= set(storage.__all__)
    assert isinstance(store.manifest, Manifest)
    assert manifest.list_resources("S000000xx", "Prod0") == {
        "result.txt": {"hash": added["hash"], "uuid": added["uuid"]}
    }


@seed(
    "A new Store can be created with the class method Store.create.",
    "Stores must be assigned a root directory and a name when they are created.",
    "Results are stored in directories called Stores",
)
def test_create_snippet(tmp_path):
    """The snippet "Creating a store" makes a Store in the folder and of the name that it says, and prints nothing."""
    done = run(CREATE, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert Store(tmp_path / "test_store").name == "Test Store"


@pytest.mark.parametrize("arguments", [(), ("somewhere",)])
def test_create_wants_root_and_name(tmp_path, monkeypatch, arguments):
    """Without a root and a name nothing is created."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TypeError):
        Store.create(*arguments)
    assert list(tmp_path.iterdir()) == []


@seed(
    "This method then creates a new directory, .manifest in the store’s root directory, which will handle the "
    "recording of "
    "files in the directory.",
)
def test_create_makes_the_manifest_directory(tmp_path):
    """A new Store has a folder .manifest, in which the manifest is."""
    done = run(CREATE, tmp_path)
    assert done.returncode == 0
    assert [path.name for path in (tmp_path / "test_store").iterdir()] == [".manifest"]
    assert manifest_of(Store(tmp_path / "test_store")).is_file()


@seed(
    "A new file can be added to the store with the Store.add_file method.",
    "This method assigns a uuid to the file, copies it into the store, using the uuid as its name, and makes the file "
    "read-only.",
    "The hash of the file is then stored in the Store manifest.",
)
def test_add_snippet(filled):
    """The snippet "Storing a file" copies the file to a name that is its uuid, read-only, and records its hash."""
    path = only_file(filled / "test_store")
    record = Store(filled / "test_store")["S000000xx", "Prod0", "test_results.xml"]
    assert path.name == record.uuid == uuid.UUID(record.uuid).hex
    assert path.read_bytes() == (filled / "test_results.xml").read_bytes() == b"<results/>"
    assert stat.S_IMODE(path.stat().st_mode) & 0o222 == 0
    manifest = yaml.safe_load(manifest_of(Store(filled / "test_store")).read_text(encoding="utf-8"))
    assert (
        manifest["events"]["S000000xx"]["Prod0"]["test_results.xml"]["hash"] == hashlib.md5(b"<results/>").hexdigest()
    )


@seed(
    "Stores require that files be maintained in a hierarchy containing the event and production which the file "
    "relates to, "
    "however files intended to be shared between productions may be stored as a production named shared.",
)
def test_hierarchy_and_shared(store, source):
    """A file lies in EVENT/PRODUCTION, and `shared` is a production like any other."""
    store.add_file("S000000xx", "shared", source())
    assert only_file(store.root).parent == store.root / "S000000xx" / "shared"
    assert store.fetch_file("S000000xx", "shared", "result.txt").read_bytes() == b"a result"


@seed(
    "The returned value of .add_file will be a dictionary which contains the uuid and the hash of the file, "
    "which can be "
    "stored elsewhere, for example in a production ledger.",
)
def test_add_returns_uuid_and_hash(store, source):
    """add_file returns a plain dictionary of plain strings, which a YAML ledger can hold."""
    added = store.add_file("S000000xx", "Prod0", source())
    record = store["S000000xx", "Prod0", "result.txt"]
    assert type(added) is dict
    names = {"event": "S000000xx", "production": "Prod0", "file": "result.txt"}
    assert added == {**names, "hash": record.hash, "uuid": record.uuid}
    assert yaml.safe_load(yaml.safe_dump(added)) == added


@seed(
    "Files should be retrieved from a store using the Store.fetch_file method, which looks up the file’s uuid, "
    "and checks "
    "the hash of the returned file against the record in the manifest.",
    "In order to ensure the veracity of results files asimov implements an interface for storing results files "
    "from pipelines.",
)
def test_fetch_snippet(filled):
    """The snippet "Retrieving a file" runs, and what it fetches is the file that was stored."""
    done = run(FETCH, filled)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    path = Store(filled / "test_store").fetch_file("S000000xx", "Prod0", "test_results.xml")
    assert path == only_file(filled / "test_store")
    assert path.read_bytes() == b"<results/>"


@seed(
    "when checked in and out of the directory they are verified by comparing their MD5 hash to the hash which "
    "was recorded "
    "when the file was originally stored.",
    "If any of the hash checks for the file fail a asimov.storage.HashError exception will be raised rather than "
    "the file "
    "being returned.",
    "while guaranteeing that the data contained within the files had not been edited or corrupted after production.",
)
def test_fetch_snippet_on_a_changed_file(filled):
    """The same snippet, after one bit of the stored file changed, ends with HashError."""
    flip_bit(only_file(filled / "test_store"))
    done = run(FETCH, filled)
    assert done.returncode == 1
    assert re.match(r"asimov\.storage\.([a-z_.]+\.)?HashError: ", done.stderr.splitlines()[-1])
    with pytest.raises(storage.HashError):
        Store(filled / "test_store").fetch_file("S000000xx", "Prod0", "test_results.xml")


@seed(
    "It is possible to pass a hash to this method, in which case the hash of the file is also checked against "
    "the provided "
    "hash.",
    "Additional safety can be guaranteed by asserting that the file match an externally provided hash.",
)
def test_fetch_snippet_with_a_hash(filled):
    """The snippet with a made-up hash ends with HashError; with the file's own hash it runs."""
    made_up = run(FETCH_WITH_HASH, filled)
    own = hashlib.md5(b"<results/>").hexdigest()
    right = run(FETCH_WITH_HASH.replace("dfksdjfklsdjfklsdjdf", own), filled)
    assert made_up.returncode == 1
    assert re.match(r"asimov\.storage\.([a-z_.]+\.)?HashError: ", made_up.stderr.splitlines()[-1])
    assert (right.returncode, right.stderr) == (0, "")


def test_both_hashes_are_checked(filled):
    """A changed file whose new hash is the one provided is refused all the same: the provided hash comes on top."""
    path = only_file(filled / "test_store")
    flip_bit(path)
    changed = hashlib.md5(path.read_bytes()).hexdigest()
    with pytest.raises(HashError):
        Store(filled / "test_store").fetch_file("S000000xx", "Prod0", "test_results.xml", hash=changed)


@seed(
    "Files stored in a store are stored on the principle of write-once-read-only; when a file is stored it is "
    "intended to "
    "never be editted.",
)
def test_write_once(store, source):
    """A name that was stored cannot be stored again with other bytes, and what was stored stays as it was."""
    store.add_file("S000000xx", "Prod0", source(content=b"first"))
    before = contents(store.root)
    with pytest.raises(FileExistsError):
        store.add_file("S000000xx", "Prod0", source(content=b"second"))
    assert contents(store.root) == before
    assert store.fetch_file("S000000xx", "Prod0", "result.txt").read_bytes() == b"first"


@seed(
    "Stores can be accessed either through the python API in asimov.storage or via a command line interface, "
    "locutus, which "
    "allows stores to be manipulated from a command line.",
    "Locutus is designed to provide a simple user interface to the storage API which can be used at the command line.",
    "When asimov is installed locutus will also be installed.",
)
def test_locutus_is_installed(filled):
    """The command locutus lies beside the Python that asimov.storage is installed for, and reads a Store."""
    locutus = Path(sys.executable).with_name("locutus")
    command = [str(locutus), "--store", "test_store", "list", "--json"]
    done = subprocess.run(command, cwd=filled, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert [row["file"] for row in yaml.safe_load(done.stdout)] == ["test_results.xml"]


@seed(
    "Manifest files are used to track changes within the repository, and store details of all of the files which "
    "are stored "
    "in the store.",
    "Manifest files are YAML 1.1 files which store details of files in a simple hierarchy:",
)
def test_manifest_example(hand_written):
    """The manifest in SEED.txt, as it stands, is one: a Store around it opens and serves the file."""
    root = hand_written(EXAMPLE)
    path = root / "S000000xx" / "Prod0" / "f9f167bee8e3449aa0c68bf7f91e7b7a"
    path.parent.mkdir(parents=True)
    path.touch()
    store = Store(root)
    assert store.name == "Store's name"
    assert store.fetch_file("S000000xx", "Prod0", "test_file") == path
    assert store.verify().ok


def test_written_manifest_has_the_hierarchy_of_the_example(tmp_path):
    """A Store with the contents of the example writes a manifest that says exactly the same."""
    store = Store.create(tmp_path / "store", "Store's name")
    (tmp_path / "test_file").touch()
    added = store.add_file("S000000xx", "Prod0", tmp_path / "test_file")
    expected = yaml.safe_load(EXAMPLE.replace("f9f167bee8e3449aa0c68bf7f91e7b7a", f"'{added['uuid']}'"))
    assert yaml.safe_load(manifest_of(store).read_text(encoding="utf-8")) == expected


def test_every_sentence_is_accounted_for():
    """Nothing in SEED.txt but headings and background is without a test in this file."""
    rest = SEED
    for words in sorted([*quoted, *PROSE, CREATE, ADD, FETCH, FETCH_WITH_HASH, EXAMPLE], key=len, reverse=True):
        assert words in SEED, words
        rest = rest.replace(words, "")
    assert re.sub(r"[\s.:,]|\band\b", "", rest) == ""

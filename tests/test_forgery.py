"""Two files of one MD5, as anybody can make them: what each kind of Store makes of the second."""

from __future__ import annotations

import hashlib

import pytest
import yaml
from damage import ONE, TWO, keys, manifest_of, md5, writable

from asimov.storage import AlreadyPresentException, HashError, RecordExistsError, Store


@pytest.fixture
def strong(tmp_path):
    """A Store that records SHA-256, with the first file of the pair."""
    return Store.create(tmp_path / "strong", "Strong", sha256=True)


def test_the_pair():
    """The two files differ, and have one MD5 and one length."""
    assert ONE != TWO
    assert (md5(ONE), len(ONE)) == (md5(TWO), len(TWO)) == ("79054025255fb1a26e4bc422aef54eb4", 128)
    assert hashlib.sha256(ONE).digest() != hashlib.sha256(TWO).digest()


def test_md5_alone_takes_them_for_one(store, source):
    """A Store that records MD5 alone takes the second file for the first: that is what MD5 can and can't do."""
    store.add_file("S1", "Prod0", source("one", ONE))
    with pytest.raises(AlreadyPresentException):
        store.add_file("S1", "Prod0", source("two", TWO))


@pytest.mark.parametrize("duplicate", ["raise", "skip", "link"])
def test_sha256_tells_them_apart(strong, source, duplicate):
    """A Store that records SHA-256 keeps both files, each with its own bytes, whatever is asked about duplicates."""
    strong.add_file("S1", "Prod0", source("one", ONE))
    strong.add_file("S1", "Prod1", source("two", TWO), duplicate=duplicate)
    assert strong.fetch_file("S1", "Prod0", "one").read_bytes() == ONE
    assert strong.fetch_file("S1", "Prod1", "two").read_bytes() == TWO
    assert strong.verify().ok


def test_sha256_tells_them_apart_under_one_name(strong, source):
    """Under one name the second is refused, as any other bytes would be, and the message shows where they differ."""
    strong.add_file("S1", "Prod0", source("one", ONE))
    with pytest.raises(RecordExistsError, match=hashlib.sha256(TWO).hexdigest()):
        strong.add_file("S1", "Prod0", source("two", TWO), "one", duplicate="skip")
    assert keys(strong) == [("S1", "Prod0", "one")]


@pytest.mark.parametrize("many", [0, 40])
def test_sha256_tells_them_apart_in_a_batch(strong, source, many):
    """The same in one batch, small or large; and a true duplicate of the second is found beside the first."""
    batch = [("S1", "Prod0", source("one", ONE)), ("S1", "Prod0", source("two", TWO))]
    batch += [("S1", "Prod0", source(f"f{number}", b"%d" % number)) for number in range(many)]
    strong.add_files(batch)
    assert strong.fetch_file("S1", "Prod0", "two").read_bytes() == TWO
    with pytest.raises(AlreadyPresentException) as caught:
        strong.add_file("S2", "Prod0", source("again", TWO))
    assert caught.value.record == strong["S1", "Prod0", "two"]
    again = [("S3", "Prod0", source(f"g{number}", b"g%d" % number)) for number in range(many)]
    with pytest.raises(AlreadyPresentException) as caught:
        strong.add_files([*again, ("S2", "Prod0", source("again", TWO))])
    assert caught.value.record == strong["S1", "Prod0", "two"]
    assert strong.verify().ok


def swap(store):
    """Put the second file of the pair into the place of the first."""
    path = store.root / "S1" / "Prod0" / store["S1", "Prod0", "one"].uuid
    with writable(path):
        path.write_bytes(TWO)


def test_a_plain_store_does_not_see_the_swap(store, source):
    """A file swapped for one that was made to have its MD5 passes for sound in a plain Store: what level 1 can't do."""
    store.add_file("S1", "Prod0", source("one", ONE))
    swap(store)
    assert store.verify().ok
    assert store.fetch_file("S1", "Prod0", "one").read_bytes() == TWO


def test_a_strong_store_sees_the_swap(strong, source, tmp_path):
    """In a Store that records SHA-256 the swap is found by verify, and by every way to fetch."""
    strong.add_file("S1", "Prod0", source("one", ONE))
    uuid = strong["S1", "Prod0", "one"].uuid
    swap(strong)
    (failure,) = strong.verify().failures
    assert (failure.status, failure.actual, failure.hash) == ("corrupt", md5(ONE), md5(ONE))
    assert "forged" in failure.reason
    for fetch in (strong.fetch_file, strong.open_file, lambda *key: strong.fetch_file(*key, dest=tmp_path / "copy")):
        with pytest.raises(HashError, match="forged"):
            fetch("S1", "Prod0", "one")
    with pytest.raises(HashError, match="forged"):
        strong.fetch_uuid(uuid)
    assert not (tmp_path / "copy").exists()


def forge(store, how):
    """Change what the manifest of a Store with the files a, b and c says, so that all of it still verifies."""
    manifest = manifest_of(store)
    data = yaml.safe_load(manifest.read_text("utf-8"))
    files = data["events"]["S1"]["Prod0"]
    if how == "changed":
        content = b"another result"
        path = store.root / "S1" / "Prod0" / files["a"]["uuid"]
        with writable(path):
            path.write_bytes(content)
        further = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        files["a"] |= {"hash": md5(content)} | {key: value for key, value in further.items() if key in files["a"]}
    elif how == "removed":
        del files["a"]
    elif how == "swapped":
        files["a"], files["b"] = files["b"], files["a"]
    elif how == "renamed":
        files["z"] = files.pop("a")
    elif how == "called otherwise":
        data["name"] = "Another"
    manifest.write_text(yaml.safe_dump(data), encoding="utf-8")


@pytest.mark.parametrize("sha256", [False, True])
@pytest.mark.parametrize("how", ["changed", "removed", "swapped", "renamed", "called otherwise"])
def test_a_fingerprint_finds_a_forged_manifest(tmp_path, source, how, sha256):
    """A manifest that was changed along with the files verifies, but not against a fingerprint written down before."""
    store = Store.create(tmp_path / "forged", "Forged", sha256=sha256)
    store.add_files([("S1", "Prod0", source(name, name.encode())) for name in "abc"])
    before = store.fingerprint()
    assert store.verify(fingerprint=before).ok
    forge(store, how)
    assert store.verify().ok
    report = store.verify(fingerprint=before)
    assert not report.ok
    with pytest.raises(HashError) as caught:
        report.raise_for_failures()
    assert (caught.value.expected, caught.value.actual) == (before, store.fingerprint())


def test_a_fingerprint_finds_what_was_added(store, source):
    """A record that was added since differs too: pin what is finished."""
    store.add_file("S1", "Prod0", source("a", b"a"))
    before = store.fingerprint()
    store.add_file("S1", "Prod0", source("b", b"b"))
    assert not store.verify(fingerprint=before).ok


def test_a_fingerprint_is_of_the_records_alone(store, source):
    """A rewritten, reformatted, moved or repaired Store has the fingerprint that it had."""
    store.add_file("S1", "Prod0", source("a", b"a"))
    store.add_file("S1", "Prod0", source("b", b"b"))
    before = store.fingerprint()
    manifest = manifest_of(store)
    data = yaml.safe_load(manifest.read_text("utf-8"))
    manifest.write_text(yaml.safe_dump(data, default_flow_style=True, sort_keys=False), encoding="utf-8")
    assert store.fingerprint() == before
    manifest.unlink()
    Store.repair(store.root, dry_run=False)
    moved = store.root.rename(store.root.with_name("moved"))
    assert Store(moved).fingerprint() == before

"""Which addresses are URLs, which of them a Store opens at, and what may be said beside them."""

from __future__ import annotations

import pickle

import pytest

from asimov.storage import Manifest, NotAStoreError, Store, StoreReadOnlyError
from asimov.storage._backends.published.urls import location_of


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("https://Example.org/a/", "https://example.org/a"),
        ("HTTP://example.org:8080", "http://example.org:8080"),
        (" https://example.org/été/a b ", "https://example.org/%C3%A9t%C3%A9/a%20b"),
        ("https://example.org/%20%2F/x.zip", "https://example.org/%20%2F/x.zip"),
        ("https://[::1]:80/a", "https://[::1]:80/a"),
    ],
)
def test_locations(url, location):
    """A URL has one spelling, which opens the same again."""
    assert (location_of(url), location_of(location)) == (location, location)


@pytest.mark.parametrize(
    "url",
    ["ftp://example.org/a", "s3://bucket/a", "gs://bucket", "x://", "https:///a", "https://example.org/a?token=s3cr3t",
     "https://user:s3cr3t@example.org/a", "https://example.org/a#s3cr3t"],
)  # fmt: skip
def test_no_locations(url):
    """Other schemes, and URLs with passwords or queries, are ValueErrors that don't repeat what may be secret."""
    with pytest.raises(ValueError, match=r"https://|host|URL") as caught:
        Store(url)
    assert "s3cr3t" not in str(caught.value)


def test_a_file_url(store, tmp_path):
    """``file:///PATH`` is a path."""
    assert Store(store.root.as_uri()) == store
    spaced = Store.create((tmp_path / "a b").as_uri(), "Spaced")
    assert spaced.root == tmp_path / "a b"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"colour": 1}, TypeError),
        ({"token": "s3cr3t"}, TypeError),
        ("timeout", TypeError),
        ({"timeout": "1"}, TypeError),
        ({"retries": 1.5}, TypeError),
        ({"concurrency": True}, TypeError),
        ({"ca_file": 1}, TypeError),
        ({"timeout": 0}, ValueError),
        ({"timeout": float("nan")}, ValueError),
        ({"retries": -1}, ValueError),
        ({"concurrency": 0}, ValueError),
    ],
)
def test_options(options, error):
    """An option that isn't known, or makes no sense, is an error before anything is asked."""
    with pytest.raises(error, match="option") as caught:
        Store("https://example.org/a", options=options)
    assert "s3cr3t" not in str(caught.value)


def test_a_folder_has_no_options(store):
    """Options are for the web."""
    with pytest.raises(TypeError, match="on the web"):
        Store(store.root, options={"timeout": 1})


def test_the_environment_names_a_url(bad, www, monkeypatch, tmp_path):
    """$LOCUTUS_STORE may be a URL."""
    Store.create(www / "store", "Named")
    monkeypatch.setenv("LOCUTUS_STORE", f"{bad.url}/store")
    assert Store().name == "Named"
    assert Store(options={"retries": 1}).backend.options == {"retries": 1}
    monkeypatch.setenv("LOCUTUS_STORE", f"{bad.url}/none")
    with pytest.raises(NotAStoreError):
        Store()


def test_manifests(bad, www, source):
    """A Manifest of a Store on the web reads, and refuses to write."""
    Store.create(www / "store", "Test Store").add_file("E", "P", source())
    store = Store(f"{bad.url}/store")
    manifest = Manifest(store)
    (record,) = manifest
    assert manifest.uuid_dict == {record.uuid: f"{bad.url}/store/E/P/{record.uuid}"}
    assert manifest.list_resources("E", "P") == {"result.txt": {"hash": record.hash, "uuid": record.uuid}}
    assert list(pickle.loads(pickle.dumps(manifest))) == [record]
    manifest.add_record("E", "P", "b", "0" * 32, "1" * 32)
    with pytest.raises(StoreReadOnlyError):
        manifest.update()


def test_a_certificate_file(tmp_path):
    """A ca_file that is missing, or holds no certificates, is named."""
    for name in ("missing", "empty"):
        path = tmp_path / name
        if name == "empty":
            path.write_bytes(b"")
        with pytest.raises(OSError, match=name):
            Store("https://127.0.0.1:1/a", options={"ca_file": str(path), "retries": 0})

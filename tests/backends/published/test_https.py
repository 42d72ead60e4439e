"""Stores at https: by an authority that is trusted, and by no other; never on to http."""

from __future__ import annotations

import shutil
import ssl
import subprocess

import pytest
from backends.published import servers

from asimov.storage import Store

OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(OPENSSL is None, reason="there is no openssl to make a certificate")


@pytest.fixture
def certificate(tmp_path):
    """Make a certificate of our own; give it with its key."""
    key, made = tmp_path / "key.pem", tmp_path / "certificate.pem"
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = [OPENSSL, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", made]
    subprocess.run([*command, *names], check=True, capture_output=True)
    return made, key


@pytest.fixture
def secure(certificate, www, source):
    """Serve a Store at https."""
    Store.create(www / "store", "Test Store").add_file("E", "P", source())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    server = servers.Bad(www, context)
    yield server
    server.close()


def test_trusted(secure, certificate, monkeypatch):
    """A private authority is trusted by the option ca_file, or by $SSL_CERT_FILE."""
    by_option = Store(f"{secure.url}/store", options={"ca_file": str(certificate[0])})
    assert by_option.verify().ok
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    assert Store(f"{secure.url}/store").fetch_file("E", "P", "result.txt").read_bytes() == b"a result"


def test_not_trusted(secure):
    """A certificate of nobody we know is an error at once, which says what to do."""
    with pytest.raises(OSError, match=r"certificate is not trusted.*ca_file"):
        Store(f"{secure.url}/store")


def test_never_on_to_http(secure, certificate, bad):
    """A redirect from https to http is refused, and nothing is asked there."""
    store = Store(f"{secure.url}/store", options={"ca_file": str(certificate[0])})
    (record,) = store
    secure.tell(record.uuid, servers.refuse(302, Location=f"{bad.url}/store/E/P/{record.uuid}"))
    with pytest.raises(PermissionError, match="isn't secure"):
        store.fetch_file("E", "P", "result.txt")
    assert bad.asked == []

"""Files that arrive in pieces: what is stored is what its writer digested, whoever else is at it."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import subprocess
import sys

import pytest

from asimov.storage import Store
from asimov.storage._disk import temporary
from asimov.storage._operations.adding import PartialFile

FIRST, SECOND = b"first " * 1000, b"other " * 1000


@pytest.fixture
def store(tmp_path):
    """Make an empty Store."""
    return Store.create(tmp_path / "store", "Test Store")


def begin(store, name="abc", **more):
    """Begin or go on with a file."""
    return PartialFile(store.backend, ("GW150914", "Prod0", "a.bin"), token=name, **more)


def incoming(store):
    """List what lies in the Store on its way in."""
    return sorted((store.root / ".manifest" / "incoming").iterdir())


def stored(store):
    """Give the bytes of the one file, verified."""
    assert store.verify().ok
    return store.fetch_file("GW150914", "Prod0", "a.bin").read_bytes()


@pytest.fixture
def without_locks(monkeypatch):
    """Have locks fail, as on many a cluster's file system."""

    def refuse(descriptor, operation):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)


@pytest.fixture
def on_another_machine(monkeypatch):
    """Say that this process runs on another machine from now on."""

    def move():
        monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere")
        temporary.host.cache_clear()

    yield move
    temporary.host.cache_clear()


def test_it_goes_on(store):
    """What was closed goes on, and its bytes count."""
    data = begin(store)
    data.write(FIRST[:100])
    data.close()
    again = begin(store)
    assert again.size == 100
    again.write(FIRST[100:])
    again.commit()
    assert stored(store) == FIRST
    assert incoming(store) == []


def test_it_goes_on_after_its_process_was_killed(store):
    """What a killed process was at goes on in another of the same machine."""
    code = (
        "import os, signal, sys\nfrom asimov.storage import Store\n"
        "from asimov.storage._operations.adding import PartialFile\n"
        "data = PartialFile(Store(sys.argv[1]).backend, ('GW150914', 'Prod0', 'a.bin'), token='abc')\n"
        "data.write(b'first ')\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, store.root], check=False)
    assert begin(store).size == 6


def test_it_is_cut_before_it_is_digested(store):
    """Of what is there only what is kept is digested, once."""
    data = begin(store)
    data.write(FIRST)
    data.close()
    told = []
    again = begin(store, keep=lambda size: size - 1000, progress=lambda done, total: told.append((done, total)))
    assert (again.size, told[-1]) == (5000, (5000, 5000))
    again.close()


def test_digesting_can_be_ended(store):
    """What `progress` raises ends the digesting, and the file is kept and free for others."""
    data = begin(store)
    data.write(FIRST)
    data.close()

    def end(done, total):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        begin(store, progress=end)
    assert begin(store).size == len(FIRST)


def test_one_that_is_stored_between_opening_and_locking_is_not_touched(store, monkeypatch):
    """Who opened a file just before its writer stored it gets another one, and what is stored stays as it is."""
    first = begin(store)
    first.write(FIRST)
    real = fcntl.flock

    def store_first(descriptor, operation):
        monkeypatch.setattr(fcntl, "flock", real)
        first.commit()
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", store_first)
    second = begin(store)
    assert second.size == 0
    second.empty()
    second.discard()
    assert stored(store) == FIRST


def test_one_whose_writer_died_as_it_stored_it_is_not_touched(store):
    """A partial file that is a stored file too isn't gone on with."""
    data = begin(store)
    data.write(FIRST)
    (name,) = incoming(store)
    os.link(name, store.root / "placed")
    data.close()
    again = begin(store)
    assert again.size == 0
    again.write(b"x")
    assert (store.root / "placed").read_bytes() == FIRST


def test_without_locks_nobody_shares_a_file(store, without_locks):
    """Where locks don't work, who begins the same file in the middle of another's doesn't touch that one's bytes."""
    first = begin(store)
    first.write(FIRST[:3000])
    second = begin(store, keep=lambda size: size // 4096 * 4096)
    assert second.size == 0
    second.close()
    first.write(FIRST[3000:])
    first.commit()
    assert stored(store) == FIRST
    assert incoming(store) == []


def test_machines_share_no_file(store, on_another_machine):
    """Two machines, that may not see each other's locks, have a file each; the first to store it has stored it."""
    first = begin(store)
    first.write(FIRST)
    on_another_machine()
    second = begin(store)
    assert second.size == 0
    second.write(SECOND)
    first.commit()
    with pytest.raises(FileExistsError):
        second.commit()
    assert stored(store) == FIRST
    assert incoming(store) == []


def test_its_name_may_become_another_files(store):
    """A file that was swept while its writer was stopped is stored with its own bytes, not with its namesake's."""
    first = begin(store)
    first.write(FIRST)
    (name,) = incoming(store)
    name.unlink()
    second = begin(store)
    second.write(SECOND)
    first.commit()
    assert stored(store) == FIRST
    assert incoming(store) == [name]  # the second's, which its owner still has
    second.discard()
    assert incoming(store) == []


def test_giving_up_removes_no_namesake(store):
    """A file that was swept while its writer was stopped, and is given up then, leaves its namesake alone."""
    first = begin(store)
    (name,) = incoming(store)
    name.unlink()
    second = begin(store)
    second.write(SECOND)
    first.discard()
    assert incoming(store) == [name]
    second.commit()
    assert stored(store) == SECOND


def test_bytes_that_somebody_else_wrote_are_not_stored(store):
    """A file whose size is not what its writer wrote isn't stored."""
    data = begin(store)
    data.write(FIRST)
    (name,) = incoming(store)
    name.write_bytes(b"cut")
    with pytest.raises(OSError, match="somebody else wrote to it"):
        data.commit()
    assert (len(store), incoming(store)) == (0, [])


@pytest.mark.parametrize("token", ["abc", "123"])
def test_its_name_is_nobodys_who_could_be_dead(store, token):
    """The name of a partial file is not taken for one of a process, whatever the token and the machine's name."""
    data = begin(store, token)
    (name,) = incoming(store)
    assert temporary.owner(name.name) == name.name
    assert not temporary.owner_is_dead(name.name)
    data.discard()

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from damage import contents, flip_bit, md5, writable
from shell import PROGRAM, SITE, process

from asimov.storage import Store

BYTES = bytes(range(256)) * 9000
"""Some chunks of bytes of every kind."""


@pytest.fixture
def big(filled, source):
    """The key of a file of `BYTES` in the Store."""
    filled.add_file("GW190521", "Prod0", source("big.bin", BYTES))
    return "GW190521", "Prod0", "big.bin"


# Out -----------------------------------------------------------------------------------------------------------------


def test_fetch_to_standard_output(big):
    """`fetch -o -` writes just the file's bytes to stdout, and makes no file called `-`."""
    result = process("fetch", *big, "-o", "-")
    assert (result.returncode, result.stdout == BYTES, result.stderr) == (0, True, b"")
    assert list(Path.cwd().iterdir()) == []


def test_fetch_to_a_file_called_dash(locutus, big):
    """`fetch -o ./-` makes a file that is called so."""
    assert locutus("fetch", *big, "-o", "./-").code == 0
    assert Path("./-").read_bytes() == BYTES


def test_fetch_to_standard_output_checks_a_hash(big):
    """`fetch -o - --hash` writes the bytes where they have that MD5, in any case, and else nothing."""
    right = process("fetch", *big, "-o", "-", "--hash", md5(BYTES).upper())
    wrong = process("fetch", *big, "-o", "-", "--hash", md5(b""))
    assert (right.returncode, right.stdout == BYTES) == (0, True)
    assert (wrong.returncode, wrong.stdout) == (1, b"")


def test_no_byte_of_a_corrupt_file_is_written(filled, big):
    """`fetch -o -` verifies all bytes before it writes the first one."""
    path = filled.fetch_file(*big)
    flip_bit(path)
    result = process("fetch", *big, "-o", "-")
    assert (result.returncode, result.stdout) == (1, b"")
    assert str(path) in result.stderr.decode()


def test_a_file_that_changes_while_it_is_written(filled, big):
    """`fetch -o -` of a file that is changed after it was verified doesn't end well."""
    path = filled.fetch_file(*big)
    env = {**os.environ, "PYTHONPATH": SITE}
    with subprocess.Popen([*PROGRAM, "fetch", *big, "-o", "-"], env=env, stdout=subprocess.PIPE) as ours:
        first = ours.stdout.read(1)  # it waits now until there is room in the pipe again
        with writable(path), path.open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(b"\0")
        rest = ours.stdout.read()
    assert (ours.returncode, first + rest == BYTES) == (1, False)


def test_a_reader_that_goes(big):
    """`fetch -o -` into a pipe that is closed ends as cat does, without a word."""
    reading, writing = os.pipe()
    os.close(reading)
    result = process("fetch", *big, "-o", "-", capture_output=False, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (result.returncode, result.stderr) == (-signal.SIGPIPE, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_under_the_bytes(big):
    """`fetch -o -` says that stdout can't be written, with code 5."""
    with Path("/dev/full").open("wb") as full:
        result = process("fetch", *big, "-o", "-", capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert (result.returncode, result.stderr) == (5, b"locutus: standard output: No space left on device\n")


def test_closed_standard_streams(filled, big):
    """Where stdin or stdout is closed, `-` is said to be, and never means another file that has its number now."""
    for arguments, closed in ((["fetch", *big, "-o", "-"], ">&-"), (["store", "E", "P", "-", "--name", "a"], "<&-")):
        command = f"{subprocess.list2cmdline([*PROGRAM, *arguments])} {closed}"
        env = {**os.environ, "PYTHONPATH": SITE}
        result = subprocess.run(command, shell=True, env=env, capture_output=True, check=False)  # noqa: S602
        assert (result.returncode, result.stdout) == (5, b"")
        assert b"it is closed" in result.stderr


# In ------------------------------------------------------------------------------------------------------------------


def test_store_from_standard_input(filled):
    """`store - --name N` stores what stdin gives to its end, and prints its record."""
    result = process("store", "E", "P", "-", "--name", "big.bin", "--json", input=BYTES)
    assert (result.returncode, result.stderr) == (0, b"")
    assert [row["hash"] for row in json.loads(result.stdout)] == [md5(BYTES)]
    assert filled.fetch_file("E", "P", "big.bin").read_bytes() == BYTES


def test_store_from_standard_input_checks_a_hash(filled):
    """`store - --hash` stores what comes if it has that MD5, and else nothing, with 1."""
    before = contents(filled.root)
    wrong = process("store", "E", "P", "-", "--name", "a", "--hash", md5(b"b"), input=b"a")
    assert (wrong.returncode, wrong.stdout, contents(filled.root)) == (1, b"", before)
    assert process("store", "E", "P", "-", "--name", "a", "--hash", md5(b"a"), input=b"a").returncode == 0


def test_store_from_standard_input_again(filled):
    """`store -` of what is stored under that name is fine; of other bytes it is refused with 4, and nothing changes."""
    command = ["store", "GW150914", "Prod0", "-", "--name", "samples.json"]
    before = contents(filled.root)
    assert [process(*command, input=data).returncode for data in (b"{}", b"other")] == [0, 4]
    assert process(*command, "--duplicate", "raise", input=b"{}").returncode == 4
    assert contents(filled.root) == before


def test_store_from_a_file_on_standard_input(filled, source):
    """`store -` reads stdin whatever that is: a file, too."""
    with source("a", b"from a file").open("rb") as file:
        assert process("store", "E", "P", "-", "--name", "a", stdin=file).returncode == 0
    assert filled.fetch_file("E", "P", "a").read_bytes() == b"from a file"


def test_an_error_of_standard_input(filled, tmp_path):
    """An error of stdin is said to be one of stdin, with code 5, and nothing is stored."""
    before = contents(filled.root)
    with (tmp_path / "to be written").open("wb") as unreadable:
        result = process("store", "E", "P", "-", "--name", "a", stdin=unreadable)
    assert (result.returncode, result.stderr) == (5, b"locutus: standard input: Bad file descriptor\n")
    assert contents(filled.root) == before


@pytest.mark.parametrize("options", [[], ["--name", "given"]])
def test_store_from_a_fifo(filled, tmp_path, options):
    """`store FIFO` waits for what is written to it, and stores that under the FIFO's name or --name."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    env = {**os.environ, "PYTHONPATH": SITE}
    with subprocess.Popen([*PROGRAM, "store", "E", "P", fifo, *options], env=env, stdout=subprocess.PIPE) as ours:
        fifo.write_bytes(BYTES)
        ours.communicate()
    assert ours.returncode == 0
    assert filled.fetch_file("E", "P", options[1] if options else "fifo").read_bytes() == BYTES


def test_store_from_a_command(filled):
    """`store <(command)` stores what the command prints, under --name, which is asked for."""
    ours = subprocess.list2cmdline([*PROGRAM, "store", "E", "P"])
    env = {**os.environ, "PYTHONPATH": SITE}
    lines = [f"{ours} <(echo hello) {name}" for name in ("--name greeting", "")]
    named, nameless = (
        subprocess.run(["bash", "-c", line], env=env, capture_output=True, check=False) for line in lines
    )
    assert (named.returncode, named.stderr) == (0, b"")
    assert filled.fetch_file("E", "P", "greeting").read_bytes() == b"hello\n"
    assert (nameless.returncode, b"--name" in nameless.stderr) == (2, True)


def test_a_fifo_among_files(locutus, filled, source, tmp_path):
    """A FIFO is stored by a command of its own: with other files it is wrong usage, and is not waited for."""
    os.mkfifo(tmp_path / "fifo")
    before = contents(filled.root)
    result = locutus("store", "E", "P", source("a", b"a"), tmp_path / "fifo")
    assert (result.code, "pipe" in result.err, contents(filled.root)) == (2, True, before)


def test_the_streams_of_a_round_trip(filled, tmp_path):
    """`fetch -o -` into `store -` of another Store moves the very bytes."""
    other = Store.create(tmp_path / "other", "Other")
    ours = subprocess.list2cmdline(PROGRAM)
    line = f"{ours} fetch GW150914 Prod0 samples.json -o - | {ours} --store {other.root} store E P - --name copy"
    done = subprocess.run(["bash", "-c", line], env={**os.environ, "PYTHONPATH": SITE}, check=False)
    assert done.returncode == 0
    assert other.fetch_file("E", "P", "copy", md5(b"{}")).read_bytes() == b"{}"

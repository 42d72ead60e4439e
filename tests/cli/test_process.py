"""How locutus ends when a signal asks for it. What is done is long, and the signal comes while it is under way."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest
from damage import contents
from shell import PROGRAM, SITE, UNIGNORED, Console

from asimov.storage import cli
from asimov.storage.cli.exits import Ended

PIPEFUL = bytes(1 << 20)
"""More than a pipe holds: where it is written, the reader has begun to read."""
CODES = {signal.SIGHUP: 129, signal.SIGINT: 130, signal.SIGTERM: 143}


@pytest.fixture
def storing(filled):
    """A function that begins to store what a pipe gives, as a process of its own, and waits until it is under way."""
    started = []

    def start(before: str = "") -> subprocess.Popen[bytes]:
        command = [*PROGRAM, "store", "E", "P", "-", "--name", "a"]
        shell = [*UNIGNORED, "sh", "-c", f'{before} exec "$@"', "sh", *command]
        env = {**os.environ, "PYTHONPATH": SITE}
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        ours = subprocess.Popen(shell, env=env, **streams)
        started.append(ours)
        ours.stdin.write(PIPEFUL)
        ours.stdin.flush()
        return ours

    yield start
    for ours in started:
        ours.kill()
        ours.communicate()


@pytest.fixture
def huge(filled):
    """The key of a file that takes longer to read than anybody waits."""
    path = filled.fetch_file("GW150914", "Prod0", "samples.json")
    path.chmod(0o644)
    os.truncate(path, 1 << 40)  # holes: they take no room
    return "GW150914", "Prod0", "samples.json"


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_ends_a_store(filled, storing, number):
    """SIGTERM and SIGHUP end a `store` as Ctrl-C does: with 128 and the signal's number, and the Store as before."""
    before = contents(filled.root)
    ours = storing()
    ours.send_signal(number)
    _, said = ours.communicate(timeout=60)
    assert (ours.returncode, said.decode()) == (CODES[number], f"locutus: ended by {number.name}\n")
    assert contents(filled.root) == before


@pytest.mark.parametrize("number", CODES)
def test_a_signal_ends_a_fetch(filled, huge, tmp_path, number):
    """SIGTERM, SIGHUP and Ctrl-C end a `fetch -o` that is under way, and nothing is left of the copy."""
    place = tmp_path / "copies"
    place.mkdir()
    console = Console("fetch", *huge, "-o", place)
    console.read_until(rb"fetch: .* [1-9][\d.]*[KMG]?/1\.00T")
    assert len(list(place.iterdir())) == 1
    console.process.send_signal(number)
    assert console.end() == CODES[number]
    assert list(place.iterdir()) == []
    assert b"Traceback" not in console.screen


@pytest.mark.parametrize("number", CODES)
def test_a_signal_ends_a_verification(filled, huge, number):
    """A signal ends a `verify` that is under way, whose work is in other threads."""
    console = Console("verify")
    console.read_until(rb"verify: +\d+%")
    console.process.send_signal(number)
    assert console.end() == CODES[number]
    assert b"Traceback" not in console.screen


def test_a_terminal_that_hangs_up(filled, huge, tmp_path):
    """A terminal that is closed ends what ran in it, which can say nothing any more, and leaves nothing."""
    place = tmp_path / "copies"
    place.mkdir()
    console = Console("fetch", *huge, "-o", place)
    console.read_until(rb"fetch: .* [1-9][\d.]*[KMG]?/1\.00T")
    assert console.hang_up() == 129
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("number", CODES)
def test_an_ignored_signal_stays_ignored(filled, storing, number):
    """A signal that was ignored when locutus began, as SIGHUP by nohup, doesn't end it."""
    ours = storing(f"trap '' {number.name.removeprefix('SIG')};")
    ours.send_signal(number)
    _, said = ours.communicate(b"the end", timeout=60)
    assert (ours.returncode, said) == (0, b"")
    assert filled.fetch_file("E", "P", "a").read_bytes() == PIPEFUL + b"the end"


def test_impatience_does_not_stop_the_removing(filled, storing):
    """Signals that follow the first one at once change nothing: it ends by the first, and tidily."""
    before = contents(filled.root)
    ours = storing()
    while ours.poll() is None:
        ours.send_signal(signal.SIGTERM)
    _, said = ours.communicate()
    assert (ours.returncode, said) == (143, b"locutus: ended by SIGTERM\n")
    assert contents(filled.root) == before


def test_what_ends_is_no_exception():
    """What a signal raises is no Exception, so that nothing swallows it, and has the signal's code."""
    assert not issubclass(Ended, Exception)
    assert cli.exit_code(Ended(15, "SIGTERM")) == 143

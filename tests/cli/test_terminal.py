from __future__ import annotations

import io
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from damage import keys
from shell import PROGRAM, SITE, Console, process, records
from tqdm import tqdm

from asimov.storage import Store, cli
from asimov.storage._display.text import printable


def test_names_can_not_command_a_terminal(locutus, tmp_path, hand_written):
    """Terminal escapes in a Store's name and invisible characters in records are shown escaped, in text and JSON."""
    digest = "d41d8cd98f00b204e9800998ecf8427e"
    text = f'name: "\\e]0;owned\\a"\nevents:\n  "a\\u202Eb":\n    P:\n      f: {{hash: {digest}, uuid: {digest}}}\n'
    root = hand_written(text)
    for args in (["info"], ["list"], ["info", "--json"], ["list", "--json"]):
        result = locutus("--store", root, *args)
        assert result.code == 0
        assert printable(result.out.replace("\n", "").replace("\t", "")) == result.out.replace("\n", "").replace(
            "\t", ""
        )
    assert json.loads(locutus("--store", root, "info", "--json").out)["name"] == "\x1b]0;owned\x07"
    assert json.loads(locutus("--store", root, "list", "--json").out)[0]["event"] == "a\u202eb"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names that are not UTF-8")
def test_fetch_prints_the_very_bytes_of_a_path(tmp_path, source):
    """Into a pipe `fetch` prints the path's own bytes, also where they are not UTF-8."""
    root = os.fsencode(tmp_path) + b"/caf\xe9"
    store = Store.create(os.fsdecode(root), "latin")
    store.add_file("S1", "Prod0", source())
    result = process("--store", store.root, "fetch", "S1", "Prod0", "result.txt")
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout == os.fsencode(store.fetch_file("S1", "Prod0", "result.txt")) + b"\n"


def test_names_that_the_locale_can_not_spell(store, source):
    """Where stdout is Latin-1 text is escaped, JSON is UTF-8 still, and neither fails."""
    store.add_file("漢字", "Prod0", source())
    env = {"PYTHONIOENCODING": "latin-1", "LOCUTUS_STORE": str(store.root)}
    plain, as_json = process("list", env=env), process("list", "--json", env=env)
    assert plain.stdout.startswith(b"\\u6f22\\u5b57\tProd0\tresult.txt\t")
    assert json.loads(as_json.stdout.decode("utf-8")) == records(store)
    assert (plain.returncode, as_json.returncode, plain.stderr, as_json.stderr) == (0, 0, b"", b"")


@pytest.mark.parametrize("rows", [1, 5000])
def test_a_closed_pipe_is_silent(hand_written, rows):
    """When the reader goes, locutus ends as cat does, without a word, whether little or much is left to write."""
    text = [f"      f{n}: {{hash: {n:032x}, uuid: {n:032x}}}" for n in range(rows)]
    root = hand_written("\n".join(["name: long", "events:", "  E:", "    P:", *text]) + "\n")
    reading, writing = os.pipe()
    os.close(reading)
    result = process("--store", root, "list", capture_output=False, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (result.returncode, result.stderr) == (-signal.SIGPIPE, b"")


def test_a_reader_that_stops_early(hand_written):
    """`locutus list | head -n 1` gives one line and no complaint."""
    text = [f"      f{n}: {{hash: {n:032x}, uuid: {n:032x}}}" for n in range(5000)]
    root = hand_written("\n".join(["name: long", "events:", "  E:", "    P:", *text]) + "\n")
    env = {**os.environ, "PYTHONPATH": SITE}
    ours = subprocess.Popen(
        [*PROGRAM, "--store", root, "list"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    first = subprocess.run(["head", "-n", "1"], stdin=ours.stdout, capture_output=True, check=True).stdout
    ours.stdout.close()
    assert first.startswith(b"E\tP\tf0\t")
    assert ours.communicate()[1] == b""
    assert ours.returncode == -signal.SIGPIPE


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_under_stdout(filled):
    """When stdout can't be written, that is one line that names it, and code 5."""
    with Path("/dev/full").open("wb") as full:
        result = process("list", capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert (result.returncode, result.stderr) == (5, b"locutus: standard output: No space left on device\n")


def test_closed_streams(filled):
    """With stdout and stderr closed the work is done and the code is right."""
    command = subprocess.list2cmdline([*PROGRAM, "verify"]) + " >&- 2>&-"
    result = subprocess.run(command, shell=True, env={**os.environ, "PYTHONPATH": SITE}, check=False)  # noqa: S602
    assert result.returncode == 0


def test_a_terminal_gets_columns_with_a_heading(filled):
    """On a terminal `list` prints aligned columns under a heading."""
    console = Console("list")
    assert console.end() == 0
    heading, *rows = console.screen.decode().splitlines()
    assert heading.split() == ["event", "production", "file", "hash", "uuid"]
    assert [row.split()[0] for row in rows] == ["GW150914", "GW150914", "GW170817"]
    assert len({row.index(record.hash) for row, record in zip(rows, filled, strict=True)}) == 1


def test_a_terminal_gets_the_heading_of_an_empty_store(store):
    """On a terminal `list` of an empty Store prints the heading alone."""
    console = Console("--store", store.root, "list")
    assert console.end() == 0
    assert console.screen.decode().split() == ["event", "production", "file", "hash", "uuid"]


def test_a_narrow_terminal_gets_short_digests(filled):
    """On a terminal of 80 columns `list` fits, also with sizes: digests are shortened, and names are whole."""
    for options in ([], ["--long"]):
        console = Console("list", *options, columns=80)
        assert console.end() == 0
        lines = console.screen.decode().splitlines()
        assert max(map(len, lines)) <= 80
        for row, record in zip(lines[1:], filled, strict=True):
            assert row.split()[:5] == [*record.key, record.hash[:8] + "..", record.uuid[:8] + ".."]


@pytest.mark.parametrize(
    ("length", "columns"),
    [
        (37, ["event", "production", "file", "hash", "uuid"]),
        (49, ["event", "production", "file", "hash"]),
        (61, ["event", "production", "file"]),
        (90, ["event", "production", "file"]),
    ],
)
def test_names_are_never_cut(filled, source, length, columns):
    """On a narrow terminal a long name is whole: uuids go, then hashes, and then the line is longer than that."""
    filled.add_file("E", "P", source("n" * length, b"long"))
    console = Console("list", "E", columns=80)
    assert console.end() == 0
    heading, row = console.screen.decode().splitlines()
    assert heading.split() == columns
    assert row.split()[2] == "n" * length
    assert len(row) <= max(80, length + 19)


def test_a_terminal_gets_sizes_with_a_unit(filled, source):
    """On a terminal `list --long` shows sizes as people read them, to the right of their column."""
    filled.add_file("GW190521", "Prod0", source("big.bin", bytes(3000)))
    console = Console("list", "--long")
    assert console.end() == 0
    heading, *rows = console.screen.decode().splitlines()
    assert heading.endswith("    size")
    assert [row[-9:] for row in rows] == ["      2 B", "      2 B", "      3 B", "  2.9 KiB"]


def test_a_terminal_gets_a_progress_bar(store, tmp_path):
    """On a terminal long work shows a bar in bytes, which is gone when it is done."""
    big = tmp_path / "big.bin"
    with big.open("wb") as file:
        file.truncate(48 << 20)
    console = Console("--store", store.root, "store", "E", "P", big)
    assert console.end() == 0
    assert re.search(rb"store: +\d+%.*\d/48\.0M", console.screen)
    assert [line.split()[:3] for line in console.lines()] == [["event", "production", "file"], ["E", "P", "big.bin"]]


def test_a_terminal_gets_no_bar_for_short_work(filled):
    """On a terminal short work shows no bar."""
    console = Console("verify")
    assert console.end() == 0
    assert console.screen == b"3 files ok (7 B)\r\n"


def test_a_pipe_gets_no_bar(store, tmp_path):
    """In a pipe there is no bar, however long the work."""
    with (tmp_path / "big.bin").open("wb") as file:
        file.truncate(48 << 20)
    result = process("--store", store.root, "store", "E", "P", tmp_path / "big.bin")
    assert (result.returncode, result.stderr) == (0, b"")


def test_a_terminal_sees_what_comes_from_a_pipe(store, tmp_path):
    """On a terminal long work on a pipe, whose length nobody knows, shows how much came."""
    os.mkfifo(tmp_path / "fifo")
    console = Console("--store", store.root, "store", "E", "P", tmp_path / "fifo")
    with (tmp_path / "fifo").open("wb") as fifo:
        while not re.search(rb"store: \d[\d.]*[kM]?B", console.screen):
            fifo.write(bytes(1 << 20))
            console.read_what_is_there()
    assert console.end() == 0


@pytest.fixture
def drawn():
    """A function that works for some seconds on 1 TiB, and gives what was drawn of its bar and how long it took."""

    def work(seconds):
        screen, bars, start = io.StringIO(), [], time.monotonic()

        def make(**options):
            bars.append(tqdm(file=screen, ncols=100, **options))
            return bars[0]

        progress = cli.bar_callback(make)
        for done in itertools.count():
            progress(done << 10, 1 << 40)
            if time.monotonic() - start > seconds:
                break
        bars[0].close()
        return screen.getvalue(), time.monotonic() - start

    return work


def test_the_bar_moves_ten_times_a_second_at_most(drawn):
    """However often progress is called, the bar is drawn at most ten times a second."""
    screen, seconds = drawn(0.5)
    assert 2 <= screen.count("%") <= 10 * seconds + 2


def test_the_bar_learns_its_total():
    """A total that grows, as files are looked at, is the bar's total, and doesn't have it drawn each time."""
    screen, bars = io.StringIO(), []

    def make(**options):
        bars.append(tqdm(file=screen, ncols=100, **options))
        return bars[0]

    progress = cli.bar_callback(make)
    for files in range(1, 100):
        progress(0, files << 30)
    assert (bars[0].n, bars[0].total) == (0, 99 << 30)
    assert screen.getvalue().count("%") == 1
    bars[0].close()


def test_the_bar_says_rate_and_time_left(drawn):
    """A bar says what is done and what there is in all, the time it took and the time left, and the rate."""
    screen, _ = drawn(0.5)
    last = [line for line in screen.split("\r") if "%" in line][-1]
    assert re.fullmatch(r" +\d+%\|.*\| \d[\d.]*[kMG]/1\.00T \[00:0\d<\d[\d:]+, \d[\d.]*[kMG]B/s\]\s*", last)


def test_ctrl_c_exits_with_130(filled):
    """Ctrl-C during long work ends it with code 130 and one line, without a traceback, and the Store is as before."""
    path = filled.fetch_file("GW150914", "Prod0", "samples.json")
    path.chmod(0o644)
    os.truncate(path, 1 << 40)  # holes: they take no room, and longer than anybody waits
    console = Console("verify")
    console.read_until(rb"verify: +\d+%")
    console.type(b"\x03")
    assert console.end() == 130
    assert console.lines()[-1].endswith("locutus: interrupted")
    assert b"Traceback" not in console.screen
    assert len(keys(filled)) == 3

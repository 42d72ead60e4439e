from __future__ import annotations

import fcntl
import io
import itertools
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.shell_completion import ShellComplete
from damage import flip_bit, keys, md5, read_only, run_python
from tqdm import tqdm

import asimov.storage
from asimov.storage import Store, cli
from asimov.storage._format import printable

SITE = str(Path(asimov.storage.__file__).parents[2])
PROGRAM = [sys.executable, "-W", "error", "-m", "asimov.storage"]
COMMANDS = ["fetch", "info", "init", "list", "store", "verify"]
EXAMPLE_ARGUMENTS = {"fetch": ["E", "P", "F"], "store": ["E", "P", "F"]}


@pytest.fixture
def locutus(capfdbinary):
    """A function that runs locutus here: locutus(*arguments) -> its code, out and err."""

    def run(*args: object) -> SimpleNamespace:
        code = cli.run([str(arg) for arg in args])
        out, err = capfdbinary.readouterr()
        return SimpleNamespace(code=code, out=out.decode(), err=err.decode())

    return run


@pytest.fixture
def filled(store, source, monkeypatch):
    """A Store, named by $LOCUTUS_STORE, of GW150914's Prod0 and Prod1 and GW170817's shared."""
    store.add_file("GW150914", "Prod0", source("samples.json", b"{}"))
    store.add_file("GW150914", "Prod1", source("samples.json", b"[]"))
    store.add_file("GW170817", "shared", source("psd.txt", b"1 2"))
    monkeypatch.setenv("LOCUTUS_STORE", str(store.root))
    return store


@pytest.fixture(autouse=True)
def no_store_around(monkeypatch, tmp_path):
    """Run in a folder of its own that no Store surrounds."""
    monkeypatch.delenv("LOCUTUS_STORE", raising=False)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def process(*args: object, **options) -> subprocess.CompletedProcess[bytes]:
    """Run locutus as a process of its own."""
    env = {**os.environ, "PYTHONPATH": SITE, **options.pop("env", {})}
    options = {"capture_output": True} | options
    return subprocess.run([*PROGRAM, *map(str, args)], env=env, timeout=60, check=False, **options)


def records(store: Store) -> list[dict[str, str]]:
    """Say what JSON says of a Store's records."""
    return [
        {"event": r.event, "production": r.production, "file": r.file, "hash": r.hash, "uuid": r.uuid} for r in store
    ]


# The commands --------------------------------------------------------------------------------------------------------


def test_there_are_six_commands():
    """These six commands are there, and no more."""
    assert sorted(cli.locutus.commands) == COMMANDS


def test_init_makes_a_store_named_after_its_folder(locutus, tmp_path):
    """`init DIR` makes a Store in DIR, with parents, named after the folder, and describes it."""
    result = locutus("init", tmp_path / "new" / "GWTC")
    root = tmp_path / "new" / "GWTC"
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines() == [
        "name        GWTC",
        f"root        {root}",
        *("files       0", "events      0", "productions 0"),
    ]
    assert Store(root).name == "GWTC"


def test_init_here(locutus):
    """`init` alone makes a Store in the current folder, and `--name` names it."""
    assert locutus("init", "--name", "Final results").code == 0
    assert Store(Path.cwd()).name == "Final results"


def test_init_where_store_says(locutus, tmp_path):
    """`--store DIR init` makes the Store in DIR."""
    assert locutus("--store", tmp_path / "there", "init").code == 0
    assert Store(tmp_path / "there").name == "there"


def test_init_never_prompts(tmp_path):
    """`init` neither asks nor waits where stdin is a pipe that nobody writes to."""
    reading, writing = os.pipe()
    result = process("init", tmp_path / "quiet", stdin=reading)
    os.close(reading)
    os.close(writing)
    assert (result.returncode, result.stderr) == (0, b"")


def test_init_refuses_a_store(locutus, store):
    """`init` where a Store is refuses and leaves it as it is."""
    result = locutus("init", store.root, "--name", "Other")
    assert (result.code, result.out) == (4, "")
    assert Store(store.root).name == "Test Store"


def test_info(locutus, filled):
    """`info` prints name, root and counts."""
    result = locutus("info")
    assert (result.code, result.err) == (0, "")
    assert dict(line.split(None, 1) for line in result.out.splitlines()) == {
        "name": "Test Store",
        "root": str(filled.root),
        "files": "3",
        "events": "2",
        "productions": "3",
    }


def test_info_json(locutus, filled):
    """`info --json` prints the same as one document."""
    expected = {"name": "Test Store", "root": str(filled.root), "files": 3, "events": 2, "productions": 3}
    assert json.loads(locutus("info", "--json").out) == expected


def test_store_adds_files(locutus, filled, source):
    """`store` adds each file and prints their records, tab-separated in a pipe."""
    result = locutus("store", "GW150914", "Prod2", source("a.txt", b"a"), source("b.txt", b"b"))
    added = [filled["GW150914", "Prod2", name] for name in ("a.txt", "b.txt")]
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines() == ["\t".join((*r.key, r.hash, r.uuid)) for r in added]


def test_store_json(locutus, filled, source):
    """`store --json` prints an array of the records that it added."""
    result = locutus("store", "GW170817", "Prod0", source("a.txt", b"a"), "--json")
    record = filled["GW170817", "Prod0", "a.txt"]
    assert json.loads(result.out) == [
        {"event": "GW170817", "production": "Prod0", "file": "a.txt", "hash": md5(b"a"), "uuid": record.uuid}
    ]


def test_store_under_another_name(locutus, filled, source):
    """`store --name` stores one file under that name."""
    assert locutus("store", "GW170817", "Prod0", source("a.txt", b"a"), "--name", "b.txt").code == 0
    assert filled.fetch_file("GW170817", "Prod0", "b.txt").read_bytes() == b"a"


def test_store_names_one_file_only(locutus, filled, source):
    """`store --name` with two files is wrong usage, and nothing is stored."""
    before = keys(filled)
    result = locutus("store", "E", "P", source("a", b"a"), source("b", b"b"), "--name", "c")
    assert (result.code, result.out) == (2, "")
    assert keys(filled) == before


def test_store_all_or_none(locutus, filled, source, tmp_path):
    """`store` of a good file and a missing one stores neither and names the missing one."""
    before = keys(filled)
    result = locutus("store", "E", "P", source("a", b"a"), tmp_path / "missing.txt")
    assert (result.code, result.out) == (3, "")
    assert str(tmp_path / "missing.txt") in result.err
    assert keys(filled) == before


def test_fetch_prints_just_the_path(locutus, filled):
    """`fetch` prints the path of the verified file and nothing else."""
    result = locutus("fetch", "GW150914", "Prod0", "samples.json")
    assert (result.code, result.err) == (0, "")
    assert result.out == f"{filled.fetch_file('GW150914', 'Prod0', 'samples.json')}\n"


@pytest.mark.parametrize("place", ["folder", "folder/new.json"])
def test_fetch_to_a_place(locutus, filled, tmp_path, place):
    """`fetch -o` copies the file into a folder, or under a new name, and prints the copy's path."""
    (tmp_path / "folder").mkdir()
    result = locutus("fetch", "GW150914", "Prod0", "samples.json", "-o", tmp_path / place)
    copy = tmp_path / "folder" / ("samples.json" if place == "folder" else "new.json")
    assert (result.code, result.out) == (0, f"{copy}\n")
    assert copy.read_bytes() == b"{}"


def test_fetch_checks_a_hash_of_ones_own(locutus, filled):
    """`fetch --hash` gives the file if it has that hash, in any case, and else fails with 1 and prints no path."""
    assert locutus("fetch", "GW150914", "Prod0", "samples.json", "--hash", md5(b"{}").upper()).code == 0
    for wrong in (md5(b"other"), ""):
        result = locutus("fetch", "GW150914", "Prod0", "samples.json", "--hash", wrong)
        assert (result.code, result.out) == (1, "")


def test_fetch_of_a_corrupted_file(locutus, filled):
    """`fetch` of a corrupted file fails with 1, names the file, and prints no path."""
    path = filled.fetch_file("GW150914", "Prod0", "samples.json")
    flip_bit(path)
    result = locutus("fetch", "GW150914", "Prod0", "samples.json")
    assert (result.code, result.out) == (1, "")
    assert str(path) in result.err


def test_fetch_never_overwrites(locutus, filled, source):
    """`fetch -o` onto an existing file refuses with 4 and leaves it."""
    mine = source("mine.json", b"mine")
    result = locutus("fetch", "GW150914", "Prod0", "samples.json", "-o", mine)
    assert (result.code, result.out) == (4, "")
    assert mine.read_bytes() == b"mine"


@pytest.mark.parametrize(("args", "rows"), [([], [0, 1, 2]), (["GW150914"], [0, 1]), (["GW150914", "Prod1"], [1])])
def test_list(locutus, filled, args, rows):
    """`list` prints the records of all, of an event, or of a production, tab-separated or as a JSON array."""
    expected = [records(filled)[row] for row in rows]
    plain, as_json = locutus("list", *args), locutus("list", *args, "--json")
    assert plain.out.splitlines() == ["\t".join(record.values()) for record in expected]
    assert json.loads(as_json.out) == expected
    assert (plain.code, as_json.code, plain.err, as_json.err) == (0, 0, "", "")


def test_list_of_an_empty_store(locutus, store):
    """`list` of an empty Store prints nothing, and an empty array as JSON."""
    assert locutus("--store", store.root, "list").out == ""
    assert json.loads(locutus("--store", store.root, "list", "--json").out) == []


def test_verify_of_a_sound_store(locutus, filled):
    """`verify` of a sound Store prints a summary, and exits with 0."""
    result = locutus("verify")
    assert (result.code, result.out, result.err) == (0, "3 files ok (7 B)\n", "")


def test_verify_finds_failures(locutus, filled):
    """`verify` prints a summary, each failure and each untracked file, and exits with 1."""
    corrupt = filled.fetch_file("GW150914", "Prod0", "samples.json")
    missing = filled.fetch_file("GW170817", "shared", "psd.txt")
    flip_bit(corrupt)
    missing.unlink()
    stray = missing.with_name("stray\x1b[31m")
    stray.touch()
    result = locutus("verify")
    summary, *failures = result.out.splitlines()
    assert result.code == 1
    assert summary == "2 of 3 files FAILED (1 ok, 1 corrupt, 1 missing), 1 untracked"
    assert failures[0].startswith(f"corrupt: GW150914/Prod0/samples.json: {corrupt}")
    assert failures[1].startswith(f"missing: GW170817/shared/psd.txt: {missing}")
    assert failures[2:] == [f"untracked: {stray.parent}/stray\\x1b[31m"]


@pytest.mark.parametrize(("args", "code"), [(["GW150914"], 1), (["GW150914", "Prod1"], 0), (["GW170817"], 0)])
def test_verify_of_a_part(locutus, filled, args, code):
    """`verify` of an event or a production looks at nothing else."""
    flip_bit(filled.fetch_file("GW150914", "Prod0", "samples.json"))
    assert locutus("verify", *args).code == code


def test_verify_json(locutus, filled):
    """`verify --json` prints ok, counts, the failures as checks, and untracked paths, and exits with 1 all the same."""
    path = filled.fetch_file("GW150914", "Prod0", "samples.json")
    record = filled["GW150914", "Prod0", "samples.json"]
    flip_bit(path)
    (path.parent / "stray").touch()
    result = locutus("verify", "--json")
    found = json.loads(result.out)
    assert result.code == 1
    (failure,) = found.pop("failures")
    assert found == {
        "ok": False,
        "counts": {"ok": 2, "corrupt": 1, "missing": 0, "unreadable": 0},
        "untracked": [str(path.parent / "stray")],
    }
    assert failure.pop("reason")
    assert failure == {
        "event": "GW150914",
        "production": "Prod0",
        "file": "samples.json",
        "uuid": record.uuid,
        "hash": record.hash,
        "status": "corrupt",
        "actual": md5(path.read_bytes()),
        "path": str(path),
        "size": 2,
    }


def test_verify_needs_no_write(common_path, capfdbinary):
    """`verify`, `list`, `info` and `fetch` work on a Store that may only be read."""
    theirs = Store.create(common_path / "store", "Someone else's")
    (common_path / "result.txt").write_bytes(b"a result")
    theirs.add_file("S1", "Prod0", common_path / "result.txt")
    with read_only(theirs.root):
        args = (["verify"], ["list"], ["info"], ["fetch", "S1", "Prod0", "result.txt"])
        assert [cli.run(["--store", str(theirs.root), *command]) for command in args] == [0, 0, 0, 0]


# Which Store ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [command for command in COMMANDS if command != "init"])
def test_store_option_stands_before_or_after_the_command(locutus, filled, monkeypatch, command, source):
    """`--store DIR` before or after a command names the Store, whatever $LOCUTUS_STORE says."""
    monkeypatch.setenv("LOCUTUS_STORE", "/nowhere")
    given = {
        "fetch": [["GW170817", "shared", "psd.txt"]] * 2,
        "store": [["E", "P", source(name, name.encode())] for name in ("a", "b")],
    }
    first, second = given.get(command, [[], []])
    assert locutus("--store", filled.root, command, *first).code == 0
    assert locutus(command, "--store", filled.root, *second).code == 0


def test_store_from_the_environment(locutus, filled):
    """$LOCUTUS_STORE names the Store."""
    assert "Test Store" in locutus("info").out


def test_store_upwards(locutus, filled, monkeypatch):
    """Without option and variable the Store is the nearest one above the current folder."""
    monkeypatch.delenv("LOCUTUS_STORE")
    monkeypatch.chdir(filled.root / "GW150914" / "Prod0")
    assert json.loads(locutus("info", "--json").out)["root"] == str(filled.root)


@pytest.mark.parametrize("command", [command for command in COMMANDS if command != "init"])
def test_no_store(locutus, command):
    """Where there is no Store every command but init fails with 3, in one line on stderr."""
    result = locutus(command, *EXAMPLE_ARGUMENTS.get(command, []))
    assert (result.code, result.out) == (3, "")
    assert len(result.err.splitlines()) == 1


# Errors --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "args"),
    [
        (2, ["no-such-command"]),
        (2, ["list", "--no-such-option"]),
        (2, ["fetch", "GW150914"]),
        (2, ["store", "GW150914", "Prod0"]),
        (2, ["list", "a", "b", "c"]),
        (2, ["--store"]),
        (3, ["list", "GW000000"]),
        (3, ["list", "GW150914", "Prod9"]),
        (3, ["verify", "GW000000"]),
        (3, ["fetch", "GW150914", "Prod0", "none.json"]),
        (3, ["--store", "/nowhere/at/all", "list"]),
        (3, ["--store", "/dev/null", "list"]),
        (3, ["store", "E", "P", "missing.txt"]),
        (4, ["store", "..", "P", "file.txt"]),
        (4, ["store", "E", "a/b", "file.txt"]),
        (4, ["store", "E", "P", "file.txt", "--name", "\x1b[31m\n"]),
        (4, ["store", "GW150914", "Prod0", "file.txt", "--name", "samples.json"]),
        (4, ["store", "E", "P", "same.txt"]),
        (5, ["store", "E", "P", "folder"]),
    ],
)
def test_errors_are_one_line(locutus, filled, code, args):
    """Each mistake gives its exit code, one printable line on stderr, nothing on stdout, and the Store as before."""
    Path("file.txt").write_bytes(b"new")
    Path("same.txt").write_bytes(b"{}")
    Path("folder").mkdir()
    before = keys(filled)
    result = locutus(*args)
    assert (result.code, result.out) == (code, "")
    assert re.fullmatch(r"locutus: [^\n]{10,}\n", result.err)
    assert printable(result.err[:-1]) == result.err[:-1]
    assert keys(filled) == before


def test_error_of_a_damaged_manifest(locutus, filled):
    """A damaged manifest is an error 5 that names the file and the line."""
    path = filled.root / ".manifest" / "manifest.yaml"
    path.write_text("name: x\nevents: [1, 2]\n")
    result = locutus("list")
    assert (result.code, result.out) == (5, "")
    assert f"{path}, line 2" in result.err


def test_no_arguments(locutus):
    """Without a command the usage is said on stderr, with the code of wrong usage."""
    result = locutus()
    assert (result.code, result.out) == (2, "")
    assert "Usage:" in result.err


def test_a_defect_is_one_line_too(capsys):
    """An error that nobody foresaw is one line with its type, and code 5."""
    assert cli.error_line(ZeroDivisionError("division\nby zero")) == "ZeroDivisionError: division\\nby zero"
    assert cli.exit_code(ZeroDivisionError()) == 5


# Help, version, start ------------------------------------------------------------------------------------------------


def test_help_says_the_exit_codes(locutus):
    """--help lists the commands, every exit code, and where the Store is looked for."""
    text = locutus("--help").out
    assert [name for name in COMMANDS if not re.search(rf"^  {name} ", text, re.MULTILINE)] == []
    assert re.findall(r"^ +(\d+)  ", text, re.MULTILINE) == ["0", "1", "2", "3", "4", "5", "130"]
    assert "$LOCUTUS_STORE" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_opens_no_store(locutus, monkeypatch, command):
    """Each command has help, which needs no Store."""
    monkeypatch.setenv("LOCUTUS_STORE", "/nowhere")
    result = locutus(command, "--help")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("Usage:")


def test_version_names_the_module_path():
    """--version prints the version and the folder that the module is in."""
    result = process("--version")
    expected = f"locutus {asimov.storage.__version__} ({Path(asimov.storage.__file__).parent})\n"
    assert (result.returncode, result.stdout.decode(), result.stderr) == (0, expected, b"")


@pytest.mark.parametrize("args", [["--version"], ["--help"], ["list"], ["verify"]])
def test_start_is_light(filled, args):
    """No command loads pandas, numpy, IPython or a widget, and in a pipe none loads tqdm."""
    code = f"""
import sys
from asimov.storage import cli
code = cli.run({args!r})
print(sorted({{"pandas", "numpy", "IPython", "ipywidgets", "anywidget", "tqdm"}} & set(sys.modules)), file=sys.stderr)
"""
    assert run_python(code).stderr == "[]\n"


# Terminals and pipes -------------------------------------------------------------------------------------------------


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
    """When stdout can't be written, that is one line and code 5."""
    with Path("/dev/full").open("wb") as full:
        result = process("list", capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert (result.returncode, result.stderr) == (5, b"locutus: No space left on device\n")


def test_closed_streams(filled):
    """With stdout and stderr closed the work is done and the code is right."""
    command = subprocess.list2cmdline([*PROGRAM, "verify"]) + " >&- 2>&-"
    result = subprocess.run(command, shell=True, env={**os.environ, "PYTHONPATH": SITE}, check=False)  # noqa: S602
    assert result.returncode == 0


class Console:
    """locutus in a terminal of its own, with what it wrote there so far in `screen`."""

    #: Ctrl-C means what it does in a terminal, also where the tests run in the background and it is ignored.
    _START = (
        "import fcntl, os, signal, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
        "signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
    )

    def __init__(self, *args: object) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, b"\x28\x00\xc8\x00\x00\x00\x00\x00")  # 40 rows, 200 columns
        env = {**os.environ, "PYTHONPATH": SITE}
        command = [sys.executable, "-c", self._START, *PROGRAM, *map(str, args)]
        streams = {"stdin": slave, "stdout": slave, "stderr": slave}
        self.process = subprocess.Popen(command, **streams, env=env, start_new_session=True)
        os.close(slave)
        self.screen = b""

    def read_until(self, pattern: bytes | None) -> None:
        """Read until `pattern` is on the screen, or, for None, until the program has ended."""
        while pattern is None or not re.search(pattern, self.screen):
            assert select.select([self._master], [], [], 60)[0], self.screen
            try:
                data = os.read(self._master, 65536)
            except OSError:  # EIO: the other side is closed
                data = b""
            if not data:
                assert pattern is None, self.screen
                return
            self.screen += data

    def lines(self) -> list[str]:
        """Return what a person sees at last, where carriage returns have gone back and written over."""
        seen = []
        for line in self.screen.decode().split("\n"):
            shown = ""
            for part in line.split("\r"):
                shown = part + shown[len(part) :]
            seen.append(shown.rstrip())
        return [line for line in seen if line]

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def end(self) -> int:
        """Wait for the program's end and return its code."""
        self.read_until(None)
        os.close(self._master)
        return self.process.wait(60)


def test_a_terminal_gets_columns_with_a_heading(filled):
    """On a terminal `list` prints aligned columns under a heading."""
    console = Console("list")
    assert console.end() == 0
    heading, *rows = console.screen.decode().splitlines()
    assert heading.split() == ["event", "production", "file", "hash", "uuid"]
    assert [row.split()[0] for row in rows] == ["GW150914", "GW150914", "GW170817"]
    assert len({row.index(record.hash) for row, record in zip(rows, filled, strict=True)}) == 1


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


# Completion ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "incomplete", "expected"),
    [
        (["list"], "", ["GW150914", "GW170817"]),
        (["list"], "GW17", ["GW170817"]),
        (["list"], "S", []),
        (["verify", "GW150914"], "", ["Prod0", "Prod1"]),
        (["fetch", "GW150914"], "Prod1", ["Prod1"]),
        (["fetch", "GW000000"], "", []),
        (["fetch", "GW170817", "shared"], "p", ["psd.txt"]),
        (["store"], "", ["GW150914", "GW170817"]),
        (["store", "GW170817"], "", ["shared"]),
        ([], "ver", ["verify"]),
    ],
)
def test_completion(filled, typed, incomplete, expected):
    """Commands, events, their productions and their files are completed from the Store."""
    completer = ShellComplete(cli.locutus, {}, "locutus", "_LOCUTUS_COMPLETE")
    assert [item.value for item in completer.get_completions(typed, incomplete)] == expected


@pytest.mark.parametrize("where", [["--store", "ROOT", "list"], ["list", "--store", "ROOT"]])
def test_completion_knows_the_store_option(store, source, where):
    """Completion looks into the Store that --store names, before or after the command."""
    store.add_file("S1", "Prod0", source())
    typed = [str(store.root) if word == "ROOT" else word for word in where]
    completer = ShellComplete(cli.locutus, {}, "locutus", "_LOCUTUS_COMPLETE")
    assert [item.value for item in completer.get_completions(typed, "")] == ["S1"]


def test_completion_without_a_store_is_silent():
    """Where there is no Store nothing is completed, and nothing complains."""
    completer = ShellComplete(cli.locutus, {}, "locutus", "_LOCUTUS_COMPLETE")
    assert completer.get_completions(["list"], "") == []


def test_files_to_store_are_completed_by_the_shell(filled):
    """The files that `store` takes are left to the shell to complete."""
    completer = ShellComplete(cli.locutus, {}, "locutus", "_LOCUTUS_COMPLETE")
    assert [item.type for item in completer.get_completions(["store", "E", "P"], "f")] == ["file"]


def test_completion_as_a_shell_asks_for_it(filled):
    """A shell's own request is answered by the process, with nothing on stderr."""
    code = "import sys; sys.argv = ['locutus']; from asimov.storage.cli import main; main()"
    env = {"_LOCUTUS_COMPLETE": "bash_complete", "COMP_WORDS": "locutus list GW15", "COMP_CWORD": "2"}
    result = run_python(code, env=env)
    assert (result.stdout, result.stderr) == ("plain,GW150914\n", "")


def test_verify_in_rotation(filled, locutus):
    """Verify --since skips what was verified lately, --budget stops after so much, and both say what was left."""
    assert locutus("verify").code == 0
    again = locutus("verify", "--since", "30d", "--json")
    assert (again.code, json.loads(again.out)["counts"]["ok"]) == (0, 0)
    part = locutus("verify", "--budget", "2B", "--json")
    assert (part.code, json.loads(part.out)["counts"]["ok"]) == (0, 1)
    assert "2 left for another time" in locutus("verify", "--budget", "2B").out


@pytest.mark.parametrize("arguments", [("--since", "soon"), ("--budget", "-1h")])
def test_verify_with_no_amount(filled, locutus, arguments):
    """What is no duration or size is wrong usage, said in one line."""
    done = locutus("verify", *arguments)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "is no duration" in done.err

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest
from damage import flip_bit, keys, md5, read_only, run_python
from shell import process, records

import asimov.storage
from asimov.storage import Store, cli
from asimov.storage._display.text import printable

COMMANDS = ["fetch", "info", "init", "list", "store", "verify"]
EXAMPLE_ARGUMENTS = {"fetch": ["E", "P", "F"], "store": ["E", "P", "F"]}


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
        *("files       0", "events      0", "productions 0", "bytes       0"),
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
    """`info` prints name, root, counts and bytes."""
    result = locutus("info")
    assert (result.code, result.err) == (0, "")
    assert dict(line.split(None, 1) for line in result.out.splitlines()) == {
        "name": "Test Store",
        "root": str(filled.root),
        "files": "3",
        "events": "2",
        "productions": "3",
        "bytes": "7",
    }


def test_info_counts_the_bytes_that_are_there(locutus, filled, source):
    """`info` counts the bytes of each file that is there, and says many of them in a unit too."""
    filled.fetch_file("GW170817", "shared", "psd.txt").unlink()
    filled.add_file("GW170817", "shared", source("big.bin", bytes(3000)))
    assert "bytes       3004 (2.9 KiB)" in locutus("info").out.splitlines()


def test_info_json(locutus, filled):
    """`info --json` prints the same as one document."""
    expected = {"name": "Test Store", "root": str(filled.root), "files": 3, "events": 2, "productions": 3, "bytes": 7}
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


def test_store_with_notes(locutus, filled, source):
    """`store --meta` notes each KEY=VALUE with each file, and a number as a number, also from a pipe."""
    notes = ("--meta", "analyst=Jane Doe", "--meta", "snr=24.5", "--meta", "run=7", "--meta", "a=b=c", "--meta", "e=")
    assert locutus("store", "E", "P", source("a", b"a"), source("b", b"b"), *notes).code == 0
    expected = {"analyst": "Jane Doe", "snr": 24.5, "run": 7, "a": "b=c", "e": ""}
    assert [dict(filled["E", "P", name].meta) for name in "ab"] == [expected, expected]
    reading, writing = os.pipe()
    os.write(writing, b"c")
    os.close(writing)
    assert process("--store", filled.root, "store", "E", "P", "-", "--name", "c", *notes, stdin=reading).returncode == 0
    os.close(reading)
    assert filled["E", "P", "c"].meta == expected


@pytest.mark.parametrize(
    ("given", "words"),
    [(["no"], "no KEY=VALUE"), (["a=1", "a=2"], "given twice"), (["hash=1"], "can't be a key"), (["=1"], "empty key")],
)
def test_bad_notes(locutus, filled, source, given, words):
    """Notes that are none are wrong usage, and nothing is stored."""
    before = keys(filled)
    result = locutus("store", "E", "P", source("a", b"a"), *(part for note in given for part in ("--meta", note)))
    assert (result.code, words in result.err) == (2, True), result.err
    assert keys(filled) == before


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


def test_store_again_is_fine(locutus, filled, source):
    """`store` of what is stored already ends well and prints the records that are there: a job may run twice."""
    command = ["store", "GW170817", "Prod0", source("a.txt", b"a"), source("b.txt", b"b")]
    first, again = locutus(*command), locutus(*command)
    assert (first.code, again) == (0, first)


@pytest.mark.parametrize("duplicate", ["link", "skip"])
def test_store_of_known_bytes_under_another_name(locutus, filled, source, duplicate):
    """`store` records bytes under each name that they are stored under, by default and with `--duplicate link|skip`."""
    options = [] if duplicate == "link" else ["--duplicate", duplicate]
    result = locutus("store", "GW170817", "Prod0", source("same.json", b"{}"), "--json", *options)
    assert result.code == 0
    assert [(row["event"], row["file"]) for row in json.loads(result.out)] == [("GW170817", "same.json")]
    assert filled.fetch_file("GW170817", "Prod0", "same.json").read_bytes() == b"{}"


@pytest.mark.parametrize("duplicate", ["raise", "link", "skip"])
def test_store_never_overwrites(locutus, filled, source, duplicate):
    """`store` of other bytes under a name that is taken refuses with 4, whatever --duplicate says."""
    result = locutus("store", "GW150914", "Prod0", source("samples.json", b"other"), "--duplicate", duplicate)
    assert (result.code, result.out) == (4, "")
    assert filled.fetch_file("GW150914", "Prod0", "samples.json").read_bytes() == b"{}"


def test_store_refuses_duplicates_where_that_is_asked_for(locutus, filled, source):
    """`store --duplicate raise` refuses bytes that are there, under this very name too, with 4."""
    same = source("samples.json", b"{}")
    assert [locutus("store", *of, same, "--duplicate", "raise").code for of in (["GW150914", "Prod0"], ["E", "P"])] == [
        4,
        4,
    ]


def test_store_checks_a_hash(locutus, filled, source):
    """`store --hash` stores the file if it has that MD5, in any case, and else fails with 1."""
    assert locutus("store", "E", "P", source("a", b"a"), "--hash", md5(b"b")).code == 1
    assert len(filled) == 3
    assert locutus("store", "E", "P", source("a", b"a"), "--hash", md5(b"a").upper()).code == 0
    assert filled.fetch_file("E", "P", "a").read_bytes() == b"a"


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


@pytest.fixture
def production(filled, source):
    """The names of the three files of GW190521's Prod0, which hold their own names."""
    names = ["a.txt", "b.txt", "c.txt"]
    filled.add_files([("GW190521", "Prod0", source(name, name.encode())) for name in names])
    return names


def test_fetch_of_several_files_prints_their_paths(locutus, filled, production):
    """`fetch` of several files prints the path of each in the order given."""
    result = locutus("fetch", "GW190521", "Prod0", "c.txt", "a.txt")
    expected = [str(filled.fetch_file("GW190521", "Prod0", name)) for name in ("c.txt", "a.txt")]
    assert (result.code, result.out.splitlines(), result.err) == (0, expected, "")


@pytest.mark.parametrize("option", ["-o", "--output"])
@pytest.mark.parametrize("files", [["c.txt", "a.txt"], []])
def test_fetch_to_a_folder(locutus, production, tmp_path, files, option):
    """`fetch -o` copies several files, or all of a production, to a folder, which it makes, and prints the paths."""
    place = tmp_path / "new"
    result = locutus("fetch", "GW190521", "Prod0", *files, option, place)
    wanted = files or production
    assert (result.code, result.out.splitlines()) == (0, [str(place / name) for name in wanted])
    assert {path.name: path.read_text() for path in place.iterdir()} == {name: name for name in wanted}


def test_fetch_of_several_is_all_or_none(locutus, filled, production, tmp_path):
    """`fetch -o` of several files of which one is corrupt leaves no copy, prints nothing, and fails with 1."""
    flip_bit(filled.fetch_file("GW190521", "Prod0", "b.txt"))
    result = locutus("fetch", "GW190521", "Prod0", "-o", tmp_path / "new")
    assert (result.code, result.out) == (1, "")
    assert not (tmp_path / "new").exists()


def test_fetch_again_is_fine(locutus, production, tmp_path):
    """`fetch -o` to where the very same copies are ends well and prints their paths: a job may run twice."""
    command = ["fetch", "GW190521", "Prod0", "-o", tmp_path / "new"]
    first, again = locutus(*command), locutus(*command)
    assert (first.code, again) == (0, first)


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


def test_list_long(locutus, filled):
    """`list --long` prints the size of each file in bytes too: in a pipe as a last column, in JSON as a key."""
    filled.fetch_file("GW170817", "shared", "psd.txt").unlink()
    plain, as_json = locutus("list", "--long"), locutus("list", "-l", "--json")
    assert [line.split("\t")[5] for line in plain.out.splitlines()] == ["2", "2", "-"]
    sizes = [2, 2, None]
    expected = [record | {"size": size} for record, size in zip(records(filled), sizes, strict=True)]
    assert json.loads(as_json.out) == expected


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
        "counts": {"ok": 2, "corrupt": 1, "missing": 0, "unreadable": 0, "retracted": 0},
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


@pytest.mark.parametrize("place", ["~", "~/results"])
def test_a_tilde_means_the_home(locutus, monkeypatch, tmp_path, place):
    """`~` that the shell left as it is, in --store=~/x, -o, or $LOCUTUS_STORE, means the home."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    root = Path(os.path.expanduser(place))  # noqa: PTH111 - "~" alone too
    assert locutus(f"--store={place}", "init").code == 0
    assert Store(root).root == root
    Path("f").write_bytes(b"f")
    assert locutus("store", "E", "P", "f", f"--store={place}").code == 0
    monkeypatch.setenv("LOCUTUS_STORE", place)
    assert locutus("fetch", "E", "P", "f", "--output=~/copy").code == 0
    assert (tmp_path / "home" / "copy").read_bytes() == b"f"
    assert [path.name for path in Path.cwd().iterdir()] == ["f"]


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
        (4, ["store", "E", "P", "same.txt", "--duplicate", "raise"]),
        (2, ["store", "E", "P", "file.txt", "--duplicate", "ask"]),
        (2, ["store", "E", "P", "-"]),
        (2, ["store", "E", "P", "/dev/stdin"]),
        (2, ["store", "E", "P", "file.txt", "-", "--name", "a"]),
        (2, ["store", "E", "P", "file.txt", "same.txt", "--hash", md5(b"new")]),
        (1, ["store", "E", "P", "file.txt", "--hash", md5(b"other")]),
        (2, ["fetch", "GW150914", "Prod0"]),
        (2, ["fetch", "GW150914", "Prod0", "-o", "-"]),
        (2, ["fetch", "GW150914", "Prod0", "samples.json", "samples.json", "-o", "-"]),
        (2, ["fetch", "GW150914", "Prod0", "-o", "new", "--hash", md5(b"{}")]),
        (3, ["fetch", "GW150914", "Prod9", "-o", "new"]),
        (3, ["fetch", "GW150914", "Prod0", "samples.json", "none.json", "-o", "new"]),
        (3, ["fetch", "GW150914", "Prod0", "none.json", "-o", "-"]),
        (1, ["fetch", "GW150914", "Prod0", "samples.json", "-o", "-", "--hash", md5(b"other")]),
        (2, ["--store=~nobody-is-called-this/x", "init"]),
        (2, ["store", "E", "P", "folder"]),
        (5, ["store", "E", "P", "file.txt/beneath"]),
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


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("add", "locutus store"),
        ("put", "locutus store"),
        ("get", "locutus fetch"),
        ("cat", "locutus fetch"),
        ("ls", "locutus list"),
        ("create", "locutus init"),
        ("check", "locutus verify"),
        ("status", "locutus info"),
        ("Verify", "locutus verify"),
        ("fetsh", "locutus fetch"),
        ("help", "locutus COMMAND --help"),
        ("version", "locutus --version"),
        ("rm", "neither changed nor removed"),
        ("repair", "Store.repair(root)"),
        ("xyzzy", "fetch, info, init, list, store and verify"),
    ],
)
def test_a_command_that_is_not_there(monkeypatch, locutus, word, meant):
    """A command that isn't there is answered with the one that is meant, as wrong usage, and does nothing."""
    monkeypatch.setattr(sys, "argv", ["locutus"])
    result = locutus(word, "E", "P")
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert meant in result.err


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
    codes = ["0", "1", "2", "3", "4", "5", "129", "130", "143"]
    assert re.findall(r"^ +(\d+)  ", text, re.MULTILINE) == codes
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

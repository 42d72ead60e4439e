"""Store.export: a tree of files by their names, as a folder, a bag and a crate, and what other programs say of it."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import unquote

import pytest
from damage import contents, flip_bit, run_python, truncate, unpack_legacy_stores

from asimov.storage import HashError, RecordNotFoundError, RetractedError, Store
from asimov.storage._disk import temporary
from asimov.storage._operations.exporting import bag, sums
from asimov.storage._operations.exporting.crate import media_type

FORMATS = ["folder", "bag", "crate"]
DEAD = 2**22 + 1
"""A process id above Linux' limit: of nobody."""
ODD = [
    "-dash",
    "a b",
    "ünï – 🌌",
    "100%",
    "a%0Ab",
    "'q' \"r\"",
    "#h?x=1&y",
    "c:d",
    ".hidden",
    "README.txt",
    "a,b;c",
    "*",
]
"""Names of files that a Store may have, and that other programs may stumble over."""


@pytest.fixture
def filled(store, source):
    """A Store with four files, two of which have the same name."""
    store.add_files(
        [
            ("GW150914", "Prod0", source("samples.hdf5", b"samples")),
            ("GW150914", "Prod0", source("psd.dat", b"psd")),
            ("GW150914", "Prod1", source("other", b"other samples"), "samples.hdf5"),
            ("GW151226", "Prod0", source("config.ini", b"")),
        ]
    )
    return store


@pytest.fixture
def odd(store, source):
    """A Store with files of odd names, with SHA-256."""
    odd = Store.create(store.root.with_name("odd"), "Odd\nnames", sha256=True)
    odd.add_files([("Event ü", "-Prod", source(name, name.encode()), name) for name in ODD])
    return odd


@pytest.fixture
def dest(tmp_path):
    """Where to export to: nothing is there yet, in a folder that has nothing else."""
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "exported"


def files_below(root: Path) -> dict[str, bytes]:
    """Read all files of a folder, by their paths in it."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def gnu(program: str) -> str:
    """Return what GNU's program is called here: Macs have others of these names."""
    return shutil.which(f"g{program}") or program


def check_sums(folder: Path, name: str, program: str = "md5sum") -> list[str]:
    """Let md5sum, or another, check a file of sums; return its lines."""
    run = subprocess.run([gnu(program), "--check", "--strict", name], cwd=folder, capture_output=True, check=False)
    assert (run.returncode, run.stderr.decode()) == (0, "")
    return run.stdout.decode().splitlines()


def rows(dest: Path) -> list[dict[str, str]]:
    """Read manifest.csv."""
    with (dest / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# What is written.


def test_tree(filled, dest):
    """Each file is where event, production and name say, with its bytes; beside them are sums, a table and a page."""
    assert filled.export(dest) == dest
    assert files_below(dest).keys() == {
        "GW150914/Prod0/samples.hdf5",
        "GW150914/Prod0/psd.dat",
        "GW150914/Prod1/samples.hdf5",
        "GW151226/Prod0/config.ini",
        "md5sums.txt",
        "manifest.csv",
        "README.txt",
    }
    assert [(dest / r.event / r.production / r.file).read_bytes() for r in filled] == [
        filled.fetch_file(*r.key).read_bytes() for r in filled
    ]


def test_md5sum_accepts_it(filled, dest):
    """`md5sum -c md5sums.txt` finds each file sound, and finds one that is changed later."""
    filled.export(dest)
    assert len(check_sums(dest, "md5sums.txt")) == 4
    (dest / "GW150914" / "Prod0" / "psd.dat").write_bytes(b"changed")
    run = subprocess.run([gnu("md5sum"), "-c", "md5sums.txt"], cwd=dest, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "GW150914/Prod0/psd.dat: FAILED" in run.stdout


def test_table(filled, dest):
    """manifest.csv has a row for each file: the record, the path and the size."""
    filled.export(dest)
    assert rows(dest) == [
        {
            **{name: getattr(record, name) for name in ("event", "production", "file", "hash", "uuid")},
            "path": "/".join(record.key),
            "size": str(filled.fetch_file(*record.key).stat().st_size),
        }
        for record in filled
    ]


def test_sha256_where_it_is_recorded(odd, dest):
    """A Store with SHA-256 also gives sha256sums.txt, which sha256sum accepts, and a column."""
    odd.export(dest)
    assert len(check_sums(dest, "sha256sums.txt", "sha256sum")) == len(ODD)
    assert [row["sha256"] for row in rows(dest)] == [record.sha256 for record in odd]


def test_notes(filled, source, dest):
    """Notes on a record are in the table, as JSON, and in a crate; nothing is said of them where there are none."""
    meta = {"made by": "bilby 2.3", "seed": 7, "md5": float("nan"), "tags": ["a", {"é": None}]}
    filled.add_file("GW150914", "Prod2", source("noted"), meta=meta)
    filled.export(dest, format="crate")
    notes = [row["meta"] for row in rows(dest)]
    assert [text for text in notes if text] == [json.dumps(dict(sorted(meta.items())), ensure_ascii=False)]
    crate = crate_of(dest)
    properties = [crate[one["@id"]] for one in crate["GW150914/Prod2/noted"]["additionalProperty"]]
    found = {one["name"]: one["value"] for one in properties if one["propertyID"].startswith("meta/")}
    assert found == {"made by": "bilby 2.3", "seed": "7", "md5": "NaN", "tags": '["a", {"é": null}]'}


def test_retracted(filled, dest):
    """A retracted file is left out, also if it is missing. If it is selected it is refused, and nothing is written."""
    gone = filled["GW150914", "Prod0", "psd.dat"]
    filled.fetch_file(*gone.key).unlink()
    filled.retract(gone, "the wrong noise")
    with pytest.raises(RetractedError, match="the wrong noise"):
        filled.export(dest, filled)
    assert list(dest.parent.iterdir()) == []
    filled.export(dest)
    assert {row["file"] for row in rows(dest)} == {"samples.hdf5", "config.ini"}
    assert rows(dest)[0].keys() & {"retracted", "superseded_by"} == set()
    assert "3 of the 4 files" in (dest / "README.txt").read_text(encoding="utf-8")


def test_nothing_but_retracted_files(store, stored, dest):
    """A Store whose files are all retracted has nothing to export."""
    store.retract(store, "wrong")
    with pytest.raises(ValueError, match="nothing to export"):
        store.export(dest)


def test_retracted_all_the_same(filled, dest):
    """With retracted=True it is exported, and table, page and crate say why it should not be used, and what instead."""
    old, new = filled["GW150914", "Prod0", "samples.hdf5"], filled["GW150914", "Prod1", "samples.hdf5"]
    filled.retract(old, "the wrong noise", superseded_by=new)
    filled.export(dest, retracted=True, format="crate")
    said = {row["uuid"]: (row["retracted"], row["superseded_by"]) for row in rows(dest) if row["retracted"]}
    assert said == {old.uuid: ("the wrong noise", new.uuid)}
    assert "1 file of these should not be used" in " ".join((dest / "README.txt").read_text("utf-8").split())
    crate = crate_of(dest)
    properties = [crate[one["@id"]] for one in crate["GW150914/Prod0/samples.hdf5"]["additionalProperty"]]
    assert {one["name"]: one["value"] for one in properties}.items() >= {
        ("retracted", "the wrong noise"),
        ("superseded_by", new.uuid),
    }


def test_page(filled, dest):
    """README.txt says which Store it is, with its fingerprint, under which licence, and how to check the files."""
    filled.export(dest, license="CC-BY-4.0")
    page = (dest / "README.txt").read_text(encoding="utf-8")
    said = ["Test Store", filled.fingerprint(), "CC-BY-4.0", "md5sum -c md5sums.txt", "All 4 files"]
    assert [words for words in said if words not in page] == []
    assert len(page.splitlines()) < 50


def test_selection(filled, dest):
    """Only the selected files are written, each once; a row of another Store is refused before anything is."""
    filled.export(dest, [("GW150914", "Prod0", "psd.dat"), ("GW150914", "Prod0", "psd.dat")])
    assert [row["path"] for row in rows(dest)] == ["GW150914/Prod0/psd.dat"]
    assert "1 of the 4 files" in (dest / "README.txt").read_text(encoding="utf-8")
    with pytest.raises(RecordNotFoundError):
        filled.export(dest.with_name("other"), [("GW150914", "Prod0", "nothing")])
    assert list(dest.parent.iterdir()) == [dest]


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_to_export(filled, store, tmp_path, dest, format):
    """A selection without files, and a Store without files, are a ValueError, and no folder is made."""
    with pytest.raises(ValueError, match="nothing to export"):
        filled.export(dest, [], format=format)
    with pytest.raises(ValueError, match="nothing to export"):
        Store.create(tmp_path / "empty", "Empty").export(dest, format=format)
    assert list(dest.parent.iterdir()) == []


def test_folders_above_are_made(filled, dest):
    """Folders above dest are made; after an error those that were made are gone."""
    deep = dest / "of" / "paper"
    assert filled.export(deep) == deep
    flip_bit(filled.fetch_file("GW150914", "Prod0", "psd.dat"))
    with pytest.raises(HashError):
        filled.export(dest.with_name("other") / "of" / "paper")
    assert list(dest.parent.iterdir()) == [dest]


def test_relative_dest(filled, dest, monkeypatch):
    """A relative dest is one of the working folder, and the path that is returned is absolute."""
    monkeypatch.chdir(dest.parent)
    assert filled.export(dest.name) == dest


@pytest.mark.parametrize("release", ["0.5.16", "0.7.1", "0.8.0"])
@pytest.mark.parametrize("link", [False, True])
@pytest.mark.parametrize("format", FORMATS)
def test_stores_of_upstream(tmp_path, dest, release, link, format):
    """A Store that upstream wrote is exported as any other, and nothing in it is changed."""
    unpack_legacy_stores(tmp_path)
    store = Store(tmp_path / f"store-{release}")
    before = sorted(store.root.rglob("*")), contents(store.root)
    store.export(dest, link=link, format=format)
    assert (sorted(store.root.rglob("*")), contents(store.root)) == before
    assert len(rows(dest)) == 18
    assert len(check_sums(dest, "manifest-md5.txt" if format == "bag" else "md5sums.txt")) == 18


# Names.


def test_odd_names(odd, dest):
    """Names with blanks, dashes, quotes and other scripts are written as they are, and md5sum finds the files."""
    odd.export(dest)
    assert len(check_sums(dest, "md5sums.txt")) == len(ODD)
    assert {name: (dest / "Event ü" / "-Prod" / name).read_bytes() for name in ODD} == {n: n.encode() for n in ODD}


@pytest.mark.parametrize("layout", ["{file}", "a\nb/{file}", "a\\b{file}", "\\n\n\\/{file}", "-{file}", "-"])
def test_gnus_escapes(store, source, dest, layout):
    """Line feeds and backslashes in paths have GNU's escapes, and a name that begins with a dash is no option."""
    store.add_file("S1", "Prod0", source())
    store.export(dest, layout=layout)
    assert len(check_sums(dest, "md5sums.txt")) == 1
    assert (dest / layout.format(file="result.txt")).read_bytes() == b"a result"
    assert rows(dest)[0]["path"] == layout.format(file="result.txt")


def test_sums_are_as_md5sum_writes_them(tmp_path):
    """Lines are those that md5sum itself writes."""
    names = ["a", "a b", "a\nb", "a\\b", "a\\nb", "\\", "ü"]
    for name in names:
        (tmp_path / name).write_bytes(name.encode())
    run = subprocess.run([gnu("md5sum"), "--", *names], cwd=tmp_path, capture_output=True, check=True)
    digests = [line.removeprefix("\\").split(" ")[0] for line in run.stdout.decode().splitlines()]
    assert sums.lines(zip(digests, names, strict=True)) == run.stdout


def test_layout(filled, dest):
    """A layout may use each of its fields, with Python's format specifications."""
    filled.export(dest, layout="{hash:.4}/{event}-{production}-{uuid}{suffix}")
    expected = {f"{r.hash[:4]}/{r.event}-{r.production}-{r.uuid}{Path(r.file).suffix}" for r in filled}
    assert {row["path"] for row in rows(dest)} == expected
    assert len(check_sums(dest, "md5sums.txt")) == 4


#: Layouts, and a word of what is wrong with them.
REFUSED = {
    "": "no name",
    "/{event}/{production}/{file}": "empty name",
    "{event}//{production}/{file}": "empty name",
    "{event}/{production}/{file}/": "empty name",
    "../{event}{production}{file}": "may not be a part",
    "{event}/../../{production}/{file}": "may not be a part",
    "./{event}/{production}/{file}": "may not be a part",
    "{event}\0{production}{file}": "NUL",
    "{event}\r{production}{file}": "carriage return",
    "{uuid}\ud800": "surrogate",
    "{uuid}" * 8: "256 bytes",
    "{file}": "both",
    "{event}/same": "both",
    "{uuid:.0}x": "both",
    "{event": "no template",
    "{uuid:d}": "no template",
    "{}/{file}": "none of its fields",
    "{0}/{file}": "none of its fields",
    "{sample}": "none of its fields",
    "{event.__class__}": "none of its fields",
    "{event[0]}": "none of its fields",
    "{uuid:{event}}": "none of its fields",
}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("layout", REFUSED, ids=ascii)
def test_refused_layouts(filled, dest, layout, format):
    """A layout that leads out, makes no name, or the same for two files is a ValueError before anything is written."""
    with pytest.raises(ValueError, match="Nothing was written") as caught:
        filled.export(dest, layout=layout, format=format)
    assert REFUSED[layout] in str(caught.value)
    assert list(dest.parent.iterdir()) == []


def test_a_file_where_another_needs_a_folder(store, source, dest):
    """A file that would lie where another needs a folder is refused."""
    store.add_files([("a", "bc", source("d", b"1")), ("abc", "d", source("x", b"2"))])
    with pytest.raises(ValueError, match="'abcd', the folder of 'abcd/x'"):
        store.export(dest, layout="{event}{production:/<2}{file}")
    assert list(dest.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("format", "name"),
    [
        ("folder", "README.txt"),
        ("folder", "md5sums.txt"),
        ("crate", "ro-crate-metadata.json"),
        ("crate", "manifest.csv"),
    ],
)
def test_names_of_our_own(store, source, dest, format, name):
    """A file that would take the name of one that the export writes is refused; in folders any name may be."""
    store.add_file("S1", "Prod0", source(name))
    with pytest.raises(ValueError, match="of its own"):
        store.export(dest, layout="{file}", format=format)
    store.export(dest, layout="{file}", format="bag")
    store.export(dest.with_name("deeper"), format=format)


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ({"layout": 1}, TypeError),
        ({"link": "yes"}, TypeError),
        ({"format": "zip"}, ValueError),
        ({"format": ["bag"]}, ValueError),
        ({"license": 4}, TypeError),
        ({"retracted": 4}, TypeError),
        ({"progress": 4}, TypeError),
        ({"dest": ""}, ValueError),
        ({"dest": 3}, TypeError),
        ({"selection": 3}, TypeError),
    ],
)
def test_arguments(filled, dest, arguments, kind):
    """An argument that makes no sense is an error that names it, before anything is written."""
    (name,) = arguments
    with pytest.raises(kind, match=name):
        filled.export(**{"dest": dest, **arguments})
    assert list(dest.parent.iterdir()) == []


# Links.


def test_links(filled, dest):
    """With link=True the files are second names of the Store's own."""
    filled.export(dest, link=True)
    assert all((dest / "/".join(r.key)).samefile(filled.fetch_file(*r.key)) for r in filled)
    assert len(check_sums(dest, "md5sums.txt")) == 4


def test_copies_are_ordinary_files(filled, dest):
    """Without it, they are copies, which their owner may write."""
    filled.export(dest)
    assert not any((dest / "/".join(r.key)).samefile(filled.fetch_file(*r.key)) for r in filled)
    assert all((dest / "/".join(r.key)).stat().st_mode & 0o200 for r in filled)


def test_links_that_cannot_be(filled, dest, monkeypatch):
    """Where the file system refuses links, files are copied, and progress counts each byte once."""

    def refuse(*_args, **_options):
        raise PermissionError(1, "Operation not permitted")

    calls = []
    monkeypatch.setattr(os, "link", refuse)
    filled.export(dest, link=True, progress=lambda *call: calls.append(call))
    assert calls[-1] == (23, 23)
    assert len(check_sums(dest, "md5sums.txt")) == 4


# All or nothing.


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("link", [False, True])
@pytest.mark.parametrize("damage", [flip_bit, truncate, Path.unlink], ids=lambda damage: damage.__name__)
def test_damage(filled, dest, link, format, damage):
    """A file that is damaged is a HashError, a missing one a FileNotFoundError, and nothing is left."""
    damage(filled.fetch_file("GW150914", "Prod1", "samples.hdf5"))
    before = contents(filled.root)
    with pytest.raises((HashError, FileNotFoundError)):
        filled.export(dest, link=link, format=format)
    assert list(dest.parent.iterdir()) == []
    assert contents(filled.root) == before


@pytest.mark.parametrize("there", ["file", "folder", "full", "link", "dangling"])
def test_dest_exists(filled, dest, there):
    """Whatever is at dest stays as it is: a FileExistsError that names it."""
    make = {
        "file": lambda: dest.write_bytes(b"mine"),
        "folder": dest.mkdir,
        "full": lambda: (dest.mkdir(), (dest / "mine").write_bytes(b"mine")),
        "link": lambda: dest.symlink_to(filled.root),
        "dangling": lambda: dest.symlink_to("nowhere"),
    }
    make[there]()
    before, calls = (contents(dest.parent.parent), dest.lstat().st_mode), []
    with pytest.raises(FileExistsError, match="exported"):
        filled.export(dest, progress=lambda *call: calls.append(call))
    assert (contents(dest.parent.parent), dest.lstat().st_mode) == before
    assert calls == [], "files were read"


@pytest.mark.parametrize("full", [True, False])
def test_dest_that_comes_meanwhile(filled, dest, full):
    """What another process puts at dest meanwhile stays as it is, too."""

    def put(done, total):
        if done == total and not dest.exists():
            dest.mkdir()
            if full:
                (dest / "theirs").write_bytes(b"theirs")

    with pytest.raises(FileExistsError, match="exported"):
        filled.export(dest, progress=put)
    assert list(dest.parent.iterdir()) == [dest]
    assert [path.name for path in dest.iterdir()] == (["theirs"] if full else [])


def test_progress(filled, dest):
    """Progress is called with bytes, at the start and at the end."""
    calls = []
    filled.export(dest, progress=lambda *call: calls.append(call))
    assert (calls[0], calls[-1]) == ((0, 23), (23, 23))


@pytest.mark.parametrize("at", [0, 23])
def test_progress_that_cancels(filled, dest, at):
    """What progress raises is raised, and nothing is left."""

    class Stop(Exception):
        pass

    def stop(done, _total):
        if done == at:
            raise Stop

    with pytest.raises(Stop):
        filled.export(dest, progress=stop)
    assert list(dest.parent.iterdir()) == []


KILLED = """
import os, signal, sys
from asimov.storage import Store
def kill(done, total):
    if done == total:
        os.kill(os.getpid(), signal.SIGKILL)
Store(sys.argv[1]).export(sys.argv[2], link=sys.argv[3] == "True", progress=kill)
"""


@pytest.mark.parametrize("link", [False, True])
def test_killed(filled, dest, link):
    """A killed export leaves nothing at dest; the next one removes what it left, also where files are linked."""
    before = contents(filled.root)
    assert run_python(KILLED, filled.root, dest, link).returncode == -signal.SIGKILL
    (left,) = dest.parent.iterdir()
    assert left.name.startswith(temporary.OUR_PREFIX)
    assert files_below(left)
    filled.export(dest)
    assert list(dest.parent.iterdir()) == [dest]
    assert contents(filled.root) == before
    assert filled.verify().ok


def test_only_what_killed_exports_left_is_removed(filled, dest):
    """Folders of running processes, of other computers and with other names stay, and so does a file or a link."""
    host = temporary.owner_name().partition("-")[0]
    mine, dead = temporary.OUR_PREFIX + temporary.owner_name(), f"{temporary.OUR_PREFIX}{host}-{DEAD}-0123456789abcdef"
    stay = [mine, f"{temporary.OUR_PREFIX}elsewhere-{DEAD}-0123456789abcdef", f"{temporary.OUR_PREFIX}mine", "x"]
    for name in [*stay, dead]:
        (dest.parent / name).mkdir()
    link = dest.parent / f"{temporary.OUR_PREFIX}{host}-{DEAD}-0123456789abcdee"
    link.symlink_to(filled.root)
    file = link.with_name(link.name[:-1] + "d")
    file.touch()
    filled.export(dest)
    assert {path.name for path in dest.parent.iterdir()} == {*stay, link.name, file.name, dest.name}
    assert filled.verify().ok


def test_two_at_once(filled, dest):
    """Of two exports to one place at the same time one is there, whole, and the other is a FileExistsError."""
    barrier, outcomes = threading.Barrier(2), []

    def work():
        def meet(done, total):
            if done == total:
                barrier.wait(60)

        try:
            outcomes.append(Store(filled.root).export(dest, progress=meet))
        except FileExistsError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["FileExistsError", "PosixPath"]
    assert list(dest.parent.iterdir()) == [dest]
    assert len(check_sums(dest, "md5sums.txt")) == 4


def test_no_room(filled, dest, monkeypatch):
    """An error of the disk names the file where it would have been, and nothing is left."""
    real = os.fsync

    def full(descriptor):
        if os.fstat(descriptor).st_size == len(b"other samples"):
            raise OSError(28, os.strerror(28))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"the destination.*exported/GW150914/Prod1/samples"):
        filled.export(dest)
    assert list(dest.parent.iterdir()) == []


# BagIt.


def validate_bag(dest: Path) -> None:
    """Let bagit.py, the Library of Congress' own program, validate a bag."""
    program = Path(sys.executable).with_name("bagit.py")
    run = subprocess.run([sys.executable, program, "--validate", dest], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("link", [False, True])
def test_bag(filled, dest, link):
    """bagit.py finds a bag valid, and finds out what is changed in it later, the table too."""
    filled.export(dest, format="bag", link=link, license="CC-BY-4.0")
    validate_bag(dest)
    info = dict(line.split(": ", 1) for line in (dest / "bag-info.txt").read_text(encoding="utf-8").splitlines())
    assert info["Payload-Oxum"] == "23.4"
    assert filled.fingerprint() in info["External-Identifier"]
    assert info["License"] == "CC-BY-4.0"
    assert {row["path"] for row in rows(dest)} == {"/".join(("data", *record.key)) for record in filled}
    (dest / "manifest.csv").write_text("changed")
    with pytest.raises(AssertionError, match=r"manifest\.csv md5 validation failed"):
        validate_bag(dest)


def test_bag_of_odd_names(odd, dest):
    """A bag of odd names is valid, with manifests for SHA-256 too. bagit.py doesn't decode %, so these are left out."""
    odd.export(dest, [record for record in odd if "%" not in record.file], format="bag", layout="a\nb/{file}")
    validate_bag(dest)
    assert {path.name for path in dest.iterdir()} >= {"manifest-sha256.txt", "tagmanifest-sha256.txt"}


def test_bag_encodes_names(odd, dest):
    """A line feed and a percent sign are encoded in manifests as RFC 8493 asks, and nothing else is."""
    odd.export(dest, format="bag", layout="a\nb/{file}")
    lines = (dest / "manifest-sha256.txt").read_text(encoding="utf-8").splitlines()
    assert {unquote(line.split("  ", 1)[1]) for line in lines} == {f"data/a\nb/{name}" for name in ODD}
    assert bag.encoded("a\r\n%é\\ b") == "a%0D%0A%25é\\ b"


# RO-Crate.


def crate_of(dest: Path) -> dict[str, dict]:
    """Read the entities of a crate, by their ids."""
    text = (dest / "ro-crate-metadata.json").read_text(encoding="utf-8")
    return {entity["@id"]: entity for entity in json.loads(text)["@graph"]}


def test_crate(odd, dest):
    """The package rocrate reads a crate and finds each file, with what is known about it."""
    from rocrate.rocrate import ROCrate

    odd.export(dest, format="crate", layout="a\nb\\c/{file}")
    crate = ROCrate(dest)
    found = {entity["name"]: entity for entity in crate.get_by_type("File") if "additionalProperty" in entity}
    assert found.keys() == set(ODD)
    for record in odd:
        entity = found[record.file]
        properties = {one["name"]: one["value"] for one in entity["additionalProperty"]}
        names = {"event": record.event, "production": record.production}
        assert properties == {**names, "md5": record.hash, "sha256": record.sha256}
        assert entity["contentSize"] == str(record.size)
        assert (dest / unquote(entity.id)).read_bytes() == record.file.encode()
    assert crate.root_dataset["identifier"]["value"] == odd.fingerprint()
    assert crate.name == "Odd\\nnames"


@pytest.mark.parametrize("which", ["odd", "filled"])
def test_crate_holds_together(request, dest, which):
    """Each id of a crate is there once, and each that is referred to is there; all files of the folder are in it."""
    request.getfixturevalue(which).export(dest, format="crate")
    text = (dest / "ro-crate-metadata.json").read_text(encoding="utf-8")
    graph = json.loads(text)["@graph"]
    ids = [entity["@id"] for entity in graph]
    assert len(ids) == len(set(ids))
    assert [id_ for id_ in ids if not re.fullmatch("[A-Za-z0-9._~/#%:-]+", id_)] == []
    referred = {one["@id"] for entity in graph for value in entity.values() for one in listed(value)}
    assert referred - set(ids) == {"https://w3id.org/ro/crate/1.1"}
    parts = {unquote(one["@id"]) for one in crate_of(dest)["./"]["hasPart"]}
    assert parts == files_below(dest).keys() - {"ro-crate-metadata.json"}


def listed(value: object) -> list[dict]:
    """List the references in a value of an entity."""
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]


@pytest.mark.parametrize(
    ("given", "at", "name"),
    [
        ("https://creativecommons.org/licenses/by/4.0/", "https://creativecommons.org/licenses/by/4.0/", "https://"),
        ("CC-BY-4.0", "#license", "CC-BY-4.0"),
        (None, "#license", "No licence was given"),
    ],
)
def test_crates_license(filled, dest, given, at, name):
    """A licence is an entity of its own, by its address if it has one; that there is none is said."""
    filled.export(dest, format="crate", license=given)
    crate = crate_of(dest)
    assert crate["./"]["license"] == {"@id": at}
    assert crate[at]["name"].startswith(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.json", "application/json"),
        ("a.HDF5", "application/x-hdf5"),
        ("a.fits", "application/fits"),
        ("a.txt", "text/plain"),
        ("a.json.gz", "application/gzip"),
        ("a.tgz", "application/gzip"),
        ("a.unknown", None),
        ("a", None),
        ("http://x/a", None),
    ],
)
def test_media_types(name, expected):
    """The type of a file is known by its suffix."""
    assert media_type(name) == expected

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import subprocess
import sys

import pytest
from click.shell_completion import ShellComplete
from damage import run_python
from shell import IN_TERMINAL, SITE

from asimov.storage import cli
from asimov.storage.cli.completion import quoted, words_of


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
        (["fetch", "GW170817", "shared", "psd.txt"], "", []),
        (["fetch", "GW170817", "shared", "other.txt"], "", ["psd.txt"]),
        (["store", "--duplicate"], "", ["raise", "link", "skip"]),
        (["store"], "--duplicate=s", ["skip"]),
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


# In bash -------------------------------------------------------------------------------------------------------------

NAMES = [
    *("Prod 0", " a ", "it's", "'a'", "'", 'say "hi"', '"', "!a!", "!", "$HOME `id` $(id)", "a;b&c|d(e)<f>"),
    *("*?[a-z]{b,c}", "~root", "#a", "^a^b%1", "a:b c=d, e@", "-dash", "é 漢\u3000\u00a0字"),
]
"""All that a name may hold and that means something to bash. (No name holds a backslash or a control character.)"""


class Bash:
    """A person at an interactive bash with our completion, whose lines are looked at and not run."""

    _SET_UP = """
PS1='$ '; unset HISTFILE; bind 'set enable-bracketed-paste off'
locutus() { PYTHONPATH=%(site)s %(python)s -c 'import sys; sys.argv[0] = "locutus"; \
from asimov.storage.cli import main; main()' "$@"; }
eval "$(_LOCUTUS_COMPLETE=bash_source locutus)"
look() { eval "set -- $READLINE_LINE"; printf '\\034%%s' "$READLINE_LINE"; printf '\\036%%s' "$@"; printf '\\035'; }
bind -x '"\\C-g": look'
printf '%%s\\n' rea''dy
"""

    def __init__(self, rc) -> None:
        rc.write_text(self._SET_UP % {"site": shlex.quote(SITE), "python": shlex.quote(sys.executable)})
        self._terminal, slave = pty.openpty()
        command = [*IN_TERMINAL, "bash", "--noprofile", "--rcfile", str(rc), "-i"]
        self._process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)
        self._said = b""
        self._read_until(rb"ready\r\n")

    def complete(self, typed: str) -> tuple[str, list[str]]:
        """Type the beginning of a line and TAB; return the line that is there then, and its words as bash sees them."""
        os.write(self._terminal, typed.encode() + b"\t\x07")
        line, *words = self._read_until(rb"\x1c([^\x1d]*)\x1d")[1].decode().split("\x1e")
        os.write(self._terminal, b"\x15")
        return line, words

    def _read_until(self, pattern: bytes) -> re.Match[bytes]:
        while not (found := re.search(pattern, self._said)):
            assert select.select([self._terminal], [], [], 60)[0], self._said
            self._said += os.read(self._terminal, 65536)
        self._said = self._said[found.end() :]
        return found

    def leave(self) -> None:
        os.close(self._terminal)
        self._process.wait(60)


@pytest.fixture
def bash(store, monkeypatch, tmp_path):
    """An interactive bash, and a Store whose productions are called as it is told: bash(*names) -> Bash."""
    opened = []
    monkeypatch.setenv("LOCUTUS_STORE", str(store.root))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    (tmp_path / "file").write_bytes(b"")

    def start(*names: str) -> Bash:
        store.add_files([(f"E{number}", name, tmp_path / "file") for number, name in enumerate(names)])
        opened.append(Bash(tmp_path / "rc"))
        return opened[-1]

    yield start
    for one in opened:
        one.leave()


@pytest.mark.parametrize("quote", ["", "'", '"'], ids=["bare", "single", "double"])
def test_bash_inserts_one_word(bash, quote):
    """In bash TAB makes one word of any name, which means that name, however the word was begun."""
    person = bash(*NAMES)
    wrong = {}
    for number, name in enumerate(NAMES):
        begun = "" if name.startswith("-") else quoted(name[:1], quote)
        _, words = person.complete(f"locutus list E{number} {quote}{begun}")
        if words != ["locutus", "list", f"E{number}", name]:
            wrong[name] = words
    assert wrong == {}


def test_bash_goes_on_within_a_word(bash):
    """In bash TAB ends a word wherever it was left: at a backslash, after a colon, within quotes, after an option."""
    person = bash("Prod 0", "Prod 1", "a:b c", "a=b c")
    typed = {
        r"locutus list E0 P": r"locutus list E0 Prod\ 0 ",
        r"locutus list E0 Prod\ ": r"locutus list E0 Prod\ 0 ",
        "locutus list E0 Prod\\": r"locutus list E0 Prod\ 0 ",
        r"locutus list E0 'Prod ": r"locutus list E0 'Prod 0' ",
        r"locutus list E0 Pr'od ": r"locutus list E0 Pr'od 0' ",
        r"locutus list E2 a:": r"locutus list E2 a:b\ c ",
        r"locutus list E2 a\:": r"locutus list E2 a:b\ c ",
        r"locutus list E3 a=b": r"locutus list E3 a=b\ c ",
        r"X=1 locutus list E0 P": r"X=1 locutus list E0 Prod\ 0 ",
        r"true; locutus list E0 P": r"true; locutus list E0 Prod\ 0 ",
        r"locutus store E P f --dup": r"locutus store E P f --duplicate ",
        r"locutus store E P f --duplicate=s": r"locutus store E P f --duplicate=skip ",
        r"locutus store E P f --duplicate s": r"locutus store E P f --duplicate skip ",
        r"locutus ver": r"locutus verify ",
    }
    assert {begun: person.complete(begun)[0] for begun in typed} == typed


def test_bash_inserts_what_several_names_share(bash, store, tmp_path):
    """In bash TAB inserts what several names have in common, quoted, and another TAB goes on from there."""
    store.add_files([("E", name, tmp_path / "file") for name in ("Prod 0", "Prod 1 'a'", "Prod 1 'b'")])
    person = bash()
    assert person.complete("locutus list E P")[0] == r"locutus list E Prod\ "
    assert person.complete(r"locutus list E Prod\ 1")[0] == r"locutus list E Prod\ 1\ \'"
    assert person.complete(r"locutus list E Prod\ 1\ \'b")[1][-1] == "Prod 1 'b'"


def test_bash_looks_into_the_store_of_a_home(bash, store, monkeypatch):
    """In bash the Store of `--store ~/DIR`, which bash doesn't expand for a completion, is looked into."""
    monkeypatch.setenv("HOME", str(store.root.parent))
    monkeypatch.delenv("LOCUTUS_STORE")
    person = bash("Prod 0")
    for option in (f"--store ~/{store.root.name}", f"--store=~/{store.root.name}"):
        assert person.complete(f"locutus {option} list E0 P")[1][-1] == "Prod 0"


@pytest.mark.parametrize(
    ("line", "meanings", "quote"),
    [
        ("", [""], ""),
        ("a b", ["a", "b"], ""),
        ("a b ", ["a", "b", ""], ""),
        (r"a\ b \'", ["a b", "'"], ""),
        ("'a b' \"c d", ["a b", "c d"], '"'),
        ("'a b", ["a b"], "'"),
        (r'"a\"b\$\c" x', [r'a"b$\c', "x"], ""),
        ("a'b'\"c\"d", ["abcd"], ""),
        ("a\\", ["a"], ""),
        ('"a\\', ["a"], '"'),
    ],
)
def test_a_line_is_read_as_bash_reads_it(line, meanings, quote):
    """Words, their meanings, and the quote that is open at the end, are those of bash."""
    words = words_of(line)
    assert ([word.meaning for word in words], words[-1].quote) == (meanings, quote)

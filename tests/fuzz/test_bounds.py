"""What a hostile manifest may cost: little time and memory, whatever it holds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from faults.profile import choose

from asimov.storage._format import yaml_reader

#: Processor time and memory that a reading of 100 MB may take: generous, and far from what runs away.
SECONDS, BYTES = 120, 4 << 30

READ = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_CPU, ({SECONDS}, {SECONDS}))
resource.setrlimit(resource.RLIMIT_AS, ({BYTES}, {BYTES}))
from pathlib import Path
from asimov.storage import ManifestError
from asimov.storage._format import reader
data = Path(sys.argv[1]).read_bytes()
try:
    print("read", len(reader.parse(data, Path("manifest.yaml"))))
except ManifestError as error:
    print("refused", str(error)[:300])
"""
MEGA = choose(100_000, 1_000_000)
"""What makes 100 MB in the long profile, 10 MB in the quick one."""
RECORD = "        hash: d41d8cd98f00b204e9800998ecf8427e\n        uuid: f9f167bee8e3449aa0c68bf7f91e7b7a\n"
HEAD, TAIL = "events:\n  E:\n    P:\n", "name: n\n"

HOSTILE = {
    "flow sequences, deep": "[" * 10 * MEGA,
    "flow mappings, deep": "{a: " * 3 * MEGA,
    "block sequences, deep": "- " * 5 * MEGA,
    "block mappings, deep": "".join(" " * depth + "a:\n" for depth in range(5000)),
    "questions, deep": "? " * 5 * MEGA,
    "aliases": "a: &a [x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(20)),
    "an anchor on everything": "events: {}\nname: &a n\n",
    "one long plain text": "events: {}\nname: " + "a" * 100 * MEGA + "\n",
    "one long quoted text": "events: {}\nname: '" + "a" * 100 * MEGA + "'\n",
    "one long text of escapes": 'events: {}\nname: "' + "\\\\" * 50 * MEGA + '"\n',
    "one long key": "a" * 100 * MEGA + ": b\nevents: {}\nname: n\n",
    "one long file name": f"{HEAD}      {'a' * 100 * MEGA}:\n{RECORD}{TAIL}",
    "one long quoted name": f"{HEAD}      '{'a' * 50 * MEGA}':\n{RECORD}{TAIL}",
    "quotes in quotes": f"{HEAD}      '{chr(39) * 50 * MEGA}':\n{RECORD}{TAIL}",
    "quotes that open": HEAD + "      '\n" * 5 * MEGA + TAIL,
    "headings alone": "events:\n" + "  'a':\n" * 5 * MEGA + TAIL,
    "spaces in a name": f"{HEAD}      a{' ' * 50 * MEGA}a:\n{RECORD}{TAIL}",
    "spaces": " " * 100 * MEGA,
    "empty lines": "\n" * 100 * MEGA,
    "tabs": "\t" * 100 * MEGA,
    "one long comment": "#" * 100 * MEGA,
    "many comments": "#\n" * 20 * MEGA + "events: {}\nname: n\n",
    "many documents": "--- a\n" * 2 * MEGA,
    "a long directive": "%" + "a" * 100 * MEGA,
    "many directives": "%a b\n" * 2 * MEGA,
    "a long tag": "!" + "a" * 50 * MEGA + " b",
    "a long anchor": "&" + "a" * 50 * MEGA + " b",
    "zeros": "\0" * 100 * MEGA,
    "many names at the top": "".join(f"k{n}: v\n" for n in range(300_000)) + "events: {}\nname: n\n",
    "many hashes": HEAD + "      a:\n" + "        hash: d41d8cd98f00b204e9800998ecf8427e\n" * MEGA + TAIL,
    "name and name": "events: {}\n" + "name: n\n" * 5 * MEGA,
    "commas": "events: {" + "," * 50 * MEGA + "}\nname: n\n",
    "colons": ":" * 100 * MEGA,
    "folded text": "events: {}\nname: >\n" + "  a\n" * 5 * MEGA,
    "text on many lines": "events: {}\nname: a\n" + "  a\n" * 5 * MEGA,
}
READABLE = {
    "one long plain text",
    "one long quoted text",
    "one long text of escapes",
    "many comments",
    "many names at the top",
}
READABLE |= {"folded text", "text on many lines"}


@pytest.mark.parametrize("kind", HOSTILE)
def test_bounded(kind, tmp_path):
    """10 MB, in the long profile 100 MB, of anything are read or refused within bounds of processor time and memory."""
    file = tmp_path / "manifest.yaml"
    file.write_text(HOSTILE[kind], encoding="utf-8")
    site = str(Path(yaml_reader.__file__).parents[2])
    command = [sys.executable, "-c", READ, str(file)]
    done = subprocess.run(command, env={"PYTHONPATH": site}, capture_output=True, text=True, check=False, timeout=280)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split()[0] == ("read" if kind in READABLE else "refused"), done.stdout


def test_the_bounds_bind():
    """A reading that takes more memory than that is ended: the test above can fail."""
    limits = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({BYTES}, {BYTES})); bytes({BYTES})"
    done = subprocess.run([sys.executable, "-c", limits], capture_output=True, text=True, check=False)
    assert "MemoryError" in done.stderr

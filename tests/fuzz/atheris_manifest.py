"""atheris on the manifest reader: what it finds guides what it tries next. ``nox -s fuzz`` runs it for five minutes.

Arguments are libFuzzer's: ``-max_total_time=SECONDS``, ``-runs=NUMBER``, or a file that it left, to try that one alone.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris
import yaml

with atheris.instrument_imports(include=["asimov.storage"]):  # before the oracle loads it
    import asimov.storage._format.yaml_reader  # noqa: F401

from fuzz.manifests import TOKENS
from fuzz.oracle import check

RECORD = {"hash": "d41d8cd98f00b204e9800998ecf8427e", "uuid": "f9f167bee8e3449aa0c68bf7f91e7b7a"}
STRONG = {**RECORD, "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "size": 0}
TREES = [
    {"name": "n", "events": {}},
    {"name": "no", "events": {"E": {"P": {"f": RECORD}}}},
    {"name": "é", "events": {"1e5": {"漢": {"a: b": STRONG, "=": {**STRONG, "uuid": "0" * 32}}}}, "sha256": True},
    {"name": "n", "events": {"E": {"P": {"f": {**RECORD, "note": [1, {"no": None}]}}, "Q": {}}}, "further": [1.5, "x"]},
]
STYLES = [{}, {"default_flow_style": True}, {"default_style": '"'}, {"sort_keys": False}]


def seed(corpus: Path) -> None:
    """Make the manifests to begin with."""
    for number, tree in enumerate(TREES):
        for style, options in enumerate(STYLES):
            text = yaml.safe_dump(tree, allow_unicode=True, **options)
            corpus.joinpath(f"{number}-{style}").write_text(text, "utf-8")


def spell_tokens(dictionary: Path) -> None:
    """Write down what is worth inserting, as libFuzzer reads it."""
    spelled = ["".join(f"\\x{byte:02X}" for byte in token.encode("utf-8", "surrogatepass")) for token in TOKENS]
    dictionary.write_text("".join(f'"{token}"\n' for token in spelled if len(token) < 4 * 64), "utf-8")


def main() -> None:
    """Fuzz until the arguments' limit, or the first disagreement."""
    folder = Path(tempfile.mkdtemp(prefix="asimov-storage-fuzz-"))
    (folder / "corpus").mkdir()
    seed(folder / "corpus")
    spell_tokens(folder / "dictionary")
    options = [
        f"-artifact_prefix={folder}/",
        f"-dict={folder / 'dictionary'}",
        "-max_len=4096",
        "-timeout=60",
        "-print_final_stats=1",
    ]
    given = sys.argv[1:] or ["-max_total_time=300"]
    files = [argument for argument in given if not argument.startswith("-")]
    atheris.Setup([sys.argv[0], *options, *given, *([] if files else [str(folder / "corpus")])], check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

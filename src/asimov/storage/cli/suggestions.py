"""Suggestions: what an unknown command of locutus may mean."""

from __future__ import annotations

from collections.abc import Iterable

_MEANT = {
    "fetch": "cat checkout copy-out download export get load open pull read restore retrieve show",
    "info": "about describe stat status summary",
    "init": "create make mkdir new setup",
    "list": "dir find ls query records search tree",
    "store": "add append commit copy cp deposit import ingest insert put push register save upload write",
    "verify": "audit check fsck hash md5sum scrub sha256sum test validate",
}
_COMMANDS = {word: command for command, words in _MEANT.items() for word in words.split()}
_NEVER = "delete edit modify move mv remove rename replace rm unlink update"
_IN_PYTHON = {
    "explore": "Store.explore() shows a Store in a notebook",
    "fingerprint": "Store.fingerprint() returns it",
    "rebuild": "Store.repair(root) rebuilds a manifest",
    "recover": "Store.repair(root) rebuilds a manifest",
    "repair": "Store.repair(root) rebuilds a manifest",
}


def answer(word: str, program: str, commands: Iterable[str]) -> str:
    """Return the answer of `program` to the command `word`, which it doesn't have.

    >>> answer("add", "locutus", ["fetch", "store"])
    "There is no command 'add'. Use 'locutus store'."
    """
    return f"There is no command {word!a}. {_advice(word.lower(), program, sorted(commands))}"


def _advice(word: str, program: str, commands: list[str]) -> str:
    from difflib import get_close_matches

    if word == "help":
        return f"Use '{program} --help', or '{program} COMMAND --help'."
    if word == "version":
        return f"Use '{program} --version'."
    if word in _NEVER.split():
        return "What is in a Store is neither changed nor removed; store other results as a new production."
    if word in _IN_PYTHON:
        return f"In Python, {_IN_PYTHON[word]}. {program} has no command for that."
    near = _COMMANDS.get(word) or next(iter(get_close_matches(word, commands, n=1)), None)
    return f"Use '{program} {near}'." if near else f"There are {', '.join(commands[:-1])} and {commands[-1]}."

r"""Completion in bash, of any name: the inserted text is always one word for the shell.

click's own answers are inserted as they are, so that ``Prod 0`` becomes two words. Here the line is read as bash reads
it, up to the cursor, and an answer is quoted in the same way as the beginning of the word: ``Prod\ 0``, ``'Prod 0'`` or
``"Prod 0"``. Readline replaces only what follows the last character of ``$COMP_WORDBREAKS``, or the opening quote. Bash
passes that part as ``$2``, and an answer begins where it begins.
"""

from __future__ import annotations

import os
import re
from typing import ClassVar, NamedTuple

from click.shell_completion import BashComplete, CompletionItem, add_completion_class

_SOURCE = """\
%(complete_func)s() {
    local answer
    COMPREPLY=()
    while IFS= read -r answer; do
        case $answer in
            dir,*) compopt -o dirnames ;;
            file,*) compopt -o default ;;
            plain,*) COMPREPLY+=("${answer#plain,}") ;;
        esac
    done < <(COMP_LINE="${COMP_LINE:0:COMP_POINT}" COMP_WORD="$2" %(complete_var)s=bash_complete \\
        "${1/#\\~\\//$HOME/}" 2>/dev/null)
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""
_SPECIAL = re.compile(r"[^\w@%+=:,./\x80-\U0010ffff-]", re.ASCII)


class Word(NamedTuple):
    """A word of a shell's line: as it was typed, what it means, and the quote that is still open at its end."""

    typed: str
    meaning: str
    quote: str


_TOKEN = re.compile(
    r"""
      (?P<space> [ \t\n]+ )
    | '(?P<single> [^']* )(?P<single_end> '? )
    | "(?P<double> (?: [^"\\] | \\. )* )(?P<double_end> \\?"? )
    | \\(?P<escaped> .? )
    | (?P<plain> [^ \t\n'"\\]+ )
    """,
    re.VERBOSE | re.DOTALL,
)


def words_of(line: str) -> list[Word]:
    r"""Return the words of a shell's line; the last one, at its end, may be empty or unfinished.

    >>> words_of(r"list 'GW 1' Prod\ ")[1].meaning
    'GW 1'
    """
    words, typed, meaning, quote = [], "", "", ""
    for token in _TOKEN.finditer(line):
        if token["space"]:
            words.append(Word(typed, meaning, ""))
            typed, meaning, quote = "", "", ""
            continue
        typed += token[0]
        if token["single"] is not None:
            meaning, quote = meaning + token["single"], "" if token["single_end"] else "'"
        elif token["double"] is not None:
            inside = re.sub(r'\\([$`"\\])', r"\1", token["double"])
            meaning, quote = meaning + inside, "" if token["double_end"] == '"' else '"'
        else:
            meaning, quote = meaning + (token["escaped"] or token["plain"] or ""), ""
    return [word for word in words if word.typed] + [Word(typed, meaning, quote)]


def quoted(text: str, quote: str) -> str:
    r"""Return `text` as it is typed into a word in which `quote` is open: ``'``, ``"`` or nothing.

    >>> quoted("Prod 0", ""), quoted("it's", "'")
    ('Prod\\ 0', "it'\\''s")
    """
    if quote == "'":
        return text.replace("'", r"'\''")
    if quote == '"':
        return re.sub(r'[$`"\\]', r"\\\g<0>", text).replace("!", '"\\!"')  # the only way to quote it in bash
    return _SPECIAL.sub(r"\\\g<0>", text)


@add_completion_class
class Bash(BashComplete):
    """Answers to bash, each of which is one word."""

    name: ClassVar[str] = "bash"
    source_template: ClassVar[str] = _SOURCE

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the cursor's, and the meaning of that word so far."""
        self._word: Word | None = None
        if "COMP_LINE" not in os.environ:  # an old script, which click wrote for an earlier version
            return super().get_completion_args()
        words = words_of(os.environ["COMP_LINE"])
        self._word = words[-1]
        return [word.meaning for word in words[1:-1]], self._word.meaning

    def format_completion(self, item: CompletionItem) -> str:
        """Return an answer: the text that replaces ``$2`` in readline's line."""
        if self._word is None or item.type != "plain":
            return super().format_completion(item)
        return f"plain,{_ending(self._word, item.value, os.environ['COMP_WORD'])}"


def _ending(word: Word, value: str, replaced: str) -> str:
    """Return the text that has to replace the end of a word, so that the word becomes `value`."""
    option, equals, _ = word.meaning.partition("=")
    if equals and option.startswith("-"):
        value = f"{option}={value}"  # click completes the value alone
    kept = words_of(word.typed[: len(word.typed) - len(replaced)])[-1].meaning
    ending = quoted(value[len(kept) :], word.quote)
    # Readline takes a quote at the beginning for the opening quote, and a quote at the end for the closing one.
    first = word.quote if not ending or ending.startswith(word.quote) else ""
    last = word.quote if not ending or ending.endswith(word.quote) else ""
    return first + ending + last

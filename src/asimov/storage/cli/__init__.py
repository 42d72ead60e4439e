"""locutus: Stores from the command line.

A thin click group without logic of its own. Each command returns what the core gave it, and `present` hands that to an
`Edge`, which shows it: `Terminal` here, a cell's in `magics`. All but click is imported where it is needed, since
``locutus --version`` should cost little.

commands
    the six of them
options
    the options and arguments that they share
suggestions
    what is meant by a command that isn't there
reading
    what they read of a Store beside its methods
streams
    pipes and standard streams, as sources and targets of bytes
output
    results as text and JSON
terminal
    where results go, and progress is seen
exits
    exit codes, and the line that says what went wrong
process
    running it, and being ended by a signal
completion
    answers to bash, when it completes a word
"""

from __future__ import annotations

from .commands import locutus
from .exits import error_line, exit_code
from .process import main, run
from .terminal import Terminal, bar_callback

__all__ = ["Terminal", "bar_callback", "error_line", "exit_code", "locutus", "main", "run"]

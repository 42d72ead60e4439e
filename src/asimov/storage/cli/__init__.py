"""locutus: Stores from the command line.

A thin click group without logic of its own. Each command returns a result of the core, and `present` hands it to an
`Edge`, which shows it: `Terminal` here, the edge of a cell in `magics`. Everything but click is imported where it is
needed, since ``locutus --version`` has to be fast.

commands
    the six commands
options
    the options and arguments that they share
suggestions
    what an unknown command may mean
reading
    what the commands read of a Store beside its methods
streams
    pipes and standard streams, as sources and targets of bytes
output
    results as text and JSON
terminal
    where results and progress are shown
exits
    exit codes, and the line that says what went wrong
process
    running locutus, and ending it by a signal
completion
    answers to bash when it completes a word
"""

from __future__ import annotations

from .commands import locutus
from .exits import error_line, exit_code
from .process import main, run
from .terminal import Terminal, bar_callback

__all__ = ["Terminal", "bar_callback", "error_line", "exit_code", "locutus", "main", "run"]

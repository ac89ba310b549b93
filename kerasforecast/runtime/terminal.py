"""Lines for a person, on stderr. Nobody may be left to read them, which must not end a training."""

from __future__ import annotations

import os
import sys
from typing import TextIO


def say(line: str) -> None:
    """Write one line to stderr, or to nowhere where its reader has gone."""
    if sys.stderr is None:  # a program without a console
        return
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        lose(sys.stderr)


def lose(stream: TextIO) -> None:
    """Let what is still to come on `stream` go nowhere: its reader or terminal has gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)

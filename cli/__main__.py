"""`python -m kerasforecast_cli`, and the installed `kerasforecast`."""

from __future__ import annotations

import gc
import io
import os
import sys
from pathlib import Path

from kerasforecast.runtime.backend import process_is_ours
from kerasforecast.runtime.signals import end_on_signals


def main() -> None:
    """Run the command line as a program: signals are dealt with from here on, also while the rest is imported."""
    _open_standard_streams()
    end_on_signals()
    process_is_ours()
    gc.disable()  # what imports make stays: to look through it again and again is a tenth of a short command's time

    from .main import cli

    cli(prog_name="kerasforecast")


def _open_standard_streams() -> None:
    """Point closed standard streams nowhere: the next file opened would take their number, and get their text.

    Those that are open show a letter that their encoding lacks as an escape: the name of a column is the user's own.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 - it gets the lowest free number, the stream's
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    main()

"""A Python of its own for tests of what an import or a command loads."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass

BACKENDS = ("jax", "tensorflow", "torch")

# What takes seconds to import. Asking for help, or getting an option wrong, must not cost that.
HEAVY = (*BACKENDS, "keras", "pandas", "sklearn", "scipy", "yfinance", "plotly", "exchange_calendars")

_HIDE = """
import importlib.machinery, sys

class Hiding(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in HIDDEN else super().find_spec(name, path, target)

sys.meta_path[:] = [Hiding if finder is importlib.machinery.PathFinder else finder for finder in sys.meta_path]
"""

_LOADED = """
import atexit, json, sys
loaded = lambda: json.dumps(sorted({name.partition(".")[0] for name in sys.modules}))
atexit.register(lambda: sys.stderr.write("\\nloaded " + loaded()))
"""


@dataclass(frozen=True)
class Finished:
    """How a Python process ended, and the top-level modules it had loaded by then."""

    code: int
    out: str
    err: str
    loaded: frozenset

    @property
    def heavy(self):
        return sorted(self.loaded & set(HEAVY))


def run_python(code, *arguments, hidden=(), **environment):
    """Run `code` where the packages `hidden` are as good as not installed; `None` removes a variable."""
    prelude = f"HIDDEN = {set(hidden)!r}\n{_HIDE}{_LOADED}"
    variables = {**os.environ, "PYTHONWARNINGS": "ignore", **environment}
    done = subprocess.run(
        [sys.executable, "-c", prelude + code, *arguments],
        env={name: value for name, value in variables.items() if value is not None},
        capture_output=True,
        text=True,
        timeout=120,
    )
    error, _, loaded = done.stderr.rpartition("\nloaded ")
    return Finished(done.returncode, done.stdout, error, frozenset(json.loads(loaded)))


def run_command(*arguments, **options):
    """Run `kerasforecast ARGUMENTS` in a process of its own; options as `run_python`."""
    return run_python("from kerasforecast_cli.main import cli\ncli(prog_name='kerasforecast')", *arguments, **options)

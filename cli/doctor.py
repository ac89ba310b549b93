"""`kerasforecast doctor`."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import click

from .options import backend_option, output_options

_PACKAGES = ("kerasforecast", "keras", "numpy", "pandas", "scikit-learn", "yfinance", "jax", "tensorflow", "torch")


@click.command(
    epilog="Example: kerasforecast doctor --json", short_help="What is installed, which backend runs, on what device."
)
@backend_option
@output_options
def doctor(backend: str | None, as_json: bool, quiet: bool, debug: bool) -> None:
    """Show Python, package versions, the backends installed, the one chosen and why, its device and kernel."""
    facts = _facts(backend)

    from .output import print_json

    if as_json:
        print_json(facts)
        return
    from kerasforecast.errors import printable

    for label, value in _lines(facts):
        click.echo(f"{label:<12} {printable(value)}")


def _facts(backend: str | None) -> dict[str, Any]:
    from kerasforecast.layers.kernels import describe
    from kerasforecast.runtime.backend import choose, device_name, installed, versions
    from kerasforecast.runtime.files import cache_folder

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    choice = choose(backend)
    device = device_name(choice.name)
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": versions(*_PACKAGES),
        "installed": list(installed()),
        "backend": choice.name,
        "reason": choice.reason,
        "device": device,
        "kernel": describe(choice.name, device),
        "paths": {str(path): _writable(path) for path in (Path("saved_models").absolute(), cache_folder())},
    }


def _lines(facts: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("python", f"{facts['python']} on {facts['platform']}"),
        *((package, version or "not installed") for package, version in facts["versions"].items()),
        ("backend", f"{facts['backend']} ({facts['reason']}); installed: {', '.join(facts['installed'])}"),
        ("device", facts["device"]),
        ("kernel", facts["kernel"]),
        *(
            ("path", f"{path} ({'writable' if writable else 'not writable'})")
            for path, writable in facts["paths"].items()
        ),
    ]


def _writable(path: Path) -> bool:
    """Whether `path`, or the nearest folder above it that exists, can be written."""
    existing = next(folder for folder in (path, *path.parents) if folder.exists())
    return os.access(existing, os.W_OK)

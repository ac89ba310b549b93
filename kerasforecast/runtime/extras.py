"""Packages that are installed only by those who want what needs them."""

from __future__ import annotations

import importlib.util
import sys

from kerasforecast.errors import OptionError


def require_package(option: str, package: str, extra: str) -> None:
    """Refuse an option whose package is not installed: before data is read, and before anything is computed.

    Args:
        option: As the command line has it, e.g. `--ray`.
        package: What it needs; it is looked for and not imported.
        extra: Of this package, that installs it.

    Raises:
        OptionError: It is not there.
    """
    if package in sys.modules:
        found = sys.modules[package] is not None
    else:
        spec = importlib.util.find_spec(package)
        found = spec is not None and spec.origin is not None  # a folder of that name has no origin
    if not found:
        raise OptionError(
            f"{option} needs the package {package}. Received: no such package. "
            f'Run: pip install "kerasforecast[{extra}]", or leave {option} out.'
        )


def not_installed(rule: str, extra: str) -> OptionError:
    """What is raised where a package turns out to be absent as it is imported.

    Args:
        rule: What needs which package, a sentence without its full stop.
        extra: Of this package, that installs it.
    """
    return OptionError(f'{rule}. Received: it is not installed. Run: pip install "kerasforecast[{extra}]"')


def require_ray(ray: str | None) -> None:
    """The same of `--ray`, where it is given."""
    if ray is not None:
        require_package("--ray", "ray", "ray")

"""Options that were given, told from those that were not: a resumed fit compares what was given, at its default too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from kerasforecast.config import SECTIONS
from kerasforecast.errors import OptionError, shown
from kerasforecast.models.families import registry
from kerasforecast.sections.split import BacktestConfig

T = TypeVar("T")


@dataclass(frozen=True)
class Default:
    """Stands for an option that was not given; shown as the value that it then has."""

    value: Any

    def __repr__(self) -> str:
        return repr(self.value)


def default(value: T) -> T:
    """The default of an option in a signature: what editors and `help()` show is `value`."""
    return cast(T, Default(value))


def given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a fit among a function's `arguments` that were given.

    Its `others` are options of families that its signature does not name; an unknown one is refused where they are
    sorted into a configuration.

    Raises:
        OptionError: `file` is among them, which is the first argument.
    """
    others = arguments.get("others", {})
    if "file" in others:
        raise OptionError(f"The path of a table is the first argument. Received: file={shown(others['file'])}.")
    names = {name for section in SECTIONS.values() for name in section.model_fields} - {"options"}
    return _given(arguments, names | registry.options().keys()) | others


def given_walk(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a backtest's walk among a function's `arguments` that were given."""
    return _given(arguments, set(BacktestConfig.model_fields))


def _given(arguments: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    return {key: value for key, value in arguments.items() if key in names and not isinstance(value, Default)}

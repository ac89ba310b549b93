"""What may be tried: values stage by stage, and ranges and choices for a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic.fields import FieldInfo

from kerasforecast.config import SECTIONS, Config
from kerasforecast.errors import OptionError, flag, shown
from kerasforecast.models.families import registry

Value = str | int | float | bool
_FORBIDDEN = ("model", "seed", "horizon", "steps", "levels", "quantiles", "period", "baselines", "mc_dropout", "final")
_HIDDEN = {*SECTIONS["data"].model_fields, *SECTIONS["split"].model_fields, *_FORBIDDEN}
_APART = 4  # the greatest value over the least from which on a range is searched by ratios


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included.

    Attributes:
        whole: Whether they are whole numbers.
        log: Whether ratios count, not differences.
    """

    low: float
    high: float
    whole: bool
    log: bool

    def __str__(self) -> str:
        return f"{self.low:g}..{self.high:g}"


@dataclass(frozen=True)
class Choice:
    """One of some values."""

    values: tuple[Value, ...]

    def __str__(self) -> str:
        return "|".join(map(str, self.values))


Space = Mapping[str, Range | Choice]


def stages_of(
    config: Config, stages: Sequence[str] = (), tries: Mapping[str, str | Sequence[Any]] | None = None
) -> dict[str, tuple[Value, ...]]:
    """The values to try of each option, in order: the family's own stages, unless others are named.

    Args:
        config: What all begins with.
        stages: Options to try, in order.
        tries: Values by option, in place of the family's; of an option that is no stage it makes a further one.

    Raises:
        OptionError: An option or value is none, or has no values to try.
    """
    own: dict[str, tuple[Any, ...]] = {**config.network.family.stages}
    given = {name: _listed(name, values) for name, values in (tries or {}).items()}
    found = {}
    for name in _order(list(own), stages, list(given)):
        _check_option(name, config, "--try" if name in given else "--stages")
        values = given.get(name, own.get(name))
        if values is None:
            few = f"; {config.network.model} has stages {', '.join(own)}" if own else ""
            raise OptionError(f"--stages: {name} needs values to try{few}. Received: none. Give --try {name}=...")
        found[name] = tuple(dict.fromkeys(_typed(name, value, config) for value in values))
    if not found:
        raise _nothing(config)
    return found


def space_of(
    config: Config, stages: Sequence[str] = (), tries: Mapping[str, str | Sequence[Any]] | None = None
) -> dict[str, Range | Choice]:
    """What a search may choose of each option.

    Where no range or choice is given, it is from half the least to twice the greatest value of the family's stage,
    within the option's own bounds; a share goes down to none.

    Args:
        config: What all begins with.
        stages: Options to search; the family's stages where there are none.
        tries: Ranges `0.0..0.5` and choices `30|60|120` (or with commas) by option.

    Raises:
        OptionError: An option, a value or a range is none.
    """
    own = config.network.family.stages
    given = dict(tries or {})
    found: dict[str, Range | Choice] = {}
    for name in _order(list(own), stages, list(given)):
        _check_option(name, config, "--try" if name in given else "--stages")
        value = given.get(name)
        if isinstance(value, str) and ".." in value:
            found[name] = _range(name, value, config)
        elif value is not None:
            found[name] = Choice(tuple(_typed(name, each, config) for each in _listed(name, value)))
        elif name in own:
            found[name] = _around(name, [_typed(name, each, config) for each in own[name]])
        else:
            raise OptionError(f"--stages: {name} needs a range. Received: none. Give --try {name}=LOW..HIGH.")
    if not found:
        raise _nothing(config)
    return found


def parsed_tries(texts: Sequence[str]) -> dict[str, str]:
    """`units=32,64` and the like by option.

    Raises:
        OptionError: One is not written so, or an option stands twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, sign, values = text.partition("=")
        name = name.strip().lstrip("-").replace("-", "_")
        if not sign or not name or not values.strip():
            raise OptionError(f"--try: must be OPTION=VALUES. Received: {shown(text)}. Use --try units=32,64.")
        if name in found:
            raise OptionError(f"--try: an option stands once. Received: {shown(name)} twice. Put its values together.")
        found[name] = values.strip()
    return found


def _listed(name: str, values: str | Sequence[Any]) -> list[Any]:
    if not isinstance(values, str):
        found = [values] if isinstance(values, int | float | bool) else list(values)
    elif ".." in values:
        raise OptionError(
            f"--try: {name} needs values one by one, since stages try each. Received: {shown(values)}. "
            "Write them with commas, or give --search."
        )
    else:
        found = [part.strip() for part in values.replace("|", ",").split(",") if part.strip()]
    if not found:
        raise OptionError(f"--try: {name} needs values. Received: none. Use --try {name}=A,B.")
    return found


def _range(name: str, text: str, config: Config) -> Range:
    low, high = (_typed(name, part.strip(), config) for part in text.split("..", 1))
    if isinstance(low, bool | str) or isinstance(high, bool | str) or not low < high:
        raise OptionError(
            f"--try: {name} must rise from one number to another. Received: {shown(text)}. Use LOW..HIGH."
        )
    return Range(low, high, isinstance(low, int) and isinstance(high, int), low > 0 and high >= _APART * low)


def _around(name: str, values: Sequence[Value]) -> Range | Choice:
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < len(values) or len(numbers) < 2:
        return Choice(tuple(values))
    low, high = min(numbers), max(numbers)
    whole = all(isinstance(value, int) for value in numbers)
    least, most = _bounds(_field(name))
    if most is not None and most <= 1:
        return Range(least or 0.0, min(high + low, most - 1e-3), whole=False, log=False)
    low = low / 2 if least is None else max(low / 2, least)
    high = 2 * high if most is None else min(2 * high, most)
    log = low > 0 and high >= _APART * low
    return Range(int(low) if whole else low, int(high) if whole else high, whole, log)


def _bounds(field: FieldInfo) -> tuple[float | None, float | None]:
    """The least and the greatest value, where a field says so; the ends themselves may be left out."""

    def first(*names: str) -> float | None:
        found = [getattr(each, name) for each in field.metadata for name in names if hasattr(each, name)]
        return found[0] if found else None

    return first("ge", "gt"), first("le", "lt")


def _field(name: str) -> FieldInfo:
    for section in SECTIONS.values():
        if name in section.model_fields:
            return section.model_fields[name]
    return next(iter(registry.options()[name].values()))


def _order(own: Sequence[str], stages: Sequence[str], given: Sequence[str]) -> list[str]:
    """The options to try in turn: those named, or else the family's own, then those that have values alone.

    Raises:
        OptionError: One is named twice.
    """
    if twice := next((name for name in stages if list(stages).count(name) > 1), None):
        raise OptionError(f"--stages: an option stands once. Received: {shown(twice)} twice. Name it once.")
    first = stages or own
    return [*first, *(name for name in given if name not in first)]


def _nothing(config: Config) -> OptionError:
    return OptionError(
        f"A study needs something to try, and {config.network.model} has no stages of its own. Received: none. "
        f"Give --try OPTION=VALUES with one of: {', '.join(_tunable(config))}."
    )


def _tunable(config: Config) -> list[str]:
    return sorted(config.flat().keys() - _HIDDEN)


def _check_option(name: str, config: Config, asked: str) -> None:
    known = config.flat()
    if name in _HIDDEN and name in known:
        raise OptionError(
            f"{asked}: {flag(name)} is no option to tune, since errors would not be of the same forecasts or in the "
            "same units. Leave it out."
        )
    if name not in known:
        raise OptionError(
            f"{asked}: must name an option of {config.network.model}. Received: {shown(name)}. "
            f"Use one of: {', '.join(_tunable(config))}."
        )


def _typed(name: str, value: Any, config: Config) -> Any:
    """`value` as the option holds it; one outside its bounds is refused as the flag itself would be."""
    return config.changed(**{name: value}).flat()[name]

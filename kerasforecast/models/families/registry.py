"""Every family by name. A new one is one file beside this and one entry in `_FAMILIES`."""

from __future__ import annotations

from pydantic.fields import FieldInfo

from kerasforecast.errors import OptionError, shown
from kerasforecast.models.families import (
    automatic,
    classical,
    diffusion,
    linear,
    patch,
    recurrent,
    residual,
    tide,
    untrained,
)
from kerasforecast.models.families.base import Family

_ALL = (
    *(*recurrent.FAMILIES, linear.LINEAR, *residual.FAMILIES, patch.PATCH, tide.TIDE),
    *(diffusion.DIFFUSION, *untrained.FAMILIES),
)
_FAMILIES: dict[str, Family] = {family.name: family for family in _ALL}
_CHOICES: dict[str, Family] = {automatic.AUTO.name: automatic.AUTO}  # among networks: no network themselves
_CHOSEN: dict[str, Family] = {classical.CLASSICAL.name: classical.CLASSICAL}  # in files alone


def register(family: Family) -> None:
    """Add a family for the rest of the process: `--model`, files and help know it from then on.

    Args:
        family: Its name must be new.

    Raises:
        OptionError: Another family has the name.
    """
    if family.name in _CHOICES | _CHOSEN or _FAMILIES.setdefault(family.name, family) is not family:
        raise OptionError(f"A family needs a name of its own. Received: {shown(family.name)}, which is taken.")


def names() -> tuple[str, ...]:
    """Names of all families, in the order of the registry."""
    return tuple(_FAMILIES)


def models() -> tuple[str, ...]:
    """What `--model` takes: names of all families, and of choices among them."""
    return (*_FAMILIES, *_CHOICES)


def family(name: str) -> Family:
    """The family, or choice among families, called `name`; also what only a choice makes a model of.

    Raises:
        OptionError: There is none.
    """
    known = _FAMILIES | _CHOICES | _CHOSEN
    if not isinstance(name, str) or name not in known:
        raise not_a_model(name)
    return known[name]


def not_a_model(name: object) -> OptionError:
    """That `--model` takes no such name."""
    return OptionError(f"--model: must be one of {', '.join(models())}. Received: {shown(name)}.")


def options() -> dict[str, dict[str, FieldInfo]]:
    """Every option that some family has: its field in each family that has it, by the family's name.

    A field without a description is no option of anybody's: it is what a choice has noted.
    """
    found: dict[str, dict[str, FieldInfo]] = {}
    for each in (_FAMILIES | _CHOICES).values():
        fields = {name: field for name, field in each.options.model_fields.items() if field.description}
        for name, field in fields.items():
            found.setdefault(name, {})[each.name] = field
    return found

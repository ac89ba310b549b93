"""What all sections of options are: frozen, checked, their first fault told in one line."""

from __future__ import annotations

from typing import Any, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from kerasforecast.errors import OptionError, flag, shown


class Section(BaseModel):
    """Frozen, and with nothing in it that it does not name."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, str_max_length=4_096)

    @model_validator(mode="before")
    @classmethod
    def _one_makes_a_list(cls, values: Any) -> Any:
        """Take a text or number for a list of one: `past="Volume"` is a name, not six letters."""
        if not isinstance(values, dict):
            return values  # pydantic says what it must be
        lists = {name for name, field in cls.model_fields.items() if get_origin(field.annotation) is tuple}
        alone = {key: (one,) for key, one in values.items() if key in lists and isinstance(one, str | int | float)}
        return values | alone


def checked(section: type[BaseModel], values: dict[str, Any]) -> Any:
    """`section(**values)`, its first fault turned into one line.

    Raises:
        OptionError: A value is outside its field's bounds or type.
    """
    try:
        return section(**values)
    except ValidationError as error:
        fault = error.errors()[0]
        if isinstance(cause := fault.get("ctx", {}).get("error"), OptionError):
            raise cause from None
        field = str(fault["loc"][0]) if fault["loc"] else None
        rule = fault["msg"].removeprefix("Value error, ")
        if field is None:
            raise OptionError(f"{rule[:1].upper()}{rule[1:]}.") from None
        rule = rule[:1].lower() + rule[1:]
        raise OptionError(f"{flag(field)}: {rule}. Received: {shown(fault['input'])}.") from None


def first_fault(error: ValidationError) -> str:
    """The first fault of a record that was read, where it lies and what stands there, in words."""
    fault = error.errors()[0]
    place = ".".join(map(str, fault["loc"]))
    return f"{place or 'content'}: {fault['msg'].lower()}. Received: {shown(fault['input'])}."


def ascending(levels: tuple[float, ...]) -> tuple[float, ...]:
    """Quantile levels in order.

    Raises:
        ValueError: One is outside 0..1 or stands twice.
    """
    if any(not 0.001 <= level <= 0.999 for level in levels) or len(set(levels)) < len(levels):
        shares = ",".join(f"{level / 100:g}" for level in levels if 1 <= level < 100)
        raise ValueError("levels must differ and lie in 0.001 to 0.999" + (f"; write {shares}" if shares else ""))
    return tuple(sorted(levels))

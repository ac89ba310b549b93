"""Holidays of a country or of a part of it, by the library `holidays`, as numbers of days."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from kerasforecast.errors import DataError, OptionError, shown

# What a model file may say; whether the library knows the place is asked when its holidays are computed.
_NAMED = re.compile(r"([a-z_]+):([A-Z]{2}(?:-[\w .'-]{1,40})?)")
_CODE = re.compile(r"[A-Za-z]{2,3}(-[\w .'-]{1,40})?")
_FIRST_YEAR, _LAST_YEAR = 1, 9_999  # of Python's dates
_NEAR = 3


def _is_in(days: np.ndarray, found: np.ndarray) -> np.ndarray:
    return np.isin(days, found)


def _weekday_before(days: np.ndarray, found: np.ndarray) -> np.ndarray:
    return np.isin(days + np.where(_weekday(days) == 4, 3, 1), found)


def _weekday_after(days: np.ndarray, found: np.ndarray) -> np.ndarray:
    return np.isin(days - np.where(_weekday(days) == 0, 3, 1), found)


def _in_week(days: np.ndarray, found: np.ndarray) -> np.ndarray:
    monday = days - _weekday(days)
    return _counted(found, monday, monday + 7)


def _in_months(count: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    def of(days: np.ndarray, found: np.ndarray) -> np.ndarray:
        first = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) // count * count
        return _counted(found, _first_day(first), _first_day(first + count))

    return of


# By name: from days since 1970 `(T,)` and those that are holidays, ascending, to numbers; and the most that is usual.
KINDS: dict[str, tuple[Callable[[np.ndarray, np.ndarray], np.ndarray], int]] = {
    "holiday": (_is_in, 1),
    "holiday_before": (lambda days, found: np.isin(days + 1, found), 1),  # the day before one
    "holiday_after": (lambda days, found: np.isin(days - 1, found), 1),
    "weekday_before_holiday": (_weekday_before, 1),  # where no rows come at weekends: the Friday before a Monday
    "weekday_after_holiday": (_weekday_after, 1),
    "holidays_in_week": (_in_week, 7),  # Monday to Sunday
    "holidays_in_month": (_in_months(1), 10),
    "holidays_in_quarter": (_in_months(3), 20),
}


def holiday_kind(feature: str) -> tuple[str, str] | None:
    """The kind and the place of a feature such as `"holiday:AU-VIC"`; `None` where it is called otherwise."""
    found = _NAMED.fullmatch(feature)
    return (found[1], found[2]) if found and found[1] in KINDS else None


def holiday_numbers(kind: str, place: str, days: np.ndarray) -> np.ndarray:
    """A kind of `KINDS` for days since 1970, `(T,)`.

    Raises:
        DataError: The library does not know the place.
    """
    return KINDS[kind][0](days, holidays_of(place, days))


def holidays_of(place: str, days: np.ndarray) -> np.ndarray:
    """The holidays in and around the years of `days`, as days since 1970, ascending.

    Raises:
        DataError: The library does not know the place, as that of a model from a later release.
    """
    years = np.unique(days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64)) + 1970
    wanted = np.unique(np.concatenate([years - 1, years, years + 1]))
    return _in_years(place, tuple(wanted[(wanted >= _FIRST_YEAR) & (wanted <= _LAST_YEAR)].tolist()))


@lru_cache(maxsize=32)
def _in_years(place: str, years: tuple[int, ...]) -> np.ndarray:
    import holidays  # only where holidays are asked for

    country, _, part = place.partition("-")
    try:
        found = holidays.country_holidays(country, subdiv=part or None, years=years)
    except (NotImplementedError, KeyError, AttributeError):
        raise DataError(
            f"The holidays of {place} must be known to the library holidays. "
            f"Received: version {holidays.__version__}, which does not know them. Update it."
        ) from None
    days = np.array(sorted(found), dtype="datetime64[D]").astype(np.int64)
    days.setflags(write=False)
    return days


def check_place(given: str) -> str:
    """The code of the country or part that `--holidays` names, as the library writes it: `au-victoria` is `AU-VIC`.

    Raises:
        OptionError: The library knows none of that name; a few that are near are named.
    """
    import holidays

    countries = holidays.list_supported_countries(include_aliases=False)
    country, _, part = given.strip().partition("-")
    code = country.strip().upper()
    if not _CODE.fullmatch(given.strip()) or code not in holidays.list_supported_countries():
        raise _unknown(given, _near_countries(country, list(countries)))
    found = holidays.country_holidays(code)
    code = found.country if found.country in countries else code
    if not part:
        return code
    names = {name.casefold(): name for name in found.subdivisions}
    names |= {name.casefold(): code for name, code in getattr(found, "subdivisions_aliases", {}).items()}
    wanted = names.get(part.strip().casefold())
    if wanted is None:
        near = difflib.get_close_matches(part.strip().casefold(), names, _NEAR, 0.4) or list(names)[:_NEAR]
        raise _unknown(given, [f"{code}-{names[name]}" for name in near] or [code])
    return f"{code}-{wanted}"


def _near_countries(given: str, codes: list[str]) -> list[str]:
    """Codes that the name of a country, or a code that is mistyped, may mean."""
    from holidays.registry import COUNTRIES

    names = {name: words[1] for name, words in COUNTRIES.items() if words[1] in codes}
    wanted = given.strip().casefold().replace(" ", "_")
    near = [names[name] for name in difflib.get_close_matches(wanted, names, _NEAR, 0.7)]
    return near or difflib.get_close_matches(given.strip().upper(), codes, _NEAR, 0.4) or ["BR", "US", "DE"]


def _unknown(given: str, near: list[str]) -> OptionError:
    return OptionError(
        "--holidays must be a country of the library holidays, or a part of one, such as BR or AU-VIC. "
        f"Received: {shown(given)}. Near it: {', '.join(dict.fromkeys(near))}."
    )


def _weekday(days: np.ndarray) -> np.ndarray:
    return (days + 3) % 7  # 0 for Monday; 1970-01-01 was a Thursday


def _first_day(months: np.ndarray) -> np.ndarray:
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def _counted(found: np.ndarray, first: np.ndarray, stop: np.ndarray) -> np.ndarray:
    return np.searchsorted(found, stop) - np.searchsorted(found, first)

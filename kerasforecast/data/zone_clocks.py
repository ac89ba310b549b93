"""The clocks on the walls of a time zone: what they show at instants that a table dates in UTC."""

from __future__ import annotations

import difflib
import re
from functools import lru_cache

import pandas as pd

from kerasforecast.errors import DataError, OptionError, shown

ZONE_NAME = re.compile(r"[A-Za-z][\w+-]*(/[A-Za-z][\w+-]*){0,2}", re.ASCII)  # what a model file may say
_NEAR = 3


def by_clock(index: pd.DatetimeIndex, zone: str) -> pd.DatetimeIndex:
    """What clocks of a zone show at instants `(T,)` of UTC, tz-naive; summer time included.

    Raises:
        DataError: The zone is not known here, as that of a model from another machine.
    """
    from zoneinfo import ZoneInfo

    try:
        place = ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise DataError(
            f"The time zone {zone} must be known on this machine. Received: none of that name. Install the package "
            "tzdata, or update it."
        ) from None
    return index.tz_localize("UTC").tz_convert(place).tz_localize(None)


@lru_cache(maxsize=32)
def check_zone(given: str) -> str:
    """The zone that `--time-zone` names, as the database of time zones writes it.

    Raises:
        OptionError: There is none of that name; a few that are near are named.
    """
    from zoneinfo import available_timezones

    names = {name.casefold(): name for name in available_timezones() if ZONE_NAME.fullmatch(name)}
    wanted = given.strip().casefold().replace(" ", "_")
    if wanted in names:
        return names[wanted]
    cities = {name.rpartition("/")[2]: name for name in names}  # Melbourne alone
    near = [cities[name] for name in difflib.get_close_matches(wanted.rpartition("/")[2], cities, _NEAR, 0.7)]
    near = near or difflib.get_close_matches(wanted, names, _NEAR, 0.4)
    raise OptionError(
        "--time-zone must be a name of the database of time zones, such as Australia/Melbourne. "
        f"Received: {shown(given)}. Near it: {', '.join(names[name] for name in near) or 'UTC'}."
    )

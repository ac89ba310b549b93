"""The prices of one ticker, or of several as one table of series."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kerasforecast.data.calendars import calendar_of_ticker
from kerasforecast.data.reading import Found
from kerasforecast.data.series import Source
from kerasforecast.data.table.frames import from_frame
from kerasforecast.data.table.table import counted, listed
from kerasforecast.data.table.zones import without_zone
from kerasforecast.data.yahoo import pins
from kerasforecast.data.yahoo.client import Query
from kerasforecast.data.yahoo.prices import Prices, prices, several
from kerasforecast.errors import KerasForecastError, OptionError, shown
from kerasforecast.sections.data import DataConfig

KEY = "ticker"
ADJUSTED = "Prices are adjusted for splits and dividends."
_NAMED = 3  # tickers that the name of a panel holds
_LONGEST = 900  # characters that a model file keeps of where its data came from


def from_yahoo(config: DataConfig) -> Found:
    """The prices of `ticker`, or of several with commas between, as a table.

    Raises:
        DataError: A ticker is unknown or has no prices in the range, or a snapshot is not kept.
        DownloadError: Yahoo cannot be reached and no snapshot can stand in.
        OptionError: A ticker can be no symbol, or stands twice.
    """
    names = [name.strip().upper() for name in str(config.ticker).split(",")]
    if len(names) > 1:
        return _of_several(config, names)
    query = Query(names[0], config.start, config.end, config.interval)
    found = prices(query, config.timeout, config.max_age, config.offline, config.snapshot)
    rows, holidays = _priced(found)
    table = from_frame(rows, f"{names[0]} (Yahoo)")
    table = replace(table, notes=(ADJUSTED, *found.notes, *_dropped(holidays)))
    chosen = config.model_copy(update={"calendar": config.calendar or calendar_of_ticker(names[0])})
    source = Source("yahoo", names[0], found.meta.sha256, found.meta.fetched)
    return Found(table, chosen, names[0].lower(), source)


def _of_several(config: DataConfig, names: list[str]) -> Found:
    if len(set(names)) < len(names):
        raise OptionError(f"--ticker must name each symbol once. Received: {shown(config.ticker)}. Leave one out.")
    found = _all_prices(config, names)
    parts, said, holidays = {}, _Said(len(names)), 0
    for name, each in found.items():
        rows, without = _priced(each)
        holidays += without
        index = pd.DatetimeIndex(rows.index)
        dates, note = without_zone(index.tz_convert("UTC"), index.tz_localize(None))
        parts[name] = rows.set_axis(dates, axis=0)
        said.add(name, *each.notes, note)
    table = from_frame(pd.concat(parts, names=[KEY, "Date"]), f"{_called(names)} (Yahoo)")
    calendars = list(dict.fromkeys(map(calendar_of_ticker, names)))
    chosen = config.model_copy(update={"id": KEY, "calendar": config.calendar or _only(calendars)})
    own = f"The tickers keep different calendars ({listed(calendars, 5)}): dates ahead follow the step alone, without "
    apart = (f"{own}holidays; --calendar sets one for all.",) if chosen.calendar is None else ()
    table = replace(table, notes=(ADJUSTED, *said.notes, *_dropped(holidays), *apart))
    fetched = min(each.meta.fetched for each in found.values())
    pinned = pins.keep({name: each.meta.sha256 for name, each in found.items()}, config.interval)
    location = ",".join(names)
    source = Source("yahoo", location if len(location) <= _LONGEST else _called(names), pinned, fetched)
    return Found(table, chosen, _called(names).lower().replace(" ", "-"), source)


def _all_prices(config: DataConfig, names: list[str]) -> dict[str, Prices]:
    queries = [Query(name, config.start, config.end, config.interval) for name in names]
    if config.snapshot is not None:
        pinned = pins.read(config.snapshot, names, config.interval)
        return {query.ticker: prices(query, snapshot=pinned[query.ticker]) for query in queries}
    if config.offline:
        return {query.ticker: prices(query, offline=True) for query in queries}
    outcomes = dict(several(queries, config.timeout, config.max_age))
    found: dict[str, Prices] = {}
    for query in queries:
        outcome = outcomes[query]
        if isinstance(outcome, KerasForecastError):
            raise outcome
        found[query.ticker] = outcome
    return found


@dataclass
class _Said:
    """What is said of several tickers: once where it holds for all."""

    tickers: int

    def __post_init__(self) -> None:
        self._by: dict[str, list[str]] = {}

    def add(self, ticker: str, *notes: str) -> None:
        for note in notes:
            self._by.setdefault(note, []).append(ticker)

    @property
    def notes(self) -> list[str]:
        return [
            note if len(of) == self.tickers else f"{listed(of, 5)}: {note[0].lower() + note[1:]}"
            for note, of in self._by.items()
        ]


def _priced(found: Prices) -> tuple[pd.DataFrame, int]:
    """The rows with prices, and how many have none: yfinance gives holidays a volume of 0."""
    priced = found.frame.drop(columns="Volume").notna().any(axis=1).to_numpy()
    return found.frame[priced], int(np.sum(~priced))


def _dropped(holidays: int) -> tuple[str, ...]:
    return (f"{counted(holidays)} without prices dropped (holidays of the source).",) if holidays else ()


def _only(calendars: list[str]) -> str | None:
    return calendars[0] if len(calendars) == 1 else None


def _called(names: list[str]) -> str:
    if len(names) <= _NAMED:
        return "-".join(names)
    return f"{names[0]} and {len(names) - 1} more"

"""From what the user has (a file, a ticker, a DataFrame, nothing) to a `Panel`, one readable step a line."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from importlib.resources import as_file, files

import numpy as np
import pandas as pd

from kerasforecast.data.calendar_choice import check_calendar_options, with_calendar
from kerasforecast.data.calendar_columns import calendar_columns
from kerasforecast.data.calendars import calendar_of_ticker, check_code, recognised_calendar, require_step
from kerasforecast.data.frequency import infer_frequency, is_daily, rests
from kerasforecast.data.panel import Panel
from kerasforecast.data.sanity import StockSplit, find_splits, suspicions
from kerasforecast.data.series import Series, Source
from kerasforecast.data.table.bytestream import open_blob
from kerasforecast.data.table.clock import times_apart, with_times
from kerasforecast.data.table.columns import (
    choice_notes,
    feature_columns,
    find,
    is_price,
    same,
    target_column,
)
from kerasforecast.data.table.dates import Dates, read_dates
from kerasforecast.data.table.frames import from_frame, read_parquet
from kerasforecast.data.table.given import Given, from_data
from kerasforecast.data.table.labels import RowLabels, in_order, step_index, with_labels
from kerasforecast.data.table.numbers import as_numbers, check_values, filled, without_blank_rows
from kerasforecast.data.table.order import POSITION, in_range, ordered, positions, row_positions, single
from kerasforecast.data.table.several import of_one_series, refuse_several
from kerasforecast.data.table.table import Table, counted
from kerasforecast.data.table.text import read_text
from kerasforecast.errors import OptionError, shown
from kerasforecast.runtime.names import table_name
from kerasforecast.sections.data import DataConfig

SAMPLE = "ibm"
SAMPLE_CALENDAR = "XNYS"


def load_panel(
    config: DataConfig, data: Given | None = None, *, positive_prices: bool = True, inherited: Collection[str] = ()
) -> Panel:
    """Load, check and describe the rows that `config` or `data` names; neither means the embedded sample.

    Args:
        config: File or ticker, columns, range and policies.
        data: Rows at hand, with dates in the index or in a column: see `kerasforecast.data.table.given`.
        positive_prices: Whether price columns must be above zero, as log returns need.
        inherited: Fields of `config` that name columns as they were called in the table that a model learned from:
            where this one lacks them, it is read without.

    Returns:
        A panel of one. Column 0 is the target, then the features in the order given.

    Raises:
        DataError: The rows cannot be trusted; the message gives the address and the remedy.
        DownloadError: A ticker's prices cannot be had now, and no snapshot can stand in.
        OptionError: A DataFrame is given beside a file or ticker, or there is no such calendar.
    """
    panel = load_rows(config, data, positive_prices=positive_prices, inherited=inherited).panel
    for series in panel:
        require_step(series)
    return with_calendar(panel, config)


def load_series(
    config: DataConfig, data: Given | None = None, *, positive_prices: bool = True, inherited: Collection[str] = ()
) -> Series:
    """The one series that `load_panel` gives; arguments and errors as there."""
    panel = load_panel(config, data, positive_prices=positive_prices, inherited=inherited)
    return panel.single("this command")


def load_rows(
    config: DataConfig, data: Given | None = None, *, positive_prices: bool = True, inherited: Collection[str] = ()
) -> Rows:
    """As `load_panel`, less what the dates give, with the counts of what was met on the way."""
    check_calendar_options(config)
    if data is not None:
        if config.file is not None or config.ticker is not None:
            raise OptionError(
                f"Give a DataFrame, a file or a ticker. Received: a DataFrame and "
                f"{shown(config.file or config.ticker)}. Leave one out."
            )
        found = Found(from_data(data), config, "series", Source("frame"))
    elif config.file is not None:
        found = Found(_read_file(config), config, table_name(config.file), Source("file", config.file))
    elif config.ticker is not None:
        found = _from_yahoo(config)
    else:
        found = _sample(config)
    return rows_of(found, positive_prices=positive_prices, inherited=inherited)


@dataclass(frozen=True)
class Found:
    """A raw table and what is known of it.

    Attributes:
        table: As it was read.
        config: How to go on with it.
        name: Of the series.
        source: Where it came from.
    """

    table: Table
    config: DataConfig
    name: str
    source: Source


def _sample(config: DataConfig) -> Found:
    chosen = config if config.calendar else config.model_copy(update={"calendar": SAMPLE_CALENDAR})
    with as_file(files("kerasforecast.data") / "samples" / f"{SAMPLE}.csv.gz") as path:
        table = _read_file(chosen.model_copy(update={"file": str(path)}))
    return Found(table, chosen, SAMPLE, Source("sample", SAMPLE))


@dataclass(frozen=True)
class Rows:
    """The rows of a table that are left after every rule, and what the rules met.

    Attributes:
        panel: The valid panel made of them.
        blank: Rows without any value, dropped.
        missing: Rows that lacked a value of a used column.
        duplicates: Rows whose date had been seen.
        splits: Suspected unadjusted splits of the target.
        choice: The options that take one of the series that the duplicates belong to, `""` where they are none.
    """

    panel: Panel
    blank: int
    missing: int
    duplicates: int
    splits: tuple[StockSplit, ...]
    choice: str = ""


def rows_of(found: Found, *, positive_prices: bool = True, inherited: Collection[str] = ()) -> Rows:
    """A raw table to a valid panel: the series asked for, columns, dates, order, numbers, in that order.

    Raises:
        DataError: See `load_panel`.
    """
    config, name = found.config, found.name
    table = of_one_series(found.table, config, required="id" not in inherited)
    name = name if config.series is None else f"{name}-{config.series}"
    table, config, labels = with_labels(table, config)
    table, dates = with_times(table, config, required="date_column" not in inherited)
    target, said = target_column(table, dates, config)
    features = feature_columns(table, dates, target, config)
    columns = [target, *features]
    rows, dropped = without_blank_rows(table, columns, dates, config.missing)
    numbers, understood = as_numbers(table, rows, columns, config)
    numbers[POSITION] = row_positions(rows.index)
    said = choice_notes(table, dates, [target, *features], said)
    notes = [*table.notes, *said, *understood, *dropped]
    if dates is None:
        refuse_several(table, rows, None, columns)
        numbers, turned = in_order(table, numbers, labels)
        notes, choice = [*notes, *turned], ""
    else:
        read: Dates = read_dates(table, rows[dates], config.date_format)
        times = () if read.index.is_unique else times_apart(table, dates)
        choice = refuse_several(table, rows, read.index, [dates, *columns, *times], config.duplicates)
        numbers.index = read.index
        numbers, turned = ordered(table, numbers, dates)
        notes += [*read.notes, *turned]
        numbers = in_range(table, numbers, dates, config)
    missing = int(numbers[columns].isna().any(axis=1).sum())
    numbers, fills = filled(table, numbers, columns, config.missing)
    duplicates = int(numbers.index.duplicated().sum()) if dates is not None else 0
    if dates is not None:
        numbers, merged = single(table, numbers, dates, config.duplicates)
        fills += merged
    check_values(table, numbers, columns, positive_prices)
    splits = _splits(table, numbers, target)
    notes += [*fills, *_split_notes(splits, target, table), *suspicions(numbers.index, numbers[target].to_numpy())]
    panel = Panel.of(_described(numbers, columns, config, name, found.source, notes, labels))
    return Rows(panel, len(table.frame) - len(rows), missing, duplicates, tuple(splits), choice)


def _splits(table: Table, numbers: pd.DataFrame, target: str) -> list[StockSplit]:
    if not is_price(target) or same(target) == "adj close" or not isinstance(numbers.index, pd.DatetimeIndex):
        return []
    adjusted = _beside(table, numbers, "adj close")
    return find_splits(numbers.index, numbers[target].to_numpy(), adjusted, _beside(table, numbers, "volume"))


def _beside(table: Table, numbers: pd.DataFrame, wanted: str) -> np.ndarray | None:
    """Another column of the table at the same rows, where it exists and holds numbers."""
    column = find(list(table.frame.columns), wanted)
    if column is None or not pd.api.types.is_numeric_dtype(table.frame[column]):
        return None
    return table.frame[column].to_numpy(dtype=np.float64, na_value=np.nan)[positions(numbers)]


def _split_notes(splits: list[StockSplit], target: str, table: Table) -> list[str]:
    adjusted = find(list(table.frame.columns), "adj close")
    remedy = f"use --target '{adjusted}'" if adjusted else "use prices adjusted for splits"
    return [
        f"Split suspected on {split.date.date()} ({split.words}): {target} looks unadjusted; {remedy}."
        for split in splits[:5]
    ]


def _described(
    numbers: pd.DataFrame,
    columns: list[str],
    config: DataConfig,
    name: str,
    source: Source,
    notes: list[str],
    labels: RowLabels | None,
) -> Series:
    dated = isinstance(numbers.index, pd.DatetimeIndex)
    frequency = infer_frequency(numbers.index) if dated else None
    calendar = check_code(config.calendar) if config.calendar is not None else None
    if calendar is None and frequency == "B":
        calendar = recognised_calendar(numbers.index)
        notes = [*notes, f"The dates are exactly the sessions of calendar {calendar}."] if calendar else notes
    if calendar is not None and is_daily(frequency):
        frequency = None
    notes = [*notes, *(rests(pd.DatetimeIndex(numbers.index), frequency) if dated else [])]
    values = numbers[columns].to_numpy()
    index = numbers.index if dated else step_index(numbers.index, labels)
    known = calendar_columns(values, index, columns)
    order = sorted(range(len(columns)), key=lambda place: columns[place] in known)  # those known ahead come last
    notes = [*notes, *(f"Column {column} is the {feature} of the dates." for column, feature in known.items())]
    names = tuple(columns[place] for place in order)
    return Series(values[:, order], index, names, frequency, calendar, name, source, tuple(notes), known)


def _read_file(config: DataConfig) -> Table:
    blob = open_blob(str(config.file))
    return read_parquet(blob) if blob.is_parquet else read_text(blob, config)


def _from_yahoo(config: DataConfig) -> Found:
    from kerasforecast.data.yahoo.client import Query
    from kerasforecast.data.yahoo.prices import prices  # yfinance costs 0.6 s: only where it is used

    ticker = str(config.ticker).strip().upper()
    query = Query(ticker, config.start, config.end, config.interval)
    found = prices(query, config.timeout, config.max_age, config.offline, config.snapshot)
    priced = found.frame.drop(columns="Volume").notna().any(axis=1)  # yfinance gives holidays a volume of 0
    table = from_frame(found.frame[priced], f"{ticker} (Yahoo)")
    holidays = int((~priced).sum())
    dropped = (f"{counted(holidays)} without prices dropped (holidays of the source).",) if holidays else ()
    table = replace(table, notes=("Prices are adjusted for splits and dividends.", *found.notes, *dropped))
    chosen = config.model_copy(update={"calendar": config.calendar or calendar_of_ticker(ticker)})
    source = Source("yahoo", ticker, found.meta.sha256, found.meta.fetched)
    return Found(table, chosen, ticker.lower(), source)

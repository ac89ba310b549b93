"""From what the user has (a file, a ticker, a DataFrame, nothing) to a `Panel`, one readable step a line."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.resources import as_file, files

import numpy as np
import pandas as pd

from kerasforecast.data.calendars import calendar_of_ticker, check_code, recognised_calendar
from kerasforecast.data.frequency import infer_frequency
from kerasforecast.data.panel import Panel
from kerasforecast.data.sanity import StockSplit, find_splits, suspicions
from kerasforecast.data.series import Series, Source
from kerasforecast.data.table.bytestream import open_blob
from kerasforecast.data.table.clock import with_times
from kerasforecast.data.table.columns import (
    CALENDAR_FEATURES,
    feature_columns,
    find,
    is_price,
    same,
    target_column,
)
from kerasforecast.data.table.dates import Dates, read_dates
from kerasforecast.data.table.frames import from_frame, read_parquet
from kerasforecast.data.table.numbers import as_numbers, check_values, filled, without_blank_rows
from kerasforecast.data.table.order import POSITION, in_range, ordered, positions, row_positions, single
from kerasforecast.data.table.table import Table, counted
from kerasforecast.data.table.text import read_text
from kerasforecast.errors import DataError, OptionError, shown
from kerasforecast.runtime.names import table_name
from kerasforecast.sections import DataConfig

SAMPLE = "ibm"
SAMPLE_CALENDAR = "XNYS"


def load_panel(config: DataConfig, frame: pd.DataFrame | None = None, *, positive_prices: bool = True) -> Panel:
    """Load, check and describe the rows that `config` or `frame` names; neither means the embedded sample.

    Args:
        config: File or ticker, columns, range and policies.
        frame: Rows with dates in the index or a date column, or a pandas Series of values.
        positive_prices: Whether price columns must be above zero, as log returns need.

    Returns:
        A panel of one. Column 0 is the target, then the features in the order given.

    Raises:
        DataError: The rows cannot be trusted; the message gives the address and the remedy.
        DownloadError: A ticker's prices cannot be had now, and no snapshot can stand in.
        OptionError: A DataFrame is given beside a file or ticker, or there is no such calendar.
    """
    return load_rows(config, frame, positive_prices=positive_prices).panel


def load_series(config: DataConfig, frame: pd.DataFrame | None = None, *, positive_prices: bool = True) -> Series:
    """The one series that `load_panel` gives; arguments and errors as there."""
    return load_panel(config, frame, positive_prices=positive_prices).single("this command")


def load_rows(config: DataConfig, frame: pd.DataFrame | None = None, *, positive_prices: bool = True) -> Rows:
    """As `load_panel`, with the counts of what was met on the way."""
    if frame is not None:
        if config.file is not None or config.ticker is not None:
            raise OptionError(
                f"Give a DataFrame, a file or a ticker. Received: a DataFrame and "
                f"{shown(config.file or config.ticker)}. Leave one out."
            )
        return rows_of(from_frame(frame), config, "series", Source("frame"), positive_prices)
    if config.file is not None:
        return rows_of(
            _read_file(config), config, table_name(config.file), Source("file", config.file), positive_prices
        )
    if config.ticker is not None:
        return _from_yahoo(config, positive_prices)
    chosen = config if config.calendar else config.model_copy(update={"calendar": SAMPLE_CALENDAR})
    with as_file(files("kerasforecast.data") / "samples" / f"{SAMPLE}.csv.gz") as path:
        table = _read_file(chosen.model_copy(update={"file": str(path)}))
    return rows_of(table, chosen, SAMPLE, Source("sample", SAMPLE), positive_prices)


@dataclass(frozen=True)
class Rows:
    """The rows of a table that are left after every rule, and what the rules met.

    Attributes:
        panel: The valid panel made of them.
        blank: Rows without any value, dropped.
        missing: Rows that lacked a value of a used column.
        duplicates: Rows whose date had been seen.
        splits: Suspected unadjusted splits of the target.
    """

    panel: Panel
    blank: int
    missing: int
    duplicates: int
    splits: tuple[StockSplit, ...]


def rows_of(table: Table, config: DataConfig, name: str, source: Source, positive_prices: bool = True) -> Rows:
    """A raw table to a valid panel: columns, dates, order, numbers, in that order.

    Raises:
        DataError: See `load_panel`.
    """
    table, dates = with_times(table, config)
    target, said = target_column(table, dates, config)
    features = feature_columns(table, dates, target, config)
    columns = [target, *(column for column in features if column in table.frame.columns)]
    rows, dropped = without_blank_rows(table, columns, dates, config.missing)
    numbers = pd.DataFrame(
        {column: as_numbers(table, rows[column], config.thousands) for column in columns}, copy=False
    )
    numbers[POSITION] = row_positions(rows.index)
    notes = [*table.notes, *said, *dropped]
    if dates is not None:
        found: Dates = read_dates(table, rows[dates], config.date_format)
        numbers.index = found.index
        numbers, turned = ordered(table, numbers, dates)
        notes += [*found.notes, *turned]
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
    panel = Panel.of(_described(numbers, [target, *features], config, name, source, notes))
    return Rows(panel, len(table.frame) - len(rows), missing, duplicates, tuple(splits))


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
    numbers: pd.DataFrame, columns: list[str], config: DataConfig, name: str, source: Source, notes: list[str]
) -> Series:
    dated = isinstance(numbers.index, pd.DatetimeIndex)
    if not dated and config.calendar is not None:
        raise DataError(f"--calendar needs dates. Received: a table without a date column, {name}. Give --date-column.")
    frequency = infer_frequency(numbers.index) if dated else None
    calendar = check_code(config.calendar) if config.calendar is not None else None
    if calendar is None and frequency == "B":
        calendar = recognised_calendar(numbers.index)
        notes = [*notes, f"The dates are exactly the sessions of calendar {calendar}."] if calendar else notes
    if calendar is not None and frequency in ("B", "D"):
        frequency = None
    values = _with_calendar_features(numbers, columns)
    index = numbers.index if dated else pd.RangeIndex(len(numbers))
    return Series(values.to_numpy(), index, tuple(columns), frequency, calendar, name, source, tuple(notes))


def _with_calendar_features(numbers: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    wanted = [column for column in columns if column not in numbers.columns]
    if not wanted:
        return numbers[columns]
    if not isinstance(numbers.index, pd.DatetimeIndex):
        raise DataError(f"Calendar features need dates. Received: {shown(wanted)}. Give --date-column.")
    made = {column: getattr(numbers.index, CALENDAR_FEATURES[column]) for column in wanted}
    return numbers.assign(**made)[columns]


def _read_file(config: DataConfig) -> Table:
    blob = open_blob(str(config.file))
    return read_parquet(blob) if blob.is_parquet else read_text(blob, config)


def _from_yahoo(config: DataConfig, positive_prices: bool) -> Rows:
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
    return rows_of(table, chosen, ticker.lower(), source, positive_prices)

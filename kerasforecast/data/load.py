"""From what the user has (a file, a ticker, a DataFrame, nothing) to a `Series`, one readable step a line."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import pandas as pd

from kerasforecast.config import DataConfig
from kerasforecast.data.bytestream import open_blob
from kerasforecast.data.calendars import calendar_of_ticker, check_code
from kerasforecast.data.columns import CALENDAR_FEATURES, date_column, feature_columns, target_column
from kerasforecast.data.dates import Dates, read_dates
from kerasforecast.data.frames import from_frame, read_parquet
from kerasforecast.data.frequency import infer_frequency
from kerasforecast.data.numbers import as_numbers, check_values, filled, without_blank_rows
from kerasforecast.data.order import POSITION, in_range, ordered, single
from kerasforecast.data.series import Series, Source
from kerasforecast.data.table import FrameLocator, Table
from kerasforecast.data.text import read_text
from kerasforecast.errors import DataError, OptionError, shown

SAMPLE = "ibm"
SAMPLE_CALENDAR = "XNYS"


def load_series(config: DataConfig, frame: pd.DataFrame | None = None, *, positive_prices: bool = True) -> Series:
    """Load, check and describe the rows that `config` or `frame` names; neither means the embedded sample.

    Args:
        config: File or ticker, columns, range and policies.
        frame: Rows with dates in the index or a date column, or a pandas Series of values.
        positive_prices: Whether price columns must be above zero, as log returns need.

    Returns:
        Column 0 is the target, then the features in the order given.

    Raises:
        DataError: The rows cannot be trusted; the message gives the address and the remedy.
        OptionError: A DataFrame is given beside a file or ticker, or there is no such calendar.
    """
    if frame is not None:
        if config.file is not None or config.ticker is not None:
            raise OptionError(f"Give a DataFrame, a file or a ticker. Received: a DataFrame and {shown(config.file)}.")
        return series_of(from_frame(frame), config, "series", Source("frame"), positive_prices)
    if config.file is not None:
        return series_of(_read_file(config), config, _stem(config.file), Source("file", config.file), positive_prices)
    if config.ticker is not None:
        return _from_yahoo(config, positive_prices)
    chosen = config if config.calendar else config.model_copy(update={"calendar": SAMPLE_CALENDAR})
    with as_file(files("kerasforecast.data") / "samples" / f"{SAMPLE}.csv.gz") as path:
        table = _read_file(chosen.model_copy(update={"file": str(path)}))
    return series_of(table, chosen, SAMPLE, Source("sample", SAMPLE), positive_prices)


def series_of(table: Table, config: DataConfig, name: str, source: Source, positive_prices: bool = True) -> Series:
    """A raw table to a valid series: columns, dates, order, numbers, in that order.

    Raises:
        DataError: See `load_series`.
    """
    dates = date_column(list(table.frame.columns), config, table.name)
    target, said = target_column(table, dates, config)
    features = feature_columns(table, dates, target, config)
    columns = [target, *(column for column in features if column in table.frame.columns)]
    rows, dropped = without_blank_rows(table, columns, dates)
    numbers = pd.DataFrame({column: as_numbers(table, rows[column]) for column in columns})
    numbers[POSITION] = rows.index.to_numpy(dtype=np.uint32 if len(rows) < 2**32 else np.int64)
    notes = [*table.notes, *said, *dropped]
    if dates is not None:
        found: Dates = read_dates(table, rows[dates], config.date_format)
        numbers.index = found.index
        numbers, turned = ordered(table, numbers, dates)
        notes += [*found.notes, *turned]
        numbers = in_range(table, numbers, dates, config)
    numbers, fills = filled(table, numbers, columns, config.missing)
    if dates is not None:
        numbers, merged = single(table, numbers, dates, config.duplicates)
        fills += merged
    check_values(table, numbers, columns, positive_prices)
    return _described(numbers, [target, *features], config, name, source, [*notes, *fills])


def _described(
    numbers: pd.DataFrame, columns: list[str], config: DataConfig, name: str, source: Source, notes: list[str]
) -> Series:
    dated = isinstance(numbers.index, pd.DatetimeIndex)
    if not dated and config.calendar is not None:
        raise DataError(f"--calendar needs dates. Received: a table without a date column, {name}. Give --date-column.")
    frequency = infer_frequency(numbers.index) if dated else None
    calendar = config.calendar if dated else None
    if calendar is not None:
        check_code(calendar)
        frequency = None if frequency in ("B", "D") else frequency
    values = _with_calendar_features(numbers, columns)
    index = numbers.index if dated else pd.RangeIndex(len(numbers))
    return Series(values.to_numpy(), index, tuple(columns), frequency, calendar, name, source, tuple(notes))


def _with_calendar_features(numbers: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    wanted = [column for column in columns if column not in numbers.columns]
    if not wanted:
        return numbers[columns]
    if not isinstance(numbers.index, pd.DatetimeIndex):
        raise DataError(f"Calendar features need dates. Received: {shown(wanted)}. Give --date-column.")
    made = {column: getattr(numbers.index, column) for column in wanted if column in CALENDAR_FEATURES}
    return numbers.assign(**made)[columns]


def _read_file(config: DataConfig) -> Table:
    blob = open_blob(str(config.file))
    return read_parquet(blob) if blob.is_parquet else read_text(blob, config)


def _stem(file: str) -> str:
    return Path(file).name.split(".")[0] or "series" if file != "-" else "series"


def _from_yahoo(config: DataConfig, positive_prices: bool) -> Series:
    from kerasforecast.data.yahoo import Query, fetch  # yfinance costs 0.6 s: only where it is used

    ticker = str(config.ticker).strip().upper()
    prices = fetch(Query(ticker, config.start, config.end, config.interval), config.timeout)
    table = Table(*_yahoo_rows(prices, f"{ticker} (Yahoo)"))
    chosen = config.model_copy(update={"calendar": config.calendar or calendar_of_ticker(ticker)})
    return series_of(table, chosen, ticker.lower(), Source("yahoo", ticker), positive_prices)


def _yahoo_rows(prices: pd.DataFrame, name: str) -> tuple[pd.DataFrame, FrameLocator]:
    priced = prices.drop(columns="Volume").notna().any(axis=1)  # yfinance gives holidays a volume of 0
    table = from_frame(prices[priced])
    return table.frame, FrameLocator(prices[priced], name)

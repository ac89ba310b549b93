"""From what the user has (a file, a ticker, a DataFrame, nothing) to a `Panel`, one readable step a line."""

from __future__ import annotations

from collections.abc import Collection
from importlib.resources import as_file, files

import numpy as np

from kerasforecast.data.assemble import Rows, assembled
from kerasforecast.data.calendar_choice import check_calendar_options, with_calendar
from kerasforecast.data.calendars import require_step
from kerasforecast.data.panel import Panel
from kerasforecast.data.reading import Found, reading
from kerasforecast.data.series import Series, Source
from kerasforecast.data.table.bytestream import open_blob
from kerasforecast.data.table.frames import read_parquet
from kerasforecast.data.table.given import Given, from_data
from kerasforecast.data.table.table import Table
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
        One series, or all of a table that holds several. Column 0 is the target, then those known until now in the
        order given, then those known ahead, the features of the dates last.

    Raises:
        DataError: The rows cannot be trusted; the message gives the address and the remedy.
        DownloadError: A ticker's prices cannot be had now, and no snapshot can stand in.
        OptionError: A DataFrame is given beside a file or ticker, or there is no such calendar.
    """
    panel = load_rows(config, data, positive_prices=positive_prices, inherited=inherited).panel
    require_step(panel[int(np.diff(panel.starts).argmax())])  # all keep that of the longest
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
        from kerasforecast.data.yahoo.tickers import from_yahoo  # yfinance costs 0.6 s: only where it is used

        found = from_yahoo(config)
    else:
        found = _sample(config)
    return assembled(reading(found, inherited), positive_prices=positive_prices)


def _sample(config: DataConfig) -> Found:
    chosen = config if config.calendar else config.model_copy(update={"calendar": SAMPLE_CALENDAR})
    with as_file(files("kerasforecast.data") / "samples" / f"{SAMPLE}.csv.gz") as path:
        table = _read_file(chosen.model_copy(update={"file": str(path)}))
    return Found(table, chosen, SAMPLE, Source("sample", SAMPLE))


def _read_file(config: DataConfig) -> Table:
    blob = open_blob(str(config.file))
    return read_parquet(blob, config.id) if blob.is_parquet else read_text(blob, config)

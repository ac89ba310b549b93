"""Which rows and columns make the series."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import Field, model_validator

from kerasforecast.sections.section import Section


class DataConfig(Section):
    """Which rows and columns make the series."""

    file: str | None = Field(None, description="Table to read: CSV or TSV, packed or not, or Parquet; '-' is stdin.")
    ticker: str | None = Field(
        None, description="Yahoo Finance symbol to download, e.g. AAPL; several with commas between are a panel."
    )
    start: dt.date | None = Field(None, description="First date of the rows to use.")
    end: dt.date | None = Field(None, description="Last date of the rows to use.")
    interval: str = Field("1d", description="Bar length of downloaded prices, e.g. 1d, 1wk, 1h.")
    offline: bool = Field(False, description="Use the kept snapshot of a ticker; never touch the network.")
    timeout: float = Field(30.0, gt=0, le=600, description="Seconds a download may take altogether.")
    snapshot: str | None = Field(
        None, min_length=8, description="First digits of the SHA-256 of a kept snapshot: use exactly those prices."
    )
    max_age: float = Field(
        12.0, ge=0, le=1_000_000, description="Hours a kept snapshot of a ticker serves without asking again."
    )
    target: str | None = Field(None, description="Column to forecast; found by its name when not given.")
    targets: tuple[str, ...] = Field(
        (), max_length=100_000, description="Columns to forecast, each a series of its own; all for all of them."
    )
    date_column: str | None = Field(
        None, description="Column of dates, or Date,Time for two columns; found when not given."
    )
    id: str | None = Field(None, description="Column that names the series of a row, or A,B for several columns.")
    series: str | int | None = Field(None, description="Which series of --id to take; all when not given.")
    past: tuple[str, ...] = Field(
        (), max_length=1_000, description="Further columns that the network sees, known until now."
    )
    known: tuple[str, ...] = Field(
        (), max_length=1_000, description="Columns known for the rows to be forecast too, such as prices that are set."
    )
    static: tuple[str, ...] = Field(
        (), max_length=1_000, description="Columns of one value a series, numbers or categories, such as a region."
    )
    calendar_features: tuple[str, ...] = Field(
        (),
        max_length=20,
        description="What the network sees of each date, e.g. hour,weekday; auto for what suits the step.",
    )
    holidays: str | None = Field(
        None, description="Country whose holidays the network sees ahead, e.g. BR, or a part of it, e.g. AU-VIC."
    )
    time_zone: str | None = Field(
        None,
        description="Zone whose clocks people go by, e.g. Australia/Melbourne, for hours and holidays of dates in UTC.",
    )
    missing: Literal["error", "drop", "ffill", "interpolate"] = Field(
        "error", description="What to do with rows that lack a value."
    )
    duplicates: Literal["error", "last", "first", "mean"] = Field(
        "error", description="What to do with several rows of one date."
    )
    calendar: str | None = Field(None, description="Trading calendar of the dates, e.g. XNYS, BVMF, 24/7.")
    separator: str | None = Field(
        None, min_length=1, max_length=1, description="Character between columns; detected when not given."
    )
    encoding: str | None = Field(None, description="Text encoding of the table; detected when not given.")
    decimal: Literal[".", ","] | None = Field(None, description="Decimal mark of numbers; detected when not given.")
    thousands: Literal[",", ".", " ", "'"] | None = Field(
        None, description="Mark between the thousands of numbers; taken to be absent when not given."
    )
    date_format: str | None = Field(
        None, description="Format of dates as strptime takes it, e.g. %d/%m/%Y; detected when not given."
    )

    @model_validator(mode="after")
    def _one_source(self) -> DataConfig:
        if self.file is not None and self.ticker is not None:
            raise ValueError("give a FILE or --ticker, not both")
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError("--start must lie before --end")
        return self

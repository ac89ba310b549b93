"""CSV, TSV and their relatives, plain or gzipped, to a raw table whose rows keep their line numbers."""

from __future__ import annotations

import csv
import re
import warnings

import pandas as pd

from kerasforecast.data.table.bytestream import LINE_LIMIT, Blob
from kerasforecast.data.table.clock import date_columns
from kerasforecast.data.table.dialect import Dialect, detect, wrong_encoding
from kerasforecast.data.table.formats import whole_numbers
from kerasforecast.data.table.locator import TextLocator
from kerasforecast.data.table.table import SHOWN_FAULTS, Table, counted, received
from kerasforecast.errors import DataError, shown
from kerasforecast.sections.data import DataConfig

_LIKE_A_NUMBER = re.compile(r"[+-]?[\d.,' ]+")
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?")

CHUNK_ROWS = 200_000  # dates are text until a chunk is parsed: reading in chunks halves the peak of memory


def is_text(dtype: object) -> bool:
    """Whether pandas found cells of a column that are neither numbers nor dates."""
    return pd.api.types.is_object_dtype(dtype) or isinstance(dtype, pd.StringDtype)


def read_text(blob: Blob, config: DataConfig) -> Table:
    """Read a text table whole.

    Raises:
        DataError: It is damaged: ragged, unclosed quotes, another encoding, NUL bytes, no rows.
    """
    dialect = detect(blob, config)
    locator = TextLocator(blob, dialect)
    if not dialect.first_rows:
        raise DataError(f"{blob.name}: expected rows below the header. Received: only the header. Add the data.")
    _check_head(locator)
    frame = _parsed(locator, config)
    _check_short(locator, frame)
    return Table(frame, locator, dialect.notes, decimal=dialect.decimal)


def _parsed(locator: TextLocator, config: DataConfig) -> pd.DataFrame:
    """The table as pandas reads it; a second time where cells begin with a space and pandas could not see through it.

    Skipping such spaces from the start would cost every table a fifth of the time.
    """
    try:
        frame = _read(locator, config, spaced=False)
    except DataError:
        return _read(locator, config, spaced=True)
    text = [frame[name] for name, dtype in frame.dtypes.items() if is_text(dtype)]
    spaced = any(cells.astype("str").str.startswith(" ").any() for cells in text)
    return _read(locator, config, spaced=True) if spaced else frame


def _read(locator: TextLocator, config: DataConfig, *, spaced: bool) -> pd.DataFrame:
    dialect = locator.dialect
    found = date_columns(dialect.header, config, locator.name, dialect.sample)
    sample = dialect.sample(found[0]) if len(found) == 1 else []
    iso = config.date_format is None and bool(sample) and all(map(_ISO_DATE.fullmatch, sample))
    try:
        with locator.blob.open() as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # mixed types and unparsed dates are found, and addressed, later
            chunks = pd.read_csv(
                stream,
                header=dialect.above,
                names=list(dialect.header),
                sep=dialect.separator,
                decimal=dialect.decimal,
                thousands=config.thousands,
                encoding=dialect.encoding,
                skipinitialspace=spaced,
                parse_dates=list(found) if iso else False,
                cache_dates=False,  # which pays where dates repeat
                dtype=_kept_as_text(dialect, found, config),
                chunksize=CHUNK_ROWS,
                low_memory=False,  # chunks are small already
            )
            frame = pd.concat(chunks, ignore_index=True)
    except UnicodeDecodeError as error:
        raise wrong_encoding(locator.blob, _bytes_around(locator, error), dialect.encoding, error.start) from None
    except (pd.errors.ParserError, csv.Error, OverflowError) as error:
        raise _unparsable(locator, str(error)) from None
    except pd.errors.EmptyDataError:
        raise DataError(f"{locator.name}: expected a table. Received: no columns. Give a header and rows.") from None
    if not len(frame):
        raise DataError(f"{locator.name}: expected rows below the header. Received: only the header. Add the data.")
    return frame


def _kept_as_text(dialect: Dialect, dates: tuple[str, ...], config: DataConfig) -> dict[str, type]:
    """Columns of dates that pandas would take for numbers, and so lose zeros; what are whole numbers stay so."""
    if len(dates) == 1 and config.date_format is None and whole_numbers(dialect.sample(dates[0])):
        return {}
    return {name: str for name in dates if any(map(_LIKE_A_NUMBER.fullmatch, dialect.sample(name)))}


def _check_head(locator: TextLocator) -> None:
    width = len(locator.dialect.header)
    for cells in locator.dialect.first_rows:
        if len(cells) != width:  # pandas would take a longer first row for an index column
            raise _ragged(locator)


def _check_short(locator: TextLocator, frame: pd.DataFrame) -> None:
    if not frame.iloc[:, -1].isna().any():
        return
    breaks = len(frame) * (frame.shape[1] - 1)
    separator = locator.dialect.separator.encode()
    separators = 0
    with locator.blob.open() as stream:
        while chunk := stream.read(LINE_LIMIT):
            separators += chunk.count(separator)
    if separators - (frame.shape[1] - 1) != breaks:  # quoted separators also count: the records decide
        _raise_if_ragged(locator)


def _raise_if_ragged(locator: TextLocator) -> None:
    error = _ragged_or_none(locator)
    if error is not None:
        raise error


def _ragged_or_none(locator: TextLocator) -> DataError | None:
    width = len(locator.dialect.header)
    faults: list[tuple[int, int]] = []
    total = 0
    for line, cells in locator.records():
        if len(cells) != width:
            total += 1
            if len(faults) < SHOWN_FAULTS:
                faults.append((line, len(cells)))
    if not faults:
        return None
    names = [f"row {line}" for line, _ in faults]
    found = received(names, [counted(cells, "column") for _, cells in faults], total)
    return DataError(
        f"{locator.name}: {names[0]}: expected {width} columns, as in the header. {found} "
        "Correct the row, or give --separator if another one is meant."
    )


def _ragged(locator: TextLocator) -> DataError:
    return _unparsable(locator, "rows of different lengths")


def _unparsable(locator: TextLocator, reason: str) -> DataError:
    return (_unclosed_quote(locator) or _ragged_or_none(locator)) or DataError(
        f"{locator.name}: expected rows of {len(locator.dialect.header)} columns. Received: {shown(reason)}. "
        "Check the separator and the quotes."
    )


def _unclosed_quote(locator: TextLocator) -> DataError | None:
    """A quote that swallows the rest of the file: the last record runs over lines to the end."""
    last_line, cells = 1, [""]
    for record in locator.records():
        last_line, cells = record
    if not any("\n" in cell or "\r" in cell for cell in cells):
        return None
    cell = max(cells, key=len)
    return DataError(
        f"{locator.name}: row {last_line}: expected a closing quote. Received: {shown(cell, 30)} to the end of the "
        "file. Close or remove the quote."
    )


def _bytes_around(locator: TextLocator, error: UnicodeDecodeError) -> bytes:
    """Everything up to the fault, since a decoder gives positions only inside its own chunk."""
    content = b""
    with locator.blob.open() as stream:
        content = stream.read()
    try:
        content.decode(locator.dialect.encoding)
    except UnicodeDecodeError as whole:
        error.start = whole.start
    return content

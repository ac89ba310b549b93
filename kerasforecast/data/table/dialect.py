"""How a text table is written: encoding, separator, decimal mark, header. Detected from its head unless given."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from dataclasses import dataclass

from kerasforecast.data.table.bytestream import LINE_LIMIT, Blob, is_utf16
from kerasforecast.data.table.header import find_header, find_separator, like_data, stated_separator
from kerasforecast.data.table.table import listed
from kerasforecast.errors import DataError, shown
from kerasforecast.sections.data import DataConfig

HEAD_BYTES = 65_536
HEAD_ROWS = 100
UNNAMED = "column"  # what a column without a name is called, with its place
_OTHER_FORMATS = (
    (b"PK\x03\x04", "a zip archive inside an archive"),
    *((mark, "an HTML or XML page") for mark in (b"<!", b"<?", b"<html", b"<head", b"<body", b"<table")),
    (b"{", "JSON"),
    (b"[", "JSON"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "an image"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
)
_SEPARATOR_NAMES = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "bar", " ": "space"}
_COMMA_DECIMAL = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+),\d+")
_POINT_DECIMAL = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Dialect:
    """How to read a text table.

    Attributes:
        encoding: Python codec name.
        separator: One character between cells.
        decimal: `"."` or `","`.
        header: Names of the columns, stripped.
        above: Lines above the last row of the header, blank ones not counted.
        first_rows: Cells of the first data rows, as text, at most 100 rows.
        notes: What is not the plain case, one sentence each.
    """

    encoding: str
    separator: str
    decimal: str
    header: tuple[str, ...]
    above: int
    first_rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]

    def sample(self, column: str) -> list[str]:
        """The first non-empty cells of `column`."""
        position = self.header.index(column)
        cells = (row[position].strip() for row in self.first_rows if position < len(row))
        return [cell for cell in cells if cell]


def detect(blob: Blob, config: DataConfig) -> Dialect:
    """Find out how `blob` is written; what `config` gives is not questioned.

    Raises:
        DataError: It is no text in that encoding, or has no header of distinct names.
    """
    _refuse_other_formats(blob)
    head = blob.head(HEAD_BYTES)
    if head.count(b"\n") < 2 and len(head) == HEAD_BYTES:
        head = blob.head(2 * LINE_LIMIT)  # no sample of a table yet; lines beyond the limit are refused here
    encoding = config.encoding or _encoding(head)
    text = _decoded(blob, head, encoding)
    numbered = [(row, line) for row, line in enumerate(re.split(r"\r\n|\n|\r", text), start=1) if line.strip()]
    lines = [line for _, line in numbered]
    if not lines:
        raise DataError(f"{blob.name}: expected a table. Received: only blank lines. Give a header and rows.")
    if lines[0].count('"') % 2:
        raise DataError(
            f"{blob.name}: row 1: expected a closing quote. Received: {shown(lines[0])}. Close or remove the quote."
        )
    whole = lines if len(head) != HEAD_BYTES or len(lines) == 1 else lines[:-1]  # the last may be cut
    separator = config.separator or stated_separator(lines) or find_separator(whole)
    found = find_header(whole, separator)
    below = whole[found.above + 1 : found.above + 1 + HEAD_ROWS]
    rows = [tuple(row) for row in csv.reader(below, delimiter=separator, skipinitialspace=True)]
    header = tuple(name.strip() or f"{UNNAMED} {place}" for place, name in enumerate(found.names, start=1))
    _check_header(blob, header, separator, numbered[found.above][0])
    decimal = config.decimal or _decimal(rows, separator)
    notes = _notes(config, encoding, separator, decimal)
    if found.left_out:
        notes += (f"The header is row {numbered[found.above][0]}; what stands above it was left out.",)
    return Dialect(encoding, separator, decimal, header, found.above, tuple(rows), notes)


def _encoding(head: bytes) -> str:
    return "utf-8-sig" if head.startswith(codecs.BOM_UTF8) else is_utf16(head) or "utf-8"


def _refuse_other_formats(blob: Blob) -> None:
    start = blob.start(512).lstrip(codecs.BOM_UTF8 + b" \t\r\n")
    for mark, what in _OTHER_FORMATS:
        if start.startswith(mark) or start.lower().startswith(mark):
            raise DataError(f"{blob.name}: expected a table as text or Parquet. Received: {what}. Export it as CSV.")


def _decoded(blob: Blob, head: bytes, encoding: str) -> str:
    try:
        return codecs.getincrementaldecoder(encoding)().decode(head, final=len(head) < HEAD_BYTES)
    except LookupError:
        raise DataError(
            f"--encoding must be a text encoding Python knows. Received: {shown(encoding)}. "
            "Use utf-8, utf-16 or cp1252."
        ) from None
    except UnicodeDecodeError as error:
        raise wrong_encoding(blob, head, encoding, error.start) from None


def wrong_encoding(blob: Blob, content: bytes, encoding: str, position: int) -> DataError:
    """The refusal of bytes that are no text in `encoding`."""
    row = content.count(b"\n", 0, position) + 1
    return DataError(
        f"{blob.name}: row {row}: expected {encoding} text. Received: byte 0x{content[position]:02x}. "
        "Use --encoding cp1252 (Windows) or latin-1, or save the table as UTF-8."
    )


def _check_header(blob: Blob, header: tuple[str, ...], separator: str, row: int) -> None:
    repeated = [name for name, count in Counter(header).items() if count > 1]
    if repeated:
        position = [place for place, name in enumerate(header, start=1) if name == repeated[0]]
        raise DataError(
            f"{blob.name}: row {row}: column names must differ. Received: {shown(repeated[0])} in columns "
            f"{listed(position)}. Rename one of them."
        )
    if all(like_data(name) for name in header):
        raise DataError(
            f"{blob.name}: row {row}: expected a header of column names. Received: {shown(separator.join(header))}. "
            "Put a line such as Date,Close first."
        )


def _decimal(rows: list[tuple[str, ...]], separator: str) -> str:
    cells = [cell.strip() for row in rows for cell in row]
    commas = sum(bool(_COMMA_DECIMAL.fullmatch(cell)) for cell in cells)
    points = sum(bool(_POINT_DECIMAL.fullmatch(cell)) for cell in cells)
    # Between commas, "1,234" is a thousand as likely as a fraction: only other lengths show a decimal comma.
    sure = separator != "," or any(_COMMA_DECIMAL.fullmatch(cell) and len(cell.split(",")[1]) != 3 for cell in cells)
    return "," if commas > points and sure else "."


def _notes(config: DataConfig, encoding: str, separator: str, decimal: str) -> tuple[str, ...]:
    name = _SEPARATOR_NAMES.get(separator, repr(separator))
    said = {
        f"Encoding {encoding} detected.": config.encoding is None and encoding not in ("utf-8", "utf-8-sig"),
        f"Separator {name} detected.": config.separator is None and separator != ",",
        f"Decimal {_SEPARATOR_NAMES.get(decimal, 'point')} detected.": config.decimal is None and decimal == ",",
    }
    return tuple(note for note, holds in said.items() if holds)

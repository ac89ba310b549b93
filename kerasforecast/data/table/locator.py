"""The way back from the rows of a text table to its lines, for messages that name what the user wrote."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
import pandas as pd

from kerasforecast.data.table.bytestream import LINE_LIMIT, Blob, is_utf16
from kerasforecast.data.table.dialect import Dialect
from kerasforecast.errors import DataError

_BLANK_STARTS = (b"\n\n", b"\n\r", b"\n ", b"\n\t")  # how a line that may be blank begins


@dataclass(frozen=True)
class TextLocator:
    """Rows of a text file, called by the line a text editor shows.

    Attributes:
        blob: The file.
        dialect: How it is written.
        found: Records looked up last, by position.
    """

    blob: Blob
    dialect: Dialect
    found: dict[int, tuple[int, list[str]]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def name(self) -> str:
        """The path as the user gave it."""
        return self.blob.name

    def row_names(self, rows: Sequence[int]) -> list[str]:
        """`"row 118"`: line 118 of the file, the header being line 1 where nothing stands above it."""
        found = self._find(rows)
        return [f"row {found[row][0]}" for row in rows]

    def raw(self, rows: Sequence[int], column: str) -> list[str]:
        """Cells as they stand in the file; `""` where a row is too short."""
        position = self.dialect.header.index(column)
        found = self._find(rows)
        return [found[row][1][position].strip(" \t") if position < len(found[row][1]) else "" for row in rows]

    def empty(self, column: str) -> np.ndarray:
        """`(rows,)` whether nothing stands in `column`, not even a word for a missing value."""
        with self.blob.open() as stream:
            cells = pd.read_csv(
                stream,
                header=self.dialect.above,
                names=list(self.dialect.header),
                usecols=[column],
                sep=self.dialect.separator,
                encoding=self.dialect.encoding,
                skipinitialspace=True,
                dtype=str,
                keep_default_na=False,
            )[column]
        return (cells.str.strip() == "").to_numpy(dtype=bool)

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """Line number and cells of every record after the header; blank lines skipped as pandas skips them."""
        with self.blob.open() as stream, io.TextIOWrapper(stream, self.dialect.encoding, newline="") as text:
            reader = csv.reader(text, delimiter=self.dialect.separator, skipinitialspace=True)
            line, above = 1, self.dialect.above + 1
            while True:
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    raise _no_record(self.name, line, str(error)) from None
                blank = not cells or (len(cells) == 1 and not cells[0].strip())
                if not blank:
                    if not above:
                        yield line, cells
                    above = max(above - 1, 0)
                line = reader.line_num + 1

    def _find(self, rows: Sequence[int]) -> dict[int, tuple[int, list[str]]]:
        wanted = frozenset(rows)
        if not wanted <= self.found.keys():
            self.found.clear()
            self.found.update(self._found_by_lines(wanted) or self._found_by_records(wanted))
        return self.found

    def _found_by_records(self, wanted: frozenset[int]) -> dict[int, tuple[int, list[str]]]:
        last, found = max(wanted), {}
        for row, record in enumerate(self.records()):
            if row in wanted:
                found[row] = record
            if row >= last:
                break
        return found

    def _found_by_lines(self, wanted: frozenset[int]) -> dict[int, tuple[int, list[str]]] | None:
        """As `_found_by_records`, a hundred times as fast; `None` where a record may be no line."""
        if is_utf16(self.blob.head(4)):
            return None
        found: dict[int, tuple[int, list[str]]] = {}
        row, number = -1 - self.dialect.above, 1  # of the next line; the header is row -1
        with self.blob.open() as stream:
            for lines in _whole_lines(stream):
                if lines.count(b"\r") != lines.count(b"\r\n") or _open_quotes(lines):
                    return None
                count = lines.count(b"\n")
                if not _maybe_blank(lines) and not any(row <= place < row + count for place in wanted):
                    row, number = row + count, number + count
                    continue
                for line in lines.split(b"\n")[:count]:
                    if line.strip():
                        if row in wanted:
                            found[row] = (number, self._cells(line))
                        row += 1
                    number += 1
                if len(found) == len(wanted):
                    break
        return found if len(found) == len(wanted) else None

    def _cells(self, line: bytes) -> list[str]:
        text = line.decode(self.dialect.encoding, errors="replace").strip("\r")
        return next(csv.reader([text], delimiter=self.dialect.separator, skipinitialspace=True))


def _maybe_blank(lines: bytes) -> bool:
    return lines[:1] in b"\n\r \t" or any(start in lines for start in _BLANK_STARTS)


def _open_quotes(lines: bytes) -> bool:
    """Whether a quote is open at the end of a line, so that a record may run on."""
    return b'"' in lines and any(line.count(b'"') % 2 for line in lines.split(b"\n"))


def _whole_lines(stream: BinaryIO) -> Iterator[bytes]:
    """The stream in pieces of about a mebibyte that end with a line."""
    rest = b""
    while chunk := stream.read(LINE_LIMIT):
        cut = chunk.rfind(b"\n") + 1
        if cut:
            yield rest + chunk[:cut]
            rest = chunk[cut:]
        else:
            rest += chunk
    if rest:
        yield rest + b"\n"


def _no_record(name: str, line: int, reason: str) -> DataError:
    return DataError(
        f"{name}: row {line}: expected cells of fewer than {csv.field_size_limit():,} characters, quotes closed. "
        f"Received: {reason}. Close or remove the quote."
    )

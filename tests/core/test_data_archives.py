"""Packed tables are read as plain ones; what is damaged, or would fill the memory, is refused."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import tracemalloc
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasforecast.data.load import load_series
from kerasforecast.errors import DataError, InputError
from kerasforecast.sections.data import DataConfig

DAYS = pd.bdate_range("2024-01-02", periods=40)
VALUES = np.round(100 + np.sin(np.arange(40)) * 5, 2)
TEXT = pd.DataFrame({"Date": DAYS, "Close": VALUES}).to_csv(index=False).encode()
HALF = len(TEXT) // 2


def zipped(content=TEXT, names=("t.csv",), kind=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", kind) as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), content, kind)  # of 1980: the same bytes in every process
    return buffer.getvalue()


def locked():
    """A zip archive that says it is encrypted, in both of its directories."""
    content = bytearray(zipped())
    content[6] |= 1
    content[content.rfind(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def load(tmp_path, content):
    path = tmp_path / "t.csv"  # the bytes say what it is, not the name
    path.write_bytes(content)
    return load_series(DataConfig(file=str(path)))


PACKED = {
    "gzip": gzip.compress(TEXT, mtime=0),
    "bzip2": bz2.compress(TEXT),
    "xz": lzma.compress(TEXT),
    "zip": zipped(),
}


@pytest.mark.parametrize(
    "content",
    [
        *PACKED.values(),
        bz2.compress(TEXT[:HALF]) + bz2.compress(TEXT[HALF:]),
        lzma.compress(TEXT[:HALF]) + lzma.compress(TEXT[HALF:]),
        lzma.compress(TEXT) + b"\0" * 8,
        lzma.compress(TEXT, preset=9),
        zipped(kind=zipfile.ZIP_STORED),
        zipped(kind=zipfile.ZIP_LZMA),
        zipped(names=("data/t.csv", "__MACOSX/data/._t.csv")),
        lzma.compress(TEXT.decode().encode("utf-16")),
    ],
)
def test_packed_tables(tmp_path, content):
    assert load(tmp_path, content).values[:, 0].tolist() == VALUES.tolist()


def test_faults_are_addressed_inside(tmp_path):
    for pack in (bz2.compress, lzma.compress, zipped):
        with pytest.raises(DataError, match="row 3, column Close: expected a number"):
            load(tmp_path, pack(TEXT.replace(b"104.21", b"x")))


def test_standard_input(monkeypatch):
    for content in PACKED.values():
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        assert len(load_series(DataConfig(file="-"))) == 40


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (PACKED["xz"][:-30], "expected a whole xz archive. Received: the end of the file"),
        (PACKED["bzip2"][:-20], "expected a whole bzip2 archive. Received: the end of the file"),
        (PACKED["bzip2"] + b"junk", "expected a whole bzip2 archive. Received: Invalid data stream"),
        (PACKED["xz"][:30] + b"x" + PACKED["xz"][31:], "expected a whole xz archive. Received: Corrupt input data"),
        (PACKED["zip"][:-40], "expected a whole zip archive without a password"),
        (PACKED["zip"][:60] + b"xxxx" + PACKED["zip"][64:], "expected a whole zip archive. Received: Error"),
        (locked(), "expected a whole zip archive without a password"),
        (zipped(names=("a.csv", "b.csv")), "expected one file in the zip archive. Received: 2, ['a.csv', 'b.csv']"),
        (zipped(names=("[Content_Types].xml", "xl/workbook.xml")), "Received: an Excel workbook. Export it as CSV."),
        (zipped(PACKED["zip"], ("t.zip",)), "Received: a zip archive inside an archive"),
        (lzma.compress(b'{"a": 1}'), "Received: JSON"),
        (bz2.compress(b""), "expected a table. Received: only blank lines"),
    ],
)
def test_what_is_damaged_or_holds_no_table_is_refused(tmp_path, content, message):
    with pytest.raises(DataError) as caught:
        load(tmp_path, content)
    assert message in str(caught.value)


def row_of_a_bomb():
    return b"2020-01-06,100.0" + b" " * 16_000 + b"\n"


@pytest.mark.parametrize("kind", ["xz", "bzip2", "zip"])
def test_bombs_are_refused_with_bounded_memory(tmp_path, kind):
    path, rows = tmp_path / "bomb", row_of_a_bomb() * 64  # 1 MiB, 300 times
    if kind == "zip":
        packed = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        with packed as archive, archive.open("t.csv", "w") as member:
            member.write(b"Date,Close\n")
            for _ in range(300):
                member.write(rows)
    else:
        pack = lzma.compress if kind == "xz" else bz2.compress
        path.write_bytes(pack(b"Date,Close\n") + pack(rows) * 300)
    tracemalloc.start()
    with pytest.raises(InputError, match="must not unpack to more than 100 times"):
        load_series(DataConfig(file=str(path)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 << 20


def test_an_xz_file_that_asks_for_gigabytes_is_refused(tmp_path):
    wide = lzma.compress(TEXT, filters=[{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 29}])
    with pytest.raises(DataError, match=r"expected a whole xz archive\. Received: Memory usage limit exceeded"):
        load(tmp_path, wide)


@settings(deadline=None, max_examples=80)
@given(st.sampled_from(sorted(PACKED)), st.data())
def test_any_damage_is_one_line(tmp_path_factory, kind, draw):
    content = bytearray(PACKED[kind])
    for _ in range(draw.draw(st.integers(1, 4))):
        content[draw.draw(st.integers(4, len(content) - 1))] = draw.draw(st.integers(0, 255))
    try:
        series = load(tmp_path_factory.mktemp("t"), bytes(content[: draw.draw(st.integers(6, len(content)))]))
    except InputError as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 1_000
    else:
        assert len(series) <= 40

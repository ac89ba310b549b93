"""Malformed files: each is refused in one line, with its address, the rule and what to do."""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc
from pathlib import Path

import pandas as pd
import pytest

from kerasforecast.data.load import load_series
from kerasforecast.errors import InputError
from kerasforecast.sections.data import DataConfig

HEADER = "Date,Close\n"


def days(n=10, start="2020-01-06"):
    dates = pd.bdate_range(start, periods=n)
    return [f"{date.date()},{100 + step + 0.5}" for step, date in enumerate(dates)]


def put(at, row):
    """Ten good rows with one replaced; row 0 is line 2 of the file."""
    rows = days()
    rows[at] = row
    return HEADER + "\n".join(rows) + "\n"


def csv(rows, header="Date,Close"):
    return header + "\n" + "\n".join(rows) + "\n"


def clock(*hours):
    return csv([f"2020-11-01 {hour}:00,{step}" for step, hour in enumerate(hours, start=1)])


def parquet():
    buffer = io.BytesIO()
    frame = pd.DataFrame({"Date": pd.bdate_range("2020-01-06", periods=50), "Close": range(1, 51)})
    frame.to_parquet(buffer)
    return buffer.getvalue()


MONEY = csv(["2020-01-06;$1.200;5", "2020-01-07;$1.201;6"], "Date;Price;Volume")
GZIPPED = gzip.compress(csv(days(200)).encode(), mtime=0)

# name, content and, where they matter, options; the messages stand in data/malformed_messages.json, FILE for the path
CASES = [
    ("empty", b""),
    ("blank", "\n\n  \n"),
    ("header_only", HEADER),
    ("header_only_no_newline", "Date,Close"),
    ("bom_only", b"\xef\xbb\xbf"),
    ("no_header", "\n".join(days()) + "\n"),
    ("ragged_long", put(4, "2020-01-10,104.5,7")),
    ("ragged_short", put(4, "2020-01-10")),
    ("ragged_first", put(0, "2020-01-06,1,2")),
    ("ragged_all_long", csv([r + ",9" for r in days()])),
    ("ragged_last_3col", csv(["2020-01-06,1,2", "2020-01-07,2,3", "2020-01-08,3"], "Date,Close,Volume")),
    ("ragged_late", csv([*days(300)[:250], "2020-12-31,5,6"])),
    ("ragged_trailing_comma", csv([r + "," for r in days()])),
    ("unclosed_quote", put(4, '"2020-01-10,104.5')),
    ("unclosed_quote_value", put(4, '2020-01-10,"104.5')),
    ("unclosed_late", csv([*days(300)[:250], '2021-01-04,"5']) + "\n".join(days(40, "2021-01-05")) + "\n"),
    ("unclosed_header", '"Date,Close\n' + "\n".join(days())),
    ("wrong_sep_forced", csv(days()), {"separator": ";"}),
    ("space_sep", csv([r.replace(",", " ") for r in days()], "Date Close")),
    ("colon_sep", csv([r.replace(",", ":") for r in days()], "Date:Close")),
    ("nul", csv(days()).encode().replace(b"101.5", b"10\x00.5")),
    ("nul_only", b"\x00" * 100),
    ("nul_late", csv(days(9000, "1990-01-01")).encode()[:-3] + b"\x00\n"),
    ("latin1", csv(["2020-01-06,1,é", "2020-01-07,2,b"], "Date,Close,Note").encode("latin-1")),
    ("latin1_late", (csv(days(9000, "1985-01-01")) + "2019-12-31,é\n").encode("latin-1")),
    ("bad_codec", csv(days()), {"encoding": "klingon"}),
    ("utf16_as_utf8", csv(days()).encode("utf-16"), {"encoding": "utf-8"}),
    ("binary", bytes(range(1, 256)) * 4),
    ("png", b"\x89PNG\r\n\x1a\n" + bytes(range(256))),
    ("xlsx", b"PK\x03\x04\x14\x00\x06\x00\x08\x00" + b"\x00" * 50),
    ("html", "<!DOCTYPE html>\n<html><body>\n<p>Too, many requests</p>\n</body></html>\n"),
    ("json", '{"chart": {"result": null,\n "error": 1}}\n'),
    ("dup_col", csv([r + ",3" for r in days()], "Date,Close,Close")),
    ("dup_date_col", csv([r + ",3" for r in days()], "Date,Date,Close")),
    ("absent_target", csv(days()), {"target": "Clsoe"}),
    ("absent_feature", csv(days()), {"past": ("Open",)}),
    ("absent_date", csv(days()), {"date_column": "When"}),
    ("no_target", csv([r + ",3" for r in days()], "Date,Alpha,Beta")),
    ("target_is_date", csv(days()), {"target": "Date"}),
    ("feature_is_target", csv(days()), {"past": ("Close",)}),
    ("feature_twice", csv([r + ",3" for r in days()], "Date,Close,Volume"), {"past": ("Volume", "volume")}),
    ("only_dates", csv([r.split(",")[0] for r in days()], "Date")),
    ("word", put(4, "2020-01-10,abc")),
    ("na", put(4, "2020-01-10,n/a")),
    ("word_many", csv(days(3) + [f"2020-02-{d:02},x{d}" for d in range(1, 21)])),
    ("nan", put(4, "2020-01-10,NaN")),
    ("null", put(4, "2020-01-10,null")),
    ("inf", put(4, "2020-01-10,inf")),
    ("minf", put(4, "2020-01-10,-Infinity")),
    ("1e400", put(4, "2020-01-10,1e400")),
    ("missing_cell", csv(["2020-01-06,1,2", "2020-01-07,,3", "2020-01-08,3,4"], "Date,Close,Volume")),
    ("all_missing", csv(["2020-01-06,", "2020-01-07,"])),
    ("all_nan", csv(["2020-01-06,NaN", "2020-01-07,NaN"])),
    ("missing_drop_all", csv(["2020-01-06,,1", "2020-01-07,,2"], "Date,Close,Volume"), {"missing": "drop"}),
    ("thousands", csv([f'''{r.split(",")[0]},"1,{20 + i}.5"''' for i, r in enumerate(days())])),
    ("thousands_int", csv([f'''{r.split(",")[0]},"1,{200 + i}"''' for i, r in enumerate(days())])),
    ("thousands_apostrophe", csv([f"{r.split(',')[0]},1'{20 + i}.5" for i, r in enumerate(days())])),
    (
        "thousands_both_ways",
        csv(["2020-01-06;1.200,5", "2020-01-07;1,201.5", "2020-01-08;1.202,5"]).replace(",Cl", ";Cl"),
    ),
    (
        "thousands_unnoticed",
        csv(["2020-01-06;977", "2020-01-07;985", "2020-01-08;1.022", "2020-01-09;1.103"], "Date;Close"),
    ),
    ("currency", csv([*(r.replace(",", ",$") for r in days()), "2020-02-03,€5"])),
    ("currency_bare", csv([*(r.replace(",", ",$") for r in days()), "2020-02-03,5"])),
    ("percent", csv([*(r + "%" for r in days()), "2020-02-03,7"])),
    ("brackets", put(4, "2020-01-10,(5")),
    ("volume_alone", csv(days(), "Date,Volume")),
    ("money_two_readings", MONEY),
    (
        "money_two_readings_target",
        csv(["2020-01-06;$1.200;5", "2020-01-07;$1.201;6"], "Date;Price;Volume"),
        {"target": "Price"},
    ),
    ("decimal_forced", csv([r.replace(",", ";").replace(".", ",") for r in days()], "Date;Close"), {"decimal": "."}),
    ("hex", put(4, "2020-01-10,0x1F")),
    ("bool", csv([r.split(",")[0] + ",True" for r in days()])),
    ("unicode_minus", put(4, "2020-01-10,−5")),
    ("zero", put(4, "2020-01-10,0")),
    ("negative", put(4, "2020-01-10,-3.1")),
    ("negative_many", csv([r.replace(",", ",-") for r in days()])),
    ("constant", csv([r.split(",")[0] + ",5" for r in days()])),
    ("bad_date", put(4, "someday,104.5")),
    ("bad_date_first", put(0, "someday,104.5")),
    ("feb30", put(4, "2020-02-30,104.5")),
    ("month13", put(4, "2020-13-01,104.5")),
    ("empty_date", put(4, ",104.5")),
    ("mixed_formats", put(4, "10/01/2020,104.5")),
    ("mixed_late", csv([*days(200)[:150], "08/03/2020,5"])),
    ("bad_format", csv(days()), {"date_format": "%d/%m/%Y"}),
    ("silly_format", csv(days()), {"date_format": "%Q"}),
    ("not_dates", csv(["a,1", "b,2", "c,3"])),
    ("out_of_order", csv([days()[i] for i in (0, 1, 3, 2, 4, 5, 6)])),
    ("shuffled", csv([days()[i] for i in (5, 1, 3, 2, 4, 0, 6)])),
    ("duplicate", csv(days()[:5] + days()[4:])),
    ("duplicate_all", csv([d for r in days() for d in (r, r)])),
    ("future", csv([*days(5), "2031-01-01,5"])),
    ("future_far", csv([*days(5), "2100-01-01,5"])),
    ("year_0001", csv(["0001-01-01,5", *days()])),
    ("year_1500", csv(["1500-01-01,5", *days()])),
    ("mixed_zones", csv(["2020-01-06T09:30:00+01:00,1", "2020-01-06T10:30:00-05:00,2", "2020-01-06T11:30:00+09:00,3"])),
    ("zone_some", csv(["2020-01-06T09:30:00+01:00,1", "2020-01-06T10:30:00,2", "2020-01-06T11:30:00+01:00,3"])),
    ("zone_some2", csv(["2020-01-06T09:30:00,1", "2020-01-06T10:30:00Z,2", "2020-01-06T11:30:00,3"])),
    (
        "fold",
        clock("00:00", "00:30", "01:00", "01:30", "01:00", "01:30", "02:00"),
    ),
    (
        "fold_hourly",
        clock("00:00", "01:00", "01:00", "02:00", "03:00"),
    ),
    (
        "time_beside",
        csv(
            [*(f"2020-01-06,{hour}:30,{hour}" for hour in range(9, 13)), "2020-01-06,25:00,9", "2020-01-06,,9"],
            "Date,Time,Close",
        ),
    ),
    ("time_beside_twice", csv(["2020-01-06,09:30,1", "2020-01-06,09:31,2", "2020-01-06,09:31,3"], "Date,Time,Close")),
    ("time_absent", csv(days()), {"date_column": "Date,Time"}),
    ("start_after", csv(days()), {"start": "2021-01-01"}),
    ("end_before", csv(days()), {"end": "2019-01-01"}),
    ("one_row", csv(days(1))),
    ("one_row_left", csv(days()), {"end": "2020-01-06"}),
    ("calendar_unknown", csv(days()), {"calendar": "XXXX"}),
    ("calendar_no_dates", csv(["1", "2", "4"], "Close"), {"calendar": "XNYS"}),
    ("huge_field", "Date,Close\n" + "x" * 3000000),
    ("huge_field_quoted", 'Date,Close\n"' + "x\n" * 1500000 + '",5\n'),
    ("huge_header", "x" * 3000000),
    ("huge_number", put(4, "2020-01-10," + "9" * 100000)),
    ("gz_truncated", GZIPPED[:-20]),
    ("gz_truncated_half", GZIPPED[: len(GZIPPED) // 2]),
    ("gz_corrupt", GZIPPED[:40] + b"\x00\x01\x02" + GZIPPED[43:]),
    ("gz_not", b"\x1f\x8bhello"),
    ("gz_empty", gzip.compress(b"")),
    ("pq_truncated", parquet()[:-20]),
    ("pq_half", parquet()[: len(parquet()) // 2]),
    ("pq_magic", b"PAR1"),
    ("gz_of_gz", gzip.compress(GZIPPED)),
    ("pdf", b"%PDF-1.7 x"),
    ("zip", b"PK\x03\x04abc"),
]


MESSAGES = json.loads((Path(__file__).parents[1] / "data" / "malformed_messages.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_refused_in_one_line(tmp_path, case):
    name, content, options = (*case, {})[:3]
    path = tmp_path / f"{name}.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as caught:
        load_series(DataConfig(file=str(path), **options))
    assert str(caught.value).replace(str(path), "FILE") == MESSAGES[name]
    assert "\n" not in str(caught.value)


def test_the_list_is_long_enough():
    assert {case[0] for case in CASES} == set(MESSAGES)
    assert len(set(MESSAGES.values())) >= 60


def test_no_such_file_folder_and_impossible_path(tmp_path):
    absent = tmp_path / "absent.csv"
    expected = {
        str(absent): f"{absent}: no such file. Check the path, or give --ticker to download.",
        str(tmp_path): f"{tmp_path}: expected a table. Received: a folder. Give the file inside it.",
        "a\0b": "a\\x00b: must be a file that can be read. Received: embedded null byte. Check its rights.",
    }
    for file, message in expected.items():
        with pytest.raises(InputError) as caught:
            load_series(DataConfig(file=file))
        assert str(caught.value) == message


def test_gzip_bomb_is_refused_with_bounded_memory(tmp_path):
    path = tmp_path / "bomb.csv.gz"
    row = b"2020-01-06,100.0" + b" " * 16_000 + b"\n"
    part = gzip.compress(row * 64, mtime=0)  # an archive may have many members: 300 MiB of the same row
    path.write_bytes(gzip.compress(b"Date,Close\n", mtime=0) + part * 300)
    tracemalloc.start()
    with pytest.raises(InputError, match="must not unpack to more than 100 times"):
        load_series(DataConfig(file=str(path)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32 << 20


def test_parquet_bomb_is_refused_before_it_is_unpacked(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = tmp_path / "bomb.parquet"
    once = pyarrow.DictionaryArray.from_arrays(
        pyarrow.array([0] * 2_000, pyarrow.int32()), pyarrow.array(["x" * 10**6])
    )
    rows = {"Date": ["2020-01-06"] * 2_000, "Close": [1.0] * 2_000, "Note": once}
    parquet.write_table(pyarrow.table(rows), path, store_schema=False)
    before = pyarrow.total_allocated_bytes()
    with pytest.raises(InputError, match=r"must not unpack to more than 100 times .* 2,000,000,000 bytes of cells"):
        load_series(DataConfig(file=str(path)))
    assert pyarrow.default_memory_pool().max_memory() - before < 256 << 20

"""A name cannot leave its folder, and is one on any system."""

import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasforecast.errors import OptionError
from kerasforecast.runtime import names
from kerasforecast.runtime.names import NAME_LIMIT, name_from, safe_name, table_name

GOOD_NAMES = [
    "ibm",
    "AAPL",
    "^GSPC",
    "BRK-B",
    "EURUSD=X",
    "petr4.sa",
    "a",
    "_",
    "-",
    "0",
    "console",
    "com10",
    "x" * 100,
    "naïve",
    "株価",
    "Цены",
    "हिन्दी",
    "أسعار",
    "株" * 60,
]


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_tickers_and_plain_words_are_names(name):
    assert safe_name(name) == name


HOSTILE = [
    "",
    ".",
    "..",
    "../ibm",
    "a/b",
    "a\\b",
    "/etc/passwd",
    "C:ibm",
    "C:\\ibm",
    "\\\\host\\share",
    "~",
    "~root",
    ".hidden",
    "ibm.",
    "ibm ",
    " ibm",
    "ibm\n",
    "\nibm",
    "ibm\x00",
    "ibm\x1b[2J",
    "a b",
    "a*",
    "a?",
    "$HOME",
    "`id`",
    "a;b",
    "a|b",
    "con",
    "CON",
    "nul.keras",
    "Aux.tar.gz",
    "com1",
    "LPT9.txt",
    "x" * 101,
    "nai\u0308ve",
    "\u0301a",
    "é" * 91,
    "株" * 61,
    "\U0001f4a9",
    "ﬁ",
    "a\u200db",
    "\u05d0\u202eb",
    "ibm\u202ekeras",
    "ＩＢＭ",
    "．．",
    "ibm:stream",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_refused_in_one_line(name):
    with pytest.raises(OptionError) as caught:
        safe_name(name)
    assert str(caught.value).startswith("--name must be ")
    assert str(caught.value).isprintable()


@given(st.one_of(st.text(), st.text("./\\~:^=-_ aCONcon1\n\x00", max_size=12), st.sampled_from(HOSTILE)))
def test_a_name_that_is_taken_names_a_file_in_the_folder_and_no_other(name):
    try:
        safe_name(name)
    except OptionError:
        return
    path = os.path.normpath(os.path.join("/folder", f"{name}.keras"))
    assert os.path.dirname(path) == "/folder"
    assert os.path.basename(path) == f"{name}.keras"
    assert name.isprintable()
    assert len(name) <= NAME_LIMIT
    assert len(os.fsencode(f"{name}.keras")) <= 200
    assert unicodedata.normalize("NFKC", name) == name


@given(st.one_of(st.text(), st.text("./\\~:^=-_ aCONcon1\n\x00", max_size=12), st.sampled_from(HOSTILE)))
def test_a_name_made_from_any_text_is_safe(text):
    assert safe_name(name_from(text)) == name_from(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("AAPL", "AAPL"),
        ("^GSPC", "^GSPC"),
        ("my prices (2020)", "my-prices-2020"),
        ("../../etc/passwd", "etc-passwd"),
        ("Petróleo Brasileiro", "Petróleo-Brasileiro"),
        ("Petro\u0301leo", "Petróleo"),
        ("株価 (東京)", "株価-東京"),
        ("हिन्दी डेटा", "हिन्दी-डेटा"),
        ("ＩＢＭ", "IBM"),
        ("", "model"),
        ("con", "model-1143da2b"),
        ("\U0001f4a9", "model-34722ef0"),
        ("x" * 150, "x" * 100),
        ("x" * 99 + ".csv", "x" * 99),
    ],
)
def test_a_name_is_the_nearest_to_the_text(text, name):
    assert name_from(text) == name


def test_where_the_file_system_holds_ascii_alone_names_are_told_apart_by_a_hash(monkeypatch):
    monkeypatch.setattr(names.os, "fsencode", lambda name: name.encode("ascii"))
    made = [name_from(text) for text in ("株価", "東京", "株 prices", "Petróleo", "AAPL")]
    assert len(set(made)) == 5
    assert all(safe_name(name).isascii() for name in made)
    assert made[2].startswith("prices-")
    assert made[4] == "AAPL"
    with pytest.raises(OptionError):
        safe_name("株価")


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("BRK.A.csv", "BRK.A"),
        ("data/BRK.B.csv.gz", "BRK.B"),
        ("prices.2020.txt.xz", "prices.2020"),
        ("株価.parquet", "株価"),
        ("a.TSV", "a"),
        ("a.b", "a.b"),
        ("a.csv.old", "a.csv.old"),
        ("a.gz", "a"),
        ("data", "data"),
        (".csv", ".csv"),
        ("-", "series"),
    ],
)
def test_a_table_is_called_as_its_file_without_known_endings(file, name):
    assert table_name(file) == name

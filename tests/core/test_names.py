"""A name cannot leave its folder, and is one on any system."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasforecast.errors import OptionError
from kerasforecast.runtime.names import NAME_LIMIT, name_from, safe_name

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
    "naïve",
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
    assert name.isascii()
    assert len(name) <= NAME_LIMIT


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
        ("Petróleo Brasileiro", "Petr-leo-Brasileiro"),
        ("株価", "model"),
        ("", "model"),
        ("con", "model"),
        ("x" * 150, "x" * 100),
        ("x" * 99 + ".csv", "x" * 99),
    ],
)
def test_a_name_is_the_nearest_to_the_text(text, name):
    assert name_from(text) == name

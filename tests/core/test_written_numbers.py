"""Columns of numbers as people write them: read where one reading fits, said, or refused with what settles it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasforecast.data.check import examine
from kerasforecast.data.load import load_series
from kerasforecast.data.table.written import looks_like_numbers, read_written
from kerasforecast.errors import DataError
from kerasforecast.sections.data import DataConfig

DATES = pd.bdate_range("2024-01-02", periods=12)


def table(tmp_path, cells, column="Close", others=None, separator=";", quote=False):
    """A file whose `column` holds `cells`, and beside it `others`."""
    columns = {"Date": [str(date.date()) for date in DATES[: len(cells)]], column: list(cells)} | (others or {})
    path = tmp_path / "t.csv"
    path.write_text(pd.DataFrame(columns).to_csv(index=False, sep=separator, quoting=1 if quote else 0))
    return str(path)


def load(file, **options):
    return load_series(DataConfig(file=file, **options), positive_prices=False)


READ = {
    "dollars": (["$80.39", "$1,080.39"], [80.39, 1080.39], "'$1,080.39' is 1080.39"),
    "euros": (["\u20ac 1.234,50", "\u20ac 977,00"], [1234.5, 977.0], "'\u20ac 1.234,50' is 1234.5"),
    "euros behind": (["1.234,50 \u20ac", "977,00 \u20ac"], [1234.5, 977.0], "'1.234,50 \u20ac' is 1234.5"),
    "reals": (["R$ 10,20", "R$ 1.010,25"], [10.2, 1010.25], "'R$ 1.010,25' is 1010.25"),
    "rupees": (["\u20b91,23,456.50", "\u20b999,999.00"], [123456.5, 99999.0], "is 123456.5"),
    "francs": (["CHF 1\u2019234.50", "CHF 977.25"], [1234.5, 977.25], "is 1234.5"),
    "percent": (["5 %", "6.5%"], [5.0, 6.5], "'5 %' is 5"),
    "unit": (["12.3 kWh", "1,212.4 kWh"], [12.3, 1212.4], "'1,212.4 kWh' is 1212.4"),
    "price of energy": (["80.39 EUR/MWh", "-3.2 EUR/MWh"], [80.39, -3.2], "'80.39 EUR/MWh' is 80.39"),
    "brackets": (["(12.39)", "15.20"], [-12.39, 15.2], "'(12.39)' is -12.39"),
    "dollars in brackets": (["($1,012.39)", "$15.20"], [-1012.39, 15.2], "is -1012.39"),
    "minus behind": (["12.39-", "15.20"], [-12.39, 15.2], "'12.39-' is -12.39"),
    "true minus": (["\u22125.5", "3.25"], [-5.5, 3.25], None),
    "no-break space": (["12\u00a0345,6", "977,5"], [12345.6, 977.5], "is 12345.6"),
    "narrow space": (["1\u202f345\u202f678", "977"], [1345678.0, 977.0], "is 1345678"),
    "volumes": (["1.25M", "3.4K", "1.5B", "977"], [1.25e6, 3400.0, 1.5e9, 977.0], "'1.25M' is 1250000"),
    "millions with points": (["1.022.500", "977", "1.103"], [1022500.0, 977.0, 1103.0], "is 1022500"),
}


@pytest.mark.parametrize("case", READ.values(), ids=READ)
@pytest.mark.parametrize("named", [True, False])
def test_what_has_one_reading_is_read_and_said(tmp_path, case, named):
    cells, numbers, note = case
    file = table(tmp_path, cells, "Close" if named else "Load")
    series = load(file)
    np.testing.assert_array_equal(series.values[:, 0], numbers)
    assert note is None or any(note in said for said in series.notes)
    assert examine(DataConfig(file=file)).series.notes == series.notes
    in_frame = pd.read_csv(file, sep=";", dtype=str, keep_default_na=False)
    np.testing.assert_array_equal(load_series(DataConfig(), in_frame, positive_prices=False).values[:, 0], numbers)


@pytest.mark.parametrize(("name", "cell"), [("Close/Last", "$80.39"), ("close_last", "80.39 USD"), ("CLOSE", "8.5%")])
def test_a_close_that_is_money_is_the_target_and_volume_is_not(tmp_path, name, cell):
    others = {"Volume": [1200, 1300, 1250], "Open": ["$79", "$80", "$81"]}
    series = load(table(tmp_path, [cell, cell.replace("8", "9"), cell], name, others))
    assert series.target == name
    assert series.notes[-2].endswith("Not used: Volume, Open.")


@pytest.mark.parametrize("name", ["Volume", "Vol.", "vol", "count", "Trade Count", "id", "index", "Volume BTC"])
def test_counts_and_labels_are_never_taken_by_elimination(tmp_path, name):
    file = table(tmp_path, [3, 5, 4], name)
    with pytest.raises(DataError, match=f"taken only if named: give --target '{name}'"):
        load(file)
    assert load(file, target=name).target == name


@pytest.mark.parametrize("cell", ["1.234", "$1.234", "1,234 kr", "12 %"])
def test_the_only_plain_numbers_are_not_taken_over_text_that_looks_like_numbers(tmp_path, cell):
    with pytest.raises(DataError, match=r"Received: Preis, Menge\. Give --target NAME"):
        load(table(tmp_path, [cell, cell.replace("2", "3")], "Preis", {"Menge": [1, 2]}))


def test_words_are_no_numbers(tmp_path):
    others = {"Note": ["Q1", "store 5", "9:30"], "Code": ["12A", "12B", "13A"], "Day": ["1/2", "3-5", "2.1."]}
    assert load(table(tmp_path, [1.5, 2.5, 2.0], "Load", others)).target == "Load"
    for cells in others.values():
        assert not looks_like_numbers(cells)


TWO_READINGS = {
    "comma": (["1,234", "1,240"], ",", 1234.0, 1.234, {"separator": ",", "quote": True}),
    "comma beside whole numbers": (["977", "1,022"], ",", 1022.0, 1.022, {"separator": ",", "quote": True}),
    "comma between semicolons": (["977", "1,022"], ",", 1022.0, 1.022, {}),
    "comma throughout": (["1,022", "1,101"], ",", 1022.0, 1.022, {"separator": "\t"}),
    "point": (["977", "985", "1.022", "1.103"], ".", 1022.0, 1.022, {}),
    "point and 1.000": (["998", "999", "1.000", "1.001"], ".", 1000.0, 1.0, {}),
    "newest first": (["1.103", "1.022", "985"], ".", 1103.0, 1.103, {}),
    "money": (["\u20ac1.022", "\u20ac977"], ".", 1022.0, 1.022, {}),
}


@pytest.mark.parametrize("case", TWO_READINGS.values(), ids=TWO_READINGS)
def test_what_has_two_readings_is_refused_and_either_option_settles_it(tmp_path, case):
    cells, mark, high, low, how = case
    file = table(tmp_path, cells, **how)
    at = next(place for place, cell in enumerate(cells) if mark in cell)
    with pytest.raises(DataError) as caught:
        load(file)
    assert f"row {at + 2}, column Close: expected a number with one reading, not {high:g} or {low:g}." in str(
        caught.value
    )
    assert f"Use --thousands '{mark}' for the first, --decimal '{mark}' for the other." in str(caught.value)
    assert load(file, thousands=mark).values[at, 0] == high
    assert load(file, decimal=mark).values[at, 0] == low
    with pytest.raises(DataError, match="one reading"):
        examine(DataConfig(file=file))


@pytest.mark.parametrize(
    "cells",
    [
        ["976", "977", "976.333", "980"],  # one mean among whole numbers
        ["3.459", "3.461", "3.479"],  # petrol
        ["1.022", "1.1", "1"],
        ["0.875", "1", "0.125"],
        ["977", "1022.5", "1103"],
        ["0,459", "1,022", "1,101"],
        ["1,022", "1,10", "1,101"],
    ],
)
def test_decimals_are_not_taken_for_thousands(tmp_path, cells):
    assert load(table(tmp_path, cells)).values[:, 0].tolist() == [float(cell.replace(",", ".")) for cell in cells]


def test_the_decimal_mark_of_other_columns_decides(tmp_path):
    series = load(table(tmp_path, ["1,234", "977"], others={"Open": [80.39, 80.1]}, separator=",", quote=True))
    assert series.values[:, 0].tolist() == [1234.0, 977.0]
    series = load(table(tmp_path, ["1.234", "977"], others={"Open": ["80,39", "80,1"]}))
    assert series.values[:, 0].tolist() == [1234.0, 977.0]


@pytest.mark.parametrize(
    "cells", [["$5", "\u20ac6", "$7"], ["$5", "6", "$7"], ["5%", "0.06", "7%"], ["5 kWh", "6 MWh", "7 kWh"]]
)
def test_another_currency_or_unit_is_a_fault(tmp_path, cells):
    with pytest.raises(DataError, match=r"row 3, column Close: expected a number written as in other rows, '.*5.*'"):
        load(table(tmp_path, cells))


MISSING = [".", "-", "--", "n/a", "N/A", "null", "#N/A", "NULL", "?", "\u2013", "NaN", "None", "na"]


@pytest.mark.parametrize("mark", MISSING)
@pytest.mark.parametrize("form", ["{}", "${}"])
def test_marks_for_a_missing_value_are_missing_values(tmp_path, mark, form):
    file = table(tmp_path, [form.format(5), mark, form.format(7.5)], others={"Open": [1, 2, 3]})
    assert load(file, missing="drop").values[:, 0].tolist() == [5.0, 7.5]
    assert load(file, missing="ffill").values[:, 0].tolist() == [5.0, 5.0, 7.5]
    with pytest.raises(DataError, match=r"row 3, column Close: .* Use --missing drop to skip such rows"):
        load(file)
    assert examine(DataConfig(file=file)).rows.missing == 1


@pytest.mark.parametrize("words", [("True", "False"), ("true", "false"), ("TRUE", "FALSE"), (True, False)])
def test_true_and_false_are_one_and_zero(tmp_path, words):
    cells = [words[0], words[1], words[0]]
    file = table(tmp_path, [5, 6, 7], others={"Promo": cells})
    series = load(file, past=("Promo",))
    assert series.values[:, 1].tolist() == [1.0, 0.0, 1.0]
    assert "Column Promo: True counts as 1, False as 0." in series.notes
    frame = pd.DataFrame({"y": [5.0, 6.0, 7.0], "Promo": pd.array(cells)}, index=DATES[:3])
    assert load_series(DataConfig(past=("Promo",)), frame).values[:, 1].tolist() == [1.0, 0.0, 1.0]
    gap = load(table(tmp_path, [5, 6, 7], others={"Promo": [*cells[:2], "."]}), past=("Promo",), missing="drop")
    assert gap.values[:, 1].tolist() == [1.0, 0.0]


def test_dates_are_no_numbers_and_categories_are_what_they_hold():
    frame = pd.DataFrame({"y": DATES, "z": pd.Categorical(["$5"] * 6 + ["$6"] * 6)}, index=DATES)
    with pytest.raises(DataError, match="column y: expected a number"):
        load_series(DataConfig(target="y"), frame)
    assert load_series(DataConfig(target="z"), frame).values[-1, 0] == 6


def test_columns_that_nobody_declared_are_said_not_to_be_used(tmp_path):
    others = {"Adj Close": [5, 6, 7.5], "Volume": [1, 2, 3], "Note": ["a", "b", "c"]}
    file = table(tmp_path, [5, 6, 7.5], others=others)
    hint = "Target column Close; --target 'Adj Close' takes adjusted prices. Not used: "
    assert load(file).notes[-1] == hint + "Adj Close, Volume, Note."
    assert load(file, target="Close", past=("Volume",)).notes[-1] == "Not used: Adj Close, Note."
    assert not any("Not used" in note for note in load(table(tmp_path, [5, 6, 7.5])).notes)
    only = load(table(tmp_path, [5, 6, 7.5], "Load", {"Note": ["a", "b", "c"]}))
    assert only.notes[-1] == "Target column Load: the only column of numbers. Not used: Note."


def test_data_check_says_what_a_fit_would_take_otherwise_or_refuse():
    def notes(values, name="y"):
        return examine(DataConfig(), pd.DataFrame({name: values}, index=DATES)).as_json()["notes"]

    meter = notes(12_345_678 + 0.1 * np.arange(12) ** 1.5)
    assert meter[-1].endswith("% of a usual change away. Subtract 12,345,678 from it first.")
    assert notes([*range(11), 0.0])[-1].startswith("2 values of y not positive: fit takes plain differences where ")
    assert notes([*range(11), 0.0], "Close")[-1] == "2 prices of Close not positive: fit needs --scaling difference."
    assert notes(np.arange(12.0) + 1) == []


STYLES = [(".", ","), (",", "."), (",", "\u202f"), (".", "\u2019"), (",", "\u00a0"), (".", None), (",", None)]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(-(10**11), 10**11), min_size=1, max_size=12),
    st.sampled_from(STYLES),
    st.sampled_from(["{}", "${}", "\u20ac {}", "{} \u20ac", "{}%", "{} kWh", "USD {}"]),
    st.sampled_from(["-", "\u2212", "()"]),
)
def test_any_numbers_in_any_style_are_read_back(cents, style, form, minus):
    decimal, between = style
    cells = []
    for number in cents:
        text = f"{abs(number) // 100:,}".replace(",", between or "") + f"{decimal}{abs(number) % 100:02}"
        shown = form.format(text)
        cells.append(shown if number >= 0 else f"({shown})" if minus == "()" else minus + shown)
    written = read_written(cells, None, None, None)
    assert not written.faulty.any()
    assert not written.ambiguous
    assert written.numbers.tolist() == [number / 100 for number in cents]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text("0123456789.,' $-()%Kk\u2212", max_size=9), max_size=6))
def test_no_text_ends_in_a_fault_or_in_a_number_beside_its_own_digits(cells):
    written = read_written(cells, None, None, None)
    for cell, number, faulty in zip(cells, written.numbers, written.faulty, strict=True):
        assert not (faulty and np.isfinite(number))
        if np.isfinite(number) and not cell.upper().strip(" ()-").endswith("K"):
            digits = "".join(char for char in cell if char.isdigit())
            assert f"{abs(number):.9f}".replace(".", "").strip("0") == digits.strip("0")

"""What is named in a valid table: unadjusted splits, filled weekends, a stale tail, a changed step; and what is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kerasforecast.data.check import examine
from kerasforecast.data.load import load_series
from kerasforecast.sections.data import DataConfig

HERE = Path(__file__).parents[1] / "data"


def splits(name, columns=None, **options):
    if columns is None:
        findings = examine(DataConfig(file=str(HERE / f"{name}.csv.gz"), **options))
    else:
        findings = examine(DataConfig(**options), pd.read_csv(HERE / f"{name}.csv.gz", usecols=columns))
    return [(split["date"], split["ratio"]) for split in findings.as_json()["splits"]]


def test_splits_of_known_stocks():
    assert splits("aapl") == [("2000-06-21", 2.0), ("2005-02-28", 2.0)]
    assert splits("msft") == [("2003-02-18", 2.0)]
    assert splits("goog") == []
    assert splits("aapl", target="Adj Close") == []


def test_splits_without_adjusted_prices():
    with_volume = ["Date", "Close", "Volume"]  # which tells the crash of 2000-09-29 from a split
    assert splits("aapl", with_volume) == [("2000-06-21", 2.0), ("2005-02-28", 2.0)]
    assert splits("msft", ["Date", "Close"]) == [("2003-02-18", 2.0)]
    assert {("2000-06-21", 2.0), ("2005-02-28", 2.0)} <= set(splits("aapl", ["Date", "Close"]))


def test_the_note_names_date_ratio_and_remedy():
    series = load_series(DataConfig(file=str(HERE / "aapl.csv.gz")))
    assert "Split suspected on 2005-02-28 (2 for 1): Close looks unadjusted; use --target 'Adj Close'." in series.notes


def walk(n=300, seed=0, spread=0.01):
    return 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, spread, n)))


def notes(values, index):
    return " ".join(load_series(DataConfig(), pd.DataFrame({"Close": values}, index=index)).notes)


@pytest.mark.parametrize(
    ("ratio", "words"), [(3.0, "3 for 1"), (1.5, "3 for 2"), (0.1, "1 for 10"), (20.0, "20 for 1")]
)
def test_other_ratios(ratio, words):
    values = walk()
    values[150:] /= ratio
    index = pd.bdate_range("2020-01-01", periods=300)
    assert f"Split suspected on {index[150].date()} ({words})" in notes(values, index)


@pytest.mark.parametrize("seed", range(5))
def test_ordinary_series_are_not_suspected(seed):
    said = notes(walk(seed=seed, spread=0.03), pd.bdate_range("2020-01-01", periods=300))
    assert not any(word in said for word in ("Split", "stale", "repeat", "step changes"))


def test_a_crash_that_is_no_ratio_is_no_split():
    values = walk()
    values[150:] *= 0.6
    assert "Split" not in notes(values, pd.bdate_range("2020-01-01", periods=300))


def test_filled_weekends():
    business = pd.Series(walk(120), index=pd.bdate_range("2023-01-02", periods=120))
    stretch = business["2023-03-06":"2023-05-05"].asfreq("D").ffill()
    mixed = pd.concat([business, stretch[stretch.index.day_of_week >= 5]]).sort_index()
    said = notes(mixed.to_numpy(), mixed.index)
    assert "16 rows on Saturdays and Sundays, 2023-03-11 to 2023-04-30, repeat the value before" in said
    real = pd.date_range("2023-01-02", periods=120)  # a market that is open at weekends
    assert "Saturdays" not in notes(walk(120), real)


def test_stale_tail():
    index = pd.bdate_range("2023-01-02", periods=300)
    values = walk()
    values[-8:] = values[-8]
    assert f"The last 8 values are all {values[-1]:.7g}, from {index[-8].date()} on" in notes(values, index)
    values[-3:] += [1, 2, 3]
    assert "stale" not in notes(values, index)


def test_change_of_step():
    quarters = pd.date_range("2010-01-01", periods=30, freq="QS")
    days = pd.bdate_range(quarters[-1] + pd.Timedelta(days=1), periods=200)
    index = quarters.append(days)
    said = notes(walk(len(index)), index)
    assert f"The step changes from 91 days to 1 day at {quarters[-1].date()}" in said
    series = load_series(DataConfig(), pd.DataFrame({"Close": walk(len(index))}, index=index))
    assert series.frequency == "B"  # as it goes on, whatever weekends the quarters began on
    back = pd.bdate_range("2020-01-01", periods=100).append(pd.date_range("2020-06-01", periods=40, freq="W-MON"))
    assert "The step changes from 1 day to 7 days" in notes(walk(len(back)), back)


def test_sessions_and_holidays_are_no_change_of_step():
    assert "step" not in " ".join(load_series(DataConfig()).notes)
    bars = [
        pd.date_range(f"{day.date()} 09:30", periods=13, freq="30min")
        for day in pd.bdate_range("2024-01-02", periods=40)
    ]
    index = pd.DatetimeIndex(np.concatenate(bars))
    assert "step changes" not in notes(walk(len(index)), index)


def test_the_calendar_of_a_market_is_recognised_only_beyond_doubt():
    aapl = pd.read_csv(HERE / "aapl.csv.gz", usecols=["Date", "Close"])
    assert load_series(DataConfig(), aapl).calendar == "XNYS"
    without_one = aapl.drop(index=1_000)
    assert load_series(DataConfig(), without_one).calendar is None
    assert load_series(DataConfig(), aapl.iloc[:200]).calendar is None
    business = pd.DataFrame({"y": walk(600)}, index=pd.bdate_range("2020-01-01", periods=600))
    assert (load_series(DataConfig(), business).calendar, load_series(DataConfig(), business).frequency) == (None, "B")


def test_check_counts_what_fit_refuses():
    frame = pd.DataFrame({"Close": [1.0, np.nan, 3.0, 4.0, 5.0, -6.0], "Volume": 1.0})
    frame.index = pd.DatetimeIndex(["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-04", "2024-01-08", "2024-01-09"])
    found = examine(DataConfig(), frame).as_json()
    assert (found["rows"], found["missing"], found["duplicates"], found["gap_rows"]) == (4, 1, 1, 2)
    assert "Holidays count as gaps: --calendar tells them apart." in found["notes"]
    assert found["gaps"][0] == {"start": "2024-01-03", "end": "2024-01-03", "rows": 1}
    assert any("fit needs --missing" in note for note in found["notes"])
    assert any("fit needs --duplicates" in note for note in found["notes"])
    assert any("not positive" in note for note in found["notes"])


def test_gaps_of_a_calendar_and_of_weeks():
    aapl = pd.read_csv(HERE / "aapl.csv.gz", usecols=["Date", "Close"])
    found = examine(DataConfig(calendar="XNYS"), aapl.drop(index=[1_000, 1_001, 1_002, 2_000])).as_json()
    assert found["gap_rows"] == 4
    assert found["gaps"][0]["rows"] == 3
    weekly = examine(DataConfig(file=str(HERE / "statsmodels__co2_weekly.csv.gz"))).as_json()
    assert (weekly["frequency"], weekly["gap_rows"], weekly["missing"]) == ("W-SAT", 59, 59)

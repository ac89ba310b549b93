"""Rows that a model has learned from are known again, whichever part of them a table holds, and others are not."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasforecast.artifact.records import DataRecord, Probe
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.evaluation.cold_start import evaluate_unseen
from kerasforecast.evaluation.learned import continues, learned_windows
from kerasforecast.forecasting.forecast import Forecast
from kerasforecast.preprocessing.windows import windows_of

ROWS, WINDOW = 300, 8
CONFIG = Config.from_options(window=WINDOW)
VALUES = 100 * np.exp(0.02 * np.random.default_rng(0).normal(size=ROWS).cumsum())
DATES = pd.bdate_range("2020-01-01", periods=ROWS)
STEPS = pd.RangeIndex(ROWS)
PROBED = np.unique(np.concatenate([np.linspace(0, 254, 60).astype(int), np.arange(205, 255)]))


def series(values=VALUES, index=DATES):
    return Series(np.asarray(values)[:, None], index, ("Close",))


def counts(data, steps=1, known=None):
    origins = np.arange(WINDOW - 1, len(data) - steps)
    found = learned_windows(known or RECORDS[data.dated], Panel.of(data), origins, steps)
    return int(found.train.sum()), int(found.validation.sum()), len(found.unseen)


def by_hand(index):
    """A record as a fit on 300 rows leaves it: 210 of training, 45 of validation, 45 of test."""
    stamps = index.strftime("%Y-%m-%d") if isinstance(index, pd.DatetimeIndex) else list(index)
    rows = PROBED
    edges = {"train": (0, 209), "validation": (210, 254), "test": (255, 299)}
    return DataRecord(
        source="frame", location="", snapshot="", retrieved="", rows=ROWS, start=stamps[0], end=stamps[-1],
        frequency="B", calendar=None, sha256="0" * 64,
        split={part: {"rows": 1, "windows": 1, "start": stamps[a], "end": stamps[b]} for part, (a, b) in edges.items()},
        probe=Probe(rows=tuple(stamps[row] for row in rows), values=tuple(VALUES[rows].tolist())),
    )  # fmt: skip


RECORDS = {True: by_hand(DATES), False: by_hand(STEPS)}


@pytest.mark.parametrize("index", [DATES, STEPS])
def test_each_window_belongs_to_the_part_of_its_target(index):
    assert counts(series(index=index)) == (202, 45, 45)
    assert counts(series(index=index), steps=5) == (202, 45, 41)  # a target that reaches into a part belongs to it


@pytest.mark.parametrize("index", [DATES, STEPS])
@given(data=st.data())
def test_any_stretch_of_the_rows_is_known_again(index, data):
    first = data.draw(st.integers(0, ROWS - 40))
    stop = data.draw(st.integers(first + 40, ROWS))
    whole = series(index=index)
    part = series(VALUES[first:stop], DATES[first:stop] if whole.dated else pd.RangeIndex(stop - first))
    targets = np.arange(first + WINDOW, stop)
    expected = [int(np.sum(mask)) for mask in (targets < 210, (targets >= 210) & (targets < 255), targets >= 255)]
    held = np.sum((first <= PROBED) & (stop > PROBED))
    if held >= 3 or (whole.dated and held):  # values of the record that the stretch holds
        assert list(counts(part)) == expected


@pytest.mark.parametrize(
    "change", [lambda v: v * 0.5, lambda v: v * 1.37, lambda v: np.where(np.arange(ROWS) == 99, 5.0, v)]
)
def test_adjusted_and_mended_values_are_still_the_same_series(change):
    assert counts(series(change(VALUES))) == (202, 45, 45)


@pytest.mark.parametrize("index", [DATES, STEPS])
def test_another_series_of_the_same_dates_has_not_been_learned_from(index):
    other = 100 * np.exp(0.02 * np.random.default_rng(1).normal(size=ROWS).cumsum())
    assert counts(series(other, index)) == (0, 0, 292)


@pytest.mark.parametrize(
    "data", [series(index=DATES + pd.Timedelta(days=3650)), series(index=DATES + pd.Timedelta(hours=1))]
)
def test_other_dates_have_not_been_learned_from(data):
    assert counts(data)[:2] == (0, 0)


def test_a_record_without_probe_knows_its_very_data_alone():
    """Files of older releases."""
    data = series()
    old = RECORDS[True].model_copy(update={"probe": None, "sha256": data.sha256})
    assert counts(data, known=old) == (202, 45, 45)
    assert counts(series(VALUES[:-1], DATES[:-1]), known=old) == (0, 0, 291)
    assert learned_windows(None, Panel.of(data), np.arange(7, 299), 1).text is None


def test_a_strangers_record_makes_no_fault():
    data = series()
    for probe in (Probe(rows=(1, 2), values=(1.0, 2.0)), Probe(rows=("x", "2020-13-01"), values=(1.0, 2.0))):
        for known in RECORDS.values():
            assert counts(data, known=known.model_copy(update={"probe": probe}))[:2] == (0, 0)
            assert counts(series(index=STEPS), known=known.model_copy(update={"probe": probe}))[:2] == (0, 0)
    with pytest.raises(ValueError, match="2 rows need as many values, not 1"):
        Probe(rows=(1, 2), values=(1.0,))


class Naive:
    def in_sequence(self, windows, start=None):
        return Forecast(np.repeat(windows.last()[:, None], windows.steps, axis=1), None), None


def evaluated(data):
    origins = np.arange(WINDOW - 1, len(data) - 1)
    learned = learned_windows(RECORDS[True], Panel.of(data), origins, 1)
    return evaluate_unseen(Naive(), windows_of(Panel.of(data), origins, WINDOW, 1), None, learned)


def test_scores_and_verdict_are_those_of_the_windows_not_learned_from():
    found = evaluated(series())
    assert found.learned == "202 in its training part and 45 in its validation part"
    assert found.scores["n"] == len(found.table) == 45
    assert list(found.table["date"]) == list(DATES[255:])
    assert found.verdict.startswith("no better than naive")


def test_there_is_no_verdict_where_all_has_been_learned_from():
    found = evaluated(series(VALUES[:250], DATES[:250]))
    assert found.scores["n"] == 242
    assert found.judgement.status == "not judged"
    assert found.verdict == (
        "no verdict: the model has learned from all 242 windows "
        "(202 in its training part and 40 in its validation part)"
    )
    assert not found.better
    assert found.interval_verdict is None


def test_new_rows_say_nothing_of_it():
    later = pd.bdate_range(DATES[-1], periods=61)[1:]
    found = evaluated(series(VALUES[:60], later))
    assert (found.learned, found.scores["n"]) == (None, 52)


def test_the_test_part_counts_where_the_weights_have_learned_from_it():
    record = RECORDS[True].model_copy(update={"learned": ("train", "validation", "test")})
    data = Panel.of(series())
    found = learned_windows(record, data, np.arange(WINDOW - 1, ROWS - 1), 1)
    assert [int(part.sum()) for part in (found.train, found.validation, found.test)] == [202, 45, 45]
    assert found.text == "202 in its training part, 45 in its validation part and 45 in its test part"
    assert not len(found.unseen)


def test_what_the_models_before_it_have_learned_counts_too():
    """Each window once, in the first part that it is of."""
    later = RECORDS[True].split | {"train": RECORDS[True].split["test"]}
    other = RECORDS[True].model_copy(update={"split": later})
    data = Panel.of(series())
    found = learned_windows((RECORDS[True], other), data, np.arange(WINDOW - 1, ROWS - 1), 1)
    assert [int(part.sum()) for part in (found.train, found.validation, found.test)] == [247, 45, 0]


def test_newer_data_holds_the_old_rows_or_begins_after_them():
    longer = np.concatenate([VALUES, VALUES[:50]])
    dates = pd.bdate_range("2020-01-01", periods=ROWS + 50)
    record = RECORDS[True]
    assert continues(record, Panel.of(series(longer, dates)))
    assert continues(record, Panel.of(series(longer[100:], dates[100:])))
    assert continues(record, Panel.of(series(longer[ROWS:], dates[ROWS:])))
    assert not continues(record, Panel.of(series(longer[::-1], dates)))
    assert not continues(record, Panel.of(series(longer, pd.RangeIndex(ROWS + 50))))
    steps = RECORDS[False]
    assert continues(steps, Panel.of(series(longer, pd.RangeIndex(ROWS + 50))))
    assert not continues(steps, Panel.of(series(longer[100:], pd.RangeIndex(ROWS - 50))))  # numbered from 0 again

"""Intervals of many series: pooled where one alone knows too little, its own where it does, and never of the future."""

import dataclasses
import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.forecasting.adaptive import RATE, Adapted, adapt, adapted_after
from kerasforecast.forecasting.conformal import Calibration, calibrate
from kerasforecast.forecasting.forecaster import Forecaster
from kerasforecast.forecasting.levels import within_validation
from kerasforecast.forecasting.timeline import NEVER, Timeline
from kerasforecast.forecasting.widths import Widths
from kerasforecast.metrics.probabilistic import coverage, crps
from kerasforecast.preprocessing.batch import WindowBatch
from kerasforecast.preprocessing.fit_scaling import fit_scaling
from kerasforecast.preprocessing.suitability import first_after_unusable
from kerasforecast.preprocessing.volatility import volatility_of
from kerasforecast.preprocessing.windows import windows_of
from tests.stand_ins import PointNetwork

WINDOW, VALIDATION, TEST = 10, 15, 15
LEVELS = Config.from_options().levels  # 95, 80 and 50 %


class LastValue(PointNetwork):
    """The naive forecast."""

    def __init__(self, horizon):
        super().__init__(WINDOW, horizon)

    def outputs(self, batch):
        return np.repeat(batch.past[:, -1:, 0], self.horizon, axis=1)


def panel_of(parts, ends=None):
    """Series that end at the same date, or at the `ends` given."""
    last = [1_000] * len(parts) if ends is None else ends
    series = [
        Series(np.asarray(part)[:, None], pd.RangeIndex(end - len(part), end), ("y",))
        for part, end in zip(parts, last, strict=True)
    ]
    return Panel.joined(series, [f"s{place:04}" for place in range(len(parts))], key="shop")


def walks(count, seed=0, noise=0.0, rows=(50, 110)):
    """Random walks of any size and length; a series with `noise` beside it errs otherwise than a walk."""
    generator = np.random.default_rng(seed)
    parts = []
    for length in generator.integers(*rows, size=count):
        walk = generator.normal(size=length).cumsum() + noise * generator.normal(size=length)
        parts.append(10 ** generator.uniform(-3, 4) * walk)
    return parts


def windows_in(panel, stop, rows, steps):
    """Windows whose targets lie in so many rows of each series, up to `stop` before its end."""
    origins = [np.arange(end - stop - rows - 1, end - stop - steps) for end in panel.ends]
    return windows_of(panel, np.concatenate(origins), WINDOW, steps)


def calibrated(panel, steps=1):
    volatility = volatility_of(panel.values[:, 0], None, panel.starts[:-1])
    forecaster = Forecaster(LastValue(steps), Config.from_options(window=WINDOW, horizon=steps), volatility)
    return forecaster.calibrated(windows_in(panel, TEST, VALIDATION, steps))


def inside(windows, quantiles):
    """Shares of outcomes inside the intervals of 95 and of 80 %."""
    actual = windows.targets()
    return [coverage(actual, quantiles[..., k], quantiles[..., -1 - k]) for k in (0, 1)]


@pytest.mark.parametrize("steps", [1, 4])
@pytest.mark.parametrize("noise", [0.0, 2.0])
def test_intervals_of_200_short_series_cover_what_they_say(steps, noise):
    panel = panel_of(walks(200, 1, noise))
    forecaster = calibrated(panel, steps)
    windows = windows_in(panel, 0, TEST, steps)
    found = forecaster.in_sequence(windows)[0].quantiles
    assert inside(windows, found) == pytest.approx([0.95, 0.8], abs=0.03)
    count = 200 * (VALIDATION - steps + 1)
    assert forecaster.calibration.note == (
        f"Prediction intervals rest on {count:,} validation windows of 200 series together."
    )


def test_a_series_never_seen_has_the_intervals_of_the_others():
    forecaster = calibrated(panel_of(walks(200, 1)))
    new = panel_of(walks(200, 2))
    windows = windows_in(new, 0, TEST, 1)
    found = forecaster.alone(windows.batch(), 1)
    assert inside(windows, found.quantiles) == pytest.approx([0.95, 0.8], abs=0.03)
    same = forecaster.alone(windows.batch(), 1, ids=np.repeat("unknown", len(windows)))
    assert np.array_equal(same.quantiles, found.quantiles)


def errors_of(spread, count, rows, seed):
    """Errors of as many series, each with a size of its own, in standard moves; timeline and ids."""
    generator = np.random.default_rng(seed)
    sizes = np.exp(spread * np.random.default_rng(9).normal(size=count))
    errors = (sizes[:, None] * generator.normal(size=(count, rows))).reshape(-1, 1)
    made = np.tile(np.arange(rows), count)
    timeline = Timeline(np.repeat(np.arange(count), rows), made, made[:, None] + 1)
    return errors, timeline, np.array([f"s{place:03}" for place in range(count)])


def calibration_of(errors, timeline, ids):
    zeros = np.zeros_like(errors)
    base = np.zeros((*errors.shape, len(LEVELS)))
    return calibrate(zeros, base, zeros + 1, errors, LEVELS, "point", errors.shape[1], timeline, ids)


@pytest.mark.parametrize("rows", [15, 60])
def test_a_series_that_is_farther_off_than_others_has_wider_intervals(rows):
    known, later = errors_of(0.5, 200, rows, 1), errors_of(0.5, 200, 40, 2)
    own, common = calibration_of(*known), calibration_of(*known[:2], np.array(["one"]))
    assert common.widths is None
    assert len(own.widths.own) > 150
    assert "series have a width of their own." in own.note
    actual, places = later[0], later[1].places
    base, ones = np.zeros((*actual.shape, len(LEVELS))), np.ones(actual.shape)
    found = {
        "own": own.intervals(base, ones * own.widths.of(later[2])[places][:, None]),
        "common": common.intervals(base, ones),
        "unseen": own.intervals(base, ones * own.widths.of(np.array(["new"]))),
    }
    losses = {
        name: crps(actual / sizes_of(places), q / sizes_of(places)[..., None], LEVELS) for name, q in found.items()
    }
    assert losses["own"] < 0.97 * losses["common"]
    for quantiles in found.values():
        covered = [coverage(actual, quantiles[..., k], quantiles[..., -1 - k]) for k in (0, 1)]
        assert covered == pytest.approx([0.95, 0.8], abs=0.03)
    # Of each series apart: how far its share inside the interval of 80 % is from 80.
    apart = {name: np.abs(shares(actual, q, places) - 0.8).mean() for name, q in found.items()}
    assert apart["own"] < 0.7 * apart["common"]


def sizes_of(places):
    return np.exp(0.5 * np.random.default_rng(9).normal(size=200))[places][:, None]


def shares(actual, quantiles, places):
    within = (quantiles[..., 1] <= actual) & (actual <= quantiles[..., -2])
    return np.bincount(places, within[:, 0]) / np.bincount(places)


@pytest.mark.parametrize(("rows", "most"), [(15, 0.1), (4, 0.25)])
def test_chance_alone_gives_no_series_a_width_of_its_own(rows, most):
    for seed in range(5):
        found = calibration_of(*errors_of(0.0, 200, rows, seed)).widths
        assert all(abs(np.log(width)) < most for width in found.own.values())
        assert found.other == pytest.approx(1, abs=most / 5)


def test_a_few_errors_of_its_own_give_a_series_most_of_its_width():
    errors, timeline, ids = errors_of(1.0, 200, 4, 0)
    found = np.log(calibration_of(errors, timeline, ids).widths.of(ids))
    wanted = np.random.default_rng(9).normal(size=200)  # the logs of their sizes
    assert np.std(found - wanted) < 0.5


def test_one_error_of_its_own_gives_a_series_no_width():
    assert calibration_of(*errors_of(1.0, 200, 1, 0)).widths == Widths(series=200)


def test_series_without_any_error_break_nothing():
    errors, timeline, ids = errors_of(0.5, 20, 15, 0)
    errors[timeline.places < 3] = 0.0
    found = calibration_of(errors, timeline, ids)
    assert not set(ids[:3]) & set(found.widths.own)
    nothing = calibration_of(np.zeros_like(errors), timeline, ids)
    assert nothing.widths == Widths(series=20)


def test_widths_are_written_read_and_bounded():
    found = calibration_of(*errors_of(0.5, 30, 30, 1))
    assert Calibration.model_validate_json(found.model_dump_json()) == found
    for wrong in (
        {"series": 1},
        {"own": {"a": 0.0}},
        {"own": {"a": -1.0}},
        {"other": 1e9},
        {"own": {str(place): 1.5 for place in range(10_001)}},
    ):
        with pytest.raises(ValidationError):
            Widths(**{"series": 2} | wrong)


def test_more_series_than_a_file_holds_keep_the_farthest(monkeypatch):
    known = errors_of(0.5, 40, 60, 1)
    whole = calibration_of(*known).widths.own
    monkeypatch.setattr("kerasforecast.forecasting.widths._MOST", 7)
    kept = calibration_of(*known).widths.own
    assert len(kept) == 7
    assert set(kept) == set(sorted(whole, key=lambda name: -abs(np.log(whole[name])))[:7])


def test_a_panel_of_one_has_the_intervals_of_its_series():
    values = walks(1, 5, rows=(400, 401))[0]
    series = Series(values[:, None], pd.RangeIndex(600, 1_000), ("y",))
    found = []
    for panel in (Panel.of(series), panel_of([values])):
        forecaster = calibrated(panel, 3)
        windows = windows_in(panel, 0, 40, 3)
        forecast, levels = forecaster.in_sequence(windows)
        kept = adapted_after(windows, levels)
        found.append((forecaster.calibration.model_dump_json(), forecast.quantiles.tobytes(), kept.model_dump_json()))
    assert found[0] == found[1]
    assert "widths" not in found[0][0]  # the file of a lone series is what it always was
    assert forecaster.calibration.windows == VALIDATION - 2


def slowly(calibration, base, moves, actual, timeline):
    """Date by date, outcome by outcome."""
    steps = base.shape[1]
    tables, wanted = calibration.tables(steps), np.array(calibration.levels)
    used = np.tile(wanted, (steps, 1))
    intervals = np.empty(base.shape)
    last = max(timeline.made)
    later = [when for when in timeline.known.ravel() if last < when < NEVER]
    until = min(later) if later else last
    dates = sorted({*timeline.made.tolist(), *timeline.known[timeline.known <= until].tolist()})
    for date in dates:
        for step in range(steps):
            missed = [actual[n, step] <= intervals[n, step] for n in np.flatnonzero(timeline.known[:, step] == date)]
            if missed:
                used[step] = np.clip(used[step] + RATE * (wanted - np.sum(missed, axis=0) / len(missed)), 0, 1)
        for n in np.flatnonzero(timeline.made == date):
            intervals[n] = calibration.around(base[n : n + 1], moves[n : n + 1], tables, used)[0]
    return intervals, used


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 9)), min_size=1, max_size=5),
    st.integers(1, 3),
    st.integers(0, 2**16),
)
def test_levels_move_by_the_mean_miss_of_each_date(spans, steps, seed):
    """Series that begin and end at different dates, with gaps: what counts is when something becomes known."""
    generator = np.random.default_rng(seed)
    places, made, known = [], [], []
    for place, (begin, length) in enumerate(spans):
        rows = begin + np.sort(generator.choice(30, length + steps + 1, replace=False))  # dates of its rows
        for origin in range(length + 1):
            places.append(place)
            made.append(rows[origin])
            known.append(rows[origin + 1 : origin + 1 + steps])
    timeline = Timeline(np.array(places), np.array(made), np.array(known).reshape(-1, steps))
    if seed % 3 == 0:
        timeline.known[-1, -1] = NEVER
    count = len(places)
    calibration = calibration_of(*errors_of(0.0, 4, 30, seed))
    base, moves = np.zeros((count, steps, len(LEVELS))), np.ones((count, steps))
    actual = 2 * generator.normal(size=(count, steps))
    found = adapt(calibration, base, moves, actual, timeline=timeline)
    for ours, theirs in zip(found, slowly(calibration, base, moves, actual, timeline), strict=True):
        assert ours.tobytes() == theirs.tobytes()


def test_nothing_later_of_any_series_moves_an_interval():
    parts = walks(12, 3)
    ends = [1_000] * 8 + [996, 993, 1_004, 990]  # and some end earlier, or later
    panel = panel_of(parts, ends)
    forecaster = calibrated(panel, 3)
    windows = windows_in(panel, 0, TEST, 3)
    before = forecaster.in_sequence(windows)[0].quantiles
    dates = panel.index.to_numpy()
    for cut in (987, 992, 997):
        for place in (0, 9):
            changed = panel.values.copy()
            changed[(dates > cut) & (panel.places(np.arange(len(dates))) != place)] *= -1e6
            changed[dates > cut] += 7.0
            moved = dataclasses.replace(windows, panel=dataclasses.replace(panel, values=changed))
            after = forecaster.in_sequence(moved)[0].quantiles
            same = (panel.places(windows.origins) == place) & (dates[windows.origins] <= cut)
            assert same.any()
            assert before[same].tobytes() == after[same].tobytes()
    assert before.tobytes() != after.tobytes()


def test_levels_go_on_with_the_rows_since_of_every_series():
    parts = walks(20, 4)
    panel, known = panel_of(parts), panel_of([part[:-6] for part in parts], [994] * 20)
    forecaster = calibrated(known)
    forecaster.predictor.members = (type("Member", (), {"scaling": scaling_of(known)}),)
    windows = windows_in(known, 0, TEST, 1)
    _, levels = forecaster.in_sequence(windows)
    kept = adapted_after(windows, levels)
    assert kept.at == 993
    forecaster = dataclasses.replace(forecaster, adapted=kept)
    assert np.array_equal(forecaster.levels_after(known), kept.levels)  # at its last row there is nothing since
    since = windows_in(panel, 0, 6, 1)
    assert np.array_equal(forecaster.levels_after(panel), forecaster.in_sequence(since, levels)[1])
    ended = panel_of([part[:-30] for part in parts], [970] * 20)
    assert forecaster.levels_after(ended) is None  # they would know its future


def test_so_many_rows_since_are_looked_at_in_some_of_the_series(monkeypatch):
    monkeypatch.setattr("kerasforecast.forecasting.forecaster._FORECAST", 60)
    parts = walks(50, 4, rows=(60, 61))
    panel = panel_of(parts)
    forecaster = calibrated(panel)
    forecaster.predictor.members = (type("Member", (), {"scaling": scaling_of(panel)}),)
    forecaster = dataclasses.replace(forecaster, adapted=Adapted(at=970, levels=(LEVELS,)))
    seen = []
    monkeypatch.setattr(LastValue, "outputs", counting(LastValue.outputs, seen))
    assert np.shape(forecaster.levels_after(panel)) == (1, len(LEVELS))
    assert 29 <= sum(seen) <= 60


def test_no_window_since_reaches_back_to_a_row_that_cannot_be_taken(monkeypatch):
    """One of few rows would mirror it."""
    parts = [np.exp(0.1 * part / np.abs(part).max()) for part in walks(3, 4, rows=(40, 41))]
    panel = panel_of(parts)
    scaling = fit_scaling("anchor", panel.values, ("y",), starts=panel.starts[:-1])
    forecaster = calibrated(panel)
    forecaster.predictor.members = (type("Member", (), {"scaling": scaling}),)
    wrong = panel_of([np.where(np.arange(40) == 5 + 20 * (place == 1), -1.0, part) for place, part in enumerate(parts)])
    kept = Adapted(at=960, levels=(LEVELS,))
    forecaster, seen = dataclasses.replace(forecaster, adapted=kept, context=4), []
    monkeypatch.setattr(LastValue, "outputs", counting(LastValue.outputs, seen, lambda batch: batch.past.min()))
    assert np.shape(forecaster.levels_after(wrong)) == (1, len(LEVELS))
    assert min(seen) > 0


def counting(answer, seen, counted=len):
    def outputs(self, batch: WindowBatch):
        seen.append(counted(batch))
        return answer(self, batch)

    return outputs


def scaling_of(panel):
    return fit_scaling("difference", panel.values, ("y",), starts=panel.starts[:-1])


def test_rows_since_are_found_in_each_series():
    panel = panel_of([np.arange(5.0), np.arange(3.0), np.arange(4.0)], [10, 4, 8])
    assert Adapted(at=6, levels=((0.5,),)).first_rows(panel).tolist() == [1, 8, 10]
    assert Adapted(at=10, levels=((0.5,),)).first_rows(panel) is None
    assert Adapted(at=dt.datetime(2020, 1, 1), levels=((0.5,),)).first_rows(panel) is None


def test_rows_that_cannot_be_taken_are_found_in_each_series():
    scaling = fit_scaling("anchor", np.array([[1.0], [2.0], [3.0]]), ("y",))
    parts = [[1.0, -1.0, 2.0], [3.0, 1.0], [0.0, 1.0, -5.0], [1.0]]
    assert first_after_unusable(scaling, panel_of([np.array(part) for part in parts])).tolist() == [2, 3, 8, 8]


def test_a_correction_is_judged_on_later_dates_not_on_later_places():
    """Every series has its validation rows at the same dates: the later half of them is that of every series."""
    errors, timeline, ids = errors_of(0.0, 30, 20, 3)
    earlier, later = timeline.halves()
    assert earlier.reshape(30, 20).all(axis=0).tolist() == [True] * 10 + [False] * 10
    assert later.reshape(30, 20).all(axis=0).tolist() == [False] * 10 + [True] * 10
    # Errors were small until half of the dates: a correction learned there would hurt.
    calm = np.where(earlier[:, None], 0.2 * errors, errors)
    normal = np.array([-1.96, -1.2816, -0.6745, 0, 0.6745, 1.2816, 1.96])
    base, ones = np.zeros((*errors.shape, len(LEVELS))) + normal, np.ones(errors.shape)
    found = calibrate(0 * ones, base, ones, calm, LEVELS, "quantiles", 1, timeline, ids)
    assert not found.kept
    assert found.widths == Widths(series=30)


def test_errors_of_all_series_count_towards_the_levels():
    config = Config.from_options(window=5, horizon=12)
    assert (
        "they need errors on 39 validation rows, and there are 38."
        in within_validation(config, np.array([2, 2, 1, 0]))[1]
    )
    assert within_validation(config, np.array([2, 2, 2, 0])) == (config, None)
    assert within_validation(config, np.array([5])) == within_validation(config, 5)

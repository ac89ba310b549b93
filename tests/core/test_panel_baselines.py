"""Simple baselines of many series: each counts alike, none knows of another, one alone is what it always was."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasforecast.baselines.fitted import Baselines, learn_baselines
from kerasforecast.baselines.units import own_units
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.errors import OptionError
from kerasforecast.metrics.point import seasonal_scales, series_scales
from kerasforecast.metrics.probabilistic import coverage
from kerasforecast.preprocessing.split import Split
from kerasforecast.preprocessing.sums import changes_of, evenly, own_volatility, running_sums, stretch_means
from kerasforecast.preprocessing.volatility import volatility_of
from kerasforecast.preprocessing.windows import windows_of

STEPS, WINDOW, VALIDATION, TEST = 3, 8, 12, 12


def panel_of(parts, frequency=None, key="shop"):
    """Series that end at the same date, however long they are."""
    longest = max(map(len, parts))
    series = [
        Series(np.asarray(part, float)[:, None], pd.RangeIndex(longest - len(part), longest), ("y",), frequency)
        for part in parts
    ]
    return Panel.joined(series, [f"s{place:03}" for place in range(len(parts))], key=key)


def split_of(panel, validation=VALIDATION, test=TEST, context=WINDOW):
    """The last rows of each series for test, those before for validation; of a short one what there is."""
    first, ends = panel.starts[:-1], panel.ends
    starts = [np.maximum(ends - back, first) for back in (validation + test, test)]
    return Split(np.stack([first, *starts, ends], axis=1), first, WINDOW, STEPS, context)


def learned(parts, frequency=None, split=None, **options):
    panel = panel_of(parts, frequency)
    config = Config.from_options(window=WINDOW, horizon=STEPS, **options)
    return learn_baselines(config, panel, split or split_of(panel)), panel


def forecasts_of(found, panel, place=None):
    """Point and quantiles of every baseline, of the windows of the test part of one series or of all."""
    origins = split_of(panel).origins("test")
    if place is not None:
        origins = origins[panel.places(origins) == place]
    windows = windows_of(panel, origins, WINDOW, STEPS)
    return {name: (each.point, each.quantiles) for name, each in found.forecasts(windows).items()}


def walks(count, rows=90, seed=0):
    generator = np.random.default_rng(seed)
    return [10 ** generator.uniform(-2, 3) * np.exp(0.05 * generator.normal(size=rows).cumsum()) for _ in range(count)]


def counts(count, rows=90, seed=0):
    """Demand with days without any: no logs can be taken of several, which differ in size by more than a hundred."""
    generator = np.random.default_rng(seed)
    return [generator.poisson(10 ** generator.uniform(-0.3, 2), rows).astype(float) for _ in range(count)]


KINDS = pytest.mark.parametrize("made", [walks, counts])


@given(st.lists(st.integers(0, 40), min_size=1, max_size=8), st.integers(0, 2**16))
def test_sums_of_each_series_are_those_of_the_series_alone(lengths, seed):
    values = np.random.default_rng(seed).normal(size=sum(lengths)) * 10.0 ** np.repeat(np.arange(len(lengths)), lengths)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    parts = np.split(values, starts[1:-1])
    assert running_sums(values, starts).tobytes() == np.concatenate([np.cumsum(part) for part in parts]).tobytes()
    means = stretch_means(values, starts[:-1], starts[1:])
    assert [found for found, part in zip(means, parts, strict=True) if len(part)] == [p.mean() for p in parts if len(p)]
    own = own_volatility(values, starts[:-1], logarithmic=False)
    expected = [np.sqrt(np.mean(np.diff(part) ** 2)) for part in parts if len(part) > 1]
    assert own[np.isfinite(own)].tolist() == expected


def test_sums_of_more_rows_than_are_held_at_once(monkeypatch):
    monkeypatch.setattr("kerasforecast.preprocessing.sums._CELLS", 50)
    test_sums_of_each_series_are_those_of_the_series_alone()


@given(st.integers(1, 500), st.integers(1, 60))
def test_some_of_many_are_spread_over_all(count, most):
    found = evenly(count, most)
    assert len(found) == min(count, most)
    assert np.all(np.diff(found) > 0)
    assert found[0] >= 0
    assert found[-1] < count
    assert np.diff(found, prepend=0, append=count).max() <= 2 * max(1, count / most) + 1


def test_some_of_many_keep_step_with_no_season():
    found = evenly(7 * 24 * 50, 50 * 7)  # one a day of hourly rows would be the same hour throughout
    assert len(np.unique(found % 24)) > 20


def test_changes_where_a_price_is_not_positive_are_relative():
    found = changes_of(np.array([2.0, 4.0, 0.0, 8.0, -8.0, 5.0, 5.0]), np.array([0, 5]), logarithmic=True)
    assert found == pytest.approx([0, np.log(2), -1, 1, -2, 0, 0])


@KINDS
def test_a_panel_of_one_learns_what_its_series_does(made):
    """The tables are the quantiles of the plain moves, bit for bit, as they were before there were panels."""
    values = made(1, rows=300)[0]
    values -= values.min() if made is counts else 0.0  # so that no logs can be taken
    alone, panel = learned([values])
    series = Panel.of(Series(values[:, None], pd.RangeIndex(300), ("y",)))
    config = Config.from_options(window=WINDOW, horizon=STEPS)
    assert learn_baselines(config, series, split_of(series)).model_dump_json() == alone.model_dump_json()
    history, train = values[: 300 - TEST], values[: 300 - TEST - VALIDATION]
    moves = [np.log(history[h:] / history[:-h]) if made is walks else history[h:] - history[:-h] for h in (1, 2, 3)]
    assert alone.tables["naive"] == tuple(tuple(np.quantile(each, alone.levels).tolist()) for each in moves)
    assert alone.scales == seasonal_scales(train)
    assert not alone.pooled
    ours, theirs = forecasts_of(alone, panel), forecasts_of(alone, series)
    for name, (point, quantiles) in ours.items():
        assert (point.tobytes(), quantiles.tobytes()) == (theirs[name][0].tobytes(), theirs[name][1].tobytes())


@KINDS
def test_one_series_in_other_units_changes_no_other_by_a_bit(made):
    """A power of two, so that not even rounding differs; a million is a million to within it."""
    parts = made(20)
    before, panel = learned(parts)
    largest = int(np.argmax([part.mean() for part in parts]))
    others = [place for place in range(20) if place != largest]
    for factor, exact in ((2.0**20, True), (1e6, False)):
        changed = [part * (factor if place == largest else 1) for place, part in enumerate(parts)]
        after, moved = learned(changed)
        assert (after.best, after.best_intervals, after.share) == (before.best, before.best_intervals, before.share)
        for place in others[::6]:
            ours, theirs = forecasts_of(before, panel, place), forecasts_of(after, moved, place)
            for name, (point, quantiles) in ours.items():
                assert point.tobytes() == theirs[name][0].tobytes()
                if exact:
                    assert quantiles.tobytes() == theirs[name][1].tobytes()
                assert theirs[name][1] == pytest.approx(quantiles, rel=1e-9, abs=1e-9)
        own, theirs = forecasts_of(before, panel, largest), forecasts_of(after, moved, largest)
        for name, (point, quantiles) in own.items():
            assert theirs[name][0] == pytest.approx(factor * point, rel=1e-9), name
            assert theirs[name][1] == pytest.approx(factor * quantiles, rel=1e-6, abs=1e-6 * factor), name


def test_the_largest_series_does_not_decide_what_is_best():
    """Nineteen series have a season; one random walk is a million times as large."""
    generator = np.random.default_rng(0)
    time = np.arange(120)
    season = [10 + 5 * np.sin(2 * np.pi * time / 12) + 0.1 * generator.normal(size=120) for _ in range(19)]
    walk = 1e7 + 1e6 * generator.normal(size=120).cumsum()
    found, _ = learned([*season, walk], "MS")
    assert found.periods == (12,)
    assert found.best == "seasonal_naive_12"
    assert season_alone() == found.best


def season_alone():
    time = np.arange(120)
    values = 10 + 5 * np.sin(2 * np.pi * time / 12) + 0.1 * np.random.default_rng(5).normal(size=120)
    return learned([values], "MS")[0].best


def test_seasons_are_those_of_most_series():
    time = np.arange(120)
    generator = np.random.default_rng(1)
    season = [10 + 5 * np.sin(2 * np.pi * time / 12) + generator.normal(size=120) for _ in range(4)]
    noise = [generator.normal(size=120) for _ in range(5)]
    assert learned([*season, *noise[:3]], "MS")[0].periods == (12,)
    assert learned([*season, *noise], "MS")[0].periods == ()
    assert learned([*season, *noise], "MS", period=12)[0].periods == (12,)
    message = r"--period must fit twice into the 96 training rows of the longest series\. Received: 50\."
    with pytest.raises(OptionError, match=message):
        learned([*season, noise[0][:80]], "MS", period=50)


@KINDS
def test_windows_of_few_rows_are_learned_from_and_forecast(made):
    """Series of 20 rows, of which no window is complete before the test part."""
    parts = made(80, rows=20, seed=2)
    panel = panel_of(parts)
    split = split_of(panel, validation=6, test=6, context=4)
    config = Config.from_options(window=12, horizon=STEPS)
    found = learn_baselines(config, panel, dataclasses.replace(split, window=12))
    windows = windows_of(panel, split.origins("test"), 12, STEPS)
    for name, each in found.each(windows):
        assert np.isfinite(each.quantiles).all()
        if name != "ewma":
            inside = coverage(windows.targets(), each.quantiles[..., 1], each.quantiles[..., 5])
            assert inside == pytest.approx(0.8, abs=0.06), name


@pytest.mark.parametrize("positive", [True, False])
def test_flat_and_tiny_series_break_nothing_and_are_forecast(positive):
    """15 rows, one row, none before the test part, always the same value: whoever has errors is learned from."""
    others = walks(6) if positive else counts(6)
    parts = [*others, np.full(90, 7.0), np.full(90, 1e-9 if positive else 0.0), others[0][:15], others[1][:20], [5.0]]
    found, panel = learned(parts, period=4)
    assert set(found.tables) >= {"naive", "ewma", "ewma_fhs", "moving_average", "smoothing", "seasonal_naive_4"}
    assert np.isfinite(list(found.tables.values())).all()
    windows = windows_of(panel, split_of(panel).origins("test"), WINDOW, STEPS)
    for _, each in found.each(windows):
        assert np.isfinite(each.point).all()
        assert np.isfinite(each.quantiles).all()
        assert np.all(np.diff(each.quantiles, axis=-1) >= 0)
    assert Baselines.model_validate_json(found.model_dump_json()) == found


def test_a_panel_that_never_changes_is_learned_from_all_the_same():
    found, panel = learned([np.full(60, 3.0), np.full(60, 5.0)])
    assert found.best == "naive"
    assert all(np.ptp(quantiles) < 1e-9 for _, quantiles in [forecasts_of(found, panel, 0)["naive"]])


@KINDS
def test_a_series_never_seen_has_baselines_of_its_own_size(made):
    found, _ = learned(made(30))
    new = panel_of([made(1, seed=9)[0] * 50])
    for name, (point, quantiles) in forecasts_of(found, new).items():
        inside = coverage(windows_of(new, split_of(new).origins("test"), WINDOW, STEPS).targets(), *ends(quantiles))
        assert inside > 0.6, name
        assert point.shape == (TEST - STEPS + 1, STEPS)


def ends(quantiles):
    return quantiles[..., 0], quantiles[..., -1]


@KINDS
def test_intervals_of_many_short_series_cover_what_they_say(made):
    parts = made(150, rows=60, seed=3)
    found, panel = learned(parts)
    windows = windows_of(panel, split_of(panel).origins("test"), WINDOW, STEPS)
    for name, each in found.each(windows):
        if name == "ewma":
            continue  # a normal interval, from seven changes each
        inside = coverage(windows.targets(), each.quantiles[..., 1], each.quantiles[..., 5])
        assert inside == pytest.approx(0.8, abs=0.05), name
        assert coverage(windows.targets(), *ends(each.quantiles)) == pytest.approx(0.95, abs=0.03), name


@KINDS
def test_nothing_later_in_any_series_moves_what_was_learned_or_forecast(made):
    parts = [*made(6), made(1, seed=4)[0][:50]]
    found, panel = learned(parts, period=4)
    generator = np.random.default_rng(1)
    later = [np.concatenate([part[:-TEST], generator.permutation(part[-TEST:]) * 1e3 + 1]) for part in parts]
    assert learned(later, period=4)[0] == found
    # From a date in the test part on, every other series is another one.
    cut = TEST - 4
    others = [
        part if place == 2 else np.concatenate([part[:-cut], -(part[-cut:] + 1) * 1e9])
        for place, part in enumerate(parts)
    ]
    moved = panel_of(others)
    for place in (2, 4):
        origins = split_of(panel).origins("test", 1)
        origins = origins[(panel.places(origins) == place) & (origins < panel.ends[place] - cut)]
        before, after = (found.forecasts(windows_of(each, origins, WINDOW, STEPS)) for each in (panel, moved))
        for name in before:
            assert before[name].point.tobytes() == after[name].point.tobytes()
            assert before[name].quantiles.tobytes() == after[name].quantiles.tobytes()


def test_a_unit_is_the_size_of_the_changes_so_far():
    panel = panel_of([[1.0, 3.0, 2.0, 2.0], [5.0, 5.0, 5.0, 9.0]])
    volatility = volatility_of(np.array([0.0, 1.0]))
    found = own_units(panel, np.array([0, 1, 3, 6, 7]), volatility)
    assert found == pytest.approx([volatility.floor, 2, np.sqrt(5 / 3), volatility.floor, np.sqrt(16 / 3)])


def test_units_of_scores_are_each_series_own():
    parts = [np.arange(40.0) ** 2, np.full(40, 3.0), [1.0, 2.0, 4.0], [1.0], np.random.default_rng(0).normal(size=90)]
    panel = panel_of(parts)
    ends = panel.starts[:-1] + np.array([30, 30, 3, 1, 90])
    found = series_scales(panel, ends, period=12)
    assert tuple(found[0]) == seasonal_scales(parts[0][:30], 12)
    assert np.isnan(found[[1, 3]]).all()  # never changes; too short
    assert tuple(found[2]) == seasonal_scales(np.array(parts[2]), 1)  # no season's worth of rows
    assert tuple(found[4]) == seasonal_scales(parts[4], 12)

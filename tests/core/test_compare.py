"""The leaderboard: everyone on the same origins, each scored by its own forecasts."""

import numpy as np
import pandas as pd
import pytest

from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.errors import DataError
from kerasforecast.evaluation.compare import Contender, compare
from kerasforecast.evaluation.matching import Wanted
from kerasforecast.forecasting.forecast import Forecast
from kerasforecast.preprocessing.split import split_panel

CONFIG = Config.from_options(window=5)
VALUES = 100 + np.cumsum(np.random.default_rng(0).normal(size=(200, 2)), axis=0)
SERIES = Series(VALUES, pd.bdate_range("2020-01-01", periods=200), ("Close", "Open"))
SPLIT = split_panel(Panel.of(SERIES), CONFIG.split, CONFIG.network)
LEVELS = CONFIG.levels
BASELINES = ("naive", "drift", "moving_average", "smoothing", "ewma", "ewma_fhs")


def oracle(share, columns=("Close",), window=5, name="oracle", levels=LEVELS):
    """Foresees a share of every move, and checks the shape of what it is given."""
    targets = dict(zip(np.float32(VALUES[:-1, 0]), VALUES[1:, 0], strict=True))

    class Oracle:
        def in_sequence(self, windows, start=None):
            seen = windows.batch().past
            assert seen.shape[1:] == (window, len(columns))
            last = seen[:, -1, 0]
            nexts = np.array([targets[value] for value in last])
            points = (last + share * (nexts - last))[:, None].astype(np.float64)
            return Forecast(points, points[..., None] + 2 * (np.array(levels) - 0.5) if levels else None), None

    return Contender(name, Wanted(columns), window, Oracle(), levels, fit_seconds=2.5)


def test_rows_are_ranked_and_carry_scores_p_values_and_costs():
    found = compare(SERIES, CONFIG, SPLIT, [oracle(-0.5, name="bad"), oracle(0.5, name="good")])
    assert found.rows[0]["model"] == "good"
    assert [row["rmse"] for row in found.rows] == sorted(row["rmse"] for row in found.rows)
    rows = {row["model"]: row for row in found.rows}
    assert set(rows) == {"good", "bad", *BASELINES}
    assert rows["good"]["relative_rmse"] == pytest.approx(0.5, rel=1e-3)
    assert rows["good"]["p_value"] < 0.001
    assert rows["good"]["fit_seconds"] == 2.5
    assert rows["good"]["predict_ms"] >= 0
    assert rows["naive"]["predict_ms"] is None
    assert {row["n"] for row in found.rows} == {30}
    assert {row["fold"] for row in found.rows} == {"all"}
    assert found.best == "naive"
    assert found.judgements["good"].text.startswith("better than naive by 50.0 %")
    assert found.judgements["bad"].text.startswith("worse than naive")


def test_the_table_has_a_column_for_each():
    found = compare(SERIES, CONFIG, SPLIT, [oracle(0.5)])
    assert list(found.table.columns) == ["date", "actual", "oracle", *BASELINES]
    np.testing.assert_array_equal(found.table["actual"], VALUES[170:, 0])
    np.testing.assert_array_equal(found.table["naive"], VALUES[169:-1, 0].astype(np.float32))


def test_intervals_are_scored_at_the_levels_that_all_have():
    narrow = oracle(0.5, name="narrow", levels=(0.1, 0.3, 0.5, 0.9))
    found = compare(SERIES, CONFIG, SPLIT, [oracle(0.4), narrow, oracle(0.1, name="point", levels=())])
    rows = {row["model"]: row for row in found.rows}
    assert found.levels == (0.1, 0.5, 0.9)
    assert {tuple(row["coverage"]) for name, row in rows.items() if name != "point"} == {("0.8",)}
    assert rows["point"]["crps"] is rows["point"]["relative_crps"] is None
    assert {name for name, each in found.judgements.items() if each.interval_text} == {"oracle", "narrow"}
    assert rows["naive"]["relative_crps"] == 1
    alone = compare(SERIES, CONFIG, SPLIT, [oracle(0.5, levels=(0.33,))])
    assert alone.levels == ()
    assert all(row["crps"] is None and row["coverage"] == {} for row in alone.rows)


def test_windows_and_columns_may_differ():
    found = compare(SERIES, CONFIG, SPLIT, [oracle(0.5), oracle(0.5, ("Close", "Open"), 60, "wide")])
    rows = {row["model"]: row for row in found.rows}
    assert rows["wide"]["rmse"] == pytest.approx(rows["oracle"]["rmse"])


@pytest.mark.parametrize(
    ("contender", "message"),
    [
        (oracle(1, ("Close", "Volume")), "needs the columns Close, Volume"),
        (oracle(1, ("Open",)), "needs the columns Open and forecasts the first. Received: Close, Open"),
        (oracle(1, window=171), "needs 171 rows before the test part. Received: 170"),
    ],
)
def test_who_cannot_take_part_is_named(contender, message):
    with pytest.raises(DataError, match=f"^oracle: {message}"):
        compare(SERIES, CONFIG, SPLIT, [contender])

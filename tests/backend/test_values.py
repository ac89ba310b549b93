"""Values that are no prices: zero volumes, negative prices, levels that 32-bit numbers cannot tell apart."""

import keras
import numpy as np
import pandas as pd
import pytest

import kerasforecast as kf
from kerasforecast.errors import DataError

SMALL = {"window": 8, "units": 2, "layers": 1, "epochs": 1, "batch_size": 64, "progress": False}
ROWS = 160
DATES = pd.bdate_range("2020-01-01", periods=ROWS, name="Date")


def frame(**columns):
    generator = np.random.default_rng(0)
    close = 100 * np.exp(np.cumsum(0.02 * generator.normal(size=ROWS)))
    own = {"Close": close, "Volume": np.exp(10 + 0.3 * generator.normal(size=ROWS))}
    return pd.DataFrame(own | columns, index=DATES)


def changed(table, column, row, value):
    table = table.copy()
    table.iloc[row, table.columns.get_loc(column)] = value
    return table


def notes_of(fit_on, **options):
    """What a person is told of the values in a fit; of seasons and intervals there are notes too."""
    from kerasforecast.config import Config
    from kerasforecast.pipeline import fit

    notes = []
    config = Config.from_options(**{name: value for name, value in (SMALL | options).items() if name != "progress"})
    model = fit(config, fit_on, on_note=notes.append)
    return model, [
        note for note in notes if not note.startswith(("Season", "A series with a season", "Prediction intervals"))
    ]


@pytest.fixture(scope="module")
def model():
    warm = 20 + np.sin(np.arange(ROWS))
    return kf.fit(frame(Warmth=warm), past=("Volume", "Warmth"), **SMALL)


def warm(**changes):
    return frame(Warmth=20 + np.sin(np.arange(ROWS)))


@pytest.mark.parametrize(("column", "value"), [("Volume", 0.0), ("Warmth", -4.0), ("Warmth", 0.0)])
@pytest.mark.parametrize("row", [3, 60, -1])
def test_a_feature_that_is_not_positive_later_blocks_nothing(model, column, value, row):
    new = changed(warm(), column, row, value)
    assert np.isfinite(model.forecast(3, new).to_numpy()).all()
    assert model.panel_from(new).notes[-1].startswith(f"{column}: 1 row not above 0 counts as ")
    if row == 60:
        assert np.isfinite(model.evaluate(new).scores["model"]["rmse"])


def test_what_stays_positive_is_seen_bit_for_bit_as_before(model):
    scaling = model.manifest.members[0].scaling
    without = scaling.model_copy(update={"floor": ()})
    windows = np.lib.stride_tricks.sliding_window_view(warm().to_numpy(), 8, axis=0).transpose(0, 2, 1)
    for rows in (windows.astype(np.float32), windows * 1e-6, windows * 1e9):
        assert scaling.inputs(rows).tobytes() == without.inputs(rows).tobytes()


def test_the_floor_is_part_of_the_saved_network(model, tmp_path):
    path = model.save(tmp_path / "m.keras")
    windows = changed(changed(warm(), "Volume", -2, 0.0), "Warmth", -3, -1.0).to_numpy()[None, -8:].astype(np.float32)
    expected = model.predict(windows)
    np.testing.assert_array_equal(kf.load(path).predict(windows), expected)
    np.testing.assert_allclose(keras.models.load_model(path).predict(windows, verbose=0), expected, rtol=1e-6)


def test_a_volume_has_its_log_whatever_training_held():
    """A day without trades in training decides no more than one later."""
    for row in (20, -5):
        model, notes = notes_of(changed(frame(), "Volume", row, 0.0), past=("Volume",))
        scaling = model.manifest.members[0].scaling
        assert scaling.transforms == ("log", "log")
        assert scaling.floor[0] == 0 < scaling.floor[1] < frame()["Volume"].min()
        assert notes[0].startswith("Volume: 1 row not above 0 counts as ")
        assert np.isfinite(model.forecast(2)["forecast"]).all()


@pytest.mark.parametrize("row", [3, -20])
def test_only_the_rows_that_are_used_are_checked(model, row):
    """A price of old that no log can be taken of: `predict` does not look at it, `evaluate` does."""
    new = changed(warm(), "Close", row, -1.0)
    assert model.forecast(2, new)["forecast"].equals(model.forecast(2, warm())["forecast"])
    with pytest.raises(DataError) as caught:
        model.evaluate(new)
    assert f"Received: -1.0 at {DATES[row].date()}. Correct the value, or empty the cell" in str(caught.value)


def test_what_predict_offers_works(model):
    new = changed(warm(), "Close", -2, 0.0)
    with pytest.raises(DataError, match="empty the cell and use missing='drop'; or train with scaling='difference'"):
        model.forecast(2, new)
    assert len(model.forecast(2, changed(new, "Close", -2, np.nan), missing="drop")) == 2
    other = kf.fit(warm(), past=("Volume", "Warmth"), **SMALL | {"scaling": "difference"})
    assert len(other.forecast(2, new)) == 2


def test_plain_differences_in_place_of_logs_are_said_and_take_later_zeros():
    load = frame().rename(columns={"Close": "load"})[["load"]]
    model, notes = notes_of(changed(load, "load", 30, 0.0))
    assert notes == ["load is not positive throughout training: plain differences stand for its log returns."]
    later = changed(changed(load, "load", -1, 0.0), "load", -30, -2.0)
    assert np.isfinite(model.forecast(2, later).to_numpy()).all()
    assert model.evaluate(later).scores["model"]["crps"] is not None
    assert notes_of(load)[1] == []


@pytest.mark.parametrize("scaling", ["difference", "minmax", "standard", "none"])
def test_one_negative_price_takes_no_interval_away(scaling):
    table = changed(frame(), "Close", -10, -3.0)
    model = kf.fit(table, **SMALL | {"scaling": scaling})
    assert "q0.1" in model.test.table.columns
    scores = model.test.scores
    assert all(scores[name]["crps"] is not None for name in ("model", "naive", "ewma", "ewma_fhs", "moving_average"))
    assert model.test.interval_verdict is not None
    ahead = model.forecast(3)
    assert (ahead["q0.1"] < ahead["q0.9"]).all()
    positive = kf.fit(frame(), **SMALL | {"scaling": scaling})
    assert "q0.1" in positive.forecast(2, table).columns


def meter(change, level=12_345_678.0):
    return pd.DataFrame({"y": level + np.cumsum(change * (1 + np.arange(ROWS) % 3))}, index=DATES)


def test_changes_that_32_bits_swallow_are_refused_and_what_is_advised_keeps_them():
    with pytest.raises(DataError) as caught:
        kf.fit(meter(0.1), **SMALL)
    assert str(caught.value).endswith("lie 1 apart. Subtract 12,345,670 from it first.")
    model = kf.fit(meter(0.1) - 12_345_670, **SMALL)
    assert model.test.scores["model"]["rmse"] < 0.5


def test_changes_that_32_bits_round_are_said():
    notes = notes_of(meter(5))[1]
    assert len(notes) == 0  # whole numbers lose nothing
    notes = notes_of(meter(5.3))[1]
    assert notes[0].startswith("y: 32-bit numbers round ")
    assert notes[0].endswith("% of a usual change away. Subtract 12,345,000 from it first.")
    assert notes_of(meter(5.3) - 12_345_000)[1] == []


def test_a_level_that_no_constant_brings_down_is_to_be_given_as_its_changes():
    table = meter(0.1)
    table.iloc[: ROWS // 4] -= 12_000_000
    with pytest.raises(DataError, match="Give its changes from row to row instead of its level"):
        kf.fit(table, **SMALL)

"""While a forecast rolls, what the dates give is computed for the rows ahead; the rest is held, and that is said."""

from __future__ import annotations

import keras
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from kerasforecast_cli.main import cli

import kerasforecast as kf

HOURS = pd.date_range("2024-01-01", periods=24 * 22, freq="h")
SMALL = {"window": 24, "units": 12, "layers": 1, "dropout": 0.0, "learning_rate": 0.01, "batch_size": 64}


def load_of(**columns):
    """A load with a daily season and noise of 1."""
    noise = np.random.default_rng(0).normal(size=len(HOURS))
    wave = 20 * np.sin(2 * np.pi * (HOURS.hour - 8) / 24) + 8 * np.cos(4 * np.pi * HOURS.hour / 24)
    return pd.DataFrame({"y": 100 + wave + noise, **columns}, index=HOURS.rename("Date"))


@pytest.fixture(scope="module")
def model():
    frame = load_of(Stunde=HOURS.hour, Other=np.arange(len(HOURS)) % 5 + 1.0)
    return kf.fit(frame, past=("Stunde", "Other"), calendar_features="hour", steps=24, epochs=1, **SMALL)


def by_hand(model, rows, dates):
    """Rolled row by row from a window of the series, each with the hour of its own date and of the one forecast."""
    angles = 2 * np.pi * dates.dt.hour.to_numpy() / 24 if isinstance(dates, pd.Series) else 2 * np.pi * dates.hour / 24
    ahead = np.stack([24 * angles / 2 / np.pi, np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)
    past, known, found = rows[:, :2].astype(np.float32), rows[:, 2:].astype(np.float32), []
    for row in ahead:
        known = np.concatenate([known, row[None]])  # (L + 1, K)
        found.append(float(model.predict({"past": past[None], "known": known[None]})[0, 0]))
        past, known = np.concatenate([past[1:], [[found[-1], past[-1, 1]]]]).astype(np.float32), known[1:]
    return found


def test_hours_go_on_while_a_forecast_rolls(model):
    forecast = model.forecast(30)
    assert model.series.columns == ("y", "Other", "Stunde", "hour_sin", "hour_cos")
    expected = by_hand(model, model.series.values[-24:], forecast.index)
    assert forecast["forecast"].to_numpy() == pytest.approx(expected, rel=1e-5)


def test_hours_go_on_in_the_scores_too(model):
    table = model.test.table
    last = table.tail(24)
    expected = by_hand(model, model.series.values[-48:-24], last["date"])
    assert last["forecast"].to_numpy() == pytest.approx(expected, rel=1e-5)
    again = model.evaluate(load_of(Stunde=HOURS.hour, Other=np.arange(len(HOURS)) % 5 + 1.0)[-72:])
    assert again.table.tail(24)["forecast"].to_numpy() == pytest.approx(last["forecast"].to_numpy(), rel=1e-5)


def test_a_file_keeps_them(model, tmp_path):
    path = model.save(tmp_path / "load.keras")
    loaded = kf.load(path)
    assert loaded.manifest.roles.calendar == {"Stunde": "hour", "hour_sin": "hour_sin", "hour_cos": "hour_cos"}
    rows = model.series.values[-25:]
    few = pd.DataFrame({"y": rows[:, 0], "Stunde": rows[:, 2], "Other": rows[:, 1]}, index=HOURS[-25:])[-24:]
    pd.testing.assert_frame_equal(loaded.forecast(30, few)[["forecast"]], model.forecast(30)[["forecast"]])
    windows = {"past": rows[None, :24, :2].astype(np.float32), "known": rows[None, :, 2:].astype(np.float32)}
    plain = keras.models.load_model(path).predict(windows, verbose=0)
    assert plain == pytest.approx(model.predict(windows), rel=1e-5)
    with pytest.raises(kf.InputError, match="Column Stunde must be the hour of the dates, as in training"):
        loaded.forecast(30, few.set_index(HOURS[-24:] + pd.Timedelta(hours=2)))


def test_intervals_adapt_by_forecasts_that_know_their_hours(model):
    """The last origins reach beyond the series, where only the hours are known."""
    adapted = model.forecaster.levels_after(kf.Panel.of(model.series))
    begin = model.forecaster.adapted.first_rows(kf.Panel.of(model.series))[0]
    later = model.forecaster.predictor.window - 1
    assert begin > later
    assert np.shape(adapted) == np.shape(model.forecaster.adapted.levels)
    assert not np.array_equal(adapted, model.forecaster.adapted.levels)


def test_a_season_is_forecast_to_its_noise():
    """With the hour held at its last value the error grew to half of the season."""
    model = kf.fit(load_of(), calendar_features="hour", steps=24, epochs=12, **SMALL)
    assert model.test.scores["model"]["rmse"] < 4  # noise of 1, a season of 20


@pytest.mark.parametrize("command", ["fit", "predict", "evaluate", "backtest", "compare"])
def test_what_is_held_is_said_in_one_line(tmp_path, command):
    table = tmp_path / "load.csv"
    load_of(Stunde=HOURS.hour, Other=np.arange(len(HOURS)) % 5 + 1.0)[:300].to_csv(table)
    options = ["--past", "Other", "--calendar-features", "hour", "--steps", "3", "--epochs", "1"]
    options += ["--window", "8", "--units", "4", "--layers", "1"]
    said = "Beyond the horizon of 1, Other is held at the last value."
    folder = ["--output-dir", str(tmp_path / "models")]
    if command in ("predict", "evaluate"):
        fitted = CliRunner().invoke(cli, ["fit", str(table), *options, *folder, "--quiet"])
        assert fitted.exit_code == 0, fitted.output
        more = ["--steps", "3"] if command == "predict" else []
        result = CliRunner().invoke(cli, [command, str(tmp_path / "models" / "load.keras"), str(table), *more])
    elif command == "compare":
        result = CliRunner().invoke(cli, ["compare", "lstm", "--file", str(table), *options, *folder])
    else:
        more = ["--folds", "2"] if command == "backtest" else []
        result = CliRunner().invoke(cli, [command, str(table), *options, *more, *folder])
    assert result.exit_code == 0, result.output
    assert result.output.count(said) == 1


def test_the_decoder_sees_the_calendar_of_the_rows_that_it_forecasts(tmp_path):
    """Two holidays of Victoria lie in the rows ahead, none in the window."""
    hours = pd.date_range("2015-10-01", "2015-12-24 17:00", freq="h")
    frame = pd.DataFrame({"y": 500 + 300 * np.sin(2 * np.pi * hours.hour / 24)}, index=hours.rename("Date"))
    options = {"calendar_features": "auto", "holidays": "au-victoria", "horizon": 30, "epochs": 1}
    model = kf.fit(frame, output_dir=tmp_path, name="steps", **SMALL, **options)
    names = ("hour_sin", "hour_cos", "weekday_sin", "weekday_cos", "holiday", "holiday_before", "holiday_after")
    assert model.manifest.roles.known == names
    assert model.manifest.roles.calendar["holiday"] == "holiday:AU-VIC"
    assert model.manifest.versions["holidays"]
    seen = []
    predictor = model.forecaster.predictor
    outputs = predictor.outputs
    predictor.outputs = lambda windows: seen.append(windows) or outputs(windows)
    forecast = model.forecast(40)
    known = pd.DataFrame(seen[0].known[0], columns=names)
    dates = pd.date_range(hours[-24], periods=24 + 40, freq="h")
    np.testing.assert_allclose(known["hour_sin"], np.sin(2 * np.pi * dates.hour / 24), atol=1e-6)
    np.testing.assert_allclose(known["weekday_cos"], np.cos(2 * np.pi * dates.day_of_week / 7), atol=1e-6)
    assert known["holiday"].tolist() == dates.day.isin([25, 26]).astype(float).tolist()
    assert known["holiday_before"].tolist() == dates.day.isin([24, 25]).astype(float).tolist()
    loaded = kf.load(tmp_path / "steps.keras")
    pd.testing.assert_frame_equal(loaded.forecast(40, frame[-30:])[["forecast"]], forecast[["forecast"]])
    with pytest.raises(kf.InputError, match=r"holidays=.* no effect on a trained model"):
        loaded.forecast(40, frame[-30:], holidays="BR")


def test_a_file_keeps_whose_clock_counts(tmp_path):
    """A table of few rows with offsets, all of summer, is read in UTC as that of the training was."""
    hours = pd.date_range("2015-09-01", periods=24 * 50, freq="h", tz="UTC").tz_convert("Australia/Melbourne")
    frame = pd.DataFrame({"y": 500 + 300 * np.sin(2 * np.pi * hours.hour / 24)}, index=hours.rename("Date"))
    options = {"calendar_features": "hour", "time_zone": "Australia/Melbourne", "horizon": 24, "epochs": 1}
    kf.fit(frame, output_dir=tmp_path, name="zone", **SMALL, **options)
    loaded = kf.load(tmp_path / "zone.keras")
    assert loaded.manifest.roles.calendar["hour_sin"] == "hour_sin@Australia/Melbourne"
    few = loaded.forecast(24, frame[-30:])
    assert few.index[0] == hours[-1].tz_convert("UTC").tz_localize(None) + pd.Timedelta(hours=1)
    in_utc = frame[-30:].set_axis(hours[-30:].tz_convert("UTC").tz_localize(None).rename("Date"))
    pd.testing.assert_frame_equal(loaded.forecast(24, in_utc), few)


def test_a_quantile_heads_median_is_its_forecast_at_every_step():
    model = kf.fit(
        load_of(), calendar_features="hour", steps=6, epochs=1, quantiles=(0.1, 0.5, 0.9), horizon=2, **SMALL
    )
    forecast = model.forecast(9)
    assert np.array_equal(forecast["forecast"], forecast["q0.5"])
    assert (forecast["q0.1"] <= forecast["q0.5"]).all()
    assert (forecast["q0.5"] <= forecast["q0.9"]).all()
    table = model.test.table
    assert table["forecast"].to_numpy() == pytest.approx(table["q0.5"].to_numpy(), rel=1e-6)
    rows = model.series.values[-24:].astype(np.float32)
    angles = 2 * np.pi * forecast.index.hour.to_numpy()[:2] / 24
    known = np.concatenate([rows[:, 1:], np.stack([np.sin(angles), np.cos(angles)], axis=1)]).astype(np.float32)
    first = model.predict({"past": rows[None, :, :1], "known": known[None]})[0]
    assert forecast["forecast"].to_numpy()[:2] == pytest.approx(first, rel=1e-6)


WEEK = pd.date_range("2022-01-03", periods=300)
MONTHS = pd.date_range("2005-01-01", periods=160, freq="MS")


@pytest.mark.parametrize(
    "dates",
    [
        WEEK[WEEK.day_of_week != 6],
        WEEK[WEEK.day_of_week < 4],
        pd.date_range("1990-01-01", periods=150, freq="2MS"),
        MONTHS.append(MONTHS + pd.Timedelta(days=14)).sort_values(),
        pd.date_range("2010-01-01", periods=150, freq="WOM-3FRI"),
        HOURS[(HOURS.hour > 8) & (HOURS.hour < 18)],
    ],
    ids=["Monday to Saturday", "Monday to Thursday", "two months", "twice a month", "third Fridays", "open hours"],
)
def test_a_fit_goes_its_whole_way_on_any_step(dates, tmp_path):
    frame = pd.DataFrame({"y": 100 + np.random.default_rng(0).normal(size=len(dates))}, index=dates.rename("Date"))
    model = kf.fit(frame, window=10, units=4, layers=1, epochs=1, horizon=2, output_dir=tmp_path, name="any")
    loaded = kf.load(tmp_path / "any.keras")
    ahead = loaded.forecast(4, frame)
    assert ahead.index[0] > dates[-1]
    assert set(ahead.index.day_of_week) <= set(dates.day_of_week)
    assert set(ahead.index.hour) <= set(dates.hour)
    assert np.isfinite(loaded.evaluate(frame).scores["model"]["rmse"])
    assert model.files["report"].stat().st_size > 10_000

"""A load that follows the hour, the weekday and a temperature known ahead is forecast to its noise, a day at a time."""

import numpy as np
import pandas as pd
import pytest

import kerasforecast as kf

NOISE, ROWS, HORIZON = 20.0, 24 * 140, 24


@pytest.fixture(scope="module")
def load():
    """The table, and the load less its noise."""
    random = np.random.default_rng(0)
    hours = pd.date_range("2024-01-01", periods=ROWS, freq="h", name="date")
    weather, shocks = np.zeros(ROWS), random.normal(size=ROWS)
    for row in range(1, ROWS):
        weather[row] = 0.97 * weather[row - 1] + 0.7 * shocks[row]
    angle = 2 * np.pi * hours.hour.to_numpy() / 24
    temperature = 12 - 4 * np.cos(angle - 0.8) + weather
    week = 2 * np.pi * (hours.day_of_week.to_numpy() + hours.hour.to_numpy() / 24) / 7
    clean = 1000 + 120 * np.sin(angle - 2) + 60 * np.cos(week) + 15 * (temperature - 12)
    table = pd.DataFrame({"load": clean + NOISE * random.normal(size=ROWS), "temperature": temperature}, index=hours)
    return table, pd.Series(clean, hours)


def test_each_of_24_steps_is_forecast_to_within_15_percent_of_the_noise(load):
    table, clean = load
    model = kf.fit(
        table,
        target="load",
        known=["temperature"],
        calendar_features=["auto"],
        horizon=HORIZON,
        model="linear",
        scaling="standard",
        window=24,
        epochs=1,  # it begins at its solution
        final="none",
        progress=False,
    )
    found = model.test.table
    noise = found["actual"].to_numpy() - clean[found["date"]].to_numpy()
    error = found["actual"] - found["forecast"]
    each = pd.DataFrame({"step": found["step"], "error": error**2, "noise": noise**2}).groupby("step").mean() ** 0.5
    assert len(each) == HORIZON
    assert (each["error"] / each["noise"]).max() < 1.15
    # So it is only where the network sees each hour's own temperature: 15 a degree, of 4 degrees and more.
    assert {row.name for row in model.test.importance.covariates if row.p_value < 0.001} >= {"temperature", "hour"}

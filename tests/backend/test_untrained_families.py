"""Families without weights to train: their formulas in NumPy, row by row; their files; and what a fit of one is."""

import keras
import numpy as np
import pytest
from scipy.stats import f as f_distribution

import kerasforecast as kf
from kerasforecast.errors import OptionError
from kerasforecast.forecasting.outside import unscaled
from kerasforecast.models.member import Member
from kerasforecast.models.network import build
from kerasforecast.models.smoothing import _WITH_TREND, ALPHAS
from kerasforecast.preprocessing.covariates import Categories, FittedCovariates, Standardised
from kerasforecast.sections.network import NetworkConfig

L, H, M = 41, 7, 5


def windows(level=100.0, count=3, season=6.0, seed=0):
    random = np.random.default_rng(seed)
    times = np.arange(L)
    plain = level + 0.3 * times + season * np.sin(2 * np.pi * times / M) + random.normal(size=(count, L))
    return plain.astype(np.float32)[:, :, None]


def forecasts(model, past, **options):
    config = NetworkConfig(model=model, window=L, horizon=H, **options)
    network = build(config, unscaled(past.shape[2]), "export")
    return np.asarray(network.predict_on_batch(past))


def decomposed(values, multiplicative):
    """One window and its indices by place in the season, the last of its last row; float64."""
    half = M // 2
    trend = np.array([values[t - half : t + half + 1].mean() for t in range(half, L - half)])
    off = values[half : L - half] - trend
    if multiplicative:
        off = off / trend
    places = (np.arange(half, L - half) - L) % M
    groups = [off[places == place] for place in range(M)]
    between = sum(len(g) * (g.mean() - off.mean()) ** 2 for g in groups) / (M - 1)
    within = sum(((g - g.mean()) ** 2).sum() for g in groups) / (len(off) - M)
    limit = f_distribution.ppf(0.9, M - 1, len(off) - M)
    index = np.array([g.mean() for g in groups]) * min(max(between / within / limit - 1, 0), 1)
    if multiplicative:
        index = (1 + index) / np.mean(1 + index)
        return values / index[(np.arange(L) - L) % M], index
    index = index - index.mean()
    return values - index[(np.arange(L) - L) % M], index


def weighed(scores, prior):
    fit = -min((L - 1) / 2, 30) * np.log(scores) - np.log(prior)
    likely = np.exp(fit - fit.max())
    return likely / likely.sum()


def theta(values):
    times = np.arange(L + H)
    slope, start = np.polyfit(times[:L], values, 1)
    line = start + slope * times
    curved = 2 * values - line[:L]
    ends, scores = [], []
    for alpha in ALPHAS:
        level, errors = curved[0], []
        for value in curved[1:]:
            errors.append(value - level)
            level = alpha * value + (1 - alpha) * level
        ends.append(level)
        scores.append(np.mean(np.square(errors)))
    prior = [1 if alpha == 1 else len(ALPHAS) - 1 for alpha in ALPHAS]
    return (line[L:] + np.dot(weighed(scores, prior), ends)) / 2


def damped(values):
    slope = np.polyfit(np.arange(L), values, 1)[0]
    answers, scores, prior = [], [], []
    for alpha, beta, phi in [*((alpha, 0, 0) for alpha in ALPHAS), *_WITH_TREND]:
        level, trend, errors = values[0], slope, []
        for value in values[1:]:
            errors.append(value - level - phi * trend)
            before, level = level, alpha * value + (1 - alpha) * (level + phi * trend)
            trend = beta * (level - before) + (1 - beta) * phi * trend
        answers.append(level + trend * np.cumsum(phi ** np.arange(1, H + 1)))
        scores.append(np.mean(np.square(errors)))
        prior.append(len(_WITH_TREND) if phi else 1 if alpha == 1 else len(ALPHAS) - 1)
    return np.dot(weighed(scores, prior), answers)


@pytest.mark.parametrize("model", ["theta", "damped"])
@pytest.mark.parametrize(("season", "seasonality"), [(1, "additive"), (M, "additive"), (M, "multiplicative")])
@pytest.mark.parametrize("level", [100.0, -3.0])
def test_smoothing_is_the_formula_row_by_row(model, season, seasonality, level):
    past = windows(level)
    found = forecasts(model, past, season=season, seasonality=seasonality)
    for window, ahead in zip(past[:, :, 0].astype(np.float64), found, strict=True):
        share = seasonality == "multiplicative" and (window > 0).all()
        values, index = decomposed(window, share) if season > 1 else (window, np.zeros(1) + share)
        wanted = {"theta": theta, "damped": damped}[model](values)
        again = index[np.arange(H) % len(index)]
        wanted = wanted * again if share else wanted + again
        assert np.abs(ahead - wanted).max() < 1e-5 * np.abs(window).max()


def test_a_season_is_repeated_its_mean_over_several_and_its_drift_by_distance():
    past = windows()
    values = past[:, :, 0].astype(np.float64)
    rows = np.arange(H)
    last = values[:, -M:][:, rows % M]
    np.testing.assert_array_equal(forecasts("seasonal", past), np.repeat(past[:, -1], H, axis=1))
    np.testing.assert_allclose(forecasts("seasonal", past, season=M), last, rtol=1e-6)
    mean = (last + values[:, -2 * M : -M][:, rows % M]) / 2
    np.testing.assert_allclose(forecasts("seasonal", past, season=M, seasons=2), mean, rtol=1e-6)
    rate = (values[:, -M:].mean(axis=1) - values[:, :M].mean(axis=1)) / (L - M)
    drifting = last + rate[:, None] * (rows // M + 1) * M
    np.testing.assert_allclose(forecasts("seasonal", past, season=M, drift=True), drifting, rtol=1e-6)


def test_levels_cost_no_precision_and_a_window_that_stands_still_goes_on():
    past = np.round(windows(0.0), 0) + 2.0**20  # exact in float32
    for model in ("theta", "damped"):
        low = forecasts(model, past - np.float32(2.0**20), season=M, seasonality="additive")
        high = forecasts(model, past, season=M, seasonality="additive")
        assert np.abs(high - np.float32(2.0**20) - low).max() <= 0.125  # one step of float32 there
        still = forecasts(model, np.full((2, L, 1), 7.5, np.float32), season=M, quantiles=(0.1, 0.5, 0.9))
        assert np.abs(still - 7.5).max() < 1e-5


def fitted(**options):
    values = 100 + np.arange(150) * 0.2 + 8 * np.tile([0, 1, 3, 1, 0], 30) + np.random.default_rng(1).normal(size=150)
    return kf.fit(values, window=30, horizon=3, season=M, **options)


def test_a_fit_trains_nothing_and_its_file_opens_anywhere(tmp_path):
    for model, options in (("seasonal", {}), ("theta", {"quantiles": [0.1, 0.5, 0.9]}), ("damped", {})):
        found = fitted(model=model, **options)
        manifest = found.manifest
        assert (manifest.parameters.trained, manifest.training.epochs) == (0, 1)
        assert manifest.metrics.diagnosis is None
        assert manifest.parameters.saved == (12 if options else 0)
        path = found.save(tmp_path / f"{model}.keras")
        raw = windows()[:, -30:]
        plain = np.asarray(keras.models.load_model(path).predict_on_batch(raw))
        np.testing.assert_allclose(plain, kf.load(path).predictor.outputs(raw), rtol=1e-6)
        if options:
            assert (np.diff(plain, axis=-1) > 0).all()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"epochs": 3}, "epochs= has no effect on theta, which has no weights to train. Received: 3. Leave it out."),
        ({"final": "all"}, "final= all is no option of theta, which has no weights to train."),
        ({"scaling": "anchor"}, "scaling= of theta must be none or level. Received: anchor."),
        ({"season": 30}, "window= must be at least 90 rows for Theta, season of 30 rows. Received: 60."),
    ],
)
def test_what_a_rule_cannot_do_is_said(options, said):
    with pytest.raises(OptionError) as error:
        kf.Config.from_options(model="theta", **options)
    assert str(error.value) == said


def test_what_training_takes_goes_to_those_that_train():
    found = kf.Config.of_families(["theta", "lstm"], epochs=3)
    assert found["lstm"].training.epochs == 3
    with pytest.raises(OptionError, match="epochs= has no effect on theta"):
        kf.Config.of_families(["theta"], epochs=3)


def test_what_is_known_beside_the_target_is_taken_and_changes_nothing():

    config = NetworkConfig(model="theta", window=L, horizon=H)
    beside = FittedCovariates(known=(Standardised(offset=0, scale=1),), static=(Categories(names=("a", "b")),))
    member = Member(network=config, scaling=unscaled(2), covariates=beside)
    assert member.arrays() == {}
    network = build(config, member.scaling, "export", covariates=beside)
    past = windows()
    both = np.concatenate([past, past + 1], axis=2)
    known, static = np.ones((3, L + H, 1), np.float32), np.ones((3, 1), np.float32)
    found = network.predict_on_batch({"past": both, "known": known, "static": static})
    np.testing.assert_array_equal(found, forecasts("theta", past))

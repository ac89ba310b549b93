"""The scikit-learn estimator, by scikit-learn's own checks."""

import warnings

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import kerasforecast as kf
from kerasforecast.errors import DataError, OptionError
from kerasforecast.estimator import _warn_of_other_units
from kerasforecast.preprocessing.windows import pairs
from tests.backend.conftest import prices

SMALL = {"units": 3, "layers": 1, "epochs": 1, "batch_size": 128}

# Every check of scikit-learn's applies and passes; the README says so. A check that had to be excused would be named
# here with its reason, and shown as an expected failure.
EXCUSED: dict[str, str] = {}


@pytest.mark.same_everywhere
@parametrize_with_checks([kf.KerasForecaster(**SMALL)], expected_failed_checks=lambda estimator: EXCUSED)
def test_scikit_learn_accepts_the_estimator(estimator, check):
    check(estimator)


def test_windows_and_what_follows():
    X, y = pairs(np.arange(10.0), window=3)
    assert X.shape == (7, 3)
    np.testing.assert_array_equal(X[0], [0, 1, 2])
    np.testing.assert_array_equal(y, np.arange(3.0, 10.0))
    X, y = pairs(np.arange(10.0), window=3, horizon=2)
    np.testing.assert_array_equal(y[0], [3, 4])
    assert len(X) == len(y) == 6


def test_it_agrees_with_fit_on_the_same_windows():
    """The same training windows, validation and seed give the very forecasts of `kerasforecast.fit`."""
    frame = prices(120)
    options = {"units": 4, "epochs": 3, "batch_size": 16}
    model = kf.fit(frame, window=8, train_fraction=0.7, validation_fraction=0.2, **options)
    X, y = pairs(frame["Close"].to_numpy(), 8)
    known = 108 - 8  # windows whose target lies before the test part
    validation = 24 / known
    estimator = kf.KerasForecaster(**options, validation_fraction=validation).fit(X[:known], y[:known])
    assert [e.val_loss for e in estimator.history_.epochs] == pytest.approx(
        [e.val_loss for e in model.history.epochs], rel=1e-3
    )


def test_search_and_cross_validation_in_time_order():
    X, y = pairs(prices(150)["Close"].to_numpy(), 6)
    pipeline = make_pipeline(FunctionTransformer(), kf.KerasForecaster(**SMALL))
    search = GridSearchCV(pipeline, {"kerasforecaster__units": [2, 3]}, cv=TimeSeriesSplit(2)).fit(X, y)
    assert search.best_params_["kerasforecaster__units"] in (2, 3)
    assert cross_val_score(kf.KerasForecaster(**SMALL), X, y, cv=TimeSeriesSplit(2)).shape == (2,)


def test_wrong_parameters_are_refused_at_fit():
    X, y = pairs(prices(60)["Close"].to_numpy(), 6)
    with pytest.raises(OptionError, match=r"^units: "):
        kf.KerasForecaster(units=0).fit(X, y)
    with pytest.raises(DataError, match="validation_fraction"):
        kf.KerasForecaster(validation_fraction=1.5).fit(X, y)


LEVELS = {"prices": 100.0, "an exchange rate": 1.1, "a load": 40_000.0}


@pytest.mark.same_everywhere
@pytest.mark.parametrize("level", LEVELS.values(), ids=LEVELS)
@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler()], ids=["standard", "minmax"])
def test_windows_scaled_without_what_follows_them_are_warned_of(level, scaler):
    X, y = pairs(level / 100 * prices(120)["Close"].to_numpy(), 8)
    steps = make_pipeline(scaler, kf.KerasForecaster(units=2, layers=1, epochs=1, scaling="difference"))
    with pytest.warns(UserWarning, match=r"^y must go on from the last column of X, in its units\. Received: y that"):
        steps.fit(X, y)


@pytest.mark.parametrize("horizon", [1, 5])
@pytest.mark.parametrize(
    "series",
    [
        prices(120)["Close"].to_numpy(),
        np.arange(1.0, 121),
        2 + np.sin(np.arange(120) / 6 * np.pi),
        np.repeat(np.arange(1.0, 13), 10),
        np.where(np.arange(120) % 9 == 0, 50.0, 1.0),
    ],
    ids=["prices", "a line", "a season", "steps", "peaks"],
)
def test_what_follows_windows_is_not_warned_of(series, horizon):
    X, y = pairs(series, 8, horizon)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _warn_of_other_units(X, y.reshape(len(X), -1)[:, 0])
        scaled = (X - 7) / 3, (y.reshape(len(X), -1)[:, 0] - 7) / 3
        _warn_of_other_units(*scaled)

"""What training rows say of covariates, and what a network is then given."""

import numpy as np
import pandas as pd
import pytest

from kerasforecast.data.panel import Panel
from kerasforecast.forecasting.outside import unscaled
from kerasforecast.preprocessing.covariates import Categories, FittedCovariates, Standardised, fit_covariates
from kerasforecast.preprocessing.fit_scaling import fit_scaling


def panel(known):
    rows = len(known)
    return Panel(
        values=np.stack([np.arange(rows) + 1.0, known], axis=1),
        index=pd.RangeIndex(rows),
        starts=np.array([0, rows // 2, rows]),
        ids=np.array(["a", "b"]),
        columns=("y", "hour"),
        roles=("target", "known"),
        observed=np.array([rows // 2, rows - rows // 2]),
        key="shop",
        static=np.array([[1.0, 10.0], [0.0, 30.0]]),
        static_columns=("kind", "size"),
        categories=(("mall", "street", "web"), ()),
    )


def test_numbers_are_standardised_by_training_rows_and_categories_keep_their_numbers():
    made = panel(np.arange(10.0) * 7)
    fitted = fit_covariates(made, made.values[:4])
    assert fitted.known == (Standardised(offset=10.5, scale=float(np.float32(np.std([0, 7, 14, 21])))),)
    assert fitted.static == (Categories(names=("mall", "street", "web")), Standardised(offset=20, scale=10))
    scaled = fitted.known_inputs(made.values[None, :4, 1:], None, unscaled(1))
    np.testing.assert_allclose([scaled.mean(), scaled.std()], [0, 1], atol=1e-6)
    np.testing.assert_allclose(fitted.static_inputs(made.static), [[1, -1], [0, 1]])


def test_what_does_not_change_in_training_is_no_division_by_nothing():
    made = panel(np.full(10, 3.0))
    assert fit_covariates(made, made.values[:4]).known == (Standardised(offset=3, scale=1),)


def test_a_known_column_that_moves_is_in_the_units_of_the_window_and_a_flag_is_not():
    rows = np.arange(40)
    loads, flags = 100 + 5.0 * np.sin(rows), (rows % 10 == 0) * 1.0
    fitted = [fit_covariates(panel(each), panel(each).values, per_window=True) for each in (loads, flags)]
    assert [each.known[0].per_window for each in fitted] == [True, False]
    assert fit_covariates(panel(loads), panel(loads).values).known[0] == fitted[0].known[0].model_copy(
        update={"per_window": False}
    )
    prices = 3.0 * np.sin(rows)[:, None]  # the target follows the load
    scaling = fit_scaling("level", prices, ("y",))
    past = np.stack([prices[:8], 4 * prices[:8]])  # (2, 8, 1), the second window four times as wild
    known = np.stack([loads[:12], 500 + loads[:12]])[:, :, None]  # (2, 8 + 4, 1), at another level
    calm, wild = fitted[0].known_inputs(known, past, scaling)
    np.testing.assert_allclose(calm, 4 * wild, atol=1e-4)
    assert abs(calm[:8].mean()) < 1e-6
    assert abs(calm[8:].mean()) > 0.1  # the rows ahead have no say in the level
    still = np.zeros((2, 8, 1))
    assert (np.abs(fitted[0].known_inputs(known, still, scaling)) < 40).all()  # at most ten times as much
    plain = FittedCovariates(known=fitted[1].known).known_inputs(known, past, unscaled(1))
    np.testing.assert_array_equal(fitted[1].known_inputs(known, past, scaling), plain)


def test_a_manifest_says_what_is_normalised_by_window_and_nothing_of_what_is_not():
    plain, own = Standardised(offset=1, scale=2), Standardised(offset=1, scale=2, per_window=True)
    assert plain.model_dump() == {"offset": 1, "scale": 2}
    found = FittedCovariates(known=(own, plain))
    assert FittedCovariates.model_validate_json(found.model_dump_json()) == found


@pytest.mark.parametrize(("categories", "width"), [(1, 1), (2, 1), (5, 3), (31, 16), (5000, 16)])
def test_vectors_of_categories_stay_small(categories, width):
    each = Categories(names=tuple(map(str, range(categories))))
    assert each.width == width
    assert FittedCovariates(static=(Standardised(offset=0, scale=1), each)).static_width == 1 + width


def test_a_scaled_network_is_given_the_same_columns_without_units():
    fitted = FittedCovariates(
        known=(Standardised(offset=5, scale=3),), static=(Categories(names=("a",)), Standardised(offset=1, scale=2))
    )
    plain = fitted.unscaled
    assert (plain.known_inputs(np.ones((1, 2, 1)), None, unscaled(1)) == 1).all()
    assert plain.static_inputs(np.array([[0.0, 4.0]])).tolist() == [[0, 4]]
    assert plain.static_width == fitted.static_width


def test_attributes_of_a_series_that_nothing_is_learned_from_say_nothing():
    made = panel(np.arange(10.0))
    fitted = fit_covariates(made, made.values[:4], np.array([True, False]))
    assert fitted.static[1] == Standardised(offset=10, scale=1)


def test_numbers_of_categories_that_a_network_does_not_know():
    fitted = FittedCovariates(static=(Standardised(offset=0, scale=1), Categories(names=("a", "b"))))
    assert fitted.code_fault(None) is None
    assert fitted.code_fault(np.array([[7.5, 0], [1e30, 1]])) is None
    for wrong in (2, -1, 0.5, np.nan, np.inf):
        fault = fitted.code_fault(np.array([[0, 1], [0, wrong]]))
        assert fault == f"column 1 must hold numbers of its categories, 0 to 1. Received: {wrong:g}"


def test_categories_differ():
    with pytest.raises(ValueError, match="categories must differ"):
        Categories(names=("a", "a"))

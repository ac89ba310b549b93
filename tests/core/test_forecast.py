"""A forecast is cut and joined whole: its points, quantiles and samples stay beside one another."""

import numpy as np
import pytest

from kerasforecast.forecasting.forecast import Forecast, joined

WHOLE = Forecast(np.arange(8.0).reshape(4, 2), np.arange(24.0).reshape(4, 2, 3), np.arange(40.0).reshape(4, 5, 2))
PARTS = ("point", "quantiles", "samples")


@pytest.mark.parametrize("part", PARTS)
def test_stretches_joined_are_the_whole(part):
    again = joined([WHOLE.at(slice(0, 1)), WHOLE.at(slice(1, 4))])
    assert np.array_equal(getattr(again, part), getattr(WHOLE, part))
    assert np.array_equal(getattr(WHOLE.at(slice(2, 3)), part), getattr(WHOLE, part)[2:3])


def test_what_one_stretch_lacks_the_whole_lacks():
    again = joined([WHOLE, Forecast(WHOLE.point)])
    assert again.quantiles is again.samples is None
    assert len(again.point) == 8
    assert Forecast(WHOLE.point).at(slice(0, 2)).samples is None

"""Property tests judge results, never speed: these run on whatever machine, beside whatever else.

They try the same examples every time, so that a change is judged by what it does. Others are looked for by
`pytest tests/core --hypothesis-profile search`.
"""

import pandas as pd
import pytest
from hypothesis import HealthCheck, settings

from kerasforecast.data.load import load_series
from kerasforecast.sections.data import DataConfig

settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("core", settings.get_profile("search"), derandomize=True)
settings.load_profile("core")


@pytest.fixture(params=["csv", "frame"])
def load(request, tmp_path):
    """Read the same columns from a file and as a DataFrame."""

    def read(columns, **options):
        frame = pd.DataFrame(columns)
        if request.param == "frame":
            return load_series(DataConfig(**options), frame)
        frame.to_csv(tmp_path / "t.csv", index=False)
        return load_series(DataConfig(file=str(tmp_path / "t.csv"), **options))

    return read

"""Property tests judge results, never speed: these run on whatever machine, beside whatever else."""

import pandas as pd
import pytest
from hypothesis import HealthCheck, settings

from kerasforecast.data.load import load_series
from kerasforecast.sections.data import DataConfig

settings.register_profile("core", deadline=None, suppress_health_check=[HealthCheck.too_slow])
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

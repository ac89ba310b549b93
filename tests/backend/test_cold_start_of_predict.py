"""What a forecast from the command line does not load: every library costs its user a part of a second."""

import importlib.util
import subprocess
import sys

SPARED = (
    "matplotlib",
    "exchange_calendars",
    "holidays",
    "kerasforecast.baselines.served",
    "kerasforecast.evaluation.evaluation",
    "kerasforecast.report.figures",
    "kerasforecast.report.page",
    "kerasforecast_cli.fit",
    "narwhals",
    "plotly",
    "sklearn",
    "scipy.signal",
    "scipy.special",
    "scipy.stats",
    "statsforecast",
    "yfinance",
)
if importlib.util.find_spec("tensorflow") is None:  # which needs it itself
    SPARED += ("requests",)
PROGRAM = f"""
import atexit, runpy, sys
atexit.register(lambda: print([name for name in {SPARED} if name in sys.modules]))
sys.argv[0] = "kerasforecast"
runpy.run_module("kerasforecast_cli", run_name="__main__")
"""


def test_a_forecast_loads_what_it_needs(saved, frame, tmp_path):
    table = tmp_path / "table.csv"
    frame.to_csv(table)
    command = [sys.executable, "-c", PROGRAM, "predict", str(saved), str(table)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert told.returncode == 0, told.stderr
    *forecast, loaded = told.stdout.splitlines()
    assert forecast[0].startswith("date,forecast")
    assert loaded == "[]"

"""What a backtest and a comparison leave behind, made by models of a line of NumPy."""

from unittest import mock

from kerasforecast.evaluation.compare import compare
from kerasforecast.evaluation.walk import backtest_record, compare_record
from kerasforecast.evaluation.walk_files import write_walk
from kerasforecast.sections.split import BacktestConfig
from tests.core import test_backtest, test_compare

# No backend is installed here, whose device a record would name.
on_a_cpu = mock.patch("kerasforecast.runtime.backend.device_name", return_value="cpu")


def made_backtest(name="acme", folds=4, config=test_backtest.CONFIG):
    """The record of a backtest, and its table."""
    found = test_backtest.walk(folds=folds, config=config)
    with on_a_cpu:
        record = backtest_record(found, test_backtest.series(), config, BacktestConfig(folds=folds), name, "jax")
    return record, found.table


def made_compare(name="acme"):
    """The record of a comparison, and its table; one of the models bears `name`."""
    contenders = [test_compare.oracle(0.1, name="other"), test_compare.oracle(0.5, name=name)]
    found = compare(test_compare.SERIES, test_compare.CONFIG, test_compare.SPLIT, contenders)
    notes = ["other has learned from these forecasts (30 in its validation part): its scores flatter it."]
    with on_a_cpu:
        record = compare_record(found, test_compare.SERIES, test_compare.CONFIG, "acme", "jax", notes)
    return record, found.table


def write_backtest(folder, *args, **options):
    """Write `backtest.json` and its table; returns the path of the former."""
    return write_walk(folder, *made_backtest(*args, **options))["scores"]


def write_compare(folder, *args):
    """Write `compare.json` and its table; returns the path of the former."""
    return write_walk(folder, *made_compare(*args))["scores"]

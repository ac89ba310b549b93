"""What a backtest and a comparison leave behind, made by models of a line of NumPy."""

from kerasforecast.config import BacktestConfig
from kerasforecast.evaluation.compare import compare
from kerasforecast.report import FoldRecord, WalkRecord, write_walk
from tests.core import test_backtest, test_compare


def facts(name, config):
    """What both kinds of record hold."""
    return {
        "name": name,
        "target": "Close",
        "config": config,
        "data": "file prices.csv: 200 rows",
        "created": "2026-01-02T03:04:05+00:00",
        "backend": "jax",
        "device": "cpu",
        "versions": {"kerasforecast": "0.1.0"},
    }


def write_backtest(folder, name="acme", folds=4, config=test_backtest.CONFIG):
    """Write `backtest.json` and its table; returns the path of the former."""
    found = test_backtest.walk(folds=folds, config=config)
    records = [
        FoldRecord(
            fold=fold.number,
            skipped=0,
            train=fold.train_end,
            validation=30,
            gap=0,
            test=fold.stop - fold.start,
            start=f"row {fold.start}",
            end=f"row {fold.stop - 1}",
        )
        for fold in found.folds
    ]
    record = WalkRecord(
        kind="backtest",
        verdicts={"lstm": found.verdict.text},
        interval_verdicts={"lstm": found.interval_verdict.text},
        rows=found.rows,
        folds=records,
        walk=BacktestConfig(folds=folds),
        **facts(name, config),
    )
    return write_walk(folder, record, found.table)["scores"]


def write_compare(folder, name="acme"):
    """Write `compare.json` and its table; one of the models bears `name`."""
    contenders = [test_compare.oracle(0.1, name="other"), test_compare.oracle(0.5, name=name)]
    found = compare(test_compare.SERIES, test_compare.CONFIG, test_compare.SPLIT, contenders)
    notes = ["other learned from rows up to 2020-12-31, within the test part: its scores flatter it."]
    record = WalkRecord(
        kind="compare",
        verdicts=found.verdicts,
        interval_verdicts=found.interval_verdicts,
        rows=found.rows,
        notes=notes,
        **facts("acme", test_compare.CONFIG),
    )
    return write_walk(folder, record, found.table)["scores"]
